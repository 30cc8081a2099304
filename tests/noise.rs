//! The generator against torch and numpy: integers, uniforms and normals, bit for bit.

use darkroom::Error;
use darkroom::diffusion::noise::{Mt19937, Numpy, Philox, Rng, Torch, nchw_to_nhwc, nhwc_to_nchw};
use serde_json::Value;

use crate::harness::golden;

fn seed(case: &Value) -> u64 {
    golden::text(case, "seed").parse().expect("a seed")
}

fn bits(case: &Value) -> Vec<u32> {
    let bits = golden::list(case, "bits").iter();
    bits.map(|bits| bits.as_u64().expect("bits") as u32).collect()
}

/// The first and the last 16 of a long array, as the golden has them.
fn ends(numbers: &[f32]) -> Vec<f32> {
    match numbers.len() {
        0..=32 => numbers.to_vec(),
        n => [&numbers[..16], &numbers[n - 16..]].concat(),
    }
}

fn assert_same_bits(what: &str, numbers: &[f32], case: &Value) {
    for (index, (ours, theirs)) in ends(numbers).iter().zip(bits(case)).enumerate() {
        let theirs = f32::from_bits(theirs);
        assert!((ours - theirs).abs() <= 5e-7, "{what} at {index}: {ours} against {theirs}");
        assert_eq!(ours.to_bits(), theirs.to_bits(), "{what} at {index}: another last bit");
    }
    let all = golden::fnv(numbers.iter().map(|number| number.to_bits()));
    assert_eq!(all, golden::text(case, "fnv"), "{what}: differs between the ends");
}

#[test]
fn integers_are_the_mersenne_twisters() {
    for case in golden::list(&golden::json("noise.json"), "integers") {
        let mut engine = Mt19937::new(seed(case) as u32);
        let words: Vec<u32> = (0..2000).map(|_| engine.next_u32()).collect();
        assert_eq!(golden::fnv(words), golden::text(case, "fnv"), "seed {}", seed(case));
    }
}

#[test]
fn uniforms_are_torchs() {
    for case in golden::list(&golden::json("noise.json"), "uniforms") {
        let what = format!("rand of seed {}", seed(case));
        assert_same_bits(&what, &Torch::new(seed(case)).rand(2000), case);
    }
}

#[test]
fn normals_are_torchs() {
    for case in golden::list(&golden::json("noise.json"), "normals") {
        let length = golden::number(case, "length") as usize;
        let what = format!("randn({length}) of seed {}", seed(case));
        assert_same_bits(&what, &Torch::new(seed(case)).randn(length), case);
    }
}

#[test]
fn draws_continue_one_another() {
    let mut generator = Torch::new(7);
    for (draw, case) in golden::list(&golden::json("noise.json"), "chain").iter().enumerate() {
        let numbers = generator.randn(golden::number(case, "length") as usize);
        let ours: Vec<u32> = numbers.iter().map(|number| number.to_bits()).collect();
        assert_eq!(ours, bits(case), "draw {draw}");
    }
}

#[test]
fn only_the_lower_half_of_a_seed_counts() {
    assert_eq!(Torch::new(5).randn(64), Torch::new((9 << 32) + 5).randn(64));
    assert_ne!(Torch::new(5).randn(64), Torch::new(6).randn(64));
    assert!(Torch::new(0).randn(0).is_empty());
}

/// Against the first and last 16 doubles; returns how many of them differ in their bits.
fn differing(what: &str, numbers: &[f64], case: &Value) -> usize {
    let n = numbers.len().min(16);
    let ours = numbers[..n].iter().chain(&numbers[numbers.len() - n..]);
    let theirs = golden::list(case, "ends").iter().flat_map(Value::as_f64);
    let pairs: Vec<(f64, f64)> = ours.copied().zip(theirs).collect();
    assert_eq!(pairs.len(), 2 * n, "{what}");
    for (ours, theirs) in &pairs {
        // The logarithm of another library: at most the last bits of a double.
        assert!((ours - theirs).abs() <= 4e-16 * theirs.abs(), "{what}: {ours} against {theirs}");
    }
    pairs.iter().filter(|(ours, theirs)| ours.to_bits() != theirs.to_bits()).count()
}

#[test]
fn normals_are_numpys() {
    for case in golden::list(&golden::json("noise.json"), "numpy") {
        let length = golden::number(case, "length") as usize;
        let what = format!("standard_normal({length}) of seed {}", seed(case));
        let mut generator = Numpy::new(seed(case) as u32);
        let numbers: Vec<f64> = (0..length).map(|_| generator.normal()).collect();
        println!("{what}: {} of the ends differ", differing(&what, &numbers, case));
        let latents = Rng::Numpy.seeded(seed(case)).expect("a seed").randn(length);
        let all = golden::fnv(latents.iter().map(|number| number.to_bits()));
        assert_eq!(all, golden::text(case, "fnv"), "{what}: another float32");
    }
    let refused = Rng::Numpy.seeded(1 << 32);
    assert!(matches!(refused, Err(Error::Request { field: "seed", .. })));
}

#[test]
fn normals_are_the_web_uis() {
    // torch.randn(12, device="cuda", generator=manual_seed(0)), as the web UI's source prints it.
    let published = [
        -0.924_662_59_f64,
        -0.425_344_15,
        -2.643_845_7,
        0.145_183_88,
        -0.120_866_47,
        -0.579_725_64,
        -0.622_851_22,
        -0.328_387_09,
        -1.074_542_31,
        -0.363_144_07,
        -1.671_050_67,
        2.265_504_97,
    ];
    for (ours, theirs) in Philox::new(0).randn(12).into_iter().zip(published) {
        assert!((f64::from(ours) - theirs).abs() <= 5e-7, "{ours} against {theirs}");
    }
    for case in golden::list(&golden::json("noise.json"), "philox") {
        let draws = golden::number(case, "draw") as usize;
        let what = format!("draw {draws} of seed {}", seed(case));
        let mut generator = Philox::new(seed(case));
        (0..draws).for_each(|_| drop(generator.randn(5)));
        let numbers = generator.randn(16384);
        let all = golden::fnv(numbers.iter().map(|number| number.to_bits()));
        let ends = golden::list(case, "ends").iter().flat_map(Value::as_f64);
        for (ours, theirs) in [&numbers[..16], &numbers[16368..]].concat().into_iter().zip(ends) {
            assert_eq!(ours, theirs as f32, "{what}");
        }
        assert_eq!(all, golden::text(case, "fnv"), "{what}: another float32 between the ends");
    }
}

#[test]
fn generators_have_names() {
    for rng in Rng::ALL {
        assert_eq!(rng.to_string().parse(), Ok(rng));
        let mut generator = rng.seeded(3).expect("a seed");
        assert_eq!(generator.randn(64).len(), 64);
        assert_ne!(generator.randn(64), rng.seeded(3).expect("a seed").randn(64), "{rng}");
    }
    assert!(matches!("dice".parse::<Rng>(), Err(Error::Request { field: "rng", .. })));
}

#[test]
fn channels_go_last_and_back() {
    let numbers: Vec<f32> = (0..2 * 3 * 4 * 5).map(|n| n as f32).collect();
    let nhwc = nchw_to_nhwc(&numbers, 3, 4, 5);
    for b in 0..2 {
        for (c, y, x) in (0..3).flat_map(|c| (0..20).map(move |i| (c, i / 5, i % 5))) {
            let expected = numbers[((b * 3 + c) * 4 + y) * 5 + x];
            assert_eq!(nhwc[((b * 4 + y) * 5 + x) * 3 + c], expected);
        }
    }
    assert_eq!(nhwc_to_nchw(&nhwc, 3, 4, 5), numbers);
}
