//! The commands that users run, a file or a folder each.

pub mod compare;
pub mod convert;
pub mod generate;
pub mod inspect;
pub mod manifest;
pub mod request;
pub mod verify;
