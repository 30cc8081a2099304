"""torch's CPU generator, the integers of the Mersenne Twister beneath it, and numpy's normals.

torch's generator of NVIDIA GPUs needs one; its published numbers stand in tests/noise.rs. Here is
the arithmetic of AUTOMATIC1111's modules/rng_philox.py, said again in numpy, for other seeds.
"""

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


def halves(array: numpy.ndarray) -> dict:
    """The first and last 16 doubles as text that gives the same bits back, and a hash of all as
    float32, which is what latents are made of."""
    short = numpy.concatenate([array[:16], array[-16:]]).tolist()
    return {"ends": short, "fnv": fnv(array.astype(numpy.float32).tobytes())}


def philox(seed: int, draw: int, n: int) -> numpy.ndarray:
    u64, low = numpy.uint64, numpy.uint64(0xFFFFFFFF)
    half = u64(32)
    counter = [numpy.full(n, draw, u64), numpy.zeros(n, u64), numpy.arange(n, dtype=u64),
               numpy.zeros(n, u64)]
    key = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        first, second = counter[0] * u64(0xD2511F53), counter[2] * u64(0xCD9E8D57)
        counter = [second >> half ^ counter[1] ^ u64(key[0]), second & low,
                   first >> half ^ counter[3] ^ u64(key[1]), first & low]
        key = [key[0] + 0x9E3779B9 & 0xFFFFFFFF, key[1] + 0xBB67AE85 & 0xFFFFFFFF]
    unit = numpy.array([2.3283064e-10], numpy.float32)
    angle = numpy.array([2.3283064e-10 * 6.2831855], numpy.float32)
    a, b = (word.astype(numpy.uint32) for word in counter[:2])
    radius = numpy.sqrt(-2.0 * numpy.log(a * unit + unit / 2))
    return (radius * numpy.sin(b * angle + angle / 2)).astype(numpy.float64)


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
    polar, gpu = [], []
    for seed in SEEDS:
        if seed < 2**32:
            for length in (15, 16384):
                legacy = numpy.random.RandomState(seed)
                polar.append({"seed": str(seed), "length": length,
                              **halves(legacy.standard_normal(length))})
        for draw in (0, 3):
            gpu.append({"seed": str(seed), "draw": draw, **halves(philox(seed, draw, 16384))})
    save(out / "noise.json", integers=integers, uniforms=uniforms, normals=normals, chain=chain,
         numpy=polar, philox=gpu)
