//! What a publisher says of a model: its parts list, the hosts it may be fetched from, and the
//! answers of servers and repositories.

pub mod answer;
pub(super) mod digest;
pub(super) mod hosts;
pub(super) mod manifest;
pub(super) mod path;
pub(super) mod pointer;
