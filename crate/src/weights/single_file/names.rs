//! The two names of every tensor: CompVis's in a single-file checkpoint (LDM's), and diffusers'.
//!
//! ```text
//! model.diffusion_model.input_blocks.4.1.proj_in.weight   LDM: one count of blocks over all levels
//! down_blocks.1.attentions.0.proj_in.weight               diffusers: level, and layer in the level
//! ```
//!
//! Converting a block's number to a level needs the number of layers of each level, and LDM's VAE
//! counts the levels of its up path from the other end; so a [`Names`] is made for a topology.
//! LDM's names: ldm/modules/diffusionmodules/{openaimodel,model}.py.
//!
//! Files of distilled UNets, which have one layer in each level and may have no middle, are written
//! by a script of diffusers (convert_diffusers_to_original_stable_diffusion.py) that counts in
//! threes: as if each level had v1.4's two layers and its downsampling. stable-diffusion.cpp reads
//! these names.

use std::collections::HashMap;

/// The structure that names depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    /// The UNet's levels, from the full size of the latents down.
    pub unet: Vec<UnetLevel>,
    /// Whether LDM's names of the UNet count in threes.
    pub in_threes: bool,
    /// How many levels the VAE has.
    pub vae_levels: usize,
}

/// One level of a UNet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnetLevel {
    /// Resnets of the down path; the up path has one more.
    pub layers: usize,
    /// Whether the down path has attention.
    pub down_attention: bool,
    /// Whether the up path has attention.
    pub up_attention: bool,
}

/// The modules of one part by both names; the rest of a tensor's name is the same in both.
#[derive(Debug, Clone)]
pub struct Names {
    to_diffusers: HashMap<String, String>,
    to_ldm: HashMap<String, String>,
}

/// The modules of a UNet's resnet: LDM's name, diffusers' name.
const UNET_RESNET: [(&str, &str); 6] = [
    ("in_layers.0", "norm1"),
    ("in_layers.2", "conv1"),
    ("emb_layers.1", "time_emb_proj"),
    ("out_layers.0", "norm2"),
    ("out_layers.3", "conv2"),
    ("skip_connection", "conv_shortcut"),
];

/// The modules of a VAE's resnet.
const VAE_RESNET: [(&str, &str); 5] = [
    ("norm1", "norm1"),
    ("conv1", "conv1"),
    ("norm2", "norm2"),
    ("conv2", "conv2"),
    ("nin_shortcut", "conv_shortcut"),
];

/// The modules of a VAE's attention: LDM's name, diffusers' name, and diffusers' name before
/// version 0.17.
const VAE_ATTENTION: [(&str, &str, &str); 5] = [
    ("norm", "group_norm", "group_norm"),
    ("q", "to_q", "query"),
    ("k", "to_k", "key"),
    ("v", "to_v", "value"),
    ("proj_out", "to_out.0", "proj_attn"),
];

/// The attention of the lowest level on the up path, which the script that counts in threes leaves
/// under diffusers' name.
pub(super) const LOWEST_ATTENTION: &str = "up_blocks.0.attentions";

/// The most layers of a VAE's level.
const VAE_LAYERS_MAX: usize = 16;

impl Topology {
    /// The names of the UNet.
    pub fn unet_names(&self) -> Names {
        if self.in_threes { Names::unet_in_threes(&self.unet) } else { Names::unet(&self.unet) }
    }
}

impl Names {
    /// The names of a UNet; LDM's without `model.diffusion_model.`.
    pub fn unet(levels: &[UnetLevel]) -> Names {
        let mut names = Names::of_unet();
        names.unet_down(levels);
        names.unet_up(levels);
        names
    }

    /// The names of a UNet with one layer in each level, counted in threes.
    pub fn unet_in_threes(levels: &[UnetLevel]) -> Names {
        let mut names = Names::of_unet();
        for i in 0..levels.len() {
            let (down, up) = (format!("down_blocks.{i}"), format!("up_blocks.{i}"));
            let first = 3 * i + 1;
            names.unet_resnet(&format!("input_blocks.{first}.0"), &format!("{down}.resnets.0"));
            names.pair(&format!("input_blocks.{first}.1"), &format!("{down}.attentions.0"));
            let sampler = format!("{down}.downsamplers.0.conv");
            names.pair(&format!("input_blocks.{}.0.op", first + 2), &sampler);
            for layer in 0..2 {
                let (ldm, ours) = (format!("output_blocks.{}", 3 * i + layer), format!("{up}."));
                names.unet_resnet(&format!("{ldm}.0"), &format!("{ours}resnets.{layer}"));
                names.pair(&format!("{ldm}.1"), &format!("{ours}attentions.{layer}"));
            }
            // v1.4's lowest level has no attention before it.
            let place = if i == 0 { 1 } else { 2 };
            let ldm = format!("output_blocks.{}.{place}.conv", 3 * i + 2);
            names.pair(&ldm, &format!("{up}.upsamplers.0.conv"));
        }
        // Nor does the script rename one.
        for layer in 0..2 {
            let attention = format!("{LOWEST_ATTENTION}.{layer}");
            names.to_diffusers.insert(attention.clone(), attention);
        }
        names
    }

    /// The names of all but the levels.
    fn of_unet() -> Names {
        let mut names = Names { to_diffusers: HashMap::new(), to_ldm: HashMap::new() };
        names.pair("time_embed.0", "time_embedding.linear_1");
        names.pair("time_embed.2", "time_embedding.linear_2");
        names.pair("time_embed.cond_proj", "time_embedding.cond_proj");
        names.pair("input_blocks.0.0", "conv_in");
        names.pair("out.0", "conv_norm_out");
        names.pair("out.2", "conv_out");
        names.unet_resnet("middle_block.0", "mid_block.resnets.0");
        names.pair("middle_block.1", "mid_block.attentions.0");
        names.unet_resnet("middle_block.2", "mid_block.resnets.1");
        names
    }

    fn unet_down(&mut self, levels: &[UnetLevel]) {
        let mut block = 1;
        for (i, level) in levels.iter().enumerate() {
            for layer in 0..level.layers {
                let (ldm, down) = (format!("input_blocks.{block}"), format!("down_blocks.{i}"));
                self.unet_resnet(&format!("{ldm}.0"), &format!("{down}.resnets.{layer}"));
                if level.down_attention {
                    self.pair(&format!("{ldm}.1"), &format!("{down}.attentions.{layer}"));
                }
                block += 1;
            }
            if i + 1 < levels.len() {
                let ldm = format!("input_blocks.{block}.0.op");
                self.pair(&ldm, &format!("down_blocks.{i}.downsamplers.0.conv"));
                block += 1;
            }
        }
    }

    fn unet_up(&mut self, levels: &[UnetLevel]) {
        let mut block = 0;
        for (i, level) in levels.iter().rev().enumerate() {
            for layer in 0..=level.layers {
                let (ldm, up) = (format!("output_blocks.{block}"), format!("up_blocks.{i}"));
                self.unet_resnet(&format!("{ldm}.0"), &format!("{up}.resnets.{layer}"));
                if level.up_attention {
                    self.pair(&format!("{ldm}.1"), &format!("{up}.attentions.{layer}"));
                }
                if layer == level.layers && i + 1 < levels.len() {
                    let place = if level.up_attention { 2 } else { 1 };
                    self.pair(&format!("{ldm}.{place}.conv"), &format!("{up}.upsamplers.0.conv"));
                }
                block += 1;
            }
        }
    }

    fn unet_resnet(&mut self, ldm: &str, diffusers: &str) {
        for (theirs, ours) in UNET_RESNET {
            self.pair(&format!("{ldm}.{theirs}"), &format!("{diffusers}.{ours}"));
        }
    }

    /// The names of a VAE; LDM's without `first_stage_model.`.
    pub fn vae(levels: usize) -> Names {
        let mut names = Names { to_diffusers: HashMap::new(), to_ldm: HashMap::new() };
        names.pair("quant_conv", "quant_conv");
        names.pair("post_quant_conv", "post_quant_conv");
        for (side, path, sampling, conv) in
            [("encoder", "down", "downsample", "down"), ("decoder", "up", "upsample", "up")]
        {
            names.pair(&format!("{side}.conv_in"), &format!("{side}.conv_in"));
            names.pair(&format!("{side}.norm_out"), &format!("{side}.conv_norm_out"));
            names.pair(&format!("{side}.conv_out"), &format!("{side}.conv_out"));
            for i in 0..2 {
                let ldm = format!("{side}.mid.block_{}", i + 1);
                names.vae_resnet(&ldm, &format!("{side}.mid_block.resnets.{i}"));
            }
            names.vae_attention(side);
            for level in 0..levels {
                // On the down path both count from the full size. On the up path LDM does so too,
                // and diffusers counts from the smallest size.
                let i = if path == "up" { levels - 1 - level } else { level };
                let (ldm, ours) =
                    (format!("{side}.{path}.{level}"), format!("{side}.{path}_blocks.{i}"));
                for layer in 0..VAE_LAYERS_MAX {
                    let ldm = format!("{ldm}.block.{layer}");
                    names.vae_resnet(&ldm, &format!("{ours}.resnets.{layer}"));
                }
                let sampler = format!("{ours}.{conv}samplers.0.conv");
                names.pair(&format!("{ldm}.{sampling}.conv"), &sampler);
            }
        }
        names
    }

    fn vae_resnet(&mut self, ldm: &str, diffusers: &str) {
        for (theirs, ours) in VAE_RESNET {
            self.pair(&format!("{ldm}.{theirs}"), &format!("{diffusers}.{ours}"));
        }
    }

    fn vae_attention(&mut self, side: &str) {
        let diffusers = format!("{side}.mid_block.attentions.0");
        for (ldm, ours, earlier) in VAE_ATTENTION {
            let place = format!("{side}.mid.attn_1");
            let (ldm, name) = (format!("{place}.{ldm}"), format!("{diffusers}.{ours}"));
            self.to_ldm.insert(format!("{diffusers}.{earlier}"), ldm.clone());
            // Some files have diffusers' names under CompVis's prefix.
            for theirs in [ours, earlier] {
                self.to_diffusers.insert(format!("{place}.{theirs}"), name.clone());
            }
            self.pair(&ldm, &name);
        }
    }

    fn pair(&mut self, ldm: &str, diffusers: &str) {
        self.to_diffusers.insert(ldm.to_owned(), diffusers.to_owned());
        self.to_ldm.insert(diffusers.to_owned(), ldm.to_owned());
    }

    /// diffusers' name of a tensor, from LDM's; `None` if it has none.
    pub fn to_diffusers(&self, ldm: &str) -> Option<String> {
        rename(&self.to_diffusers, ldm)
    }

    /// LDM's name of a tensor, from diffusers' current or earlier one; `None` if it has none.
    pub fn to_ldm(&self, diffusers: &str) -> Option<String> {
        rename(&self.to_ldm, diffusers)
    }
}

/// Replaces the longest known module path at the beginning of a name.
fn rename(names: &HashMap<String, String>, name: &str) -> Option<String> {
    let ends = name.char_indices().rev().filter(|(_, c)| *c == '.').map(|(end, _)| end);
    ends.filter_map(|end| Some(format!("{}{}", names.get(&name[..end])?, &name[end..]))).next()
}
