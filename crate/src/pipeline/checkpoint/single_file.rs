//! A checkpoint in one file has no configs: they are v1.4's, with the sizes that its tensors show.
//!
//! What no tensor shows (heads, groups of norms, the noise schedule, what is predicted) is v1.4's
//! too, unless the file has configs. `darkroom convert` writes the model's configs into the
//! header's metadata, in safetensors and in GGUF:
//!
//! ```text
//! darkroom.scheduler      scheduler/scheduler_config.json
//! darkroom.text_encoder   text_encoder/config.json
//! darkroom.unet           unet/config.json
//! darkroom.vae            vae/config.json
//! ```

use super::configs::{Configs, KEY};
use super::part::{Part, PartMap};
use crate::error::{Error, Result};
use crate::json::from_python;
use crate::models::sd_v1_4;
use crate::weights::names::Topology;
use crate::weights::{Archive, Ldm, LonePart, Source, TensorInfo};
use serde_json::{Map, Value, json};
use std::rc::Rc;

/// Stability's key for what the UNet predicts.
const PREDICTION: &str = "modelspec.prediction_type";

/// The most layers of a kind.
const PLACES_MAX: usize = 256;

/// Opens the checkpoint `path`. Returns its configs, the headers of text encoder, UNet and VAE, and
/// true if the file does not say what its UNet predicts.
///
/// # Errors
/// Those of the source; [`Error::BadFile`] for a damaged file,
/// [`Error::OtherModel`] for one of another model.
pub(super) async fn open(
    source: &dyn Source,
    path: &str,
) -> Result<(Configs, PartMap<Rc<Archive>>, bool)> {
    let archive = Archive::open(source, path).await?;
    let ldm = Ldm::new(&archive)?;
    let scheduler = base(&archive, "scheduler", sd_v1_4::SCHEDULER)?;
    let has_config = |name: &str| archive.metadata().contains_key(&format!("{KEY}{name}"));
    let has_prediction = has_config("scheduler")
        || archive.metadata().contains_key(PREDICTION)
        || archive.get("v_pred").is_some();
    let configs = Configs {
        scheduler: prediction(&archive, scheduler),
        text_encoder: text_encoder(
            &ldm.text_encoder,
            base(&archive, "text_encoder", sd_v1_4::TEXT_ENCODER)?,
            has_config("text_encoder"),
        )?,
        unet: unet((&ldm.unet, &ldm.topology), base(&archive, "unet", sd_v1_4::UNET)?)?,
        vae: vae((&ldm.vae, &ldm.topology), base(&archive, "vae", sd_v1_4::VAE)?)?,
    };
    let parts =
        [(Part::TextEncoder, ldm.text_encoder), (Part::Unet, ldm.unet), (Part::Vae, ldm.vae)];
    let archives = parts.into_iter().map(|(part, archive)| (part, Rc::new(archive))).collect();
    Ok((configs, archives, !has_prediction))
}

/// The config of a part alone, which was found in `archive`: the fields that its tensors show, over
/// those of the file's own config, if it has one, or else of `model`, that of the model which it
/// becomes a part of.
///
/// # Errors
/// [`Error::BadFile`] for what is no config, [`Error::MissingTensor`].
pub(super) fn config_of(
    archive: &Archive,
    (name, part): (Part, &LonePart),
    model: &str,
) -> Result<String> {
    let base = base(archive, name.name(), model)?;
    let lone = (&part.archive, &part.topology);
    match name {
        Part::TextEncoder => {
            let key = format!("{KEY}{}", name.name());
            text_encoder(&part.archive, base, archive.metadata().contains_key(&key))
        }
        Part::Unet => unet(lone, base),
        _ => vae(lone, base),
    }
}

/// Whether a file says that its UNet predicts v.
pub(super) fn predicts_v(archive: &Archive) -> bool {
    let value = archive.metadata().get(PREDICTION).map(String::as_str);
    matches!(value, Some("v" | "v_prediction")) || archive.get("v_pred").is_some()
}

/// The file's own config, or else the `other`.
fn base(archive: &Archive, name: &str, other: &str) -> Result<Map<String, Value>> {
    let key = format!("{KEY}{name}");
    let (text, what) = match archive.metadata().get(&key) {
        Some(text) => (text.as_str(), format!("`{key}` in its header is")),
        None => (other, format!("the model's own config of the {name} is")),
    };
    match serde_json::from_slice(&from_python(text.as_bytes())) {
        Ok(Value::Object(fields)) => Ok(fields),
        _ => Err(Error::BadFile {
            file: archive.file().to_string(),
            reason: format!("{what} not a config"),
        }),
    }
}

/// The scheduler config with the prediction type that the file has: under [`PREDICTION`], with
/// Stability's value or diffusers', or as an empty tensor `v_pred`, which other programs write.
fn prediction(archive: &Archive, mut scheduler: Map<String, Value>) -> String {
    if predicts_v(archive) {
        scheduler.insert("prediction_type".into(), json!("v_prediction"));
    }
    Value::Object(scheduler).to_string()
}

/// A dimension of a required tensor.
fn dimension(archive: &Archive, name: &str, index: usize) -> Result<usize> {
    let missing = || Error::MissingTensor { file: archive.file().into(), name: name.into() };
    let info = archive.get(name).ok_or_else(missing)?;
    info.shape.get(index).copied().ok_or_else(missing)
}

/// How many of the places `place(0)`, `place(1)`, … there are: one more than the last that has any
/// tensor. A gap before it becomes [`Error::MissingTensor`] later.
fn count(archive: &Archive, place: impl Fn(usize) -> String) -> usize {
    let has = |index: &usize| {
        let start = format!("{}.", place(*index));
        archive.tensors().iter().any(|info| info.name.starts_with(&start))
    };
    (0..PLACES_MAX).rev().find(has).map_or(0, |last| last + 1)
}

/// `has_config`: whether the file has this config.
fn text_encoder(
    archive: &Archive,
    mut config: Map<String, Value>,
    has_config: bool,
) -> Result<String> {
    let tokens = "text_model.embeddings.token_embedding.weight";
    let positions = "text_model.embeddings.position_embedding.weight";
    let layer = |i: usize| format!("text_model.encoder.layers.{i}");
    let width = dimension(archive, tokens, 1)?;
    // A file of v1.4's width must have all of v1.4's layers.
    if !has_config && config.get("hidden_size") != Some(&json!(width)) {
        config.insert("num_hidden_layers".into(), json!(count(archive, layer)));
    }
    let feed_forward = format!("{}.mlp.fc1.weight", layer(0));
    config.extend([
        ("vocab_size".into(), json!(dimension(archive, tokens, 0)?)),
        ("hidden_size".into(), json!(width)),
        ("max_position_embeddings".into(), json!(dimension(archive, positions, 0)?)),
        ("intermediate_size".into(), json!(dimension(archive, &feed_forward, 0)?)),
    ]);
    Ok(Value::Object(config).to_string())
}

fn unet(
    (archive, topology): (&Archive, &Topology),
    mut config: Map<String, Value>,
) -> Result<String> {
    let (mut channels, mut layers, mut deep) = (Vec::new(), Vec::new(), Vec::new());
    let (mut down, mut up) = (Vec::new(), Vec::new());
    for (i, level) in topology.unet.iter().enumerate() {
        let resnet = format!("down_blocks.{i}.resnets.0.conv1.weight");
        channels.push(dimension(archive, &resnet, 0)?);
        layers.push(level.layers);
        let at = match level.down_attention {
            true => format!("down_blocks.{i}"),
            false if level.up_attention => format!("up_blocks.{}", topology.unet.len() - 1 - i),
            // For a level without attention the number of transformer blocks is taken from the
            // middle, if there is one.
            false => "mid_block".to_string(),
        };
        let block = |d: usize| format!("{at}.attentions.0.transformer_blocks.{d}");
        deep.push(count(archive, block).max(1));
        down.push(if level.down_attention { "CrossAttnDownBlock2D" } else { "DownBlock2D" });
        up.push(if level.up_attention { "CrossAttnUpBlock2D" } else { "UpBlock2D" });
    }
    up.reverse();
    let keys = |name: &&str| name.ends_with("attn2.to_k.weight");
    let context = archive.tensors().iter().map(|info| info.name.as_str()).find(keys);
    let context =
        context.unwrap_or("mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight");
    let of_proj = |info: &&TensorInfo| info.name.ends_with(".attentions.0.proj_in.weight");
    let linear = archive.tensors().iter().find(of_proj);
    let linear = linear.is_some_and(|info| info.shape.len() == 2);
    // Elsewhere a middle whose tensors are missing is an error when it is loaded.
    let has_middle = archive.tensors().iter().any(|info| info.name.starts_with("mid_block."));
    if has_middle {
        // A middle of another kind is refused by its name.
        config.entry("mid_block_type").and_modify(|kind| {
            if kind.is_null() {
                *kind = json!("UNetMidBlock2DCrossAttn");
            }
        });
    } else if topology.in_threes {
        config.insert("mid_block_type".into(), Value::Null);
    }
    let time = dimension(archive, "time_embedding.linear_1.weight", 0)?;
    config.extend([
        ("in_channels".into(), json!(dimension(archive, "conv_in.weight", 1)?)),
        ("out_channels".into(), json!(dimension(archive, "conv_out.weight", 0)?)),
        ("cross_attention_dim".into(), json!(dimension(archive, context, 1)?)),
        ("time_embedding_dim".into(), json!(time)),
        ("block_out_channels".into(), json!(channels)),
        ("layers_per_block".into(), json!(layers)),
        ("transformer_layers_per_block".into(), json!(deep)),
        ("down_block_types".into(), json!(down)),
        ("up_block_types".into(), json!(up)),
        ("use_linear_projection".into(), json!(linear)),
    ]);
    let cond_proj = archive.get("time_embedding.cond_proj.weight");
    let condition = cond_proj.and_then(|info| info.shape.get(1));
    config.insert("time_cond_proj_dim".into(), json!(condition));
    Ok(Value::Object(config).to_string())
}

fn vae(
    (archive, topology): (&Archive, &Topology),
    mut config: Map<String, Value>,
) -> Result<String> {
    let levels = topology.vae_levels;
    // On the up path the levels are counted from the lowest.
    let resnet = |i: usize, j: usize| format!("decoder.up_blocks.{i}.resnets.{j}");
    let width = |i: usize| dimension(archive, &format!("{}.conv1.weight", resnet(i, 0)), 0);
    let channels = (0..levels).rev().map(width).collect::<Result<Vec<_>>>()?;
    // Attention in the middle and the quant convolutions are v1.4's, or the file's: where their
    // tensors are missing, that must be an error and not another picture.
    let layers = count(archive, |j| resnet(0, j)).saturating_sub(1);
    config.extend([
        ("latent_channels".into(), json!(dimension(archive, "decoder.conv_in.weight", 1)?)),
        ("block_out_channels".into(), json!(channels)),
        ("layers_per_block".into(), json!(layers)),
        ("down_block_types".into(), json!(vec!["DownEncoderBlock2D"; levels])),
        ("up_block_types".into(), json!(vec!["UpDecoderBlock2D"; levels])),
    ]);
    Ok(Value::Object(config).to_string())
}
