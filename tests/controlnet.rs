//! ControlNets and T2I-Adapters against diffusers (`scripts/golden/controlnet.py`), on the GPU and
//! on the CPU: what the networks give, what the UNet makes of it, and whole pictures. Their weights
//! are made here by the script's formula.

use crate::harness::golden;
use crate::harness::gpu::{self, Device};
use crate::img2img::initial;
use crate::made_up::{Golden, tiny};
use crate::models::{self, Array, TOLERANCE, UNET_FILE, nmse, planes};
use crate::reference::open_on_cpu;
use crate::taesd::hashed;
use crate::walk::{Memory, open};
use candle_core::Tensor as Candled;
use darkroom::dtype::FileType;
use darkroom::gpu::Gpu;
use darkroom::models::controlnet::{ControlNet, ControlNetConfig, ControlNetInput};
use darkroom::models::t2i_adapter::{T2iAdapter, T2iAdapterConfig};
use darkroom::models::unet::{Context, Residuals, Unet, UnetConfig, UnetInput};
use darkroom::nn::{Loader, Scope};
use darkroom::ops::Term;
use darkroom::pipeline::{Control, Extras, Files, Options, PictureControl, Pipeline, Request};
use darkroom::reference::{self, Weights};
use darkroom::tensor::Tensor;
use darkroom::weights::{ControlFile, FileSource, MemorySource, SafetensorsWriter};
use darkroom::{Precision::F32, WeightType};
use pollster::block_on;
use std::rc::Rc;

const UNET: &str = "unet_2_layers";

/// A file of these tensors, with values by the script's formula.
pub(crate) fn filled(prefix: &str, tensors: &[(String, Vec<usize>)]) -> Rc<ControlFile> {
    let described: Vec<_> =
        tensors.iter().map(|(name, shape)| (name.as_str(), FileType::F16, shape.clone())).collect();
    let mut writer = SafetensorsWriter::new(Vec::new(), prefix, &described, &[]).unwrap();
    for (name, shape) in tensors {
        let fan_in = shape[1..].iter().product::<usize>() as f64;
        for value in hashed(&format!("{prefix}.{name}"), shape.iter().product()) {
            let value = match () {
                () if name.ends_with("bias") => 0.1 * value,
                () if shape.len() == 1 => 1.0 + 0.2 * value,
                () => 1.7 * value / fan_in.sqrt(),
            };
            writer.write(&half::f16::from_f64(value).to_le_bytes()).unwrap();
        }
    }
    let file = format!("{prefix}.safetensors");
    let source = MemorySource::new(&*file, writer.finish().unwrap());
    block_on(ControlFile::open(Rc::new(source), &file)).unwrap()
}

/// Names and shapes of a ControlNet of this UNet.
pub(crate) fn net_tensors(unet: &UnetConfig, conditioning: &[usize]) -> Vec<(String, Vec<usize>)> {
    let (mid_block, bgr, conditioning) = (true, false, conditioning.to_vec());
    let unet = UnetConfig { mid_block, ..unet.clone() };
    let scope = Scope::without_file(&Gpu::dry(false), WeightType::F16);
    ControlNet::new(&scope, &ControlNetConfig { unet, conditioning, bgr }).unwrap();
    scope.catalogue().tensors
}

/// Names and shapes of a T2I-Adapter.
pub(crate) fn adapter_tensors(
    channels: &[usize],
    factor: usize,
    in_channels: usize,
) -> Vec<(String, Vec<usize>)> {
    let (channels, num_res_blocks) = (channels.to_vec(), 2);
    let config = T2iAdapterConfig { in_channels, channels, num_res_blocks, factor };
    let scope = Scope::without_file(&Gpu::dry(false), WeightType::F16);
    T2iAdapter::new(&scope, &config).unwrap();
    scope.catalogue().tensors
}

fn unet_config() -> UnetConfig {
    UnetConfig::parse("config.json", &models::Golden::open(UNET).config()).unwrap()
}

/// The ControlNet and the T2I-Adapter of the cases.
fn networks() -> (Rc<ControlFile>, Rc<ControlFile>) {
    let net = filled("net", &net_tensors(&unet_config(), &[4, 12]));
    (net, filled("adapter", &adapter_tensors(&[8, 16, 16], 2, 3)))
}

fn check(name: &str, got: &[f32]) {
    let error = nmse(got, &models::Golden::open("controlnet").array(name).values);
    println!("{name}: NMSE {error:.1e}");
    assert!(error <= TOLERANCE, "{name}: NMSE {error:.1e}");
}

/// Loads a network of a file.
fn load<N>(gpu: &Gpu, file: &ControlFile, new: impl FnOnce(&Scope) -> darkroom::Result<N>) -> N {
    let scope = Scope::open(gpu, file.archive().clone(), None);
    let network = new(&scope).unwrap();
    block_on(Loader::new(&scope).run(file.source(), &mut |_, _| Ok(()))).unwrap();
    network
}

/// Blocks of 2×2 pixels as channels, as torch's `PixelUnshuffle`.
fn unshuffled(picture: &Array) -> Array {
    let [_, c, h, w] = picture.shape[..] else { panic!("a picture") };
    let at = |i: usize, y: usize, x: usize| {
        let (c, dy, dx) = (i / 4, i / 2 % 2, i % 2);
        picture.values[(c * h + 2 * y + dy) * w + 2 * x + dx]
    };
    let (h, w) = (h / 2, w / 2);
    let places = (0..4 * c).flat_map(|i| (0..h).flat_map(move |y| (0..w).map(move |x| (i, y, x))));
    let values = places.map(|(i, y, x)| at(i, y, x)).collect();
    Array { shape: vec![1, 4 * c, h, w], values }
}

/// `factor · x` for a batch of two.
fn times(factor: f32, x: &Tensor) -> Tensor {
    Tensor::combine(2, F32, &[Term::new(factor, x)])
}

/// The networks of the cases on the GPU, and what they are given.
struct Loaded {
    unet: Unet,
    net: ControlNet,
    adapter: T2iAdapter,
    context: Context,
    context_of_net: Context,
    latents: Tensor,
    timestep: f64,
    cases: models::Golden,
}

impl Loaded {
    fn new(gpu: &Gpu) -> Loaded {
        let golden = models::Golden::open(UNET);
        let config = unet_config();
        let unet = golden.load(gpu, UNET_FILE, None, |scope| Unet::new(scope, &config));
        let (net_file, adapter_file) = networks();
        let net_config = ControlNetConfig::of(&net_file, &config).unwrap();
        assert_eq!((net_config.conditioning.as_slice(), net_config.factor()), (&[4, 12][..], 2));
        let net = load(gpu, &net_file, |scope| ControlNet::new(scope, &net_config));
        let adapter_config = T2iAdapterConfig::of(&adapter_file, &config, 2).unwrap();
        let adapter = load(gpu, &adapter_file, |scope| T2iAdapter::new(scope, &adapter_config));
        let given = |name: &str| golden.array(&format!("5x7.{name}"));
        let states = given("context").tokens(gpu, F32);
        Loaded {
            context: unet.prepare(&states),
            context_of_net: net.prepare(&states),
            latents: given("latents").image(gpu, F32),
            timestep: f64::from(given("timestep").values[0]),
            cases: models::Golden::open("controlnet"),
            unet,
            net,
            adapter,
        }
    }

    /// A picture of the cases.
    fn picture(&self, name: &str) -> Tensor {
        self.cases.array(name).image(self.latents.gpu(), F32)
    }

    /// What the ControlNet gives for a picture; its outermost layers alone give the same.
    fn residuals(&self, picture: &str) -> Residuals<Tensor> {
        let whole = ControlNetInput {
            latents: &self.latents,
            hint: &self.net.hint(&self.picture(picture)),
            timestep: self.timestep,
            context: &self.context_of_net,
            outermost: false,
        };
        let made = self.net.forward(&whole);
        let outer = self.net.forward(&ControlNetInput { outermost: true, ..whole });
        assert_eq!((outer.skips.len(), outer.mid.is_none()), (2, true));
        for (outer, inner) in outer.skips.iter().zip(&made.skips) {
            assert_eq!(block_on(outer.to_f32()).unwrap(), block_on(inner.to_f32()).unwrap());
        }
        made
    }

    fn predict(&self, residuals: &Residuals<Tensor>) -> Vec<f32> {
        let input = UnetInput::new(&self.latents, self.timestep, &self.context);
        let input = UnetInput { residuals: Some(residuals), ..input };
        planes(&self.unet.forward(&input).sample, 4)
    }

    /// The features of the T2I-Adapter.
    fn levels(&self) -> Vec<Tensor> {
        let picture = unshuffled(&self.cases.array("picture0"));
        self.adapter.forward(&picture.image(self.latents.gpu(), F32))
    }
}

/// Residuals times a factor that depends on the skip.
fn scaled(made: &Residuals<Tensor>, factor: &dyn Fn(usize) -> f32) -> Residuals<Tensor> {
    Residuals {
        skips: made.skips.iter().enumerate().map(|(i, x)| times(factor(i), x)).collect(),
        mid: made.mid.as_ref().map(|x| times(factor(made.skips.len()), x)),
        down: Vec::new(),
    }
}

/// All outputs of the cases on the GPU, by name.
fn on_gpu(gpu: &Gpu) -> Vec<(String, Vec<f32>)> {
    let loaded = Loaded::new(gpu);
    let first = loaded.residuals("picture0");
    let plain = scaled(&first, &|_| 0.7);
    let all = first.skips.len();
    let rising = |i: usize| 0.7 * 10_f32.powf(i as f32 / all as f32 - 1.0);
    let guess = scaled(&first, &rising);
    let channels = |i: usize| loaded.cases.array(&format!("plain.skip{i}")).shape[1];
    let mut outputs = Vec::new();
    for (name, made) in [("plain", &plain), ("guess", &guess)] {
        for (i, skip) in made.skips.iter().enumerate() {
            outputs.push((format!("{name}.skip{i}"), planes(skip, channels(i))));
        }
        outputs.push((format!("{name}.mid"), planes(made.mid.as_ref().unwrap(), 16)));
        outputs.push((format!("{name}.eps"), loaded.predict(made)));
    }
    let second = scaled(&loaded.residuals("picture1"), &|_| 0.4);
    let both: Vec<_> = plain.skips.iter().zip(&second.skips).map(|(a, b)| a.add(b)).collect();
    let mid = plain.mid.unwrap().add(&second.mid.unwrap());
    let mut two = Residuals { skips: both, mid: Some(mid), down: Vec::new() };
    outputs.push(("two.eps".into(), loaded.predict(&two)));
    let levels = loaded.levels();
    for (i, (level, c)) in levels.iter().zip([8, 16, 16]).enumerate() {
        outputs.push((format!("level{i}"), planes(level, c)));
    }
    let down: Vec<_> = levels.iter().map(|level| times(0.9, level)).collect();
    let alone = Residuals { down: down.clone(), ..Residuals::default() };
    outputs.push(("adapter.eps".into(), loaded.predict(&alone)));
    two.down = down;
    outputs.push(("both.eps".into(), loaded.predict(&two)));
    outputs
}

#[test]
fn the_networks_are_diffusers() {
    let outputs = gpu::run(Device::Plain, on_gpu);
    assert_eq!(outputs.len(), 2 * (9 + 2) + 1 + 3 + 2);
    outputs.iter().for_each(|(name, values)| check(name, values));
}

#[test]
fn the_reference_is_diffusers() {
    let candled = |array: Array| {
        Candled::from_vec(array.values, array.shape, &candle_core::Device::Cpu).unwrap()
    };
    let values = |x: &Candled| x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let (golden, cases) = (models::Golden::open(UNET), models::Golden::open("controlnet"));
    let (net_file, adapter_file) = networks();
    let config = unet_config();
    let read = |file: &ControlFile| {
        block_on(Weights::read(file.source(), file.archive(), 0, &mut |_| Ok(()))).unwrap()
    };
    let net_config = ControlNetConfig::of(&net_file, &config).unwrap();
    let net = reference::ControlNet::open(read(&net_file), &net_config).unwrap();
    let hint = net.hint(&candled(cases.array("picture0")));
    let given = |name: &str| candled(golden.array(&format!("5x7.{name}")));
    let (latents, context) = (given("latents"), given("context"));
    let timestep = f64::from(golden.array("5x7.timestep").values[0]);
    let made = net.forward((&latents, &hint), timestep, &context, false).unwrap();
    for (i, skip) in made.skips.iter().enumerate() {
        check(&format!("plain.skip{i}"), &values(&(skip * 0.7).unwrap()));
    }
    check("plain.mid", &values(&(made.mid.unwrap() * 0.7).unwrap()));
    let outer = net.forward((&latents, &hint), timestep, &context, true).unwrap();
    assert_eq!(values(&outer.skips[1]), values(&made.skips[1]));
    let adapter_config = T2iAdapterConfig::of(&adapter_file, &config, 2).unwrap();
    let adapter = reference::T2iAdapter::open(read(&adapter_file), &adapter_config).unwrap();
    let levels = adapter.forward(&candled(unshuffled(&cases.array("picture0"))));
    for (i, level) in levels.iter().enumerate() {
        check(&format!("level{i}"), &values(level));
    }
}

/// The networks of the pictures, by name.
pub(crate) fn of_tiny(name: &str) -> Rc<ControlFile> {
    let files = block_on(Files::open(&FileSource::new(tiny()))).unwrap();
    match name {
        "t2i" => filled(name, &adapter_tensors(&[16, 32, 48], 8, 3)),
        "gray" => filled(name, &adapter_tensors(&[16, 32, 48], 8, 1)),
        _ => filled(name, &net_tensors(&files.unet, &[4, 8, 8, 12])),
    }
}

/// Draws a golden request with its controls, of networks by name: the final latents, and the
/// picture's values.
pub(crate) fn drawn(
    pipeline: &Pipeline,
    (golden, name): (&Golden, &str),
    net: &dyn Fn(&str) -> Rc<ControlFile>,
) -> [Vec<f32>; 2] {
    let all: serde_json::Value = serde_json::from_str(golden.text("requests")).unwrap();
    let request = Request::from_json(&all[name]["request"].to_string()).unwrap();
    let controls = all[name]["controls"].as_array().unwrap().iter().map(|one| {
        let side = |i: usize| one["picture"][i].as_u64().unwrap() as u32;
        let file = net(one["net"].as_str().unwrap());
        let number = |name: &str, default: f64| one[name].as_f64().unwrap_or(default);
        PictureControl {
            weight: number("weight", 1.0) as f32,
            start: number("start", 0.0),
            end: number("end", 1.0),
            guess: one["guess"].as_bool().unwrap_or_default(),
            ..PictureControl::new(file, initial(side(0), side(1)))
        }
    });
    let controls: Vec<_> = controls.collect();
    let (memory, start) = (Memory::default(), initial(48, 40));
    let initial = request.strength.is_some().then_some(&start);
    let observer = Some(&memory as _);
    let extras = Extras { initial, controls: &controls, observer, ..Extras::default() };
    let made = block_on(pipeline.generate_with(&request, &Control::default(), &extras)).unwrap();
    assert_eq!(made.controls.len(), controls.len());
    let mut stages = memory.stages();
    let is_latents = |stage: &&String| stage.starts_with("latents_");
    let last = stages.keys().rfind(is_latents).unwrap().clone();
    [last.as_str(), "image"].map(|stage| stages.remove(stage).unwrap())
}

/// Draws a golden request and compares.
fn check_picture(pipeline: &Pipeline, name: &str, device: &str) {
    let golden = Golden::open("controlnet/pictures.safetensors");
    let [latents, image] = drawn(pipeline, (&golden, name), &of_tiny);
    let error = models::nmse(&latents, &golden.array(&format!("{name}.latents"))).sqrt();
    let want = golden.array(&format!("{name}.image"));
    let off = image.iter().zip(&want).map(|(got, want)| (got - want).abs());
    let off = 255.0 * off.fold(0.0, f32::max);
    println!("{name} on the {device}: latents {error:.1e}, picture {off:.3}/255");
    assert!(error < 1e-3 && off <= 0.5, "{name}: {error:.1e}, {off}/255");
}

const CASES: [&str; 9] = [
    "one",
    "two",
    "guess",
    "guess alone",
    "part",
    "begun",
    "adapter",
    "gray adapter",
    "two adapters",
];

#[test]
fn pictures_are_those_of_diffusers() {
    gpu::run(Device::Plain, |gpu| {
        let pipeline = open(gpu, tiny(), Options::default()).unwrap();
        CASES.into_iter().for_each(|name| check_picture(&pipeline, name, "GPU"));
    });
}

#[test]
fn pictures_of_the_cpu_are_those_of_diffusers() {
    let pipeline = open_on_cpu(tiny()).unwrap();
    CASES.into_iter().for_each(|name| check_picture(&pipeline, name, "CPU"));
}

/// Names and shapes of the published ControlNet and T2I-Adapter.
#[test]
fn the_published_topologies_have_diffusers_tensors() {
    let json = golden::json("controlnet/tensors.json");
    let sorted = |mut tensors: Vec<(String, Vec<usize>)>| {
        tensors.sort();
        tensors
    };
    let v1_4 = Files::v1_4().unwrap();
    let rows: Vec<(String, String, Vec<usize>)> =
        serde_json::from_value(json["controlnet"].clone()).unwrap();
    let want = rows.into_iter().map(|(name, _, shape)| (name, shape)).collect();
    let got = sorted(net_tensors(&v1_4.unet, &[16, 32, 96, 256]));
    let parameters: usize = got.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
    assert_eq!(parameters, 361_279_120);
    assert_eq!(got, sorted(want));
    let want = serde_json::from_value(json["adapter"].clone()).unwrap();
    assert_eq!(sorted(adapter_tensors(&[320, 640, 1280, 1280], 8, 3)), sorted(want));
}
