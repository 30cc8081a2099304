"""Writes the trained model in the diffusers layout, weights as f16 safetensors.

    python -m icons.export OUT_DIR [--tiny]
"""

import argparse
from pathlib import Path
from types import SimpleNamespace

import torch

import export
import models

from . import autoencoder, joint, networks
from .pack import Pack


def full_text(encoder, used):
    """The text encoder's tensors with the full table of tokens, zero where none was trained."""
    out = {export.text_name(k): v for k, v in encoder.clip.state_dict().items()}
    rows = out[export.EMBEDDING]
    table = torch.zeros(networks.TEXT["vocab_size"], rows.shape[1])
    table[used] = rows
    return {**out, export.EMBEDDING: table}


def card(pack, unet, encoder, vae):
    """The text about the model, with what the script knows filled in."""
    million = lambda n: f"{n / 1e6:.2f}"
    table = networks.TEXT["vocab_size"] * networks.WIDTH
    own = models.parameters(encoder) - len(pack.parts.used) * networks.WIDTH
    names = [n[0] + (f" ({', '.join(n[1:])})" if n[1:] else "") for n in pack.names]
    return (Path(__file__).parent / "model_card.md").read_text().format(
        text=million(own),
        table=million(table),
        tokens=len(pack.parts.used),
        unet=million(models.parameters(unet)),
        vae=million(models.parameters(vae)),
        count=len(pack.names),
        things=", ".join(names),
    )


def main(words=None):
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("out", type=Path)
    ap.add_argument("--tiny", action="store_true", help="the UNet is that of train.py --tiny")
    args = ap.parse_args(words)
    pack = Pack()
    unet, encoder = joint.trained(pack, SimpleNamespace(device="cpu", tiny=args.tiny))
    config = SimpleNamespace(
        VAE=networks.VAE,
        UNET=networks.TINY_UNET if args.tiny else networks.UNET,
        TEXT=networks.TEXT,
        SCHEDULER=networks.SCHEDULER,
    )
    used = pack.parts.used
    args.out.parent.mkdir(parents=True, exist_ok=True)
    vae = autoencoder.trained()
    # The code's numbers deviate by 1 already.
    export.write_model(
        args.out,
        vae.state_dict(),
        unet.state_dict(),
        full_text(encoder, used),
        1.0,
        used,
        config,
    )
    (args.out / "README.md").write_text(card(pack, unet, encoder, vae))
    total = sum(f.stat().st_size for f in args.out.rglob("*") if f.is_file())
    zeros = (networks.TEXT["vocab_size"] - len(used)) * networks.WIDTH * 2
    print("exported", args.out, f"{total / 1e6:.2f} MB, served {(total - zeros) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
