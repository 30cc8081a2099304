"""Samplers of diffusers: timesteps, scales, and the coefficients found by probing `step`.

A sampler without memory is linear in the latents and in the model's answer, so two steps with
(latents, answer) = (1, 0) and (0, 1) give its coefficients as shipped, in float32.
"""

import torch
from diffusers import DDIMScheduler, EulerDiscreteScheduler

from . import save
from .schedule import V1_4

CLASSES = {"ddim": DDIMScheduler, "euler": EulerDiscreteScheduler}
LINEAR = {"num_train_timesteps": 1100, "beta_start": 0.0001, "beta_end": 0.02,
          "beta_schedule": "linear", "clip_sample": False}


def cases():
    """(name of the config, config, steps)"""
    yield from (("v1.4", V1_4, steps) for steps in (1, 2, 5, 20, 50))
    for spacing in ("leading", "linspace", "trailing"):
        config = {**V1_4, "timestep_spacing": spacing}
        yield from ((spacing, config, steps) for steps in (1, 7, 30))
    yield from (("v", {**V1_4, "prediction_type": "v_prediction"}, steps) for steps in (1, 7))
    yield "alpha one", {**V1_4, "set_alpha_to_one": True}, 4
    yield "linear", LINEAR, 10


def probe(scheduler) -> list:
    """[timestep, input scale, factor of the latents, factor of the answer] of each step."""
    rows = []
    one, zero = torch.ones(1, 1), torch.zeros(1, 1)
    for index, timestep in enumerate(scheduler.timesteps):
        row = [float(timestep), float(scheduler.scale_model_input(one, timestep))]
        for latents, answer in ((one, zero), (zero, one)):
            if hasattr(scheduler, "_step_index"):
                scheduler._step_index = index
            row.append(float(scheduler.step(answer, timestep, latents).prev_sample))
        rows.append([float(f"{number:.9g}") for number in row])
    return rows


def dummy_latents() -> torch.Tensor:
    """diffusers, tests/schedulers/test_schedulers.py: dummy_sample_deter."""
    return (torch.arange(768).reshape(3, 8, 8, 4) / 768).permute(3, 0, 1, 2)


def full_loop(scheduler) -> float:
    """Sum of |latents| after ten steps of the model input · t / (t + 1)."""
    scheduler.set_timesteps(10)
    latents = dummy_latents() * scheduler.init_noise_sigma
    for timestep in scheduler.timesteps:
        scaled = scheduler.scale_model_input(latents, timestep)
        answer = scaled * timestep / (timestep + 1)
        latents = scheduler.step(answer, timestep, latents).prev_sample
    return float(latents.abs().sum())


def write(out) -> None:
    plans, loops = [], []
    for name, config, steps in cases():
        for sampler, scheduler_class in CLASSES.items():
            scheduler = scheduler_class.from_config(config)
            scheduler.set_timesteps(steps)
            plans.append({
                "sampler": sampler, "name": name, "config": config, "steps": steps,
                "init_noise_sigma": float(scheduler.init_noise_sigma),
                "rows": probe(scheduler),
            })
    for prediction in ("epsilon", "v_prediction"):
        for sampler, scheduler_class in CLASSES.items():
            config = {**LINEAR, "prediction_type": prediction}
            total = full_loop(scheduler_class.from_config(config))
            loops.append({"sampler": sampler, "config": config, "sum": total})
    save(out / "samplers.json", plans=plans, loops=loops)
