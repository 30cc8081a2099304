"""Distilled UNets (BK-SDM and its like): one layer in each level, and perhaps no middle.

Writes tests/golden/unet_no_middle and unet_distilled: the topologies of BK-SDM-Small and BK-SDM-Tiny at
tiny sizes, with the cases of scripts/golden/models.py and residuals.py. (BK-SDM-Base's is that of
unet_4_levels.) And tests/golden/distilled:

`names.json` tells, for the true configs (crate/src/bin/darkroom/lab/synth/bk_sdm), the count of
tensors and numbers of diffusers' model, and FNV hashes of its names and shapes, and of its names in a
single file as diffusers' script convert_diffusers_to_original_stable_diffusion.py writes them.

`tiny.ckpt` is such a file, and its tensors lie in torch's file as published ones do: convolutions
channels last, matrices by columns. `tensors.json` tells the FNV hash of every tensor's f32 values.

    scripts/golden.py distilled
"""

import json
import pathlib

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel

from . import fnv, formats, save
from .formats import TEXT, VAE, hashes, randomised
from .models import unet
from .residuals import arrays

CONFIGS = pathlib.Path(__file__).parents[2] / "crate/src/bin/darkroom/lab/synth/bk_sdm"
SMALL = {
    "block_out_channels": (8, 16, 16, 16),
    "layers_per_block": 1,
    "mid_block_type": None,
    "attention_head_dim": 2,
    "cross_attention_dim": 32,
    "norm_num_groups": 4,
}
TINY = SMALL | {
    "block_out_channels": (8, 16, 24),
    "down_block_types": ("CrossAttnDownBlock2D",) * 3,
    "up_block_types": ("CrossAttnUpBlock2D",) * 3,
}
IN_A_FILE = TINY | {"block_out_channels": (8, 8, 16), "cross_attention_dim": 16, "sample_size": 8}
RESNET = {"norm1": "in_layers.0", "conv1": "in_layers.2", "norm2": "out_layers.0",
          "conv2": "out_layers.3", "time_emb_proj": "emb_layers.1", "conv_shortcut": "skip_connection"}
OUTSIDE = {"time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
           "conv_in": "input_blocks.0.0", "conv_norm_out": "out.0", "conv_out": "out.2"}


def in_threes(name):
    """What diffusers' script makes of a tensor's name."""
    module, kind = name.rsplit(".", 1)
    if module in OUTSIDE:
        return f"{OUTSIDE[module]}.{kind}"
    parts = name.split(".")
    if parts[0] == "mid_block":
        block, rest = f"middle_block.{1 if parts[1] == 'attentions' else 2 * int(parts[2])}", parts[3:]
    else:
        side, level, what, layer, *rest = parts
        first, layer = 3 * int(level), int(layer)
        if side == "down_blocks":
            block = {"resnets": f"input_blocks.{first + layer + 1}.0",
                     "attentions": f"input_blocks.{first + layer + 1}.1",
                     "downsamplers": f"input_blocks.{first + 3}.0.op"}[what]
        else:
            if what == "attentions" and first == 0:
                return name
            block = {"resnets": f"output_blocks.{first + layer}.0",
                     "attentions": f"output_blocks.{first + layer}.1",
                     "upsamplers": f"output_blocks.{first + 2}.{2 if first else 1}"}[what]
        # The downsampling's module has no name of its own in LDM.
        rest = rest[1:] if what == "downsamplers" else rest
        if what == "resnets":
            rest[0] = RESNET[rest[0]]
        return ".".join([block, *rest])
    if parts[1] == "resnets":
        rest[0] = RESNET[rest[0]]
    return ".".join([block, *rest])


def write_names(out):
    found = {}
    for path in sorted(CONFIGS.glob("*.json")):
        with torch.device("meta"):
            model = UNet2DConditionModel.from_config(json.loads(path.read_text()))
        shapes = {name: list(tensor.shape) for name, tensor in model.state_dict().items()}
        listed = "".join(f"{name} {shapes[name]}\n" for name in sorted(shapes))
        renamed = "".join(f"{name} {in_threes(name)}\n" for name in sorted(shapes))
        numbers = sum(tensor.numel() for tensor in model.state_dict().values())
        found[path.stem] = {"tensors": len(shapes), "numbers": numbers,
                            "shapes": fnv(listed.encode()), "in_threes": fnv(renamed.encode())}
        print(f"  {path.stem}: {len(shapes)} tensors, {numbers} numbers")
    save(out / "names.json", **found)
    text = (out / "names.json").read_text()
    (out / "names.json").write_text(text.replace("golden.py names", "golden.py distilled"))


def scattered(tensor):
    """The same numbers, in another order in memory."""
    if tensor.dim() == 4:
        return tensor.contiguous(memory_format=torch.channels_last)
    return tensor.t().contiguous().t() if tensor.dim() == 2 else tensor


def write_file(out):
    net, vae = UNet2DConditionModel(**IN_A_FILE), AutoencoderKL(**VAE)
    text = CLIPTextModel(CLIPTextConfig(**TEXT))
    text, net, decoder = [
        {name: value.half() for name, value in randomised(model, 10 + seed).items()}
        for seed, model in enumerate([text, net, vae])
    ]
    text = {name if name.startswith("text_model.") else f"text_model.{name}": value
            for name, value in text.items() if "position_ids" not in name}
    ldm = {f"model.diffusion_model.{in_threes(name)}": scattered(x) for name, x in net.items()}
    ldm |= {f"cond_stage_model.transformer.{name}": x for name, x in text.items()}
    names = formats.pairs(UNet2DConditionModel(**formats.UNET), vae, formats.TINY)["vae"]
    for theirs, ours in names.items():
        value = decoder[ours]
        value = value[:, :, None, None] if ".attn_1." in theirs and value.dim() == 2 else value
        ldm[f"first_stage_model.{theirs}"] = value.contiguous()
    configs = {
        "darkroom.unet": json.dumps({"attention_head_dim": 2, "norm_num_groups": 4, "sample_size": 8}),
        "darkroom.vae": json.dumps(VAE | {"_class_name": "AutoencoderKL"}),
        "darkroom.text_encoder": json.dumps(TEXT | {"model_type": "clip_text_model"}),
    }
    torch.save({"state_dict": ldm, **configs}, out / "tiny.ckpt")
    parts = {"text_encoder": text, "unet": net, "vae": decoder}
    told = {part: hashes({n: v.float().numpy() for n, v in tensors.items()})
            for part, tensors in parts.items()}
    (out / "tensors.json").write_text(
        json.dumps({"made_by": "scripts/golden.py distilled", **told}, indent=0) + "\n")


def write(out):
    for name, config in {"unet_no_middle": SMALL, "unet_distilled": TINY}.items():
        unet(out, name, config, {(8, 8): 981.0, (5, 7): 1.0})
        save_file(arrays(out, name, "5x7"), out / name / "residuals.safetensors")
    out = out / "distilled"
    out.mkdir(exist_ok=True)
    write_names(out)
    write_file(out)
