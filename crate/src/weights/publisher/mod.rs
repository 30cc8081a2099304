//! The publisher's side of a model: what it consists of, who may be asked for it, and what servers
//! and repositories say of its files.

pub mod answer;
pub(super) mod digest;
pub(super) mod hosts;
pub(super) mod manifest;
pub(super) mod path;
pub(super) mod pointer;
