//! The families of random generators: with the same seed, each gives another picture.

use std::fmt;
use std::str::FromStr;

use super::{Numpy, Philox, Torch};
use crate::error::{Error, Result};

/// A family of generators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Rng {
    /// torch on the CPU, as in diffusers.
    #[default]
    Torch,
    /// numpy's `RandomState`, as in the tests of diffusers and in ONNX pipelines.
    Numpy,
    /// torch on an NVIDIA GPU, as in AUTOMATIC1111's web UI.
    Philox,
}

impl Rng {
    /// All of them, in the order of a menu.
    pub const ALL: [Rng; 3] = [Rng::Torch, Rng::Numpy, Rng::Philox];

    /// The name in requests.
    pub const fn name(self) -> &'static str {
        match self {
            Rng::Torch => "torch",
            Rng::Numpy => "numpy",
            Rng::Philox => "philox",
        }
    }

    /// Makes a generator with this seed.
    ///
    /// # Errors
    /// [`Error::Request`] for a seed that numpy refuses: 2³² or more.
    pub fn seeded(self, seed: u64) -> Result<Generator> {
        Ok(match self {
            Rng::Torch => Generator::Torch(Torch::new(seed)),
            Rng::Philox => Generator::Philox(Philox::new(seed)),
            Rng::Numpy => {
                let seed = u32::try_from(seed).map_err(|_| Error::Request {
                    field: "seed",
                    reason: format!("must be at most {} for numpy's noise, not {seed}", u32::MAX),
                })?;
                Generator::Numpy(Numpy::new(seed))
            }
        })
    }
}

/// A generator and its state.
#[derive(Clone)]
pub enum Generator {
    /// See [`Torch`].
    Torch(Torch),
    /// See [`Numpy`].
    Numpy(Numpy),
    /// See [`Philox`].
    Philox(Philox),
}

impl Generator {
    /// The next `n` normals, in the order of a tensor `[batch, channels, height, width]`.
    pub fn randn(&mut self, n: usize) -> Vec<f32> {
        match self {
            Generator::Torch(torch) => torch.randn(n),
            Generator::Numpy(numpy) => (0..n).map(|_| numpy.normal() as f32).collect(),
            Generator::Philox(philox) => philox.randn(n),
        }
    }
}

impl fmt::Display for Rng {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Rng {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Rng::ALL.into_iter().find(|rng| rng.name() == name).ok_or_else(|| {
            let names = Rng::ALL.map(Rng::name).join(", ");
            let reason = format!("must be one of {names}, not `{name}`");
            Error::Request { field: "rng", reason }
        })
    }
}
