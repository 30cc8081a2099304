"""Latent consistency models, whose UNet has the guidance scale as an input.

Writes a tiny UNet of random weights in tests/golden/unet_lcm, as models.py does, with the embedding
of the guidance scale among its inputs; and lcm.safetensors, the whole pipeline on a made-up tiny
model, as walk.py does: diffusers' LatentConsistencyModelPipeline and, of runs that begin with a
picture, LatentConsistencyModelImg2ImgPipeline.

    scripts/golden.py few_steps
"""

import functools
import json
import tempfile

import numpy
import torch
from diffusers import (
    LatentConsistencyModelImg2ImgPipeline, LatentConsistencyModelPipeline, LCMScheduler,
    TCDScheduler, UNet2DConditionModel,
)
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import save_file

import compare_diffusers

from .img2img import initial
from .models import generator, normal, randomise, run, save
from .walk import SEED_OF_MODEL, synth

UNET = {
    "block_out_channels": (8, 16), "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"), "layers_per_block": 1,
    "attention_head_dim": 2, "cross_attention_dim": 16, "norm_num_groups": 4,
    "time_cond_proj_dim": 32,
}
# Height and width, timestep, guidance scale.
UNET_CASES = {"guided": (6, 4, 999.0, 8.5), "plain": (4, 5, 259.0, 1.0), "less": (3, 3, 19.0, 0.2)}

REQUEST = {
    "prompt": "a red cat on a yellow background", "seed": "42", "steps": 4, "guidance_scale": 8.5,
    "sampler": "lcm", "width": 64, "height": 64,
}
# What differs from REQUEST.
CASES = {
    "lcm": {},
    "one step": {"steps": 1, "guidance_scale": 3.0},
    "tcd": {"sampler": "tcd", "eta": 0.3, "steps": 3},
    "begun": {"strength": 0.5},
    "begun late": {"strength": 0.1, "steps": 2, "guidance_scale": 1.5},
}
SCHEDULERS = {"lcm": LCMScheduler, "tcd": TCDScheduler}


def embedding(scale, channels):
    """As the pipeline computes it, in f32."""
    function = LatentConsistencyModelPipeline.get_guidance_scale_embedding
    return function(None, torch.tensor(scale - 1).repeat(1), embedding_dim=channels)


def unet(out):
    name = "unet_lcm"
    random = generator(name + " inputs")
    model = save(randomise(UNet2DConditionModel(**UNET), name), out / name)
    cases = {}
    for case, (height, width, timestep, scale) in UNET_CASES.items():
        cases[case] = {
            "latents": normal(random, 2, model.config.in_channels, height, width),
            "timestep": torch.tensor([timestep], dtype=torch.float64),
            "guidance_scale": torch.tensor([scale], dtype=torch.float64),
            "embedding": embedding(scale, model.config.time_cond_proj_dim).double(),
            "context": normal(random, 2, 11, model.config.cross_attention_dim),
        }

    def call(inputs):
        condition = inputs["embedding"].repeat(2, 1)
        timestep = inputs["timestep"][0]
        return model(
            inputs["latents"], timestep, inputs["context"], timestep_cond=condition
        ).sample

    def without_condition(model):
        weight = model.time_embedding.cond_proj.weight
        before = weight.data
        weight.data = torch.zeros_like(before)
        return lambda: setattr(weight, "data", before)

    wrongs = {"without_condition": without_condition}
    save_file(run(model, cases, call, "eps", wrongs), out / name / "cases.safetensors")


def walk(pipes, config, request):
    """Every stage of a run, under the names of the program's --dump."""
    begun = "strength" in request
    pipe = pipes[begun]
    pipe.scheduler = SCHEDULERS[request["sampler"]].from_config(config)
    stages = {}
    step = pipe.scheduler.step

    # The pipeline looks at the signature for what a step takes.
    @functools.wraps(step)
    def recorded_step(eps, timestep, latents, eta=None, **rest):
        done = sum(name.startswith("eps") for name in stages)
        if done == 0:
            stages["latents_000"] = latents.numpy().copy()
        stages[f"eps_{done + 1:03}"] = eps.numpy().copy()
        # The pipeline gives none.
        rest |= {"eta": request["eta"]} if "eta" in request else {}
        answer = step(eps, timestep, latents, **rest)
        stages[f"latents_{done + 1:03}"] = answer[0].numpy().copy()
        return answer

    pipe.scheduler.step = recorded_step
    size = (request["width"], request["height"])
    begin = {"image": initial(*size), "strength": request["strength"]} if begun else {
        "width": size[0], "height": size[1]}
    image = pipe(
        request["prompt"], num_inference_steps=request["steps"],
        guidance_scale=request["guidance_scale"], output_type="np",
        generator=torch.Generator().manual_seed(int(request["seed"])), **begin,
    ).images
    stages["image"] = image.transpose(0, 3, 1, 2)
    return stages


def write(out):
    torch.set_grad_enabled(False)
    unet(out)
    with tempfile.TemporaryDirectory() as model:
        synth("tiny-lcm", SEED_OF_MODEL, model)
        components = compare_diffusers.open_pipeline(model).components
        with open(f"{model}/scheduler/scheduler_config.json") as file:
            config = json.load(file)
    components["scheduler"] = LCMScheduler.from_config(config)
    classes = LatentConsistencyModelPipeline, LatentConsistencyModelImg2ImgPipeline
    pipes = [one(**components, requires_safety_checker=False) for one in classes]
    for pipe in pipes:
        pipe.set_progress_bar_config(disable=True)
    requests, arrays = {}, {}
    for name, changes in CASES.items():
        requests[name] = REQUEST | changes
        for stage, numbers in walk(pipes, config, requests[name]).items():
            # A picture is compared to 2/255, which half precision resolves 30 times.
            kind = numpy.float16 if stage == "image" else numpy.float32
            arrays[f"{name}.{stage}"] = numpy.ascontiguousarray(numbers, kind)
        print(f"  {name}: latents of {numpy.abs(arrays[f'{name}.latents_001']).max():.1f} at most")
    metadata = {
        "made_by": "scripts/golden.py few_steps",
        "model": f"synth --config tiny-lcm --seed {SEED_OF_MODEL}",
        "requests": json.dumps(requests),
    }
    save_arrays(arrays, out / "lcm.safetensors", metadata)
    (out / "lcm.safetensors").chmod(0o644)
