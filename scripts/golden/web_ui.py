"""How AUTOMATIC1111's web UI reads the texts in our pictures.

Its rules, written anew after its documentation and its behaviour (1.10): which settings a text
gives its form (`parse_generation_parameters` and the form's paste fields), which it takes where the
text says nothing, and what they mean: "Automatic" schedules by sampler, prompts in pieces of
different weights, LoRAs by the prompt's tags. The texts are those that tests/web_ui.rs makes.

`levels` are the noise levels of its schedules for plain timesteps, without the last 0, of the
training schedule of Stable Diffusion 1, without and with zero terminal SNR:

    Uniform      n timesteps evenly from 999 to 0, interpolated in ln sigma
    SGM Uniform  n + 1 of them without the last
    DDIM         1, 1 + k, 1 + 2k, ... below 1000, with k = 1000 // n
    Simple       n whole timesteps, 1000 / n apart, from 999 downwards

    scripts/golden.py web_ui
"""

import json
import os
import pathlib
import re
import subprocess
import tempfile

import numpy

STEPS = [4, 7, 10, 20, 25, 30]

# What "Automatic" is; for others the timesteps.
AUTOMATIC = {
    "DPM++ 2M": "Karras", "DPM++ SDE": "Karras", "DPM++ 2S a": "Karras", "DPM2": "Karras",
    "DPM2 a": "Karras", "Restart": "Karras", "DPM++ 2M SDE": "Exponential",
    "DPM++ 2M SDE Heun": "Exponential", "DPM++ 3M SDE": "Exponential",
}
IN_SIGMA = ["Euler", "Euler a", "LMS", "Heun", "LCM", *AUTOMATIC]

# What applies where a text says nothing.
DEFAULTS = {
    "Clip skip": "1", "RNG": "GPU", "Schedule type": "Automatic", "Mask mode": "Inpaint masked",
    "Masked content": "original", "Inpaint area": "Whole picture", "Masked area padding": "32",
    "Noise Schedule": "Default", "SGM noise multiplier": "False",
}


def fields_of(line):
    """Names and values of the last line: `Name: value`, a value perhaps as a JSON string."""
    found, at = [], 0
    while at < len(line):
        name = re.compile(r"\s*(\w[\w /-]+):\s*").match(line, at)
        if not name:
            comma = line.find(",", at)
            at = len(line) if comma < 0 else comma + 1
            continue
        at = name.end()
        quoted = re.compile(r'"(?:[^"\\]|\\.)+"(?=,|$)').match(line, at)
        if quoted:
            value, at = json.loads(quoted.group()), quoted.end() + 1
        else:
            comma = line.find(",", at)
            end = len(line) if comma < 0 else comma
            value, at = line[at:end], end + 1
        found.append((name.group(1), value))
    return found


def parse(text):
    """Prompt, negative prompt and the fields of a text."""
    *lines, last = text.strip().split("\n")
    fields = fields_of(last)
    if len(fields) < 3:
        lines, fields = [*lines, last], []
    prompts = [[], []]
    which = 0
    for line in map(str.strip, lines):
        if line.startswith("Negative prompt:"):
            which, line = 1, line.removeprefix("Negative prompt:").strip()
        prompts[which].append(line)
    return "\n".join(prompts[0]), "\n".join(prompts[1]), dict(fields)


def pieces(prompt):
    """A prompt in pieces of different weights."""
    token = re.compile(r"\\[()\[\]\\]|[()\[\]]|:\s*[+-]?[.\d]+\s*\)|\\|[^\\()\[\]:]+|:")
    found, opened = [], []

    def multiply(start, factor):
        for piece in found[start:]:
            piece[1] *= factor

    for match in token.finditer(prompt):
        text = match.group()
        round_open = [start for kind, start in opened if kind == "("]
        if text.startswith("\\"):
            found.append([text[1:], 1.0])
        elif text in "([":
            opened.append((text, len(found)))
        elif text.startswith(":") and text.endswith(")") and round_open:
            multiply(pop(opened, "("), float(text[1:-1]))
        elif text == ")" and round_open:
            multiply(pop(opened, "("), 1.1)
        elif text == "]" and any(kind == "[" for kind, _ in opened):
            multiply(pop(opened, "["), 1 / 1.1)
        else:
            for i, part in enumerate(re.split(r"\s*\bBREAK\b\s*", text)):
                if i:
                    found.append(["BREAK", -1.0])
                found.append([part, 1.0])
    for kind, start in opened:
        multiply(start, 1.1 if kind == "(" else 1 / 1.1)
    merged = []
    for text, weight in [(text, round(weight, 6)) for text, weight in found]:
        if merged and merged[-1][1] == weight and weight > 0:
            merged[-1][0] += text
        else:
            merged.append([text, weight])
    return [piece for piece in merged if piece[0]]


def pop(opened, kind):
    """Takes off the last bracket of a kind; where it was opened."""
    at = max(i for i, (one, _) in enumerate(opened) if one == kind)
    return opened.pop(at)[1]


def networks(prompt):
    """A prompt without its tags, and the LoRAs: name, weights of text encoder and UNet."""
    loras = []

    def take(match):
        if match.group(1) == "lora":
            name, *places = [part for part in match.group(2).split(":") if "=" not in part]
            named = dict(part.split("=", 1) for part in match.group(2).split(":") if "=" in part)
            text = float(named.get("te", places[0] if places else 1))
            unet = float(named.get("unet", places[1] if len(places) > 1 else text))
            loras.append([name, [text, unet]])
        return ""

    return re.sub(r"<(\w+):([^>]+)>", take, prompt).strip(), loras


def settings(text):
    """What the web UI would draw by a text."""
    prompt, negative, fields = parse(text)
    prompt, loras = networks(prompt)
    said = DEFAULTS | fields
    width, height = said["Size"].split("x")
    sampler, schedule = said["Sampler"], said["Schedule type"]
    if sampler not in IN_SIGMA:
        schedule = None
    elif schedule == "Automatic":
        schedule = AUTOMATIC.get(sampler, "Uniform")
    weighed = (lambda one: [[one, 1.0]] if one else []) if said.get("Emphasis") == "None" else pieces
    has_second = "Denoising strength" in said and "Hires upscale" in said
    return {
        "weights": weighed(prompt), "negative": weighed(negative), "loras": loras,
        "steps": said["Steps"], "cfg_scale": said["CFG scale"], "seed": said["Seed"],
        "width": width, "height": height, "sampler": sampler, "schedule": schedule,
        "sgm_noise_multiplier": said["SGM noise multiplier"] == "True",
        "randn_source": said["RNG"], "clip_skip": said["Clip skip"],
        "sd_noise_schedule": said["Noise Schedule"],
        "denoising_strength": said.get("Denoising strength"),
        "uni_pc": [said.get("UniPC variant", "bh1"), said.get("UniPC order", "3")],
        "eta_ddim": said.get("Eta DDIM", "0"),
        # Without it the form keeps what it has.
        "mask_blur": said.get("Mask blur"),
        "masked_content": said["Masked content"], "inpaint_area": said["Inpaint area"],
        "padding": said["Masked area padding"],
        "hires": {
            "scale": said["Hires upscale"], "steps": said.get("Hires steps", "0"),
            "upscaler": said.get("Hires upscaler", "Latent"),
        } if has_second else None,
    }


def levels(is_rescaled):
    """Noise levels by number of steps and name of the schedule; with zero terminal SNR or not."""
    betas = numpy.linspace(0.00085 ** 0.5, 0.012 ** 0.5, 1000) ** 2
    bars = numpy.cumprod(1 - betas)
    if is_rescaled:
        roots = numpy.sqrt(bars)
        bars = ((roots - roots[-1]) * roots[0] / (roots[0] - roots[-1])) ** 2
        bars[-1] = 4.8973451890853435e-08
    sigmas = numpy.sqrt((1 - bars) / bars)

    def at(times):
        return numpy.exp(numpy.interp(times, numpy.arange(1000), numpy.log(sigmas)))

    def all_of(n):
        whole = [999 - int(i * (1000 / n)) for i in range(n)]
        return {
            "Uniform": at(numpy.linspace(999, 0, n)),
            "SGM Uniform": at(numpy.linspace(999, 0, n + 1)[:-1]),
            "DDIM": sigmas[1::1000 // n][::-1],
            "Simple": sigmas[whole],
        }

    def short(numbers):
        return [float(f"{number:.6g}") for number in numbers]

    counts = sorted({n + more for n in STEPS for more in (0, 1)})
    return {str(n): {name: short(one) for name, one in all_of(n).items()} for n in counts}


def write(out):
    root = pathlib.Path(__file__).resolve().parents[2]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "texts.json"
        command = ["cargo", "test", "--locked", "--test", "main", "web_ui::the_web_ui"]
        subprocess.run(command, cwd=root, env=os.environ | {"WEB_UI_TEXTS": str(path)}, check=True)
        texts = json.loads(path.read_text())
    cases = [told | {"settings": settings(told["text"])} for told in texts]
    lines = ",\n".join(json.dumps(case, ensure_ascii=False, separators=(",", ":")) for case in cases)
    head = json.dumps({"made_by": "scripts/golden.py web_ui", "levels": [levels(False), levels(True)]})
    (out / "web_ui.json").write_text(f'{head[:-1]}, "cases": [\n{lines}\n]}}\n')
