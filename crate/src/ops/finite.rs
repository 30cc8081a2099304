//! Whether all values are finite; see `kernels/finite.wgsl`.

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
    /// back. There is only one workgroup, which is enough for latents.
    ///
    /// # Errors
    /// An error of the device since the last wait.
    pub async fn is_finite(&self) -> Result<bool> {
        let check = self.start_finite_check();
        self.gpu().finish().await?;
        check.is_finite().await
    }

    /// Records the same check, to be waited for after a submit.
    pub fn start_finite_check(&self) -> FiniteCheck {
        let gpu = self.gpu();
        let y = gpu.alloc(4);
        let kernel = Rc::new(FiniteCheck::kernel(self.precision()));
        let params = (self.bytes() as u32 / 8).to_le_bytes();
        gpu.dispatch(&kernel, &params, vec![self.whole(), y.whole()], [1, 1, 1], 0);
        FiniteCheck(gpu.start_read(&y, 4))
    }
}

/// A recorded check whether all values are finite.
pub struct FiniteCheck(Reading);

impl FiniteCheck {
    /// The kernel that checks values of this precision.
    pub fn kernel(precision: Precision) -> Kernel {
        Kernel::new(wgsl!("finite"), 1)
            .flag("HALVES", precision == Precision::F16)
            .uint("LANES", LANES)
            .with(shared::REDUCE)
    }

    /// Waits for the result; always true on a dry device.
    ///
    /// # Errors
    /// As [`Reading::bytes`].
    pub async fn is_finite(self) -> Result<bool> {
        Ok(self.0.bytes().await? == [0; 4])
    }
}
