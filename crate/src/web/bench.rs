//! Tier 8, wasm only: the kernels' speed, for JavaScript.

use super::Engine;
use super::values::{set, to_js, to_object};
use crate::gpu::{GpuOptions, Tuning};
use crate::measure::{self, BenchOptions, Figure};
use crate::pipeline::{Control, Request, tune};
use js_sys::{Function, JSON};
use serde::Deserialize;
use wasm_bindgen::prelude::*;

/// What to measure, as JavaScript passes it.
#[derive(Deserialize)]
struct Wish {
    only: String,
    runs: usize,
    divide: usize,
    /// A tuning's text, or `tuned`, or none for the default kernels.
    kernels: Option<String>,
}

/// Measures the kernels; `on_figure` gets each figure as `{ name, seconds, gflops, of_peak, gbps,
/// of_copy }`. Resolves to `{ gflops, gbps, kernels }`: the peaks, and the tuning that was used.
///
/// # Errors
/// An `Error` of JavaScript with its `kind`: those of the device, `cancelled`.
#[wasm_bindgen]
pub async fn bench(wish: JsValue, on_figure: Function) -> Result<JsValue, JsValue> {
    let Wish { only, runs, divide, kernels } = serde_wasm_bindgen::from_value(wish)?;
    let gpu = measure::open(&GpuOptions::default()).await.map_err(to_js)?;
    match kernels.as_deref() {
        Some("tuned") => drop(tune(&gpu, None, &Control::default()).await.map_err(to_js)?),
        Some(text) => gpu.set_tuning(
            Tuning::parse(text).map(Tuning::off_matrix_units).ok_or("no such kernels")?,
        ),
        None => {}
    }
    let mut tell = |figure: &Figure| drop(on_figure.call1(&JsValue::NULL, &to_object(figure)));
    let options = BenchOptions { only, runs, divide, ..BenchOptions::default() };
    let peaks = measure::bench(&gpu, &options, &mut tell).await.map_err(to_js)?;
    let told = to_object(&peaks);
    set(&told, "kernels", gpu.tuning().to_string().into());
    gpu.destroy();
    Ok(told)
}

#[wasm_bindgen]
impl Engine {
    /// Times an evaluation of the opened model's UNet for a picture of a request's `width` and
    /// `height`, each dispatch `runs` times; resolves to a
    /// [`SpeedReport`](crate::pipeline::SpeedReport) with it. Progress is reported in hundredths.
    /// On the CPU it is an error.
    ///
    /// # Errors
    /// An `Error` of JavaScript with its `kind`: those of the device, `request` on the CPU,
    /// `cancelled`.
    pub async fn profile(
        &self,
        request: JsValue,
        runs: usize,
        on_progress: Function,
    ) -> Result<JsValue, JsValue> {
        let opened = self.opened()?;
        let control = self.control(on_progress);
        let json = JSON::stringify(&request)?.as_string().unwrap_or_default();
        let request = Request::from_json(&json).map_err(to_js)?;
        let size = request.size(&opened.pipeline.describe().allowed());
        let profile = opened.pipeline.profile(size, runs, &control).await;
        Ok(to_object(&opened.pipeline.speed_report(profile.map_err(to_js)?)))
    }
}
