//! Proof of `to_rgba`: `(x / 2 + ½)`, cut to 0…1, times 255, rounded to the nearest; opaque.

use crate::harness::gpu::Device;
use crate::harness::shapes::edges;
use crate::harness::{Array, Case, PRECISIONS, gpu};
use pollster::block_on;

/// The definition; `None` where the value is so close to a half that f32 may round either way.
fn byte(x: f64) -> Option<u8> {
    let value = (x / 2.0 + 0.5).clamp(0.0, 1.0) * 255.0;
    ((value.fract() - 0.5).abs() > 1e-4).then_some(value.round() as u8)
}

fn check(case: &Case, x: Array) {
    let &[_, h, w, _] = x.shape() else { panic!("an image") };
    let picture = x.clone();
    let got = gpu::run(Device::Plain, move |gpu| {
        block_on(picture.on(gpu).to_rgba()).unwrap_or_else(|fault| panic!("{fault}"))
    });
    assert_eq!(got.len(), h * w * 4, "{case}");
    let mut undecided = 0;
    for (i, got) in got.chunks_exact(4).enumerate() {
        let at = [0, i / w, i % w];
        assert_eq!(got[3], 255, "{case}: the picture is not opaque at {at:?}");
        for (c, &got) in got[..3].iter().enumerate() {
            let value = x.at([0, i / w, i % w, c]);
            match byte(value) {
                Some(want) => assert_eq!(got, want, "{case} at {at:?}, channel {c}: {value}"),
                None => undecided += 1,
            }
        }
    }
    assert!(undecided * 100 <= h * w * 3 + 100, "{case}: {undecided} values are undecided");
}

#[test]
fn over_edge_sizes() {
    for precision in PRECISIONS {
        for h in edges(4) {
            for w in [1, 2, 3, 5, 63, 64, 65, 255, 256, 257] {
                let case = Case::new("to_rgba", format!("{h}×{w}"), precision);
                check(&case, case.activations("x", [1, h, w, 4]));
            }
        }
        let case = Case::new("to_rgba", "512×512", precision);
        check(&case, case.activations("x", [1, 512, 512, 4]));
    }
}

/// Every byte, and beyond both ends.
#[test]
fn of_every_byte() {
    for precision in PRECISIONS {
        let case = Case::new("to_rgba", "every byte", precision);
        let x = Array::from_fn([1, 20, 20, 4], |i| ((i / 4) as f32 - 72.0) / 127.5 - 1.0);
        check(&case, x.stored(precision));
        let case = Case::new("to_rgba", "beyond", precision);
        let far = [-60000.0, 60000.0, -1.0001, 1.0001, -1.0, 1.0, 0.1, -0.1];
        check(&case, Array::from_fn([1, 4, 4, 4], |i| far[i % 8]).stored(precision));
    }
}

/// A pixel that is not a number is clear, so that it can be found; its neighbours are not.
#[test]
fn of_what_is_not_a_number() {
    for precision in PRECISIONS {
        let strange = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
        let x = Array::from_fn([1, 3, 7, 4], |i| match (i / 4, i % 4) {
            (pixel, channel) if pixel < 9 && channel == pixel % 3 => strange[pixel / 3],
            (_, 3) => f32::NAN, // padding
            _ => 0.5,
        });
        let got = gpu::run(Device::Plain, move |gpu| {
            block_on(x.stored(precision).on(gpu).to_rgba()).unwrap_or_else(|e| panic!("{e}"))
        });
        let opacity: Vec<u8> = got.chunks_exact(4).map(|pixel| pixel[3]).collect();
        assert_eq!(opacity, [[0; 9].as_slice(), &[255; 12]].concat(), "{precision:?}");
    }
}
