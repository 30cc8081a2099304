"""Requests with a second, larger pass: diffusers' StableDiffusionPipeline, torch's
`functional.interpolate` or Pillow's `resize`, and StableDiffusionImg2ImgPipeline with a generator of
its own, on the tiny made-up model of walk.py.

The second pass takes its steps from a schedule of steps / strength of them, as AUTOMATIC1111's web
UI does. Of each run are kept the final latents of both passes, the first ones of the second, and
some of the pictures.
"""

import functools
import json

import numpy
import torch
from diffusers import StableDiffusionImg2ImgPipeline
from PIL import Image
from safetensors.numpy import save_file

from .pictures import open_tiny
from .samplers import CLASSES
from .walk import SEED_OF_MODEL

REQUEST = {
    "prompt": "a red cat on a yellow background", "negative_prompt": "blue, blurry", "seed": "7",
    "steps": 6, "guidance_scale": 7.5, "width": 64, "height": 48,
    "hires_scale": 1.5, "hires_strength": 0.6,
}
# What differs from REQUEST.
CASES = {
    name: {"sampler": name} for name in ("ddim", "pndm", "euler_ancestral", "dpmpp_2m", "heun")
} | {
    "ddim eta": {"sampler": "ddim", "eta": 1.0, "hires_steps": 4, "hires_strength": 0.35},
    "ddim whole": {"sampler": "ddim", "hires_strength": 1.0, "hires_scale": 1.3},
    "bicubic": {"sampler": "ddim", "hires_upscaler": "latent (bicubic)"},
    "antialiased": {"sampler": "ddim", "hires_upscaler": "latent (antialiased)"},
    "bicubic antialiased": {"sampler": "ddim", "hires_upscaler": "latent (bicubic antialiased)"},
    "nearest": {"sampler": "ddim", "hires_upscaler": "latent (nearest)"},
    "nearest-exact": {"sampler": "ddim", "hires_upscaler": "latent (nearest-exact)"},
    "lanczos": {"sampler": "dpmpp_2m", "hires_upscaler": "lanczos"},
    "pixels": {"sampler": "euler_ancestral", "hires_upscaler": "bicubic"},
}
PICTURES = ["ddim", "lanczos"]
# AUTOMATIC1111's `latent_upscale_modes`.
MODES = {
    "latent": ("bilinear", False), "latent (antialiased)": ("bilinear", True),
    "latent (bicubic)": ("bicubic", False), "latent (bicubic antialiased)": ("bicubic", True),
    "latent (nearest)": ("nearest", False), "latent (nearest-exact)": ("nearest-exact", False),
}
FILTERS = {"lanczos": Image.Resampling.LANCZOS, "bicubic": Image.Resampling.BICUBIC}


def generator(request):
    return torch.Generator().manual_seed(int(request["seed"]))


def scheduler(pipe, request):
    scheduler_class, of_class = CLASSES[request["sampler"]]
    return scheduler_class.from_config({**pipe.config_of_model, **of_class})


def first_pass(pipe, request):
    pipe.scheduler = scheduler(pipe, request)
    return pipe(
        request["prompt"], negative_prompt=request["negative_prompt"],
        num_inference_steps=request["steps"], guidance_scale=request["guidance_scale"],
        eta=request.get("eta", 0.0), width=request["width"], height=request["height"],
        generator=generator(request), output_type="latent",
    ).images


def enlarged(pipe, request, latents):
    """Latents, or a picture."""
    how, factor = request.get("hires_upscaler", "latent"), pipe.vae_scale_factor
    width, height = (int(request[side] * request["hires_scale"]) // factor * factor
                     for side in ("width", "height"))
    if how in MODES:
        mode, antialias = MODES[how]
        return torch.nn.functional.interpolate(
            latents, size=(height // factor, width // factor), mode=mode,
            **({"antialias": antialias} if mode.startswith("bi") else {}))
    pixels = pipe.vae.decode(latents / pipe.vae.config.scaling_factor, return_dict=False)[0]
    picture = pipe.image_processor.postprocess(pixels, output_type="pil")[0]
    return picture.resize((width, height), FILTERS[how])


def second_pass(pipe, request, image):
    """The first and the final latents, and the picture, 0…1, channels first."""
    pipe.scheduler = scheduler(pipe, request)
    taken = request.get("hires_steps", request["steps"])
    steps = int(taken / min(request["hires_strength"], 0.999))
    seen = []
    step = pipe.scheduler.step

    # The pipeline looks at the signature for what a step takes.
    @functools.wraps(step)
    def recorded_step(eps, timestep, before, **rest):
        seen.append(before.numpy().copy())
        answer = step(eps, timestep, before, **rest)
        seen.append(answer[0].numpy().copy())
        return answer

    pipe.scheduler.step = recorded_step
    image = pipe(
        request["prompt"], image, negative_prompt=request["negative_prompt"],
        num_inference_steps=steps, strength=min((taken + 0.5) / steps, 1.0),
        guidance_scale=request["guidance_scale"], eta=request.get("eta", 0.0),
        generator=generator(request), output_type="np",
    ).images
    return seen[0], seen[-1], image.transpose(0, 3, 1, 2)


def write(out):
    torch.set_grad_enabled(False)
    text_to_image = open_tiny()
    text_to_image.set_progress_bar_config(disable=True)
    again = StableDiffusionImg2ImgPipeline(**text_to_image.components,
                                           requires_safety_checker=False)
    again.config_of_model = text_to_image.config_of_model
    again.set_progress_bar_config(disable=True)
    requests, arrays = {}, {}
    for name, changes in CASES.items():
        requests[name] = request = REQUEST | changes
        small = first_pass(text_to_image, request)
        large = enlarged(text_to_image, request, small)
        first, final, image = second_pass(again, request, large)
        print(f"  {name}: {tuple(small.shape)} {tuple(final.shape)}")
        for stage, numbers in (("small", small.numpy()), ("first", first), ("final", final)):
            arrays[f"{name}.{stage}"] = numpy.ascontiguousarray(numbers, numpy.float32)
        if name in PICTURES:
            # A picture is compared to 2/255, which half precision resolves 30 times.
            arrays[f"{name}.image"] = numpy.ascontiguousarray(image, numpy.float16)
    metadata = {
        "made_by": "scripts/golden.py hires",
        "model": f"synth --config tiny --seed {SEED_OF_MODEL}", "requests": json.dumps(requests),
    }
    save_file(arrays, out / "hires.safetensors", metadata)
    (out / "hires.safetensors").chmod(0o644)
