"""The UNet, trained on latents that are put together (latents.py) and on the text encoder's output.

Scenes get harder: first one large thing in the middle, then by and by other sizes, places and two
things. The text encoder stays as it is until the last part of the time, then both learn together.
"""

import random

import torch

import models

from . import networks, text
from .captions import Captions
from .code import fixed
from .latents import Bank
from .scenes import Scenes
from .stage import Stage, autocast

HARDER = 1500  # steps until scenes are as they are in use
SNR = 0.1, 5.0  # the weight of the picture's error is the ratio of signal to noise within these
LATENT_NOISE = 0.05  # in the latents, so that the UNet does not learn to be exact to no end


class Noise:
    """The noise schedule."""

    def __init__(self, device):
        self.alphas = models.alphas_cumprod().to(device)

    def signal_and_noise(self, t):
        a = self.alphas[t][:, None, None, None]
        return a.sqrt(), (1 - a).sqrt()

    def weight(self, t):
        """min-SNR, and more for the noisiest steps: what the caption says is decided there, above
        all the background, and their error in the noise is small."""
        snr = self.alphas[t] / (1 - self.alphas[t])
        return snr.clamp(*SNR) / snr


class Batches:
    """Batches of latents and captions."""

    def __init__(self, pack, device, seed):
        self.bank = Bank(pack, fixed(device), device)
        self.captions = Captions(pack.parts, device)
        self.source = Scenes(pack, device, seed)

    def next(self, n, hard=1.0, empty=0.1):
        """Latents [n, 4, 16, 16] and token ids [n, 77]."""
        scenes = self.source.batch(n, 0.2 * hard, 0.15 * hard, 0.4 * hard)
        form = self.captions.choose(scenes, self.source.g, empty)
        rows = self.captions.rows(scenes, form, scenes["place_named"])
        z = self.bank.latents(scenes)
        return z + LATENT_NOISE * torch.randn_like(z), self.captions.ids(rows)


def new(args):
    unet = networks.new_unet(args.tiny, args.device != "cpu")
    return unet.to(args.device, memory_format=torch.channels_last)


def denoising_loss(epsilon, noise, z):
    """The loss of the noise that `epsilon` (of noisy latents and steps) finds."""
    # One step from each of as many equal parts of the path.
    n = len(z)
    part = torch.arange(n, device=z.device) + torch.rand(n, device=z.device)
    t = (part / n * 1000).long().clamp(max=999)
    e = torch.randn_like(z)
    signal, amount = noise.signal_and_noise(t)
    noisy = (signal * z + amount * e).contiguous(memory_format=torch.channels_last)
    error = (epsilon(noisy, t).float() - e).square().mean((1, 2, 3))
    return (error * noise.weight(t)).mean()


def train(pack, args):
    device = args.device
    unet, encoder = new(args), text.trained(pack, device)
    stage = Stage("unet", {"unet": unet, "text": encoder}, args, lr=args.lr or 3e-3)
    batches = Batches(pack, device, seed=stage.step + 1)
    noise = Noise(device)
    random.seed(stage.step)
    run = networks.compiled(unet, args)
    n = args.batch or (1024 if device != "cpu" else 32)
    print("weights", models.parameters(unet), models.parameters(encoder), flush=True)
    while stage.running():
        hard = 1.0 if stage.fresh else min(1.0, stage.step / HARDER)
        z, ids = batches.next(n, hard, args.empty)
        together = stage.left() < args.joint
        with torch.set_grad_enabled(together), autocast(args):
            context = encoder(ids[:, : text.length(device)])
        # Cut here, so that a compiled UNet is the same whether the text encoder learns or not.
        held = context.detach().requires_grad_()

        def epsilon(x, t):
            with autocast(args):
                return run(x, t, held).sample

        loss = denoising_loss(epsilon, noise, z)
        stage.update(loss, n, (lambda: context.backward(held.grad)) if together else None)
    stage.finish()
