"""Trains the text encoder and the UNet together on the latents of captioned pictures.

    python train_unet.py --minutes 90 [--workers 2] [--from EXPORT_DIR]

Captions are short: most batches end their 77 positions at SHORT, which saves a third of the time;
the rest have all 77, as in use. Latents are the autoencoder's given code (train_vae.py), computed
on the fly, so this may run beside train_vae.py.
Checkpoints go to $TRAIN_DEMO_DIR/unet.pt every three minutes; started again, it goes on where it
stopped. With
--from it starts from an export instead: weights as stored, fresh optimiser and averages.
"""

import argparse
import os
import random
import time

import torch
import torch.distributed as dist
from transformers import CLIPTokenizer

import data
import export
import models
from make_tokenizer import write_tokenizer
from muon import Both
from train_vae import Pictures, given_code

CHECKPOINT = data.CACHE / "unet.pt"
SHORT = 24


def tokenizer():
    folder = data.CACHE / "tokenizer"
    if not folder.exists():
        write_tokenizer(folder)
    return CLIPTokenizer.from_pretrained(folder)


def ids_of(tok, captions, length=77):
    return tok(
        captions, padding="max_length", max_length=length, truncation=True, return_tensors="pt"
    ).input_ids


def used_ids(tok):
    """Every token id that a caption can hold."""
    words = []
    for form in data.TEMPLATES + data.PARTIAL:
        for i in range(max(len(data.NAMES), len(data.COLOUR_NAMES))):
            o, c = data.NAMES[i % len(data.NAMES)], data.COLOUR_NAMES[i % len(data.COLOUR_NAMES)]
            words.append(form(o, "small " + c, c))
    words += [", " + place for place, _, _ in data.PLACES]
    return ids_of(tok, words + [""]).unique()


def find_embedding(text):
    """The module that holds `token_embedding`, under whichever path this version of transformers
    has."""
    return next(m for m in text.modules() if hasattr(m, "token_embedding"))


class Captioned(Pictures):
    """Batches of (latents, captions) of the training triples."""

    def __init__(self, seed, empty=0.1):
        super().__init__(seed)
        self.empty = empty  # share of pictures without a caption
        self.triples = torch.tensor(data.triples(held=False))
        self.rng = random.Random(seed)

    def batch(self, n):
        o, c, b = self.triples[torch.randint(len(self.triples), (n,), generator=self.g)].T
        small, place = self.layout(n)
        m = self.masks[o, small, place].float()[:, None] / 255
        of = zip(*(x.tolist() for x in (o, c, b, small, place)))
        captions = [data.caption(self.rng, *picture, empty=self.empty) for picture in of]
        return given_code(self.draw(m, c, b)), captions

    def draw(self, mask, colour, background):
        """Pictures of masks [n, 1, 64, 64] in colours by index."""
        f, k = self.palette[colour][..., None, None], self.palette[background][..., None, None]
        return f * mask + k * (1 - mask)


def arguments():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--minutes", type=float, default=90, help="of wall clock")
    ap.add_argument("--lr", type=float, default=3e-3)
    ap.add_argument("--batch", type=int, default=128)
    ap.add_argument("--threads", type=int, default=1)
    ap.add_argument("--from", dest="source", help="an export to continue from")
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--port", type=int, default=29517)
    ap.add_argument(
        "--workers",
        type=int,
        default=1,
        help="processes, each with its own batch; gradients are averaged",
    )
    ap.add_argument(
        "--full", type=float, default=0.15, help="share of batches with all 77 positions"
    )
    ap.add_argument("--empty", type=float, default=0.1, help="share of pictures without a caption")
    return ap.parse_args()


def mean_over_workers(params, left):
    """Averages the gradients, and the share of time left so that all stop at the same step."""
    flat = torch.cat([p.grad.flatten() for p in params] + [torch.tensor([left])])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    at = 0
    for p in params:
        p.grad.copy_(flat[at : at + p.numel()].view_as(p))
        at += p.numel()
    return float(flat[-1])


def train(rank, args):
    if args.workers > 1:
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(args.port))
        dist.init_process_group("gloo", rank=rank, world_size=args.workers)
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(args.seed)
    tok = tokenizer()
    used = used_ids(tok)
    unet, text = models.new_unet(), models.new_text()
    pictures = Captioned(args.seed)
    scaling = float(1 / given_code(super(Captioned, pictures).batch(512)).std())
    step = 0
    state = torch.load(CHECKPOINT) if CHECKPOINT.exists() and not args.source else None
    if args.source:
        _, u, t, scaling = export.read_model(args.source)
        unet.load_state_dict(u)
        export.load_text(text, t)
    elif state:
        unet.load_state_dict(state["unet"])
        export.load_text(text, state["text"])
        step, scaling = state["step"], state["scaling"]

    # Only the rows of tokens that occur take part; `row` maps token ids to them.
    holder = find_embedding(text)
    full = holder.token_embedding.weight.detach().clone()
    compact = torch.nn.Embedding(len(used), full.shape[1])
    compact.weight.data.copy_(full[used])
    new = (compact.weight.abs().sum(1) == 0) & (torch.arange(len(used)) >= 0)
    compact.weight.data[new] = 0.02 * torch.randn(int(new.sum()), full.shape[1])
    holder.token_embedding = compact
    row = torch.zeros(49408, dtype=torch.long)
    row[used] = torch.arange(len(used))

    def full_text(state_dict):
        out = {export.text_name(k): v for k, v in state_dict.items()}
        table = torch.zeros_like(full)
        table[used] = out[export.EMBEDDING]
        return {**out, export.EMBEDDING: table}

    unet = unet.to(memory_format=torch.channels_last)
    opt = Both([unet, text], args.lr, steps=3)
    nets = {"unet": unet, "text": text}
    ema = {n: {k: v.detach().clone() for k, v in m.state_dict().items()} for n, m in nets.items()}
    if state:
        opt.load_state_dict(state["opt"])
        ema = state["ema"]
    pictures = Captioned(args.seed + 1000 * step + 1 + rank, args.empty)
    torch.manual_seed(args.seed + 1000 * step + 1 + rank)
    both = random.Random(args.seed + step)  # the same in every worker
    print(
        "weights",
        models.parameters(unet),
        models.parameters(text),
        "triples",
        len(pictures.triples),
        "tokens",
        len(used),
        "scaling",
        scaling,
        "step",
        step,
        flush=True,
    )
    alphas = models.alphas_cumprod()
    start = saved = time.time()
    run, first, seen = None, step, 0

    def save():
        tmp = CHECKPOINT.with_suffix(".tmp")
        torch.save(
            dict(
                unet=unet.state_dict(),
                text=full_text(text.state_dict()),
                ema=ema,
                opt=opt.state_dict(),
                step=step,
                scaling=scaling,
                used=used,
                ema_unet=ema["unet"],
                ema_text=full_text(ema["text"]),
            ),
            tmp,
        )
        os.replace(tmp, CHECKPOINT)

    left = 1.0
    while left > 0:
        left = 1 - (time.time() - start) / (args.minutes * 60)
        z, captions = pictures.batch(args.batch)
        # A little of the autoencoder's own noise, so that the UNet does not learn to be exact to no
        # end.
        z = (z + 0.03 * torch.randn_like(z)) * scaling
        noise = torch.randn_like(z)
        t = torch.randint(0, 1000, (len(z),))
        a = alphas[t][:, None, None, None]
        noisy = (a.sqrt() * z + (1 - a).sqrt() * noise).contiguous(
            memory_format=torch.channels_last
        )
        context = text(
            row[ids_of(tok, captions, 77 if both.random() < args.full else SHORT)]
        ).last_hidden_state
        e = unet(noisy, t, context).sample
        snr = alphas[t] / (1 - alphas[t])
        weight = snr.clamp(max=5) / snr  # min-SNR
        loss = (((e - noise) ** 2).mean((1, 2, 3)) * weight).mean()
        loss.backward()
        if args.workers > 1:
            left = mean_over_workers([p for p in opt.params if p.grad is not None], left)
        opt.step(min(1, (step - first + 1) / 50) * min(1, 0.03 + max(left, 0) / 0.4))
        step += 1
        decay = min(0.999, (1 + step) / (10 + step))
        with torch.no_grad():
            for n, m in nets.items():
                for k, v in m.state_dict().items():
                    ema[n][k].lerp_(v, 1 - decay)
        run = loss.item() if run is None else 0.97 * run + 0.03 * loss.item()
        if rank == 0 and step % 20 == 0:
            print(
                f"{time.strftime('%H:%M:%S')} step {step}"
                f" cpu {time.process_time():.0f}s loss {run:.4f}",
                flush=True,
            )
        if rank == 0 and time.time() - saved > 180:
            save()
            saved = time.time()
    if rank == 0:
        save()


def main():
    args = arguments()
    if args.workers > 1:
        torch.multiprocessing.spawn(train, (args,), nprocs=args.workers)
    else:
        train(0, args)


if __name__ == "__main__":
    main()
