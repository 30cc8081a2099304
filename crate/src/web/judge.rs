//! Compares pictures with one another (PSNR, SSIM) and with their prompts (CLIP score).

use super::source::HttpSource;
use super::values::{js_error, to_js, to_object};
use crate::error::Error;
use crate::gpu::{Gpu, GpuOptions};
use crate::image::{Likeness, png};
use crate::judge::ClipScore;
use crate::measure;
use crate::pipeline::Control;
use wasm_bindgen::prelude::*;

/// Compares two PNG files: `{ psnr, ssim, most }`, where psnr is null if they are equal; undefined
/// if their sizes differ.
///
/// # Errors
/// An `Error` of JavaScript with its `kind`: `bad_file` for a file that is no PNG.
#[wasm_bindgen]
pub fn likeness(first: &[u8], second: &[u8]) -> Result<JsValue, JsValue> {
    let decode = |file| png::decode("The picture", file).map(|png| png.picture).map_err(to_js);
    let likeness = Likeness::of(&decode(first)?, &decode(second)?);
    Ok(likeness.map_or(JsValue::UNDEFINED, |likeness| to_object(&likeness)))
}

/// A CLIP model on the graphics adapter, which scores how well a picture fits a prompt.
#[wasm_bindgen]
pub struct Judge {
    gpu: Gpu,
    score: ClipScore,
}

#[wasm_bindgen]
impl Judge {
    /// Opens the CLIP model in the folder at `address`.
    ///
    /// # Errors
    /// An `Error` of JavaScript with its `kind`: those of the source and of the device.
    pub async fn open(address: String) -> Result<Judge, JsValue> {
        let open = async || -> crate::Result<Judge> {
            let gpu = measure::open(&GpuOptions::default()).await?;
            let source = HttpSource::new(&address, None);
            match ClipScore::open(&gpu, &source, &Control::default()).await {
                Ok(score) => Ok(Judge { gpu, score }),
                Err(error) => {
                    gpu.destroy();
                    Err(error)
                }
            }
        };
        open().await.map_err(|error| match error {
            Error::NotFound { path, .. } => {
                js_error("not_found", &format!("There is no CLIP model here: {path} is missing."))
            }
            other => to_js(other),
        })
    }

    /// The CLIP score: 100 times the cosine of the embeddings of picture and prompt, at least 0.
    ///
    /// # Errors
    /// An `Error` of JavaScript with its `kind`: `bad_file` for a file that is no PNG, and those of
    /// the device.
    pub async fn score(&self, prompt: String, png: Vec<u8>) -> Result<f64, JsValue> {
        let picture = png::decode("The picture", &png).map_err(to_js)?.picture;
        self.score.score(&prompt, &picture).await.map_err(to_js)
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        self.gpu.destroy();
    }
}
