"""The whole pipeline: diffusers' StableDiffusionPipeline on a made-up tiny model.

`darkroom synth` makes the model from nothing but names and a seed, so it need not be kept: the test
makes it again. Kept are, for each request, the ids, some of the latents and the picture.
"""

import json
import subprocess
import tempfile

import numpy
import torch
from safetensors.numpy import save_file

import compare_diffusers

SEED_OF_MODEL = 1
REQUEST = {
    "prompt": "a red cat on a yellow background", "negative_prompt": "blue, blurry", "seed": "42",
    "steps": 20, "guidance_scale": 7.5, "sampler": "ddim", "width": 64, "height": 64,
}
# What differs from REQUEST, and the steps whose latents are kept.
CASES = {
    "ddim": ({}, [0, 1, 10, 20]),
    "euler": ({"sampler": "euler"}, [0, 1, 10, 20]),
    "no_guidance": ({"guidance_scale": 1.0, "steps": 3}, [3]),
    "wide": ({"width": 136, "height": 40, "steps": 2, "sampler": "euler"}, [2]),
    "long": ({"prompt": "a cat, " * 60, "negative_prompt": "", "steps": 1}, [1]),
    "empty": ({"prompt": "", "negative_prompt": "", "steps": 1, "seed": "9223372036854775808"}, [1]),
}


def synth(config, seed, out, *rest):
    """The made-up checkpoint, by the program of this source tree."""
    command = ["cargo", "run", "--quiet", "--bin", "darkroom", "--", "synth"]
    command += [f"--config={config}", f"--seed={seed}", f"--out={out}", *rest]
    subprocess.run(command, check=True)


def write(out):
    torch.set_grad_enabled(False)
    with tempfile.TemporaryDirectory() as model:
        synth("tiny", SEED_OF_MODEL, model)
        pipe = compare_diffusers.open_pipeline(model)
    requests, arrays = {}, {}
    for name, (changes, steps) in CASES.items():
        request = REQUEST | changes
        stages = compare_diffusers.run_diffusers(
            pipe, request["prompt"], request["negative_prompt"], int(request["seed"]),
            request["steps"], request["guidance_scale"], request["sampler"], request["width"],
            request["height"],
        )
        guided = request["guidance_scale"] > 1
        kept = ["image", *(f"latents_{step:03}" for step in steps), f"eps_{steps[-1]:03}"]
        for stage in kept:
            # A picture is compared to 2/255, which half precision resolves 30 times.
            kind = numpy.float16 if stage == "image" else numpy.float32
            arrays[f"{name}.{stage}"] = numpy.ascontiguousarray(stages[stage], kind)
        ids = stages["ids"] if guided else stages["ids"][1:]
        arrays[f"{name}.ids"] = ids.astype(numpy.float32)
        if name == "long":
            arrays["long.context"] = stages["context"]
        requests[name] = request
    metadata = {
        "made_by": "scripts/golden.py walk", "model": f"synth --config tiny --seed {SEED_OF_MODEL}",
        "requests": json.dumps(requests),
    }
    save_file(arrays, out / "walk.safetensors", metadata)
    (out / "walk.safetensors").chmod(0o644)
