"""Pictures with FreeU: diffusers' `enable_freeu` on the tiny made-up model, whose lowest resolution is
of one pixel here, of odd sides there.

    scripts/golden.py freeu
"""

import json

import numpy
import torch
from safetensors.numpy import save_file

from golden.pictures import SEED_OF_MODEL, open_tiny, run
from golden.shortcuts import REQUEST

# What differs from REQUEST.
CASES = {
    "published": {"freeu": "0.9, 0.2, 1.3, 1.4"},
    "strong": {"freeu": "0.3, 2.5, 0.6, 1.9", "sampler": "heun", "steps": 4,
               "width": 56, "height": 40},
    "small": {"freeu": "0.5, 0.1, 1.2, 1.1", "width": 8, "height": 40, "steps": 3},
}


def write(out):
    torch.set_grad_enabled(False)
    requests, arrays = {}, {}
    for name, changes in CASES.items():
        pipe = open_tiny()
        request = REQUEST | changes
        plain, _ = run(pipe, request, {})
        s1, s2, b1, b2 = map(float, request["freeu"].split(","))
        pipe.enable_freeu(s1=s1, s2=s2, b1=b1, b2=b2)
        latents, image = run(pipe, request, {})
        print(f"  {name} moves the latents by {numpy.abs(latents - plain).mean():.2f}")
        requests[name] = request
        arrays[f"{name}.latents_{request['steps']:03}"] = numpy.ascontiguousarray(
            latents, numpy.float32
        )
        # A picture is compared to 2/255, which half precision resolves 30 times.
        arrays[f"{name}.image"] = numpy.ascontiguousarray(image, numpy.float16)
    metadata = {
        "made_by": "scripts/golden.py freeu",
        "model": f"synth --config tiny --seed {SEED_OF_MODEL}", "requests": json.dumps(requests),
    }
    save_file(arrays, out / "freeu.safetensors", metadata)
    (out / "freeu.safetensors").chmod(0o644)
