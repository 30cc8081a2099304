"""The three networks in Stable Diffusion v1.4's topology, small, and the v1.4 noise schedule.

Every channel width is a multiple of 32. The text encoder keeps rows only for the tokens that
captions use while it
trains (see `compact_embedding`); the export puts them back into the full table of 49,408.
"""

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

VAE = dict(
    in_channels=3,
    out_channels=3,
    latent_channels=4,
    sample_size=64,
    layers_per_block=1,
    block_out_channels=[32, 32, 64, 64],
    norm_num_groups=4,
    act_fn="silu",
    down_block_types=["DownEncoderBlock2D"] * 4,
    up_block_types=["UpDecoderBlock2D"] * 4,
)
UNET = dict(
    sample_size=8,
    in_channels=4,
    out_channels=4,
    layers_per_block=1,
    cross_attention_dim=64,
    block_out_channels=[32, 64, 96, 96],
    attention_head_dim=4,
    norm_num_groups=8,
    act_fn="silu",
    down_block_types=["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"],
    up_block_types=["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3,
)
TEXT = dict(
    vocab_size=49408,
    hidden_size=64,
    intermediate_size=256,
    num_hidden_layers=2,
    num_attention_heads=4,
    max_position_embeddings=77,
    hidden_act="quick_gelu",
    projection_dim=64,
    bos_token_id=49406,
    eos_token_id=49407,
    pad_token_id=1,
)
SCHEDULER = {
    "_class_name": "PNDMScheduler",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "trained_betas": None,
    "clip_sample": False,
}


def new_vae(config=VAE):
    vae = AutoencoderKL(**config)
    with torch.no_grad():
        # A posterior of standard deviation 1 would drown the latents for hundreds of steps.
        vae.quant_conv.bias[4:] = -6
        vae.quant_conv.weight[4:] *= 0.1
    return vae


def new_unet():
    return UNet2DConditionModel(**UNET)


def new_text():
    return CLIPTextModel(CLIPTextConfig(**TEXT))


def alphas_cumprod():
    betas = (
        torch.linspace(
            SCHEDULER["beta_start"] ** 0.5, SCHEDULER["beta_end"] ** 0.5, 1000, dtype=torch.float64
        )
        ** 2
    )
    return torch.cumprod(1 - betas, 0).float()


def parameters(model):
    return sum(p.numel() for p in model.parameters())
