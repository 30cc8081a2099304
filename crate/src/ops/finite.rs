//! Whether numbers are numbers; see `kernels/finite.wgsl`.

use crate::dtype::Precision;
use crate::error::Result;
use crate::gpu::Reading;
use crate::gpu::kernel::Kernel;
use crate::ops::shared::{self, LANES};
use crate::tensor::Tensor;
use crate::wgsl;
use std::rc::Rc;

impl Tensor {
    /// Whether there is no infinity and no NaN among the values: submits, waits, reads four bytes
    /// back. One workgroup does it, which is enough for latents.
    ///
    /// # Errors
    /// A fault of the device since the last wait.
    pub async fn is_finite(&self) -> Result<bool> {
        let health = self.start_health();
        self.gpu().finish().await?;
        health.is_finite().await
    }

    /// The same recorded, to be waited for when it has been submitted.
    pub fn start_health(&self) -> Health {
        let gpu = self.gpu();
        let y = gpu.alloc(4);
        let kernel = Rc::new(Health::kernel(self.precision()));
        let params = (self.bytes() as u32 / 8).to_le_bytes();
        gpu.dispatch(&kernel, &params, vec![self.whole(), y.whole()], [1, 1, 1], 0);
        Health(gpu.start_read(&y, 4))
    }
}

/// A look at numbers that is on its way.
pub struct Health(Reading);

impl Health {
    /// The kernel that checks values of this precision.
    pub fn kernel(precision: Precision) -> Kernel {
        Kernel::new(wgsl!("finite"), 1)
            .flag("HALVES", precision == Precision::F16)
            .uint("LANES", LANES)
            .with(shared::REDUCE)
    }

    /// What was seen; yes from a dry device.
    ///
    /// # Errors
    /// As [`Reading::bytes`].
    pub async fn is_finite(self) -> Result<bool> {
        Ok(self.0.bytes().await? == [0; 4])
    }
}
