//! The commands that users run, a file or a folder each.

pub(crate) mod compare;
pub(crate) mod convert;
pub(crate) mod generate;
pub(crate) mod inspect;
pub(crate) mod manifest;
pub(crate) mod request;
pub(crate) mod upscale;
pub(crate) mod verify;
pub(crate) mod verify_site;
