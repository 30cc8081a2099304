"""Writes the trained model in the diffusers layout, weights as f16 safetensors; and reads one back.

    python -m icons.export OUT_DIR [--tiny]

Rows of the token table that no caption uses are zero, so that they compress to nothing.
"""

import argparse
import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import torch
from safetensors.torch import load_file, save_file

from . import autoencoder, networks, unknown, work
from .pack import Pack
from .tokenizer import write_tokenizer

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


def write_model(out, vae, unet, text, tiny):
    """Writes the whole folder beside `out` and swaps it in, so that no reader sees half of it."""
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
    save_file(text, tmp / "text_encoder" / "model.safetensors", meta)
    version = {"_diffusers_version": "0.2.2"}
    write_json(
        tmp / "vae" / "config.json",
        {"_class_name": "AutoencoderKL", **version, **networks.VAE, "scaling_factor": 1.0},
    )
    write_json(
        tmp / "unet" / "config.json",
        {
            "_class_name": "UNet2DConditionModel",
            **version,
            **(networks.TINY_UNET if tiny else networks.UNET),
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
            **networks.TEXT,
        },
    )
    write_json(tmp / "scheduler" / "scheduler_config.json", {**version, **networks.SCHEDULER})
    write_json(tmp / "model_index.json", INDEX)
    tokenizer = work.FOLDER / "tokenizer"
    if tokenizer.exists():
        shutil.copytree(tokenizer, tmp / "tokenizer")
    else:
        write_tokenizer(tmp / "tokenizer")
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


def full_text(encoder, used):
    """The text encoder's tensors with the full table of tokens, zero where none was trained."""
    out = {text_name(k): v for k, v in encoder.clip.state_dict().items()}
    rows = out[EMBEDDING]
    table = torch.zeros(networks.TEXT["vocab_size"], rows.shape[1])
    table[used] = rows
    return {**out, EMBEDDING: table}


def card(pack, unet, encoder, vae):
    """The text about the model, with what the script knows filled in."""
    million = lambda n: f"{n / 1e6:.2f}"
    table = networks.TEXT["vocab_size"] * networks.WIDTH
    own = networks.parameters(encoder) - len(pack.parts.used) * networks.WIDTH
    names = [n[0] + (f" ({', '.join(n[1:])})" if n[1:] else "") for n in pack.names]
    return (Path(__file__).parent / "model_card.md").read_text().format(
        text=million(own),
        table=million(table),
        tokens=len(pack.parts.used),
        unet=million(networks.parameters(unet)),
        vae=million(networks.parameters(vae)),
        count=len(pack.names),
        things=", ".join(names),
    )


def main(words=None):
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("out", type=Path)
    ap.add_argument("--tiny", action="store_true", help="the UNet is that of train.py --tiny")
    args = ap.parse_args(words)
    pack = Pack()
    unet, encoder = unknown.trained(pack, SimpleNamespace(device="cpu", tiny=args.tiny))
    used = pack.parts.used
    args.out.parent.mkdir(parents=True, exist_ok=True)
    vae = autoencoder.trained()
    text = full_text(encoder, used)
    # The code's numbers deviate by 1 already, so the scaling factor is 1.
    write_model(args.out, vae.state_dict(), unet.state_dict(), text, args.tiny)
    (args.out / "README.md").write_text(card(pack, unet, encoder, vae))
    total = sum(f.stat().st_size for f in args.out.rglob("*") if f.is_file())
    zeros = (networks.TEXT["vocab_size"] - len(used)) * networks.WIDTH * 2
    print("exported", args.out, f"{total / 1e6:.2f} MB, served {(total - zeros) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
