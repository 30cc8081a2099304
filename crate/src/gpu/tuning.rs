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

    /// The same, with matrix units in place of multiply-adds by way of workgroup memory.
    pub fn on_matrix_units(self) -> Tuning {
        self.exchanged(
            [MatrixTile::Shared, MatrixTile::Units],
            [AttentionTile::Block, AttentionTile::Units],
        )
    }

    /// The same without matrix units.
    pub fn off_matrix_units(self) -> Tuning {
        self.exchanged(
            [MatrixTile::Units, MatrixTile::Shared],
            [AttentionTile::Units, AttentionTile::Block],
        )
    }

    /// The same with the second of each pair where it has the first.
    fn exchanged(self, matrices: [MatrixTile; 2], attentions: [AttentionTile; 2]) -> Tuning {
        let of = |tile| if tile == matrices[0] { matrices[1] } else { tile };
        let attention =
            if self.attention == attentions[0] { attentions[1] } else { self.attention };
        Tuning { matmul: of(self.matmul), conv2d: of(self.conv2d), attention }
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
