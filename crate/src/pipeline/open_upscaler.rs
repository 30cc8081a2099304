//! Opens an upscaler on a device that is found, or on that of an open model.

use super::control::{Control, Progress};
use super::device::{DeviceChoice, Host};
use super::engine::Turn;
use super::model::{Machine, Pipeline};
use super::open::{Found, find_adapter};
use super::upscaler::{Upscaler, UpscalerOptions};
use crate::error::Result;
use crate::weights::Source;

impl Upscaler {
    /// Opens the file `path` on the device of `choice`, which is its own.
    ///
    /// # Errors
    /// As [`Upscaler::open`]; where WebGPU was asked for, [`Error::NoGpu`](crate::Error::NoGpu),
    /// [`Error::NoAdapter`](crate::Error::NoAdapter).
    pub async fn open_where(
        (choice, host): (DeviceChoice, Host),
        file: (&dyn Source, &str),
        options: UpscalerOptions,
        control: &Control,
    ) -> Result<Upscaler> {
        let why = match find_adapter(choice, host.adapter).await? {
            Found::Gpu(gpu, numerics) => {
                gpu.use_matrix_units(numerics.matrix_units);
                let opened = Upscaler::open(&gpu, file, options, control).await;
                let mut opened = opened.inspect_err(|_| gpu.destroy())?;
                opened.own_device();
                return Ok(opened);
            }
            Found::None { why, .. } => why,
        };
        if choice == DeviceChoice::Auto {
            let text = format!("{why}The CPU enlarges the picture; that takes longer.");
            control.report(Progress::Notice { text });
        }
        Upscaler::open_on_cpu(file, (options, host.turn), control).await
    }
}

impl Pipeline {
    /// Opens an upscaler on the model's device. `turn` yields to the event loop where that is the
    /// CPU.
    ///
    /// # Errors
    /// As [`Upscaler::open`].
    pub async fn open_upscaler(
        &self,
        file: (&dyn Source, &str),
        options: UpscalerOptions,
        turn: Option<Turn>,
        control: &Control,
    ) -> Result<Upscaler> {
        match &self.machine {
            Machine::Gpu(engine) => Upscaler::open(&engine.gpu, file, options, control).await,
            Machine::Cpu(_) => Upscaler::open_on_cpu(file, (options, turn), control).await,
        }
    }
}
