"""Scores a model's pictures of held-out prompts.

    python -m icons.evaluate MODEL_DIR [--prompts 400] [--steps 25] [--guidance 5] [--sheet FILE]
    python -m icons.evaluate MODEL_DIR --program PROGRAM [--precision f16] [--weights q8_0]
    python -m icons.evaluate MODEL_DIR --lora FILE --sampler lcm --steps 4 --guidance 1
    python -m icons.evaluate MODEL_DIR --unknown 4    with so many words that it does not know
    python -m icons.evaluate MODEL_DIR --new-colour [--inversion FILE]
    python -m icons.evaluate --ceiling [MODEL_DIR]  the scores of the true pictures, and of those
                                                    after the model's autoencoder

Pictures are made by diffusers or by this project's program. Rates are percentages: of pictures for
the background, of things (a picture has one or two) for the others; colours count for what is no
emoji. `all` are the pictures in which everything is right.
"""

import argparse
import json
import random
from collections import Counter

import numpy as np
import torch
from PIL import Image

from . import word
from .captions import EMOJI, Captions
from .pack import STYLES, Pack
from .palette import COLOUR_NAMES
from .pictures import add_arguments, by_diffusers, compare, made
from .scenes import Pixels, Scenes
from .score import Templates, shown


UNKNOWN = "very happy fluffy beautiful . ! photo masterpiece 8k detailed lovely please".split()


def jobs_of(pack, scenes, generator):
    """The pictures to make of scenes, each with a prompt that says all of it."""
    captions = Captions(pack.parts)
    form = captions.choose(scenes, generator, empty=0, partial=0)
    texts = captions.text(captions.rows(scenes, form, scenes["place_named"]))
    rows = [dict(zip(scenes, v)) for v in zip(*(x.tolist() for x in scenes.values()))]
    return [
        dict(
            file=f"{i:04d}.png",
            prompt=text,
            seed=i,
            background=s["ground"],
            things=[
                (s["style"], s[f"thing{k}"], s[f"colour{k}"]) for k in ("", "2")[: s["count"]]
            ],
        )
        for i, (text, s) in enumerate(zip(texts, rows))
    ]


def plan(pack, prompts, empty):
    """The pictures to make: held-out scenes, then empty prompts; and the scenes."""
    source = Scenes(pack, seed=77, held=True)
    scenes = source.batch(prompts)
    jobs = jobs_of(pack, scenes, source.g)
    for i in range(prompts, prompts + empty):
        jobs.append(dict(file=f"{i:04d}.png", prompt="", seed=i, background=None, things=[]))
    return jobs, scenes


def with_unknown(jobs, count):
    """Puts so many words that no caption has between those of each prompt."""
    for job in jobs:
        draw, words = random.Random(job["seed"]), job["prompt"].split()
        for word in draw.choices(UNKNOWN, k=count):
            words.insert(draw.randint(0, len(words)), word)
        job["prompt"] = " ".join(words)
    return jobs


def plan_of_new_colour(pack, prompts):
    """Pictures in which the colour of the textual inversion stands for another."""
    source, at = Scenes(pack, seed=78, held=True), COLOUR_NAMES.index(word.STANDS_FOR)
    jobs = jobs_of(pack, word.with_colour(source, at, prompts), source.g)
    new = lambda colour: len(COLOUR_NAMES) if colour == at else colour
    for job in jobs:
        job["prompt"] = job["prompt"].replace(word.STANDS_FOR, word.NAME)
        job["background"] = new(job["background"])
        job["things"] = [(style, thing, new(colour)) for style, thing, colour in job["things"]]
    return jobs


class Tally:
    """Right ones of all, by name."""

    def __init__(self):
        self.right, self.all = Counter(), Counter()

    def add(self, name, right):
        self.right[name] += bool(right)
        self.all[name] += 1

    def percent(self):
        return {k: round(100 * self.right[k] / n, 1) for k, n in self.all.items()}


def score_one(job, found, tally):
    """Adds a picture to the tally; whether everything is right."""
    background, things = found
    rights = [background == job["background"]]
    tally.add("background", rights[0])
    for (style, thing, colour), got in zip(job["things"], things):
        got = got or (None, None, None)
        rights.append(got[1] == thing)
        tally.add("thing", got[1] == thing)
        tally.add(f"thing, {STYLES[style]}" + (", two" if len(things) == 2 else ""), rights[-1])
        tally.add("style", got[0] == style)
        if style != EMOJI:
            rights.append(got[2] == colour)
            tally.add("colour", rights[-1])
    tally.add("all", all(rights))
    return all(rights)


def report(jobs, pictures, templates):
    """The rates, and the things that were most often mistaken."""
    tally, missed, empties = Tally(), Counter(), Counter()
    for job, picture in zip(jobs, pictures):
        found = shown(picture, templates, max(1, len(job["things"])))
        if not job["things"]:
            thing = found[1][0]
            empties[templates.names[thing[1]] if thing else "nothing"] += 1
            continue
        job["right"] = score_one(job, found, tally)
        for (_, thing, _), got in zip(job["things"], found[1]):
            if got and got[1] != thing:
                missed[templates.names[thing], templates.names[got[1]]] += 1
    out = tally.percent()
    out["prompts"] = tally.all["background"]
    if empties:
        out["empty_prompts"] = sum(empties.values())
        out["different_things"] = len(empties)
        common = empties.most_common(1)[0][1]
        out["most_common_share"] = round(100 * common / out["empty_prompts"], 1)
    return out, missed


def sheet(jobs, pictures, path, columns=10):
    """The pictures with their prompts; what is not all right has a mark."""
    from PIL import ImageDraw

    rows = (len(pictures) + columns - 1) // columns
    page = Image.new("RGB", (columns * 136, rows * 170), "white")
    draw = ImageDraw.Draw(page)
    for i, (job, picture) in enumerate(zip(jobs, pictures)):
        x, y = i % columns * 136 + 4, i // columns * 170 + 4
        page.paste(Image.fromarray(picture), (x, y))
        words = ("" if job.get("right", True) else "X ") + (job["prompt"] or "(empty prompt)")
        for k in range(3):
            draw.text((x, y + 129 + 11 * k), words[22 * k : 22 * k + 22], fill="black")
    page.save(path, optimize=True)


def ceiling(args, pack, templates):
    """Prints the rates of the true pictures, and of those after the autoencoder."""
    jobs, scenes = plan(pack, args.prompts, 0)
    x = Pixels(pack).draw(scenes)
    as_bytes = lambda x: list(
        ((x.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).contiguous().numpy()
    )
    print("true pictures:", json.dumps(report(jobs, as_bytes(x), templates)[0]))
    if args.model:
        from diffusers import AutoencoderKL

        vae = AutoencoderKL.from_pretrained(args.model, subfolder="vae", dtype=torch.float32)
        with torch.no_grad():
            y = torch.cat(
                [vae.decode(vae.encode(p).latent_dist.mean).sample for p in x.split(20)]
            )
        print("autoencoder:", json.dumps(report(jobs, as_bytes(y), templates)[0]))
        if args.sheet:
            both = [np.concatenate(p) for p in zip(as_bytes(x[:80]), as_bytes(y[:80]))]
            pages = [np.concatenate(both[i : i + 16], 1) for i in range(0, 80, 16)]
            Image.fromarray(np.concatenate(pages)).save(args.sheet)


def arguments():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("model", nargs="?")
    ap.add_argument("--prompts", type=int, default=400)
    ap.add_argument("--empty", type=int, default=100)
    add_arguments(ap)
    ap.add_argument("--unknown", type=int, default=0, help="unknown words of each prompt")
    ap.add_argument("--new-colour", action="store_true", help="prompts with word.py's colour")
    ap.add_argument("--ceiling", action="store_true", help="score the true pictures")
    ap.add_argument("--sheet", help="write a contact sheet here")
    return ap.parse_args()


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    pack = Pack()
    templates = Templates(pack, [word.RGB] if args.new_colour else [])
    if args.ceiling:
        return ceiling(args, pack, templates)
    if args.new_colour:
        jobs = plan_of_new_colour(pack, args.prompts)
    else:
        jobs, _ = plan(pack, args.prompts, args.empty)
    if args.unknown:
        with_unknown(jobs, args.unknown)
    pictures = made(args, jobs)
    result, missed = report(jobs, pictures, templates)
    print(json.dumps(result))
    mistaken = ", ".join(f"{a} as {b} ({n})" for (a, b), n in missed.most_common(8))
    print("most often mistaken:", mistaken)
    if args.program and args.compare:
        compare(pictures, by_diffusers(args, jobs))
    if args.sheet:
        sheet(jobs, pictures, args.sheet)


if __name__ == "__main__":
    main()
