//! Proof of `attention` on the matrix units of a graphics card; its definition is in `attention`.

use super::attention::Call;
use crate::harness::gpu::Device;
use crate::harness::shapes::Heads;
use crate::harness::{Array, Proof, Tolerance};
use darkroom::Precision;
use darkroom::gpu::{Gpu, Limits, MatrixUnits};
use darkroom::ops::Mask;
use darkroom::tensor::Tensor;
use pollster::block_on;

/// Heads for which matrix units have a kernel of their own, in what precision, and the queries of
/// its workgroups.
const UNITS: [(usize, Precision, usize); 5] = [
    (32, Precision::F32, 64),
    (32, Precision::F16, 64),
    (40, Precision::F32, 64),
    (40, Precision::F16, 64),
    (80, Precision::F16, 128),
];

/// What runs is what [`on_matrix_units`] means to prove, within the memory that is asked for.
#[test]
fn heads_of_the_model_have_the_kernel_for_matrix_units() {
    let gpu = Gpu::dry_within(Limits { workgroup: 32 << 10, ..Limits::default() }, true);
    gpu.use_matrix_units(MatrixUnits::All);
    let name = |d: usize, precision: Precision| {
        let x = Tensor::empty(&gpu, [1, 8, 2 * d], precision);
        gpu.reset_stats();
        drop(x.attention(&x, &x, 2, Mask::None));
        block_on(gpu.finish()).unwrap();
        gpu.kernel_stats()[0].name
    };
    for (d, precision, _) in UNITS {
        assert_eq!(name(d, precision), "attention_matrix", "{d}, {precision:?}");
    }
    assert_eq!(name(80, Precision::F32), "attention_block", "no faster on matrix units");
    assert_eq!(name(160, Precision::F16), "attention", "too wide");
}

/// At the end with keys whose scores outgrow those before them by so much that the outputs so far
/// are multiplied again.
#[test]
#[ignore = "only on a graphics card with matrix units"]
fn on_matrix_units() {
    let mut proof = Proof::new("attention on matrix units", Tolerance { f32: 1e-9, f16: 2e-7 });
    for (d, precision, queries) in UNITS {
        for mask in [Mask::None, Mask::Causal] {
            for s in [1, 15, 16, 17, 31, 32, 33, 63, 77, 130] {
                for t in [1, queries - 1, queries + 1, 2 * queries + 5] {
                    let call = Call::new(1, [t, s, 2, d], mask);
                    call.prove_on(Device::Units, &mut proof, precision, false);
                }
            }
        }
        for pictures in [[2, 2], [4, 2], [6, 2]] {
            let heads = Heads { t: queries + 2, s: 45, heads: 3, d };
            Call { pictures, heads, mask: Mask::None }.prove_on(
                Device::Units,
                &mut proof,
                precision,
                false,
            );
        }
        let call = Call::new(1, [70, 200, 2, d], Mask::None);
        let case = call.case(&proof, precision).on(Device::Units);
        let [q, k, v] = call.numbers(&case);
        // Powers of two, which are exact in f16.
        let factor =
            |key: usize| f32::from(1u8 << (if key.is_multiple_of(7) { key % 4 } else { 0 }));
        let large = k.values().iter().enumerate().map(|(i, x)| x * factor(i / (2 * d)));
        let k = Array::new([1, 200, 2 * d], large.collect());
        call.check(&mut proof, &case, [q, k, v], false);
        // Many keys: what is cut off at each adds up.
        let call = Call::new(1, [9, 9216, 1, d], Mask::None);
        call.prove_on(Device::Units, &mut proof, precision, false);
    }
}
