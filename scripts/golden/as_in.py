"""Numbers of AUTOMATIC1111's web UI and of ComfyUI: what `as_in` of a request changes.

as_in.json has whole runs of vectors, as k_diffusion.py explains: k-diffusion's own functions over
the levels of these programs, and diffusers' UniPCMultistepScheduler of the third order. The levels
are computed here in float64 and compared with k-diffusion's `get_sigmas`, `get_sigmas_karras` and
`get_sigmas_exponential`, which are float32; those of no package are said again from the programs'
formulas (modules/sd_schedulers.py of the web UI; comfy/samplers.py, comfy/extra_samplers/uni_pc.py
and comfy_extras/nodes_align_your_steps.py of ComfyUI).

as_in.safetensors has pictures of the tiny made-up model, by the same functions inside diffusers'
pipeline, and with ComfyUI's emphasis.

    scripts/golden.py as_in
"""

import inspect
import json
import math

import numpy
import scipy.stats
import torch
from diffusers import UniPCMultistepScheduler
from safetensors.numpy import save_file

from . import k_diffusion, noise, save
from .k_diffusion import KD, KEPT, Steps, V, Vectors, evaluations_of, function_of, table_of, trimmed
from .pictures import REQUEST, open_tiny
from .prompts import chunks_of, fragments_of
from .schedule import V1_4
from .walk import SEED_OF_MODEL

CONFIGS = {"v1.4": V1_4, "v": V}
PROGRAMS = ["a1111", "comfyui"]
KINDS = ["normal", "karras", "exponential", "beta", "sgm_uniform", "simple", "ays", "kl_optimal"]
SAMPLERS = ["euler", "euler_ancestral", "heun", "lms", "dpm_2", "dpm_2_ancestral", "dpmpp_2m",
            "dpmpp_2m_sde", "dpmpp_3m_sde", "dpmpp_2s_ancestral", "dpmpp_sde"]
AYS = {
    "a1111": [14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029],
    "comfyui": [14.6146412293, 6.4745760956, 3.8636745985, 2.6946151520, 1.8841921177,
                1.3943805092, 0.9642583904, 0.6523686016, 0.3977456272, 0.1515232662,
                0.0291671582],
}
# One level more is made and the last one above the end is left out.
PENULTIMATE = {"a1111": {"dpm_2", "dpm_2_ancestral", "dpmpp_3m_sde"},
               "comfyui": {"dpm_2", "dpm_2_ancestral", "unipc"}}


def lms_of_comfyui(model, x, sigmas, disable=None):
    """Its last step gives x₀."""
    x = KD.sampling.sample_lms(model, x, sigmas[:-1], disable=True)
    return model(x, sigmas[-2] * x.new_ones([x.shape[0]]))


def function(program, sampler):
    if (program, sampler) == ("comfyui", "lms"):
        return lms_of_comfyui
    return function_of(sampler)


def interpolated(levels, count):
    """loglinear_interp of the paper's page."""
    places = numpy.linspace(0, 1, len(levels))
    logs = numpy.log(numpy.array(levels)[::-1])
    return numpy.exp(numpy.interp(numpy.linspace(0, 1, count), places, logs))[::-1]


def levels_of(program, config, kind, n):
    """n levels and where the run ends."""
    table = table_of(config).double()
    low, high = float(table[0]), float(table[-1])
    single = KD.external.DiscreteSchedule(table.float(), False)
    if kind in ("normal", "sgm_uniform"):
        times = numpy.linspace(999, 0, n) if kind == "normal" else numpy.linspace(999, 0, n + 1)[:-1]
        levels = numpy.exp(numpy.interp(times, numpy.arange(1000), table.log().numpy()))
        if kind == "normal":
            near(single.get_sigmas(n), [*levels, 0])
    elif kind == "karras":
        ramp = numpy.linspace(0, 1, n)
        levels = (high ** (1 / 7) + ramp * (low ** (1 / 7) - high ** (1 / 7))) ** 7
        near(KD.sampling.get_sigmas_karras(n, low, high), [*levels, 0])
    elif kind == "exponential":
        levels = numpy.exp(numpy.linspace(math.log(high), math.log(low), n))
        near(KD.sampling.get_sigmas_exponential(n, low, high), [*levels, 0])
    elif kind == "simple":
        levels = [float(table[-(1 + int(x * (1000 / n)))]) for x in range(n)]
    elif kind == "beta" and program == "a1111":
        levels = [low + scipy.stats.beta.ppf(1 - x, 0.6, 0.6) * (high - low)
                  for x in numpy.linspace(0, 1, n)]
    elif kind == "beta":
        places = 1 - numpy.linspace(0, 1, n, endpoint=False)
        times = numpy.rint(scipy.stats.beta.ppf(places, 0.6, 0.6) * 999)
        assert len(set(times)) == n
        levels = [float(table[int(time)]) for time in times]
    elif kind == "ays" and program == "a1111":
        levels = AYS[program]
        levels = levels if n == len(levels) else interpolated(levels, n)
    elif kind == "ays":
        levels = AYS[program]
        levels = (levels if n + 1 == len(levels) else interpolated(levels, n + 1))[:-1]
    elif program == "a1111":
        share = numpy.arange(n + 1) / n
        levels = numpy.tan(share * math.atan(low) + (1 - share) * math.atan(high))
        return numpy.float32(levels).astype(numpy.float64)
    else:
        share = numpy.arange(n) / (n - 1)
        levels = numpy.tan(share * math.atan(low) + (1 - share) * math.atan(high))
    return numpy.float32([*levels, 0.0]).astype(numpy.float64)


def near(theirs, ours):
    """k-diffusion's numbers are float32."""
    assert numpy.allclose(theirs.double().numpy(), ours, rtol=3e-6, atol=0), (theirs, ours)


def sigmas_of(program, sampler, config, kind, steps):
    more = sampler in PENULTIMATE[program]
    levels = list(levels_of(program, config, kind, steps + more))
    if more:
        del levels[-2]
    return torch.tensor(levels, dtype=torch.float64)


def time_of(program, config, sigma):
    table = table_of(config)
    if program == "comfyui":
        return float((table.log() - math.log(sigma)).abs().argmin())
    schedule = KD.external.DiscreteSchedule(table, False)
    return float(schedule.sigma_to_t(torch.tensor([sigma], dtype=torch.float32)))


def first_of(program, config, sigma):
    """What the first noise is multiplied by."""
    is_max = program == "comfyui" and sigma > float(table_of(config)[-1]) * (1 - 1e-5)
    return math.sqrt(sigma**2 + 1) if is_max else sigma


def run_of(program, sampler, config, kind, steps, left_out):
    sigmas = sigmas_of(program, sampler, config, kind, steps)[left_out:]
    prediction = config.get("prediction_type", "epsilon")
    vectors = Vectors(prediction, sampler, evaluations_of(sampler, sigmas))
    of_sampler = function(program, sampler)
    draws = {"noise_sampler": vectors.noise}
    draws = draws if "noise_sampler" in inspect.signature(of_sampler).parameters else {}
    end = of_sampler(vectors.model, vectors.unit(0), sigmas, disable=True, **draws)
    times = [time_of(program, config, sigma) for sigma in vectors.sigmas]
    signal = 1.0 if left_out else None
    return times, vectors.seen, end, first_of(program, config, float(sigmas[0])), signal


def list_of(steps):
    """get_timesteps of the web UI's samplers in time."""
    return [min(time + 1, 999) for time in range(0, 1000, 1000 // steps)]


class UniPc(UniPCMultistepScheduler):
    """diffusers' coefficients at other levels."""

    program, kind, left_out = "a1111", "normal", 0

    def set_timesteps(self, steps, device=None):
        config = dict(self.config)
        if self.program == "a1111":
            listed = list_of(steps)
            count, start = len(listed), 999
            if self.left_out:
                count = steps - self.left_out
                start = listed[count - 1]
            times = start * (1 - numpy.arange(count + 1) / count)
            logs = self.alphas_cumprod.double().log().numpy()
            logs = numpy.interp(times, numpy.arange(1000), logs)
            sigmas = ((1 - numpy.exp(logs)) / numpy.exp(logs)) ** 0.5
            times = times[:-1]
        else:
            sigmas = sigmas_of(self.program, "unipc", config, self.kind, steps).numpy()
            sigmas = sigmas[self.left_out:]
            sigmas[-1] = 0.001
            times = [time_of(self.program, config, sigma) for sigma in sigmas[:-1]]
        super().set_timesteps(len(times))
        self.sigmas = torch.tensor(numpy.array(sigmas), dtype=torch.float64)
        self.timesteps = torch.tensor(times, dtype=torch.float64)
        self.set_begin_index(0)

    def add_last(self, x):
        """ComfyUI divides by α at the end."""
        return x if self.program == "a1111" else x * (1 + 0.001**2) ** 0.5


def unipc_class(program, kind="normal", left_out=0):
    names = {"program": program, "kind": kind, "left_out": left_out}
    return type(f"UniPc_{program}", (UniPc,), names)


def unipc_of(config, program, steps, left_out, kind):
    taken = steps - left_out
    changes = {"solver_order": 3 if program == "a1111" else min(3, taken - 1),
               "solver_type": "bh1" if program == "a1111" else "bh2",
               "final_sigmas_type": "sigma_min"}
    return unipc_class(program, kind, left_out).from_config({**config, **changes})


def unipc(program, sampler, config, kind, steps, left_out):
    torch.set_default_dtype(torch.float64)
    scheduler = unipc_of(config, program, steps, left_out, kind)
    scheduler.set_timesteps(steps)
    count = len(scheduler.timesteps)
    vectors = Vectors(config.get("prediction_type", "epsilon"), sampler, count)
    x = vectors.unit(0)
    for index, time in enumerate(scheduler.timesteps):
        # As latents x₀ + σ·ε, like those of the other runs.
        vectors.seen.append(x * (scheduler.sigmas[index] ** 2 + 1) ** 0.5)
        x = scheduler.step(vectors.unit(2 * len(vectors.seen) - 1), time, x).prev_sample
    torch.set_default_dtype(torch.float32)
    first = float((scheduler.sigmas[0] ** 2 + 1) ** 0.5)
    if program == "comfyui":
        first = first_of(program, config, float(scheduler.sigmas[0]))
    signal = 1.0 if left_out else None
    if program == "a1111" and left_out:
        # Noise is added up to a timestep beyond the first one.
        sigma = float(table_of(config)[list_of(steps)[steps - left_out]])
        signal = float((scheduler.sigmas[0] ** 2 + 1) ** 0.5) / (sigma**2 + 1) ** 0.5
        first = sigma * signal
    return scheduler.timesteps.tolist(), vectors.seen, scheduler.add_last(x), first, signal


def cases(program):
    """(sampler, name of the config, kind of sigmas, steps, steps that are left out)"""
    for sampler in [*SAMPLERS, *(["ipndm"] if program == "comfyui" else [])]:
        yield from ((sampler, "v1.4", kind, 5, 0) for kind in KINDS)
        # k-diffusion's functions of these two fail with one step.
        few = (2, 16) if sampler in ("dpmpp_2m_sde", "dpmpp_3m_sde") else (1, 2, 16)
        yield from ((sampler, "v1.4", "normal", steps, 0) for steps in few)
        yield sampler, "v", "karras", 4, 0
        yield sampler, "v1.4", "karras", 8, 3
    kinds = KINDS if program == "comfyui" else ["normal"]
    yield from (("unipc", "v1.4", kind, 6, 0) for kind in kinds)
    yield from (("unipc", "v1.4", "normal", steps, 0) for steps in (3, 4, 20, 30))
    yield "unipc", "v", "normal", 5, 0
    yield from (("unipc", "v1.4", kinds[-1], 8, left_out) for left_out in (3, 5))


class ProgramSteps(Steps):
    """A function of k-diffusion over a program's levels, as a scheduler of diffusers' pipelines."""

    program, kind = "a1111", "normal"

    def set_timesteps(self, steps, device=None):
        self.sigmas = sigmas_of(self.program, self.sampler, self.fields, self.kind, steps)
        times, *_ = run_of(self.program, self.sampler, self.fields, self.kind, steps, 0)
        self.timesteps = torch.tensor(times, dtype=torch.float32)
        self.init_noise_sigma = first_of(self.program, self.fields, float(self.sigmas[0]))
        self.begin, self.thread, self.last = 0, None, None


# What differs from REQUEST.
PICTURES = {
    f"{sampler} {kind} {program}": {"sampler": sampler, "sigmas": kind, "as_in": program}
    for sampler, kind, program in (
        ("euler", "normal", "a1111"), ("euler_ancestral", "normal", "a1111"),
        ("euler_ancestral", "normal", "comfyui"), ("dpm_2_ancestral", "karras", "comfyui"),
        ("dpmpp_2m", "karras", "a1111"), ("dpmpp_2m", "karras", "comfyui"),
        ("dpmpp_2s_ancestral", "exponential", "comfyui"), ("heun", "ays", "a1111"),
        ("dpm_2", "karras", "a1111"), ("lms", "beta", "comfyui"),
        ("unipc", "normal", "a1111"), ("unipc", "simple", "comfyui"))
}
EMPHASIS = {
    "prompt": "a (red:1.4) cat on a [yellow] ((background))", "prompt_syntax": "a1111",
    "negative_prompt": "(blue:0.5), blurry", "sampler": "ddim", "steps": 4, "as_in": "comfyui",
}
PICTURES |= {"emphasis": EMPHASIS, "emphasis skip": {**EMPHASIS, "clip_skip": 2}}


def contexts(pipe, request):
    """ComfyUI's: (z − z₀)·w + z₀ with z₀ of the empty prompt, the negative prompt first."""
    encoder = pipe.text_encoder

    def encoded(ids):
        layers = encoder(torch.tensor([ids]), output_hidden_states=True).hidden_states
        return encoder.final_layer_norm(layers[-request.get("clip_skip", 1)])

    [(nothing, _)] = chunks_of(pipe.tokenizer, [["", 1.0]])
    empty, both = encoded(nothing), []
    for key in ("negative_prompt", "prompt"):
        [(ids, weights)] = chunks_of(pipe.tokenizer, fragments_of(request[key]))
        both.append((encoded(ids) - empty) * torch.tensor(weights)[None, :, None] + empty)
    return both


class NvidiaNoise:
    """torch's generator of an NVIDIA card, seeded anew for the steps."""

    def __init__(self, seed):
        self.seed, self.drawn = seed, 0

    def __call__(self, shape, **_):
        numbers = noise.philox(self.seed, self.drawn, math.prod(shape))
        self.drawn += 1
        return torch.tensor(numbers.astype(numpy.float32)).reshape(shape)


def scheduler_of(request, config):
    program, sampler = request["as_in"], request["sampler"]
    if sampler == "unipc":
        return unipc_of(config, program, request["steps"], 0, request["sigmas"])
    if sampler == "ddim":
        from diffusers import DDIMScheduler
        return DDIMScheduler.from_config(config)
    names = {"sampler": sampler, "program": program, "kind": request["sigmas"]}
    return type("Steps_as_in", (ProgramSteps,), names)(config)


def picture(pipe, request):
    pipe.scheduler = scheduler_of(request, pipe.config_of_model)
    prompts = {key: request[key] for key in ("prompt", "negative_prompt")}
    arrays = {}
    if "prompt_syntax" in request:
        uncond, cond = contexts(pipe, request)
        prompts = {"prompt_embeds": cond, "negative_prompt_embeds": uncond}
        arrays["context"] = torch.cat([uncond, cond]).numpy()
    seen = {}

    def keep(_pipe, _step, _time, tensors):
        seen["latents"] = tensors["latents"].numpy().astype(numpy.float32)
        return tensors

    before = k_diffusion.randn_tensor
    if request["as_in"] == "comfyui":
        k_diffusion.randn_tensor = NvidiaNoise(int(request["seed"]))
    image = pipe(
        **prompts, num_inference_steps=request["steps"], width=request["width"],
        height=request["height"], guidance_scale=request["guidance_scale"], output_type="np",
        generator=torch.Generator().manual_seed(int(request["seed"])), callback_on_step_end=keep,
    ).images
    k_diffusion.randn_tensor = before
    arrays[f"latents_{request['steps']:03}"] = seen["latents"]
    return {**arrays, "image": numpy.ascontiguousarray(image.transpose(0, 3, 1, 2), numpy.float16)}


def pictures(out):
    torch.set_grad_enabled(False)
    pipe = open_tiny()
    requests, arrays = {}, {}
    for name, changes in PICTURES.items():
        requests[name] = REQUEST | changes
        arrays |= {f"{name}.{key}": array for key, array in picture(pipe, requests[name]).items()}
        print(f"  {name}")
    metadata = {
        "made_by": "scripts/golden.py as_in",
        "model": f"synth --config tiny --seed {SEED_OF_MODEL}", "requests": json.dumps(requests),
    }
    save_file(arrays, out / "as_in.safetensors", metadata)
    (out / "as_in.safetensors").chmod(0o644)


def plans(out):
    runs = []
    for program in PROGRAMS:
        for sampler, name, kind, steps, left_out in cases(program):
            work = unipc if sampler == "unipc" else run_of
            result = work(program, sampler, CONFIGS[name], kind, steps, left_out)
            times, seen, end, first, signal = result
            runs.append({
                "as_in": program, "sampler": sampler, "config": name, "sigmas": kind,
                "steps": steps, "left_out": left_out, "first": float(f"{first:.9g}"), "signal": signal,
                "times": [float(f"{time:.9g}") for time in times],
                "seen": [trimmed(x) for x in seen[:KEPT]], "end": trimmed(end),
            })
    save(out / "as_in.json", configs=CONFIGS, runs=runs)


def write(out) -> None:
    plans(out)
    pictures(out)
