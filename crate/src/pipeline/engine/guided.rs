//! What goes into a guided evaluation of the UNet on the GPU, and what its predictions become.

use crate::diffusion::Guidance;
use crate::dtype::Precision;
use crate::ops::{TERMS_MAX, Term};
use crate::tensor::Tensor;

/// Further channels for a batch, from those of each picture or of each prompt and picture; of more
/// than the batch has the last.
pub(super) fn channels(extra: &Tensor, batch: usize, precision: Precision) -> Tensor {
    let first = extra.shape().image()[0].saturating_sub(batch);
    Tensor::combine(batch, precision, &[Term { x: extra, first, coefficient: 1.0 }])
}

/// The prediction from those of `prompts` prompts, each for all pictures.
pub(super) fn guided(eps: &Tensor, guidance: Guidance<'_>, prompts: usize) -> Tensor {
    let pictures = eps.shape().image()[0] / prompts;
    let factors = guidance.factors(prompts).into_iter().enumerate();
    let term = |(prompt, factor)| {
        let coefficient = factor as f32;
        Term { x: eps, first: prompt * pictures, coefficient }
    };
    let terms: Vec<_> = factors.map(term).collect();
    let (first, others) = terms.split_at(terms.len().min(TERMS_MAX));
    let sum = Tensor::combine_kept(pictures, first);
    // The parts of a prompt may be more than a dispatch takes.
    others.chunks(TERMS_MAX - 1).fold(sum, |sum, more| {
        Tensor::combine_kept(pictures, &[&[Term::new(1.0, &sum)], more].concat())
    })
}
