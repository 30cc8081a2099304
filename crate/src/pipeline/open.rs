//! Opens a model: on the graphics adapter, on the CPU, or on the better one of both.

use super::checkpoint::{
    BesideVae, DecoderChoice, Files, Part, PartRecord, Provenance, SafetyFiles, add_loras,
    check_taesd, in_use, part_records,
};
use super::control::{Control, Progress};
use super::device::{AdapterKind, DeviceChoice, Host};
use super::engine::Options;
use super::engine::{
    Kinds, LoadContext, MEMORY_MAX, OnCpu, OnGpu, Planned, Stage, Turn, Workload, work_bytes,
};
use super::model::{Machine, ModelFiles, Pipeline};
use super::numerics::check_numerics;
use super::picture::Safety;
use super::safety::open_if;
use crate::dtype::Precision;
use crate::error::{Error, Result};
use crate::gpu::{Gpu, GpuOptions, Tuning};
use crate::measure::{self, Numerics, tuner};
use crate::request::Request;
use crate::weights::Source;
use std::rc::Rc;

impl Pipeline {
    /// Opens a model in the diffusers layout: reads its configs, checks that they agree with one
    /// another and with the headers of its weights, then loads the parts that stay on the GPU.
    ///
    /// # Errors
    /// A file that is missing or damaged, a config that is not supported, a device that is too
    /// small or does not compute reliably ([`Numerics::probe`]), a cancel.
    pub async fn open(
        gpu: &Gpu,
        source: Rc<dyn Source>,
        options: &Options,
        control: &Control,
    ) -> Result<Pipeline> {
        let numerics = Numerics::probe(gpu).await?;
        Pipeline::open_with((gpu, numerics), source, options, control).await
    }

    /// [`Pipeline::open`] on an adapter of which it is known how it computes.
    async fn open_with(
        (gpu, numerics): (&Gpu, Numerics),
        source: Rc<dyn Source>,
        options: &Options,
        control: &Control,
    ) -> Result<Pipeline> {
        check_numerics(options, numerics)?;
        if options.precision == Precision::F16 && !gpu.has_f16() {
            let reason = "can only be f32: this graphics adapter has no shader-f16".into();
            return Err(Error::Request { field: "precision", reason });
        }
        gpu.use_matrix_units(numerics.matrix_units);
        if options.reproducible {
            gpu.set_tuning(gpu.default_tuning());
        }
        let model = open_files(source.clone(), options, control).await?;
        control.check()?;
        let files = &model.files;
        let tokenizer = files.tokenizer(&*source).await?;
        let checker = open_if(options.safety, &*source).await?;
        let on_gpu = OnGpu::new(gpu, source.clone(), options, files);
        bring(&on_gpu, LoadContext { files, control }).await?;
        let checker = match checker {
            Ok(checker) => Ok(checker.load(gpu, &*source, options.weights, control).await?),
            Err(reason) => Err(reason),
        };
        let provenance = provenance(&*source, &model.parts).await?;
        let adapter = AdapterKind::of(gpu);
        let machine = Machine::Gpu(Box::new(on_gpu));
        Ok(Pipeline::new(model, tokenizer, (machine, adapter), checker, provenance))
    }

    /// Opens a model on the device of `choice`.
    ///
    /// # Errors
    /// As [`Pipeline::open`]; [`Error::NoDevice`] when neither the adapter nor the CPU can run it.
    pub async fn open_where(
        choice: DeviceChoice,
        host: Host,
        source: Rc<dyn Source>,
        options: &Options,
        control: &Control,
    ) -> Result<Pipeline> {
        let Host { adapter, turn, tunings } = host;
        let (kind, why) = match find_adapter(choice, adapter).await? {
            Found::Gpu(gpu, numerics) => {
                gpu.use_matrix_units(numerics.matrix_units);
                if let Some(known) = tunings.filter(|_| !options.reproducible) {
                    let remembered = known.get(&tuner::key(&gpu)).map(String::as_str);
                    tune(&gpu, remembered, control).await.inspect_err(|_| gpu.destroy())?;
                }
                let opened = Pipeline::open_with((&gpu, numerics), source, options, control).await;
                return opened.inspect_err(|_| gpu.destroy());
            }
            Found::None { kind, why } => (kind, why),
        };
        let model = open_files(source.clone(), options, control).await?;
        let checker = open_if(options.safety, &*source).await?;
        check_memory(&model.files, &checker, options.decoder(), &why)?;
        if !options.is_plain() {
            if choice == DeviceChoice::Cpu {
                return Err(f32_only());
            }
            let text = "The CPU computes in f32: the precision that was asked for is ignored.";
            control.report(Progress::Notice { text: text.into() });
        }
        if choice == DeviceChoice::Auto {
            let text = format!("{why}The CPU computes the picture; that takes longer.");
            control.report(Progress::Notice { text });
        }
        let beside = options.taesd.as_ref();
        let opened = Pipeline::on_cpu(model, (checker, beside), turn, control).await?;
        Ok(Pipeline { adapter: kind, ..opened })
    }

    /// Opens a model on the CPU, in f32, with the implementation of [`crate::reference`]. Of the
    /// options only `safety`, `loras`, `embeddings` and `taesd` are used.
    ///
    /// # Errors
    /// As [`Pipeline::open`].
    pub async fn open_on_cpu(
        source: Rc<dyn Source>,
        options: &Options,
        control: &Control,
    ) -> Result<Pipeline> {
        let model = open_files(source.clone(), options, control).await?;
        let checker = open_if(options.safety, &*source).await?;
        check_memory(&model.files, &checker, options.decoder(), "")?;
        Pipeline::on_cpu(model, (checker, options.taesd.as_ref()), None, control).await
    }

    /// Opens a model on the CPU, without its safety checker, for comparisons. `turn` yields to the
    /// event loop; `why` is the beginning of an error's text, which says why the CPU is needed.
    ///
    /// # Errors
    /// Those of the source; [`Error::NoDevice`] where the memory is too
    /// small; [`Error::Cancelled`].
    pub(super) async fn open_cpu(
        source: Rc<dyn Source>,
        turn: Option<Turn>,
        why: &str,
        control: &Control,
    ) -> Result<Pipeline> {
        let files = Files::open(&*source).await?;
        let checker = Err(Safety::Off);
        check_memory(&files, &checker, DecoderChoice::Vae, why)?;
        let model = ModelFiles { files, source, loras: Vec::new(), parts: Vec::new() };
        Pipeline::on_cpu(model, (checker, None), turn, control).await
    }

    async fn on_cpu(
        model: ModelFiles,
        (checker, beside): (Result<SafetyFiles, Safety>, Option<&BesideVae>),
        turn: Option<Turn>,
        control: &Control,
    ) -> Result<Pipeline> {
        control.check()?;
        let (files, source) = (&model.files, &*model.source);
        let tokenizer = files.tokenizer(source).await?;
        let machine = OnCpu::load(files, source, turn, beside, control).await?;
        let checker = match checker {
            Ok(checker) => Ok(checker.load_on_cpu(source, control).await?),
            Err(reason) => Err(reason),
        };
        let machine = Machine::Cpu(Box::new(machine));
        let provenance = provenance(source, &model.parts).await?;
        let adapter = AdapterKind::Unknown;
        Ok(Pipeline::new(model, tokenizer, (machine, adapter), checker, provenance))
    }
}

/// Opens the model's files, with the parts that the source takes from elsewhere, and adds LoRAs and
/// textual inversions.
///
/// # Errors
/// Those of the files; LoRAs and textual inversions that are for another model; a cancel.
async fn open_files(
    source: Rc<dyn Source>,
    options: &Options,
    control: &Control,
) -> Result<ModelFiles> {
    let mut files = Files::open(&*source).await?;
    let parts = part_records(&*source, files.other_parts(), control).await?;
    add_loras(&mut files, &in_use(&options.loras), control).await?;
    files.set_embeddings(&options.embeddings)?;
    check_taesd(&files, options.taesd.as_ref(), control)?;
    Ok(ModelFiles { files, source, loras: options.loras.clone(), parts })
}

/// Where the model is from. The hash is that of the UNet's weights: with another UNet there is
/// none.
///
/// # Errors
/// Those of the source.
async fn provenance(source: &dyn Source, parts: &[PartRecord]) -> Result<Option<Provenance>> {
    let other_unet = parts.iter().any(|part| part.part == Part::Unet.name());
    let read = Provenance::read(source).await?;
    Ok(read.map(|read| match other_unet {
        true => Provenance { sha256: None, ..read },
        false => read,
    }))
}

/// What was found for a model to run on.
pub(super) enum Found {
    /// An adapter, and how it computes.
    Gpu(Gpu, Numerics),
    /// No adapter that is to be used: its kind, and the sentence that says so, or none where the
    /// CPU was asked for.
    None { kind: AdapterKind, why: String },
}

/// Opens the adapter, of which the host knows the `kind`, if it is to be used; see the table of
/// [`device`](super::device).
///
/// # Errors
/// Where WebGPU was asked for: [`Error::NoGpu`], [`Error::NoAdapter`], the device's faults.
pub(super) async fn find_adapter(choice: DeviceChoice, kind: AdapterKind) -> Result<Found> {
    let none = |kind, why: &str| Ok(Found::None { kind, why: why.into() });
    let software = "There is only a software adapter for WebGPU here. ";
    let no_webgpu = "There is no WebGPU here. ";
    match (choice, kind) {
        (DeviceChoice::Cpu, _) => return none(kind, ""),
        (DeviceChoice::Auto, AdapterKind::Software) => return none(kind, software),
        (DeviceChoice::Auto, AdapterKind::None) => return none(kind, no_webgpu),
        _ => {}
    }
    let options = GpuOptions { software: kind.is_software(), ..GpuOptions::default() };
    let gpu = match measure::open(&options).await {
        Ok(gpu) => gpu,
        Err(error) if choice == DeviceChoice::WebGpu => return Err(error),
        Err(Error::NoGpu { .. } | Error::NoAdapter { .. }) => {
            return none(AdapterKind::None, no_webgpu);
        }
        Err(error) => return none(kind, &format!("{error} ")),
    };
    if choice == DeviceChoice::Auto && gpu.info().software {
        gpu.destroy();
        return none(AdapterKind::Software, software);
    }
    let kind = AdapterKind::of(&gpu);
    match Numerics::probe(&gpu).await {
        Ok(numerics) => Ok(Found::Gpu(gpu, numerics)),
        Err(error) => {
            gpu.destroy();
            if choice == DeviceChoice::WebGpu {
                return Err(error);
            }
            none(kind, &format!("{error} "))
        }
    }
}

/// Plans for pictures of the model's own size, and loads the parts that are kept; with less memory
/// where it was short.
///
/// # Errors
/// Tensors that are missing or of another shape; those of the source and the device; a cancel.
async fn bring(engine: &OnGpu, call: LoadContext<'_>) -> Result<()> {
    let description = call.files.describe();
    let size = [description.width, description.height];
    let prompts = call.files.prompts(&Request::default());
    let own =
        Workload { size, prompts, chunks: 1, pictures: 1, kinds: Kinds::EXACT, begins: false };
    loop {
        let brought = match engine.plan(own, call).await {
            // A size that does not fit is no error here: smaller pictures may fit.
            Ok(_) | Err(Error::GpuLimit { .. }) => engine.enter(Stage::Loading, call).await,
            Err(error) => Err(error),
        };
        if !engine.takes_less_after(&brought, call.control).await {
            return brought;
        }
    }
}

/// [`tuner::tune`]; reports [`Progress::Tuning`] before each measurement.
///
/// # Errors
/// As [`tuner::tune`], and [`Error::Cancelled`] between two measurements.
pub async fn tune(gpu: &Gpu, remembered: Option<&str>, control: &Control) -> Result<Tuning> {
    let before_each = |done, total| {
        control.report(Progress::Tuning { done, total });
        control.check()
    };
    tuner::tune(gpu, remembered, &before_each).await
}

/// The error for options that the CPU does not support.
pub fn f32_only() -> Error {
    Error::Request { field: "precision", reason: "can only be f32 on the CPU".into() }
}

/// Opens the model on an adapter that nothing else uses; after an error the device is destroyed.
///
/// # Errors
/// As [`Pipeline::open`].
pub(super) async fn open_or_destroy(
    gpu: &Gpu,
    source: Rc<dyn Source>,
    options: &Options,
    control: &Control,
) -> Result<Pipeline> {
    let opened = Pipeline::open(gpu, source, options, control).await;
    opened.inspect_err(|_| gpu.destroy())
}

/// An error when the model, at its own size, needs more memory than there is.
fn check_memory(
    files: &Files,
    checker: &Result<SafetyFiles, Safety>,
    decoder: DecoderChoice,
    why: &str,
) -> Result<()> {
    let description = files.describe();
    let size = [description.width, description.height];
    let checker = checker.as_ref().map_or(0, SafetyFiles::bytes_on_cpu);
    let needed =
        checker + files.bytes_on_cpu() + work_bytes(files, size, 2, decoder != DecoderChoice::Vae);
    let available = MEMORY_MAX;
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
