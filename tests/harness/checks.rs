//! The harness itself: a comparison that cannot fail proves nothing.

use super::gpu::Device;
use super::maths::{activation, erf};
use super::random::Random;
use super::{Array, Case, Want, gpu, shapes};
use darkroom::Precision;
use darkroom::ops::Activation;
use darkroom::tensor::Tensor;

fn want() -> Want {
    Want::every([100, 100], |[y, x]| ((100 * y + x) as f64).sin())
}

fn right() -> Vec<f32> {
    (0..10_000).map(|i| f64::from(i).sin() as f32).collect()
}

#[test]
fn a_right_output_passes() {
    let errors = want().compare(&right(), 1e-12).unwrap();
    assert!(errors.nmse < 1e-14 && errors.max_abs < 1e-6, "{errors:?}");
}

#[test]
fn one_wrong_value_among_ten_thousand_fails() {
    for (name, value) in [("zero", 0.0), ("other", 0.4), ("NaN", f32::NAN), ("∞", f32::INFINITY)]
    {
        let mut got = right();
        got[4711] = value;
        for tolerance in [1e-10, 3e-7] {
            let report = want().compare(&got, tolerance).expect_err(name);
            assert!(report.contains("at [47, 11]"), "{report}");
        }
    }
}

#[test]
fn a_small_error_everywhere_fails() {
    let got: Vec<f32> = right().iter().map(|v| v * 1.0001).collect();
    assert!(want().compare(&got, 1e-10).is_err());
    assert!(want().compare(&got, 1e-7).is_ok());
}

#[test]
fn a_wrong_number_of_values_fails() {
    assert!(want().compare(&right()[1..], 1.0).is_err());
}

#[test]
fn a_report_names_the_first_five_pairs() {
    let got = vec![9.0; 10_000];
    let report = want().compare(&got, 1e-10).unwrap_err();
    assert_eq!(report.lines().count(), 6, "{report}");
    assert!(report.contains("10000 of 10000"), "{report}");
    assert!(report.contains("at [0, 4] got 9.00000000e0, expected -7.56802495e-1"), "{report}");
}

#[test]
fn a_sample_has_corners_and_its_wrong_places_fail() {
    let case = Case::new("checks", "sample", Precision::F32);
    let places = shapes::sample(&case.random("places"), &[100, 100], 320);
    assert!(places.len() >= 256, "{}", places.len());
    for corner in [0, 99, 9900, 9999] {
        assert!(places.contains(&corner), "{corner}");
    }
    let want = Want::sampled(&case, [100, 100], |[y, x]| ((100 * y + x) as f64).sin());
    assert!(want.compare(&right(), 1e-12).is_ok());
    let mut got = right();
    got[9999] = 2.0;
    assert!(want.compare(&got, 1e-10).is_err());
}

#[test]
fn numbers_depend_on_name_and_index_only() {
    let (a, b) = (Random::new("matmul 3×4 x"), Random::new("matmul 3×4 y"));
    assert_eq!(a.word(7), Random::new("matmul 3×4 x").word(7));
    assert_ne!(a.word(7), b.word(7));
    let n = 100_000;
    let values: Vec<f64> = (0..n).map(|i| f64::from(a.normal(i))).collect();
    let mean = values.iter().sum::<f64>() / n as f64;
    let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n as f64;
    let lag = values.windows(2).map(|w| w[0] * w[1]).sum::<f64>() / n as f64;
    assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.02 && lag.abs() < 0.02);
}

#[test]
fn sizes_surround_a_tile() {
    assert_eq!(shapes::edges(8), [1, 7, 8, 9, 19]);
    assert_eq!(shapes::edges_of_four(32), [4, 28, 32, 36, 76]);
    assert_eq!(shapes::edges_of_four(4), [4, 8, 20]);
}

#[test]
fn functions_have_their_published_values() {
    for (x, value) in
        [(0.5, 0.5204998778130465), (2.0, 0.9953222650189527), (-1.0, -0.8427007929497149)]
    {
        assert!((erf(x) - value).abs() < 1e-14, "erf {x}");
    }
    // torch 2, float64, x = 1
    for (function, value) in [
        (Activation::Silu, 0.7310585786300049),
        (Activation::Gelu, 0.8413447460685429),
        (Activation::GeluTanh, 0.8411919906082768),
        (Activation::QuickGelu, 0.8457957659328212),
    ] {
        assert!((activation(function, 1.0) - value).abs() < 1e-12, "{function:?}");
    }
}

#[test]
fn arrays_are_rounded_as_they_are_stored() {
    let array = Array::new([2, 2], vec![1.0, 1.0 + 1.0 / 4096.0, 2.0, 65504.0]);
    assert_eq!(array.clone().stored(Precision::F16).values(), [1.0, 1.0, 2.0, 65504.0]);
    assert_eq!(array.at([1, 0]), 2.0);
    assert_eq!(array.row([1]), [2.0, 65504.0]);
}

#[test]
fn a_failed_job_fails_its_test_and_no_other() {
    let failed = std::panic::catch_unwind(|| gpu::run(Device::Plain, |_| panic!("on purpose")));
    assert_eq!(failed.unwrap_err().downcast_ref::<String>().unwrap(), "on purpose");
    assert!(!gpu::run(Device::Plain, |gpu| gpu.is_dry()));
}

#[test]
fn what_an_op_does_not_write_is_not_a_number() {
    for shape in [[1, 3, 4], [2, 17, 36], [1, 64, 64]] {
        let case = Case::new("checks", format!("{shape:?}"), Precision::F32);
        let x = case.activations("x", shape);
        // an input takes one of the buffers, the output that nobody writes another
        let got = case.run(
            move |gpu| {
                let _x = x.on(gpu);
                Tensor::empty(gpu, shape, Precision::F32)
            },
            &shape,
        );
        assert!(got.iter().all(|v| v.is_nan()), "{case}: {:?}", &got[..4]);
    }
}
