//! The commands that developers run: what this program, a model or an adapter costs, as tables, and
//! models made for tests.

pub(crate) mod bench;
pub(crate) mod memory;
pub(crate) mod precision;
mod requests;
pub(crate) mod shortcuts;
pub(crate) mod synth;
