//! PNG files with text inside: a picture's file has the request that made it.
//!
//! Two texts are usual here: [`PARAMETERS`], which other programs read and write (see
//! [`super::parameters`]), and [`DARKROOM`], the whole request as JSON. Latin-1 text is a tEXt
//! chunk, everything else an iTXt chunk (PNG specification, 11.3.3). A file may claim any size, so
//! no more memory is allocated than its compressed bytes could fill.

use std::io::{BufRead, Cursor, Seek};

use ::png::{BitDepth, ColorType, Decoder, Encoder, Limits, Transformations};

use super::exif;
use super::rgba::Rgba;
use crate::error::{Error, Result, bad_file};

/// The keyword of the request as readable text, shared by Stable Diffusion programs.
pub const PARAMETERS: &str = "parameters";
/// The keyword of the request as JSON, which only this program writes.
pub const DARKROOM: &str = "darkroom";
/// The keyword of the model that made the picture, as JSON, which only this program writes.
pub const DARKROOM_MODEL: &str = "darkroom-model";
/// The keyword of the list of LoRAs that had changed the model.
pub const DARKROOM_LORAS: &str = "darkroom-loras";
/// The keyword of the chunk with what decoded the picture instead of the model's VAE.
pub const DARKROOM_DECODER: &str = "darkroom-decoder";
/// The keyword of the list of textual inversions that the prompts call.
pub const DARKROOM_EMBEDDINGS: &str = "darkroom-embeddings";
/// The keyword of the ControlNets and T2I-Adapters that guided the picture, as JSON.
pub const DARKROOM_CONTROLS: &str = "darkroom-controls";
/// The keyword of the upscaler between two passes, as JSON.
pub const DARKROOM_UPSCALER: &str = "darkroom-upscaler";
/// The keyword of the parts that were not the model's own, as JSON.
pub const DARKROOM_PARTS: &str = "darkroom-parts";

/// The most pixels that are read from a file, and made for one: 8 192 × 8 192. The page has this
/// bound too (`web/files/pixels.js`).
pub const MAX_PIXELS: u64 = 1 << 26;
/// Deflate compresses at most 1 032 bytes into one.
const MAX_RATIO: u64 = 1_032;
/// The most bytes of all decompressed texts, and of what the decoder allocates beyond the file's
/// size.
const MAX_TABLES: usize = 16 << 20;

/// A decoded file.
#[derive(Debug, Clone, PartialEq)]
pub struct Png {
    /// The picture as RGBA: grey and palette colours are converted, missing opacity is full, and it
    /// is turned upright by its eXIf chunk, if there is one.
    pub picture: Rgba,
    /// Keyword and text of every text chunk: tEXt, then zTXt, then iTXt, each in file order.
    pub texts: Vec<(String, String)>,
}

impl Png {
    /// The first text under `keyword`.
    pub fn text(&self, keyword: &str) -> Option<&str> {
        self.texts.iter().find(|(key, _)| key == keyword).map(|(_, text)| text.as_str())
    }
}

/// The PNG file of a picture, with `texts` as (keyword, text). A keyword has 1 to 79 Latin-1
/// characters; texts may have any character but NUL, which is left out.
///
/// # Errors
/// [`Error::Write`] for a picture without pixels or a bad keyword.
pub fn encode(picture: &Rgba, texts: &[(&str, &str)]) -> Result<Vec<u8>> {
    let fault = |error: ::png::EncodingError| Error::Write {
        path: "The PNG file".to_owned(),
        reason: error.to_string(),
    };
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, picture.width(), picture.height());
    encoder.set_color(ColorType::Rgba);
    encoder.set_depth(BitDepth::Eight);
    for (keyword, text) in texts {
        let (keyword, text) = ((*keyword).to_owned(), text.replace('\0', ""));
        if text.chars().all(|c| u32::from(c) < 256) {
            encoder.add_text_chunk(keyword, text).map_err(fault)?;
        } else {
            encoder.add_itxt_chunk(keyword, text).map_err(fault)?;
        }
    }
    let mut writer = encoder.write_header().map_err(fault)?;
    writer.write_image_data(picture.pixels()).map_err(fault)?;
    writer.finish().map_err(fault)?;
    Ok(file)
}

/// Reads a file; `name` is for messages. Only the first picture of an animation is taken.
///
/// # Errors
/// [`Error::BadFile`] for anything but a whole PNG file of at most 2²⁶ pixels.
pub fn decode(name: &str, bytes: &[u8]) -> Result<Png> {
    let fault =
        |error: ::png::DecodingError| bad_file(name, error.to_string().trim_end_matches('.'));
    let mut decoder = Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(Transformations::normalize_to_color8() | Transformations::ALPHA);
    // Uncompressed chunks need at most the file's size.
    decoder.set_limits(Limits { bytes: bytes.len().saturating_add(MAX_TABLES) });
    let header = decoder.read_header_info().map_err(fault)?;
    let (width, height) = (header.width, header.height);
    let pixels = u64::from(width) * u64::from(height);
    // At one bit per pixel, the smallest that PNG has.
    let packed_bytes = pixels / 8;
    if pixels > MAX_PIXELS {
        let reason = format!("it has {width}×{height} pixels; at most 8192×8192 are read");
        return Err(bad_file(name, reason));
    }
    if packed_bytes > (bytes.len() as u64).saturating_mul(MAX_RATIO) {
        let reason = format!("{width}×{height} pixels in {} bytes", bytes.len());
        return Err(bad_file(name, reason));
    }
    let mut reader = decoder.read_info().map_err(fault)?;
    let size = reader.output_buffer_size().ok_or_else(|| bad_file(name, "it is too large"))?;
    let mut raw = vec![0; size];
    let frame = reader.next_frame(&mut raw).map_err(fault)?;
    raw.truncate(frame.buffer_size());
    // Texts may follow the pixels.
    reader.finish().map_err(fault)?;
    let rgba: Vec<u8> = match frame.color_type {
        ColorType::Rgba => raw,
        ColorType::GrayscaleAlpha => {
            raw.as_chunks().0.iter().flat_map(|[y, a]| [*y, *y, *y, *a]).collect()
        }
        other => return Err(bad_file(name, format!("its colours {other:?} are not known"))),
    };
    if (frame.width, frame.height) != (width, height) || rgba.len() as u64 != pixels * 4 {
        return Err(bad_file(name, "its first picture does not fill it"));
    }
    let picture = Rgba::new(width, height, rgba);
    let way = reader.info().exif_metadata.as_deref().map_or(1, exif::orientation);
    Ok(Png { picture: picture.upright(way), texts: texts(reader.info(), name)? })
}

/// The texts before the pixels of a file, which is not read any further; `name` is for messages.
///
/// # Errors
/// [`Error::BadFile`] for anything but the beginning of a PNG file.
pub fn leading_texts(name: &str, file: impl BufRead + Seek) -> Result<Vec<(String, String)>> {
    let mut decoder = Decoder::new(file);
    decoder.set_limits(Limits { bytes: MAX_TABLES });
    let reader = decoder
        .read_info()
        .map_err(|error| bad_file(name, error.to_string().trim_end_matches('.')))?;
    texts(reader.info(), name)
}

fn texts(info: &::png::Info, name: &str) -> Result<Vec<(String, String)>> {
    let fault = |error: ::png::DecodingError| bad_file(name, error.to_string());
    let mut texts = Vec::new();
    for chunk in &info.uncompressed_latin1_text {
        texts.push((chunk.keyword.clone(), chunk.text.clone()));
    }
    let mut room = MAX_TABLES;
    for chunk in &info.compressed_latin1_text {
        let mut chunk = chunk.clone();
        chunk.decompress_text_with_limit(room).map_err(fault)?;
        let text = chunk.get_text().map_err(fault)?;
        room = room.saturating_sub(text.len());
        texts.push((chunk.keyword, text));
    }
    for chunk in &info.utf8_text {
        let mut chunk = chunk.clone();
        chunk.decompress_text_with_limit(room).map_err(fault)?;
        let text = chunk.get_text().map_err(fault)?;
        room = room.saturating_sub(text.len());
        texts.push((chunk.keyword, text));
    }
    Ok(texts)
}
