//! The commands that developers run: what this program, a model or an adapter costs, as tables, and
//! models made for tests.

pub mod bench;
pub mod memory;
pub mod precision;
mod requests;
pub mod shortcuts;
pub mod synth;
