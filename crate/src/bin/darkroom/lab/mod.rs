//! Commands for developers: tables of time, memory and precision, and synthetic models for tests.

pub(crate) mod bench;
pub(crate) mod memory;
pub(crate) mod precision;
mod requests;
pub(crate) mod shortcuts;
pub(crate) mod synth;
