"""Every sampler's picture after 20 steps: diffusers' StableDiffusionPipeline on the tiny made-up
model of walk.py. Kept are the final latents and the picture. Some samplers are k-diffusion's, run
inside that pipeline.
"""

import json
import tempfile

import numpy
import torch
from safetensors.numpy import save_file

import compare_diffusers

from . import k_diffusion, samplers
from .walk import SEED_OF_MODEL, synth

CLASSES = samplers.CLASSES | k_diffusion.CLASSES
REQUEST = {
    "prompt": "a red cat on a yellow background", "negative_prompt": "blue, blurry", "seed": "7",
    "steps": 20, "guidance_scale": 7.5, "width": 32, "height": 32,
}
# What differs from REQUEST, and what the scheduler's config says besides.
CASES = {sampler: ({"sampler": sampler}, {}) for sampler in CLASSES}
CASES["tcd"][0]["eta"] = 0.3
CASES |= {
    "ddim eta": ({"sampler": "ddim", "eta": 1.0}, {}),
    "ddim trailing": ({"sampler": "ddim", "spacing": "trailing"},
                      {"timestep_spacing": "trailing"}),
    "dpmpp_2m karras": ({"sampler": "dpmpp_2m", "karras": True}, {"use_karras_sigmas": True}),
    "ddim rescale": ({"sampler": "ddim", "guidance_rescale": 0.7}, {}),
    "euler beta": ({"sampler": "euler", "sigmas": "beta"}, {"use_beta_sigmas": True}),
    "dpmpp_2m exponential": ({"sampler": "dpmpp_2m", "sigmas": "exponential"},
                             {"use_exponential_sigmas": True}),
    "euler leading": ({"sampler": "euler", "spacing": "leading"}, {"timestep_spacing": "leading"}),
}


def run(pipe, request, changes, **prompts):
    """The final latents and the picture, in 0…1 and channels first."""
    scheduler_class, of_class = CLASSES[request["sampler"]]
    config = {**pipe.config_of_model, **of_class, **changes}
    # What stands in this list, another class takes for unsaid.
    unsaid = config.get("_use_default_values", [])
    config["_use_default_values"] = [key for key in unsaid if key not in changes]
    pipe.scheduler = scheduler_class.from_config(config)
    prompts = prompts or {key: request[key] for key in ("prompt", "negative_prompt")}
    seen = {}

    def keep(_pipe, _step, _time, tensors):
        seen["latents"] = tensors["latents"].numpy().copy()
        return tensors

    image = pipe(
        **prompts, num_inference_steps=request["steps"],
        guidance_rescale=request.get("guidance_rescale", 0.0),
        guidance_scale=request["guidance_scale"], eta=request.get("eta", 0.0),
        width=request["width"], height=request["height"], output_type="np",
        generator=torch.Generator().manual_seed(int(request["seed"])),
        callback_on_step_end=keep,
    ).images
    return seen["latents"], image.transpose(0, 3, 1, 2)


def open_tiny():
    with tempfile.TemporaryDirectory() as model:
        synth("tiny", SEED_OF_MODEL, model)
        pipe = compare_diffusers.open_pipeline(model)
    pipe.config_of_model = dict(pipe.scheduler.config)
    return pipe


def write(out):
    torch.set_grad_enabled(False)
    pipe = open_tiny()
    requests, arrays = {}, {}
    for name, (changes, of_scheduler) in CASES.items():
        requests[name] = REQUEST | changes
        latents, image = run(pipe, requests[name], of_scheduler)
        print(f"  {name}: latents of {numpy.abs(latents).max():.1f} at most")
        arrays[f"{name}.latents_020"] = numpy.ascontiguousarray(latents, numpy.float32)
        # A picture is compared to 2/255, which half precision resolves 30 times.
        arrays[f"{name}.image"] = numpy.ascontiguousarray(image, numpy.float16)
    metadata = {
        "made_by": "scripts/golden.py pictures",
        "model": f"synth --config tiny --seed {SEED_OF_MODEL}", "requests": json.dumps(requests),
    }
    save_file(arrays, out / "pictures.safetensors", metadata)
    (out / "pictures.safetensors").chmod(0o644)
