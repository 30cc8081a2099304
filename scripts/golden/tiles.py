"""Pictures that are larger than the model's own size, in windows and in tiles, on the tiny made-up
model of walk.py: diffusers' StableDiffusionPanoramaPipeline, which averages what a step makes of each
window, and StableDiffusionImg2ImgPipeline with a UNet that averages the predictions for the windows;
both with `enable_vae_tiling`, with tiles of the model's size.

Of each run the first and the final latents are kept, and some of the pictures.
"""

import functools
import json

import numpy
import torch
from diffusers import StableDiffusionImg2ImgPipeline, StableDiffusionPanoramaPipeline
from safetensors.numpy import save_file

from .img2img import initial
from .pictures import open_tiny
from .samplers import CLASSES
from .walk import SEED_OF_MODEL

REQUEST = {
    "prompt": "a red cat on a yellow background", "negative_prompt": "blue, blurry", "seed": "7",
    "steps": 4, "guidance_scale": 7.5, "width": 112, "height": 96, "tile_overlap": 48,
}
# What differs from REQUEST, and whether the run begins with a picture of the request's size.
CASES = {
    "ddim": ({"sampler": "ddim"}, False),
    "dpmpp_2m": ({"sampler": "dpmpp_2m", "tile_overlap": 32, "width": 96, "height": 64}, False),
    "img2img": ({"sampler": "ddim", "strength": 0.75}, True),
    "ancestral": ({"sampler": "euler_ancestral", "strength": 0.5, "height": 80}, True),
}
PICTURES = ["ddim", "ancestral"]


def scheduler(pipe, request):
    scheduler_class, of_class = CLASSES[request["sampler"]]
    return scheduler_class.from_config({**pipe.config_of_model, **of_class})


def recorded(step, latents):
    # The pipeline looks at the signature for what a step takes.
    @functools.wraps(step)
    def recorded_step(eps, timestep, before, **rest):
        if not latents:
            latents.append(before.numpy().copy())
        answer = step(eps, timestep, before, **rest)
        latents.append(answer[0].numpy().copy())
        return answer

    return recorded_step


def panorama(pipe, request, window):
    """The first and the final latents, and the picture."""
    pipe.scheduler = scheduler(pipe, request)
    stride = window - request["tile_overlap"] // pipe.vae_scale_factor
    pipe.get_views = functools.partial(StableDiffusionPanoramaPipeline.get_views, pipe,
                                       window_size=window, stride=stride)
    seen = []

    def keep(_pipe, _step, _time, tensors):
        seen.append(tensors["latents"].numpy().copy())
        return tensors

    generator = torch.Generator().manual_seed(int(request["seed"]))
    factor = pipe.vae_scale_factor
    shape = 1, 4, request["height"] // factor, request["width"] // factor
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(int(request["seed"])))
    image = pipe(
        request["prompt"], negative_prompt=request["negative_prompt"], width=request["width"],
        height=request["height"], num_inference_steps=request["steps"],
        guidance_scale=request["guidance_scale"], generator=generator, output_type="np",
        callback_on_step_end=keep,
    ).images
    return (noise * pipe.scheduler.init_noise_sigma).numpy(), seen[-1], image


def averaging(forward, views):
    """A UNet that sees its latents through windows."""
    def windows(sample, *args, **kwargs):
        value, count = torch.zeros_like(sample), torch.zeros_like(sample)
        for top, bottom, left, right in views:
            part = forward(sample[:, :, top:bottom, left:right], *args, **kwargs)[0]
            value[:, :, top:bottom, left:right] += part
            count[:, :, top:bottom, left:right] += 1
        return (value / count,)
    return windows


def img2img(pipe, request, window):
    """The same."""
    pipe.scheduler = scheduler(pipe, request)
    latents, forward = [], pipe.unet.forward
    pipe.scheduler.step = recorded(pipe.scheduler.step, latents)
    stride = window - request["tile_overlap"] // pipe.vae_scale_factor
    views = StableDiffusionPanoramaPipeline.get_views(
        None, request["height"], request["width"], window_size=window, stride=stride)
    pipe.unet.forward = averaging(forward, views)
    image = pipe(
        request["prompt"], initial(request["width"], request["height"]),
        negative_prompt=request["negative_prompt"], num_inference_steps=request["steps"],
        guidance_scale=request["guidance_scale"], strength=request["strength"], output_type="np",
        generator=torch.Generator().manual_seed(int(request["seed"])),
    ).images
    pipe.unet.forward = forward
    return latents[0], latents[-1], image


def write(out):
    torch.set_grad_enabled(False)
    plain = open_tiny()
    pipes = {
        False: StableDiffusionPanoramaPipeline(**plain.components, requires_safety_checker=False),
        True: StableDiffusionImg2ImgPipeline(**plain.components, requires_safety_checker=False),
    }
    window = plain.unet.config.sample_size
    plain.vae.enable_tiling()
    plain.vae.tile_latent_min_size = window
    plain.vae.tile_sample_min_size = window * plain.vae_scale_factor
    print(f"  windows of {window} latents")
    requests, arrays = {}, {}
    for name, (changes, begins) in CASES.items():
        request, pipe = REQUEST | changes, pipes[begins]
        pipe.config_of_model = plain.config_of_model
        pipe.set_progress_bar_config(disable=True)
        first, final, image = (img2img if begins else panorama)(pipe, request, window)
        requests[name] = {"request": request, "begins": begins}
        print(f"  {name}: {final.shape}")
        for stage, numbers in (("first", first), ("final", final)):
            arrays[f"{name}.{stage}"] = numpy.ascontiguousarray(numpy.asarray(numbers), numpy.float32)
        if name in PICTURES:
            # A picture is compared to 1/255, which half precision resolves 15 times.
            arrays[f"{name}.image"] = numpy.ascontiguousarray(image.transpose(0, 3, 1, 2),
                                                              numpy.float16)
    metadata = {
        "made_by": "scripts/golden.py tiles",
        "model": f"synth --config tiny --seed {SEED_OF_MODEL}", "requests": json.dumps(requests),
    }
    save_file(arrays, out / "tiles.safetensors", metadata)
    (out / "tiles.safetensors").chmod(0o644)
