"""Scores pictures: is the background's colour right, the object's colour, and the object itself?

    python evaluate.py MODEL_DIR [--prompts 100] [--steps 25] [--guidance 5] [--sheet sheet.png]
    python evaluate.py MODEL_DIR --program target/debug/darkroom [--precision f16] [--weights f16]
    python evaluate.py MODEL_DIR --lora FILE[:WEIGHT] --sampler lcm --steps 4 --guidance 1
    python evaluate.py MODEL_DIR --new-colour [--inversion FILE]
    python evaluate.py --write-prompts prompts.jsonl [--prompts 100]
    python evaluate.py --pictures DIR --list prompts.jsonl

The first makes the pictures with diffusers (DDIM) from held-out triples, and some with an empty
prompt to see their variety. The second makes them with this project's program, in any of its
precisions and types of weights, and with --compare by diffusers too and says how far apart they
are. Either takes LoRAs; diffusers needs peft for that. --new-colour asks for a colour that the
model does not know, which a textual inversion adds. The others let any other program make them:
`prompts.jsonl` has a line {"file", "prompt", "seed", "object", "colour", "background"} a picture
(object null for the empty prompt), and DIR then holds the files so named.

How it scores: the background is the median of the outer ring of pixels, the object's pixels those
well away from it,
its colour their median; both go to the nearest palette colour. The mask is how far each pixel lies
on the way from one
to the other; the object is the silhouette with the best overlap (intersection over union) at any
size and place.
"""

import argparse
import json
import random
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

import data

SIDES = (40, 44, 48, 52, 56)


def plan(count, empty):
    """The pictures to make: `count` held-out triples, then `empty` empty prompts."""
    rng = random.Random(7)
    triples = data.triples(held=True)
    if data.NEW_COLOUR[0] in data.COLOUR_NAMES:
        new = data.COLOUR_NAMES.index(data.NEW_COLOUR[0])
        triples = [t for t in triples if new in t[1:]]
    rng.shuffle(triples)
    out = []
    for i in range(count):
        o, c, b = triples[i % len(triples)]
        prompt = rng.choice(data.TEMPLATES)(
            data.NAMES[o], data.COLOUR_NAMES[c], data.COLOUR_NAMES[b]
        )
        out.append(
            dict(
                file=f"{i:04d}.png",
                prompt=prompt,
                seed=i,
                object=data.NAMES[o],
                colour=data.COLOUR_NAMES[c],
                background=data.COLOUR_NAMES[b],
            )
        )
    for i in range(count, count + empty):
        out.append(
            dict(file=f"{i:04d}.png", prompt="", seed=i, object=None, colour=None, background=None)
        )
    return out


class Templates:
    """All silhouettes at several sizes, as transforms, so that one product tries every place."""

    def __init__(self):
        masks = [[data.place(m, s, 0, 0) for s in SIDES] for m in data.silhouettes()]
        masks = np.array(masks, np.float32) / 255  # [objects, sizes, 64, 64]
        self.area = masks.sum((2, 3))
        self.freq = np.conj(np.fft.rfft2(masks))

    def nearest(self, mask):
        both = np.fft.irfft2(np.fft.rfft2(mask) * self.freq, s=mask.shape).max((2, 3))
        iou = (both / (mask.sum() + self.area - both)).max(1)
        return int(iou.argmax()), float(iou.max())


def nearest_colour(rgb):
    palette = np.array(list(data.COLOURS.values()), np.float32)
    return data.COLOUR_NAMES[int(((palette - rgb) ** 2).sum(1).argmin())]


def score(picture, templates):
    """What a picture [64, 64, 3] shows: object, its overlap, its colour, the background's colour.
    """
    a = picture.astype(np.float32)
    ring = np.ones(a.shape[:2], bool)
    ring[3:-3, 3:-3] = False
    background = np.median(a[ring], 0)
    away = np.sqrt(((a - background) ** 2).sum(2))
    # The most distinct fifth of the distances seen sets the scale, so that faint objects count too.
    strong = away > max(30.0, 0.6 * np.quantile(away, 0.97))
    if strong.sum() < 20:
        return dict(object=None, overlap=0.0, colour=None, background=nearest_colour(background))
    colour = np.median(a[strong], 0)
    way = colour - background
    mask = np.clip(((a - background) @ way) / (way @ way), 0, 1).astype(np.float32)
    best, overlap = templates.nearest(mask)
    return dict(
        object=data.NAMES[best],
        overlap=overlap,
        colour=nearest_colour(colour),
        background=nearest_colour(background),
    )


def report(jobs, pictures):
    templates = Templates()
    seen = [score(p, templates) for p in pictures]
    full = [(j, s) for j, s in zip(jobs, seen) if j["object"] is not None]
    rate = lambda key: sum(s[key] == j[key] for j, s in full) / max(1, len(full))
    out = {k: round(100 * rate(k), 1) for k in ("background", "colour", "object")}
    out["all"] = round(
        100 * sum(all(s[k] == j[k] for k in out) for j, s in full) / max(1, len(full)), 1
    )
    out["prompts"] = len(full)
    empties = Counter(s["object"] for j, s in zip(jobs, seen) if j["object"] is None)
    if empties:
        out["empty_prompts"] = sum(empties.values())
        out["most_common_share"] = round(
            100 * empties.most_common(1)[0][1] / sum(empties.values()), 1
        )
    missed = Counter((j["object"], s["object"]) for j, s in full if s["object"] != j["object"])
    return out, seen, missed


def contact_sheet(jobs, pictures, path, columns=10):
    from PIL import ImageDraw

    cell_w, cell_h = 136, 158
    rows = (len(pictures) + columns - 1) // columns
    sheet = Image.new("RGB", (columns * cell_w, rows * cell_h), "white")
    draw = ImageDraw.Draw(sheet)
    for i, (job, p) in enumerate(zip(jobs, pictures)):
        x, y = i % columns * cell_w + 4, i // columns * cell_h + 4
        sheet.paste(Image.fromarray(p).resize((128, 128), Image.NEAREST), (x, y))
        words = (
            f"{job['colour']} {job['object']} / {job['background']}"
            if job["object"]
            else "(empty prompt)"
        )
        draw.text((x, y + 130), words[:24], fill="black")
    sheet.save(path, optimize=True)


def file_and_weight(text):
    """Of FILE[:WEIGHT], as the program takes it."""
    file, colon, weight = text.rpartition(":")
    return (file, float(weight)) if colon else (text, 1.0)


def generate(args, jobs, batch=25, size=data.SIZE):
    """Pictures by diffusers: f32 arithmetic on the stored weights, each with its own seed."""
    import torch
    from diffusers import DDIMScheduler, LCMScheduler, StableDiffusionPipeline

    pipe = StableDiffusionPipeline.from_pretrained(
        args.model, torch_dtype=torch.float32, safety_checker=None
    )
    pipe.text_encoder.float()
    torch.set_num_threads(args.threads)
    kind = {"ddim": DDIMScheduler, "lcm": LCMScheduler}[args.sampler]
    pipe.scheduler = kind.from_config(pipe.scheduler.config)
    for file, weight in map(file_and_weight, args.lora):
        pipe.load_lora_weights(file)
        pipe.fuse_lora(lora_scale=weight)
        pipe.unload_lora_weights()
    if args.inversion:
        pipe.load_textual_inversion(args.inversion)
    pipe.set_progress_bar_config(disable=True)
    pipe.to(args.device)
    out = []
    for i in range(0, len(jobs), batch):
        part = jobs[i : i + batch]
        images = pipe(
            [j["prompt"] for j in part],
            height=size,
            width=size,
            num_inference_steps=args.steps,
            guidance_scale=args.guidance,
            output_type="np",
            generator=[torch.Generator().manual_seed(j["seed"]) for j in part],
        ).images
        out += list((images * 255).round().astype(np.uint8))
    return out


def read_pictures(folder, jobs):
    return [np.asarray(Image.open(Path(folder) / j["file"]).convert("RGB")) for j in jobs]


def generate_by_program(args, jobs):
    """Pictures by the program, from the same prompts, seeds and steps."""
    common = dict(steps=args.steps, guidance_scale=args.guidance, sampler=args.sampler)
    fields = ("file", "prompt", "seed")
    with tempfile.TemporaryDirectory() as folder:
        requests = Path(folder) / "jobs.jsonl"
        requests.write_text(
            "".join(json.dumps({**{k: j[k] for k in fields}, **common}) + "\n" for j in jobs)
        )
        command = [args.program, "generate", "--model", args.model]
        command += ["--jobs", requests, "--out-dir", folder, "--precision", args.precision]
        command += ["--weights", args.weights] if args.weights else []
        command += [part for lora in args.lora for part in ("--lora", lora)]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        return read_pictures(folder, jobs)


def compare(ours, theirs):
    """Prints how far two lists of pictures are apart, in 255ths."""
    worst = [int(np.abs(a.astype(int) - b).max()) for a, b in zip(ours, theirs)]
    print(
        f"against diffusers: {sum(w <= 2 for w in worst)} of {len(worst)} pictures within 2/255,"
        f" the worst {max(worst)}/255"
    )


def run_arguments(ap):
    """Adds what says how the pictures are made, and by which program."""
    ap.add_argument("--steps", type=int, default=25)
    ap.add_argument("--guidance", type=float, default=5.0)
    ap.add_argument("--sampler", default="ddim", help="ddim, lcm, or another of the program's")
    ap.add_argument("--lora", action="append", default=[], metavar="FILE[:WEIGHT]")
    ap.add_argument("--inversion", help="diffusers': a textual inversion, in its own layout")
    ap.add_argument("--threads", type=int, default=2)
    ap.add_argument("--device", default="cpu", help="of diffusers")
    ap.add_argument("--program", help="make the pictures with this program instead of diffusers")
    ap.add_argument("--precision", default="f32", help="the program's: of activations")
    ap.add_argument("--weights", help="the program's: how weights are stored; else as in the files")
    ap.add_argument("--compare", action="store_true", help="with --program: diffusers' as well")


def arguments():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("model", nargs="?")
    ap.add_argument("--prompts", type=int, default=100)
    ap.add_argument("--empty", type=int, default=20)
    run_arguments(ap)
    ap.add_argument("--new-colour", action="store_true", help="prompts with data.py's NEW_COLOUR")
    ap.add_argument("--sheet", help="write a contact sheet here")
    ap.add_argument("--out", help="write the pictures into this folder")
    ap.add_argument("--pictures", help="score the pictures of this folder instead of making them")
    ap.add_argument("--list", help="the prompts.jsonl that belongs to --pictures")
    ap.add_argument("--write-prompts", help="write the list of prompts and stop")
    return ap.parse_args()


def main():
    args = arguments()
    if args.new_colour:
        data.add_new_colour()
    jobs = plan(args.prompts, args.empty)
    if args.write_prompts:
        Path(args.write_prompts).write_text("".join(json.dumps(j) + "\n" for j in jobs))
        return
    if args.pictures:
        jobs = [json.loads(line) for line in Path(args.list).read_text().splitlines()]
        pictures = read_pictures(args.pictures, jobs)
    elif args.program:
        pictures = generate_by_program(args, jobs)
    else:
        pictures = generate(args, jobs)
    if args.out:
        Path(args.out).mkdir(parents=True, exist_ok=True)
        for j, p in zip(jobs, pictures):
            Image.fromarray(p).save(Path(args.out) / j["file"])
    result, _, missed = report(jobs, pictures)
    if args.sheet:
        contact_sheet(jobs, pictures, args.sheet)
    print(json.dumps(result))
    if args.program and args.compare:
        theirs = generate(args, jobs)
        print("diffusers:", json.dumps(report(jobs, theirs)[0]))
        compare(pictures, theirs)
    print(
        "most often mistaken:",
        ", ".join(f"{a} as {b} ({n})" for (a, b), n in missed.most_common(8)),
    )


if __name__ == "__main__":
    main()
