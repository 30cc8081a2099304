//! Networks that enlarge a picture, of the ESRGAN family, from the shapes of their tensors: their
//! files have no config.
//!
//! ```text
//! Rrdb      picture → features → blocks + skip → doubled, doubled → picture: RRDBNet
//! Compact   picture → convolutions at its own size → pixels of each pixel: SRVGGNetCompact
//! ```
//!
//! Wang et al., *ESRGAN*, 2018; Wang et al., *Real-ESRGAN*, 2021; both networks as BasicSR has
//! them.

#[cfg(feature = "engine")]
mod compact;
mod config;
#[cfg(feature = "engine")]
mod network;
#[cfg(feature = "engine")]
mod rrdb;

pub use config::{UpscalerConfig, UpscalerKind};
#[cfg(feature = "engine")]
pub use network::UpscalerNetwork;
