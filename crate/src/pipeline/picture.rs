//! The result: pixels, and the request that makes them again.

use super::request::Request;
use crate::error::Result;

/// A finished picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Four bytes a pixel, row by row.
    pub rgba: Vec<u8>,
    /// The request, with the size filled in.
    pub request: Request,
    /// What the user should know, such as what was cut from the prompt.
    pub notices: Vec<String>,
}

impl Picture {
    /// A PNG file with the request in two text chunks: `parameters` as other programs read it, and
    /// `darkroom` as JSON.
    pub fn png(&self) -> Result<Vec<u8>> {
        todo!()
    }

    /// The de-facto text that image generators put in a PNG.
    pub fn parameters(&self) -> String {
        let Request { prompt, negative_prompt, seed, steps, guidance_scale, sampler, .. } =
            &self.request;
        let mut text = prompt.clone();
        if !negative_prompt.is_empty() {
            text += &format!("\nNegative prompt: {negative_prompt}");
        }
        let (width, height) = (self.width, self.height);
        text += &format!(
            "\nSteps: {steps}, Sampler: {sampler}, CFG scale: {guidance_scale}, Seed: {seed}, \
             Size: {width}x{height}"
        );
        text
    }
}
