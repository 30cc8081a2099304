"""Stable Diffusion v1.4's own topology: each network once, on a made-up checkpoint.

`darkroom synth --config sd-v1-4` makes 2 GB of weights from nothing but names and a seed; the test
makes them again. So are the inputs: `numbers` is the same generator as the program's. Outputs are
computed in float64 from the f16 weights. Takes some minutes and 8 GB of memory.
"""

import tempfile

import diffusers.models.activations
import numpy
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.numpy import save_file
from transformers import CLIPTextModel

from . import walk

SEED_OF_MODEL = 1
GOLDEN_RATIO = 0x9E3779B97F4A7C15
MASK = (1 << 64) - 1
# Every so many tokens of the context are kept.
TOKENS_KEPT = 7


def mix(z):
    """The finaliser of splitmix64, of a number or an array of u64."""
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
    return z ^ (z >> 31)


def numbers(name, *shape):
    """Uniform numbers of variance 1, from the name alone."""
    key = 0xCBF29CE484222325
    for byte in name.encode():
        key = (key ^ byte) * 0x100000001B3 & MASK
    key = mix(key ^ mix(0))
    size = int(numpy.prod(shape))
    # Numbers of u64 wrap around, as they should.
    bits = mix(numpy.arange(size, dtype=numpy.uint64) * numpy.uint64(GOLDEN_RATIO) + numpy.uint64(key))
    unit = (bits >> 40).astype(numpy.float64) / (1 << 23) - 1
    # As float32, which both sides read.
    values = (unit.astype(numpy.float32) * numpy.float32(3**0.5)).astype(numpy.float64)
    return torch.from_numpy(values.reshape(shape))


def unet(model, arrays):
    net = UNet2DConditionModel.from_pretrained(f"{model}/unet").double()
    context = numbers("context", 2, 77, 768)
    for side, timestep in [(8, 981), (16, 1)]:
        latents = numbers(f"latents {side}", 2, 4, side, side)
        arrays[f"unet_{side}"] = net(latents, timestep, context).sample
    # What a program with the wrong GELU answers.
    gelu = torch.nn.functional.gelu
    diffusers.models.activations.F.gelu = lambda x: gelu(x, approximate="tanh")
    arrays["unet_8.tanh"] = net(numbers("latents 8", 2, 4, 8, 8), 981, context).sample
    diffusers.models.activations.F.gelu = gelu


def text_encoder(model, arrays):
    net = CLIPTextModel.from_pretrained(f"{model}/text_encoder").double()
    ids = torch.tensor([[49406, *range(320, 20000, 256)][:76] + [49407]])
    arrays["text_encoder.ids"] = ids.double()
    arrays["text_encoder"] = net(ids).last_hidden_state[:, ::TOKENS_KEPT]


def vae(model, arrays):
    net = AutoencoderKL.from_pretrained(f"{model}/vae").double()
    arrays["vae_decoder"] = net.decode(numbers("latents 8", 1, 4, 8, 8)).sample
    posterior = net.encode(numbers("picture", 1, 3, 64, 64)).latent_dist
    arrays["vae_encoder"] = posterior.mean


def write(out):
    torch.set_grad_enabled(False)
    arrays = {}
    with tempfile.TemporaryDirectory() as model:
        walk.synth("sd-v1-4", SEED_OF_MODEL, model)
        for network in [unet, text_encoder, vae]:
            network(model, arrays)
    arrays = {name: array.numpy().astype(numpy.float32) for name, array in arrays.items()}
    metadata = {
        "made_by": "scripts/golden.py synth",
        "model": f"synth --config sd-v1-4 --seed {SEED_OF_MODEL}",
    }
    save_file(arrays, out / "synth.safetensors", metadata)
    (out / "synth.safetensors").chmod(0o644)
