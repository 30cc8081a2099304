//! The adapter's peak of arithmetic; see `fma.wgsl`.

use super::timing::{REPEATS_MAX, median, rates, timed};
use crate::error::Result;
use crate::gpu::kernel::{Kernel, WgslFile};
use crate::gpu::{Buffer, Gpu};
use std::rc::Rc;

const LANES: u32 = 64;

/// Chains of multiply-adds in the kernel, of four values each.
const CHAINS: u64 = 8;

/// The kernel that measures the peak, in the form that is faster on this adapter: with `fma()`, or
/// with a product and a sum.
pub(super) struct Peak {
    kernel: Rc<Kernel>,
    params: Vec<u8>,
    groups: u32,
    flops: u64,
    x: Buffer,
    y: Buffer,
    /// 10⁹ floating-point operations a second, the median of a few runs.
    pub gflops: f64,
}

impl Peak {
    /// Measures both forms, fused and not, and takes the faster one.
    ///
    /// # Errors
    /// Those of the device.
    pub(super) async fn find(gpu: &Gpu, runs: usize) -> Result<Peak> {
        let mut best: Option<Peak> = None;
        for fused in [false, true] {
            let mut peak = Peak::of(gpu, fused);
            let all = rates(gpu, runs, &|| peak.record(gpu)).await?;
            peak.gflops = median(all.iter().map(|run| run.gflops).collect());
            if best.as_ref().is_none_or(|best| best.gflops < peak.gflops) {
                best = Some(peak);
            }
        }
        Ok(best.expect("there are two forms"))
    }

    fn of(gpu: &Gpu, fused: bool) -> Peak {
        // A run takes a few hundredths of a second on either kind of adapter.
        let (groups, rounds) = if gpu.info().software { (64u32, 1024u32) } else { (4096, 8192) };
        let source = WgslFile { name: "fma", text: include_str!("fma.wgsl") };
        let kernel = Rc::new(Kernel::new(source, 1).uint("LANES", LANES).flag("FUSED", fused));
        let bytes = u64::from(groups * LANES) * 16;
        let x = gpu.alloc_for_host(bytes);
        gpu.write(&x, 0, &vec![0; bytes as usize]);
        let mut params = rounds.to_le_bytes().to_vec();
        params.extend(0.999f32.to_le_bytes());
        // A chain's round has four values, each with a product and a sum: 8 operations.
        let flops = u64::from(groups * LANES) * u64::from(rounds) * CHAINS * 8;
        Peak { kernel, params, groups, flops, x, y: gpu.alloc(bytes), gflops: 0.0 }
    }

    fn record(&self, gpu: &Gpu) {
        let bindings = vec![self.x.whole(), self.y.whole()];
        gpu.dispatch(&self.kernel, &self.params, bindings, [self.groups, 1, 1], self.flops);
    }

    /// Measures 10⁹ floating-point operations a second again, over at least so many seconds.
    ///
    /// # Errors
    /// Those of the device.
    pub(super) async fn run_for(&self, gpu: &Gpu, seconds: f64) -> Result<f64> {
        let one = self.flops as f64 / self.gflops.max(1e-3) / 1e9;
        let at_once = ((seconds / one) as usize).clamp(1, REPEATS_MAX);
        let (mut spent, mut runs) = (0.0, 0.0);
        while runs == 0.0 || spent < seconds - one {
            spent += timed(gpu, &|| self.record(gpu), at_once).await?.seconds * at_once as f64;
            runs += at_once as f64;
        }
        Ok(runs * self.flops as f64 / spent / 1e9)
    }
}
