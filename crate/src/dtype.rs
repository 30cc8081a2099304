//! The element types: of activations and weights on the GPU, and of weights in a file.

use std::fmt;
use std::str::FromStr;

/// How activations are stored on the GPU. Arithmetic, norms and softmax are f32 either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Precision {
    /// 32-bit floats: the numbers of diffusers.
    #[default]
    F32,
    /// 16-bit floats: half the memory; needs the adapter's `shader-f16`.
    F16,
}

impl Precision {
    /// Both.
    pub const ALL: [Precision; 2] = [Precision::F32, Precision::F16];

    /// The name in options.
    pub const fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::F16 => "f16",
        }
    }

    /// Bytes of one element.
    pub const fn bytes(self) -> usize {
        match self {
            Precision::F32 => 4,
            Precision::F16 => 2,
        }
    }

    /// WGSL's name of four elements.
    pub const fn vec4(self) -> &'static str {
        match self {
            Precision::F32 => "vec4<f32>",
            Precision::F16 => "vec4<f16>",
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Precision {
    type Err = UnknownType;

    fn from_str(name: &str) -> Result<Self, UnknownType> {
        let found = Precision::ALL.into_iter().find(|precision| precision.name() == name);
        found.ok_or_else(|| UnknownType::new(name, &Precision::ALL.map(Precision::name)))
    }
}

/// How the weights of matrices and convolutions are stored on the GPU. Biases and the scales of
/// norms are always f32: they are few, and they decide the precision of what follows.
///
/// The quantised types are ggml's, bit for bit. Each takes 32 consecutive inputs of one output as
/// a block: one scale, in f16, and 32 small integers. Some matrices lose too much by that; they are
/// stored in a more precise type than the one asked for, see `nn/policy.rs`. Why these three:
///
/// - `q8_0` makes no visible difference, at about half the bytes of f16.
/// - `q4_0` is the smallest type that still gives usable pictures.
/// - `q5_0` is more precise for little more memory. Its 32 levels halve the step of q4_0 for one
///   more bit per weight. q4_1 would add half a bit per weight for a minimum of each block; weights
///   distributed evenly around zero do not need one. ggml's k-quants have blocks of 256 inputs, and
///   the widths 320, 640, 960 and 1920 of Stable Diffusion v1 are not multiples of 256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum WeightType {
    /// 32-bit floats.
    F32,
    /// 16-bit floats, two in a word: read with `unpack2x16float`, which needs no feature.
    #[default]
    F16,
    /// Signed bytes times a scale: 34 bytes for 32 weights.
    Q8_0,
    /// Five bits less 16, times a scale: 22 bytes for 32 weights.
    Q5_0,
    /// Four bits less 8, times a scale: 18 bytes for 32 weights.
    Q4_0,
}

impl WeightType {
    /// All of them, from the most bytes to the fewest.
    pub const ALL: [WeightType; 5] =
        [WeightType::F32, WeightType::F16, WeightType::Q8_0, WeightType::Q5_0, WeightType::Q4_0];

    /// Weights of a block of the quantised types.
    pub const BLOCK: usize = 32;

    /// The name in options, ggml's.
    pub const fn name(self) -> &'static str {
        match self {
            WeightType::F32 => "f32",
            WeightType::F16 => "f16",
            WeightType::Q8_0 => "q8_0",
            WeightType::Q5_0 => "q5_0",
            WeightType::Q4_0 => "q4_0",
        }
    }

    /// Whether weights share a scale by blocks.
    pub const fn is_quantised(self) -> bool {
        !matches!(self, WeightType::F32 | WeightType::F16)
    }

    /// Bytes of `n` weights. For a quantised type `n` must be a multiple of the block.
    pub const fn bytes(self, n: usize) -> usize {
        match self {
            WeightType::F32 => n * 4,
            WeightType::F16 => n * 2,
            WeightType::Q8_0 => n / Self::BLOCK * 34,
            WeightType::Q5_0 => n / Self::BLOCK * 22,
            WeightType::Q4_0 => n / Self::BLOCK * 18,
        }
    }
}

impl fmt::Display for WeightType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for WeightType {
    type Err = UnknownType;

    fn from_str(name: &str) -> Result<Self, UnknownType> {
        let found = WeightType::ALL.into_iter().find(|weight_type| weight_type.name() == name);
        found.ok_or_else(|| UnknownType::new(name, &WeightType::ALL.map(WeightType::name)))
    }
}

/// A name that is not a known type. The message lists the known ones.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be {known}, not `{found}`")]
pub struct UnknownType {
    found: String,
    known: String,
}

impl UnknownType {
    fn new(found: &str, known: &[&str]) -> UnknownType {
        let (last, others) = known.split_last().expect("a list of types");
        UnknownType { found: found.into(), known: format!("{} or {last}", others.join(", ")) }
    }
}

/// The element type of a tensor in a file. Only floats and the blocks of ggml are weights; the
/// others are listed so that a file can be opened that also holds counters, masks or tensors of an
/// unknown type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileType {
    /// IEEE 754, 64 bits.
    F64,
    /// IEEE 754, 32 bits.
    F32,
    /// IEEE 754, 16 bits: sign, five of exponent, ten of mantissa.
    F16,
    /// The upper half of an f32.
    BF16,
    /// Eight bits: sign, four of exponent, three of mantissa; no infinities. torch:
    /// `float8_e4m3fn`.
    F8E4M3,
    /// Eight bits: the upper half of an f16. torch: `float8_e5m2`.
    F8E5M2,
    /// A signed integer of 64 bits.
    I64,
    /// A signed integer of 32 bits.
    I32,
    /// A signed integer of 16 bits.
    I16,
    /// A signed integer of 8 bits.
    I8,
    /// An unsigned integer of 64 bits.
    U64,
    /// An unsigned integer of 32 bits.
    U32,
    /// An unsigned integer of 16 bits.
    U16,
    /// An unsigned integer of 8 bits.
    U8,
    /// One byte, 0 or 1.
    Bool,
    /// From here to `Q8_0`: ggml's blocks of 32 numbers. Four bits a number, with a scale.
    Q4_0,
    /// Four bits a number, with scale and minimum.
    Q4_1,
    /// Five bits a number, with a scale.
    Q5_0,
    /// Five bits a number, with scale and minimum.
    Q5_1,
    /// Eight bits a number, with a scale.
    Q8_0,
    /// From here to `Q6K`: ggml's "k-quants", blocks of 256 numbers, scaled in parts of 16 or 32.
    /// Two bits a number.
    Q2K,
    /// Three bits a number.
    Q3K,
    /// Four bits a number.
    Q4K,
    /// Five bits a number.
    Q5K,
    /// Six bits a number.
    Q6K,
    /// A type that is not known here. A tensor of it cannot be read, but its file can be opened.
    Other,
}

impl FileType {
    /// Every type with its name: the plain ones as in a safetensors header, the blocks as in ggml.
    const NAMES: [(FileType, &'static str); 26] = [
        (FileType::F64, "F64"),
        (FileType::F32, "F32"),
        (FileType::F16, "F16"),
        (FileType::BF16, "BF16"),
        (FileType::F8E4M3, "F8_E4M3"),
        (FileType::F8E5M2, "F8_E5M2"),
        (FileType::I64, "I64"),
        (FileType::I32, "I32"),
        (FileType::I16, "I16"),
        (FileType::I8, "I8"),
        (FileType::U64, "U64"),
        (FileType::U32, "U32"),
        (FileType::U16, "U16"),
        (FileType::U8, "U8"),
        (FileType::Bool, "BOOL"),
        (FileType::Q4_0, "Q4_0"),
        (FileType::Q4_1, "Q4_1"),
        (FileType::Q5_0, "Q5_0"),
        (FileType::Q5_1, "Q5_1"),
        (FileType::Q8_0, "Q8_0"),
        (FileType::Q2K, "Q2_K"),
        (FileType::Q3K, "Q3_K"),
        (FileType::Q4K, "Q4_K"),
        (FileType::Q5K, "Q5_K"),
        (FileType::Q6K, "Q6_K"),
        (FileType::Other, "of an unknown type"),
    ];

    /// The smallest unit: how many elements it has, and in how many bytes. Only ggml's types have
    /// more than one element.
    pub const fn block(self) -> (usize, usize) {
        match self {
            FileType::F64 | FileType::I64 | FileType::U64 => (1, 8),
            FileType::F32 | FileType::I32 | FileType::U32 => (1, 4),
            FileType::F16 | FileType::BF16 | FileType::I16 | FileType::U16 => (1, 2),
            FileType::I8 | FileType::U8 | FileType::Bool => (1, 1),
            FileType::F8E4M3 | FileType::F8E5M2 => (1, 1),
            // The size is unknown. 1 only serves to check that the number of elements fits.
            FileType::Other => (1, 1),
            FileType::Q4_0 => (32, 18),
            FileType::Q4_1 => (32, 20),
            FileType::Q5_0 => (32, 22),
            FileType::Q5_1 => (32, 24),
            FileType::Q8_0 => (32, 34),
            FileType::Q2K => (256, 84),
            FileType::Q3K => (256, 110),
            FileType::Q4K => (256, 144),
            FileType::Q5K => (256, 176),
            FileType::Q6K => (256, 210),
        }
    }

    /// Bytes of so many elements. `None` if they do not fill whole blocks, or if the result
    /// exceeds u64.
    pub const fn bytes_of(self, elements: u64) -> Option<u64> {
        let (per_block, bytes) = self.block();
        if !elements.is_multiple_of(per_block as u64) {
            return None;
        }
        (elements / per_block as u64).checked_mul(bytes as u64)
    }

    /// Whether the numbers are stored in blocks with a common scale.
    pub const fn is_block(self) -> bool {
        self.block().0 > 1
    }

    /// Whether [`crate::weights::decode`] can convert it to f32.
    pub const fn is_float(self) -> bool {
        self.is_block()
            || self.fits_f16()
            || matches!(self, FileType::F64 | FileType::F32 | FileType::BF16)
    }

    /// Whether f16 represents every value of this type exactly.
    pub const fn fits_f16(self) -> bool {
        matches!(self, FileType::F16 | FileType::F8E4M3 | FileType::F8E5M2)
    }

    /// Its name: in a safetensors header, or in ggml.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(t, _)| *t == self).map_or("", |(_, name)| name)
    }

    /// The type with this name in a safetensors header. Such a header has no block types.
    pub fn from_name(name: &str) -> Option<FileType> {
        let plain = |t: FileType| !t.is_block() && t != FileType::Other;
        let known = Self::NAMES.iter().find(|(t, n)| *n == name && plain(*t));
        known.map(|(t, _)| *t)
    }
}
