//! An evaluation of a small UNet (two prompts, latents of 16×16), burn on wgpu and Darkroom in
//! turn, natively. From the root, after `cargo build --locked --bin darkroom`:
//!
//!     python scripts/bench/peers/burn/reference.py MODEL UNET.f32
//!     cargo run --locked --release --manifest-path scripts/bench/peers/burn/Cargo.toml \
//!         --target-dir target/burn -- target/debug/darkroom MODEL UNET.f32 [pairs]
//!
//! MODEL is a folder of `darkroom synth --config width-64`, whose UNet both read. On both sides
//! the prompt's keys and values are made beforehand. burn tunes its kernels in the first
//! evaluation, which takes minutes on a software adapter. With its fusion: `--features fusion`.

mod unet;
mod weights;

use burn_tensor::{Device, DeviceKind, Tensor, TensorData};
use std::path::Path;
use std::process::Command;
use std::time::Instant;
use unet::{KeysValues, Unet};
use weights::{Weights, floats};

const SAMPLE: [usize; 4] = [2, 4, 16, 16];
const CONTEXT: [usize; 3] = [2, 77, 768];
const TIMESTEP: f32 = 500.0;
/// Evaluations before the first that counts: kernels are compiled and tuned in them.
const WARM_UP: usize = 4;
/// Evaluations of which the median counts, on both sides.
const RUNS: usize = 5;

/// The UNet on burn's device, and what it is given.
struct Peer {
    unet: Unet,
    sample: Tensor<4>,
    prompt: KeysValues,
}

impl Peer {
    /// The model with its weights and inputs on the default device.
    fn new(model: &str, sample: &[f32], context: &[f32]) -> Self {
        let device = Device::wgpu(DeviceKind::DefaultDevice);
        let file = Path::new(model).join("unet/diffusion_pytorch_model.safetensors");
        let unet = Unet::new(Weights::open(&file, &device));
        let sample = Tensor::from_data(TensorData::new(sample.to_vec(), SAMPLE), &device);
        let context = Tensor::from_data(TensorData::new(context.to_vec(), CONTEXT), &device);
        let prompt = unet.prepare(&context);
        device.sync().expect("the device works");
        Self { unet, sample, prompt }
    }

    /// An evaluation, read back, and its milliseconds.
    fn evaluate(&self) -> (Vec<f32>, f64) {
        let start = Instant::now();
        let eps = self.unet.forward(self.sample.clone(), TIMESTEP, &self.prompt).into_data();
        let seconds = start.elapsed().as_secs_f64();
        (eps.try_to_vec().expect("eps is f32"), 1e3 * seconds)
    }

    /// The median of some evaluations.
    fn median(&self) -> f64 {
        let mut times: Vec<f64> = (0..RUNS).map(|_| self.evaluate().1).collect();
        times.sort_by(f64::total_cmp);
        times[RUNS / 2]
    }
}

/// Milliseconds of Darkroom's evaluation, from its own bench.
fn darkroom(program: &str, model: &str) -> f64 {
    let runs = RUNS.to_string();
    let out = Command::new(program)
        .args(["bench", "--model", model, "--size", "128x128", "--runs", &runs])
        .output()
        .expect("darkroom runs");
    let text = String::from_utf8_lossy(&out.stdout);
    let line = text.lines().find_map(|line| line.strip_prefix("an evaluation for 128×128: "));
    let ms = line.and_then(|rest| rest.strip_suffix(" ms")?.parse().ok());
    ms.unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&out.stderr)))
}

/// Normalised mean square error.
fn nmse(got: &[f32], want: &[f32]) -> f64 {
    let square = |x: f32| f64::from(x) * f64::from(x);
    let errors: f64 = got.iter().zip(want).map(|(a, b)| square(a - b)).sum();
    errors / want.iter().map(|b| square(*b)).sum::<f64>()
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [program, model, numbers, rest @ ..] = &args[..] else {
        panic!("needs darkroom's program, a model's folder and the file of reference.py");
    };
    let pairs = rest.first().map_or(3, |text| text.parse().expect("pairs is a number"));
    let numbers = floats(&std::fs::read(numbers).expect("the file of reference.py"));
    let (sample, rest) = numbers.split_at(SAMPLE.iter().product());
    let (context, want) = rest.split_at(CONTEXT.iter().product());

    let peer = Peer::new(model, sample, context);
    for _ in 0..WARM_UP {
        let (eps, ms) = peer.evaluate();
        println!("warming up: {ms:.1} ms, NMSE {:.1e} from torch", nmse(&eps, want));
    }
    for _ in 0..pairs {
        let (ours, theirs) = (darkroom(program, model), peer.median());
        println!("Darkroom {ours:.1} ms, burn {theirs:.1} ms, ratio {:.2}", theirs / ours);
    }
}
