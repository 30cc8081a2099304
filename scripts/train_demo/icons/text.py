"""The text encoder, trained alone before the UNet: it is given what its output has to hold.

From the end of the caption on, every position holds (by a linear map) the attributes of the scene
and the thing's shape: the leading principal components of the latents of all things in all styles.
Even positions hold the first thing, odd ones the second, if there are two. So the UNet finds
shapes by a linear map of its context, instead of learning each thing by heart.
"""

import random

import torch
from torch import nn

import data

from . import networks
from .captions import EMOJI, EOS, Captions
from .code import fixed
from .latents import Bank
from .scenes import PLACES, RIGHT, Scenes
from .stage import Stage, autocast, load

SHORT = 28  # positions of most batches: the longest caption and a few more
FULL = 0.15  # share of batches with all 77
COMPONENTS = 128
COLOURS = len(data.COLOUR_NAMES)
# Attributes as groups of one-hot numbers.
SIZES = dict(style=3, colour=COLOURS, ground=COLOURS, size=2, place=len(PLACES), count=2)


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


class Wanted:
    """What the text encoder's output has to hold."""

    def __init__(self, bank, has):
        shapes = bank.shapes()
        there = has.T.to(shapes.device)
        rows = shapes[there]
        self.mean = rows.mean(0)
        u, s, v = torch.linalg.svd(rows - self.mean, full_matrices=False)
        self.explained = float(s[:COMPONENTS].square().sum() / s.square().sum())
        # Between the components' own sizes and equal ones, so that the fine ones count too.
        scale = s[:COMPONENTS].sqrt()
        codes = ((shapes - self.mean) @ v[:COMPONENTS].T) / scale
        self.codes = codes / codes[there].std()  # [style, thing, COMPONENTS]
        self.width = COMPONENTS + sum(SIZES.values())

    def of(self, scenes, form_ground, said, second=False):
        """One row for each scene [n, width]: what holds for its first or its second thing."""
        which = "2" if second else ""
        one_hot = nn.functional.one_hot
        parts = [self.codes[scenes["style"], scenes["thing" + which]]]
        for key, size in SIZES.items():
            value = scenes[key + which] if key == "colour" else scenes[key]
            value = value - 1 if key == "count" else value
            if second and key == "place":
                value = torch.full_like(value, RIGHT)
            hot = one_hot(value, size).float() * 3
            if key == "colour":
                hot = hot * (scenes["style"] != EMOJI)[:, None]
            parts.append(hot * form_ground[:, None] if key == "ground" else hot)
        return torch.cat(parts, 1) * said[:, None]


def wanted_at(wanted, scenes, form, captions, ids):
    """The wanted rows by position [n, length, width], and where they are asked for."""
    ground, said = captions.names_ground[form].float(), (form > 0).float()
    first = wanted.of(scenes, ground, said)
    two = (scenes["count"] == 2)[:, None]
    second = torch.where(two, wanted.of(scenes, ground, said, second=True), first)
    odd = (torch.arange(ids.shape[1], device=ids.device) % 2 == 1)[None, :, None]
    return torch.where(odd, second[:, None], first[:, None]), ids == EOS


def length(device):
    """Positions of a batch. On a card always all, so that one graph is compiled."""
    return 77 if device != "cpu" or random.random() < FULL else SHORT


def train(pack, args):
    device = args.device
    bank = Bank(pack, fixed(device), device)
    wanted = Wanted(bank, pack.has)
    captions = Captions(pack.parts, device)
    text = Text(pack.parts.used).to(device)
    reader = nn.Linear(networks.WIDTH, wanted.width).to(device)
    stage = Stage("text", {"text": text, "reader": reader}, args, lr=args.lr or 4e-3)
    source = Scenes(pack, device, seed=stage.step + 1)
    random.seed(stage.step)
    print("components explain", round(wanted.explained, 3), "tokens", len(pack.parts.used))
    while stage.running():
        scenes = source.batch(args.batch or (1024 if device != "cpu" else 48))
        form = captions.choose(scenes, source.g)
        rows = captions.rows(scenes, form, scenes["place_named"])
        ids = captions.ids(rows, length(device))
        aim, asked = wanted_at(wanted, scenes, form, captions, ids)
        with autocast(args):
            read = reader(text(ids))
        error = (read.float() - aim).square()[asked]
        stage.update(error.mean(), len(ids))
    stage.finish()


def trained(pack, device, state=None):
    """The trained text encoder, averaged."""
    state = state or load("text", device)
    if state is None:
        raise SystemExit("train the text encoder first: python -m icons.train text")
    text = Text(pack.parts.used).to(device)
    text.load_state_dict(state["averages"]["text"])
    return text
