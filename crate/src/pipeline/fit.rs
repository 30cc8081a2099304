//! What fits an adapter: how many pictures at once, and in which way of those that
//! [`super::residency`] has. Found by dry runs before any work.

use super::control::{Control, Progress};
use super::dry::Load;
use super::engine::Call;
use super::gpu::OnGpu;
use super::parts::sizes;
use super::residency::Residency;
use crate::dtype::Precision;
use crate::error::{Error, Result};
use crate::gpu::{Kernel, Limits};
use std::rc::Rc;
use std::slice;

/// More pictures at once keep no adapter busier.
const AT_ONCE_MAX: usize = 16;

/// What dry runs have found out of a load: how many pictures fit at once, and in which way.
#[derive(Clone, Copy)]
pub(super) struct Fit {
    pub load: Load,
    pub pictures: usize,
    pub residency: Residency,
}

impl OnGpu {
    /// How many of the load's pictures go together, and in which way.
    pub(super) async fn fit(&self, load: Load, call: Call<'_>) -> Result<Fit> {
        let limits = self.gpu.limits();
        if self.options.reproducible {
            match self.fit_within(limits.at_most(Limits::default()), load, call).await {
                Err(Error::GpuLimit { .. }) => {}
                answer => return answer,
            }
        }
        self.fit_within(limits, load, call).await
    }

    /// The same within these limits, by dry runs, whose kernels the adapter gets to compile: what
    /// a browser compiles beside the weights that come.
    async fn fit_within(&self, limits: Limits, load: Load, call: Call<'_>) -> Result<Fit> {
        let files = call.files;
        let [_, unet_bytes, _] = sizes(files, self.options.weights)?;
        let budget = self.options.memory.unwrap_or(Residency::budget(unet_bytes));
        let dry_run = async |pictures, residency| {
            let load = Load { pictures, ..load };
            let gpu = self.gpu.dry_twin(limits, self.options.precision == Precision::F16);
            let dry = files.rehearse_on(&gpu, &self.options, load, residency).await;
            dry.map(|dry| (dry.peak().total(), gpu.kernels()))
        };
        let (mut peaks, mut kernels, mut refused) = (Vec::new(), Vec::new(), None);
        let ways = match self.options.residency {
            Some(way) => vec![way],
            None => Residency::ways(self.source.is_near()),
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
        self.compile(of_way.map_or(&[], |(_, kernels)| kernels), call.control).await?;
        Ok(Fit { load, pictures, residency })
    }

    /// Makes the pipelines of kernels. A graphics card gets them all at once, to compile beside the
    /// weights that come. A software adapter compiles on the CPU, and nothing goes on meanwhile, up
    /// to a minute in a browser: there they come one by one, each told.
    async fn compile(&self, kernels: &[Rc<Kernel>], control: &Control) -> Result<()> {
        if !self.gpu.info().software {
            self.gpu.compile(kernels);
            return Ok(());
        }
        for (done, kernel) in kernels.iter().enumerate() {
            control.check()?;
            if self.gpu.compile(slice::from_ref(kernel)) {
                control.tell(Progress::Compiling { done, total: kernels.len() });
                self.gpu.finish().await?;
            }
        }
        Ok(())
    }
}
