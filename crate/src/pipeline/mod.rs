//! Floor 6: from a request to a picture. Here tokenizer, models, schedule and noise meet; nothing
//! below knows more than its own part, and nothing above decides anything.
//!
//! [`Pipeline::open`] reads a model once; [`Pipeline::generate`] is the walk.

pub mod bench;
mod clip_score;
mod configs;
mod context;
mod control;
mod cpu;
mod denoiser;
mod device;
mod dry;
mod engine;
mod fit;
mod forecast;
mod generate;
mod gpu;
mod initial;
mod model;
mod part_file;
mod parts;
mod pause;
mod picture;
mod preview;
mod provenance;
mod residency;
mod run;
mod safety;
mod single_file;
mod state;
pub mod tuner;
mod verify;

pub use crate::request::{Allowed, COUNT_MAX, Request, SIDE_MAX, STEPS_MAX, Shortcuts};
pub use clip_score::ClipScore;
pub use configs::Configs;
pub use control::{Control, Progress};
pub use cpu::Turn;
pub use device::{AdapterKind, Device, DeviceChoice, Host, f32_only};
pub use dry::{DryRun, Kinds, Load, Phase};
pub use forecast::Forecast;
pub use generate::{Extras, Receive, Witness};
pub use model::Files;
pub use parts::Set;
pub use pause::Pause;
pub use picture::Picture;
pub use preview::Previews;
pub use provenance::Provenance;
pub use residency::{Residency, Stage};
pub use safety::{Safety, SafetyFiles};
pub use verify::{Check, PUBLISHED, Published, Verdict};

use cpu::OnCpu;
use engine::Call;
use gpu::OnGpu;
use safety::Checker;

use crate::diffusion::Sampler;
use crate::dtype::{Precision, WeightType};
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Held, Tuning};
use crate::text::Tokenizer;
use crate::weights::Source;
use serde::Serialize;
use std::rc::Rc;

/// How a model is held and run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Of activations.
    pub precision: Precision,
    /// Of weights; without it as the files have them.
    pub weights: Option<WeightType>,
    /// Whether the model's safety checker, if it has one, looks at every picture.
    pub safety: bool,
    /// Bytes of graphics memory that weights and work may take, all in all, where that is possible;
    /// without it, what [`Residency::budget`] says.
    pub memory: Option<u64>,
    /// This way to keep parts and to decode, and no other; without it, what fits the memory.
    pub residency: Option<Residency>,
    /// Whether a picture depends on nothing that differs between openings: kernels are the fixed
    /// ones of the adapter's kind, and what goes together and in bands is planned within WebGPU's
    /// default limits, unless only the device's own hold it. The same request then gives the same
    /// bytes on the same adapter. Otherwise kernels are those that were chosen for it
    /// ([`tuner::tune`]), which may differ by 1/255.
    pub reproducible: bool,
}

impl Default for Options {
    /// f32 activations, weights as in the files, checked and reproducible pictures.
    fn default() -> Self {
        Options {
            precision: Precision::default(),
            weights: None,
            safety: true,
            memory: None,
            residency: None,
            reproducible: true,
        }
    }
}

impl Options {
    /// Whether all is stored as it comes, the only way of the CPU; the other options do not matter
    /// here.
    pub fn is_plain(&self) -> bool {
        let Options { precision, weights, .. } = *self;
        (precision, weights) == (Precision::F32, None)
    }
}

/// A model on the GPU or on the CPU, ready to draw.
pub struct Pipeline {
    files: Files,
    tokenizer: Tokenizer,
    machine: Machine,
    description: Description,
    /// What sees a picture first; without it, why.
    checker: Result<Checker, Safety>,
    provenance: Option<Provenance>,
}

/// Where the networks are.
enum Machine {
    Gpu(Box<OnGpu>),
    Cpu(Box<OnCpu>),
}

/// What a model is and can be asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Description {
    /// Pixels per latent: width and height are multiples of it.
    pub factor: u32,
    /// The width and height for which the model was trained.
    pub width: u32,
    pub height: u32,
    /// Names for [`Request::sampler`].
    pub samplers: Vec<&'static str>,
    /// Layers of the text encoder: the most for [`Request::clip_skip`].
    pub text_layers: u32,
    /// Numbers in the files of its weights.
    pub parameters: u64,
}

impl Description {
    /// What a request may ask for.
    pub fn allowed(&self) -> Allowed<'_> {
        Allowed {
            factor: self.factor,
            size: [self.width, self.height],
            samplers: &self.samplers,
            text_layers: self.text_layers,
        }
    }
}

impl Pipeline {
    /// Opens a model in the diffusers layout: reads its configs, checks them against one another
    /// and against the headers of its weights, then brings to the GPU the weights that are kept
    /// there.
    ///
    /// # Errors
    /// A file that is missing or damaged, a config that is not supported, a device too small, a
    /// cancel.
    pub async fn open(
        gpu: &Gpu,
        source: Rc<dyn Source>,
        options: &Options,
        control: &Control,
    ) -> Result<Pipeline> {
        if options.precision == Precision::F16 && !gpu.has_f16() {
            let reason = "can only be f32: this graphics adapter has no shader-f16".into();
            return Err(Error::Request { field: "precision", reason });
        }
        if options.reproducible {
            gpu.set_tuning(Tuning::default_for(gpu.info().software));
        }
        let files = Files::open(&*source).await?;
        control.check()?;
        let tokenizer = files.tokenizer(&*source).await?;
        let checker = SafetyFiles::open_if(options.safety, &*source).await?;
        let on_gpu = OnGpu::new(gpu, source.clone(), options, &files);
        on_gpu.load(Call { files: &files, control }).await?;
        let checker = match checker {
            Ok(checker) => Ok(checker.load(gpu, &*source, options.weights, control).await?),
            Err(reason) => Err(reason),
        };
        let provenance = Provenance::read(&*source).await?;
        let machine = Machine::Gpu(Box::new(on_gpu));
        let description = files.describe();
        Ok(Pipeline { files, tokenizer, machine, description, checker, provenance })
    }

    /// What the model is and can be asked for.
    pub fn describe(&self) -> &Description {
        &self.description
    }

    /// The kernels that were chosen for the adapter, and what the choice is kept under; none on
    /// the CPU.
    pub fn tuning(&self) -> Option<(String, Tuning)> {
        match &self.machine {
            Machine::Gpu(on_gpu) => Some((tuner::key(&on_gpu.gpu), on_gpu.gpu.tuning())),
            Machine::Cpu(_) => None,
        }
    }

    /// Which model it is, as far as its parts list says.
    pub fn provenance(&self) -> Option<&Provenance> {
        self.provenance.as_ref()
    }

    /// What stays on the graphics adapter between the stages of a walk, as the latest request had
    /// it; none on the CPU.
    pub fn residency(&self) -> Option<Residency> {
        match &self.machine {
            Machine::Gpu(engine) => Some(engine.residency()),
            Machine::Cpu(_) => None,
        }
    }

    /// The most graphics memory that was held at one moment of each stage, of loading and of the
    /// latest walk, as the device's own account has it.
    pub fn peaks(&self) -> Vec<(Stage, Held)> {
        match &self.machine {
            Machine::Gpu(engine) => engine.peaks(),
            Machine::Cpu(_) => Vec::new(),
        }
    }

    /// How the model splits prompts.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }
}

/// The names of all samplers, in the order of a menu.
fn sampler_names() -> Vec<&'static str> {
    Sampler::ALL.map(Sampler::name).to_vec()
}
