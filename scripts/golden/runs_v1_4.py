"""Whole runs on Stable Diffusion v1.4's own topology, with made-up weights: masks on UNets of 4 and
of 9 channels with several samplers and strengths, edits by one of 8, and ControlNets and
T2I-Adapters of the published configs.

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
# Of a UNet with so many channels, by the name of the run: what differs from REQUEST.
MASKED = {
    channels: {
        f"{channels} {sampler} {strength}": {"sampler": sampler, "strength": strength}
        for sampler in inpaint.SAMPLERS for strength in inpaint.STRENGTHS
    }
    for channels in (4, 9)
}
EDITED = {
    f"8 {sampler} {scale}": {"sampler": sampler, "image_guidance_scale": scale, "steps": 3}
    for sampler, scale in (("ddim", 1.0), ("euler", 1.5), ("euler_ancestral", 2.0))
}
# What differs from REQUEST, and the controls.
NET = {"net": "net", "picture": SIZE}
CONTROLLED = {
    "ControlNet": ({"steps": 3}, [NET | {"weight": 0.8}]),
    "ControlNet guess": ({"steps": 3}, [NET | {"weight": 0.8, "guess": True}]),
    "ControlNets": ({"steps": 3, "sampler": "euler"}, [
        NET | {"weight": 0.6}, {"net": "second", "picture": (40, 90), "weight": 1.3}]),
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


def editing(text_to_image, channels):
    """A pipeline of the same parts for runs with a mask, or for edits."""
    kind = StableDiffusionInpaintPipeline
    if channels == 8:
        kind = StableDiffusionInstructPix2PixPipeline
    pipe = kind(**text_to_image.components, requires_safety_checker=False)
    pipe.config_of_model = text_to_image.config_of_model
    pipe.set_progress_bar_config(disable=True)
    return pipe


def controlled(pipe, nets, request, controls):
    """Final latents of a run with the networks, and how far these move them."""
    final, plain = [
        controlnet.run(pipe, nets, request, those)[0]
        for those in (controls, [control | {"weight": 0.0} for control in controls])
    ]
    return final, float(((final - plain) ** 2).sum() / (plain ** 2).sum())


def network(name, unet):
    if name == "t2i":
        return controlnet.fill(T2IAdapter(**PUBLISHED_ADAPTER), name).float()
    net = ControlNetModel.from_unet(unet, load_weights_from_unet=False, **PUBLISHED_NET)
    return controlnet.fill(net, name).float()


def write(out):
    torch.set_grad_enabled(False)
    requests, arrays = {}, {}
    for channels, cases in (MASKED | {8: EDITED}).items():
        text_to_image = open_parts(channels)
        pipe = editing(text_to_image, channels)
        for name, changes in cases.items():
            request = REQUEST | changes
            requests[name] = {"request": request, "initial": SIZE, "channels": channels}
            first, final, _ = inpaint.run(pipe, request, SIZE)
            arrays |= {f"{name}.first": first, f"{name}.final": final}
            print(f"  {name}: {numpy.abs(final).mean():.2f}")
        for name, (changes, controls) in CONTROLLED.items() if channels == 4 else ():
            request = REQUEST | changes
            requests[name] = {"request": request, "controls": controls}
            nets = {one["net"]: network(one["net"], text_to_image.unet) for one in controls}
            arrays[f"{name}.final"], moved = controlled(text_to_image, nets, request, controls)
            print(f"  {name} moves the latents by {moved:.1e}")
        del text_to_image, pipe
    metadata = {
        "made_by": "scripts/golden.py runs_v1_4",
        "model": f"synth --config sd-v1-4 --seed {SEED_OF_MODEL} --in-channels N",
        "requests": json.dumps(requests),
    }
    arrays = {name: numpy.ascontiguousarray(x, numpy.float32) for name, x in arrays.items()}
    save_file(arrays, out / "runs_v1_4.safetensors", metadata)
    (out / "runs_v1_4.safetensors").chmod(0o644)
