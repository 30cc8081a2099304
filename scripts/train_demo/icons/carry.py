"""Writes what a training on another machine begins with: the data and the weights so far.

    python -m icons.carry FOLDER [--unet]

Weights are the averages, as f16, without the optimisers' state; of the code its kernel alone. The
UNet is among them with --unet alone: a card comes as far in seconds as a processor in hours.
"""

import shutil
import sys
from pathlib import Path

import torch

from . import work
from .pack import FILE
from .stage import load

STAGES = ("code", "autoencoder", "text")


def half(tensors):
    return {k: v.half() if v.is_floating_point() else v for k, v in tensors.items()}


def main(folder, *options):
    folder = Path(folder)
    stages = (*STAGES, "unet", "joint") if "--unet" in options else STAGES
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(FILE, folder)
    shutil.copytree(work.FOLDER / "tokenizer", folder / "tokenizer", dirs_exist_ok=True)
    for name in stages:
        state = load(name)
        if state is None:
            continue
        averages = {n: half(tensors) for n, tensors in state["averages"].items()}
        averages = {} if name == "code" else averages
        torch.save(
            dict(networks=averages, averages=averages, extra=state["extra"]), folder / f"{name}.pt"
        )
        print(name, state.get("step", "no"), "steps")


if __name__ == "__main__":
    main(*sys.argv[1:])
