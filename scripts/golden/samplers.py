"""Samplers of diffusers: timesteps, scales, and the coefficients found by probing `step`.

A step is linear in its latents, in the model's answer, in noise, and in those of the steps before
it
that the scheduler remembers. So every evaluation gets latents, an answer and noise that are unit
vectors of their own, and the result shows the factors as shipped, in float32.
"""

import importlib

import torch
from diffusers import (
    DDIMScheduler, DDPMScheduler, DEISMultistepScheduler, DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler, EulerDiscreteScheduler, HeunDiscreteScheduler,
    KDPM2AncestralDiscreteScheduler, KDPM2DiscreteScheduler, LCMScheduler, LMSDiscreteScheduler,
    PNDMScheduler, TCDScheduler, UniPCMultistepScheduler,
)

from . import save
from .schedule import V1_4

CLASSES = {
    "ddim": (DDIMScheduler, {}),
    "pndm": (PNDMScheduler, {}),
    "lms": (LMSDiscreteScheduler, {}),
    "euler": (EulerDiscreteScheduler, {}),
    "euler_ancestral": (EulerAncestralDiscreteScheduler, {}),
    "heun": (HeunDiscreteScheduler, {}),
    "dpmpp_2m": (DPMSolverMultistepScheduler, {}),
    "dpmpp_2m_sde": (DPMSolverMultistepScheduler, {"algorithm_type": "sde-dpmsolver++"}),
    "unipc": (UniPCMultistepScheduler, {}),
    "lcm": (LCMScheduler, {}),
    "tcd": (TCDScheduler, {}),
    "dpm_2": (KDPM2DiscreteScheduler, {}),
    "dpm_2_ancestral": (KDPM2AncestralDiscreteScheduler, {}),
    "deis": (DEISMultistepScheduler, {}),
    "ddpm": (DDPMScheduler, {}),
}
KARRAS = ["lms", "euler", "heun", "dpmpp_2m", "dpmpp_2m_sde", "unipc", "dpm_2", "dpm_2_ancestral",
          "deis"]
# In float32 little is left here of the level that an ancestral step goes down to; k_diffusion.py has
# it in float64.
CANCELS = [("dpm_2_ancestral", 2)]
# Classes that rescale the betas.
ZERO_SNR = ["ddim", "ddpm", "euler", "euler_ancestral", "dpmpp_2m", "dpmpp_2m_sde", "unipc", "lcm",
            "tcd"]
LINEAR = {"num_train_timesteps": 1100, "beta_start": 0.0001, "beta_end": 0.02,
          "beta_schedule": "linear", "clip_sample": False, "skip_prk_steps": True}
CONFIGS = {
    "v1.4": V1_4,
    "v": {**V1_4, "prediction_type": "v_prediction"},
    "karras": {**V1_4, "use_karras_sigmas": True},
    "alpha one": {**V1_4, "set_alpha_to_one": True},
    **{name: {**V1_4, "timestep_spacing": name} for name in ("leading", "linspace", "trailing")},
    "linear": LINEAR,
    "linear v": {**LINEAR, "prediction_type": "v_prediction"},
    "linear karras": {**LINEAR, "use_karras_sigmas": True},
    "zero snr": {**V1_4, "prediction_type": "v_prediction", "rescale_betas_zero_snr": True,
                 "timestep_spacing": "trailing"},
    "few": {**V1_4, "original_inference_steps": 30, "timestep_scaling": 2.5},
}
# Evaluations that a row looks back on, and those of a long run that are kept.
BACK = 4
FIRST, LAST = 5, 3


def cases():
    """(sampler, name of the config, steps, eta)"""
    for sampler in CLASSES:
        yield from ((sampler, "v1.4", steps, 0) for steps in (1, 2, 5, 20, 50)
                    if (sampler, steps) not in CANCELS)
        for name in ("leading", "linspace", "trailing"):
            yield from ((sampler, name, steps, 0) for steps in (1, 7))
        yield sampler, "v", 6, 0
        yield sampler, "linear", 10, 0
    for sampler in KARRAS:
        yield from ((sampler, "karras", steps, 0) for steps in (1, 2, 20)
                    if (sampler, steps) not in CANCELS)
    for sampler in ZERO_SNR:
        yield from ((sampler, "zero snr", steps, 0) for steps in (2, 8))
    yield "ddim", "alpha one", 4, 0
    yield from (("ddim", "v1.4", 5, eta) for eta in (0.5, 1))
    yield "ddim", "v", 5, 1
    for name in ("v1.4", "v"):
        for steps in (1, 2, 4, 8):
            yield from (("tcd", name, steps, eta) for eta in (0, 0.3, 1))
    for sampler in ("lcm", "tcd"):
        yield from ((sampler, "few", steps, 0) for steps in (1, 4, 30))


def distilled():
    """(sampler, name of the config, steps, eta, strength)"""
    for sampler, eta in (("lcm", 0), ("tcd", 0.3), ("tcd", 1)):
        for steps, strength in ((4, 0.8), (1, 0.02), (8, 0.5), (3, 1.0), (4, 0.29)):
            yield sampler, "v1.4", steps, eta, strength
        yield sampler, "few", 4, eta, 0.55
        yield sampler, "v", 2, eta, 0.3


def given():
    """(sampler, name of the config, eta, timesteps)"""
    # Hyper-SD's LoRA of one step, as its model card has it.
    yield "tcd", "v1.4", 1, [800]
    for sampler, eta in (("lcm", 0), ("tcd", 0.3), ("tcd", 1)):
        yield sampler, "v1.4", eta, [999, 749, 500, 0]
        yield sampler, "v", eta, [800, 20]
        yield sampler, "few", eta, [640]


def scheduler_of(sampler, name):
    scheduler_class, changes = CLASSES[sampler]
    return scheduler_class.from_config({**CONFIGS[name], **changes})


def number(value, digits):
    """Short in JSON."""
    value = float(f"{float(value):.{digits}g}")
    return int(value) if value == int(value) else value


def probe(scheduler, eta, timesteps=None) -> list:
    """Of each evaluation [timestep, input scale, factors]: of the noise, of the latents and the
    answer, then of those one, two, three evaluations before."""
    timesteps = scheduler.timesteps if timesteps is None else timesteps
    count = len(timesteps)
    units = torch.eye(3 * count).reshape(3 * count, 1, -1)
    module = importlib.import_module(type(scheduler).__module__)
    extra = {"eta": eta} if "eta" in type(scheduler).step.__code__.co_varnames else {}
    rows, drawn = [], iter(units[2 * count:])
    original = getattr(module, "randn_tensor", None)
    module.randn_tensor = lambda *_, **__: next(drawn)
    for index, timestep in enumerate(timesteps):
        one = torch.ones(1, 1)
        scale = float(scheduler.scale_model_input(one, timestep))
        latents, answer = units[index], units[count + index]
        result = scheduler.step(answer, timestep, latents, **extra).prev_sample.reshape(3, -1)
        row = [result[kind][index - back] if index >= back else 0
               for back in range(BACK) for kind in (0, 1)]
        row = [number(factor, 7) for factor in (result[2].sum(), *row)]
        while row[-1] == 0:
            row.pop()
        rows.append([number(timestep, 9), number(scale, 8), *row])
    module.randn_tensor = original
    return rows


def shortened(rows) -> dict:
    """Times and scales of all evaluations, factors of some, by their index."""
    some = [index for index in range(len(rows))
            if index < FIRST or index >= len(rows) - LAST or index == len(rows) // 2]
    return {
        "times": [row[0] for row in rows],
        "scales": [row[1] for row in rows] if rows[0][1] != 1 else [],
        "rows": [[index, *rows[index][2:]] for index in some],
    }


def dummy_latents() -> torch.Tensor:
    """diffusers, tests/schedulers/test_schedulers.py: dummy_sample_deter."""
    return (torch.arange(768).reshape(3, 8, 8, 4) / 768).permute(3, 0, 1, 2)


def full_loop(scheduler) -> float:
    """Sum of |latents| after ten steps of the model input · t / (t + 1)."""
    scheduler.set_timesteps(10)
    latents = dummy_latents() * scheduler.init_noise_sigma
    generator = torch.manual_seed(0)
    extra = {"generator": generator} if "generator" in scheduler.step.__code__.co_varnames else {}
    for timestep in scheduler.timesteps:
        scaled = scheduler.scale_model_input(latents, timestep)
        answer = scaled * timestep / (timestep + 1)
        latents = scheduler.step(answer, timestep, latents, **extra).prev_sample
    return float(latents.abs().sum())


def write(out) -> None:
    plans, loops = [], []
    for sampler, name, steps, eta in cases():
        scheduler = scheduler_of(sampler, name)
        scheduler.set_timesteps(steps)
        case = {"sampler": sampler, "config": name, "steps": steps, "eta": eta}
        case["init_noise_sigma"] = float(scheduler.init_noise_sigma)
        plans.append(case | shortened(probe(scheduler, eta)))
    for name in ("linear", "linear v", "linear karras"):
        for sampler in KARRAS if name == "linear karras" else CLASSES:
            total = full_loop(scheduler_of(sampler, name))
            loops.append({"sampler": sampler, "config": name, "sum": total})
    begun = []
    for sampler, name, steps, eta, strength in distilled():
        scheduler = scheduler_of(sampler, name)
        scheduler.set_timesteps(steps, strength=strength)
        case = {"sampler": sampler, "config": name, "steps": steps, "eta": eta,
                "strength": strength}
        begun.append(case | shortened(probe(scheduler, eta)))
    lists = []
    for sampler, name, eta, timesteps in given():
        scheduler = scheduler_of(sampler, name)
        scheduler.set_timesteps(timesteps=timesteps)
        case = {"sampler": sampler, "config": name, "steps": len(timesteps), "eta": eta}
        lists.append(case | shortened(probe(scheduler, eta)))
    save(out / "samplers.json", configs=CONFIGS, plans=plans, loops=loops, distilled=begun,
         given=lists)
