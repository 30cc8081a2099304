"""A ControlNet (arXiv:2302.05543): the shape of what is made is drawn.

    python -m icons.train controlnet:MINUTES
    python -m icons.controlnet MODEL_DIR [--drawings 100] [--outlines 0 or 1] [--sheet FILE]

A copy of the UNet's first half sees the drawing beside the latents, and what it finds is added to
the skips. The model stays as it is. Shapes are silhouettes, turned, stretched, moved and scaled
freely, and closed curves (drawings.py); the model alone knows silhouettes upright at two sizes
and nine places, so what it makes of other shapes comes from the drawing. The folder is
$TRAIN_DEMO_DIR/controlnet-shape.

The second command makes pictures of held-out drawings with diffusers and says how well the shape in
each overlaps the drawn one (intersection over union), with and without the ControlNet.
"""

import argparse
import json
import random

import numpy as np
import torch
from diffusers import ControlNetModel
from safetensors.torch import save_file

from . import addon, evaluate, score, text, unet, work
from .code import fixed
from .drawings import Shapes
from .pack import Pack
from .scenes import SIZE, Scenes
from .stage import Stage, autocast
from .style import silhouettes

EMBEDDING = (16, 32, 64, 64)  # of the layers that bring a drawing to the size of the latents
FOLDER = work.FOLDER / "controlnet-shape"
WEIGHTS = "diffusion_pytorch_model.safetensors"
HELD_OUT = 1_000_000  # seeds of drawings that training never sees
EMPTY = 0.2  # share without a caption


def new(network):
    return ControlNetModel.from_unet(network, conditioning_embedding_out_channels=EMBEDDING)


def shapes_of(pack, seed):
    return Shapes(seed, silhouettes=pack.square("silhouette", 96), side=SIZE)


def nowhere(scenes):
    """The same scenes, of whose size and place captions say nothing."""
    zero = torch.zeros_like(scenes["place"])
    return {**scenes, "size": zero, "size_named": zero, "place": zero, "place_named": zero > 0}


class Drawn(unet.Batches):
    """Batches of latents, captions and drawings."""

    def __init__(self, pack, seed):
        super().__init__(pack, "cpu", seed)
        self.code, self.shapes = fixed(), shapes_of(pack, seed)

    def batch(self, n):
        scenes = nowhere(silhouettes(self.source, n))
        shapes = self.shapes.batch(scenes["thing"])
        colour, ground = (
            self.bank.palette[scenes[k]][..., None, None] for k in ("colour", "ground")
        )
        z = self.code(colour * shapes + ground * (1 - shapes))
        form = self.captions.choose(scenes, self.source.g, EMPTY)
        return unet.with_noise(z), self.captions.ids_of(scenes, form), self.shapes.drawings(shapes)


def save(net, folder):
    """A folder as diffusers has it, weights in f16."""
    folder.mkdir(parents=True, exist_ok=True)
    net.save_config(folder)
    half = {k: v.detach().half().contiguous().clone() for k, v in net.state_dict().items()}
    save_file(half, folder / WEIGHTS, {"format": "pt"})


def train(pack, args):
    network, encoder = addon.frozen(pack, args)
    net = new(network).to(memory_format=torch.channels_last)
    stage = Stage("controlnet", {"net": net}, args, lr=args.lr or 2e-3)
    batches, noise = Drawn(pack, seed=stage.step + 1), unet.Noise("cpu")
    random.seed(stage.step)
    n = unet.batch_size(args)
    while stage.running():
        z, ids, drawings = batches.batch(n)
        with torch.no_grad(), autocast(args):
            context = encoder(ids[:, : text.length(args)])

        def epsilon(x, t):
            with autocast(args):
                down, middle = net(x, t, context, controlnet_cond=drawings, return_dict=False)
                more = dict(
                    down_block_additional_residuals=down, mid_block_additional_residual=middle
                )
                return network(x, t, context, **more).sample

        stage.update(unet.denoising_loss(epsilon, noise, z), n)
    stage.finish()
    net.load_state_dict(stage.averages["net"])
    save(net, FOLDER)


def overlap(picture, shape):
    """How well what stands out of a picture [SIZE, SIZE, 3] overlaps a shape [SIZE, SIZE] of 0, 1.

    The background's colour is the median where nothing is drawn, the object's that where something
    is. A pixel belongs to whichever it is nearer to."""
    colours = picture.astype(np.float32)
    background, own = np.median(colours[shape == 0], 0), np.median(colours[shape == 1], 0)
    distance = lambda colour: ((colours - colour) ** 2).sum(2)
    found = distance(own) < distance(background)
    if np.abs(own - background).max() < 20:
        return 0.0
    return float((found & (shape == 1)).sum() / (found | (shape == 1)).sum())


def held_out(pack, count):
    """Held-out prompts, and shapes with their drawings."""
    source = Scenes(pack, seed=HELD_OUT, held=True)
    scenes = nowhere(silhouettes(source, count))
    jobs = evaluate.jobs_of(pack, scenes, source.g)
    return jobs, shapes_of(pack, HELD_OUT), scenes["thing"]


@torch.no_grad()
def pictures(args, pipe, jobs, drawings, weight):
    out = []
    for i in range(0, len(jobs), 25):
        part = jobs[i : i + 25]
        made = pipe(
            [job["prompt"] for job in part],
            image=drawings[i : i + 25],
            num_inference_steps=args.steps,
            guidance_scale=5.0,
            controlnet_conditioning_scale=weight,
            output_type="np",
            generator=[torch.Generator().manual_seed(job["seed"]) for job in part],
        ).images
        out += list((made * 255).round().astype(np.uint8))
    return out


def measure(args):
    from diffusers import DDIMScheduler, StableDiffusionControlNetPipeline

    pack = Pack()
    net = ControlNetModel.from_pretrained(FOLDER, torch_dtype=torch.float32)
    pipe = StableDiffusionControlNetPipeline.from_pretrained(
        args.model, controlnet=net, torch_dtype=torch.float32, safety_checker=None
    )
    pipe.text_encoder.float()
    pipe.scheduler = DDIMScheduler.from_config(pipe.scheduler.config)
    pipe.set_progress_bar_config(disable=True)
    jobs, shapes, things = held_out(pack, args.drawings)
    masks = shapes.batch(things)
    drawings = shapes.drawings(masks, args.outlines)
    drawn = (masks[:, 0] > 0.5).numpy().astype(np.uint8)
    templates = score.Templates(pack)
    for weight in (0.0, 1.0):
        made = pictures(args, pipe, jobs, drawings, weight)
        overlaps = np.array([overlap(p, s) for p, s in zip(made, drawn)])
        found = [score.shown(p, templates)[1][0] for p in made]
        colours = [f and f[2] == j["things"][0][2] for f, j in zip(found, jobs)]
        result = dict(weight=weight, drawings=len(overlaps), mean=round(overlaps.mean(), 3))
        result.update(worst=round(overlaps.min(), 3), at_least_07=int((overlaps >= 0.7).sum()))
        print(json.dumps({**result, "colour": sum(map(bool, colours))}), flush=True)
    if args.sheet:
        white = (drawings.permute(0, 2, 3, 1).numpy() * 255).astype(np.uint8)
        both = [p for pair in zip(white, made) for p in pair][:100]
        evaluate.sheet([j for j in jobs for _ in range(2)][:100], both, args.sheet)


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("model")
    ap.add_argument("--drawings", type=int, default=100)
    ap.add_argument("--outlines", type=float, default=0.0, help="share of outlines")
    ap.add_argument("--steps", type=int, default=20)
    ap.add_argument("--threads", type=int, default=2)
    ap.add_argument("--sheet", help="write a contact sheet here")
    args = ap.parse_args()
    torch.set_num_threads(args.threads)
    measure(args)


if __name__ == "__main__":
    main()
