//! The planner: chooses how many pictures are computed together, and which residency of
//! [`Residency::ways`], from dry runs before any work.

use super::dry_run::{DryRun, Nowhere};
use crate::dtype::Precision;
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Kernel, Limits};
use crate::pipeline::checkpoint::{DecoderChoice, Files, Part};
use crate::pipeline::control::{Control, Progress};
use crate::pipeline::engine::Options;
use crate::pipeline::engine::{
    DeviceMemory, Engine as _, LoadContext, OnCpu, OnGpu, Planned, PlannedWorkload, Residency,
    Workload, check_load, sizes,
};
use crate::weights::ControlFile;
use std::rc::Rc;
use std::slice;

/// The most pictures at once; more would not use any adapter better.
const AT_ONCE_MAX: usize = 16;

impl Planned for OnCpu {
    /// Always one, which uses all cores.
    async fn plan(&self, load: Workload, call: LoadContext<'_>) -> Result<usize> {
        let choice = self.taesd().map_or(DecoderChoice::Vae, |beside| beside.decoder);
        let networks = (call.files, self.control_bytes(load));
        let checked = check_load(load, networks, choice == DecoderChoice::Taesd);
        let by_taesd = match (choice, &checked) {
            (DecoderChoice::Auto, Err(_)) => {
                // The VAE encodes a picture there; its encoder takes as much as its decoder.
                check_load(load, networks, !load.begins)?;
                true
            }
            _ => {
                checked?;
                choice == DecoderChoice::Taesd
            }
        };
        self.decode_by_taesd(by_taesd);
        Ok(1)
    }
}

impl Planned for OnGpu {
    /// The largest number of pictures whose peak of memory is at most the budget, or the peak of
    /// one picture where that is more.
    async fn plan(&self, load: Workload, call: LoadContext<'_>) -> Result<usize> {
        let fit = match self.plans.of(load) {
            Some(fit) => fit,
            None => {
                let fit = Planner { engine: self, call }.fit_and_try(load).await?;
                self.plans.remember(fit);
                fit
            }
        };
        self.follow(fit);
        Ok(fit.pictures)
    }
}

/// Plans a workload for the graphics adapter.
struct Planner<'a> {
    engine: &'a OnGpu,
    call: LoadContext<'a>,
}

/// A plan, and the kernels that it runs.
type Fit = (PlannedWorkload, Vec<Rc<Kernel>>);

impl Planner<'_> {
    /// Chooses the number of pictures and the residency so that the adapter can hold the peak, and
    /// makes the kernels' pipelines: a browser compiles them while weights are loaded.
    async fn fit_and_try(&self, load: Workload) -> Result<PlannedWorkload> {
        let (engine, control) = (self.engine, self.call.control);
        loop {
            let (fit, kernels) = self.fit(load).await?;
            let more = fit.peak.saturating_sub(engine.gpu.stats().bytes_alive);
            if engine.gpu.can_hold(more).await || !engine.refuse(fit.peak) {
                self.compile(&kernels).await?;
                return Ok(fit);
            }
            control.report(Progress::MemoryRefused { bytes: fit.peak });
        }
    }

    /// Chooses the number of pictures and the residency.
    async fn fit(&self, load: Workload) -> Result<Fit> {
        let limits = self.engine.gpu.limits();
        if self.engine.options.reproducible {
            // Of the kernels that will run: which they are is not a matter of the plan.
            let lean = Limits { workgroup: limits.workgroup, ..limits.at_most(Limits::default()) };
            match self.fit_within(lean, load).await {
                Err(Error::GpuLimit { .. }) => {}
                answer => return answer,
            }
        }
        self.fit_within(limits, load).await
    }

    /// The candidates, or the one that was asked for.
    fn ways(&self) -> Vec<Residency> {
        let OnGpu { options, source, controls, .. } = self.engine;
        if let Some(way) = options.residency {
            let is_chosen = options.decoder() == DecoderChoice::Taesd;
            return vec![Residency { taesd: way.taesd || is_chosen, ..way }];
        }
        let mut ways = Residency::ways_by(options.decoder(), source.is_near());
        if !controls.are_near() {
            // The ControlNets stay as long as the UNet does, and nothing is fetched again.
            ways.retain(|way| way.kept.has(Part::Unet));
        }
        ways
    }

    /// Plans by dry runs within these limits.
    async fn fit_within(&self, limits: Limits, load: Workload) -> Result<Fit> {
        let OnGpu { gpu, options, .. } = self.engine;
        let files = self.call.files;
        let sizes = sizes(files, options.weights)?;
        // What the steps need: the ControlNets stay as long as the UNet does.
        let unet_bytes = sizes.get(Part::Unet).copied().unwrap_or(0)
            + self.engine.controls.bytes(options.weights)?;
        let refused = self.engine.plans.refused();
        let expected = DeviceMemory { refused, ..options.device_memory };
        let budget = options.memory.unwrap_or_else(|| expected.budget(unet_bytes, gpu.limits()));
        // More pictures at once are not worth more memory: no adapter would be used better.
        let least = Residency::budget(unet_bytes);
        let of_pictures = options.memory.unwrap_or(budget.min(least));
        // The encoder of a start picture runs once and may take more than the steps. What is only
        // expected of a device is not kept to for that: it is asked whether it can hold it.
        let is_strict = options.memory.is_some() || refused.is_some();
        let dry_run = async |pictures, residency| {
            let load = Workload { pictures, ..load };
            let gpu = gpu.dry_twin(limits, options.precision == Precision::F16);
            let load = (load, self.engine.controls.uses());
            let dry = files.dry_run_controlled(&gpu, options, load, residency).await;
            dry.map(|dry| {
                let whole = dry.peak().total();
                let kept_to = if is_strict { whole } else { dry.peak_after_beginning().total() };
                (kept_to, whole, gpu.kernels())
            })
        };
        let (mut peaks, mut kernels, mut refused) = (Vec::new(), Vec::new(), None);
        for way in self.ways() {
            let peak = match dry_run(1, way).await {
                Ok((peak, whole, used)) => {
                    kernels.push((way, whole, used));
                    Some(peak)
                }
                Err(error @ Error::GpuLimit { .. }) => {
                    refused.get_or_insert(error);
                    None
                }
                Err(error) => return Err(error),
            };
            peaks.push((way, peak));
            if peak.is_some_and(|peak| peak <= budget) {
                break;
            }
        }
        let Some(residency) = Residency::choose(&peaks, budget) else {
            return Err(refused.expect("a way that has no peak was refused"));
        };
        let of_one = peaks.iter().find(|(way, _)| *way == residency).and_then(|(_, peak)| *peak);
        let most = of_one.unwrap_or(0).max(of_pictures);
        let of_way = kernels.into_iter().find(|(way, ..)| *way == residency);
        let (_, mut peak, kernels) = of_way.expect("it has a peak");
        let mut pictures = load.pictures.min(AT_ONCE_MAX);
        while pictures > 1 {
            match dry_run(pictures, residency).await {
                Ok((of_all, whole, _)) if of_all <= most => {
                    peak = whole;
                    break;
                }
                Ok(_) | Err(Error::GpuLimit { .. }) => pictures = pictures.div_ceil(2),
                Err(error) => return Err(error),
            }
        }
        Ok((PlannedWorkload { load, pictures, residency, peak, least }, kernels))
    }

    /// Makes the pipelines of kernels. On a graphics card all are requested at once, and compiled
    /// while weights are loaded. A software adapter compiles on the CPU and blocks, up to a minute
    /// in a browser; so there they are made one by one, with a progress event for each.
    async fn compile(&self, kernels: &[Rc<Kernel>]) -> Result<()> {
        let (gpu, control) = (&self.engine.gpu, self.call.control);
        if !gpu.info().software {
            gpu.compile(kernels);
            return Ok(());
        }
        for (done, kernel) in kernels.iter().enumerate() {
            control.check()?;
            if gpu.compile(slice::from_ref(kernel)) {
                control.report(Progress::Compiling { done, total: kernels.len() });
                gpu.finish().await?;
            }
        }
        Ok(())
    }
}

impl Files {
    /// Runs each network once without a GPU, within the limits of an adapter, with the residency
    /// that would be chosen for a model on this machine.
    ///
    /// # Errors
    /// [`GpuLimit`](crate::Error::GpuLimit) when the size does not fit, and those of the configs.
    pub async fn dry_run(
        &self,
        options: &Options,
        limits: Limits,
        load: Workload,
    ) -> Result<DryRun> {
        let gpu = Gpu::dry_within(limits, options.precision == Precision::F16);
        self.dry_run_of(options, &gpu, load, &[]).await
    }

    /// The same with ControlNets and T2I-Adapters beside the request, on a device: within its
    /// limits and with its kernels.
    ///
    /// # Errors
    /// As [`Files::dry_run`]; files that are not for this model.
    pub async fn dry_run_of(
        &self,
        options: &Options,
        device: &Gpu,
        load: Workload,
        controls: &[Rc<ControlFile>],
    ) -> Result<DryRun> {
        let is_f16 = options.precision == Precision::F16;
        let gpu = device.dry_twin(device.limits(), is_f16);
        let engine = OnGpu::new(&gpu, Rc::new(Nowhere), options, self);
        let call = LoadContext { files: self, control: &Control::default() };
        let controls = self.fit_controls(controls.iter())?;
        engine.use_controls(controls.clone());
        engine.plan(Workload { pictures: 1, ..load }, call).await?;
        let twin = device.dry_twin(device.limits(), is_f16);
        self.dry_run_controlled(&twin, options, (load, controls), engine.residency()).await
    }
}
