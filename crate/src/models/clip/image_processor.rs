//! Preprocesses a picture for the vision tower; `feature_extractor/preprocessor_config.json`.
//!
//! ```text
//! resize, shortest edge to `size`, bicubic → center crop → · 1/255 → (x − mean) / std
//! ```
//!
//! Equal to transformers' processor on Pillow, which CLIP and the safety checker were trained with;
//! the one on torchvision rounds differently when it resizes.

use crate::error::Result;
use crate::image::Rgba;
use crate::models::fields::Fields;
use serde_json::{Value, json};

/// Pillow's number of its bicubic filter.
const BICUBIC: u8 = 3;

/// Preprocesses pictures. transformers: `CLIPImageProcessorPil`, `CLIPFeatureExtractor` in v1.4.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageProcessor {
    /// The shorter side after resizing.
    shortest_edge: usize,
    /// Height and width of the center crop.
    crop_size: usize,
    rescale_factor: f64,
    image_mean: [f32; 3],
    image_std: [f32; 3],
}

impl ImageProcessor {
    /// Reads `json`, the text of `file`.
    ///
    /// # Errors
    /// [`BadFile`](crate::Error::BadFile), [`Config`](crate::Error::Config).
    pub fn parse(file: &str, json: &str) -> Result<ImageProcessor> {
        let fields = Fields::parse(file, json)?;
        for step in ["do_resize", "do_center_crop", "do_rescale", "do_normalize"] {
            fields.only(step, &[json!(true)])?;
        }
        fields.only("resample", &[json!(BICUBIC)])?;
        let shortest_edge = side(&fields, "size", &["shortest_edge"])?;
        let crop_size = side(&fields, "crop_size", &["height", "width"])?;
        if crop_size > shortest_edge {
            let reason = format!("is {crop_size}, more than the {shortest_edge} of `size`");
            return Err(fields.error("crop_size", reason));
        }
        // The defaults are OpenAI's: mean and deviation of the pictures that CLIP was trained on.
        let image_mean: [f64; 3] = fields.get("image_mean", [0.48145466, 0.4578275, 0.40821073])?;
        let image_std: [f64; 3] = fields.get("image_std", [0.26862954, 0.26130258, 0.27577711])?;
        if !image_std.iter().all(|std| *std as f32 > 0.0) {
            return Err(fields.error("image_std", "must be three positive numbers"));
        }
        Ok(ImageProcessor {
            shortest_edge,
            crop_size,
            rescale_factor: fields.get("rescale_factor", 1.0 / 255.0)?,
            image_mean: image_mean.map(|mean| mean as f32),
            image_std: image_std.map(|std| std as f32),
        })
    }

    /// Height and width of its output.
    pub fn output_size(&self) -> usize {
        self.crop_size
    }

    /// A picture of any size → `[3, s, s]`, channels first, as transformers gives it.
    pub fn preprocess(&self, picture: &Rgba) -> Vec<f32> {
        let [width, height] = self.resized([picture.width(), picture.height()]);
        let resized = picture.resize_bicubic(width, height);
        let side = self.crop_size;
        let [left, top] = [width, height].map(|length| (length as usize - side) / 2);
        let pixels = resized.pixels().as_chunks::<4>().0;
        let value = |channel: usize, place: usize| {
            let (row, column) = (top + place / side, left + place % side);
            let byte = pixels[row * width as usize + column][channel];
            let unit = (f64::from(byte) * self.rescale_factor) as f32;
            (unit - self.image_mean[channel]) / self.image_std[channel]
        };
        (0..3 * side * side).map(|i| value(i / (side * side), i % (side * side))).collect()
    }

    /// The same values for [`super::VisionTower`], channels last: `[s, s, 4]`, the fourth channel
    /// zero.
    pub fn preprocess_nhwc(&self, picture: &Rgba) -> Vec<f32> {
        let planes = self.preprocess(picture);
        let plane = self.crop_size * self.crop_size;
        let pixel = |i: usize| [planes[i], planes[plane + i], planes[2 * plane + i], 0.0];
        (0..plane).flat_map(pixel).collect()
    }

    /// The size whose shorter side is `shortest_edge`; the longer one is rounded down.
    fn resized(&self, [width, height]: [u32; 2]) -> [u32; 2] {
        let short = width.min(height);
        let scaled = |length: u32| {
            let product = self.shortest_edge as u64 * u64::from(length);
            (product as f64 / f64::from(short)) as u32
        };
        [width, height].map(scaled)
    }
}

/// A side, given as a number or, since transformers 4.25, under each of `names`.
fn side(fields: &Fields, field: &str, names: &[&str]) -> Result<usize> {
    if fields.get(field, Value::Null)?.is_object() {
        let sizes = fields.object(field)?;
        let values: Vec<usize> =
            names.iter().map(|name| sizes.size(name, 0)).collect::<Result<_>>()?;
        if values.iter().all(|value| *value == values[0]) {
            return Ok(values[0]);
        }
        return Err(fields.error(field, "is not square, which is not supported"));
    }
    fields.size(field, 224)
}
