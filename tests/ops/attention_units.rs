//! Proof of `attention` on the matrix units of a graphics card; its definition is in `attention`.

use super::attention::Call;
use crate::harness::gpu::Device;
use crate::harness::shapes::Heads;
use crate::harness::{Array, PRECISIONS, Proof, Tolerance};
use darkroom::ops::Mask;

/// Heads for which matrix units have a kernel of their own, and the queries of its workgroups in f32
/// and f16; those of 80 in f16 alone.
const UNITS: [(usize, [usize; 2]); 3] = [(32, [64, 64]), (40, [64, 64]), (80, [0, 128])];

/// At the end with keys whose scores outgrow those before them by so much that the outputs so far
/// are multiplied again.
#[test]
#[ignore = "only on a graphics card with matrix units"]
fn on_matrix_units() {
    let mut proof = Proof::new("attention on matrix units", Tolerance { f32: 1e-9, f16: 2e-7 });
    for (d, of_group) in UNITS {
        for (precision, queries) in PRECISIONS.into_iter().zip(of_group) {
            for mask in [Mask::None, Mask::Causal] {
                for s in [1, 15, 16, 17, 31, 32, 33, 63, 77, 130] {
                    for t in [1, queries.max(2) - 1, queries + 1, 2 * queries + 5] {
                        let call = Call::new(1, [t, s, 2, d], mask);
                        call.prove_on(Device::Units, &mut proof, precision, false);
                    }
                }
            }
            for pictures in [[2, 2], [4, 2], [6, 2]] {
                let heads = Heads { t: queries + 2, s: 45, heads: 3, d };
                Call { pictures, heads, mask: Mask::None }
                    .prove_on(Device::Units, &mut proof, precision, false);
            }
            let call = Call::new(1, [70, 200, 2, d], Mask::None);
            let case = call.case(&proof, precision).on(Device::Units);
            let [q, k, v] = call.numbers(&case);
            // Powers of two, which are exact in f16.
            let factor = |key: usize| f32::from(1u8 << (if key % 7 == 0 { key % 4 } else { 0 }));
            let large = k.values().iter().enumerate().map(|(i, x)| x * factor(i / (2 * d)));
            let k = Array::new([1, 200, 2 * d], large.collect());
            call.check(&mut proof, &case, [q, k, v], false);
        }
    }
}
