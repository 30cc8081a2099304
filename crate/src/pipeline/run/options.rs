//! What comes beside a request: a picture to begin with, and what only comparisons want.

use crate::error::Result;
use crate::image::Rgba;
use crate::weights::npy::Array;

/// What comes beside a request: the picture that it begins with, and what only comparisons with
/// another program want.
#[derive(Default)]
pub struct Extras<'a> {
    /// A picture of any size to begin with; see
    /// [`Request::strength`](crate::request::Request::strength).
    pub initial: Option<&'a Rgba>,
    /// N(0, 1) `[1, c, h, w]` to begin with, instead of the seed's.
    pub latents: Option<&'a Array>,
    /// Sees every stage.
    pub witness: Option<&'a dyn Witness>,
    /// See [`SamplerOptions`](crate::diffusion::SamplerOptions).
    pub ends_at_sigma_min: bool,
    /// Leave the safety checker out: numbers are compared, and the picture is not shown.
    pub unchecked: bool,
}

/// Sees the numbers of every stage, in the layout of diffusers (channels before rows and columns).
pub trait Witness {
    /// Token ids, the negative prompt's first.
    ///
    /// # Errors
    /// Any of its own, which ends the run.
    fn ids(&self, ids: &[u32], shape: [usize; 2]) -> Result<()>;
    /// `context`, `latents_000` (the noise, scaled), then for each step `eps_NNN` (guided) and
    /// `latents_NNN`, at last `image` in 0…1. Latents are of all pictures that go together; what
    /// comes in parts comes under the same names again.
    ///
    /// # Errors
    /// Any of its own, which ends the run.
    fn numbers(&self, name: &str, shape: &[usize], values: &[f32]) -> Result<()>;
}
