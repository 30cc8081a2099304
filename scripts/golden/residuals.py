"""What other networks add inside a UNet, as diffusers adds it: a ControlNet's residuals (to skips and
middle), a T2I-Adapter's (inside the levels on the way down), and both.

Writes tests/golden/residuals.safetensors: for each of the committed tiny UNets (scripts/golden/
models.py) inputs, residuals and outputs, computed in float64. The prompts are those of the UNet's own
cases.

    scripts/golden.py residuals
"""

import numpy
import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import load_file, save_file

from .models import normal

MODELS = {"unet_4_levels": "5x7", "unet_2_levels": "6x4"}


def shapes(model, inputs):
    """Of every skip, of the middle's output, and of what each level adds an adapter's features to."""
    found, levels, mid = [], [], []
    hooks = [
        model.mid_block.register_forward_hook(lambda _, __, out: mid.append(out.shape)),
        model.conv_in.register_forward_hook(lambda _, __, out: found.append(out.shape)),
    ]

    def after_level(block, _, out):
        sample, skips = out
        found.extend(skip.shape for skip in skips)
        attends = getattr(block, "has_cross_attention", False)
        # Before the half where the level attends, after it where not.
        levels.append(skips[len(block.resnets) - 1].shape if attends else sample.shape)

    hooks += [block.register_forward_hook(after_level) for block in model.down_blocks]
    model(*inputs)
    for hook in hooks:
        hook.remove()
    return found, mid[0], levels


@torch.no_grad()
def write(out):
    tensors = {}
    for name, case in MODELS.items():
        model = UNet2DConditionModel.from_pretrained(out / name).double().eval()
        cases = load_file(out / name / "cases.safetensors")
        inputs = [cases[f"{case}.{part}"].double() for part in ("latents", "timestep", "context")]
        inputs[1] = inputs[1][0]
        random = numpy.random.Generator(numpy.random.Philox(key=sum(map(ord, name + " residuals"))))
        skips, mid, levels = shapes(model, inputs)
        drawn = lambda shape: normal(random, *shape).float().double()
        skips, mid, levels = [drawn(s) for s in skips], drawn(mid), [drawn(s) for s in levels]
        control = {
            "down_block_additional_residuals": tuple(skips),
            "mid_block_additional_residual": mid,
        }
        # diffusers takes the features out of the list.
        adapter = lambda: {"down_intrablock_additional_residuals": [x.clone() for x in levels]}
        plain = model(*inputs).sample
        results = {
            "control": model(*inputs, **control).sample,
            "adapter": model(*inputs, **adapter()).sample,
            "both": model(*inputs, **control, **adapter()).sample,
        }
        for result in results.values():
            assert ((result - plain) ** 2).mean() > 0.01 * (plain**2).mean(), "it changes much"
        drawn = {f"skip{i}": x for i, x in enumerate(skips)} | {"mid": mid}
        drawn |= {f"level{i}": x for i, x in enumerate(levels)}
        tensors |= {f"{name}.{key}": x.float().contiguous() for key, x in (drawn | results).items()}
    save_file(tensors, out / "residuals.safetensors")
