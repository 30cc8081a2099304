"""Runs that begin with a picture: diffusers' schedulers begun at a step, and its
StableDiffusionImg2ImgPipeline on the tiny made-up model of walk.py.

Of each scheduler the factors are found as in samplers.py, and those of `add_noise`. Of each picture
the first and the final latents are kept, and some of the pictures themselves.
"""

import functools
import json

import numpy
import torch
from diffusers import StableDiffusionImg2ImgPipeline
from PIL import Image
from safetensors.numpy import save_file

from . import save
from .pictures import open_tiny
from .samplers import CLASSES, KARRAS, number, probe, scheduler_of
from . import k_diffusion
from .walk import SEED_OF_MODEL

REQUEST = {
    "prompt": "a red cat on a yellow background", "negative_prompt": "blue, blurry", "seed": "7",
    "steps": 10, "guidance_scale": 7.5, "strength": 0.6, "width": 64, "height": 64,
}
# What differs from REQUEST, and the size of the picture that the run begins with.
ALL = CLASSES | k_diffusion.CLASSES
CASES = {sampler: ({"sampler": sampler}, (64, 64)) for sampler in ALL}
CASES["tcd"][0]["eta"] = 0.3
CASES |= {
    "ddim whole": ({"sampler": "ddim", "strength": 1.0}, (64, 64)),
    "ddim eta": ({"sampler": "ddim", "eta": 1.0, "strength": 0.75}, (64, 64)),
    "euler resized": ({"sampler": "euler", "width": 40}, (90, 51)),
    "lms no guidance": ({"sampler": "lms", "guidance_scale": 1.0, "steps": 7}, (64, 64)),
}
PICTURES = ["ddim", "euler resized", "pndm", "unipc"]


def plans():
    """(sampler, name of the config, steps, strength)"""
    for sampler in CLASSES:
        for steps, strength in ((1, 1.0), (4, 0.25), (10, 0.3), (10, 0.75), (20, 0.8), (20, 1.0)):
            yield sampler, "v1.4", steps, strength
        yield sampler, "v", 6, 0.7
        yield sampler, "linear", 10, 0.5
    for sampler in KARRAS:
        yield sampler, "karras", 12, 0.6


def plan(sampler, config, steps, strength):
    """What the pipeline's get_timesteps and prepare_latents do with the scheduler."""
    scheduler = scheduler_of(sampler, config)
    scheduler.set_timesteps(steps)
    left_out = steps - min(int(steps * strength), steps)
    times = scheduler.timesteps[left_out * scheduler.order:]
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(left_out * scheduler.order)
    zero, one = torch.zeros(1, 1), torch.ones(1, 1)
    level = [float(scheduler.add_noise(a, b, times[:1])) for a, b in ((one, zero), (zero, one))]
    rows = probe(scheduler, 0.3 if sampler == "tcd" else 0, times)
    return {
        "sampler": sampler, "config": config, "steps": steps, "strength": strength,
        "left_out": left_out, "level": [number(factor, 8) for factor in level],
        "times": [row[0] for row in rows], "scales": [row[1] for row in rows],
        "rows": [row[2:] for row in rows],
    }


def initial(width, height):
    """A picture that the test makes as well."""
    y, x = numpy.mgrid[:height, :width]
    rgb = [3 * x + y, 2 * y + x * y // 16, 255 - 2 * x - y]
    return Image.fromarray(numpy.stack(rgb, -1).astype(numpy.uint8))


def recorded(pipe, request):
    """Sets the sampler. Gives the list that the latents before the first step and after the last
    one come to, and what the pipeline has to call after each step."""
    scheduler_class, of_class = ALL[request["sampler"]]
    pipe.scheduler = scheduler_class.from_config({**pipe.config_of_model, **of_class})
    latents = []
    step = pipe.scheduler.step

    # The pipeline looks at the signature for what a step takes.
    @functools.wraps(step)
    def recorded_step(eps, timestep, before, **rest):
        if not latents:
            latents.append(before.numpy().copy())
        return step(eps, timestep, before, **rest)

    def keep(_pipe, _step, _time, tensors):
        latents[1:] = [tensors["latents"].numpy().copy()]
        return tensors

    pipe.scheduler.step = recorded_step
    return latents, keep


def run(pipe, request, size):
    """The latents before the first and after the last step, and the picture, 0…1, channels
    first."""
    latents, keep = recorded(pipe, request)
    image = pipe(
        request["prompt"], initial(*size).resize((request["width"], request["height"]),
                                                 Image.Resampling.BICUBIC),
        negative_prompt=request["negative_prompt"], num_inference_steps=request["steps"],
        guidance_scale=request["guidance_scale"], strength=request["strength"],
        eta=request.get("eta", 0.0), output_type="np", callback_on_step_end=keep,
        generator=torch.Generator().manual_seed(int(request["seed"])),
    ).images
    return *latents, image.transpose(0, 3, 1, 2)


def write(out):
    torch.set_grad_enabled(False)
    save(out / "img2img.json", plans=[plan(*case) for case in plans()])
    text_to_image = open_tiny()
    pipe = StableDiffusionImg2ImgPipeline(**text_to_image.components, requires_safety_checker=False)
    pipe.config_of_model = text_to_image.config_of_model
    pipe.set_progress_bar_config(disable=True)
    requests, arrays = {}, {}
    for name, (changes, size) in CASES.items():
        requests[name] = {"request": REQUEST | changes, "initial": size}
        first, final, image = run(pipe, REQUEST | changes, size)
        print(f"  {name}")
        for stage, numbers in (("first", first), ("final", final)):
            arrays[f"{name}.{stage}"] = numpy.ascontiguousarray(numbers, numpy.float32)
        if name in PICTURES:
            # A picture is compared to 2/255, which half precision resolves 30 times.
            arrays[f"{name}.image"] = numpy.ascontiguousarray(image, numpy.float16)
    metadata = {
        "made_by": "scripts/golden.py img2img",
        "model": f"synth --config tiny --seed {SEED_OF_MODEL}", "requests": json.dumps(requests),
    }
    save_file(arrays, out / "img2img.safetensors", metadata)
    (out / "img2img.safetensors").chmod(0o644)
