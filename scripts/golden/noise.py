"""torch's CPU generator, and the integers of the Mersenne Twister beneath it."""

import numpy
import torch

from . import fnv, save

SEEDS = [0, 1, 42, 2**32 - 1, 2**63]
LENGTHS = [1, 3, 15, 16, 17, 31, 100, 16384]


def bits(tensor: torch.Tensor) -> list[int]:
    return tensor.numpy().view(numpy.uint32).tolist()


def ends(tensor: torch.Tensor) -> dict:
    """All numbers of a short tensor, first and last 16 of a long one, and a hash of all."""
    short = tensor if tensor.numel() <= 32 else torch.cat([tensor[:16], tensor[-16:]])
    return {"bits": bits(short), "fnv": fnv(tensor.numpy().tobytes())}


def write(out) -> None:
    integers, uniforms, normals = [], [], []
    for seed in SEEDS:
        legacy = numpy.random.RandomState(seed & 0xFFFFFFFF)
        words = legacy.randint(0, 2**32, 2000, dtype=numpy.uint32)
        integers.append({"seed": str(seed), "fnv": fnv(words.tobytes())})
        generator = torch.Generator().manual_seed(seed)
        uniforms.append({"seed": str(seed), **ends(torch.rand(2000, generator=generator))})
        for length in LENGTHS:
            generator = torch.Generator().manual_seed(seed)
            tensor = torch.randn(length, generator=generator)
            normals.append({"seed": str(seed), "length": length, **ends(tensor)})
    # Draws that continue one another: the waiting number of a pair outlives a long draw.
    generator = torch.Generator().manual_seed(7)
    chain = [torch.randn(n, generator=generator) for n in (3, 20, 3, 16, 1, 1)]
    chain = [{"length": tensor.numel(), "bits": bits(tensor)} for tensor in chain]
    save(out / "noise.json", integers=integers, uniforms=uniforms, normals=normals, chain=chain)
