//! Parses the names of tensors in a LoRA file, which differ from trainer to trainer: network,
//! layer, and the tensor's role in the layer's change.
//!
//! ```text
//! lora_unet_down_blocks_0_…_attn1_to_q.lora_down.weight         kohya: dots are underscores
//! lora_te_text_model_encoder_layers_0_self_attn_q_proj.alpha
//! unet.down_blocks.0.….attn1.to_q.lora_A.weight                 diffusers, PEFT
//! unet.down_blocks.0.….attn1.processor.to_q_lora.down.weight    diffusers before 0.22
//! text_encoder.text_model.….q_proj.lora_linear_layer.up.weight
//! ```

use std::collections::HashMap;

/// The tensors of a layer in the LoRA's file, by what they are.
pub(super) type TensorNames = HashMap<Role, String>;

/// The role of a tensor in the change of a layer. The names are LyCORIS's where it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Role {
    /// `lora_down`, PEFT's `lora_A`.
    Down,
    /// `lora_up`, PEFT's `lora_B`.
    Up,
    /// `lora_mid`: the Tucker core between the two, of a convolution.
    Mid,
    /// `alpha`: the product is multiplied by alpha / rank.
    Alpha,
    /// DoRA's magnitude: the L2 norm of each row of the result, as PEFT writes it.
    Magnitude,
    /// The same magnitude, as LyCORIS and kohya write it.
    DoraScale,
    /// LoHa: `hada_w1_a`, `hada_w1_b`, `hada_w2_a`, `hada_w2_b`, `hada_t1`, `hada_t2`.
    Hadamard(Factor),
    /// LoKr: `lokr_w1`, `lokr_w1_a`, `lokr_w1_b`, `lokr_w2`, `lokr_w2_a`, `lokr_w2_b`, `lokr_t2`.
    Kronecker(Factor),
    /// The whole difference of a weight.
    Diff,
    /// The difference of a bias.
    DiffBias,
}

impl Role {
    /// Whether the tensor is a factor of the weight's change, and not the bias or the alpha.
    pub(super) fn is_of_weight(self) -> bool {
        !matches!(self, Role::DiffBias | Role::Alpha)
    }
}

/// Which of a product's factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Factor {
    Whole1,
    A1,
    B1,
    Core1,
    Whole2,
    A2,
    B2,
    Core2,
}

/// Ends of names. Where one is the end of another, the longer one comes first.
const ENDINGS: [(&str, Role); 33] = [
    (".lora_down.weight", Role::Down),
    (".lora_up.weight", Role::Up),
    (".lora_mid.weight", Role::Mid),
    (".lora_A.weight", Role::Down),
    (".lora_B.weight", Role::Up),
    (".lora_linear_layer.down.weight", Role::Down),
    (".lora_linear_layer.up.weight", Role::Up),
    (".lora.down.weight", Role::Down),
    (".lora.up.weight", Role::Up),
    ("_lora.down.weight", Role::Down),
    ("_lora.up.weight", Role::Up),
    (".alpha", Role::Alpha),
    (".dora_scale", Role::DoraScale),
    (".lora_magnitude_vector.weight", Role::Magnitude),
    (".lora_magnitude_vector", Role::Magnitude),
    (".hada_w1_a", Role::Hadamard(Factor::A1)),
    (".hada_w1_b", Role::Hadamard(Factor::B1)),
    (".hada_w2_a", Role::Hadamard(Factor::A2)),
    (".hada_w2_b", Role::Hadamard(Factor::B2)),
    (".hada_t1", Role::Hadamard(Factor::Core1)),
    (".hada_t2", Role::Hadamard(Factor::Core2)),
    (".lokr_w1_a", Role::Kronecker(Factor::A1)),
    (".lokr_w1_b", Role::Kronecker(Factor::B1)),
    (".lokr_w2_a", Role::Kronecker(Factor::A2)),
    (".lokr_w2_b", Role::Kronecker(Factor::B2)),
    (".lokr_w1", Role::Kronecker(Factor::Whole1)),
    (".lokr_w2", Role::Kronecker(Factor::Whole2)),
    (".lokr_t1", Role::Kronecker(Factor::Core1)),
    (".lokr_t2", Role::Kronecker(Factor::Core2)),
    (".diff", Role::Diff),
    (".diff_b", Role::DiffBias),
    (".w_norm", Role::Diff),
    (".b_norm", Role::DiffBias),
];

/// The network of a layer, where its name says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Network {
    Unet,
    TextEncoder,
    /// Of another kind of model.
    Other(&'static str),
}

/// A layer as named in a LoRA file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct LayerKey {
    pub network: Network,
    /// Under diffusers' name, or with all its dots as underscores.
    pub module: String,
}

/// Beginnings of names, and their networks; the rest is the module's name.
const BEGINNINGS: [(&str, Network); 18] = [
    ("lora_unet_double_blocks_", Network::Other("Flux")),
    ("lora_unet_single_blocks_", Network::Other("Flux")),
    ("lora_unet_joint_blocks_", Network::Other("SD 3")),
    ("lora_unet_", Network::Unet),
    ("lycoris_", Network::Unet),
    ("lora_te1_", Network::Other("SDXL")),
    ("lora_te2_", Network::Other("SDXL")),
    ("lora_te_", Network::TextEncoder),
    ("lora_transformer_", Network::Other("Flux or SD 3")),
    ("text_encoder_2.", Network::Other("SDXL")),
    ("text_encoder.", Network::TextEncoder),
    ("transformer.", Network::Other("Flux or SD 3")),
    ("diffusion_model.double_blocks.", Network::Other("Flux")),
    ("diffusion_model.single_blocks.", Network::Other("Flux")),
    ("diffusion_model.joint_blocks.", Network::Other("SD 3")),
    // ComfyUI's own, with the names of a single-file checkpoint.
    ("diffusion_model.", Network::Unet),
    ("text_encoders.clip_l.transformer.", Network::TextEncoder),
    ("unet.", Network::Unet),
];

/// Parses a name; `None` for a tensor that belongs to no LoRA.
pub(super) fn parse(name: &str) -> Option<(LayerKey, Role)> {
    let name = &without_adapter(name.strip_prefix("base_model.model.").unwrap_or(name));
    let (module, role) =
        ENDINGS.iter().find_map(|(ending, role)| Some((name.strip_suffix(ending)?, *role)))?;
    let beginning = BEGINNINGS
        .iter()
        .find_map(|(beginning, network)| Some((module.strip_prefix(beginning)?, *network)));
    // PEFT's own files and those of diffusers' `save_attn_procs` name the layers but not the
    // network.
    let of_text = module.starts_with("text_model.") || module.starts_with("text_model_");
    let alone = if of_text { Network::TextEncoder } else { Network::Unet };
    let (module, network) = beginning.unwrap_or((module, alone));
    let module = module.strip_prefix("base_model.model.").unwrap_or(module);
    Some((LayerKey { network, module: renamed(module, network) }, role))
}

/// Removes the adapter's name, which PEFT writes between `lora_A` and `weight`.
fn without_adapter(name: &str) -> String {
    for part in [".lora_A.", ".lora_B.", ".lora_magnitude_vector."] {
        let Some((module, rest)) = name.split_once(part) else { continue };
        if rest.strip_suffix(".weight").is_some_and(|adapter| !adapter.contains('.')) {
            return format!("{module}{part}weight");
        }
    }
    name.to_owned()
}

/// The current name of a module, from the one in earlier versions of diffusers.
fn renamed(module: &str, network: Network) -> String {
    let module = module.replace(".processor.", ".");
    let of_text =
        [("to_q", "q_proj"), ("to_k", "k_proj"), ("to_v", "v_proj"), ("to_out", "out_proj")];
    // `to_out` is a list of a linear layer and a dropout: `to_out_lora` changes the first.
    let of_unet = [("to_out", "to_out.0")];
    let endings = if network == Network::TextEncoder { &of_text[..] } else { &of_unet[..] };
    let found = endings.iter().find_map(|(old, now)| {
        let before = module.strip_suffix(old).filter(|before| before.ends_with('.'))?;
        Some(format!("{before}{now}"))
    });
    found.unwrap_or(module)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trainers_names_are_one_layer() {
        let (unet, text) = (Network::Unet, Network::TextEncoder);
        let to_out = "mid_block.attentions.0.transformer_blocks.0.attn1.to_out.0";
        let processor = "mid_block.attentions.0.transformer_blocks.0.attn1.processor";
        let q_proj = "text_model.encoder.layers.3.self_attn.q_proj";
        for (name, network, module, role) in [
            (
                "lora_unet_mid_block_attentions_0_proj_in.lora_down.weight",
                unet,
                "mid_block_attentions_0_proj_in",
                Role::Down,
            ),
            (&format!("unet.{to_out}.lora_B.weight"), unet, to_out, Role::Up),
            (&format!("base_model.model.{to_out}.lora_A.default.weight"), unet, to_out, Role::Down),
            (&format!("unet.{processor}.to_out_lora.up.weight"), unet, to_out, Role::Up),
            (&format!("{processor}.to_out_lora.down.weight"), unet, to_out, Role::Down),
            (
                &format!("text_encoder.{q_proj}.lora_linear_layer.down.weight"),
                text,
                q_proj,
                Role::Down,
            ),
            (&format!("lora_te_{}.alpha", q_proj.replace('.', "_")), text, "", Role::Alpha),
            ("lora_te2_x.alpha", Network::Other("SDXL"), "x", Role::Alpha),
            ("lora_unet_double_blocks_0_x.alpha", Network::Other("Flux"), "0_x", Role::Alpha),
            (&format!("unet.{to_out}.lora_A.a_style.weight"), unet, to_out, Role::Down),
            (&format!("base_model.model.{q_proj}.lora_A.weight"), text, q_proj, Role::Down),
            (
                "text_encoder.text_model.encoder.layers.3.self_attn.to_q_lora.up.weight",
                text,
                q_proj,
                Role::Up,
            ),
            ("diffusion_model.out.2.diff", unet, "out.2", Role::Diff),
            ("lycoris_conv_in.lokr_w1", unet, "conv_in", Role::Kronecker(Factor::Whole1)),
            ("lora_unet_a.lokr_w1_a", unet, "a", Role::Kronecker(Factor::A1)),
            ("lora_unet_a.diff_b", unet, "a", Role::DiffBias),
        ] {
            let (layer, found) = parse(name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!((layer.network, found), (network, role), "{name}");
            assert!(module.is_empty() || layer.module == module, "{name}: {}", layer.module);
        }
        assert_eq!(parse("conv_in.weight"), None);
    }
}
