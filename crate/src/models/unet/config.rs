//! `unet/config.json`, as diffusers writes it.

use serde_json::{Value, json};

use crate::error::Result;
use crate::models::fields::Fields;

/// How many layers of the first level are computed even if deep features are reused; v1.4's first
/// level has two layers. DeepCache: `cache_branch_id`.
const CACHE_BRANCH: usize = 1;

/// The only kind of middle that is supported.
const MID_BLOCK: &str = "UNetMidBlock2DCrossAttn";

/// The sizes of a UNet. diffusers: the arguments of `UNet2DConditionModel`.
#[derive(Debug, Clone, PartialEq)]
pub struct UnetConfig {
    /// Channels of its input: 4 latents.
    pub in_channels: usize,
    /// Channels of its output.
    pub out_channels: usize,
    /// The levels, from the full size of the latents down.
    pub levels: Vec<Level>,
    /// Whether there is a middle (`mid_block_type`, which is null where there is none): smaller
    /// models leave it out. "BK-SDM" (Kim, Song, Castells, Choi, 2305.15798).
    pub mid_block: bool,
    /// Channels of a token of the context.
    pub cross_attention_dim: usize,
    /// Channels of the time embedding.
    pub time_embed_dim: usize,
    /// Groups of every group norm.
    pub norm_num_groups: usize,
    /// ε of the group norms, except those of the transformers.
    pub norm_eps: f32,
    /// Whether the cosines of the timestep's sinusoids come before the sines.
    pub flip_sin_to_cos: bool,
    /// Subtracted from the number of frequencies of the timestep's sinusoids.
    pub freq_shift: f64,
    /// Zeros before the first and after the last row and column at a downsampling.
    pub downsample_padding: [usize; 2],
    /// Height and width of the first convolution.
    pub conv_in_kernel: usize,
    /// Height and width of the last convolution.
    pub conv_out_kernel: usize,
    /// Whether the transformers' projections are saved as linears, not as 1×1 convolutions.
    pub use_linear_projection: bool,
    /// Channels of the guidance scale as an input, for a model that has it: a latent consistency
    /// model. It is evaluated without a negative prompt.
    pub time_cond_proj_dim: Option<usize>,
    /// Side of the latents that the model was trained on (`sample_size`), if the config has it.
    pub sample_size: Option<usize>,
}

/// One level (resolution) of a UNet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// Channels (`block_out_channels`).
    pub channels: usize,
    /// Resnets of the down path; the up path has one more (`layers_per_block`).
    pub layers: usize,
    /// Heads of its attentions. The config calls it `attention_head_dim`, a wrong name that
    /// diffusers keeps for compatibility.
    pub heads: usize,
    /// Transformer blocks after each resnet (`transformer_layers_per_block`).
    pub transformer_layers: usize,
    /// Whether the down path has transformers (`down_block_types`).
    pub down_attention: bool,
    /// Whether the up path has transformers (`up_block_types`, which is in the opposite order).
    pub up_attention: bool,
}

impl UnetConfig {
    /// Reads `json`, the text of `file`.
    ///
    /// # Errors
    /// [`BadFile`](crate::Error::BadFile), [`Config`](crate::Error::Config).
    pub fn parse(file: &str, json: &str) -> Result<UnetConfig> {
        let fields = Fields::parse(file, json)?;
        refuse(&fields)?;
        let mid_block = !fields.get("mid_block_type", json!(MID_BLOCK))?.is_null();
        let levels = levels(&fields, mid_block)?;
        let norm_num_groups = fields.size("norm_num_groups", 32)?;
        for level in &levels {
            fields.divides("norm_num_groups", norm_num_groups, level.channels)?;
        }
        // The time embedding is four times as wide as the first level.
        let wide = 4 * levels[0].channels;
        let time_embed_dim = fields.get("time_embedding_dim", None)?.unwrap_or(wide);
        if time_embed_dim == 0 || !time_embed_dim.is_multiple_of(4) {
            return Err(fields.error("time_embedding_dim", "is not a multiple of four"));
        }
        let freq_shift = fields.get("freq_shift", 0.0)?;
        if !(0.0..(levels[0].channels / 2) as f64).contains(&freq_shift) {
            let reason = "is not between 0 and half of the first of `block_out_channels`";
            return Err(fields.error("freq_shift", reason));
        }
        Ok(UnetConfig {
            in_channels: fields.size("in_channels", 4)?,
            out_channels: fields.size("out_channels", 4)?,
            cross_attention_dim: cross_attention_dim(&fields, levels.len())?,
            levels,
            mid_block,
            time_embed_dim,
            norm_num_groups,
            norm_eps: fields.epsilon("norm_eps", 1e-5)?,
            flip_sin_to_cos: fields.get("flip_sin_to_cos", true)?,
            freq_shift,
            downsample_padding: downsample_padding(&fields)?,
            conv_in_kernel: odd_kernel(&fields, "conv_in_kernel")?,
            conv_out_kernel: odd_kernel(&fields, "conv_out_kernel")?,
            use_linear_projection: fields.get("use_linear_projection", false)?,
            time_cond_proj_dim: time_cond_proj_dim(&fields)?,
            sample_size: fields.get("sample_size", None)?,
        })
    }

    /// The number of outermost layers of the down path, which are computed even if deep features
    /// are reused; the up path has one more of them. DeepCache: `cache_branch_id`.
    pub fn cache_branch(&self) -> usize {
        CACHE_BRANCH.min(self.levels[0].layers)
    }

    /// `[c_in, c_out]` of the resnets of level `index` on the up path, where `c_in` is the sum of
    /// the input's channels and those of the skip that is concatenated to it.
    #[cfg(feature = "engine")]
    pub(super) fn up_channels(&self, index: usize) -> Vec<[usize; 2]> {
        let channels = |index: usize| self.levels[index].channels;
        let (own, last) = (channels(index), self.levels.len() - 1);
        let from_below = channels((index + 1).min(last));
        let last_skip = channels(index.saturating_sub(1));
        let layers = self.levels[index].layers + 1;
        let joined = |layer: usize| {
            let x = if layer == 0 { from_below } else { own };
            let skip = if layer == layers - 1 { last_skip } else { own };
            [x + skip, own]
        };
        (0..layers).map(joined).collect()
    }
}

/// Refuses features of other UNets of diffusers that are not supported here.
fn refuse(fields: &Fields) -> Result<()> {
    let nothing: [(&str, &[Value]); 21] = [
        ("_class_name", &[json!("UNet2DConditionModel")]),
        ("act_fn", &[json!("silu"), json!("swish")]),
        ("addition_embed_type", &[Value::Null]),
        ("attention_type", &[json!("default")]),
        ("center_input_sample", &[json!(false)]),
        ("class_embed_type", &[Value::Null]),
        ("class_embeddings_concat", &[json!(false)]),
        ("cross_attention_norm", &[Value::Null]),
        ("dual_cross_attention", &[json!(false)]),
        ("encoder_hid_dim", &[Value::Null]),
        ("encoder_hid_dim_type", &[Value::Null]),
        ("mid_block_only_cross_attention", &[Value::Null, json!(false)]),
        ("mid_block_scale_factor", &[json!(1)]),
        ("mid_block_type", &[json!(MID_BLOCK), Value::Null]),
        ("num_class_embeds", &[Value::Null]),
        ("resnet_out_scale_factor", &[json!(1)]),
        ("resnet_skip_time_act", &[json!(false)]),
        ("resnet_time_scale_shift", &[json!("default")]),
        ("reverse_transformer_layers_per_block", &[Value::Null]),
        ("time_embedding_act_fn", &[Value::Null]),
        ("time_embedding_type", &[json!("positional")]),
    ];
    for (field, allowed) in nothing {
        fields.only(field, allowed)?;
    }
    fields.only("timestep_post_act", &[Value::Null])?;
    match fields.get("only_cross_attention", json!(false))? {
        Value::Bool(false) => Ok(()),
        Value::Array(each) if each.iter().all(|one| *one == json!(false)) => Ok(()),
        _ => Err(fields.error("only_cross_attention", "is set, but only false is supported")),
    }
}

fn levels(fields: &Fields, mid_block: bool) -> Result<Vec<Level>> {
    let channels = fields.level_channels("block_out_channels", &[320, 640, 1280, 1280])?;
    let count = channels.len();
    let layers = fields.per_level("layers_per_block", 2, count)?;
    let deep = fields.per_level("transformer_layers_per_block", 1, count)?;
    let explicit = !fields.get("num_attention_heads", Value::Null)?.is_null();
    let of_heads = if explicit { "num_attention_heads" } else { "attention_head_dim" };
    let heads = fields.per_level(of_heads, 8, count)?;
    let down = fields.block_types(
        "down_block_types",
        &["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
        &["DownBlock2D", "CrossAttnDownBlock2D"],
        count,
    )?;
    let up = fields.block_types(
        "up_block_types",
        &["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
        &["UpBlock2D", "CrossAttnUpBlock2D"],
        count,
    )?;
    let level = |i: usize| {
        for (field, value) in
            [("layers_per_block", layers[i]), ("transformer_layers_per_block", deep[i])]
        {
            if value > 64 {
                return Err(fields.error(field, format!("has {value}, which is more than 64")));
            }
        }
        let (down_attention, up_attention) = (down[i] == 1, up[count - 1 - i] == 1);
        // The middle has the lowest level's heads, and always has attention.
        if down_attention || up_attention || (mid_block && i == count - 1) {
            fields.heads(of_heads, heads[i], channels[i])?;
        }
        Ok(Level {
            channels: channels[i],
            layers: layers[i],
            heads: heads[i],
            transformer_layers: deep[i],
            down_attention,
            up_attention,
        })
    };
    (0..count).map(level).collect()
}

fn cross_attention_dim(fields: &Fields, levels: usize) -> Result<usize> {
    let each = fields.per_level("cross_attention_dim", 1280, levels)?;
    if each.iter().any(|one| *one != each[0] || !one.is_multiple_of(4)) {
        let reason = "must be one multiple of four for all levels";
        return Err(fields.error("cross_attention_dim", reason));
    }
    Ok(each[0])
}

fn time_cond_proj_dim(fields: &Fields) -> Result<Option<usize>> {
    let has = fields.get("time_cond_proj_dim", Value::Null)? != Value::Null;
    has.then(|| fields.channels("time_cond_proj_dim", 256)).transpose()
}

/// With a padding of 0 diffusers adds one row and one column of zeros at the end.
fn downsample_padding(fields: &Fields) -> Result<[usize; 2]> {
    fields.only("downsample_padding", &[json!(0), json!(1)])?;
    Ok(match fields.get("downsample_padding", 1)? {
        0 => [0, 1],
        padding => [padding; 2],
    })
}

fn odd_kernel(fields: &Fields, field: &str) -> Result<usize> {
    let kernel = fields.count(field, 3)?;
    if kernel.is_multiple_of(2) || kernel > 15 {
        return Err(fields.error(field, format!("is {kernel}, but must be odd and at most 15")));
    }
    Ok(kernel)
}
