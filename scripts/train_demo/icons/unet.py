"""The UNet, trained on latents that are put together (latents.py) and on what a text encoder is to
hold of them (patches.py), not on a text encoder: both are trained at once, each alone, and then
together (joint.py)."""

import torch

from . import networks, patches
from .captions import Captions
from .code import fixed
from .latents import Bank
from .patches import Patches
from .scenes import Scenes
from .stage import Stage, autocast

ADDRESSED = 300  # steps in which the UNet is taught where patches are told
ADDRESSES = 0.05  # the weight of that
SNR = 0.3, 5.0  # the weight of the picture's error is the ratio of signal to noise within these
NOISIER = 0.7  # steps of the path are 1000 times a uniform number to this power
LATENT_NOISE = 0.05  # in the latents, so that the UNet does not learn to be exact to no end
DOUBT = 0.3  # noise in what is told, so that it learns to see more in the latents than it is told


class Noise:
    """The noise schedule."""

    def __init__(self, device):
        self.alphas = networks.alphas_cumprod().to(device)

    def signal_and_noise(self, t):
        a = self.alphas[t][:, None, None, None]
        return a.sqrt(), (1 - a).sqrt()

    def weight(self, t):
        """min-SNR, and more for the noisiest steps: what the caption says is decided there, above
        all the background, and their error in the noise is small."""
        snr = self.alphas[t] / (1 - self.alphas[t])
        return snr.clamp(*SNR) / snr


def with_noise(z):
    """Latents with the little noise in which the UNet learns."""
    return z + LATENT_NOISE * torch.randn_like(z)


class Batches:
    """Batches of latents and of what is said about them."""

    def __init__(self, pack, device, seed):
        self.bank = Bank(pack, fixed(device), device)
        self.patches = Patches(self.bank)
        self.captions = Captions(pack.parts, device)
        self.source = Scenes(pack, device, seed)

    def next(self, n, empty=0.1):
        """Latents [n, 4, 16, 16], token ids [n, 77] and what is told [n, COUNT, WIDTH]."""
        scenes = self.source.batch(n)
        form = self.captions.choose(scenes, self.source.g, empty)
        z = with_noise(self.bank.latents(scenes))
        return z, self.captions.ids_of(scenes, form), self.patches.of(scenes, form, self.captions)


def new(args):
    unet = networks.new_unet(args.tiny, args.device != "cpu")
    return unet.to(args.device, memory_format=torch.channels_last)


def batch_size(args):
    return args.batch or (1024 if args.device != "cpu" else 64)


def denoising_loss(epsilon, noise, z):
    """The loss of the noise that `epsilon` (of noisy latents and steps) finds."""
    # One step from each of as many equal parts of the path.
    n = len(z)
    part = torch.arange(n, device=z.device) + torch.rand(n, device=z.device)
    t = ((part / n) ** NOISIER * 1000).long().clamp(max=999)
    e = torch.randn_like(z)
    signal, amount = noise.signal_and_noise(t)
    noisy = (signal * z + amount * e).contiguous(memory_format=torch.channels_last)
    error = (epsilon(noisy, t).float() - e).square().mean((1, 2, 3))
    return (error * noise.weight(t)).mean()


def train(pack, args):
    device = args.device
    unet = new(args)
    stage = Stage("unet", {"unet": unet}, args, lr=args.lr or 3e-3)
    batches = Batches(pack, device, seed=stage.step + 1)
    embedded, noise, n = patches.embedding(device), Noise(device), batch_size(args)
    run = networks.compiled(unet, args)
    print("weights", networks.parameters(unet), flush=True)
    errors, taught = [], None
    if stage.step < ADDRESSED:
        errors, taught = patches.teach_addresses(unet)
    while stage.running():
        z, _, told = batches.next(n, args.empty)
        context = patches.written(told, embedded, DOUBT)
        network = unet if taught else run

        def epsilon(x, t):
            with autocast(args):
                return network(x, t, context).sample

        loss = denoising_loss(epsilon, noise, z)
        stage.update(loss + ADDRESSES * sum(errors), n)
        errors.clear()
        if taught and stage.step >= ADDRESSED:
            taught = taught()
    stage.finish()
