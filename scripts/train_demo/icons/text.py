"""The text encoder, trained alone before the UNet: it is given what its output has to hold.

From position `patches.FIRST` on, every position holds a patch of the picture (patches.py); the
positions of the words hold nothing, but for what the encoder itself makes of them.
"""

import random

import torch
from torch import nn

from . import networks, patches
from .captions import POSITIONS, Captions
from .code import fixed
from .latents import Bank
from .patches import Patches
from .scenes import Scenes
from .stage import Stage, autocast, load

FULL = 0.1  # share of batches with all 77 positions


class Text(nn.Module):
    """The text encoder with those rows of the token table that captions use."""

    def __init__(self, used):
        super().__init__()
        self.clip = networks.new_text(len(used))
        row = torch.zeros(networks.TEXT["vocab_size"], dtype=torch.long)
        row[used] = torch.arange(len(used))
        self.register_buffer("row", row)

    def forward(self, ids):
        return self.clip(self.row[ids]).last_hidden_state


def length(args):
    """Positions of a batch: always all where the UNet is compiled, for one length."""
    return POSITIONS if args.compile or random.random() < FULL else patches.SHORT


def error_of(context, told, embedded):
    """The mean square of what a context holds beside what it is to hold."""
    held = patches.read(context.float(), embedded)
    order = torch.arange(context.shape[1] - patches.FIRST, device=context.device) % patches.COUNT
    apart = held[:, patches.FIRST :] - told[:, order]
    return apart.square().mean() + 0.25 * held[:, : patches.FIRST].square().mean()


def train(pack, args):
    device = args.device
    told_by = Patches(Bank(pack, fixed(device), device))
    captions = Captions(pack.parts, device)
    text, embedded = Text(pack.parts.used).to(device), patches.embedding(device)
    stage = Stage("text", {"text": text}, args, lr=args.lr or 4e-3)
    source = Scenes(pack, device, seed=stage.step + 1)
    random.seed(stage.step)
    print("tokens", len(pack.parts.used), "weights", sum(p.numel() for p in text.parameters()))
    while stage.running():
        scenes = source.batch(args.batch or (1024 if device != "cpu" else 64))
        form = captions.choose(scenes, source.g)
        ids = captions.ids_of(scenes, form, length(args))
        with autocast(args):
            context = text(ids)
        stage.update(error_of(context, told_by.of(scenes, form, captions), embedded), len(ids))
    stage.finish()


def trained(pack, device, state=None):
    """The trained text encoder, averaged."""
    state = state or load("text", device)
    if state is None:
        raise SystemExit("train the text encoder first: python -m icons.train text")
    text = Text(pack.parts.used).to(device)
    text.load_state_dict(state["averages"]["text"])
    return text
