"""Runs with a mask: diffusers' StableDiffusionInpaintPipeline on the tiny made-up model of walk.py,
with UNets of 4 and of 9 channels, and StableDiffusionInstructPix2PixPipeline with one of 8.

Of each run the first and the final latents are kept, and some of the pictures. `whole` is a
picture that was made in a part of another one and put back over it. masks.json has what Pillow and
diffusers make of masks: blurs, regions, and pictures laid over others.
"""

import json
import tempfile

import numpy
import torch
from diffusers import StableDiffusionInpaintPipeline, StableDiffusionInstructPix2PixPipeline
from diffusers.image_processor import VaeImageProcessor
from PIL import Image
from safetensors.numpy import save_file

import compare_diffusers

from . import fnv, resize_width_first, save
from .img2img import initial, recorded
from .samplers import CLASSES
from .walk import SEED_OF_MODEL, synth

REQUEST = {
    "prompt": "a red cat on a yellow background", "negative_prompt": "blue, blurry", "seed": "7",
    "steps": 10, "guidance_scale": 7.5, "width": 64, "height": 64,
}
STRENGTHS = (1.0, 0.75, 0.3)
SAMPLERS = ("ddim", "pndm", "euler_ancestral", "dpmpp_2m")
SIZE = (64, 64)
# Channels of the UNet's input, what differs from REQUEST, and the size of the start picture.
CASES = {
    f"{channels} {sampler} {strength}":
        (channels, {"sampler": sampler, "strength": strength}, SIZE)
    for channels in (4, 9) for sampler in SAMPLERS for strength in STRENGTHS
}
CASES |= {
    f"4 {sampler}": (4, {"sampler": sampler, "strength": 0.6}, SIZE)
    for sampler in CLASSES if sampler not in SAMPLERS
}
CASES["4 tcd"][1]["eta"] = 0.3
CASES |= {
    "4 no guidance": (4, {"sampler": "euler", "guidance_scale": 1.0, "strength": 0.5}, SIZE),
    "9 no guidance": (9, {"sampler": "euler", "guidance_scale": 1.0, "strength": 1.0}, SIZE),
    "4 wide": (4, {"sampler": "ddim", "strength": 0.75, "width": 96, "height": 40}, (90, 51)),
    "4 blur": (4, {"sampler": "ddim", "strength": 0.75, "mask_blur": 3.0}, SIZE),
    "4 crop": (4, {"sampler": "ddim", "strength": 0.75, "padding_mask_crop": 8}, (120, 88)),
    "9 crop": (9, {"sampler": "ddim", "strength": 1.0, "padding_mask_crop": 20,
                   "mask_blur": 2.0}, (72, 130)),
}
EDITS = {
    f"8 {sampler} {scale}": (8, {"sampler": sampler, "image_guidance_scale": scale}, SIZE)
    for sampler in ("ddim", "euler_ancestral") for scale in (1.0, 1.5, 2.0)
}
EDITS |= {
    "8 no guidance": (8, {"sampler": "pndm", "image_guidance_scale": 0.5}, SIZE),
    "8 resized": (8, {"sampler": "dpmpp_2m", "image_guidance_scale": 1.5, "width": 48}, (90, 51)),
}
PICTURES = ["4 ddim 0.75", "4 euler_ancestral 1.0", "9 ddim 1.0", "9 pndm 0.3", "8 ddim 1.5",
            "4 wide"]


def mask_of(width, height):
    """A mask that the test makes as well: an ellipse, and a strip of grey."""
    y, x = numpy.mgrid[:height, :width]
    inside = (16 * x - 7 * width) ** 2 * height ** 2 + (16 * y - 9 * height) ** 2 * width ** 2
    mask = numpy.where(inside < 16 * width ** 2 * height ** 2, 255, 0)
    mask[(y > 13 * height // 16) & (4 * x > width) & (4 * x < 3 * width)] = 140
    return Image.fromarray(mask.astype(numpy.uint8), "L")


def run(pipe, request, size):
    """The latents before the first and after the last step, and the picture."""
    latents, keep = recorded(pipe, request)
    common = {
        "negative_prompt": request["negative_prompt"], "num_inference_steps": request["steps"],
        "guidance_scale": request["guidance_scale"],
        "generator": torch.Generator().manual_seed(int(request["seed"])),
        "callback_on_step_end": keep,
    }
    if "image_guidance_scale" in request:
        # This pipeline makes pictures of the size of the picture that it is given.
        picture = initial(*size).resize(
            (request["width"], request["height"]), Image.Resampling.LANCZOS)
        image = pipe(
            request["prompt"], picture, image_guidance_scale=request["image_guidance_scale"],
            output_type="np", **common,
        ).images
        return *latents, image
    mask = mask_of(*size)
    if request.get("mask_blur"):
        mask = pipe.mask_processor.blur(mask, request["mask_blur"])
    crop = request.get("padding_mask_crop")
    image = pipe(
        request["prompt"], initial(*size), mask, strength=request["strength"],
        eta=request.get("eta", 0.0), width=request["width"], height=request["height"],
        padding_mask_crop=crop, output_type="np" if crop is None else "pil", **common,
    ).images
    return *latents, image if crop is None else numpy.array(image[0])


def open_tiny(channels):
    with tempfile.TemporaryDirectory() as model:
        synth("tiny", SEED_OF_MODEL, model, f"--in-channels={channels}")
        parts = compare_diffusers.open_pipeline(model).components
    if channels == 8:
        pipe = StableDiffusionInstructPix2PixPipeline(**parts, requires_safety_checker=False)
    else:
        pipe = StableDiffusionInpaintPipeline(**parts, requires_safety_checker=False)
    pipe.config_of_model = pipe.scheduler.config
    pipe.set_progress_bar_config(disable=True)
    return pipe


def pixels():
    """What becomes of masks and pictures without any model."""
    processor = VaeImageProcessor()
    hashed = lambda image: fnv(image.tobytes())
    blurs = [
        {"size": size, "radius": radius,
         "fnv": hashed(processor.blur(mask_of(*size), radius))}
        for size in ((64, 64), (37, 90), (5, 3)) for radius in (0.3, 1.0, 2.5, 4.0, 9.0, 33.0)
    ]
    regions = []
    for size, to in (((120, 88), (64, 64)), ((72, 130), (64, 40)), ((90, 51), (40, 96)),
                     ((300, 40), (64, 64)), ((33, 35), (128, 128))):
        for padding in (0, 7, 64):
            mask, picture = mask_of(*size), initial(*size)
            region = processor.get_crop_region(mask, *to, pad=padding)
            cut = [processor.resize(image.crop(region), to[1], to[0], "fill")
                   for image in (picture, mask)]
            made = initial(*to).transpose(Image.Transpose.ROTATE_180)
            soft = processor.blur(mask, 3)
            around = processor.get_crop_region(soft, *to, pad=padding)
            regions.append({
                "size": size, "to": to, "padding": padding, "region": region,
                "picture": hashed(cut[0]), "mask": hashed(cut[1].convert("L")),
                "put": hashed(processor.apply_overlay(soft, picture, made, around)),
            })
    over = [
        {"size": size, "radius": radius, "fnv": hashed(processor.apply_overlay(
            processor.blur(mask_of(*size), radius), initial(*size),
            initial(*size).transpose(Image.Transpose.ROTATE_180)))}
        for size in ((64, 64), (91, 33)) for radius in (0, 2, 12)
    ]
    sizes = [
        {"from": size, "to": to, "fnv": hashed(mask_of(*size).resize(to, Image.Resampling.LANCZOS))}
        for size in ((64, 64), (37, 90)) for to in ((8, 8), (64, 40), (150, 91))
    ]
    return {"blurs": blurs, "regions": regions, "over": over, "sizes": sizes}


def write(out):
    torch.set_grad_enabled(False)
    Image.Image.resize = resize_width_first
    save(out / "masks.json", **pixels())
    # The name in the file is this module's.
    path = out / "masks.json"
    path.write_text(path.read_text().replace("golden.py masks", "golden.py inpaint"))
    pipes = {channels: open_tiny(channels) for channels in (4, 8, 9)}
    requests, arrays = {}, {}
    for name, (channels, changes, size) in (CASES | EDITS).items():
        request = REQUEST | changes
        requests[name] = {"request": request, "initial": size, "channels": channels}
        first, final, image = run(pipes[channels], request, size)
        print(f"  {name}")
        arrays[f"{name}.first"] = numpy.ascontiguousarray(first, numpy.float32)
        arrays[f"{name}.final"] = numpy.ascontiguousarray(final, numpy.float32)
        if "padding_mask_crop" in request:
            arrays[f"{name}.whole"] = image.astype(numpy.float16)
        elif name in PICTURES:
            # A picture is compared to 0.5/255, which half precision resolves 8 times.
            image = image.transpose(0, 3, 1, 2)
            arrays[f"{name}.image"] = numpy.ascontiguousarray(image, numpy.float16)
    metadata = {
        "made_by": "scripts/golden.py inpaint",
        "model": f"synth --config tiny --seed {SEED_OF_MODEL} --in-channels N",
        "requests": json.dumps(requests),
    }
    save_file(arrays, out / "inpaint.safetensors", metadata)
    (out / "inpaint.safetensors").chmod(0o644)
