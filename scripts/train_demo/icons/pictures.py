"""Makes the pictures of a list of prompts, by diffusers or by this project's program.

A job is a dictionary with the picture's file, prompt and seed.
"""

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from .scenes import SIZE


def file_and_weight(text):
    """Of FILE[:WEIGHT], as the program takes it."""
    file, colon, weight = text.rpartition(":")
    return (file, float(weight)) if colon else (text, 1.0)


def by_diffusers(args, jobs, batch=25):
    """f32 arithmetic on the stored weights, each picture with its own seed."""
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
            height=SIZE,
            width=SIZE,
            num_inference_steps=args.steps,
            guidance_scale=args.guidance,
            output_type="np",
            generator=[torch.Generator().manual_seed(j["seed"]) for j in part],
        ).images
        out += list((images * 255).round().astype(np.uint8))
    return out


def by_program(args, jobs):
    """From the same prompts, seeds and steps."""
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
        command += ["--embedding", args.inversion] if args.inversion else []
        command += [part for lora in args.lora for part in ("--lora", lora)]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        return [np.asarray(Image.open(Path(folder) / j["file"]).convert("RGB")) for j in jobs]


def made(args, jobs):
    """By whichever was asked for."""
    return by_program(args, jobs) if args.program else by_diffusers(args, jobs)


def compare(ours, theirs):
    """Prints how far two lists of pictures are apart, in 255ths."""
    worst = [int(np.abs(a.astype(int) - b).max()) for a, b in zip(ours, theirs)]
    print(
        f"against diffusers: {sum(w <= 2 for w in worst)} of {len(worst)} pictures within 2/255,"
        f" the worst {max(worst)}/255"
    )


def add_arguments(ap):
    """Adds what says how the pictures are made, and by which program."""
    ap.add_argument("--steps", type=int, default=25)
    ap.add_argument("--guidance", type=float, default=5.0)
    ap.add_argument("--sampler", default="ddim", help="ddim, lcm, or another of the program's")
    ap.add_argument("--lora", action="append", default=[], metavar="FILE[:WEIGHT]")
    ap.add_argument("--inversion", help="a textual inversion")
    ap.add_argument("--threads", type=int, default=2)
    ap.add_argument("--device", default="cpu", help="of diffusers")
    ap.add_argument("--program", help="make the pictures with this program instead of diffusers")
    ap.add_argument("--precision", default="f32", help="the program's: of activations")
    ap.add_argument("--weights", help="the program's: how weights are stored; else as in the files")
    ap.add_argument("--compare", action="store_true", help="with --program: diffusers' as well")
