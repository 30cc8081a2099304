//! Whose numbers a run has, where programs differ under the same names.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// The program whose noise levels, noise and emphasis a run has. What differs is listed in
/// `docs/options.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AsIn {
    /// The classes of diffusers.
    #[default]
    Diffusers,
    /// AUTOMATIC1111's web UI with its own settings.
    A1111,
    /// ComfyUI's KSampler.
    ComfyUi,
}

impl AsIn {
    /// All of them, in the order of a menu.
    pub const ALL: [AsIn; 3] = [AsIn::Diffusers, AsIn::A1111, AsIn::ComfyUi];

    /// The name in requests.
    pub const fn name(self) -> &'static str {
        match self {
            AsIn::Diffusers => "diffusers",
            AsIn::A1111 => "a1111",
            AsIn::ComfyUi => "comfyui",
        }
    }
}

impl fmt::Display for AsIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for AsIn {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        AsIn::ALL.into_iter().find(|one| one.name() == name).ok_or_else(|| {
            let names = AsIn::ALL.map(AsIn::name).join(", ");
            let reason = format!("must be one of {names}, not `{name}`");
            Error::Request { field: "as in", reason }
        })
    }
}
