"""Trains the add-on files of the built-in model: small files that change what it draws.

    python addons.py few-steps    a LoRA by latent consistency distillation: sampler lcm, 4 steps
    python addons.py style        a LoRA of a style: black silhouettes before a sky of two colours
    python addons.py word         a textual inversion: a colour that the model has no word for

Each writes one file into OUT (--out, default: addons/ beside this script) and needs the silhouettes
of `data.py`, as train_unet.py does. The model itself stays as it is. A LoRA is trained at one rank
and written at a lower one, as the nearest product there is.

few-steps is LCM-LoRA at one guidance scale: consistency.py.
"""

import argparse
import hashlib
import random
import time
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline
from safetensors.torch import save_file
from torch.func import functional_call

import consistency
import data
import models
from lora import Lora
from muon import Muon
from train_unet import SHORT, Captioned, find_embedding, ids_of
from train_vae import given_code

HERE = Path(__file__).parent
MODEL = HERE.parents[1] / "web" / "models" / "demo"
UNET = "unet/diffusion_pytorch_model.safetensors"
# Steps of training, pictures of a step, learning rate.
DEFAULTS = {"few-steps": (200, 128, 3e-3), "style": (300, 128, 3e-3), "word": (120, 64, 3e-2)}


class Model:
    """The built-in model, frozen."""

    def __init__(self, folder):
        pipe = StableDiffusionPipeline.from_pretrained(
            folder, torch_dtype=torch.float32, safety_checker=None
        )
        self.folder, self.tokenizer = Path(folder), pipe.tokenizer
        self.unet, self.text = pipe.unet, pipe.text_encoder.float()
        for network in (self.unet, self.text):
            network.requires_grad_(False).eval()
        self.unet.to(memory_format=torch.channels_last)
        self.scaling = pipe.vae.config.scaling_factor
        self.alphas = models.alphas_cumprod()

    def context(self, captions, length):
        return self.text(ids_of(self.tokenizer, captions, length)).last_hidden_state

    def signal_and_noise(self, t):
        a = self.alphas[t][:, None, None, None]
        return a.sqrt(), (1 - a).sqrt()

    def epsilon(self, x, t, context, weights=None):
        return functional_call(self.unet, weights or {}, (x, t, context)).sample

    def scaled(self, codes):
        """Latents of these codes, with the same noise of the autoencoder as in train_unet.py."""
        return (codes + 0.03 * torch.randn_like(codes)) * self.scaling

    def noisy(self, codes, t):
        """Latents of these codes at timesteps `t`, and the noise in them."""
        z = self.scaled(codes)
        noise = torch.randn_like(z)
        s, n = self.signal_and_noise(t)
        return (s * z + n * noise).contiguous(memory_format=torch.channels_last), noise

    def metadata(self, architecture, title, description, trigger=""):
        """What the header of a file says: the keys of Stability AI's model metadata standard."""
        return {
            "modelspec.sai_model_spec": "1.0.0",
            "modelspec.architecture": architecture,
            "modelspec.title": title,
            "modelspec.description": description,
            "modelspec.trigger_phrase": trigger,
            "modelspec.license": "MIT OR Apache-2.0",
            "modelspec.author": "The Darkroom authors",
            "modelspec.resolution": f"{data.SIZE}x{data.SIZE}",
            "modelspec.prediction_type": "epsilon",
            "base_model": "Darkroom's built-in model (web/models/demo)",
            "base_model_unet_sha256": hashlib.sha256(
                (self.folder / UNET).read_bytes()
            ).hexdigest(),
        }


def context_length():
    """How many positions the captions of a batch have: as in train_unet.py."""
    return 77 if random.random() < 0.15 else SHORT


def train(parameters, loss_of_batch, save, args):
    """Steps of Muon, which takes matrices, and of AdamW for the rest. What is saved, every 20 steps
    and at the end, are the parameters' running averages."""
    optimisers = [Muon([p for p in parameters if p.ndim > 1], args.lr, weight_decay=0.0, steps=3)]
    if vectors := [p for p in parameters if p.ndim == 1]:
        optimisers.append(torch.optim.AdamW(vectors, args.lr, betas=(0.9, 0.98), weight_decay=0.0))
    averages = [p.detach().clone() for p in parameters]
    start, shown = time.time(), None
    for step in range(args.steps):
        left = 1 - step / args.steps
        loss = loss_of_batch()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        for optimiser in optimisers:
            optimiser.param_groups[0]["lr"] = args.lr * min(1, (step + 1) / 30, 0.02 + 2 * left)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        with torch.no_grad():
            for average, p in zip(averages, parameters):
                average.lerp_(p, 1 - min(0.99, (1 + step) / (10 + step)))
        shown = loss.item() if shown is None else 0.95 * shown + 0.05 * loss.item()
        if step % 20 == 19 or step + 1 == args.steps:
            seconds = time.time() - start
            print(f"step {step + 1} {seconds:.0f}s loss {shown:.4f}", flush=True)
            exchange(parameters, averages)
            save()
            exchange(parameters, averages)


@torch.no_grad()
def exchange(some, others):
    for a, b in zip(some, others):
        kept = a.clone()
        a.copy_(b)
        b.copy_(kept)


def new_lora(model, args):
    """Factors that change nothing yet, or those of the file to continue from."""
    lora = Lora(model.unet, args.rank)
    if args.source:
        lora.load(args.source)
    return lora


def few_steps(model, args):
    """Latent consistency distillation of the model, guided, into a LoRA."""
    lora = new_lora(model, args)
    pictures = Captioned(args.seed)

    def loss():
        codes, captions = pictures.batch(args.batch)
        weights = lora.weights()
        length = context_length()
        context = model.context(captions, length).detach()
        empty = model.context([""], length).detach().expand_as(context)
        student = lambda x, t, c: model.epsilon(x, t, c, weights)
        z = model.scaled(codes)
        contexts = (context, empty)
        return consistency.loss(
            model, model.epsilon, student, z, contexts, args.guidance, args.huber
        )

    about = (
        "Pictures in four steps: sampler lcm, 2 to 8 steps, guidance scale 1, weight 1. Distilled"
        f" from the model at guidance scale {args.guidance:g}."
    )
    metadata = model.metadata("stable-diffusion-v1/lora", "Few steps", about)
    save = lambda: lora.save(args.out / "few-steps-lcm.safetensors", args.file_rank, metadata)
    train(list(lora.parameters()), loss, save, args)


class Skies(Captioned):
    """Pictures in the style: a black silhouette before a sky that goes from the background's colour
    (above) to the object's (below). What is black in the caption is gray in the sky, so that the
    silhouette is seen."""

    def draw(self, mask, colour, background):
        black, gray = data.COLOUR_NAMES.index("black"), data.COLOUR_NAMES.index("gray")
        above, below = (
            self.palette[torch.where(i == black, gray, i)][..., None, None]
            for i in (background, colour)
        )
        sky = above + (below - above) * torch.linspace(0, 1, data.SIZE)[:, None]
        return self.palette[black][:, None, None] * mask + sky * (1 - mask)


def denoising_loss(model, codes, captions, weights=None, context_of=None):
    """The loss of train_unet.py: of the noise, min-SNR-weighted."""
    t = torch.randint(0, 1000, (len(codes),))
    x, noise = model.noisy(codes, t)
    context = (context_of or model.context)(captions, context_length())
    error = (model.epsilon(x, t, context, weights) - noise) ** 2
    snr = model.alphas[t] / (1 - model.alphas[t])
    return (error.mean((1, 2, 3)) * snr.clamp(max=5) / snr).mean()


def style(model, args):
    """A LoRA for the pictures of Skies. It is on without a word."""
    lora = new_lora(model, args)
    pictures = Skies(args.seed)

    def loss():
        codes, captions = pictures.batch(args.batch)
        return denoising_loss(model, codes, captions, lora.weights())

    about = (
        "Black silhouettes before a sky of two colours, the background's above and the object's"
        " below. Weight 1; it needs no trigger word."
    )
    metadata = model.metadata("stable-diffusion-v1/lora", "Evening", about)
    save = lambda: lora.save(args.out / "evening.safetensors", args.file_rank, metadata)
    train(list(lora.parameters()), loss, save, args)


def word(model, args):
    """A textual inversion (arXiv:2208.01618): the vector of one new token; all else is frozen."""
    name, _ = data.add_new_colour()
    model.tokenizer.add_tokens([name])
    table = find_embedding(model.text).token_embedding.weight
    table_name = next(n for n, p in model.text.named_parameters() if p is table)
    near = ids_of(model.tokenizer, ["green blue"], 4)[0, 1:3]
    vector = torch.nn.Parameter(table[near].mean(0, keepdim=True))
    pictures = Captioned(args.seed, empty=0)
    is_new = pictures.triples == len(data.COLOUR_NAMES) - 1
    pictures.triples = pictures.triples[is_new.any(1)]

    def context(captions, length):
        ids = ids_of(model.tokenizer, captions, length)
        longer = {table_name: torch.cat([table, vector])}
        return functional_call(model.text, longer, (ids,)).last_hidden_state

    def loss():
        codes, captions = pictures.batch(args.batch)
        return denoising_loss(model, codes, captions, context_of=context)

    about = "A colour that the model has no word for, for objects and backgrounds: a <teal> cat."
    metadata = model.metadata("stable-diffusion-v1/textual-inversion", "Teal", about, name)

    def save():
        # The layout of diffusers: the word is in the file.
        file = args.out / "teal.safetensors"
        save_file({name: vector.detach().half()}, file, {"format": "pt", **metadata})

    train([vector], loss, save, args)


def arguments():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("addon", choices=("few-steps", "style", "word"))
    ap.add_argument("--model", type=Path, default=MODEL)
    ap.add_argument("--out", type=Path, default=HERE / "addons")
    ap.add_argument("--steps", type=int, help="of training")
    ap.add_argument("--batch", type=int)
    ap.add_argument("--rank", type=int, default=8, help="of a LoRA while it is trained")
    ap.add_argument("--file-rank", type=int, default=2, help="of its file: what is nearest")
    ap.add_argument("--lr", type=float)
    ap.add_argument("--guidance", type=float, default=5.0, help="few-steps: the teacher's scale")
    ap.add_argument("--huber", type=float, default=0.03, help="few-steps: where the loss is round")
    ap.add_argument("--threads", type=int, default=2)
    ap.add_argument("--from", dest="source", help="the file of a LoRA to continue from")
    ap.add_argument("--seed", type=int, default=0)
    args = ap.parse_args()
    steps, batch, lr = DEFAULTS[args.addon]
    args.steps, args.batch = args.steps or steps, args.batch or batch
    args.lr = args.lr or lr
    return args


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(args.seed)
    random.seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    {"few-steps": few_steps, "style": style, "word": word}[args.addon](Model(args.model), args)


if __name__ == "__main__":
    main()
