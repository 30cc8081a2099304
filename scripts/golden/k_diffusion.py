"""Samplers and schedules of k-diffusion, which diffusers has not, or not so.

Each run of a sampler is one of vectors: latents, every answer of the model and every noise are unit
vectors of their own, so the latents at each evaluation and at the end show the factors, in float64.
The samplers of latents x₀ + σ·ε are k-diffusion's own functions (0.1.1.post1 from PyPI, its
sampling.py and external.py); those of latents of variance one are diffusers' classes, whose sigmas
are replaced where the schedule is none of theirs. The schedules are

    karras, exponential, beta    diffusers' EulerDiscreteScheduler
    sgm_uniform                  k-diffusion's DiscreteSchedule, at the timesteps of ComfyUI's
                                 normal_scheduler with sgm
    simple                       ComfyUI's simple_scheduler, also AUTOMATIC1111's
    ays                          diffusers' AysSchedules, interpolated as on the paper's page
                                 (research.nvidia.com/labs/toronto-ai/AlignYourSteps/howto.html)
    kl_optimal                   the paper's formula, AUTOMATIC1111's kl_optimal

Needs besides scipy, torchsde and torchdiffeq.

    scripts/golden.py k_diffusion
"""

import importlib.util
import inspect
import pathlib
import queue
import sys
import threading
import types

import numpy
import torch
from diffusers import (
    DEISMultistepScheduler, DPMSolverMultistepScheduler, DPMSolverSDEScheduler,
    EulerDiscreteScheduler, UniPCMultistepScheduler,
)
from diffusers.schedulers import AysSchedules
from diffusers.utils.torch_utils import randn_tensor

from . import save
from .schedule import V1_4

V = {**V1_4, "prediction_type": "v_prediction"}
CONFIGS = {"v1.4": V1_4, "v": V}
KINDS = ["normal", "karras", "exponential", "beta", "sgm_uniform", "simple", "ays", "kl_optimal"]
FLAGS = {"karras": "use_karras_sigmas", "exponential": "use_exponential_sigmas",
         "beta": "use_beta_sigmas"}
# Latents x₀ + σ·ε, by k-diffusion's functions; and those of variance one, by diffusers' classes.
EXPLODING = ["lms", "euler", "euler_ancestral", "heun", "dpm_2", "dpm_2_ancestral",
             "dpmpp_2s_ancestral", "dpmpp_sde", "dpmpp_3m_sde", "ipndm"]
PRESERVING = {
    "dpmpp_2m": (DPMSolverMultistepScheduler, {}),
    "dpmpp_2m_sde": (DPMSolverMultistepScheduler, {"algorithm_type": "sde-dpmsolver++"}),
    "unipc": (UniPCMultistepScheduler, {}),
    "deis": (DEISMultistepScheduler, {}),
}
# Evaluations whose latents are kept.
KEPT = 6


def k_diffusion():
    """Its two files alone: the package imports more than it needs here."""
    folder = pathlib.Path(importlib.util.find_spec("k_diffusion").submodule_search_locations[0])
    package = types.ModuleType("kd")
    package.__path__ = [str(folder)]
    utils = types.ModuleType("kd.utils")
    utils.append_dims = lambda x, dims: x[(...,) + (None,) * (dims - x.ndim)]
    sys.modules |= {"kd": package, "kd.utils": utils}
    for name in ("sampling", "external"):
        spec = importlib.util.spec_from_file_location(f"kd.{name}", folder / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[f"kd.{name}"] = module
        setattr(package, name, module)
        spec.loader.exec_module(module)
    return package


KD = k_diffusion()


def ipndm(model, x, sigmas, disable=None):
    """zju-pi's diff-sampler, ipndm_sampler; its last step ends at 0 as in ComfyUI."""
    weights = [[1], [3 / 2, -1 / 2], [23 / 12, -16 / 12, 5 / 12],
               [55 / 24, -59 / 24, 37 / 24, -9 / 24]]
    past = []
    for sigma, following in zip(sigmas[:-1], sigmas[1:]):
        denoised = model(x, sigma * x.new_ones([x.shape[0]]))
        past = [(x - denoised) / sigma, *past[:3]]
        mixed = sum(weight * d for weight, d in zip(weights[len(past) - 1], past))
        x = denoised if following == 0 else x + (following - sigma) * mixed
    return x


def function_of(sampler):
    return ipndm if sampler == "ipndm" else getattr(KD.sampling, f"sample_{sampler}")


def table_of(config):
    """σ of the training timesteps."""
    alphas = EulerDiscreteScheduler.from_config(config).alphas_cumprod
    return ((1 - alphas) / alphas) ** 0.5


def interpolated(levels, count):
    """loglinear_interp of the paper's page."""
    places = numpy.linspace(0, 1, len(levels))
    logs = numpy.log(numpy.array(levels)[::-1])
    return numpy.exp(numpy.interp(numpy.linspace(0, 1, count), places, logs))[::-1]


def sigmas_of(config, kind, steps):
    """The levels of a run, with the last one."""
    table = table_of(config)
    low, high = float(table[0]), float(table[-1])
    if kind in ("normal", *FLAGS):
        changes = {FLAGS[kind]: True} if kind in FLAGS else {}
        scheduler = EulerDiscreteScheduler.from_config({**config, **changes})
        scheduler.set_timesteps(steps)
        return scheduler.sigmas.double()
    if kind == "sgm_uniform":
        times = numpy.linspace(len(table) - 1, 0, steps + 1)[:-1]
        logs = numpy.log(table.double().numpy())
        levels = [*numpy.exp(numpy.interp(times, numpy.arange(len(table)), logs)), 0.0]
        # k-diffusion has the same in float32.
        theirs = KD.external.DiscreteSchedule(table, False).t_to_sigma(torch.tensor(times))
        assert numpy.allclose(theirs.numpy(), levels[:-1], rtol=1e-6)
    elif kind == "simple":
        levels = [float(table[-(1 + int(i * (len(table) / steps)))]) for i in range(steps)] + [0.0]
    elif kind == "ays":
        published = list(AysSchedules["StableDiffusionSigmas"])
        levels = published
        if steps != 10:
            levels = [*interpolated([*published[:-1], 0.029], steps + 1)[:-1], 0.0]
    else:
        share = numpy.arange(steps + 1) / steps
        levels = numpy.tan(share * numpy.arctan(low) + (1 - share) * numpy.arctan(high))
    return torch.tensor(numpy.array(levels), dtype=torch.float32).double()


class Vectors:
    """A model whose answers, and a source of noise whose draws, are unit vectors."""

    def __init__(self, prediction, sampler, evaluations):
        self.size = 1 + 2 * evaluations
        self.prediction, self.sampler = prediction, sampler
        self.seen, self.sigmas, self.last = [], [], None

    def unit(self, place):
        vector = torch.zeros(1, self.size, dtype=torch.float64)
        vector[0, place] = 1
        return vector

    def model(self, x, sigma):
        self.seen.append(x)
        self.sigmas.append(float(sigma))
        answer, square = self.unit(2 * len(self.seen) - 1), sigma**2 + 1
        if self.prediction == "epsilon":
            return x - sigma * answer
        return x / square - sigma / square**0.5 * answer

    def noise(self, sigma, following):
        return brownian(self, float(sigma), float(following), lambda: self.unit(2 * len(self.seen)))


def brownian(memory, sigma, following, draw):
    """N(0, 1) of a Brownian motion over σ: two draws from one level share their first part."""
    drawn = draw()
    if memory.last and memory.last[0] == sigma:
        shared = (sigma - memory.last[1]) / (sigma - following)
        drawn = shared**0.5 * memory.last[2] + (1 - shared) ** 0.5 * drawn
    memory.last = (sigma, following, drawn)
    return drawn


def evaluations_of(sampler, sigmas):
    two = sampler in ("heun", "dpm_2", "dpm_2_ancestral", "dpmpp_2s_ancestral", "dpmpp_sde")
    return sum(2 if two and float(level) > 0 else 1 for level in sigmas[1:])


def exploding(sampler, config, kind, steps, left_out):
    sigmas = sigmas_of(config, kind, steps)[left_out:]
    prediction = config.get("prediction_type", "epsilon")
    vectors = Vectors(prediction, sampler, evaluations_of(sampler, sigmas))
    function = function_of(sampler)
    noise = {"noise_sampler": vectors.noise}
    noise = noise if "noise_sampler" in inspect.signature(function).parameters else {}
    end = function(vectors.model, vectors.unit(0), sigmas, disable=True, **noise)
    schedule = KD.external.DiscreteSchedule(table_of(config), False)
    seen = torch.tensor(vectors.sigmas, dtype=torch.float64)
    times = [float(schedule.sigma_to_t(sigma.reshape(1))) for sigma in seen]
    if kind == "karras" and sampler in ("dpm_2", "dpm_2_ancestral"):
        # Only in these two classes of diffusers.
        times[::2] = [float(round(time)) for time in times[::2]]
    return times, vectors.seen, end


def preserving(sampler, config, kind, steps, left_out):
    scheduler_class, changes = PRESERVING[sampler]
    changes = dict(changes)
    if kind != "normal":
        changes[FLAGS.get(kind, "use_karras_sigmas")] = True
    scheduler = scheduler_class.from_config({**config, **changes})
    own = kind in ("normal", *FLAGS)
    sigmas = None if own else sigmas_of(config, kind, steps)
    if not own:
        scheduler._convert_to_karras = lambda **_: sigmas[:-1].numpy()
    scheduler.set_timesteps(steps)
    scheduler.sigmas = scheduler.sigmas.double()
    if kind == "kl_optimal" and sampler != "deis":
        scheduler.sigmas[-1] = sigmas[-1]
        if sampler != "unipc":
            # k-diffusion's last step is of the first order where it ends at 0, and only there.
            scheduler.register_to_config(final_sigmas_type="sigma_min", lower_order_final=False)
    scheduler.set_begin_index(left_out)
    times = scheduler.timesteps[left_out:]
    vectors = Vectors(config.get("prediction_type", "epsilon"), sampler, len(times))
    x, module = vectors.unit(0), importlib.import_module(scheduler_class.__module__)
    before = getattr(module, "randn_tensor", None)
    module.randn_tensor = lambda *_, **__: vectors.unit(2 * len(vectors.seen))
    for time in times:
        vectors.seen.append(x)
        x = scheduler.step(vectors.unit(2 * len(vectors.seen) - 1), time, x).prev_sample
    module.randn_tensor = before
    return [float(time) for time in times], vectors.seen, x


def trimmed(vector):
    row = [float(f"{number:.9g}") for number in vector.flatten().tolist()]
    while row and row[-1] == 0:
        row.pop()
    return [int(number) if number == int(number) else number for number in row]


def same_as_diffusers():
    """Its class has the coefficients of k-diffusion's sample_dpmpp_sde."""
    times, seen, end = exploding("dpmpp_sde", V1_4, "normal", 5, 0)
    scheduler = DPMSolverSDEScheduler.from_config(V1_4)
    scheduler.set_timesteps(5)
    vectors = Vectors("epsilon", "dpmpp_sde", len(scheduler.timesteps))
    scheduler.noise_sampler = vectors.noise
    x = vectors.unit(0)
    for index, time in enumerate(scheduler.timesteps):
        assert abs(float(time) - times[index]) < 2e-3, (time, times[index])
        assert torch.allclose(x, seen[index], atol=1e-5)
        vectors.seen.append(x)
        x = scheduler.step(vectors.unit(2 * index + 1), time, x).prev_sample
    assert torch.allclose(x, end, atol=1e-5)


class Steps:
    """A function of k-diffusion as a scheduler of diffusers' pipelines: it runs in a thread, and
    waits there for each answer of the model."""

    sampler = ""

    def __init__(self, config):
        self.config = types.SimpleNamespace(**config)
        self.table = table_of(config)
        two = evaluations_of(self.sampler, [1, 1]) == 2
        self.order, self.fields = (2 if two else 1), config

    @classmethod
    def from_config(cls, config):
        return cls(dict(config))

    def set_timesteps(self, steps, device=None):
        times, *_ = exploding(self.sampler, self.fields, "normal", steps, 0)
        self.timesteps = torch.tensor(times, dtype=torch.float32)
        self.sigmas = sigmas_of(self.fields, "normal", steps)
        self.init_noise_sigma = self.sigmas[0]
        self.begin, self.thread, self.last = 0, None, None

    def set_begin_index(self, index):
        self.begin = index // self.order

    def add_noise(self, x, noise, times):
        return x + noise * float(self.sigmas[self.begin])

    def scale_model_input(self, x, time):
        if self.thread is None:
            self.start(x[:1])
        return (x.double() / (self.sigma**2 + 1) ** 0.5).float()

    def start(self, x):
        self.asked, self.answered = queue.Queue(), queue.Queue()

        def model(x, sigma):
            self.asked.put((x, float(sigma)))
            return x - float(sigma) * self.answered.get()

        def noise(sigma, following):
            draw = lambda: randn_tensor(x.shape, generator=self.generator, dtype=torch.float32).double()
            return brownian(self, float(sigma), float(following), draw)

        def work():
            function = function_of(self.sampler)
            extra = {"noise_sampler": noise}
            extra = extra if "noise_sampler" in inspect.signature(function).parameters else {}
            with torch.no_grad():
                end = function(model, x.double(), self.sigmas[self.begin:], disable=True, **extra)
            self.asked.put((end, 0.0))

        self.thread = threading.Thread(target=work)
        self.thread.start()
        _, self.sigma = self.asked.get()

    def step(self, answer, time, x, generator=None, return_dict=True):
        self.generator = generator
        self.answered.put(answer.double())
        x, self.sigma = self.asked.get()
        return (x.float(),)


def steps_of(name):
    return type(f"Steps_{name}", (Steps,), {"sampler": name})


# Samplers whose pictures k-diffusion draws.
CLASSES = {name: (steps_of(name), {}) for name in
           ("dpmpp_2s_ancestral", "dpmpp_sde", "dpmpp_3m_sde", "ipndm")}


def cases():
    """(sampler, name of the config, kind of sigmas, steps, steps that are left out)"""
    for sampler in (*EXPLODING, *PRESERVING):
        yield from ((sampler, "v1.4", kind, 5, 0) for kind in KINDS)
        # k-diffusion's function of the third order fails with one step.
        few = (2, 16) if sampler == "dpmpp_3m_sde" else (1, 2, 16)
        yield from ((sampler, "v1.4", "normal", steps, 0) for steps in few)
        yield sampler, "v", "karras", 4, 0
        if sampler != "lms":
            # Begun with a picture, lms is diffusers' (img2img.py): it has the weights of all levels.
            yield sampler, "v1.4", "normal", 8, 3


def write(out) -> None:
    same_as_diffusers()
    runs, levels = [], []
    for sampler, name, kind, steps, left_out in cases():
        run = exploding if sampler in EXPLODING else preserving
        times, seen, end = run(sampler, CONFIGS[name], kind, steps, left_out)
        runs.append({
            "sampler": sampler, "config": name, "sigmas": kind, "steps": steps,
            "left_out": left_out, "times": [float(f"{time:.9g}") for time in times],
            "seen": [trimmed(x) for x in seen[:KEPT]], "end": trimmed(end),
        })
    for kind in KINDS[1:]:
        for steps in (1, 2, 7, 10, 20):
            numbers = [float(f"{level:.9g}") for level in sigmas_of(V1_4, kind, steps)]
            levels.append({"sigmas": kind, "steps": steps, "levels": numbers})
    save(out / "k_diffusion.json", configs=CONFIGS, levels=levels, runs=runs)
