"""The latent code: a linear map of pictures, found with a small decoder and then fixed.

A latent of v1.4's autoencoder has four numbers for 8×8 pixels. Here they are a convolution of the
picture, 16×16 pixels wide with a stride of 8: its kernel is what lets a small network draw the
picture best from it (noise added), whitened over the four channels. It is linear, so that a
picture's latents are the sum of those of its parts: scenes are put together without a picture.
The autoencoder's encoder and decoder (autoencoder.py) then learn to produce and to read it.
"""

import torch
import torch.nn.functional as F

from .scenes import Pixels, Scenes
from .stage import Stage, load

STRIDE, KERNEL = 8, 16
NOISE = 0.07  # of a latent's standard deviation
WILD = 0.25  # share of pictures in any colours at all


class Code(torch.nn.Module):
    """The linear code."""

    def __init__(self):
        super().__init__()
        line = torch.linspace(-1, 1, KERNEL)
        blob = lambda y, x: torch.exp(
            -4 * ((line[:, None] - y) ** 2 + (line[None, :] - x) ** 2)
        )
        # Begins as a mosaic: each number sees its own quarter, and its own mix of colours.
        mix = torch.tensor([[1.0, 0.4, 0.4], [0.4, 1.0, 0.4], [0.4, 0.4, 1.0], [0.6, 0.6, 0.6]])
        quarters = [(-0.25, -0.25), (-0.25, 0.25), (0.25, -0.25), (0.25, 0.25)]
        kernel = torch.stack([m[:, None, None] * blob(*q) for m, q in zip(mix, quarters)])
        self.kernel = torch.nn.Parameter(kernel / kernel.abs().sum((1, 2, 3), keepdim=True))

    def forward(self, x):
        return F.conv2d(x, self.kernel, stride=STRIDE, padding=(KERNEL - STRIDE) // 2)


class SmallDecoder(torch.nn.Module):
    """Draws each patch from the latents around it."""

    def __init__(self, width=160):
        super().__init__()
        self.conv_in = torch.nn.Conv2d(4, width, 3, padding=1)
        self.middle = torch.nn.Sequential(
            torch.nn.SiLU(),
            torch.nn.Conv2d(width, width, 3, padding=1),
            torch.nn.SiLU(),
            torch.nn.Conv2d(width, 2 * width, 1),
            torch.nn.SiLU(),
        )
        self.conv_out = torch.nn.Conv2d(2 * width, 3 * STRIDE**2, 3, padding=1)

    def forward(self, z):
        return F.pixel_shuffle(self.conv_out(self.middle(self.conv_in(z))), STRIDE)


def distance(x, y):
    """Of pictures: their values and their edges."""
    d = x - y
    edges = (d[..., 1:] - d[..., :-1]).abs().mean() + (d[..., 1:, :] - d[..., :-1, :]).abs().mean()
    return d.abs().mean() + d.square().mean() + 0.5 * edges


def pictures(source, pixels, n):
    """Pictures of random scenes, a part of them in any colours."""
    s = source.batch(n)
    colours = torch.rand(n, 3, 3, generator=source.g, device=source.device) * 2 - 1
    colours[~source.chance(n, WILD)] = torch.nan
    return pixels.draw(s, colours)


def train(pack, args):
    code, decoder = Code(), SmallDecoder()
    stage = Stage("code", {"code": code, "decoder": decoder}, args, lr=2e-3)
    source, pixels = Scenes(pack, seed=stage.step + 1), Pixels(pack)
    while stage.running():
        x = pictures(source, pixels, args.batch or 32)
        z = code(x)
        z = z / z.std((0, 2, 3), keepdim=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=args.amp):
            y = decoder(z + NOISE * torch.randn_like(z))
        stage.update(distance(y.float(), x), len(x))
    stage.extra["kernel"] = whitened(code, pictures(source, pixels, 512))
    stage.finish()


@torch.no_grad()
def whitened(code, x):
    """The kernel whose four numbers have no correlation and deviate by 1."""
    z = code(x).permute(1, 0, 2, 3).flatten(1)
    values, vectors = torch.linalg.eigh(torch.cov(z))
    turn = vectors @ torch.diag(values.rsqrt()) @ vectors.T
    return torch.einsum("ij,jchw->ichw", turn, code.kernel)


def fixed(device="cpu"):
    """The trained code."""
    state = load("code")
    if state is None:
        raise SystemExit("train the code first: python -m icons.train code")
    code = Code()
    code.kernel.data = state["extra"]["kernel"]
    return code.requires_grad_(False).to(device)
