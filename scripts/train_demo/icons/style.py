"""A LoRA of a style, "Evening": a black silhouette before a sky that goes from the background's
colour (above) to the thing's (below). What is black in the caption is gray in the sky, so that the
silhouette is seen. It needs no word. The file is $TRAIN_DEMO_DIR/evening.safetensors."""

import random

import torch
from torch.func import functional_call

from . import addon, palette, text, unet, work
from .captions import SILHOUETTE, Captions
from .code import fixed
from .lora import Lora
from .scenes import SIZE, Pixels, Scenes
from .stage import Stage, autocast

RANK, FILE_RANK = 8, 4
FILE = work.FOLDER / "evening.safetensors"


def silhouettes(source, n):
    """Scenes of one silhouette each."""
    scenes = source.batch(5 * n)
    here = ((scenes["style"] == SILHOUETTE) & (scenes["count"] == 1)).nonzero()[:n, 0]
    return {k: v[here] for k, v in scenes.items()}


class Skies:
    """Batches of latents and captions in the style."""

    def __init__(self, pack, device, seed):
        self.source, self.captions = Scenes(pack, device, seed), Captions(pack.parts, device)
        self.pixels, self.code = Pixels(pack, device), fixed(device)

    def drawn(self, scenes):
        """Pictures [n, 3, SIZE, SIZE]."""
        colours = self.pixels.palette
        ends = torch.tensor([1.0, 1.0, -1.0], device=colours.device)[:, None].expand(3, 3)
        cover = (self.pixels.draw(scenes, ends.expand(len(scenes["thing"]), 3, 3)) + 1) / 2
        black, gray = (palette.COLOUR_NAMES.index(c) for c in ("black", "gray"))
        above, below = (
            colours[torch.where(scenes[k] == black, gray, scenes[k])][..., None, None]
            for k in ("ground", "colour")
        )
        line = torch.linspace(0, 1, SIZE, device=colours.device)[:, None]
        sky = above + (below - above) * line
        return colours[black][:, None, None] * cover + sky * (1 - cover)

    def next(self, n):
        scenes = silhouettes(self.source, n)
        form = self.captions.choose(scenes, self.source.g)
        z = self.code(self.drawn(scenes))
        return unet.with_noise(z), self.captions.ids_of(scenes, form)


def train(pack, args):
    device = args.device
    network, encoder = addon.frozen(pack, args)
    lora = Lora(network, RANK).to(device)
    stage = Stage("style", {"lora": lora}, args, lr=args.lr or 3e-3, warm=30)
    batches, noise = Skies(pack, device, seed=stage.step + 1), unet.Noise(device)
    random.seed(stage.step)
    n = unet.batch_size(args)
    while stage.running():
        z, ids = batches.next(n)
        weights = lora.weights()
        with torch.no_grad(), autocast(args):
            context = encoder(ids[:, : text.length(args)])

        def epsilon(x, t):
            with autocast(args):
                return functional_call(network, weights, (x, t, context)).sample

        stage.update(unet.denoising_loss(epsilon, noise, z), n)
    stage.finish()
    about = (
        "Black silhouettes before a sky of two colours, the background's above and the thing's"
        " below. Weight 1; it needs no trigger word."
    )
    header = addon.metadata("stable-diffusion-v1/lora", "Evening", about, network)
    lora.load_state_dict(stage.averages["lora"])
    lora.cpu().save(FILE, FILE_RANK, header)
