"""The three networks' widths, and the noise schedule; topology, tokenizer, schedule are v1.4's."""

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from transformers import CLIPTextConfig, CLIPTextModel

SIZE = 128
WIDTH = 192  # of the text encoder
VAE = dict(
    in_channels=3,
    out_channels=3,
    latent_channels=4,
    sample_size=SIZE,
    layers_per_block=1,
    block_out_channels=[32, 32, 64, 96],
    norm_num_groups=4,
    act_fn="silu",
    down_block_types=["DownEncoderBlock2D"] * 4,
    up_block_types=["UpDecoderBlock2D"] * 4,
)
UNET = dict(
    sample_size=SIZE // 8,
    in_channels=4,
    out_channels=4,
    layers_per_block=1,
    cross_attention_dim=WIDTH,
    block_out_channels=[64, 96, 128, 128],
    attention_head_dim=2,
    norm_num_groups=8,
    act_fn="silu",
    down_block_types=["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"],
    up_block_types=["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3,
)
TEXT = dict(
    vocab_size=49408,
    hidden_size=WIDTH,
    intermediate_size=1280,
    num_hidden_layers=2,
    num_attention_heads=4,
    max_position_embeddings=77,
    hidden_act="quick_gelu",
    projection_dim=WIDTH,
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
# The same, so small that all stages run through in a minute.
TINY_UNET = {**UNET, "block_out_channels": [32, 32, 32, 32]}


def new_vae():
    vae = AutoencoderKL(**VAE)
    with torch.no_grad():
        # A posterior of standard deviation 1 would drown the latents for hundreds of steps.
        vae.quant_conv.bias[4:] = -6
        vae.quant_conv.weight[4:] *= 0.1
    return vae


def new_unet(tiny=False, on_card=False):
    unet = UNet2DConditionModel(**(TINY_UNET if tiny else UNET))
    if not on_card:
        # PyTorch's fused attention is slow backwards on a processor in bf16.
        unet.set_attn_processor(AttnProcessor())
    return unet


def new_text(tokens=TEXT["vocab_size"]):
    """With a table of so many tokens, the last two those of start and end."""
    few = {"vocab_size": tokens, "bos_token_id": tokens - 2, "eos_token_id": tokens - 1}
    return CLIPTextModel(CLIPTextConfig(**{**TEXT, **few}))


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


def compiled(network, args):
    """The network, compiled where that was asked for; what cannot be compiled runs as it is."""
    if not args.compile:
        return network
    torch._dynamo.config.suppress_errors = True
    return torch.compile(network, dynamic=False)
