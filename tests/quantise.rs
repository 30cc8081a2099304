//! Blocks of quantised weights against candle's, which are ggml's: the same bytes for any row.

use crate::harness::QUANTISED;
use crate::harness::random::Random;
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use darkroom::WeightType;
use darkroom::weights::{dequantise, quantise};

const BLOCK: usize = WeightType::BLOCK;

/// candle's bytes of these rows, and the weights that it makes of them.
pub(crate) fn candle(weight_type: WeightType, values: &[f32]) -> (Vec<u8>, Vec<f32>) {
    let dtype = match weight_type {
        WeightType::Q8_0 => GgmlDType::Q8_0,
        WeightType::Q5_0 => GgmlDType::Q5_0,
        WeightType::Q4_0 => GgmlDType::Q4_0,
        other => panic!("{other} has no blocks"),
    };
    let rows = Tensor::from_slice(values, (values.len() / BLOCK, BLOCK), &Device::Cpu).unwrap();
    let quantised = QTensor::quantize(&rows, dtype).unwrap();
    let back = quantised.dequantize(&Device::Cpu).unwrap().flatten_all().unwrap();
    (quantised.data().unwrap().to_vec(), back.to_vec1().unwrap())
}

fn check(name: &str, values: &[f32]) {
    for weight_type in QUANTISED {
        let mut bytes = Vec::new();
        quantise(weight_type, values, &mut bytes);
        assert_eq!(bytes.len(), weight_type.bytes(values.len()));
        let (want, back) = candle(weight_type, values);
        let size = weight_type.bytes(BLOCK);
        for (i, (got, want)) in bytes.chunks(size).zip(want.chunks(size)).enumerate() {
            let block = &values[i * BLOCK..][..BLOCK];
            assert_eq!(got, want, "{name}, {weight_type}, block {i} of {block:?}");
        }
        let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<_>>();
        assert_eq!(bits(dequantise(weight_type, &bytes)), bits(back), "{name}, {weight_type}");
    }
}

#[test]
fn random_rows_are_candles() {
    let random = Random::new("rows to quantise");
    for (name, scale) in [
        ("usual weights", 0.05),
        ("large", 1e6),
        ("small", 1e-7),
        ("with scales of subnormal halves", 1e-5),
        ("with scales that are no halves", 1e-12),
        ("subnormal", 1e-40),
    ] {
        let values: Vec<f32> = (0..500 * BLOCK).map(|i| random.normal(i) * scale).collect();
        check(name, &values);
    }
    // any bits, but for what is not a number
    let any = (0..1000 * BLOCK).map(|i| f32::from_bits(random.word(i) as u32));
    let values: Vec<f32> = any.map(|x| if x.is_finite() { x } else { 0.0 }).collect();
    check("any bits", &values);
}

#[test]
fn edges_are_candles() {
    let row = |f: &dyn Fn(usize) -> f32| (0..BLOCK).map(f).collect::<Vec<_>>();
    let signs = |i: usize| if i.is_multiple_of(2) { 1.0 } else { -1.0 };
    for (name, values) in [
        ("zeros", row(&|_| 0.0)),
        ("minus zeros", row(&|_| -0.0)),
        ("one weight", row(&|i| if i == 17 { -3.0 } else { 0.0 })),
        ("all alike", row(&|_| 0.7)),
        ("largest of both signs", row(&|i| 1.5 * signs(i))),
        ("largest of both signs, negative first", row(&|i| -1.5 * signs(i))),
        ("ties of q8_0", row(&|i| if i == 0 { 127.0 } else { (i as f32 - 15.0) + 0.5 })),
        ("ties of q5_0", row(&|i| if i == 0 { -16.0 } else { (i as f32 - 15.0) / 2.0 })),
        ("ties of q4_0", row(&|i| if i == 0 { -8.0 } else { (i as f32 - 15.0) / 4.0 })),
        ("negative largest", row(&|i| -(i as f32))),
        ("least float", row(&|i| f32::from_bits(1) * signs(i))),
        ("largest floats", row(&|i| f32::MAX * signs(i))),
        ("spread over all magnitudes", row(&|i| 10f32.powi(i as i32 - 16) * signs(i))),
    ] {
        check(name, &values);
    }
}

/// What was quantised once does not change when it is quantised again: a file of blocks can be
/// opened through f32.
#[test]
fn quantising_again_changes_nothing() {
    let random = Random::new("rows to quantise twice");
    let values: Vec<f32> = (0..2000 * BLOCK).map(|i| random.normal(i) * 0.05).collect();
    for weight_type in QUANTISED {
        let (mut once, mut twice) = (Vec::new(), Vec::new());
        quantise(weight_type, &values, &mut once);
        quantise(weight_type, &dequantise(weight_type, &once), &mut twice);
        assert_eq!(dequantise(weight_type, &once), dequantise(weight_type, &twice));
    }
}

#[test]
fn each_bit_less_costs_what_it_should() {
    let random = Random::new("rows to lose precision");
    let values: Vec<f32> = (0..2000 * BLOCK).map(|i| random.normal(i) * 0.05).collect();
    let power: f64 = values.iter().map(|x| f64::from(*x).powi(2)).sum();
    let mut last = 0.0;
    for (weight_type, most) in QUANTISED.into_iter().zip([5e-5, 3e-3, 1e-2]) {
        let mut bytes = Vec::new();
        quantise(weight_type, &values, &mut bytes);
        let back = dequantise(weight_type, &bytes);
        let noise: f64 =
            values.iter().zip(back).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>() / power;
        println!("{weight_type}: NMSE {noise:.1e} of normal weights");
        assert!(noise < most && noise > last, "{weight_type}: {noise:.1e}");
        last = noise;
    }
}
