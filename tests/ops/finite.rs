//! Proof of `finite`: false where one value, anywhere, is an infinity or not a number.

use crate::harness::gpu::Device;
use crate::harness::{Array, Case, PRECISIONS, gpu};
use darkroom::Precision;
use pollster::block_on;

/// What the GPU says of each array.
fn ask(arrays: Vec<Array>) -> Vec<bool> {
    gpu::run(Device::Plain, move |gpu| {
        let answer = |x: &Array| block_on(x.on(gpu).is_finite());
        arrays.iter().map(|x| answer(x).unwrap_or_else(|fault| panic!("{fault}"))).collect()
    })
}

#[test]
fn one_value_that_is_no_number_is_found_anywhere() {
    for precision in PRECISIONS {
        for shape in [[1, 1, 1, 4], [1, 3, 5, 4], [1, 8, 8, 4], [2, 9, 7, 8], [1, 64, 64, 4]] {
            let case = Case::new("finite", format!("{shape:?}"), precision);
            let good = case.activations("x", shape);
            let elements = good.values().len();
            let mut spoiled = vec![good.clone()];
            for place in [0, 1, elements / 2, elements - 2, elements - 1] {
                for value in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                    let mut values = good.values().to_vec();
                    values[place] = value;
                    spoiled.push(Array::new(shape, values).stored(precision));
                }
            }
            let answers = ask(spoiled);
            assert!(answers[0], "{case} is finite");
            assert!(answers[1..].iter().all(|finite| !finite), "{case}: {answers:?}");
        }
    }
}

#[test]
fn extremes_are_finite() {
    let extremes = [0.0, -0.0, f32::MAX, f32::MIN, f32::MIN_POSITIVE, f32::from_bits(1)];
    let of_f16 = [0.0, -0.0, 65504.0, -65504.0, 6.2e-5, 6e-8];
    let array = |values: [f32; 6]| Array::from_fn([1, 2, 3, 4], move |i| values[i % 6]);
    let asked = vec![array(extremes), array(of_f16).stored(Precision::F16)];
    assert_eq!(ask(asked), [true, true]);
}
