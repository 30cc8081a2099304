//! Errors with an external cause, and what the user may do about them.
//!
//! Only faults that do not come from our own code are here: a file, a network, an adapter, a
//! request. A shape that does not fit inside the crate is a bug and panics (the dry run finds it).
//! Every text is a sentence for the person in front of the screen: what happened, what to do.

/// An error with an external cause. [`Error::kind`] is its stable name for programs.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// There is no WebGPU at all.
    #[error(
        "WebGPU is not available here ({reason}). Use a current Chrome, Edge, Safari or Firefox \
         with hardware acceleration switched on, and open the page over https or from localhost."
    )]
    NoGpu {
        /// Why, in the platform's words.
        reason: String,
    },

    /// WebGPU is there, but offers no adapter or device.
    #[error(
        "No graphics adapter could be opened ({reason}). Update the graphics driver, close other \
         programs that use the GPU, or try another browser."
    )]
    NoAdapter {
        /// Why, in the platform's words.
        reason: String,
    },

    /// Neither the graphics adapter nor the CPU can run a model.
    #[error(
        "{why}On the CPU this model needs {needed} of memory, and there are {available}. Use a \
         browser with WebGPU on a graphics card, or choose a smaller model."
    )]
    NoDevice {
        /// Why the adapter cannot, as a sentence with a space after it; or nothing.
        why: String,
        /// Memory, with its unit.
        needed: String,
        /// Memory, with its unit.
        available: String,
    },

    /// A size that this adapter cannot hold.
    #[error(
        "This needs {what} of {needed}, but the adapter allows {available}. Choose a smaller \
         picture or a smaller model."
    )]
    GpuLimit {
        /// What is too large, such as "a buffer".
        what: &'static str,
        /// In the unit of the limit.
        needed: u64,
        /// The limit.
        available: u64,
    },

    /// The device was lost in the middle of the work.
    #[error(
        "The graphics device was lost ({reason}). Nothing you stored is gone; load the model \
         again, with a smaller picture if this repeats."
    )]
    DeviceLost {
        /// What the device said.
        reason: String,
    },

    /// An allocation on the GPU failed.
    #[error(
        "The graphics memory is full ({reason}). Close other tabs that use the GPU, or choose a \
         smaller picture."
    )]
    OutOfMemory {
        /// What the device said.
        reason: String,
    },

    /// The GPU reported a fault of a command: the picture is not shown.
    #[error("The graphics device refused a command ({message}). Please report this text.")]
    Gpu {
        /// What the device said.
        message: String,
    },

    /// A file that must be there is not.
    #[error("{path} was not found ({reason}). Check that the model's folder is complete.")]
    NotFound {
        /// The file.
        path: String,
        /// What the source said.
        reason: String,
    },

    /// A file could not be read.
    #[error("{path} could not be read ({reason}). Check the connection or the disk and try again.")]
    Source {
        /// The file.
        path: String,
        /// What the source said.
        reason: String,
    },

    /// A file could not be fetched, after all attempts.
    #[error("{path} could not be fetched. {reason} What has been stored is kept; try again later.")]
    Fetch {
        /// The file.
        path: String,
        /// The last attempt's error, as a sentence.
        reason: String,
    },

    /// The browser's storage quota is used up.
    #[error(
        "The browser's storage is full. What has been stored is kept: free some space on this \
         device or in this browser and resume, choose a smaller model, or load the model without \
         storing the rest."
    )]
    StorageFull,

    /// The browser's database does not work.
    #[error(
        "The browser's storage could not be used ({reason}). Reload the page; in a private window, \
         use an ordinary one."
    )]
    Storage {
        /// What the browser said.
        reason: String,
    },

    /// The database was written by a newer version of this program.
    #[error(
        "This browser's storage was written by a newer version of this app. Nothing was changed: \
         reload the page to get that version."
    )]
    NewerStorage,

    /// A licence that was not accepted.
    #[error("The licence of {title} must be read and accepted before its weights are fetched.")]
    Licence {
        /// The model.
        title: String,
    },

    /// A file could not be written.
    #[error("{path} could not be written ({reason}). Check the disk's space and permissions.")]
    Write {
        /// The file.
        path: String,
        /// What the system said.
        reason: String,
    },

    /// A file whose bytes are not what its name says.
    #[error(
        "{file} is damaged or of another kind: {reason}. Fetch it again, or choose another \
         file."
    )]
    BadFile {
        /// The file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },

    /// A file that changes a model, or has a part of one, and is for another kind of model.
    #[error("{file} does not fit: {reason}. Choose a file that was made for the model in use.")]
    Unfit {
        /// The file.
        file: String,
        /// What it is for.
        reason: String,
    },

    /// A checkpoint of another model.
    #[error(
        "{file} is {what}. Darkroom opens whole checkpoints of Stable Diffusion 1: a folder in the \
         diffusers layout, or one file with UNet, text encoder and VAE."
    )]
    OtherModel {
        /// The file.
        file: String,
        /// What it is, with its article.
        what: String,
    },

    /// A checkpoint without a tensor that its config asks for.
    #[error("{file} has no tensor `{name}`. This file does not belong to the model's config.")]
    MissingTensor {
        /// The file.
        file: String,
        /// The tensor, by its name in the file.
        name: String,
    },

    /// A checkpoint whose tensor has another shape than its config asks for.
    #[error(
        "In {file} the tensor `{name}` has shape {found:?}, but the config asks for {expected:?}. \
         This file does not belong to the model's config."
    )]
    TensorShape {
        /// The file.
        file: String,
        /// The tensor, by its name in the file.
        name: String,
        /// By the config.
        expected: Vec<usize>,
        /// In the file.
        found: Vec<usize>,
    },

    /// A config that this program does not support, or that contradicts itself.
    #[error("{file}: the field `{field}` {reason}.")]
    Config {
        /// The file.
        file: String,
        /// The field, by its path.
        field: String,
        /// What is wrong with it, as the end of a sentence.
        reason: String,
    },

    /// A request that cannot be carried out; the form keeps what was typed.
    #[error("The {field} {reason}.")]
    Request {
        /// The field, in words.
        field: &'static str,
        /// What is wrong with it, as the end of a sentence.
        reason: String,
    },

    /// Latents that are NaN or infinite.
    #[error(
        "Step {step} gave values that are not numbers, so there is no picture. Try another seed, \
         or f32 precision."
    )]
    NotFinite {
        /// The step, from 1.
        step: usize,
    },

    /// The user stopped the run.
    #[error("Cancelled.")]
    Cancelled,
}

impl Error {
    /// A stable name for programs: the variant in snake case.
    pub fn kind(&self) -> &'static str {
        match self {
            Error::NoGpu { .. } => "no_gpu",
            Error::NoAdapter { .. } => "no_adapter",
            Error::NoDevice { .. } => "no_device",
            Error::GpuLimit { .. } => "gpu_limit",
            Error::DeviceLost { .. } => "device_lost",
            Error::OutOfMemory { .. } => "out_of_memory",
            Error::Gpu { .. } => "gpu",
            Error::NotFound { .. } => "not_found",
            Error::Source { .. } => "source",
            Error::Fetch { .. } => "fetch",
            Error::StorageFull => "storage_full",
            Error::Storage { .. } => "storage",
            Error::NewerStorage => "newer_storage",
            Error::Licence { .. } => "licence",
            Error::Write { .. } => "write",
            Error::BadFile { .. } => "bad_file",
            Error::Unfit { .. } => "unfit",
            Error::OtherModel { .. } => "other_model",
            Error::MissingTensor { .. } => "missing_tensor",
            Error::TensorShape { .. } => "tensor_shape",
            Error::Config { .. } => "config",
            Error::Request { .. } => "request",
            Error::NotFinite { .. } => "not_finite",
            Error::Cancelled => "cancelled",
        }
    }
}

/// Shorthand for tier 1's readers: `file` is damaged because of `reason`.
pub(crate) fn bad_file(file: &str, reason: impl Into<String>) -> Error {
    Error::BadFile { file: file.to_owned(), reason: reason.into() }
}

/// Shorthand: `file` is for another kind of model, as `reason` says.
pub(crate) fn unfit(file: &str, reason: impl Into<String>) -> Error {
    Error::Unfit { file: file.to_owned(), reason: reason.into() }
}

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;
