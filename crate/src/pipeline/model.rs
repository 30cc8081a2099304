//! An opened model on the GPU or on the CPU. [`Pipeline::open`] makes it, and
//! [`Pipeline::generate`] makes pictures with it.

use super::checkpoint::{
    DecoderChoice, Description, EmbeddingRecord, Files, LoraRecord, PartRecord, Provenance,
    Weighted, in_use,
};
use super::device::{AdapterKind, Device};
use super::engine::{Engine as _, OnCpu, OnGpu, Residency, Stage};
use super::picture::Safety;
use super::safety::Checker;
use crate::gpu::{Held, Tuning};
use crate::measure::tuner;
use crate::text::Tokenizer;
use crate::weights::Source;
use std::cell::RefCell;
use std::rc::Rc;

/// An opened model on the GPU or on the CPU.
pub struct Pipeline {
    /// Its files, with the LoRAs that the weights have now.
    pub(super) files: RefCell<Rc<Files>>,
    pub(super) source: Rc<dyn Source>,
    pub(super) tokenizer: RefCell<Rc<Tokenizer>>,
    pub(super) machine: Machine,
    pub(super) adapter: AdapterKind,
    pub(super) description: Description,
    /// The safety checker; if there is none, the reason.
    pub(super) checker: Result<Checker, Safety>,
    pub(super) provenance: Option<Provenance>,
    /// The LoRAs that requests use, and those that the weights have now.
    pub(super) chosen: RefCell<Vec<Weighted>>,
    pub(super) loras: RefCell<Vec<LoraRecord>>,
    /// The parts that are not the model's own.
    pub(super) parts: Vec<PartRecord>,
}

/// A model's files, with what they were changed by.
pub(super) struct ModelFiles {
    pub files: Files,
    pub source: Rc<dyn Source>,
    /// The LoRAs that were added to them, or have weight 0.
    pub loras: Vec<Weighted>,
    /// The parts that are not the model's own.
    pub parts: Vec<PartRecord>,
}

/// The engine, which has the networks.
pub(super) enum Machine {
    Gpu(Box<OnGpu>),
    Cpu(Box<OnCpu>),
}

impl Pipeline {
    /// Of a model's files.
    pub(super) fn new(
        model: ModelFiles,
        tokenizer: Tokenizer,
        (machine, adapter): (Machine, AdapterKind),
        checker: Result<Checker, Safety>,
        provenance: Option<Provenance>,
    ) -> Pipeline {
        let ModelFiles { files, source, loras: chosen, parts } = model;
        Pipeline {
            description: files.describe(),
            files: RefCell::new(Rc::new(files)),
            source,
            tokenizer: RefCell::new(Rc::new(tokenizer)),
            machine,
            adapter,
            checker,
            provenance,
            loras: RefCell::new(in_use(&chosen).iter().map(LoraRecord::of).collect()),
            chosen: RefCell::new(chosen),
            parts,
        }
    }

    /// Its files, with the LoRAs that the weights have now.
    pub(super) fn files(&self) -> Rc<Files> {
        self.files.borrow().clone()
    }

    /// What the model is, and which requests it accepts.
    pub fn describe(&self) -> &Description {
        &self.description
    }

    /// The adapter's tuning, and the key under which it is stored; `None` on the CPU.
    pub fn tuning(&self) -> Option<(String, Tuning)> {
        match &self.machine {
            Machine::Gpu(on_gpu) => Some((tuner::key(&on_gpu.gpu), on_gpu.gpu.tuning())),
            Machine::Cpu(_) => None,
        }
    }

    /// Name, revision and hash of the model, if its manifest has them.
    pub fn provenance(&self) -> Option<&Provenance> {
        self.provenance.as_ref()
    }

    /// The numbers of a token for the text encoder.
    pub fn text_width(&self) -> usize {
        self.files().text_encoder.encoder.hidden_size
    }

    /// The textual inversions that prompts may call.
    pub fn embeddings(&self) -> Vec<EmbeddingRecord> {
        self.files().embeddings().records().cloned().collect()
    }

    /// The parts that were taken from other files than the model's own.
    pub fn other_parts(&self) -> &[PartRecord] {
        &self.parts
    }

    /// Whether a TAESD decodes every picture.
    pub(super) fn always_decodes_by_taesd(&self) -> bool {
        let beside = match &self.machine {
            Machine::Gpu(engine) => engine.taesd(),
            Machine::Cpu(engine) => engine.taesd(),
        };
        beside.is_some_and(|beside| beside.decoder == DecoderChoice::Taesd)
    }

    /// The residency of the latest request; `None` on the CPU.
    pub fn residency(&self) -> Option<Residency> {
        match &self.machine {
            Machine::Gpu(engine) => Some(engine.residency()),
            Machine::Cpu(_) => None,
        }
    }

    /// The peak of graphics memory in each stage of loading and of the latest run, as the device's
    /// account counts it.
    pub fn peaks(&self) -> Vec<(Stage, Held)> {
        match &self.machine {
            Machine::Gpu(engine) => engine.peaks(),
            Machine::Cpu(_) => Vec::new(),
        }
    }

    /// The model's tokenizer.
    pub fn tokenizer(&self) -> Rc<Tokenizer> {
        self.tokenizer.borrow().clone()
    }

    /// The peak of graphics memory in bytes; `None` on the CPU.
    pub fn bytes_peak(&self) -> Option<u64> {
        match &self.machine {
            Machine::Gpu(on_gpu) => Some(on_gpu.gpu.stats().bytes_peak),
            Machine::Cpu(_) => None,
        }
    }

    /// The device that computes.
    pub fn device(&self) -> Device {
        match self.machine {
            Machine::Gpu(_) => Device::WebGpu,
            Machine::Cpu(_) => Device::Cpu,
        }
    }

    /// The kind of adapter that was found, also where the CPU computes instead of it.
    pub fn adapter(&self) -> AdapterKind {
        self.adapter
    }

    /// The bytes and the number of all buffers on the graphics device; 0 on the CPU.
    pub fn gpu_memory(&self) -> (u64, u64) {
        match &self.machine {
            Machine::Gpu(engine) => {
                let stats = engine.gpu.stats();
                (stats.bytes_alive, stats.buffers_alive)
            }
            Machine::Cpu(_) => (0, 0),
        }
    }

    /// Destroys the graphics device, if there is one, so that its memory is free at once; the
    /// pipeline cannot be used any more.
    pub fn destroy(&self) {
        if let Machine::Gpu(engine) = &self.machine {
            engine.gpu.destroy();
        }
    }
}
