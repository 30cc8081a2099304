//! Proof of `attention`: for each head, `softmax(q·kᵀ/√d)·v`, the keys after the query's own
//! position left out where the mask is causal.

use crate::harness::gpu::{Device, run};
use crate::harness::maths::dot;
use crate::harness::shapes::{ATTENTIONS, Heads, edges, sorted};
use crate::harness::{Array, Case, FEWER_IN_F16, PRECISIONS, Proof, Tolerance, Want};
use darkroom::Precision;
use darkroom::ops::Mask;
use darkroom::tensor::{Channels, Tensor};
use pollster::block_on;

fn proof() -> Proof {
    Proof::new("attention", Tolerance { f32: 1e-11, f16: 2e-7 })
}

/// Heads for which a real GPU has a kernel of its own, the queries of its workgroups, and where it
/// runs: the widest takes more memory than every adapter has.
const BLOCKS: [(usize, usize, Device); 3] =
    [(32, 48, Device::Hardware), (40, 48, Device::Hardware), (80, 32, Device::Roomy)];

/// One call: pictures of the queries and of the keys, sizes, mask.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    pub(super) pictures: [usize; 2],
    pub(super) heads: Heads,
    pub(super) mask: Mask,
}

impl Call {
    pub(super) fn new(b: usize, [t, s, heads, d]: [usize; 4], mask: Mask) -> Call {
        Call { pictures: [b, b], heads: Heads { t, s, heads, d }, mask }
    }

    pub(super) fn case(&self, proof: &Proof, precision: Precision) -> Case {
        let Heads { t, s, heads, d } = self.heads;
        let [b, kb] = self.pictures;
        let size = format!("{b}×{t} queries, {kb}×{s} keys, {heads} heads of {d}, {:?}", self.mask);
        proof.case(size, precision)
    }

    pub(super) fn numbers(&self, case: &Case) -> [Array; 3] {
        let Heads { t, s, heads, d } = self.heads;
        let ([b, kb], c) = (self.pictures, heads * d);
        [
            case.activations("q", [b, t, c]),
            case.activations("k", [kb, s, c]),
            case.activations("v", [kb, s, c]),
        ]
    }

    /// All channels of one head at one query.
    fn row(&self, [q, k, v]: &[Array; 3], [b, t, head]: [usize; 3]) -> Vec<f64> {
        let Heads { s, d, .. } = self.heads;
        let sharing = self.pictures[0] / self.pictures[1];
        let (picture, channels) = (b / sharing, head * d..(head + 1) * d);
        let seen = match self.mask {
            Mask::None => s,
            Mask::Causal => s.min(t + 1),
        };
        let query = &q.row([b, t])[channels.clone()];
        let scores: Vec<f64> = (0..seen)
            .map(|i| dot(query, &k.row([picture, i])[channels.clone()]) / (d as f64).sqrt())
            .collect();
        let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
        let total: f64 = weights.iter().sum();
        let mut sums = vec![0.0; d];
        for (i, weight) in weights.iter().enumerate() {
            for (sum, &value) in sums.iter_mut().zip(&v.row([picture, i])[channels.clone()]) {
                *sum += weight / total * f64::from(value);
            }
        }
        sums
    }

    /// Compares every output, or a sample of them.
    pub(super) fn check(&self, proof: &mut Proof, case: &Case, numbers: [Array; 3], sampled: bool) {
        let (call, Heads { t, heads, d, .. }) = (*self, self.heads);
        let shape = [self.pictures[0], t, heads * d];
        // neighbours share a row
        let mut last = ([usize::MAX; 3], vec![]);
        let definition = |[b, t, c]: [usize; 3]| {
            let place = [b, t, c / d];
            if last.0 != place {
                last = (place, call.row(&numbers, place));
            }
            last.1[c % d]
        };
        let want = match sampled {
            false => Want::every(shape, definition),
            true => Want::sampled(case, shape, definition),
        };
        proof.check(case, want, move |gpu| {
            let [q, k, v] = numbers.map(|array| array.on(gpu));
            q.attention(&k, &v, call.heads.heads, call.mask)
        });
    }

    fn prove(&self, proof: &mut Proof, precision: Precision, sampled: bool) {
        self.prove_on(Device::Plain, proof, precision, sampled);
    }

    pub(super) fn prove_on(
        &self,
        device: Device,
        proof: &mut Proof,
        precision: Precision,
        sampled: bool,
    ) {
        let case = self.case(proof, precision).on(device);
        let numbers = self.numbers(&case);
        self.check(proof, &case, numbers, sampled);
    }
}

#[test]
fn at_the_edges_of_tiles() {
    let mut proof = proof();
    let tokens = sorted([edges(4), edges(8), edges(16), edges(32)].concat());
    for precision in PRECISIONS {
        for mask in [Mask::None, Mask::Causal] {
            for &t in &tokens {
                for &s in &tokens {
                    Call::new(1, [t, s, 2, 8], mask).prove(&mut proof, precision, false);
                }
            }
            for s in edges(64) {
                for t in [1, 17, s] {
                    Call::new(1, [t, s, 1, 40], mask).prove(&mut proof, precision, false);
                }
            }
        }
    }
}

/// Where the proofs run on a software adapter, its kernel is not that of a real GPU.
#[test]
fn with_the_kernel_of_a_real_gpu() {
    let mut proof = proof();
    for (precision, step) in FEWER_IN_F16 {
        for mask in [Mask::None, Mask::Causal].into_iter().step_by(step) {
            let sizes = [(1, 1, 8), (17, 65, 8), (33, 63, 40), (32, 32, 16), (65, 33, 64)];
            // Values are staged for 17 keys of heads of 80, and for 8 of heads of 160.
            let staged = [(16, 64, 80), (5, 17, 80), (33, 51, 80), (40, 31, 160), (9, 130, 160)];
            let wide = [(3, 8, 160), (19, 70, 512), (16, 9, 256)];
            for (t, s, d) in [&sizes[..], &staged, &wide].concat() {
                let call = Call::new(1, [t, s, 2, d], mask);
                call.prove_on(Device::Hardware, &mut proof, precision, false);
            }
        }
    }
}

#[test]
fn with_the_kernel_of_blocks() {
    let mut proof = proof();
    for (precision, (d, queries, device)) in
        PRECISIONS.into_iter().flat_map(|precision| BLOCKS.map(|block| (precision, block)))
    {
        for mask in [Mask::None, Mask::Causal] {
            // A block has 16, 20 or 40 keys.
            for s in [1, 15, 16, 17, 19, 20, 21, 39, 40, 41, 77, 79] {
                for t in [1, queries - 1, queries, queries + 1, 2 * queries + 5] {
                    let call = Call::new(1, [t, s, 2, d], mask);
                    call.prove_on(device, &mut proof, precision, false);
                }
            }
        }
        for pictures in [[2, 2], [4, 2], [6, 2]] {
            let heads = Heads { t: queries + 2, s: 45, heads: 3, d };
            Call { pictures, heads, mask: Mask::None }
                .prove_on(device, &mut proof, precision, false);
        }
    }
}

/// What runs is what [`with_the_kernel_of_blocks`] means to prove.
#[test]
fn heads_of_the_model_have_the_kernel_of_blocks() {
    for (d, _, device) in BLOCKS {
        let (bytes, name) = run(device, move |gpu| {
            let x = Tensor::empty(gpu, [1, 8, 2 * d], Precision::F32);
            gpu.reset_stats();
            drop(x.attention(&x, &x, 2, Mask::None));
            block_on(gpu.finish()).unwrap();
            (gpu.limits().workgroup, gpu.kernel_stats()[0].name.to_string())
        });
        // A real GPU without the memory does it in another way.
        let fits = device == Device::Hardware || bytes >= 32 << 10;
        assert_eq!(name == "attention_block", fits, "{d}: {name}");
    }
}

/// A query's outputs have the same bits beside whatever others, as a dispatch's bands need it.
#[test]
fn a_query_does_not_see_the_others() {
    for (d, queries, device) in BLOCKS {
        let call = Call::new(1, [2 * queries, 79, 2, d], Mask::None);
        let case = call.case(&proof(), Precision::F32).on(device);
        let [q, k, v] = call.numbers(&case);
        let outputs = |first: usize| {
            let rows = q.values()[first * 2 * d..].to_vec();
            let q = Array::new([1, 2 * queries - first, 2 * d], rows);
            let (k, v) = (k.clone(), v.clone());
            let y = run(device, move |gpu| {
                let y = q.on(gpu).attention(&k.on(gpu), &v.on(gpu), 2, Mask::None);
                block_on(y.to_f32()).unwrap()
            });
            y.into_iter().map(f32::to_bits).collect::<Vec<u32>>()
        };
        let all = outputs(0);
        for first in [1, 7, queries - 1] {
            assert!(outputs(first) == all[first * 2 * d..], "{d}, from query {first}");
        }
    }
}

#[test]
fn with_any_head() {
    let mut proof = proof();
    let widths = [40, 4, 8, 160, 12, 16, 512, 20, 32, 64, 48, 80, 128, 256];
    // each is a kernel to compile; f16 differs in how elements are read and written only
    for (precision, step) in FEWER_IN_F16 {
        for d in widths.into_iter().step_by(step) {
            for heads in [1, 3, 8] {
                Call::new(2, [19, 19, heads, d], Mask::None).prove(&mut proof, precision, false);
            }
        }
    }
    for d in [4, 40, 64] {
        Call::new(2, [19, 19, 3, d], Mask::Causal).prove(&mut proof, Precision::F32, false);
    }
}

#[test]
fn with_keys_that_pictures_share() {
    let mut proof = proof();
    for precision in PRECISIONS {
        for pictures in [[2, 1], [4, 2], [6, 3], [8, 2]] {
            let heads = Heads { t: 21, s: 11, heads: 2, d: 40 };
            let call = Call { pictures, heads, mask: Mask::None };
            call.prove(&mut proof, precision, false);
        }
    }
}

/// q, k and v side by side in one tensor, or k and v in one and q in another.
#[test]
fn of_channels_of_a_tensor() {
    let mut proof = proof();
    let devices = [Device::Plain, Device::Hardware];
    for (precision, device) in PRECISIONS.into_iter().flat_map(|p| devices.map(|on| (p, on))) {
        let call = Call::new(2, [21, 21, 3, 40], Mask::None);
        let case = call.case(&proof, precision).on(device);
        let numbers = call.numbers(&case);
        // what lies before, between and after is not a number
        let beside = |arrays: &[&Array]| {
            let width = 4 + arrays.len() * 124;
            let values = (0..2 * 21 * width).map(|i| {
                let (row, column) = (i / width, i % width);
                let (array, channel) = (column / 124, (column % 124).wrapping_sub(4));
                let array = arrays.get(array).filter(|_| channel < 120);
                array.map_or(f32::NAN, |array| array.values()[row * 120 + channel])
            });
            Array::new([2, 21, width], values.collect()).stored(precision)
        };
        let [q, k, v] = &numbers;
        let (all, two, one) = (beside(&[q, k, v]), beside(&[k, v]), q.clone());
        let want =
            || Want::every([2, 21, 120], |[b, t, c]| call.row(&numbers, [b, t, c / 40])[c % 40]);
        proof.check(&case, want(), move |gpu| {
            let all = all.on(gpu);
            let [q, k, v] = [4, 128, 252].map(|first| Channels::new(&all, first, 120));
            Tensor::attend(q, k, v, 3, Mask::None)
        });
        proof.check(&case, want(), move |gpu| {
            let (one, two) = (one.on(gpu), two.on(gpu));
            let [k, v] = [4, 128].map(|first| Channels::new(&two, first, 120));
            Tensor::attend((&one).into(), k, v, 3, Mask::None)
        });
    }
}

/// Where there is one key, its value is the answer, whatever the query.
#[test]
fn to_one_key_is_its_value() {
    let mut proof = proof();
    for precision in PRECISIONS {
        let call = Call::new(2, [33, 1, 4, 40], Mask::None);
        let case = call.case(&proof, precision);
        let [q, k, v] = call.numbers(&case);
        let want = Want::every([2, 33, 160], |[b, _, c]| v.at([b, 0, c]));
        proof.check(&case, want, move |gpu| {
            q.on(gpu).attention(&k.on(gpu), &v.on(gpu), 4, Mask::None)
        });
    }
}

/// e^score itself would be infinite: only differences to the largest can be raised. The scores come
/// in rising order, so that the largest changes with every tile, and in falling order.
#[test]
fn survives_large_scores() {
    // scores of hundreds carry errors of their own: f32 knows 300 to 3e-5
    let mut proof = Proof::new("attention", Tolerance { f32: 1e-8, f16: 1e-5 });
    for precision in PRECISIONS {
        for (name, direction) in [("rising", 1.0), ("falling", -1.0)] {
            for device in [Device::Plain, Device::Hardware] {
                let call = Call::new(1, [17, 150, 2, 40], Mask::None);
                let case = proof.case(format!("{name} scores"), precision).on(device);
                let [q, _, v] = call.numbers(&case);
                let q = Array::from_fn([1, 17, 80], |i| 4.0 + q.values()[i] / 8.0);
                let k = Array::from_fn([1, 150, 80], |i| direction * (i / 80) as f32 / 8.0);
                let numbers = [q.stored(precision), k.stored(precision), v];
                call.check(&mut proof, &case, numbers, false);
            }
        }
    }
}

/// Scores from -30000 to 30000, hundreds apart: the largest takes all, wherever it comes.
#[test]
fn survives_scores_of_thirty_thousand() {
    let mut proof = proof();
    for (precision, (d, queries, device)) in
        PRECISIONS.into_iter().flat_map(|precision| BLOCKS.map(|block| (precision, block)))
    {
        let (t, s) = (queries + 3, 79);
        let call = Call::new(1, [t, s, 1, d], Mask::None);
        for (name, times) in [("rising", 1), ("falling", 78), ("mixed", 31)] {
            let case = proof.case(format!("{name} scores, a head of {d}"), precision).on(device);
            let [_, _, v] = call.numbers(&case);
            let q = Array::from_fn([1, t, d], |_| 8.0).stored(precision);
            let step = (30_000.0 / 39.0 / (8.0 * (d as f32).sqrt())).floor();
            let k = |i: usize| ((i / d * times % s) as f32 - 39.0) * step;
            let k = Array::from_fn([1, s, d], k).stored(precision);
            call.check(&mut proof, &case, [q, k, v], false);
        }
    }
}

/// The pixels of an image are its queries.
#[test]
fn of_an_image() {
    let mut proof = proof();
    let call = Call::new(2, [15, 7, 2, 8], Mask::None);
    let case = call.case(&proof, Precision::F32);
    let [q, k, v] = call.numbers(&case);
    let image = Array::new([2, 3, 5, 16], q.values().to_vec());
    let want = Want::every([2, 3, 5, 16], |[b, y, x, c]| {
        call.row(&[q.clone(), k.clone(), v.clone()], [b, 5 * y + x, c / 8])[c % 8]
    });
    proof.check(&case, want, move |gpu| {
        image.on(gpu).attention(&k.on(gpu), &v.on(gpu), 2, Mask::None)
    });
}

#[test]
fn with_the_heads_of_the_model() {
    let mut proof = proof();
    for precision in PRECISIONS {
        for Heads { t, s, heads, d } in ATTENTIONS {
            let call = Call::new(1, [t.min(70), s.min(90), heads, d], Mask::None);
            call.prove(&mut proof, precision, false);
        }
        Call::new(2, [77, 77, 12, 64], Mask::Causal).prove(&mut proof, precision, false);
    }
}

#[test]
#[ignore = "minutes: the full size of Stable Diffusion v1.4"]
fn at_full_size() {
    let mut proof = proof();
    for (precision, step) in FEWER_IN_F16 {
        for Heads { t, s, heads, d } in ATTENTIONS.into_iter().step_by(step) {
            let b = if t == 4096 { 1 } else { 2 };
            Call::new(b, [t, s, heads, d], Mask::None).prove(&mut proof, precision, true);
        }
    }
    // more than one dispatch may do: a larger picture's
    Call::new(2, [2500, 2500, 8, 160], Mask::None).prove(&mut proof, Precision::F32, true);
}
