"""Trains the autoencoder.

    python train_vae.py [--minutes 40] [--from EXPORT_DIR]

A deep autoencoder with an 8x bottleneck spends most of its early training finding a code at all. So
it is given one:
the target latent of an 8x8 patch is its mean colour and, fourth, a directed moment of its
brightness. Three stages:

  a  the decoder learns to draw from those latents at half resolution (a third of the cost);
  b  the encoder learns to produce them, which is quick;
  c  the decoder learns full resolution, from the given code and a little noise.

The code being fixed, the UNet (train_unet.py) can be trained meanwhile. With --from the weights of
an export are taken up and only stage c goes on: the decoder gets sharper, the code and with it the
encoder and the UNet stay as they are.

Checkpoints go to $TRAIN_DEMO_DIR/vae.pt every two minutes; started again, it goes on where it
stopped.
"""

import argparse
import math
import os
import time

import numpy as np
import torch
import torch.nn.functional as F

import data
import export
import models
from muon import Both

CHECKPOINT = data.CACHE / "vae.pt"


class Pictures:
    """Endless batches of pictures [n, 3, 64, 64] in -1..1."""

    def __init__(self, seed, wild=0.25):
        self.masks = torch.from_numpy(data.placements())
        self.palette = torch.from_numpy(data.PALETTE)
        self.g = torch.Generator().manual_seed(seed)
        self.wild = wild  # share of pictures in any colours at all, not the palette's

    def layout(self, n, small=0.12, middle=0.35):
        """Random sizes and places, as indices into the masks."""
        share = lambda p: torch.rand(n, generator=self.g) < p
        places = torch.randint(len(data.PLACES), (n,), generator=self.g)
        return share(small).long(), torch.where(share(middle), 0, places)

    def batch(self, n):
        r = lambda k: torch.randint(k, (n,), generator=self.g)
        m = self.masks[r(len(self.masks)), *self.layout(n)].float()[:, None] / 255
        f = r(len(self.palette))
        b = (f + 1 + r(len(self.palette) - 1)) % len(self.palette)
        f, b = self.palette[f], self.palette[b]
        wild = torch.rand(n, 1, generator=self.g) < self.wild
        f = torch.where(wild, torch.rand(n, 3, generator=self.g) * 2 - 1, f)[..., None, None]
        b = torch.where(wild, torch.rand(n, 3, generator=self.g) * 2 - 1, b)[..., None, None]
        return (f * m + b * (1 - m)).contiguous(memory_format=torch.channels_last)


def given_code(x):
    """The latents the stages a and b work towards: mean colour, and a moment of brightness along
    (4, 3)."""
    mean = F.avg_pool2d(x, 8)
    line = torch.linspace(-7 / 8, 7 / 8, 8)
    kernel = (0.8 * line[None, :] + 0.6 * line[:, None])[None, None] / 64 * 12
    return torch.cat([mean, F.conv2d(x.mean(1, keepdim=True), kernel, stride=8)], 1)


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


def distance(x, y):
    return (x - y).abs().mean() + ((x - y) ** 2).mean()


def sheet(vae, path, pictures, half):
    from PIL import Image

    with torch.no_grad():
        x = pictures.batch(12)
        z = given_code(x)
        y = F.interpolate(decode_half(vae, z), scale_factor=2) if half else vae.decode(z).sample
    rows = torch.cat(
        [
            torch.cat(list(t), 2)
            for t in (x, F.interpolate(given_code(x)[:, :3], scale_factor=8), y)
        ],
        1,
    )
    a = ((rows.clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
    Image.fromarray(a).resize((a.shape[1] * 2, a.shape[0] * 2), Image.NEAREST).save(path)


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument(
        "--minutes", type=float, default=40, help="for all three stages, of processor time"
    )
    ap.add_argument("--lr", type=float, default=3e-3)
    ap.add_argument("--threads", type=int, default=1)
    ap.add_argument("--from", dest="source", help="an export whose decoder is to be refined")
    args = ap.parse_args()
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(1)
    vae = models.new_vae().to(memory_format=torch.channels_last)
    if args.source:
        vae.load_state_dict(export.read_model(args.source)[0])
    else:
        quiet_start(vae)
    print("weights", models.parameters(vae), flush=True)
    opt = Both([vae], args.lr)
    # By processor time: the machine may be shared.
    clock, spent, step = time.process_time, 0.0, 0
    if CHECKPOINT.exists():
        state = torch.load(CHECKPOINT)
        vae.load_state_dict(state["vae"])
        opt.load_state_dict(state["opt"])
        spent, step = state["spent"], state["step"]
    pictures, probe = Pictures(step + 1), Pictures(0, wild=0)
    total = args.minutes * 60
    # Of the whole time.
    ends = {"a": 0.0, "b": 0.0, "c": 1.0} if args.source else {"a": 0.55, "b": 0.60, "c": 1.0}
    saved, last, run = time.time(), clock(), {}

    def save(stage):
        tmp = CHECKPOINT.with_suffix(".tmp")
        torch.save(dict(vae=vae.state_dict(), opt=opt.state_dict(), spent=spent, step=step), tmp)
        os.replace(tmp, CHECKPOINT)
        sheet(vae, data.CACHE / f"vae-{stage}.png", probe, stage == "a")

    while spent < total:
        done = spent / total
        stage = next(s for s, e in ends.items() if done < e)
        start = {"a": 0, "b": ends["a"], "c": ends["b"]}[stage]
        inside = (done - start) / (ends[stage] - start)
        for p in vae.encoder.parameters():
            p.requires_grad_(stage == "b")
        for p in vae.decoder.parameters():
            p.requires_grad_(stage != "b")
        x = pictures.batch(16 if stage != "c" else 8)
        code = given_code(x)
        if stage == "a":
            y = decode_half(vae, code + 0.05 * torch.randn_like(code))
            rec, pull = distance(y, F.avg_pool2d(x, 2)), 0.0
        elif stage == "b":
            rec = 0.0
            pull = distance(vae.encode(x).latent_dist.mean, code)
        else:
            pull = 0.0
            rec = distance(vae.decode(code + 0.05 * torch.randn_like(code)).sample, x)
        loss = rec + pull
        loss.backward()
        opt.step(
            min(1, (step + 1) / 30)
            * (0.05 + 0.95 * math.cos(math.pi / 2 * inside) ** (1 if stage != "a" else 0.5))
        )
        step += 1
        for k, v in (("rec", rec), ("pull", pull)):
            v = float(v.detach()) if torch.is_tensor(v) else v
            run[k] = v if k not in run else 0.95 * run[k] + 0.05 * v
        now = clock()
        spent, last = spent + now - last, now
        if step % 20 == 0:
            print(
                f"{time.strftime('%H:%M:%S')} {stage} step {step} cpu {spent:.0f}s loss "
                + " ".join(f"{k} {v:.4f}" for k, v in run.items()),
                flush=True,
            )
        if time.time() - saved > 120:
            save(stage)
            saved = time.time()
    save("c")
    with torch.no_grad():
        x = probe.batch(128)
        d = vae.encode(x).latent_dist
        y = vae.decode(d.mean).sample
        print(
            "mean absolute error",
            float((x - y).abs().mean()),
            "latent std",
            d.mean.std((0, 2, 3)).tolist(),
            flush=True,
        )


if __name__ == "__main__":
    main()
