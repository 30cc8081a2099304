//! Whether an adapter's numbers are what the kernels build on. WGSL leaves some of it open, and
//! some drivers are wrong; a picture would be wrong without a sign of it. So a graphics card is
//! checked when it is opened, with small runs of the very kernels that depend on it. Adapters that
//! compute on the CPU are known, and not checked.
//!
//! ```text
//! overflow     f32 → f16 beyond 65504 is infinity, from which the steps find out that f16 is too
//!              narrow; where it is clamped instead, activations can only be f32
//! subnormals   f16 below 6e-5 keeps its value, such as the scales of quantised blocks; where it
//!              becomes zero, weights can only be f16 or f32
//! invalid      NaN and both infinities are found; else no picture could be trusted
//! repeats      the same work on the buffers of the time before gives the same bits a second and a
//!              third time; else no step after the first could be trusted
//! products     those of matrix units are right; else they are not used
//! attention    on matrix units it is right; else it is computed without them
//! ```

use crate::dtype::{Precision, WeightType};
use crate::error::{Error, Result};
use crate::gpu::{Gpu, MatrixUnits};
use crate::measure::matrix_units;
use crate::ops::{Activation, Epilogue, Mask};
use crate::tensor::Tensor;
use crate::weight::Weight;

/// What is stored as f16, and what it becomes where overflow is infinity. How numbers next to the
/// largest f16 are rounded does not matter.
const STORED: [(f32, f32); 8] = [
    (65504.0, 65504.0),
    (1e5, f32::INFINITY),
    (1e6, f32::INFINITY),
    (1e30, f32::INFINITY),
    (-65504.0, -65504.0),
    (-1e5, f32::NEG_INFINITY),
    (-1e6, f32::NEG_INFINITY),
    (0.5, 0.5),
];

/// Weights whose blocks of q8_0 have a subnormal scale (1e-6).
const SMALL: f32 = 1.27e-4;
/// Inputs of the product with them; outputs are then Σ 1000 · `SMALL`.
const SMALL_INPUTS: usize = 32;
/// A scale of 17 units of 2⁻²⁴ is rounded by 3 % at the most.
const SMALL_ERROR: f32 = 0.05;

/// The largest error of what matrix units compute; see [`matrix_units`]. Inputs that lost their
/// lower half differ by 2e-8.
const UNITS_ERROR: f64 = 1e-9;

/// Three values that must be found not finite, and one that is finite.
const FINITE_CASES: [f32; 4] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1.0];

/// What an adapter answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Answers {
    /// What became of each number of `STORED`; none without `shader-f16`.
    pub stored: Option<Vec<f32>>,
    /// Σ 1000 · w over 32 weights of 1.27e-4 in q8_0.
    pub small: f32,
    /// Whether tensors with NaN, ∞, −∞ and 1 were taken for finite.
    pub finite: [bool; 4],
    /// The bits of the same work, done three times.
    pub runs: [Vec<u32>; 3],
    /// The normalised mean squared error of a product on the matrix units, where there are any.
    pub products: Option<f64>,
    /// That of an attention on them.
    pub attention: Option<f64>,
}

/// What follows from the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numerics {
    /// Activations may be f16, as far as overflow is concerned.
    pub overflow_is_infinite: bool,
    /// f16 numbers below 6e-5 keep their value.
    pub keeps_subnormals: bool,
    /// What matrix units do rightly, where there are any.
    pub matrix_units: MatrixUnits,
}

impl Numerics {
    /// As the kernels need it, and as software adapters do it.
    pub const EXACT: Numerics = Numerics {
        overflow_is_infinite: true,
        keeps_subnormals: true,
        matrix_units: MatrixUnits::Unused,
    };

    /// Asks an adapter.
    ///
    /// # Errors
    /// As [`Numerics::of`], and the device's faults.
    pub async fn probe(gpu: &Gpu) -> Result<Numerics> {
        if gpu.info().software || gpu.is_dry() {
            return Ok(Numerics::EXACT);
        }
        let answers = Answers::ask(gpu).await;
        // Their buffers fit nothing in a model.
        gpu.trim();
        Numerics::of(&answers?)
    }

    /// What follows from some answers.
    ///
    /// # Errors
    /// [`Error::NoAdapter`] where no picture of this adapter could be trusted.
    pub fn of(answers: &Answers) -> Result<Numerics> {
        let unusable = |what: &str| Error::NoAdapter {
            reason: format!(
                "this one, or its driver, does not compute reliably: {what}; the CPU can compute \
                 instead, with --device cpu, on the page with #device=cpu"
            ),
        };
        if answers.finite != [false, false, false, true] {
            return Err(unusable("numbers that are not finite are not told from those that are"));
        }
        let [first, others @ ..] = &answers.runs;
        if others.iter().any(|other| other != first) {
            return Err(unusable("the same work gives other numbers when it is done again"));
        }
        let stored = answers.stored.as_deref().unwrap_or_default();
        let expected = SMALL * 1000.0 * SMALL_INPUTS as f32;
        let overflow_is_infinite = stored.iter().zip(STORED).all(|(got, (_, want))| *got == want);
        let keeps_subnormals = (answers.small - expected).abs() < SMALL_ERROR * expected;
        let is_right = |error: Option<f64>| error.is_some_and(|error| error < UNITS_ERROR);
        let [products, attention] = [answers.products, answers.attention].map(is_right);
        Ok(Numerics {
            overflow_is_infinite,
            keeps_subnormals,
            // They take f16: what outgrows it must be infinite, and small rests must count.
            matrix_units: match overflow_is_infinite && keeps_subnormals && products {
                true if attention => MatrixUnits::All,
                true => MatrixUnits::Products,
                false => MatrixUnits::Unused,
            },
        })
    }
}

impl Answers {
    /// Runs the kernels.
    ///
    /// # Errors
    /// The device's faults.
    pub async fn ask(gpu: &Gpu) -> Result<Answers> {
        let mut finite = [true; 4];
        for (answer, value) in finite.iter_mut().zip(FINITE_CASES) {
            // The last lane of the last round has it.
            let values: Vec<f32> = (0..256).map(|i| if i == 255 { value } else { 0.5 }).collect();
            *answer =
                Tensor::from_f32(gpu, &values, [1, 64, 4], Precision::F32).is_finite().await?;
        }
        let mut runs = [const { Vec::new() }; 3];
        for run in &mut runs {
            *run = mixed(gpu).to_f32().await?.into_iter().map(f32::to_bits).collect();
        }
        let (stored, small) = (stored(gpu).await?, small(gpu).await?);
        let (mut products, mut attention) = (None, None);
        if gpu.has_matrix_units() {
            // A driver that refuses such a kernel does without it, not without the adapter.
            products = Some(matrix_units::products_error(gpu).await.unwrap_or(f64::INFINITY));
            attention = Some(matrix_units::attention_error(gpu).await.unwrap_or(f64::INFINITY));
        }
        Ok(Answers { stored, small, finite, runs, products, attention })
    }
}

/// Some numbers as f16, and back.
async fn stored(gpu: &Gpu) -> Result<Option<Vec<f32>>> {
    if !gpu.has_f16() {
        return Ok(None);
    }
    let values = STORED.map(|(value, _)| value);
    let x = Tensor::from_f32(gpu, &values, [1, 2, 4], Precision::F32);
    Ok(Some(x.cast(Precision::F16).to_f32().await?))
}

/// An output of a product with small weights of q8_0.
async fn small(gpu: &Gpu) -> Result<f32> {
    let weight = Weight::empty(gpu, SMALL_INPUTS, Weight::PANEL, WeightType::Q8_0);
    weight.write(0, &[SMALL; SMALL_INPUTS * Weight::PANEL]);
    let x = Tensor::from_f32(gpu, &[1000.0; SMALL_INPUTS], [1, 1, SMALL_INPUTS], Precision::F32);
    Ok(x.matmul(&weight, Epilogue::default()).to_f32().await?[0])
}

/// Products, sums and an attention, one after the other: barriers, shared memory, and buffers that
/// serve again.
fn mixed(gpu: &Gpu) -> Tensor {
    const SIDE: usize = 64;
    let numbers = |seed: f32| -> Vec<f32> {
        (0..SIDE * SIDE).map(|i| ((i as f32 + seed) * 0.7391).sin()).collect()
    };
    let mut x = Tensor::from_f32(gpu, &numbers(1.0), [1, SIDE, SIDE], Precision::F32);
    let weight = Weight::empty(gpu, SIDE, SIDE, WeightType::F16);
    weight.write(0, &numbers(2.0));
    for _ in 0..3 {
        let product = x.matmul(&weight, Epilogue::default());
        x = product.attention(&x, &product, 2, Mask::None).activate(Activation::Silu).add(&x);
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Answers {
        Answers {
            stored: Some(STORED.iter().map(|(_, stored)| *stored).collect()),
            small: 1000.0 * SMALL * SMALL_INPUTS as f32,
            finite: [false, false, false, true],
            runs: [const { Vec::new() }; 3],
            products: None,
            attention: None,
        }
    }

    #[test]
    fn an_exact_adapter_is_used_as_it_is() {
        assert_eq!(Numerics::of(&good()).unwrap(), Numerics::EXACT);
        let without_f16 = Answers { stored: None, ..good() };
        assert_eq!(Numerics::of(&without_f16).unwrap(), Numerics::EXACT);
    }

    #[test]
    fn each_departure_is_noticed() {
        let clamped = STORED.iter().map(|(value, _)| value.clamp(-65504.0, 65504.0)).collect();
        let clamps = Answers { stored: Some(clamped), ..good() };
        let found = Numerics::of(&clamps).unwrap();
        assert_eq!(found, Numerics { overflow_is_infinite: false, ..Numerics::EXACT });
        let flushes = Answers { small: 0.0, ..good() };
        let found = Numerics::of(&flushes).unwrap();
        assert_eq!(found, Numerics { keeps_subnormals: false, ..Numerics::EXACT });
    }

    #[test]
    fn matrix_units_are_used_for_what_they_do_rightly() {
        let right = Some(1e-13);
        for wrong in [Some(2e-8), Some(f64::NAN), Some(f64::INFINITY), None] {
            for (products, attention, used) in [
                (right, right, MatrixUnits::All),
                (right, wrong, MatrixUnits::Products),
                (wrong, right, MatrixUnits::Unused),
                (wrong, wrong, MatrixUnits::Unused),
            ] {
                let found = Numerics::of(&Answers { products, attention, ..good() }).unwrap();
                assert_eq!(found, Numerics { matrix_units: used, ..Numerics::EXACT });
            }
        }
        let clamped = STORED.iter().map(|(value, _)| value.clamp(-65504.0, 65504.0)).collect();
        let exact = Answers { products: Some(0.0), attention: Some(0.0), ..good() };
        let flushes = Answers { small: 0.0, ..exact.clone() };
        for answers in [flushes, Answers { stored: Some(clamped), ..exact }] {
            let units = Numerics::of(&answers).unwrap().matrix_units;
            assert_eq!(units, MatrixUnits::Unused, "{answers:?}");
        }
    }

    #[test]
    fn an_adapter_that_cannot_be_trusted_is_refused() {
        for i in 0..4 {
            let mut finite = good().finite;
            finite[i] = !finite[i];
            let fault = Numerics::of(&Answers { finite, ..good() }).unwrap_err();
            assert!(fault.to_string().contains("not finite are not told"), "{fault}");
        }
        let mut runs = good().runs;
        runs[2] = vec![1];
        let fault = Numerics::of(&Answers { runs, ..good() }).unwrap_err();
        assert!(fault.to_string().contains("when it is done again"), "{fault}");
        assert!(fault.to_string().contains("--device cpu"), "{fault}");
    }
}
