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

/// The element type of a tensor in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileType {
    F64,
    F32,
    F16,
    BF16,
    I64,
    I32,
    U8,
}

impl FileType {
    /// Bytes of one element.
    pub const fn bytes(self) -> usize {
        match self {
            FileType::F64 | FileType::I64 => 8,
            FileType::F32 | FileType::I32 => 4,
            FileType::F16 | FileType::BF16 => 2,
            FileType::U8 => 1,
        }
    }
}
