"""A textual inversion (arXiv:2208.01618): the vector of one new token, a colour that the model has
no word for, of things and of backgrounds. All else is frozen. The file, in diffusers' layout with
the word in it, is $TRAIN_DEMO_DIR/teal.safetensors."""

import random

import torch
from safetensors.torch import save_file
from torch.func import functional_call

from . import addon, palette, text, unet, work
from .captions import EMOJI
from .stage import Stage, autocast

NAME, RGB = "<teal>", (0, 128, 128)
STANDS_FOR = "blue"  # the colour whose place the new one takes in scenes and captions
FILE = work.FOLDER / "teal.safetensors"
TABLE = "token_embedding.weight"


class Word(torch.nn.Module):
    """The vector, which begins as the mean of others."""

    def __init__(self, begins):
        super().__init__()
        self.vector = torch.nn.Parameter(begins.detach().mean(0))


def with_colour(source, colour, n):
    """Scenes in which a colour is named."""
    scenes = source.batch(12 * n)
    second = (scenes["count"] == 2) & (scenes["colour2"] == colour)
    named = (scenes["style"] != EMOJI) & ((scenes["colour"] == colour) | second)
    here = (named | (scenes["ground"] == colour)).nonzero()[:n, 0]
    return {k: v[here] for k, v in scenes.items()}


class Batches(unet.Batches):
    """Batches in which the new colour stands for another, in every picture."""

    def __init__(self, pack, device, seed):
        super().__init__(pack, device, seed)
        self.at = palette.COLOUR_NAMES.index(STANDS_FOR)
        self.bank.palette = self.bank.palette.clone()
        self.bank.palette[self.at] = torch.tensor(RGB) / 127.5 - 1
        self.bank.grounds = self.bank.flat(self.bank.palette)

    def batch(self, n):
        """Latents and captions, in which the other colour's word is to be replaced."""
        scenes = with_colour(self.source, self.at, n)
        form = self.captions.choose(scenes, self.source.g, empty=0, partial=0)
        return self.bank.latents(scenes), self.captions.ids_of(scenes, form)


def train(pack, args):
    device = args.device
    network, encoder = addon.frozen(pack, args)
    name, table = next((n, p) for n, p in encoder.clip.named_parameters() if n.endswith(TABLE))
    token = lambda word: int(pack.parts.tokens[pack.parts.words.index(word), 0])
    near = encoder.row[torch.tensor([token("green"), token("blue")], device=device)]
    word = Word(table[near]).to(device)
    stage = Stage("word", {"word": word}, args, lr=args.lr or 3e-2, warm=30)
    batches, noise = Batches(pack, device, seed=stage.step + 1), unet.Noise(device)
    random.seed(stage.step)
    n, stands = unet.batch_size(args), token(STANDS_FOR)
    while stage.running():
        z, ids = batches.batch(n)
        ids = ids[:, : text.length(args)]
        rows = torch.where(ids == stands, len(table), encoder.row[ids])
        longer = {name: torch.cat([table, word.vector[None]])}
        with autocast(args):
            context = functional_call(encoder.clip, longer, (rows,)).last_hidden_state

        def epsilon(x, t):
            with autocast(args):
                return network(x, t, context).sample

        stage.update(unet.denoising_loss(epsilon, noise, z), len(z))
    stage.finish()
    about = "A colour that the model has no word for, for things and backgrounds: a <teal> cat."
    header = addon.metadata("stable-diffusion-v1/textual-inversion", "Teal", about, network, NAME)
    vector = stage.averages["word"]["vector"]
    save_file({NAME: vector.half()[None].cpu()}, FILE, {"format": "pt", **header})
