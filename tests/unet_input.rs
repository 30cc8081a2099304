//! All that a UNet's evaluation can be given beside latents, timestep and prompts: residuals of
//! other networks, further channels, cached features; by the network on the GPU and by the
//! reference on the CPU, against diffusers (`scripts/golden/residuals.py`).

use crate::harness::gpu::{self, Device};
use crate::models::{Golden, TOLERANCE, UNET_FILE, nmse, planes};
use candle_core::{Device as Candle, Tensor as Candled};
use darkroom::Precision::F32;
use darkroom::models::unet::{Cache, Residuals, Unet, UnetConfig, UnetInput};
use darkroom::reference::{self, Weights};
use darkroom::tensor::Tensor;
use darkroom::weights::{Archive, FileSource};
use pollster::block_on;

/// `unet_2_layers` has two layers in a level, as v1.4: an adapter's features belong to the last one
/// alone. The last two have no middle.
const MODELS: [(&str, &str); 5] = [
    ("unet_4_levels", "5x7"),
    ("unet_2_levels", "6x4"),
    ("unet_2_layers", "5x7"),
    ("unet_no_middle", "5x7"),
    ("unet_distilled", "5x7"),
];
const CASES: [&str; 3] = ["control", "adapter", "both"];

/// Arrays of the golden file about a model, made by `new` from shape and values.
struct Residues<'a, A> {
    archive: Archive,
    source: FileSource,
    model: &'static str,
    new: &'a dyn Fn(&[usize], Vec<f32>) -> A,
}

impl<'a, A> Residues<'a, A> {
    fn open(model: &'static str, new: &'a dyn Fn(&[usize], Vec<f32>) -> A) -> Self {
        let source = FileSource::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden"));
        let file = match model {
            "unet_4_levels" | "unet_2_levels" => "residuals.safetensors".to_owned(),
            _ => format!("{model}/residuals.safetensors"),
        };
        let archive = block_on(Archive::open(&source, &file)).unwrap();
        Residues { archive, source, model, new }
    }

    fn values(&self, name: &str) -> Option<(Vec<usize>, Vec<f32>)> {
        let name = format!("{}.{name}", self.model);
        let shape = self.archive.get(&name)?.shape.clone();
        Some((shape, block_on(self.archive.load(&self.source, &name)).unwrap()))
    }

    fn array(&self, name: &str) -> Option<A> {
        self.values(name).map(|(shape, values)| (self.new)(&shape, values))
    }

    fn list(&self, name: &str) -> Vec<A> {
        (0..).map_while(|i| self.array(&format!("{name}{i}"))).collect()
    }

    /// What is added in a case.
    fn of(&self, case: &str) -> Residuals<A> {
        let control = case != "adapter";
        Residuals {
            skips: if control { self.list("skip") } else { Vec::new() },
            mid: self.array("mid").filter(|_| control),
            down: if case == "control" { Vec::new() } else { self.list("level") },
        }
    }

    fn check(&self, case: &str, got: &[f32]) {
        let error = nmse(got, &self.values(case).unwrap().1);
        println!("{} {case}: NMSE {error:.1e}", self.model);
        assert!(error <= TOLERANCE, "{} {case}: NMSE {error:.1e}", self.model);
    }
}

/// `[b, c, h, w]` → channels last, padded to four.
fn image(gpu: &darkroom::gpu::Gpu, shape: &[usize], values: Vec<f32>) -> Tensor {
    let array = crate::models::Array { shape: shape.to_vec(), values };
    array.image(gpu, F32)
}

#[test]
fn residuals_are_added_as_diffusers_adds_them() {
    for (model, sizes) in MODELS {
        let outputs = gpu::run(Device::Plain, move |gpu| {
            let golden = Golden::open(model);
            let config = UnetConfig::parse("config.json", &golden.config()).unwrap();
            let unet = golden.load(gpu, UNET_FILE, None, |scope| Unet::new(scope, &config));
            let array = |name| golden.array(&format!("{sizes}.{name}"));
            let context = unet.prepare(&array("context").tokens(gpu, F32));
            let latents = array("latents").image(gpu, F32);
            let timestep = f64::from(array("timestep").values[0]);
            let new = |shape: &[usize], values| image(gpu, shape, values);
            let residues = Residues::open(model, &new);
            CASES.map(|case| {
                let residuals = residues.of(case);
                let input = UnetInput::new(&latents, timestep, &context);
                let input = UnetInput { residuals: Some(&residuals), ..input };
                let whole = unet.forward(&UnetInput { cache: Cache::Keep, ..input });
                let sample = planes(&whole.sample, config.out_channels);
                // The outermost layers with the deep features of the same evaluation are the same.
                let cache = Cache::Reuse(whole.deep.as_ref().expect("it was to be kept"));
                let outermost = unet.forward(&UnetInput { cache, ..input });
                assert_eq!(planes(&outermost.sample, config.out_channels), sample, "{case}");
                sample
            })
        });
        let none = |_: &[usize], _| ();
        let residues = Residues::open(model, &none);
        CASES.iter().zip(outputs).for_each(|(case, output)| residues.check(case, &output));
    }
}

#[test]
fn the_reference_adds_them_as_well() {
    let array = |shape: &[usize], values| Candled::from_vec(values, shape, &Candle::Cpu).unwrap();
    for (model, sizes) in MODELS {
        let golden = Golden::open(model);
        let config = UnetConfig::parse("config.json", &golden.config()).unwrap();
        let archive = block_on(Archive::open(golden.source(), UNET_FILE)).unwrap();
        let weights = block_on(Weights::read(golden.source(), &archive, 0, &mut |_| Ok(())));
        let unet = reference::Unet::open(weights.unwrap(), &config).unwrap();
        let input = |name| {
            let found = golden.array(&format!("{sizes}.{name}"));
            array(&found.shape, found.values)
        };
        let (latents, context) = (input("latents"), input("context"));
        let timestep = f64::from(golden.array(&format!("{sizes}.timestep")).values[0]);
        let residues = Residues::open(model, &array);
        for case in CASES {
            let residuals = residues.of(case);
            let input = UnetInput::new(&latents, timestep, &context);
            let input = UnetInput { residuals: Some(&residuals), ..input };
            let whole = unet.forward(&UnetInput { cache: Cache::Keep, ..input }).unwrap();
            let numbers = |x: &Candled| x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            residues.check(case, &numbers(&whole.sample));
            let cache = Cache::Reuse(whole.deep.as_ref().expect("it was to be kept"));
            let outermost = unet.forward(&UnetInput { cache, ..input }).unwrap();
            assert_eq!(numbers(&outermost.sample), numbers(&whole.sample), "{case}");
        }
    }
}

/// A mask and masked latents come after the latents' channels: nine, of which four are latents.
#[test]
fn further_channels_come_after_the_latents() {
    let (model, sizes) = MODELS[1];
    let golden = Golden::open(model);
    let all = golden.array(&format!("{sizes}.latents"));
    let [b, c, h, w] = all.shape[..] else { panic!("{:?}", all.shape) };
    assert_eq!(c, 9);
    let part = |from: usize, to: usize| {
        let pictures = all.values.chunks_exact(c * h * w);
        let values: Vec<f32> =
            pictures.flat_map(|x| &x[from * h * w..to * h * w]).copied().collect();
        ([b, to - from, h, w], values)
    };
    let parts = [part(0, 4), part(4, 9)];
    let sample = gpu::run(Device::Plain, move |gpu| {
        let golden = Golden::open(model);
        let config = UnetConfig::parse("config.json", &golden.config()).unwrap();
        let unet = golden.load(gpu, UNET_FILE, None, |scope| Unet::new(scope, &config));
        let context = golden.array(&format!("{sizes}.context")).tokens(gpu, F32);
        let timestep = f64::from(golden.array(&format!("{sizes}.timestep")).values[0]);
        let context = unet.prepare(&context);
        let [latents, extra] = parts.map(|(shape, values)| image(gpu, &shape, values));
        let input = UnetInput::new(&latents, timestep, &context);
        let output = unet.forward(&UnetInput { extra_channels: Some(&extra), ..input });
        planes(&output.sample, config.out_channels)
    });
    let want = golden.array(&format!("{sizes}.eps"));
    assert!(nmse(&sample, &want.values) <= TOLERANCE);
}
