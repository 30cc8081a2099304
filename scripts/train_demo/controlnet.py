"""Trains and measures a ControlNet for the built-in model: the shape of what is made is drawn.

    python controlnet.py train
    python controlnet.py measure [--drawings 100] [--outlines 0 or 1] [--sheet sheet.png]

ControlNet (arXiv:2302.05543): a copy of the UNet's first half sees the drawing beside the latents,
and what it finds is added to the skips. The model stays as it is. The loss is that of
train_unet.py, on pictures of the shapes of `drawings.py`.

`measure` makes pictures of held-out drawings with diffusers and says how well the shape in each
overlaps the drawn one (intersection over union), with and without the ControlNet.
"""

import argparse
import json
import random
from pathlib import Path

import numpy as np
import torch
from diffusers import ControlNetModel
from safetensors.torch import load_file, save_file

import data
import evaluate
from addons import MODEL, Model, context_length, train
from drawings import Shapes
from train_unet import Captioned
from train_vae import given_code

HERE = Path(__file__).parent
# Of the layers that bring a drawing to the size of the latents.
EMBEDDING = (16, 32, 64, 64)
# Seeds of drawings that training never sees.
HELD_OUT = 1_000_000
WEIGHTS = "diffusion_pytorch_model.safetensors"


def new_controlnet(unet):
    return ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=EMBEDDING)


class Drawn(Captioned):
    """Batches of (latents, captions, drawings). Captions say nothing of size and place."""

    def __init__(self, seed):
        super().__init__(seed, empty=0.2)
        self.shapes = Shapes(seed)

    def batch(self, n):
        o, c, b = self.triples[torch.randint(len(self.triples), (n,), generator=self.g)].T
        shapes = self.shapes.batch(o)
        of = zip(*(x.tolist() for x in (o, c, b)))
        captions = [data.caption(self.rng, *picture, empty=self.empty, where=0) for picture in of]
        return given_code(self.draw(shapes, c, b)), captions, self.shapes.drawings(shapes)


def save(net, folder):
    """A folder as diffusers has it, weights in f16."""
    folder.mkdir(parents=True, exist_ok=True)
    net.save_config(folder)
    half = {k: v.detach().half().contiguous().clone() for k, v in net.state_dict().items()}
    save_file(half, folder / WEIGHTS, {"format": "pt"})


def train_controlnet(model, args):
    net = new_controlnet(model.unet)
    if args.source:
        net.load_state_dict({k: v.float() for k, v in load_file(args.source / WEIGHTS).items()})
    net.to(memory_format=torch.channels_last)
    pictures = Drawn(args.seed)

    def loss():
        codes, captions, drawings = pictures.batch(args.batch)
        t = torch.randint(0, 1000, (len(codes),))
        x, noise = model.noisy(codes, t)
        with torch.no_grad():
            context = model.context(captions, context_length())
        down, middle = net(x, t, context, controlnet_cond=drawings, return_dict=False)
        seen = model.unet(
            x,
            t,
            context,
            down_block_additional_residuals=down,
            mid_block_additional_residual=middle,
        ).sample
        snr = model.alphas[t] / (1 - model.alphas[t])
        return (((seen - noise) ** 2).mean((1, 2, 3)) * snr.clamp(max=5) / snr).mean()

    train(list(net.parameters()), loss, lambda: save(net, args.out), args)


def overlap(picture, shape):
    """How well what stands out of a picture [64, 64, 3] overlaps a shape [64, 64] of 0 and 1.

    The background's colour is the median where nothing is drawn, the object's that where something
    is. A pixel belongs to whichever it is nearer to."""
    colours = picture.astype(np.float32)
    background, own = np.median(colours[shape == 0], 0), np.median(colours[shape == 1], 0)
    distance = lambda colour: ((colours - colour) ** 2).sum(2)
    found = distance(own) < distance(background)
    if np.abs(own - background).max() < 20:
        return 0.0
    return float((found & (shape == 1)).sum() / (found | (shape == 1)).sum())


def held_out(count, outlines):
    """Drawings, their shapes and prompts."""
    shapes = Shapes(HELD_OUT)
    jobs = evaluate.plan(count, 0)
    objects = torch.tensor([data.NAMES.index(job["object"]) for job in jobs])
    masks = shapes.batch(objects)
    return jobs, (masks[:, 0] > 0.5).numpy().astype(np.uint8), shapes.drawings(masks, outlines)


@torch.no_grad()
def measure(args):
    from diffusers import DDIMScheduler, StableDiffusionControlNetPipeline

    net = ControlNetModel.from_pretrained(args.out, torch_dtype=torch.float32)
    pipe = StableDiffusionControlNetPipeline.from_pretrained(
        args.model, controlnet=net, torch_dtype=torch.float32, safety_checker=None
    )
    pipe.text_encoder.float()
    pipe.scheduler = DDIMScheduler.from_config(pipe.scheduler.config)
    pipe.set_progress_bar_config(disable=True)
    jobs, shapes, drawings = held_out(args.drawings, args.outlines)

    def pictures(weight):
        out = []
        for i in range(0, len(jobs), 25):
            part = jobs[i : i + 25]
            made = pipe(
                [job["prompt"] for job in part],
                image=drawings[i : i + 25],
                num_inference_steps=args.steps,
                guidance_scale=args.guidance,
                controlnet_conditioning_scale=weight,
                output_type="np",
                generator=[torch.Generator().manual_seed(job["seed"]) for job in part],
            ).images
            out += list((made * 255).round().astype(np.uint8))
        return out

    for weight in (0.0, 1.0):
        made = pictures(weight)
        scores = np.array([overlap(p, s) for p, s in zip(made, shapes)])
        right = [evaluate.score(p, evaluate.Templates()) for p in made[:20]]
        colours = sum(r["colour"] == j["colour"] for r, j in zip(right, jobs))
        print(
            json.dumps(
                dict(
                    weight=weight,
                    drawings=len(scores),
                    mean=round(scores.mean(), 3),
                    worst=round(scores.min(), 3),
                    at_least_07=int((scores >= 0.7).sum()),
                    colour_of_20=colours,
                )
            ),
            flush=True,
        )
    if args.sheet:
        drawn = (drawings.permute(0, 2, 3, 1).numpy() * 255).astype(np.uint8)
        both = [p for pair in zip(drawn, made) for p in pair][:100]
        evaluate.contact_sheet([j for j in jobs for _ in range(2)][:100], both, args.sheet)


def arguments():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("what", choices=("train", "measure"))
    ap.add_argument("--model", type=Path, default=MODEL)
    ap.add_argument("--out", type=Path, default=HERE / "addons" / "controlnet-shape")
    ap.add_argument("--from", dest="source", type=Path, help="a folder to continue from")
    ap.add_argument("--steps", type=int, help="of training, or of the sampler")
    ap.add_argument("--batch", type=int, default=64)
    ap.add_argument("--lr", type=float, default=2e-3)
    ap.add_argument("--threads", type=int, default=1)
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--drawings", type=int, default=100)
    ap.add_argument("--outlines", type=float, default=0.0, help="share of outlines")
    ap.add_argument("--guidance", type=float, default=5.0)
    ap.add_argument("--sheet", help="write a contact sheet here")
    args = ap.parse_args()
    args.steps = args.steps or {"train": 700, "measure": 20}[args.what]
    return args


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(args.seed)
    random.seed(args.seed)
    if args.what == "measure":
        measure(args)
    else:
        train_controlnet(Model(args.model), args)


if __name__ == "__main__":
    main()
