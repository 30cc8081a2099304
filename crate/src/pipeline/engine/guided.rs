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
    let (pictures, positive) = (eps.shape().image()[0] / prompts, guidance.positive());
    let sum = combined(eps, guidance.factors(prompts), [0, pictures]);
    if guidance.rescale == 0.0 || prompts == positive {
        return sum;
    }
    let negative = prompts - positive;
    let own;
    let text = if guidance.parts.is_empty() {
        Term { x: eps, first: negative * pictures, coefficient: 1.0 }
    } else {
        let factors = guidance.without_negative().factors(positive);
        own = combined(eps, factors, [negative, pictures]);
        Term::new(1.0, &own)
    };
    sum.rescaled(text, guidance.rescale as f32)
}

/// The predictions of so many pictures for each of the prompts from `first` on, times factors, in
/// one sum.
fn combined(eps: &Tensor, factors: Vec<f64>, [first, pictures]: [usize; 2]) -> Tensor {
    let term = |(prompt, factor)| {
        let coefficient = factor as f32;
        Term { x: eps, first: (first + prompt) * pictures, coefficient }
    };
    let terms: Vec<_> = factors.into_iter().enumerate().map(term).collect();
    let (first, others) = terms.split_at(terms.len().min(TERMS_MAX));
    let sum = Tensor::combine_kept(pictures, first);
    // The parts of a prompt may be more than a dispatch takes.
    others.chunks(TERMS_MAX - 1).fold(sum, |sum, more| {
        Tensor::combine_kept(pictures, &[&[Term::new(1.0, &sum)], more].concat())
    })
}
