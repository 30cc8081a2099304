//! A model on the GPU or on the CPU, ready to draw. [`Pipeline::open`] makes it, and
//! [`Pipeline::generate`] is what it is for.

use super::checkpoint::{Description, Files, LoraRecord, Provenance};
use super::device::Device;
use super::engine::{OnCpu, OnGpu, Residency, Stage};
use super::picture::Safety;
use super::safety::Checker;
use crate::gpu::{Held, Tuning};
use crate::measure::tuner;
use crate::text::Tokenizer;

/// A model on the GPU or on the CPU, ready to draw.
pub struct Pipeline {
    pub(super) files: Files,
    pub(super) tokenizer: Tokenizer,
    pub(super) machine: Machine,
    pub(super) description: Description,
    /// What sees a picture first; without it, why.
    pub(super) checker: Result<Checker, Safety>,
    pub(super) provenance: Option<Provenance>,
    /// What its weights were changed by.
    pub(super) loras: Vec<LoraRecord>,
}

/// Where the networks are.
pub(super) enum Machine {
    Gpu(Box<OnGpu>),
    Cpu(Box<OnCpu>),
}

impl Pipeline {
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

    /// The LoRAs that have changed its weights.
    pub fn loras(&self) -> &[LoraRecord] {
        &self.loras
    }

    /// What stays on the graphics adapter between the stages of a run, as the latest request had
    /// it; none on the CPU.
    pub fn residency(&self) -> Option<Residency> {
        match &self.machine {
            Machine::Gpu(engine) => Some(engine.residency()),
            Machine::Cpu(_) => None,
        }
    }

    /// The most graphics memory that was held at one moment of each stage, of loading and of the
    /// latest run, as the device's own account has it.
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

    /// The most bytes that its buffers on the graphics adapter have had together; none on the CPU.
    pub fn bytes_peak(&self) -> Option<u64> {
        match &self.machine {
            Machine::Gpu(on_gpu) => Some(on_gpu.gpu.stats().bytes_peak),
            Machine::Cpu(_) => None,
        }
    }

    /// Who computes.
    pub fn device(&self) -> Device {
        match self.machine {
            Machine::Gpu(_) => Device::WebGpu,
            Machine::Cpu(_) => Device::Cpu,
        }
    }

    /// Bytes of all buffers on the graphics device, and how many they are; none on the CPU.
    pub fn gpu_memory(&self) -> (u64, u64) {
        match &self.machine {
            Machine::Gpu(engine) => {
                let stats = engine.gpu.stats();
                (stats.bytes_alive, stats.buffers_alive)
            }
            Machine::Cpu(_) => (0, 0),
        }
    }

    /// Gives the graphics device back at once, if there is one; nothing can be drawn any more.
    pub fn destroy(&self) {
        if let Machine::Gpu(engine) = &self.machine {
            engine.gpu.destroy();
        }
    }
}
