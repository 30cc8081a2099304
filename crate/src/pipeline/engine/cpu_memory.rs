//! An estimate of the memory that a picture needs on the CPU, and how much there is.

use super::workload::Workload;
use crate::error::{Error, Result};
use crate::models::unet::Level;
use crate::pipeline::checkpoint::Files;

/// Whether pointers have 32 bits, as in wasm.
const SMALL: bool = cfg!(target_pointer_width = "32");

/// The most bytes of weights and other arrays. wasm has 4 GiB of memory, of which the allocator
/// cannot use all. Natively the limit is unknown; a request beyond this is a mistake.
pub(in crate::pipeline) const MEMORY_MAX: u64 = if SMALL { 3 << 30 } else { 64 << 30 };

/// The largest array: in wasm half of what a pointer can address.
const ARRAY_MAX: u64 = if SMALL { (1 << 31) - 1 } else { 4 << 30 };

/// How many arrays of the decoder's last level exist at once: a convolution's input, its copy in
/// another layout, its output, the group norm's two, and the resnet's skip.
const DECODER_ARRAYS: u64 = 6;

/// The same of a TAESD, which has 64 channels there.
const TAESD_BYTES: u64 = 4 * 64 * DECODER_ARRAYS;

/// Bytes of the scores of the largest self-attention, which are stored whole: `[prompts · heads, n,
/// n]`. It may be in the UNet, or in the VAE's middle, which has one head at the size of the
/// latents.
fn score_bytes(files: &Files, [width, height]: [u32; 2], prompts: usize, by_taesd: bool) -> u64 {
    let factor = files.vae.factor() as u32;
    let pixels = u64::from(width / factor) * u64::from(height / factor);
    let of_level = |(i, level): (usize, &Level)| {
        let is_last = i + 1 == files.unet.levels.len();
        let attends = level.down_attention || level.up_attention || is_last;
        let n = pixels >> (2 * i);
        if attends { (prompts * level.heads) as u64 * n.saturating_mul(n) } else { 0 }
    };
    let unet = files.unet.levels.iter().enumerate().map(of_level).max().unwrap_or(0);
    let vae = if by_taesd { 0 } else { pixels.saturating_mul(pixels) };
    unet.max(vae).saturating_mul(4)
}

/// The same for the largest cross-attention, since prompts may be long.
fn context_score_bytes(files: &Files, load: Workload) -> u64 {
    let Workload { size, prompts, chunks, .. } = load;
    let [w, h] = size.map(|side| u64::from(side) / files.vae.factor() as u64);
    let tokens = (chunks * files.text_encoder.max_position_embeddings) as u64;
    let heads = files.unet.levels.iter().map(|level| level.heads).max().unwrap_or(1);
    (w * h).saturating_mul(tokens).saturating_mul(4 * (heads * prompts) as u64)
}

/// Bytes of memory besides the weights, estimated from the largest arrays: the scores of an
/// attention before and after the softmax, or the last level of the decoder: the VAE's, or a
/// TAESD's.
pub(in crate::pipeline) fn work_bytes(
    files: &Files,
    size: [u32; 2],
    prompts: usize,
    by_taesd: bool,
) -> u64 {
    let widest = files.vae.block_out_channels.iter().take(2).max().copied().unwrap_or(0) as u64;
    let of_pixel = if by_taesd { TAESD_BYTES } else { 4 * widest * DECODER_ARRAYS };
    let decoder = u64::from(size[0]) * u64::from(size[1]) * of_pixel;
    score_bytes(files, size, prompts, by_taesd).saturating_mul(2).max(decoder)
}

/// Checks that a workload's pictures, one after another, fit in memory with the networks of its
/// controls, which take bytes beside the UNet and while they see their pictures; decoded by the VAE
/// or by a TAESD.
///
/// # Errors
/// [`Error::Request`] for a size that does not fit, and for token merging, which the CPU does not
/// have.
pub(in crate::pipeline) fn check_load(
    load: Workload,
    (files, [further, to_see]): (&Files, [u64; 2]),
    by_taesd: bool,
) -> Result<()> {
    let Workload { size, prompts, kinds, .. } = load;
    if kinds.merged_per_mille() > 0 {
        let reason = "must be 0 on the CPU, which merges no tokens".into();
        return Err(Error::Request { field: "token merging ratio", reason });
    }
    let context = context_score_bytes(files, load);
    let scores = score_bytes(files, size, prompts, by_taesd).max(context);
    let work =
        work_bytes(files, size, prompts, by_taesd).max(context.saturating_mul(2)).max(to_see);
    let needed = files.bytes_on_cpu().saturating_add(further).saturating_add(work);
    if scores > ARRAY_MAX || needed > MEMORY_MAX {
        let reason = format!(
            "is too large for the CPU: it would take {:.1} GB of memory",
            needed as f64 / 1e9
        );
        return Err(Error::Request { field: "size", reason });
    }
    Ok(())
}
