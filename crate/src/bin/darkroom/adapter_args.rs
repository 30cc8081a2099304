//! Arguments of several commands: the graphics adapter, and what of it is used.

use darkroom::gpu::GpuOptions;

/// A graphics adapter on the command line.
#[derive(Debug, clap::Args)]
pub(crate) struct AdapterArgs {
    /// Which graphics adapter to use, if there are several: its place from 0, its PCI address (as
    /// nvidia-smi prints it), or part of its name.
    #[arg(long)]
    pub adapter: Option<String>,
    /// Leave the matrix units of a graphics card unused. They are several times as fast, and add in
    /// another order: a picture may differ by rounding.
    #[arg(long)]
    no_matrix_units: bool,
    /// Let shaders check every index, as browsers do: slower, and safe from faults in our kernels.
    #[arg(long)]
    checked_shaders: bool,
}

impl AdapterArgs {
    /// How the device is opened.
    pub(crate) fn options(&self) -> GpuOptions {
        GpuOptions {
            adapter: self.adapter.clone(),
            no_matrix_units: self.no_matrix_units,
            checked_shaders: self.checked_shaders,
            ..GpuOptions::default()
        }
    }
}
