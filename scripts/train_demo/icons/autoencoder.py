"""The autoencoder in v1.4's topology, which learns to read and to produce the linear code.

Three parts of the time: the decoder at half resolution, the encoder, and the
decoder at full resolution, from the code and a little noise. The code being fixed, the UNet can be
trained meanwhile.
"""

import torch
import torch.nn.functional as F

from . import networks
from .code import NOISE, distance, fixed, pictures
from .scenes import Pixels, Scenes
from .stage import Stage, autocast, load

ENDS = (("half", 0.45), ("encoder", 0.52), ("full", 1.01))
BATCH = {"half": 16, "encoder": 16, "full": 8}
ON_CARD = 8  # times as many


def decode_half(vae, z):
    """The decoder without its last level: pictures of half the side (both levels are equally wide).
    """
    d = vae.decoder
    h = d.mid_block(d.conv_in(vae.post_quant_conv(z)))
    for block in d.up_blocks[:-2]:
        h = block(h)
    for resnet in d.up_blocks[-2].resnets:
        h = resnet(h, None)
    return d.conv_out(d.conv_act(d.conv_norm_out(h)))


@torch.no_grad()
def quiet_start(vae):
    """Residual branches start small, the last upsampler as the identity."""
    for name, p in vae.named_parameters():
        if name.endswith("conv2.weight") or name.endswith("to_out.0.weight"):
            p *= 0.2
    torch.nn.init.dirac_(vae.decoder.up_blocks[-2].upsamplers[0].conv.weight)
    torch.nn.init.zeros_(vae.decoder.up_blocks[-2].upsamplers[0].conv.bias)
    torch.nn.init.dirac_(vae.post_quant_conv.weight)
    for resnet in vae.decoder.up_blocks[-1].resnets:
        resnet.conv2.weight *= 0.1


def part_of(stage):
    """The part at this point of the time; a trained autoencoder's decoder is only refined."""
    if stage.fresh:
        return "full"
    steps = stage.args.steps
    share = stage.step / steps if steps else 1 - stage.left()
    return next(name for name, end in ENDS if share < end)


def loss_of(vae, code, x, part, args):
    """The distance that a part of the training makes smaller."""
    z = code(x)
    noisy = z + NOISE * torch.randn_like(z)
    with autocast(args):
        if part == "half":
            made, aim = decode_half(vae, noisy), F.avg_pool2d(x, 2)
        elif part == "encoder":
            made, aim = vae.encode(x).latent_dist.mean, z
            return (made.float() - aim).abs().mean() + (made.float() - aim).square().mean()
        else:
            made, aim = vae.decode(noisy).sample, x
    return distance(made.float(), aim)


def train(pack, args):
    device = args.device
    code = fixed(device)
    vae = networks.new_vae()
    quiet_start(vae)
    vae = vae.to(device, memory_format=torch.channels_last)
    stage = Stage("autoencoder", {"vae": vae}, args, lr=args.lr or 3e-3)
    source, pixels = Scenes(pack, device, seed=stage.step + 1), Pixels(pack, device)
    while stage.running():
        part = part_of(stage)
        vae.encoder.requires_grad_(part == "encoder")
        vae.decoder.requires_grad_(part != "encoder")
        n = args.batch or BATCH[part] * (1 if device == "cpu" else ON_CARD)
        x = pictures(source, pixels, n)
        stage.update(loss_of(vae, code, x, part, args), len(x))
    stage.finish()


def trained(device="cpu"):
    """The trained autoencoder, averaged."""
    state = load("autoencoder", device)
    vae = networks.new_vae().to(device)
    if state is not None:
        vae.load_state_dict(state["averages"]["vae"])
    return vae
