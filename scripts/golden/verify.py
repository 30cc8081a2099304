"""diffusers' own tests of v1.4, on a made-up tiny model: the same requests, the same nine numbers.

They prove that `darkroom verify` asks and compares as those tests do; its published numbers are for
weights that are not in this repository.
"""

import hashlib
import json
import tempfile

import diffusers
import numpy
import torch

import compare_diffusers
from golden.walk import SEED_OF_MODEL, synth

PROMPT = "a photograph of an astronaut riding a horse"
SCHEDULERS = {
    "ddim": (diffusers.DDIMScheduler, {}),
    "pndm": (diffusers.PNDMScheduler, {}),
    "lms": (diffusers.LMSDiscreteScheduler, {}),
    "dpmpp_2m": (diffusers.DPMSolverMultistepScheduler, {"final_sigmas_type": "sigma_min"}),
}


def write(out):
    torch.set_grad_enabled(False)
    with tempfile.TemporaryDirectory() as model:
        synth("tiny", SEED_OF_MODEL, model)
        pipe = compare_diffusers.open_pipeline(model)
    config = pipe.scheduler.config
    noise = numpy.random.RandomState(0).standard_normal((1, 4, 8, 8))
    corners = {}
    for name, (scheduler, more) in SCHEDULERS.items():
        pipe.scheduler = scheduler.from_config(config, **more)
        picture = pipe(
            prompt=PROMPT, latents=torch.from_numpy(noise).float(), num_inference_steps=3,
            guidance_scale=7.5, output_type="np",
        ).images
        corners[name] = [float(number) for number in picture[0, -3:, -3:, -1].flatten()]
    conv_in = pipe.unet.conv_in.weight.detach().numpy().astype("<f4")
    golden = {
        "made_by": "scripts/golden.py verify",
        "model": f"synth --config tiny --seed {SEED_OF_MODEL}",
        "conv_in_sha256": hashlib.sha256(numpy.ascontiguousarray(conv_in).tobytes()).hexdigest(),
        "corners": corners,
    }
    (out / "verify.json").write_text(json.dumps(golden, indent=1) + "\n")
