"""Noise schedules: torch's float32 tables for a scheduler config, as DDIM and Euler hold them."""

import numpy
import torch
from diffusers import DDIMScheduler

from . import fnv, save

V1_4 = {
    "_class_name": "PNDMScheduler",
    "_diffusers_version": "0.7.0.dev0",
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "num_train_timesteps": 1000,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "trained_betas": None,
    "clip_sample": False,
}

CONFIGS = [
    V1_4,
    {"num_train_timesteps": 1000},
    {"num_train_timesteps": 1100, "beta_start": 0.0001, "beta_end": 0.02},
    {"num_train_timesteps": 7, "beta_end": 0.3, "beta_schedule": "scaled_linear"},
    {"num_train_timesteps": 1, "beta_start": 0.01, "beta_end": 0.02, "beta_schedule": "linear"},
    {"num_train_timesteps": 4, "trained_betas": [0.1, 0.2, 0.3, 0.4]},
]


def table(array: numpy.ndarray) -> dict:
    """A few entries as bits, and a hash of all."""
    places = sorted({0, 1, len(array) // 2, len(array) - 1} & set(range(len(array))))
    some = [[place, int(array.view(numpy.uint32)[place])] for place in places]
    return {"some": some, "fnv": fnv(array.tobytes())}


def sigmas(alphas: torch.Tensor) -> dict:
    """The table from numpy's square root, and how far torch's is from it: up to 1 in the last
    place, because torch's vectorised root is not correctly rounded."""
    shipped = (((1 - alphas) / alphas) ** 0.5).numpy()
    exact = numpy.sqrt(((1 - alphas) / alphas).numpy())
    ulps = numpy.abs(shipped.view(numpy.int32) - exact.view(numpy.int32)).max()
    return {**table(exact), "ulps_of_torch": int(ulps)}


def write(out) -> None:
    cases = []
    for config in CONFIGS:
        scheduler = DDIMScheduler.from_config(config)
        cases.append({
            "config": config,
            "betas": table(scheduler.betas.numpy()),
            "alphas_cumprod": table(scheduler.alphas_cumprod.numpy()),
            "sigmas": sigmas(scheduler.alphas_cumprod),
        })
    save(out / "schedule.json", cases=cases)
