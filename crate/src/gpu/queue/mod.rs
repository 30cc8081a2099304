//! What is on its way to the device: submits, and how much one of them may hold.

pub(super) mod submit_budget;
pub(super) mod submitted;
