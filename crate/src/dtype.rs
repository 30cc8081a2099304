//! The element types: of activations on the GPU, and of weights in a file.

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

/// How the weights of matrices and convolutions are stored on the GPU. Biases and the scales of
/// norms are always f32: they are few, and they decide the precision of what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum WeightType {
    /// 32-bit floats.
    F32,
    /// 16-bit floats, two in a word: read with `unpack2x16float`, which needs no feature.
    #[default]
    F16,
}

impl WeightType {
    /// Bytes of `n` weights.
    pub const fn bytes(self, n: usize) -> usize {
        match self {
            WeightType::F32 => n * 4,
            WeightType::F16 => n * 2,
        }
    }
}

/// The element type of a tensor in a file. Only floats are weights; the others are listed, so that
/// a file which also holds counters or masks can be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileType {
    F64,
    F32,
    F16,
    BF16,
    I64,
    I32,
    I16,
    I8,
    U64,
    U32,
    U16,
    U8,
    Bool,
}

impl FileType {
    /// Every type with its name in a safetensors header.
    const NAMES: [(FileType, &'static str); 13] = [
        (FileType::F64, "F64"),
        (FileType::F32, "F32"),
        (FileType::F16, "F16"),
        (FileType::BF16, "BF16"),
        (FileType::I64, "I64"),
        (FileType::I32, "I32"),
        (FileType::I16, "I16"),
        (FileType::I8, "I8"),
        (FileType::U64, "U64"),
        (FileType::U32, "U32"),
        (FileType::U16, "U16"),
        (FileType::U8, "U8"),
        (FileType::Bool, "BOOL"),
    ];

    /// Bytes of one element.
    pub const fn bytes(self) -> usize {
        match self {
            FileType::F64 | FileType::I64 | FileType::U64 => 8,
            FileType::F32 | FileType::I32 | FileType::U32 => 4,
            FileType::F16 | FileType::BF16 | FileType::I16 | FileType::U16 => 2,
            FileType::I8 | FileType::U8 | FileType::Bool => 1,
        }
    }

    /// Whether [`crate::weights::decode`] can make f32 of it.
    pub const fn is_float(self) -> bool {
        matches!(self, FileType::F64 | FileType::F32 | FileType::F16 | FileType::BF16)
    }

    /// The name in a safetensors header.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(t, _)| *t == self).map_or("", |(_, name)| name)
    }

    /// The type of a name in a safetensors header.
    pub fn from_name(name: &str) -> Option<FileType> {
        Self::NAMES.iter().find(|(_, n)| *n == name).map(|(t, _)| *t)
    }
}
