//! Proof of `rescale`: `y · (share · std(text) / std(y) + 1 − share)` for each picture, as
//! `rescale_noise_cfg` of diffusers has it.

use crate::harness::{Array, PRECISIONS, Proof, Tolerance, Want};
use darkroom::Precision;
use darkroom::ops::Term;

/// The deviation of a picture of an array, with n − 1 as torch has it.
fn deviation(x: &Array, picture: usize, size: usize) -> f64 {
    let values = &x.values()[picture * size..][..size];
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / size as f64;
    let squares = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>();
    (squares / (size as f64 - 1.0)).sqrt()
}

#[test]
fn each_picture_gets_the_spread_of_its_text() {
    let mut proof = Proof::new("rescale", Tolerance { f32: 1e-11, f16: 2e-7 });
    for precision in PRECISIONS {
        for (shape, share) in [
            ([1, 1, 2, 4], 1.0),
            ([1, 8, 8, 4], 0.7),
            ([2, 5, 7, 4], 0.25),
            ([3, 16, 9, 8], 0.5),
            ([1, 64, 64, 4], 0.7),
        ] {
            let size = format!("{shape:?}, text in {precision:?}");
            let case = proof.case(size, Precision::F32);
            let [b, h, w, c] = shape;
            let size = h * w * c;
            // Pictures of different spreads, away from 0; the texts stand behind other predictions.
            let (random, other) = (case.random("y"), case.random("text"));
            let y = Array::from_fn(shape, |i| 2.0 + (1 + i / size) as f32 * random.normal(i));
            let text = Array::from_fn([2 * b, h, w, c], |i| other.normal(i) * 0.5 - 1.0);
            let text = text.stored(precision);
            let factors: Vec<f64> = (0..b)
                .map(|picture| {
                    let ratio = deviation(&text, b + picture, size) / deviation(&y, picture, size);
                    share * ratio + 1.0 - share
                })
                .collect();
            let want = Want::every(shape, |at| y.at(at) * factors[at[0]]);
            proof.check(&case, want, move |gpu| {
                let text = text.on(gpu);
                let term = Term { x: &text, first: b, coefficient: 1.0 };
                y.on(gpu).rescaled(term, share as f32)
            });
        }
    }
}
