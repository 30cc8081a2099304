//! Where a model runs: on the graphics adapter or on the CPU, as asked or as the machine allows.
//!
//! ```text
//!            adapter: hardware     software, or no WebGPU
//! auto                WebGPU       the CPU where the model fits in memory, or else an error
//! webgpu              WebGPU       WebGPU, however slow; an error without it
//! cpu                 the CPU      the CPU; an error where the model does not fit
//! ```

use super::control::{Control, Progress};
use super::cpu::{OnCpu, Turn};
use super::model::Files;
use super::{Machine, Options, Pipeline, Provenance, Safety, SafetyFiles, tuner};
use crate::error::{Error, Result};
use crate::gpu::{Gpu, GpuOptions};
use crate::weights::Source;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::rc::Rc;

/// Who computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// A graphics adapter, through WebGPU or, natively, through the API beneath it.
    WebGpu,
    /// The CPU, by the implementation of [`crate::reference`].
    Cpu,
}

/// Who is asked to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// Whoever does it best.
    #[default]
    Auto,
    /// WebGPU, whatever adapter is behind it.
    WebGpu,
    /// The CPU.
    Cpu,
}

/// What the host knows of its graphics adapter: from inside WebGPU nobody can tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AdapterKind {
    /// A graphics card; also one of which nothing is known.
    #[default]
    Hardware,
    /// WebGPU computed on the CPU, several times slower than our own way there.
    Software,
    /// No WebGPU, or no adapter.
    None,
}

/// The machine as its host describes it.
#[derive(Default)]
pub struct Host {
    pub adapter: AdapterKind,
    /// Lets the host do what waits, such as hear a wish to cancel; for work on the CPU.
    pub turn: Option<Turn>,
    /// The kernels that adapters of this host were found to run best, by
    /// [`tuner::key`]; an adapter that is not among them is measured. Where pictures are to be
    /// reproducible ([`Options::reproducible`]), they are not asked.
    pub tunings: Option<HashMap<String, String>>,
}

impl Pipeline {
    /// Opens a model where `choice` says.
    ///
    /// # Errors
    /// As [`Pipeline::open`]; [`Error::NoDevice`] when neither adapter nor CPU can do it.
    pub async fn open_where(
        choice: DeviceChoice,
        host: Host,
        source: Rc<dyn Source>,
        options: &Options,
        control: &Control,
    ) -> Result<Pipeline> {
        let Host { mut adapter, turn, tunings } = host;
        let tries_gpu = match choice {
            DeviceChoice::Auto => adapter == AdapterKind::Hardware,
            DeviceChoice::WebGpu => true,
            DeviceChoice::Cpu => false,
        };
        if tries_gpu {
            match Gpu::open(&GpuOptions::default()).await {
                Ok(gpu) => {
                    if let Some(known) = tunings.filter(|_| !options.reproducible) {
                        let remembered = known.get(&tuner::key(&gpu)).map(String::as_str);
                        let tuned = tuner::tune(&gpu, remembered, control).await;
                        tuned.inspect_err(|_| gpu.destroy())?;
                    }
                    return open_or_destroy(&gpu, source, options, control).await;
                }
                Err(error) if choice == DeviceChoice::WebGpu => return Err(error),
                Err(_) => adapter = AdapterKind::None,
            }
        }
        let files = Files::open(&*source).await?;
        let why = match (choice, adapter) {
            (DeviceChoice::Cpu, _) => "",
            (_, AdapterKind::Software) => "There is only a software adapter for WebGPU here. ",
            _ => "There is no WebGPU here. ",
        };
        let checker = SafetyFiles::open_if(options.safety, &*source).await?;
        check_memory(&files, &checker, why)?;
        if !options.is_plain() {
            if choice == DeviceChoice::Cpu {
                return Err(f32_only());
            }
            let text = "The CPU computes in f32: the precision that was asked for is ignored.";
            control.tell(Progress::Notice { text: text.into() });
        }
        if choice == DeviceChoice::Auto {
            let text = format!("{why}The CPU computes the picture; that takes longer.");
            control.tell(Progress::Notice { text });
        }
        Pipeline::on_cpu(files, checker, turn, &*source, control).await
    }

    /// Opens a model on the CPU, in f32, by an implementation of its own: [`crate::reference`];
    /// `safety` as in [`Options`].
    ///
    /// # Errors
    /// As [`Pipeline::open`].
    pub async fn open_on_cpu(
        source: Rc<dyn Source>,
        safety: bool,
        control: &Control,
    ) -> Result<Pipeline> {
        let files = Files::open(&*source).await?;
        let checker = SafetyFiles::open_if(safety, &*source).await?;
        check_memory(&files, &checker, "")?;
        Pipeline::on_cpu(files, checker, None, &*source, control).await
    }

    /// Opens a model on the CPU, without its checker, to compare with; for a host that wants its
    /// turns. `why` it must be the CPU.
    pub(super) async fn open_cpu(
        source: Rc<dyn Source>,
        turn: Option<Turn>,
        why: &str,
        control: &Control,
    ) -> Result<Pipeline> {
        let files = Files::open(&*source).await?;
        let checker = Err(Safety::Off);
        check_memory(&files, &checker, why)?;
        Pipeline::on_cpu(files, checker, turn, &*source, control).await
    }

    async fn on_cpu(
        files: Files,
        checker: Result<SafetyFiles, Safety>,
        turn: Option<Turn>,
        source: &dyn Source,
        control: &Control,
    ) -> Result<Pipeline> {
        control.check()?;
        let tokenizer = files.tokenizer(source).await?;
        let networks = files.load_on_cpu(source, control).await?;
        let checker = match checker {
            Ok(checker) => Ok(checker.load_on_cpu(source, control).await?),
            Err(reason) => Err(reason),
        };
        let machine = Machine::Cpu(Box::new(OnCpu { networks, turn }));
        let description = files.describe();
        let provenance = Provenance::read(source).await?;
        Ok(Pipeline { files, tokenizer, machine, description, checker, provenance })
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

/// For a wish that the CPU cannot fulfil.
pub fn f32_only() -> Error {
    Error::Request { field: "precision", reason: "can only be f32 on the CPU".into() }
}

/// Opens the model on an adapter that nobody else uses: on a fault it is given back.
pub(super) async fn open_or_destroy(
    gpu: &Gpu,
    source: Rc<dyn Source>,
    options: &Options,
    control: &Control,
) -> Result<Pipeline> {
    let opened = Pipeline::open(gpu, source, options, control).await;
    if opened.is_err() {
        gpu.destroy();
    }
    opened
}

/// An error when the model, at its own size, needs more memory than there is.
fn check_memory(files: &Files, checker: &Result<SafetyFiles, Safety>, why: &str) -> Result<()> {
    let description = files.describe();
    let size = [description.width, description.height];
    let checker = checker.as_ref().map_or(0, SafetyFiles::bytes_on_cpu);
    let needed = checker + files.bytes_on_cpu() + super::cpu::work_bytes(files, size, 2);
    let available = super::cpu::MEMORY_MAX;
    if needed <= available {
        return Ok(());
    }
    let gigabytes = |bytes: u64| format!("{:.1} GB", bytes as f64 / 1e9);
    Err(Error::NoDevice {
        why: why.into(),
        needed: gigabytes(needed),
        available: gigabytes(available),
    })
}
