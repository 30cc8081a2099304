//! Which previews of unfinished pictures a caller wants.

/// Which previews of an unfinished picture are sent; none by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Previews {
    /// The latents of every step.
    pub latents: bool,
    /// Every so many steps a picture of them, which costs a run of the VAE's decoder; 0 is never.
    pub pictures: u32,
}

impl Previews {
    /// Whether anything is told after a step.
    pub(in crate::pipeline) fn after(self, step: usize) -> bool {
        self.latents || self.picture_after(step)
    }

    /// Whether the decoder draws a picture after a step.
    pub(in crate::pipeline) fn picture_after(self, step: usize) -> bool {
        self.pictures > 0 && step.is_multiple_of(self.pictures as usize)
    }
}
