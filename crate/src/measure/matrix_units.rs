//! How well a graphics card's matrix units compute: a part of what [`super::probe`] asks. Errors
//! are normalised mean squared ones: of products against known ones, and of ops against the same
//! without the units.

use crate::dtype::{Precision, WeightType};
use crate::error::Result;
use crate::gpu::{Gpu, MatrixUnits, Tuning};
use crate::ops::{Activation, Epilogue, Mask, Window};
use crate::tensor::Tensor;
use crate::weight::Weight;

/// The error of products of known matrices on the matrix units.
///
/// # Errors
/// The device's faults.
pub(super) async fn products_error(gpu: &Gpu) -> Result<f64> {
    let mut largest = 0.0f64;
    // In one slice and in two.
    for [inputs, outputs] in [[100, 72], [1032, 520]] {
        largest = worse(largest, product_error(gpu, inputs, outputs).await?);
    }
    for precision in [Precision::F32, Precision::F16] {
        for op in [convolution, unit] {
            largest = worse(largest, difference(gpu, precision, op).await?);
        }
    }
    Ok(largest)
}

/// The error of attention on the matrix units, with heads that have such a kernel.
///
/// # Errors
/// The device's faults.
pub(super) async fn attention_error(gpu: &Gpu) -> Result<f64> {
    let mut largest = 0.0f64;
    for (precision, op) in [
        (Precision::F32, attention::<40> as Op),
        (Precision::F16, attention::<40>),
        (Precision::F16, attention::<80>),
    ] {
        largest = worse(largest, difference(gpu, precision, op).await?);
    }
    Ok(largest)
}

/// An op of some numbers, with weights of so many inputs and outputs.
type Op = fn(&Tensor, &dyn Fn(usize, usize) -> Weight) -> Tensor;

/// By how much an op on the matrix units differs from the same without them, as an error. Outputs
/// in f16 are rounded, which may differ where sums do, by 2⁻¹¹ of a few: they count less.
async fn difference(gpu: &Gpu, precision: Precision, op: Op) -> Result<f64> {
    let plain = Tuning::default_for(false);
    let units = on(gpu, plain.on_matrix_units(MatrixUnits::All), precision, op);
    let plain = on(gpu, plain, precision, op);
    let (units, plain) = (units.to_f32().await?, plain.to_f32().await?);
    let counts = if precision == Precision::F32 { 1.0 } else { 1e-3 };
    Ok(counts * error(&units, &plain))
}

/// What an op gives with these kernels.
fn on(gpu: &Gpu, tuning: Tuning, precision: Precision, op: Op) -> Tensor {
    let numbers: Vec<f32> = (0..9 * 8 * 36).map(|i| (i as f32 * 0.7391).sin()).collect();
    let x = Tensor::from_f32(gpu, &numbers, [1, 9, 8, 36], precision);
    let weight = |inputs: usize, outputs: usize| {
        let weight = Weight::empty(gpu, inputs, outputs, WeightType::F16);
        weight.write(0, &weights(inputs * outputs));
        weight
    };
    let chosen = gpu.tuning();
    gpu.set_tuning(tuning);
    let y = op(&x, &weight);
    gpu.set_tuning(chosen);
    y
}

/// A convolution with a window of 3 × 3.
fn convolution(x: &Tensor, weight: &dyn Fn(usize, usize) -> Weight) -> Tensor {
    let window = Window { kernel: 3, stride: 1, padding: [1, 1], resize: None };
    x.conv2d(&weight(9 * 36, 20), window, Epilogue::default())
}

/// A gated linear unit.
fn unit(x: &Tensor, weight: &dyn Fn(usize, usize) -> Weight) -> Tensor {
    x.matmul_gated(&weight(36, 72), None, Activation::Gelu)
}

/// An attention with heads for which matrix units have a kernel, more queries than a workgroup and
/// more keys than a block has, and scores that grow.
fn attention<const WIDTH: usize>(like: &Tensor, _: &dyn Fn(usize, usize) -> Weight) -> Tensor {
    const TOKENS: usize = 140;
    let channels = 2 * WIDTH;
    let number = |i: usize| (i as f32 * 0.7391).sin() * (1.0 + (i / channels) as f32 / 70.0);
    let numbers: Vec<f32> = (0..TOKENS * channels).map(number).collect();
    let x = Tensor::from_f32(like.gpu(), &numbers, [1, TOKENS, channels], like.precision());
    x.attention(&x, &x, 2, Mask::None)
}

/// Multiples of 1/64 below 4, exact in f16.
fn weights(count: usize) -> Vec<f32> {
    (0..count).map(|i| (i * 37 % 256) as f32 / 64.0 - 2.0).collect()
}

/// The normalised mean squared error.
fn error(got: &[f32], wanted: &[f32]) -> f64 {
    let square = |a: f32, b: f32| (f64::from(a) - f64::from(b)).powi(2);
    let of = |others: &dyn Fn(usize) -> f32| -> f64 {
        wanted.iter().enumerate().map(|(i, wanted)| square(*wanted, others(i))).sum()
    };
    of(&|i| got[i]) / of(&|_| 0.0)
}

/// The larger error, and NaN if one is: `f64::max` would take the other.
fn worse(one: f64, other: f64) -> f64 {
    if one.is_nan() || one > other { one } else { other }
}

/// The error of one with so many inputs and outputs.
async fn product_error(gpu: &Gpu, inputs: usize, outputs: usize) -> Result<f64> {
    // More than one workgroup and more than one step, and ends that fill neither.
    const ROWS: usize = 70;
    // Weights are exact in f16; x is not.
    let w = weights(outputs * inputs);
    let x: Vec<f32> = (0..ROWS * inputs).map(|i| (i as f32 * 0.7391).sin()).collect();
    let weight = Weight::empty(gpu, inputs, outputs, WeightType::F16);
    weight.write(0, &w);
    let chosen = gpu.tuning();
    gpu.set_tuning(Tuning::default_for(false).on_matrix_units(MatrixUnits::All));
    let y = Tensor::from_f32(gpu, &x, [1, ROWS, inputs], Precision::F32)
        .matmul(&weight, Epilogue::default());
    gpu.set_tuning(chosen);
    let wanted: Vec<f32> = (0..ROWS * outputs)
        .map(|at| {
            let (row, column) = (at / outputs * inputs, at % outputs * inputs);
            let product = |i: usize| f64::from(x[row + i]) * f64::from(w[column + i]);
            (0..inputs).map(product).sum::<f64>() as f32
        })
        .collect();
    Ok(error(&y.to_f32().await?, &wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_is_the_worst_error() {
        assert_eq!([worse(1.0, 2.0), worse(2.0, 1.0)], [2.0; 2]);
        assert!([[f64::NAN, 1.0], [1.0, f64::NAN]].into_iter().all(|[a, b]| worse(a, b).is_nan()));
        assert!(error(&[f32::NAN, 1.0], &[1.0, 1.0]).is_nan());
    }
}
