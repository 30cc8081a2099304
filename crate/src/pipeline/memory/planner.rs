//! How many pictures of a load go together, and in which way of those that
//! [`Residency::ways`] has: what fits an engine, found by dry runs before any work.

use super::dry_run::{DryRun, Nowhere};
use crate::dtype::Precision;
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Kernel, Limits};
use crate::pipeline::checkpoint::{Files, Part};
use crate::pipeline::control::{Control, Progress};
use crate::pipeline::engine::Options;
use crate::pipeline::engine::{
    Call, Fit, Load, OnCpu, OnGpu, Planned, Residency, check_load, sizes,
};
use std::rc::Rc;
use std::slice;

/// More pictures at once keep no adapter busier.
const AT_ONCE_MAX: usize = 16;

impl Planned for OnCpu {
    /// One: the cores are busy with it.
    async fn plan(&self, load: Load, call: Call<'_>) -> Result<usize> {
        check_load(load, call.files).map(|()| 1)
    }
}

impl Planned for OnGpu {
    /// The largest number of pictures whose peak of memory is at most the budget, or the peak of
    /// one picture where that is more.
    async fn plan(&self, load: Load, call: Call<'_>) -> Result<usize> {
        let fit = match self.planned(load) {
            Some(fit) => fit,
            None => {
                let fit = Planner { engine: self, call }.fit(load).await?;
                self.remember(fit);
                fit
            }
        };
        self.set_residency(fit.residency);
        Ok(fit.pictures)
    }
}

/// Plans a load for the graphics adapter.
struct Planner<'a> {
    engine: &'a OnGpu,
    call: Call<'a>,
}

impl Planner<'_> {
    /// How many of the load's pictures go together, and in which way.
    async fn fit(&self, load: Load) -> Result<Fit> {
        let limits = self.engine.gpu.limits();
        if self.engine.options.reproducible {
            match self.fit_within(limits.at_most(Limits::default()), load).await {
                Err(Error::GpuLimit { .. }) => {}
                answer => return answer,
            }
        }
        self.fit_within(limits, load).await
    }

    /// Plans within these limits by dry runs, and starts to compile the kernels of the plan, which
    /// a browser does while weights are still coming.
    async fn fit_within(&self, limits: Limits, load: Load) -> Result<Fit> {
        let OnGpu { gpu, options, source, .. } = self.engine;
        let files = self.call.files;
        let sizes = sizes(files, options.weights)?;
        let unet_bytes = sizes.get(Part::Unet).copied().unwrap_or(0);
        let budget = options.memory.unwrap_or(Residency::budget(unet_bytes));
        let dry_run = async |pictures, residency| {
            let load = Load { pictures, ..load };
            let gpu = gpu.dry_twin(limits, options.precision == Precision::F16);
            let dry = files.dry_run_on(&gpu, options, load, residency).await;
            dry.map(|dry| (dry.peak().total(), gpu.kernels()))
        };
        let (mut peaks, mut kernels, mut refused) = (Vec::new(), Vec::new(), None);
        let ways = match options.residency {
            Some(way) => vec![way],
            None => Residency::ways(source.is_near()),
        };
        for way in ways {
            let peak = match dry_run(1, way).await {
                Ok((peak, used)) => {
                    kernels.push((way, used));
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
        let most = of_one.unwrap_or(0).max(budget);
        let mut pictures = load.pictures.min(AT_ONCE_MAX);
        while pictures > 1 {
            match dry_run(pictures, residency).await {
                Ok((peak, _)) if peak <= most => break,
                Ok(_) | Err(Error::GpuLimit { .. }) => pictures = pictures.div_ceil(2),
                Err(error) => return Err(error),
            }
        }
        let of_way = kernels.iter().find(|(way, _)| *way == residency);
        self.compile(of_way.map_or(&[], |(_, kernels)| kernels)).await?;
        Ok(Fit { load, pictures, residency })
    }

    /// Makes the pipelines of kernels. A graphics card gets them all at once, to compile beside the
    /// weights that come. A software adapter compiles on the CPU, and nothing goes on meanwhile, up
    /// to a minute in a browser: there they come one by one, each told.
    async fn compile(&self, kernels: &[Rc<Kernel>]) -> Result<()> {
        let (gpu, control) = (&self.engine.gpu, self.call.control);
        if !gpu.info().software {
            gpu.compile(kernels);
            return Ok(());
        }
        for (done, kernel) in kernels.iter().enumerate() {
            control.check()?;
            if gpu.compile(slice::from_ref(kernel)) {
                control.tell(Progress::Compiling { done, total: kernels.len() });
                gpu.finish().await?;
            }
        }
        Ok(())
    }
}

impl Files {
    /// Runs each network once without a GPU, within the limits of an adapter, in the way that would
    /// be chosen for a model whose files are near.
    ///
    /// # Errors
    /// [`GpuLimit`](crate::Error::GpuLimit) when the size does not fit, and a config's faults.
    pub async fn dry_run(&self, options: &Options, limits: Limits, load: Load) -> Result<DryRun> {
        let gpu = Gpu::dry_within(limits, options.precision == Precision::F16);
        let engine = OnGpu::new(&gpu, Rc::new(Nowhere), options, self);
        let call = Call { files: self, control: &Control::default() };
        engine.plan(Load { pictures: 1, ..load }, call).await?;
        self.dry_run_with(options, limits, load, engine.residency()).await
    }
}
