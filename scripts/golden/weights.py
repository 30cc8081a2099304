"""Files as the usual libraries write them: safetensors, .npy, PNG with text."""

import io

import numpy
import torch
from PIL import Image, PngImagePlugin
from safetensors.torch import save_file

from . import save


def npy(array: numpy.ndarray, **options) -> str:
    file = io.BytesIO()
    numpy.save(file, array, **options)
    return file.getvalue().hex()


def safetensors(path) -> None:
    floats = torch.tensor([[0.0, -1.5, 65504.0], [2.0**-14, 2.0**-24, 0.333251953125]])
    tensors = {
        "floats.f32": floats,
        "floats.f16": floats.to(torch.float16),
        "floats.bf16": floats.to(torch.bfloat16),
        "floats.f64": floats.to(torch.float64),
        "position_ids": torch.arange(5).reshape(1, 5),
        "mask": torch.tensor([True, False, True]),
        "scalar": torch.tensor(7.0),
        "empty": torch.zeros(0, 4),
    }
    save_file(tensors, path, {"made_by": "scripts/golden.py weights"})


def png(path) -> None:
    """Grey with a palette of opacities, and texts of all three kinds."""
    picture = Image.new("LA", (3, 2))
    picture.putdata([(0, 255), (50, 0), (100, 7), (150, 255), (200, 255), (250, 255)])
    texts = PngImagePlugin.PngInfo()
    texts.add_text("made_by", "scripts/golden.py weights")
    texts.add_text("parameters", "a red cat\nSteps: 20, Sampler: Euler, Seed: 1", zip=True)
    texts.add_itxt("darkroom", '{"prompt": "\u732b \U0001f408"}', zip=True)
    picture.save(path, pnginfo=texts)


def write(out) -> None:
    safetensors(out / "weights.safetensors")
    png(out / "pillow.png")
    save(
        out / "npy.json",
        f32=npy(numpy.array([[1.5, -2.0, 3.25]], numpy.float32)),
        i64=npy(numpy.arange(4)),
        f64=npy(numpy.array([[0.1], [2.0]])),
        column_order=npy(numpy.asfortranarray(numpy.ones((2, 3), numpy.float32))),
        big_endian=npy(numpy.ones(2, ">f4")),
    )
