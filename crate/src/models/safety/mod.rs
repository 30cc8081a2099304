//! The safety checker that Stable Diffusion v1.4 comes with: a finished picture as CLIP sees it,
//! held against concepts that shall not be shown. Networks only look; the verdict is arithmetic on
//! a few numbers, on the CPU: [`Concepts`].
//!
//! ```text
//! image_embeds = visual_projection(vision_model(picture))     [1, d]
//! ```

#[cfg(feature = "engine")]
mod checker;
#[cfg(feature = "engine")]
mod concepts;
mod config;

#[cfg(feature = "engine")]
pub use checker::SafetyChecker;
#[cfg(feature = "engine")]
pub use concepts::{CONCEPTS, Concepts, SPECIAL_CARE, SafetyScores};
pub use config::SafetyConfig;
