"""What other networks add inside a UNet, as diffusers adds it: a ControlNet's residuals (to skips and
middle), a T2I-Adapter's (inside the levels on the way down), and both.

Writes tests/golden/residuals.safetensors: for each of the committed tiny UNets (scripts/golden/
models.py) inputs, residuals and outputs, computed in float64. The prompts are those of the UNet's own
cases. And tests/golden/unet_2_layers: the same for a UNet with two layers in a level, as v1.4 has them,
where an adapter's features belong to the last layer alone.

    scripts/golden.py residuals
"""

import numpy
import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import load_file, save_file

from .models import normal, unet

MODELS = {"unet_4_levels": "5x7", "unet_2_levels": "6x4"}
TWO_LAYERS = {
    "block_out_channels": (8, 16, 16),
    "down_block_types": ("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
    "layers_per_block": 2,
    "attention_head_dim": 2,
    "cross_attention_dim": 20,
    "norm_num_groups": 4,
}


def shapes(model, inputs):
    """Of every skip, of the middle's output, and of what each level adds an adapter's features to."""
    found, levels, mid = [], [], []
    hooks = [model.conv_in.register_forward_hook(lambda _, __, out: found.append(out.shape))]

    def after_level(block, _, out):
        sample, skips = out
        found.extend(skip.shape for skip in skips)
        attends = getattr(block, "has_cross_attention", False)
        # Before the half where the level attends, after it where not.
        levels.append(skips[len(block.resnets) - 1].shape if attends else sample.shape)
        # The middle, where there is one, keeps the shape of the lowest level.
        mid[:] = [sample.shape]

    hooks += [block.register_forward_hook(after_level) for block in model.down_blocks]
    model(*inputs)
    for hook in hooks:
        hook.remove()
    return found, mid[0], levels


@torch.no_grad()
def arrays(out, name, case):
    """Residuals for the case of a UNet, and what it makes of them."""
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
    return {f"{name}.{key}": x.float().contiguous() for key, x in (drawn | results).items()}


def write(out):
    tensors = {}
    for name, case in MODELS.items():
        tensors |= arrays(out, name, case)
    save_file(tensors, out / "residuals.safetensors")
    unet(out, "unet_2_layers", TWO_LAYERS, {(5, 7): 500.0})
    save_file(arrays(out, "unet_2_layers", "5x7"), out / "unet_2_layers/residuals.safetensors")
