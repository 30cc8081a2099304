//! Submits to the device, and how much work one of them may hold.

pub(super) mod submit_budget;
pub(super) mod submitted;
