"""ControlNets and T2I-Adapters: what diffusers' ControlNetModel, T2IAdapter and their pipelines make.

Their weights are made by a formula from names, the same in the test, and so is not kept. Writes
tests/golden/controlnet/: tensors.json, the names and shapes of the published configs and CompVis'
names of the ControlNet's; cases.safetensors, for the UNet of tests/golden/unet_2_layers what a
ControlNet and a T2I-Adapter give (also in guess mode) and what the UNet makes of it, in float64; and
pictures.safetensors, the whole pipelines on the tiny made-up model of walk.py.

    scripts/golden.py controlnet
"""

import json

import numpy
import torch
from diffusers import (
    ControlNetModel, MultiAdapter, MultiControlNetModel, StableDiffusionAdapterPipeline,
    StableDiffusionControlNetImg2ImgPipeline, StableDiffusionControlNetPipeline, T2IAdapter,
    UNet2DConditionModel,
)
from diffusers.loaders.single_file_utils import convert_controlnet_checkpoint
from PIL import Image
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import load_file, save_file

from . import save
from .img2img import initial
from .models import nmse, normal
from .pictures import open_tiny
from .samplers import CLASSES
from .taesd import hashed
from .walk import SEED_OF_MODEL

UNET = "unet_2_layers"
OF_UNET = {"conditioning_embedding_out_channels": (4, 12)}
OF_TINY = {"conditioning_embedding_out_channels": (4, 8, 8, 12)}
ADAPTER = {"channels": [8, 16, 16], "downscale_factor": 2}
ADAPTER_OF_TINY = {"channels": [16, 32, 48], "downscale_factor": 8, "num_res_blocks": 2}

REQUEST = {
    "prompt": "a red cat on a yellow background", "negative_prompt": "blue, blurry", "seed": "7",
    "steps": 5, "guidance_scale": 7.5, "sampler": "ddim", "width": 48, "height": 40,
}
A = {"net": "a", "picture": (48, 40)}
B = {"net": "b", "picture": (30, 61)}
# What differs from REQUEST, and the controls: net, size of the picture, and options.
CASES = {
    "one": ({}, [A]),
    "two": ({"sampler": "euler"}, [A | {"weight": 0.6}, B | {"weight": 1.3}]),
    "guess": ({}, [A | {"weight": 0.8, "guess": True}]),
    "guess alone": ({"guidance_scale": 1.0}, [A | {"guess": True}]),
    "part": ({"sampler": "heun"}, [A | {"start": 0.2, "end": 0.75}, B | {"end": 0.5}]),
    "begun": ({"strength": 0.6, "sampler": "dpmpp_2m", "steps": 8}, [B | {"start": 0.3}]),
    "adapter": ({}, [{"net": "t2i", "picture": (30, 61), "weight": 0.9}]),
    "gray adapter": ({"sampler": "euler"}, [{"net": "gray", "picture": (48, 40)}]),
    "two adapters": ({"sampler": "dpmpp_2m"}, [
        {"net": "t2i", "picture": (30, 61), "weight": 0.9},
        {"net": "gray", "picture": (48, 40), "weight": 0.4},
    ]),
}


@torch.no_grad()
def fill(model, prefix):
    """Gives every parameter numbers by the formula, rounded to f16."""
    for path, parameter in model.named_parameters():
        values = hashed(f"{prefix}.{path}", tuple(parameter.shape))
        if path.endswith("bias"):
            values = 0.1 * values
        elif parameter.dim() == 1:
            values = 1 + 0.2 * values
        else:
            values = 1.7 * values / parameter[0].numel() ** 0.5
        parameter.data = values.half()
    return model.eval()


def published(folder):
    """Names and shapes; and the ControlNet's as CompVis' program calls them."""
    with torch.device("meta"):
        net, adapter = ControlNetModel(cross_attention_dim=768), T2IAdapter()
    shapes = lambda model: {name: list(t.shape) for name, t in model.state_dict().items()}
    ours = shapes(net)
    theirs = {}
    for name, shape in ours.items():
        theirs[ldm_name(name)] = torch.full(shape, 0.0, device="meta")
    marked = {name: (name, tensor) for name, tensor in theirs.items()}
    found = convert_controlnet_checkpoint(marked, net.config)
    pairs = {name: pair[0] for name, pair in found.items()}
    assert sorted(pairs) == sorted(ours) and len(set(pairs.values())) == len(ours)
    rows = [[name, pairs[name], ours[name]] for name in sorted(ours)]
    adapters = [[name, shape] for name, shape in sorted(shapes(adapter).items())]
    save(folder / "tensors.json", controlnet=rows, adapter=adapters)


def ldm_name(name):
    """CompVis' name of a tensor of the published ControlNet, only to be checked by diffusers."""
    kinds = {"norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1",
             "norm2": "out_layers.0", "conv2": "out_layers.3", "conv_shortcut": "skip_connection"}
    parts = name.split(".")
    head, rest = parts[0], parts[1:]
    if head == "controlnet_cond_embedding":
        place = {"conv_in": 0, "conv_out": 14}.get(rest[0])
        place = 2 * int(rest[1]) + 2 if place is None else place
        return f"input_hint_block.{place}.{rest[-1]}"
    if head == "controlnet_down_blocks":
        return f"zero_convs.{rest[0]}.0.{rest[1]}"
    if head == "controlnet_mid_block":
        return f"middle_block_out.0.{rest[0]}"
    if head == "conv_in":
        return f"input_blocks.0.0.{rest[0]}"
    if head == "time_embedding":
        return f"time_embed.{2 * int(rest[0][-1]) - 2}.{rest[1]}"
    if head == "mid_block":
        kind, index, tail = rest[0], int(rest[1]), rest[2:]
        if kind == "attentions":
            return ".".join(["middle_block.1", *tail])
        return ".".join([f"middle_block.{2 * index}", kinds[tail[0]], *tail[1:]])
    level, kind, index, tail = int(rest[0]), rest[1], int(rest[2]), rest[3:]
    block = 3 * level + 1 + index
    if kind == "downsamplers":
        return f"input_blocks.{3 * level + 3}.0.op.{tail[-1]}"
    if kind == "attentions":
        return ".".join([f"input_blocks.{block}.1", *tail])
    return ".".join([f"input_blocks.{block}.0", kinds[tail[0]], *tail[1:]])


@torch.no_grad()
def cases(out):
    """Residuals, features and predictions for a tiny UNet."""
    unet = UNet2DConditionModel.from_pretrained(out / UNET).double().eval()
    given = load_file(out / UNET / "cases.safetensors")
    latents, context = (given[f"5x7.{part}"].double() for part in ("latents", "context"))
    timestep = given["5x7.timestep"].double()[0]
    net = fill(ControlNetModel.from_unet(unet, **OF_UNET), "net").double()
    adapter = fill(T2IAdapter(**ADAPTER), "adapter").double()
    random = numpy.random.Generator(numpy.random.Philox(key=5))
    pictures = [normal(random, 1, 3, 10, 14).sigmoid().float().double() for _ in range(2)]
    tensors = {"picture0": pictures[0], "picture1": pictures[1]}

    def residuals(picture, scale, guess=False):
        both = picture.repeat(2, 1, 1, 1)
        return net(latents, timestep, context, both, scale, guess_mode=guess, return_dict=False)

    def predict(down, mid, **more):
        return unet(
            latents, timestep, context, down_block_additional_residuals=tuple(down),
            mid_block_additional_residual=mid, **more,
        ).sample

    for name, guess in (("plain", False), ("guess", True)):
        down, mid = residuals(pictures[0], 0.7, guess)
        tensors |= {f"{name}.skip{i}": x for i, x in enumerate(down)} | {f"{name}.mid": mid}
        tensors[f"{name}.eps"] = predict(down, mid)
    # MultiControlNetModel's sum.
    multi = MultiControlNetModel([net, net])
    both = [picture.repeat(2, 1, 1, 1) for picture in pictures]
    down, mid = multi(latents, timestep, context, both, [0.7, 0.4], return_dict=False)
    tensors["two.eps"] = predict(down, mid)
    features = adapter(pictures[0])
    tensors |= {f"level{i}": x for i, x in enumerate(features)}
    double = [torch.cat([0.9 * x] * 2) for x in features]
    tensors["adapter.eps"] = unet(
        latents, timestep, context, down_intrablock_additional_residuals=[x.clone() for x in double]
    ).sample
    tensors["both.eps"] = predict(down, mid, down_intrablock_additional_residuals=double)
    plain = unet(latents, timestep, context).sample
    for name in ("plain", "guess", "two", "adapter", "both"):
        print(f"  {name} differs by NMSE {nmse(tensors[f'{name}.eps'], plain):.1e}")
    return {name: x.float().contiguous() for name, x in tensors.items()}


def networks(pipe):
    def control(prefix):
        net = ControlNetModel.from_unet(pipe.unet, **OF_TINY)
        return fill(net, prefix).float()

    adapter = lambda prefix, **more: fill(T2IAdapter(**ADAPTER_OF_TINY, **more), prefix).float()
    return {"a": control("a"), "b": control("b"), "t2i": adapter("t2i"),
            "gray": adapter("gray", in_channels=1)}


def pipeline(pipe, nets, controls, begun):
    """The pipeline for the kind of controls, and what is passed to it."""
    used = [nets[control["net"]] for control in controls]
    weights = [control.get("weight", 1.0) for control in controls]
    images = [initial(*control["picture"]) for control in controls]
    parts = {name: part for name, part in pipe.components.items() if name != "image_encoder"}
    one = len(controls) == 1
    first = lambda values: values[0] if one else values
    if isinstance(used[0], T2IAdapter):
        images = [image.convert("L") if net.config.in_channels == 1 else image
                  for net, image in zip(used, images)]
        made = StableDiffusionAdapterPipeline(
            **parts, adapter=used[0] if one else MultiAdapter(used),
            requires_safety_checker=False)
        return made, {"image": first(images), "adapter_conditioning_scale": first(weights)}
    kind = StableDiffusionControlNetImg2ImgPipeline if begun else StableDiffusionControlNetPipeline
    made = kind(**pipe.components, controlnet=used[0] if one else used,
                requires_safety_checker=False)
    given = {
        "control_image" if begun else "image": first(images),
        "controlnet_conditioning_scale": first(weights),
        "control_guidance_start": first([control.get("start", 0.0) for control in controls]),
        "control_guidance_end": first([control.get("end", 1.0) for control in controls]),
        "guess_mode": controls[0].get("guess", False),
    }
    return made, given


def run(pipe, nets, request, controls):
    """The final latents and the picture, in 0…1 and channels first."""
    scheduler_class, of_class = CLASSES[request["sampler"]]
    pipe.scheduler = scheduler_class.from_config({**pipe.config_of_model, **of_class})
    begun = "strength" in request
    made, given = pipeline(pipe, nets, controls, begun)
    made.scheduler = pipe.scheduler
    made.set_progress_bar_config(disable=True)
    if begun:
        size = (request["width"], request["height"])
        given |= {"image": initial(*size), "strength": request["strength"]}
    seen = []
    decode = pipe.vae.decode
    factor = pipe.vae.config.scaling_factor

    def recorded(latents, *rest, **named):
        seen.append(latents.numpy() * factor)
        return decode(latents, *rest, **named)

    pipe.vae.decode = recorded
    image = made(
        request["prompt"], negative_prompt=request["negative_prompt"],
        num_inference_steps=request["steps"], guidance_scale=request["guidance_scale"],
        width=request["width"], height=request["height"], output_type="np",
        generator=torch.Generator().manual_seed(int(request["seed"])), **given,
    ).images
    pipe.vae.decode = decode
    return seen[-1], numpy.asarray(image).transpose(0, 3, 1, 2)


def write(out):
    torch.set_grad_enabled(False)
    folder = out / "controlnet"
    folder.mkdir(exist_ok=True)
    published(folder)
    save_file(cases(out), folder / "cases.safetensors")
    pipe = open_tiny()
    nets = networks(pipe)
    requests, arrays = {}, {}
    for name, (changes, controls) in CASES.items():
        request = REQUEST | changes
        requests[name] = {"request": request, "controls": controls}
        latents, image = run(pipe, nets, request, controls)
        arrays[f"{name}.latents"] = numpy.ascontiguousarray(latents, numpy.float32)
        # A picture is compared to 0.5/255, which half precision resolves eight times.
        arrays[f"{name}.image"] = numpy.ascontiguousarray(image, numpy.float16)
        plain = [run(pipe, nets, request, [control | {"weight": 0.0} for control in controls])[1]]
        print(f"  {name}: the controls move the picture by {abs(image - plain[0]).mean() * 255:.1f}/255")
    metadata = {
        "made_by": "scripts/golden.py controlnet",
        "model": f"synth --config tiny --seed {SEED_OF_MODEL}", "requests": json.dumps(requests),
    }
    save_arrays(arrays, folder / "pictures.safetensors", metadata)
    (folder / "pictures.safetensors").chmod(0o644)
