//! Which of several kernels for one formula an adapter runs. What differs is who computes which
//! output, how often a value is read, and in which order or by which unit sums are added: rounding.

use std::fmt;

/// How a matrix product or a convolution is cut; `kernels/shared/tile_*.wgsl`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MatrixTile {
    /// 8 × 8 outputs an invocation, read directly.
    Direct8,
    /// 16 × 16 outputs an invocation, read directly: for software adapters, where it is the fastest
    /// and takes the longest to compile.
    Direct16,
    /// 64 × 64 outputs a workgroup by way of workgroup memory: for graphics cards.
    Shared,
    /// The same on a graphics card's matrix units (cooperative matrices), where it has them.
    Units,
}

impl MatrixTile {
    /// All, in the order of their numbers in a [`Tuning`]'s text.
    pub const ALL: [MatrixTile; 4] =
        [MatrixTile::Direct8, MatrixTile::Direct16, MatrixTile::Shared, MatrixTile::Units];

    /// Its name in a [`Tuning`]'s text.
    pub fn name(self) -> &'static str {
        match self {
            MatrixTile::Direct8 => "direct8",
            MatrixTile::Direct16 => "direct16",
            MatrixTile::Shared => "shared",
            MatrixTile::Units => "units",
        }
    }

    fn from_name(name: &str) -> Option<MatrixTile> {
        MatrixTile::ALL.into_iter().find(|tile| tile.name() == name)
    }
}

/// How the scores of an attention are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AttentionTile {
    /// An invocation alone, for four queries: for software adapters. Wide heads are shared anyway.
    Direct,
    /// A workgroup together, keys and queries by way of shared memory.
    Shared,
    /// A workgroup together, everything by way of shared memory: for real GPUs. Heads for which it
    /// has no cut are as in `Shared`.
    Block,
    /// The same on a graphics card's matrix units, where it has them. Heads for which it has no cut
    /// are as in `Block`.
    Units,
}

impl AttentionTile {
    /// All.
    pub const ALL: [AttentionTile; 4] =
        [AttentionTile::Direct, AttentionTile::Shared, AttentionTile::Block, AttentionTile::Units];

    /// Its name in a [`Tuning`]'s text.
    pub fn name(self) -> &'static str {
        match self {
            AttentionTile::Direct => "direct",
            AttentionTile::Shared => "shared",
            AttentionTile::Block => "block",
            AttentionTile::Units => "units",
        }
    }

    fn from_name(name: &str) -> Option<AttentionTile> {
        AttentionTile::ALL.into_iter().find(|tile| tile.name() == name)
    }
}

/// What a graphics card's matrix units are used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatrixUnits {
    /// Nothing.
    Unused,
    /// Matrix products and convolutions.
    Products,
    /// These and attention.
    All,
}

/// The kernels' choice, one of each family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tuning {
    /// Matrix products.
    pub matmul: MatrixTile,
    /// Convolutions.
    pub conv2d: MatrixTile,
    /// Attention.
    pub attention: AttentionTile,
}

impl Tuning {
    /// The default for a software adapter or for a real GPU, without measurement.
    pub fn default_for(software: bool) -> Tuning {
        if software {
            Tuning::of(MatrixTile::Direct8, AttentionTile::Direct)
        } else {
            Tuning::of(MatrixTile::Shared, AttentionTile::Block)
        }
    }

    /// The same tile for matrix products and convolutions.
    pub fn of(tile: MatrixTile, attention: AttentionTile) -> Tuning {
        Tuning { matmul: tile, conv2d: tile, attention }
    }

    /// The same, with these uses of matrix units in place of multiply-adds by way of workgroup
    /// memory.
    pub fn on_matrix_units(self, units: MatrixUnits) -> Tuning {
        let tile = match units {
            MatrixUnits::Unused => return self,
            MatrixUnits::Products | MatrixUnits::All => MatrixTile::Units,
        };
        let of = |chosen| if chosen == MatrixTile::Shared { tile } else { chosen };
        let attention = match self.attention {
            AttentionTile::Block if units == MatrixUnits::All => AttentionTile::Units,
            chosen => chosen,
        };
        Tuning { matmul: of(self.matmul), conv2d: of(self.conv2d), attention }
    }

    /// The same without matrix units.
    pub fn off_matrix_units(self) -> Tuning {
        let of = |tile| if tile == MatrixTile::Units { MatrixTile::Shared } else { tile };
        let attention = match self.attention {
            AttentionTile::Units => AttentionTile::Block,
            chosen => chosen,
        };
        Tuning { matmul: of(self.matmul), conv2d: of(self.conv2d), attention }
    }

    /// The same without other uses of matrix units than these.
    pub fn within(self, units: MatrixUnits) -> Tuning {
        let off = self.off_matrix_units();
        match units {
            MatrixUnits::Unused => off,
            MatrixUnits::Products => Tuning { attention: off.attention, ..self },
            MatrixUnits::All => self,
        }
    }

    /// Eight hexadecimal digits that identify it.
    pub fn id(&self) -> String {
        format!("{:08x}", fnv1a(0, &self.to_string()))
    }

    /// Parses the text that `Display` writes; `None` for any other.
    pub fn parse(text: &str) -> Option<Tuning> {
        let (mut matmul, mut conv2d, mut attention) = (None, None, None);
        for part in text.split_whitespace() {
            match part.split_once('=')? {
                ("matmul", name) => matmul = MatrixTile::from_name(name),
                ("conv2d", name) => conv2d = MatrixTile::from_name(name),
                ("attention", name) => attention = AttentionTile::from_name(name),
                _ => return None,
            }
        }
        Some(Tuning { matmul: matmul?, conv2d: conv2d?, attention: attention? })
    }
}

impl fmt::Display for Tuning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [matmul, conv2d] = [self.matmul, self.conv2d].map(MatrixTile::name);
        write!(f, "matmul={matmul} conv2d={conv2d} attention={}", self.attention.name())
    }
}

/// FNV-1a of `seed` and a text, in 32 bits: to tell versions apart, not to keep secrets.
pub fn fnv1a(seed: u32, text: &str) -> u32 {
    let bytes = text
        .bytes()
        .fold(0x811c_9dc5 ^ seed, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    bytes ^ (bytes >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matrix_units_do_what_they_are_used_for() {
        let fixed = Tuning::default_for(false);
        let of = |units| fixed.on_matrix_units(units).to_string();
        assert_eq!(of(MatrixUnits::Unused), "matmul=shared conv2d=shared attention=block");
        assert_eq!(of(MatrixUnits::Products), "matmul=units conv2d=units attention=block");
        assert_eq!(of(MatrixUnits::All), "matmul=units conv2d=units attention=units");
        let all = fixed.on_matrix_units(MatrixUnits::All);
        assert_eq!(all.off_matrix_units(), fixed);
        for units in [MatrixUnits::Unused, MatrixUnits::Products, MatrixUnits::All] {
            assert_eq!(all.within(units), fixed.on_matrix_units(units));
        }
        let software = Tuning::default_for(true);
        assert_eq!(software.on_matrix_units(MatrixUnits::All), software);
    }

    #[test]
    fn a_text_is_read_back() {
        let mut ids = std::collections::HashSet::new();
        for matmul in MatrixTile::ALL {
            for conv2d in MatrixTile::ALL {
                for attention in AttentionTile::ALL {
                    let tuning = Tuning { matmul, conv2d, attention };
                    assert_eq!(Tuning::parse(&tuning.to_string()), Some(tuning));
                    assert!(ids.insert(tuning.id()), "{tuning}");
                }
            }
        }
        let unknown = "matmul=shared conv3d=shared attention=shared";
        for text in ["", "matmul=shared conv2d=shared", "matmul=shared conv2d=9", unknown] {
            assert_eq!(Tuning::parse(text), None, "{text}");
        }
    }
}
