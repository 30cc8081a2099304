//! Stable Diffusion v1.4's safety checker: CLIP's embedding of a finished picture is compared with
//! those of concepts that must not be shown. The network makes the embedding; the comparison is
//! arithmetic on a few numbers, on the CPU: [`Concepts`].
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
