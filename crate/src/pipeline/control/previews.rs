//! Which previews of unfinished pictures the caller gets.

/// Which previews of an unfinished picture are sent; none by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Previews {
    /// The latents of every step.
    pub latents: bool,
    /// A decoded picture after every so many steps, each of which costs a run of the VAE's decoder;
    /// 0 is never. A model that was opened with a TAESD decodes them by it, which is quick enough
    /// for every step (1).
    pub pictures: u32,
}

impl Previews {
    /// Whether there is any preview after a step.
    pub(in crate::pipeline) fn after(self, step: usize) -> bool {
        self.latents || self.picture_after(step)
    }

    /// Whether there is a decoded picture after a step.
    pub(in crate::pipeline) fn picture_after(self, step: usize) -> bool {
        self.pictures > 0 && step.is_multiple_of(self.pictures as usize)
    }
}
