//! What is on its way to the device: submits, and how much one of them may hold.

pub(super) mod pace;
pub(super) mod submitted;
