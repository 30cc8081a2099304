"""Runs whose prompt changes from step to step, and prompts in parts: diffusers' pipeline on the
tiny made-up model of walk.py.

What changes is said by prompt_schedules.py, as AUTOMATIC1111's web UI has it: evaluation k of the
model, counted from 0, has the text of step max(k, 1). For "editing" a callback of diffusers'
pipeline changes prompt_embeds after a step; the other cases go around its loop, with its scheduler
and UNet. Kept are every context, the final latents and the picture.
"""

import json

import numpy
import torch
from safetensors.numpy import save_file

from .pictures import REQUEST, open_tiny
from .prompt_schedules import parts, schedule
from .prompts import context
from .samplers import CLASSES
from .walk import SEED_OF_MODEL

# What differs from REQUEST of pictures.py.
COMMON = {"prompt_syntax": "a1111", "steps": 6, "sampler": "ddim"}
CASES = {
    "editing": {"prompt": "a [red:blue:0.5] (cat:1.2) on a [yellow|green] background",
                "negative_prompt": "[blurry:grey:2], blue"},
    "heun": {"prompt": "a [red:blue:4] cat", "sampler": "heun"},
    "parts": {"prompt": "a red cat AND a [blue:green:2] (dog:1.1) :0.7 AND trees :-0.3"},
    "many parts": {
        "prompt": "cat AND dog :0.5 AND red :0.1 AND blue :0.2 AND sun :0.3 AND sea :0.4"},
    "a weight": {"prompt": "a red cat :0.6", "guidance_scale": 4.0},
    "parts without guidance": {"prompt": "a red cat AND a blue dog :0.5", "guidance_scale": 1.0},
    "long": {"prompt": "a [red cat:" + "yellow trees, " * 30 + ":3] in the sun AND a dog",
             "long_prompt": "chunks"},
}


# Whose contexts are kept.
CONTEXTS = ("editing", "heun", "parts")


def texts(prompt, steps, evaluations):
    """The text of each evaluation."""
    spans = schedule(prompt, steps, None)
    def at(step):
        return next(text for end, text in spans if step <= end)
    return [at(min(max(index, 1), steps)) for index in range(evaluations)]


def embeddings(pipe, request, evaluations):
    """Of each evaluation [1 + parts, tokens, c], the negative prompt's first, and the weights."""
    steps = request["steps"] * (2 if request["sampler"] == "heun" else 1)
    pieces = parts(request["prompt"])
    slots = [request["negative_prompt"], *(text for text, _ in pieces)]
    of_slots = [texts(slot, steps, evaluations) for slot in slots]
    reading = {**request, "prompt_weights": True}
    known = {text: context(pipe, reading, text) for of_slot in of_slots for text in of_slot}
    most = max(map(len, known.values()))
    empty = context(pipe, reading, "")
    def filled(text):
        return torch.cat(known[text] + empty * (most - len(known[text])), dim=1)
    rows = [torch.cat([filled(of_slot[index]) for of_slot in of_slots])
            for index in range(evaluations)]
    return rows, [weight for _, weight in pieces]


def scheduler_of(pipe, request):
    scheduler_class, of_class = CLASSES[request["sampler"]]
    scheduler = scheduler_class.from_config({**pipe.config_of_model, **of_class})
    scheduler.set_timesteps(request["steps"])
    return scheduler


def by_callback(pipe, request, rows):
    """diffusers' own loop; the callback of a step sets what the next one sees."""
    pipe.scheduler = scheduler_of(pipe, request)
    seen = {}

    def change(_pipe, step, _time, tensors):
        seen["latents"] = tensors["latents"].numpy().copy()
        if step + 1 < len(rows):
            tensors["prompt_embeds"] = rows[step + 1]
        return tensors

    image = pipe(
        prompt_embeds=rows[0][1:], negative_prompt_embeds=rows[0][:1],
        num_inference_steps=request["steps"], guidance_scale=request["guidance_scale"],
        width=request["width"], height=request["height"], output_type="np",
        generator=torch.Generator().manual_seed(int(request["seed"])), callback_on_step_end=change,
        callback_on_step_end_tensor_inputs=["latents", "prompt_embeds"],
    ).images
    return seen["latents"], image.transpose(0, 3, 1, 2)


def by_hand(pipe, request, rows, weights):
    """uncond + scale * sum of weight * (part - uncond), in a loop of our own."""
    scheduler = scheduler_of(pipe, request)
    generator = torch.Generator().manual_seed(int(request["seed"]))
    shape = (1, 4, request["height"] // pipe.vae_scale_factor,
             request["width"] // pipe.vae_scale_factor)
    latents = torch.randn(shape, generator=generator) * scheduler.init_noise_sigma
    for row, time in zip(rows, scheduler.timesteps, strict=True):
        batch = scheduler.scale_model_input(torch.cat([latents] * len(row)), time)
        out = pipe.unet(batch, time, encoder_hidden_states=row).sample
        uncond, conds = out[:1], out[1:]
        pull = sum(weight * (cond - uncond[0]) for weight, cond in zip(weights, conds, strict=True))
        guided = uncond + request["guidance_scale"] * pull
        latents = scheduler.step(guided, time, latents).prev_sample
    image = pipe.vae.decode(latents / pipe.vae.config.scaling_factor).sample
    return latents.numpy(), (image / 2 + 0.5).clamp(0, 1).numpy()


def write(out):
    torch.set_grad_enabled(False)
    pipe = open_tiny()
    requests, arrays = {}, {}
    for name, changes in CASES.items():
        request = requests[name] = REQUEST | COMMON | changes
        evaluations = len(scheduler_of(pipe, request).timesteps)
        rows, weights = embeddings(pipe, request, evaluations)
        if name == "editing":
            latents, image = by_callback(pipe, request, rows)
            again, _ = by_hand(pipe, request, rows, weights)
            assert numpy.allclose(latents, again, atol=1e-4), "the two loops"
        else:
            latents, image = by_hand(pipe, request, rows, weights)
        different = []
        for row in rows:
            if not any(torch.equal(row, other) for other in different):
                different.append(row)
        print(f"  {name}: {len(different)} contexts of {tuple(rows[0].shape)}")
        for index, row in enumerate(different if name in CONTEXTS else []):
            place = f"context_{index + 1:03}" if index else "context"
            arrays[f"{name}.{place}"] = numpy.ascontiguousarray(row, numpy.float16)
        arrays[f"{name}.latents_006"] = numpy.ascontiguousarray(latents, numpy.float32)
        # A picture is compared to 0.5/255, which half precision resolves 8 times.
        arrays[f"{name}.image"] = numpy.ascontiguousarray(image, numpy.float16)
    metadata = {
        "made_by": "scripts/golden.py prompt_runs",
        "model": f"synth --config tiny --seed {SEED_OF_MODEL}", "requests": json.dumps(requests),
    }
    save_file(arrays, out / "prompt_runs.safetensors", metadata)
    (out / "prompt_runs.safetensors").chmod(0o644)
