//! The models against diffusers and transformers, whole, at tiny sizes.
//!
//! `scripts/golden/models.py` wrote the checkpoints, the inputs and the outputs, these in f64. It
//! also wrote wrong outputs, each by a library that computes one thing otherwise (tanh GELU, an
//! epsilon): that they do not pass shows that the bound is tight enough to notice.

use crate::harness::golden;
use crate::harness::gpu::{self, Device};
use darkroom::gpu::Gpu;
use darkroom::models::clip::{TextConfig, TextEncoder};
use darkroom::models::unet::{Unet, UnetConfig, UnetInput};
use darkroom::models::vae::{Encoder, VaeConfig, VaeDecoder};
use darkroom::nn::{Loader, Scope};
use darkroom::tensor::Tensor;
use darkroom::weights::{Archive, FileSource};
use darkroom::{Precision, Result, WeightType};
use pollster::block_on;
use std::rc::Rc;

/// The largest NMSE, Σ(a−b)²/Σb², of a right output in f32.
pub(crate) const TOLERANCE: f64 = 1e-9;
pub(crate) const UNET_FILE: &str = "diffusion_pytorch_model.safetensors";
const TEXT_FILE: &str = "model.safetensors";

/// A folder of tests/golden.
pub(crate) struct Golden {
    folder: &'static str,
    source: FileSource,
    cases: Archive,
}

/// Numbers as torch has them, `[b, c, h, w]` or `[b, t, c]`.
pub(crate) struct Array {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

impl Golden {
    pub(crate) fn open(folder: &'static str) -> Golden {
        let source = FileSource::new(golden::path("tests/golden").join(folder));
        let cases = block_on(Archive::open(&source, "cases.safetensors")).unwrap();
        Golden { folder, source, cases }
    }

    /// Where the model's files are.
    pub(crate) fn source(&self) -> &FileSource {
        &self.source
    }

    pub(crate) fn config(&self) -> String {
        let bytes = block_on(darkroom::weights::read_all(&self.source, "config.json", 1 << 20));
        String::from_utf8(bytes.unwrap()).unwrap()
    }

    pub(crate) fn array(&self, name: &str) -> Array {
        let shape = self.cases.get(name).unwrap_or_else(|| panic!("no {name}")).shape.clone();
        let values = block_on(self.cases.load(&self.source, name)).unwrap();
        Array { shape, values }
    }

    /// A model of the folder with its weights loaded.
    pub(crate) fn load<M>(
        &self,
        gpu: &Gpu,
        file: &str,
        weights: Option<WeightType>,
        new: impl FnOnce(&Scope) -> Result<M>,
    ) -> M {
        let archive = Rc::new(block_on(Archive::open(&self.source, file)).unwrap());
        let scope = Scope::open(gpu, archive, weights);
        let model = new(&scope).unwrap();
        block_on(Loader::new(&scope).run(&self.source, &mut |_, _| Ok(()))).unwrap();
        model
    }

    /// Checks that `got` is `{case}.{output}`, and none of the wrong outputs of that case.
    pub(crate) fn check(&self, case: &str, output: &str, got: &[f32]) {
        let error = nmse(got, &self.array(&format!("{case}.{output}")).values);
        println!("{} {case}: NMSE {error:.1e}", self.folder);
        assert!(error <= TOLERANCE, "{} {case}: NMSE {error:.1e}", self.folder);
        let prefix = format!("{case}.wrong.");
        let wrong = |name: &&str| name.starts_with(&prefix);
        let names = self.cases.tensors().iter().map(|tensor| tensor.name.as_str()).filter(wrong);
        for (i, name) in names.enumerate() {
            let error = nmse(got, &self.array(name).values);
            assert!(error > 5.0 * TOLERANCE, "{} {name} ({i}): NMSE {error:.1e}", self.folder);
        }
    }
}

impl Array {
    /// On the GPU: channels last, padded with zeros to four.
    pub(crate) fn image(&self, gpu: &Gpu, precision: Precision) -> Tensor {
        let [b, c, h, w] = self.shape[..] else { panic!("{:?} is no image", self.shape) };
        let padded = c.next_multiple_of(4);
        let mut values = vec![0.0; b * h * w * padded];
        for (i, value) in self.values.iter().enumerate() {
            let (picture, channel, pixel) = (i / (c * h * w), i / (h * w) % c, i % (h * w));
            values[(picture * h * w + pixel) * padded + channel] = *value;
        }
        Tensor::from_f32(gpu, &values, [b, h, w, padded], precision)
    }

    pub(crate) fn tokens(&self, gpu: &Gpu, precision: Precision) -> Tensor {
        Tensor::from_f32(gpu, &self.values, &self.shape[..], precision)
    }

    /// The first `n` pictures.
    fn first(&self, n: usize) -> Array {
        let each = self.values.len() / self.shape[0];
        let mut shape = self.shape.clone();
        shape[0] = n;
        Array { shape, values: self.values[..n * each].to_vec() }
    }
}

/// Back from the GPU as torch has it, without the padding: `[b, c, h, w]`.
pub(crate) fn planes(image: &Tensor, c: usize) -> Vec<f32> {
    let [b, h, w, padded] = image.shape().image();
    let values = block_on(image.to_f32()).unwrap();
    let at = |i: usize| {
        let (picture, channel, pixel) = (i / (c * h * w), i / (h * w) % c, i % (h * w));
        values[(picture * h * w + pixel) * padded + channel]
    };
    (0..b * c * h * w).map(at).collect()
}

pub(crate) fn nmse(got: &[f32], want: &[f32]) -> f64 {
    assert_eq!(got.len(), want.len());
    let square = |a: &f32, b: &f32| (f64::from(*a) - f64::from(*b)).powi(2);
    let noise: f64 = got.iter().zip(want).map(|(a, b)| square(a, b)).sum();
    noise / want.iter().map(|b| f64::from(*b).powi(2)).sum::<f64>()
}

/// The UNet's output for a case of `folder`.
fn unet(
    folder: &'static str,
    case: &'static str,
    precision: Precision,
    weights: Option<WeightType>,
) -> Vec<f32> {
    gpu::run(Device::Plain, move |gpu| {
        let golden = Golden::open(folder);
        let config = UnetConfig::parse("config.json", &golden.config()).unwrap();
        let unet = golden.load(gpu, UNET_FILE, weights, |scope| Unet::new(scope, &config));
        let input = |name| golden.array(&format!("{case}.{name}"));
        let context = unet.prepare(&input("context").tokens(gpu, precision));
        let latents = input("latents").image(gpu, precision);
        let timestep = f64::from(input("timestep").values[0]);
        let eps = unet.forward(&UnetInput::new(&latents, timestep, &context)).sample;
        planes(&eps, config.out_channels)
    })
}

#[test]
fn unet_of_four_levels() {
    for case in ["8x8", "5x7"] {
        for weights in [None, Some(WeightType::F32)] {
            let eps = unet("unet_4_levels", case, Precision::F32, weights);
            Golden::open("unet_4_levels").check(case, "eps", &eps);
        }
    }
}

#[test]
fn unet_of_two_levels() {
    for case in ["5x7", "6x4"] {
        let eps = unet("unet_2_levels", case, Precision::F32, None);
        Golden::open("unet_2_levels").check(case, "eps", &eps);
    }
}

#[test]
fn unet_in_f16() {
    for (folder, case) in [("unet_4_levels", "8x8"), ("unet_2_levels", "5x7")] {
        let eps = unet(folder, case, Precision::F16, None);
        let error = nmse(&eps, &Golden::open(folder).array(&format!("{case}.eps")).values);
        println!("{folder} {case} in f16: NMSE {error:.1e}");
        assert!(error < 1e-3, "{folder} {case} in f16: NMSE {error:.1e}");
    }
}

#[test]
fn unet_repeats_a_context_of_fewer_pictures() {
    let eps = gpu::run(Device::Plain, |gpu| {
        let golden = Golden::open("unet_4_levels");
        let config = UnetConfig::parse("config.json", &golden.config()).unwrap();
        let unet = golden.load(gpu, UNET_FILE, None, |scope| Unet::new(scope, &config));
        let context = golden.array("8x8.context").first(1).tokens(gpu, Precision::F32);
        let latents = golden.array("8x8.latents").image(gpu, Precision::F32);
        let context = unet.prepare(&context);
        let eps = unet.forward(&UnetInput::new(&latents, 981.0, &context)).sample;
        planes(&eps, config.out_channels)
    });
    let want = Golden::open("unet_4_levels").array("8x8.eps");
    let (first, second) = want.values.split_at(want.values.len() / 2);
    assert!(nmse(&eps[..first.len()], first) < TOLERANCE);
    assert!(nmse(&eps[first.len()..], second) > TOLERANCE, "its prompt was another");
}

/// The config of a golden VAE.
fn vae_config(golden: &Golden) -> VaeConfig {
    VaeConfig::parse("config.json", &golden.config()).unwrap()
}

#[test]
fn vae_decoder() {
    let folders = [("vae_4_levels", Device::Narrow), ("vae_3_levels", Device::Plain)];
    for (folder, device) in folders {
        let (picture, fourth) = gpu::run(device, move |gpu| {
            let golden = Golden::open(folder);
            let new = |scope: &Scope| VaeDecoder::new(scope, &vae_config(&golden));
            let vae = golden.load(gpu, UNET_FILE, None, new);
            let latents = golden.array("decode.latents").image(gpu, Precision::F32);
            let picture = vae.decode(&latents);
            let all = planes(&picture, 4);
            let three = all.len() / 4 * 3;
            (all[..three].to_vec(), all[three..].to_vec())
        });
        Golden::open(folder).check("decode", "picture", &picture);
        assert!(fourth.iter().all(|value| *value == 0.0), "the fourth channel is zero");
    }
}

#[test]
fn vae_encoder() {
    for folder in ["vae_4_levels", "vae_3_levels"] {
        let moments = gpu::run(Device::Plain, move |gpu| {
            let golden = Golden::open(folder);
            let config = vae_config(&golden);
            let new = |scope: &Scope| Encoder::new(scope, &config);
            let encoder = golden.load(gpu, UNET_FILE, None, new);
            let picture = golden.array("encode.picture").image(gpu, Precision::F32);
            let posterior = encoder.forward(&picture);
            let c = config.latent_channels;
            [planes(&posterior.mean, c), planes(&posterior.logvar, c)].concat()
        });
        Golden::open(folder).check("encode", "moments", &moments);
    }
}

#[test]
fn text_encoder() {
    for folder in ["text_quick_gelu", "text_gelu"] {
        let context = gpu::run(Device::Plain, move |gpu| {
            let golden = Golden::open(folder);
            let config = TextConfig::parse("config.json", &golden.config()).unwrap();
            let new = |scope: &Scope| TextEncoder::new(scope, &config);
            let encoder = golden.load(gpu, TEXT_FILE, None, new);
            let ids = golden.array("prompts.ids").values;
            let ids: Vec<u32> = ids.iter().map(|id| *id as u32).collect();
            block_on(encoder.forward(&ids, Precision::F32).to_f32()).unwrap()
        });
        Golden::open(folder).check("prompts", "context", &context);
    }
}
