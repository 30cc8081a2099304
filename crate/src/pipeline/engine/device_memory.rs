//! How much graphics memory a model may take where the user does not say it. WebGPU does not tell
//! how much there is, so this is what devices of a kind have. Whether an adapter really has it is
//! asked before a run begins ([`Gpu::can_hold`](crate::gpu::Gpu::can_hold)), and what it could not
//! hold is not tried again.
//!
//! ```text
//! UNet's weights + 278 MB, at least 600 MB    phones, devices with less than 8 GB, adapters whose
//!                                             buffers are WebGPU's smallest, and on wish
//! the same, at least 2.8 GB                   all others: v1.4 as published takes 2.74 GB where
//!                                             every part is kept and pictures are decoded whole
//! ```

use super::residency::Residency;
use crate::gpu::Limits;

/// What a device is expected to hold, bytes: graphics cards have 4 GB and more.
const EXPECTED: u64 = 2_800_000_000;

/// A device with less memory than this (bytes) is not expected to hold so much.
const ROOMY: u64 = 8 << 30;

/// What is known of the memory that a model may take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeviceMemory {
    /// Bytes of the device's memory as its browser tells them, rounded; `None`: not told.
    pub told: Option<u64>,
    /// Whether it is a phone or a tablet, which ends a program that takes much.
    pub mobile: bool,
    /// Whether the user wants to save memory where that costs some time.
    pub saved: bool,
    /// The peak (bytes) of a run that this adapter could not hold.
    pub refused: Option<u64>,
}

impl DeviceMemory {
    /// Nothing is known.
    pub const UNKNOWN: DeviceMemory =
        DeviceMemory { told: None, mobile: false, saved: false, refused: None };

    /// The budget in bytes for a UNet with so many bytes of weights on an adapter with these
    /// limits.
    pub fn budget(self, unet_bytes: u64, limits: Limits) -> u64 {
        let least = Residency::budget(unet_bytes);
        let is_small = self.saved
            || self.mobile
            || self.told.is_some_and(|bytes| bytes < ROOMY)
            || limits.buffer <= Limits::default().buffer;
        let expected = if is_small { least } else { least.max(EXPECTED) };
        self.refused.map_or(expected, |refused| expected.min(refused.saturating_sub(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// v1.4's UNet in f16.
    const UNET: u64 = 1_719_000_000;

    #[test]
    fn a_device_is_given_what_its_kind_can_hold() {
        let roomy = Limits { buffer: 2 << 30, ..Limits::default() };
        let unknown = DeviceMemory::default();
        assert_eq!(unknown.budget(UNET, roomy), EXPECTED);
        let least = Residency::budget(UNET);
        assert_eq!(unknown.budget(UNET, Limits::default()), least);
        let told = |gigabytes: u64| DeviceMemory { told: Some(gigabytes << 30), ..unknown };
        assert_eq!(told(4).budget(UNET, roomy), least);
        assert_eq!(told(8).budget(UNET, roomy), EXPECTED);
        assert_eq!(DeviceMemory { mobile: true, ..told(8) }.budget(UNET, roomy), least);
        assert_eq!(DeviceMemory { saved: true, ..told(8) }.budget(UNET, roomy), least);
        // a model of f32 weights is not expected to fit into less than it is
        assert_eq!(unknown.budget(2 * UNET, roomy), Residency::budget(2 * UNET));
    }

    #[test]
    fn what_was_refused_is_not_tried_again() {
        let roomy = Limits { buffer: 2 << 30, ..Limits::default() };
        let refused = |bytes| DeviceMemory { refused: Some(bytes), ..DeviceMemory::default() };
        assert_eq!(refused(2_700_000_000).budget(UNET, roomy), 2_699_999_999);
        assert_eq!(refused(500_000_000).budget(UNET, roomy), 499_999_999);
        assert_eq!(refused(4_000_000_000).budget(UNET, roomy), EXPECTED);
    }
}
