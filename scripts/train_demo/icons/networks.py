"""The three networks' widths. Topology, tokenizer and noise schedule are those of v1.4."""

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from transformers import CLIPTextConfig, CLIPTextModel

import models

SIZE = 128
WIDTH = 192  # of the text encoder
SCHEDULER = models.SCHEDULER
VAE = {**models.VAE, "sample_size": SIZE, "block_out_channels": [32, 32, 64, 96]}
UNET = {
    **models.UNET,
    "sample_size": SIZE // 8,
    "cross_attention_dim": WIDTH,
    "block_out_channels": [64, 96, 128, 128],
    "attention_head_dim": 2,
}
TEXT = {
    **models.TEXT,
    "hidden_size": WIDTH,
    "intermediate_size": 1280,
    "projection_dim": WIDTH,
}
# The same, so small that all stages run through in a minute.
TINY_UNET = {**UNET, "block_out_channels": [32, 32, 32, 32]}


def new_vae():
    return models.new_vae(VAE)


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


def compiled(network, args):
    """The network, compiled where that was asked for; what cannot be compiled runs as it is."""
    if not args.compile:
        return network
    torch._dynamo.config.suppress_errors = True
    return torch.compile(network, dynamic=False)
