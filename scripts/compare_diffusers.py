#!/usr/bin/env python3
"""Makes one picture twice, with this program and with diffusers, and says how far apart they are.

    scripts/compare_diffusers.py --model web/models/demo --prompt "a red cat" [--negative S]
        [--seed N] [--steps N] [--guidance F] [--width W] [--height H] [--sampler NAME ...]
        [--program target/debug/darkroom] [-- further arguments of the program]

Both run in f32 on the same weights, whatever the type in the files. Compared are the token ids,
the context, the first noise, the guided prediction and the latents of every step, and the decoded
picture. It fails when ids differ, latents differ by more than 1e-3 relative, or any value of the
picture by more than 2/255.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy
import torch
from diffusers import DDIMScheduler, EulerDiscreteScheduler, StableDiffusionPipeline

SCHEDULERS = {"ddim": DDIMScheduler, "euler": EulerDiscreteScheduler}
LATENTS_MAX = 1e-3
PICTURE_MAX = 2 / 255


def open_pipeline(model):
    pipe = StableDiffusionPipeline.from_pretrained(
        model, dtype=torch.float32, safety_checker=None, local_files_only=True
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def run_diffusers(pipe, prompt, negative, seed, steps, guidance, sampler, width, height):
    """Every stage of a run, under the names of the program's --dump."""
    pipe.scheduler = SCHEDULERS[sampler].from_config(pipe.scheduler.config)
    stages = {}
    step = pipe.scheduler.step

    def recorded_step(eps, timestep, latents, **rest):
        done = sum(name.startswith("eps") for name in stages)
        if done == 0:
            stages["latents_000"] = latents.numpy().copy()
        stages[f"eps_{done + 1:03}"] = eps.numpy().copy()
        answer = step(eps, timestep, latents, **rest)
        stages[f"latents_{done + 1:03}"] = answer[0].numpy().copy()
        return answer

    pipe.scheduler.step = recorded_step
    tokens = pipe.tokenizer(
        [negative, prompt], padding="max_length", max_length=pipe.tokenizer.model_max_length,
        truncation=True, return_tensors="np",
    )
    stages["ids"] = tokens.input_ids
    with torch.no_grad():
        cond, uncond = pipe.encode_prompt(prompt, "cpu", 1, True, negative)
        stages["context"] = torch.cat([uncond, cond]).numpy()
        image = pipe(
            prompt, negative_prompt=negative, num_inference_steps=steps, guidance_scale=guidance,
            width=width, height=height, output_type="np",
            generator=torch.Generator().manual_seed(seed),
        ).images
    stages["image"] = image.transpose(0, 3, 1, 2)
    return stages


def run_program(program, options, rest):
    """The same from the program."""
    with tempfile.TemporaryDirectory() as folder:
        # The pipeline above has no safety checker either.
        command = [program, "generate", "--no-safety", "--dump", folder]
        command += ["--out", f"{folder}/picture.png"]
        subprocess.run(command + options + rest, check=True)
        files = pathlib.Path(folder).glob("*.npy")
        return {path.stem: numpy.load(path) for path in sorted(files)}


def relative(ours, theirs):
    theirs = theirs.astype(numpy.float64)
    return float(numpy.linalg.norm(ours - theirs) / numpy.linalg.norm(theirs))


def compare(ours, theirs):
    """Prints the differences; true when they are within the bounds."""
    if not numpy.isfinite(theirs["image"]).all():
        sys.exit("diffusers' picture has values that are not numbers")
    batch = ours["ids"].shape[0]
    same_ids = numpy.array_equal(ours["ids"], theirs["ids"][-batch:])
    context = relative(ours["context"], theirs["context"][-batch:])
    noise = numpy.abs(ours["latents_000"] - theirs["latents_000"]).max()
    names = [name for name in theirs if name.startswith("latents_")]
    latents = max(relative(ours[name], theirs[name]) for name in names)
    eps = max(relative(ours[name], theirs[name]) for name in theirs if name.startswith("eps_"))
    picture = float(numpy.abs(ours["image"] - theirs["image"]).max())
    print(f"  ids            {'equal' if same_ids else 'DIFFERENT'}")
    print(f"  context        {context:.1e} relative")
    print(f"  first noise    {noise:.1e} at most")
    print(f"  predictions    {eps:.1e} relative, the worst of all steps")
    print(f"  latents        {latents:.1e} relative, the worst of all steps")
    print(f"  picture        {picture * 255:.4f}/255 at most")
    return same_ids and latents <= LATENTS_MAX and picture <= PICTURE_MAX


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--prompt", default="a red cat on a yellow background")
    parser.add_argument("--negative", default="")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=7.5)
    parser.add_argument("--width", type=int)
    parser.add_argument("--height", type=int)
    parser.add_argument("--sampler", nargs="+", choices=SCHEDULERS, default=list(SCHEDULERS))
    parser.add_argument("--program", default="target/debug/darkroom")
    parser.add_argument("rest", nargs="*", help="further arguments of the program, after --")
    args = parser.parse_args()
    pipe = open_pipeline(args.model)
    # diffusers takes a small size in an old config for a mistake, so it is told the size.
    config = json.loads(pathlib.Path(args.model, "unet/config.json").read_text())
    side = config["sample_size"] * pipe.vae_scale_factor
    args.width, args.height = args.width or side, args.height or side
    good = True
    for sampler in args.sampler:
        print(f"{sampler}, {args.steps} steps, guidance {args.guidance}, seed {args.seed}")
        theirs = run_diffusers(
            pipe, args.prompt, args.negative, args.seed, args.steps, args.guidance, sampler,
            args.width, args.height,
        )
        options = ["model", "prompt", "negative", "seed", "steps", "guidance", "width", "height"]
        given = {name: getattr(args, name) for name in options} | {"sampler": sampler}
        given = {name: value for name, value in given.items() if value is not None}
        options = [f"--{name}={value}" for name, value in given.items()]
        good &= compare(run_program(args.program, options, args.rest), theirs)
    sys.exit(0 if good else "The pictures are not the same.")


if __name__ == "__main__":
    main()
