"""Whole runs on Stable Diffusion v1.4's own topology, with made-up weights: masks on UNets of 4 and
of 9 channels, an edit by one of 8, and ControlNets and T2I-Adapters of the published configs.

The checkpoints are those of synth.py, the networks are filled as in controlnet.py, and the test
makes both again. Of each run the first latents, where a picture stands behind them, and the final
ones are kept, at 8×8. diffusers computes in float32. Takes some minutes and 8 GB of memory.

    scripts/golden.py runs_v1_4
"""

import json
import tempfile

import numpy
import torch
from diffusers import (
    ControlNetModel, StableDiffusionInpaintPipeline, StableDiffusionInstructPix2PixPipeline,
    T2IAdapter,
)
from safetensors.numpy import save_file

import compare_diffusers

from . import controlnet, inpaint
from .walk import SEED_OF_MODEL, synth

REQUEST = {
    "prompt": "a red cat on a yellow background", "negative_prompt": "blue, blurry", "seed": "7",
    "steps": 4, "guidance_scale": 3.0, "sampler": "ddim", "width": 64, "height": 64,
}
SIZE = (72, 60)
# Channels of the UNet's input, and what differs from REQUEST.
MASKED = {
    "4": {"strength": 0.75},
    "9": {"strength": 1.0, "sampler": "dpmpp_2m", "steps": 3},
    "8": {"image_guidance_scale": 1.5, "sampler": "euler", "steps": 3},
}
# What differs from REQUEST, and the controls.
CONTROLLED = {
    "ControlNet": ({"steps": 3}, [{"net": "net", "picture": SIZE, "weight": 0.8}]),
    "T2I-Adapter": ({"steps": 3, "sampler": "euler"},
                    [{"net": "t2i", "picture": SIZE, "weight": 0.9}]),
}
PUBLISHED_NET = {"conditioning_embedding_out_channels": (16, 32, 96, 256)}
PUBLISHED_ADAPTER = {
    "channels": [320, 640, 1280, 1280], "num_res_blocks": 2, "downscale_factor": 8,
    "adapter_type": "full_adapter",
}


def open_parts(channels):
    with tempfile.TemporaryDirectory() as model:
        synth("sd-v1-4", SEED_OF_MODEL, model, f"--in-channels={channels}")
        pipe = compare_diffusers.open_pipeline(model)
    pipe.config_of_model = pipe.scheduler.config
    return pipe


def masked(text_to_image, channels, request):
    """First and final latents of a run with a mask, or of an edit."""
    kind = StableDiffusionInpaintPipeline
    if channels == "8":
        kind = StableDiffusionInstructPix2PixPipeline
    pipe = kind(**text_to_image.components, requires_safety_checker=False)
    pipe.config_of_model = text_to_image.config_of_model
    pipe.set_progress_bar_config(disable=True)
    return inpaint.run(pipe, request, SIZE)[:2]


def controlled(pipe, net, request, controls):
    """Final latents of a run with the network, and how far it moves them."""
    nets = {controls[0]["net"]: net}
    final, plain = [
        controlnet.run(pipe, nets, request, [controls[0] | {"weight": weight}])[0]
        for weight in (controls[0]["weight"], 0.0)
    ]
    return final, float(((final - plain) ** 2).sum() / (plain ** 2).sum())


def network(name, unet):
    if name == "ControlNet":
        net = ControlNetModel.from_unet(unet, load_weights_from_unet=False, **PUBLISHED_NET)
        return controlnet.fill(net, "net").float()
    return controlnet.fill(T2IAdapter(**PUBLISHED_ADAPTER), "t2i").float()


def write(out):
    torch.set_grad_enabled(False)
    requests, arrays = {}, {}
    for channels, changes in MASKED.items():
        text_to_image = open_parts(channels)
        requests[channels] = {
            "request": REQUEST | changes, "initial": SIZE, "channels": int(channels)}
        first, final = masked(text_to_image, channels, REQUEST | changes)
        arrays |= {f"{channels}.first": first, f"{channels}.final": final}
        print(f"  {channels} channels: {numpy.abs(final).mean():.2f}")
        for name, (changes, controls) in CONTROLLED.items() if channels == "4" else ():
            requests[name] = {"request": REQUEST | changes, "controls": controls}
            net = network(name, text_to_image.unet)
            arrays[f"{name}.final"], moved = controlled(
                text_to_image, net, REQUEST | changes, controls)
            print(f"  {name} moves the latents by {moved:.1e}")
            del net
        del text_to_image
    metadata = {
        "made_by": "scripts/golden.py runs_v1_4",
        "model": f"synth --config sd-v1-4 --seed {SEED_OF_MODEL} --in-channels N",
        "requests": json.dumps(requests),
    }
    arrays = {name: numpy.ascontiguousarray(x, numpy.float32) for name, x in arrays.items()}
    save_file(arrays, out / "runs_v1_4.safetensors", metadata)
    (out / "runs_v1_4.safetensors").chmod(0o644)
