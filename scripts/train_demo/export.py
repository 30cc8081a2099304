"""Writes a model in the diffusers layout, weights as f16 safetensors; and reads one back to train
on.

    python export.py OUT_DIR

Takes the checkpoints in $TRAIN_DEMO_DIR; what has none stays as it is in OUT_DIR, or untrained.
Rows of the token embedding that no caption uses are zero, so that they compress to nothing.
"""

import json
import os
import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

import data
import models
from make_tokenizer import write_tokenizer

EMBEDDING = "text_model.embeddings.token_embedding.weight"
INDEX = {
    "_class_name": "StableDiffusionPipeline",
    "_diffusers_version": "0.2.2",
    "feature_extractor": [None, None],
    "safety_checker": [None, None],
    "scheduler": ["diffusers", "PNDMScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
    "requires_safety_checker": False,
}


def text_name(name):
    """The published checkpoints' tensor names start with "text_model."; some versions of
    transformers drop it."""
    return name if name.startswith("text_model.") else "text_model." + name


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2) + "\n")


def write_model(out, vae, unet, text, scaling_factor, used, config=models):
    """Writes the whole folder beside `out` and swaps it in, so that no reader sees half of it.
    `used`: the ids of the tokens that were trained; `config` has the networks' widths."""
    out = Path(out)
    tmp = out.with_name(out.name + ".new")
    shutil.rmtree(tmp, ignore_errors=True)
    for part in ("vae", "unet", "text_encoder", "scheduler"):
        (tmp / part).mkdir(parents=True)
    half = lambda state: {
        k: v.detach().to(torch.float16).contiguous().clone() for k, v in state.items()
    }
    meta = {"format": "pt"}
    save_file(half(vae), tmp / "vae" / "diffusion_pytorch_model.safetensors", meta)
    save_file(half(unet), tmp / "unet" / "diffusion_pytorch_model.safetensors", meta)
    text = {text_name(k): v for k, v in half(text).items() if "position_ids" not in k}
    keep = torch.zeros(len(text[EMBEDDING]), 1, dtype=torch.float16)
    keep[used] = 1
    text[EMBEDDING] = text[EMBEDDING] * keep
    save_file(text, tmp / "text_encoder" / "model.safetensors", meta)
    version = {"_diffusers_version": "0.2.2"}
    write_json(
        tmp / "vae" / "config.json",
        {"_class_name": "AutoencoderKL", **version, **config.VAE, "scaling_factor": scaling_factor},
    )
    write_json(
        tmp / "unet" / "config.json",
        {
            "_class_name": "UNet2DConditionModel",
            **version,
            **config.UNET,
            "center_input_sample": False,
            "downsample_padding": 1,
            "flip_sin_to_cos": True,
            "freq_shift": 0,
            "mid_block_scale_factor": 1,
            "norm_eps": 1e-5,
        },
    )
    write_json(
        tmp / "text_encoder" / "config.json",
        {
            "architectures": ["CLIPTextModel"],
            "model_type": "clip_text_model",
            "layer_norm_eps": 1e-5,
            "torch_dtype": "float16",
            **config.TEXT,
        },
    )
    write_json(tmp / "scheduler" / "scheduler_config.json", {**version, **models.SCHEDULER})
    write_json(tmp / "model_index.json", INDEX)
    tokenizer = data.CACHE / "tokenizer"
    if tokenizer.exists():
        shutil.copytree(tokenizer, tmp / "tokenizer")
    else:
        write_tokenizer(tmp / "tokenizer")
    card = out / "README.md"
    if card.exists():
        shutil.copy(card, tmp / "README.md")
    old = out.with_name(out.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        os.replace(out, old)
    os.replace(tmp, out)
    shutil.rmtree(old, ignore_errors=True)


def read_model(folder):
    """(vae, unet, text encoder, scaling factor) of an export, as f32 state dicts."""
    folder = Path(folder)
    wide = lambda f: {k: v.float() for k, v in load_file(folder / f).items()}
    scaling = json.loads((folder / "vae" / "config.json").read_text())["scaling_factor"]
    return (
        wide("vae/diffusion_pytorch_model.safetensors"),
        wide("unet/diffusion_pytorch_model.safetensors"),
        wide("text_encoder/model.safetensors"),
        scaling,
    )


def load_text(model, state):
    """Loads a text encoder's tensors under whichever names this version of transformers uses."""
    names = {text_name(k): k for k in model.state_dict() if "position_ids" not in k}
    model.load_state_dict({names[text_name(k)]: v for k, v in state.items()}, strict=False)


def main(out):
    torch.manual_seed(2)
    vae = models.new_vae().state_dict()
    scaling, used = 1.0, slice(None)
    unet, text = models.new_unet().state_dict(), models.new_text().state_dict()
    if (Path(out) / "vae" / "config.json").exists():
        vae, unet, text, scaling = read_model(out)
        text = {text_name(k): v for k, v in text.items()}
        used = text[EMBEDDING].abs().sum(1) > 0
    if (data.CACHE / "vae.pt").exists():
        vae = torch.load(data.CACHE / "vae.pt")["vae"]
    if (data.CACHE / "unet.pt").exists():
        state = torch.load(data.CACHE / "unet.pt")
        unet, text, scaling, used = (
            state["ema_unet"],
            state["ema_text"],
            state["scaling"],
            state["used"],
        )
    write_model(out, vae, unet, text, scaling, used)
    total = sum(f.stat().st_size for f in Path(out).rglob("*") if f.is_file())
    print("exported", out, f"{total / 1e6:.2f} MB")


if __name__ == "__main__":
    main(sys.argv[1])
