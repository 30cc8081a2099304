"""Torch files as other programs leave them, of the checkpoint that formats.py wrote.

foreign/legacy.ckpt   the format of before torch 1.6, two dictionaries deep, convolutions with their
                      channels last, matrices transposed, and tensors that no model asks for: the
                      numbers are those of formats/tiny.ckpt
foreign/eight.ckpt    the UNet as float8_e4m3fn, the VAE as float8_e5m2; eight.json has the shape and
                      the hash of every tensor, widened by torch
foreign/*.pt          no checkpoints: a hypernetwork, an upscaler
"""

import json

import torch

from .formats import hashes



def another_order(value):
    if value.dim() == 4 and value.shape[2] > 1:
        return value.to(memory_format=torch.channels_last)
    if value.dim() == 2:
        return value.t().contiguous().t()
    return value


def write(out):
    source = torch.load(out / "formats" / "tiny.ckpt", weights_only=True)
    out = out / "foreign"
    out.mkdir(exist_ok=True)
    configs = {key: text for key, text in source.items() if key.startswith("darkroom.")}
    state = source["state_dict"]

    unused = {
        "unused.transposed": torch.zeros(4, 6).t(), "unused.int8": torch.zeros(4, dtype=torch.int8),
        "unused.complex": torch.zeros(4, dtype=torch.complex64),
        "unused.eight": torch.zeros(4, dtype=torch.float8_e4m3fn),
    }
    legacy = {name: another_order(value) for name, value in state.items()}
    torch.save({"state_dict": {"state_dict": legacy | unused}, **configs}, out / "legacy.ckpt",
               _use_new_zipfile_serialization=False)

    types = {"model.diffusion_model.": torch.float8_e4m3fn, "first_stage_model.": torch.float8_e5m2}
    eight, widened = dict(state), {}
    for name, value in state.items():
        kind = [kind for prefix, kind in types.items() if name.startswith(prefix)]
        if kind:
            eight[name] = value.to(kind[0])
            widened[name] = eight[name].float().numpy()
    sparse = {"unused.sparse": torch.eye(4).to_sparse()}
    torch.save({"state_dict": eight | sparse, **configs}, out / "eight.ckpt")
    (out / "eight.json").write_text(json.dumps(
        {"made_by": "scripts/golden.py foreign", **hashes(widened)}, indent=0) + "\n")

    layers = [{"linear1.weight": torch.zeros(4, 4)}, {"linear1.weight": torch.zeros(4, 4)}]
    torch.save({320: layers, 768: layers, "step": 1, "name": "h"}, out / "hypernetwork.pt")
    torch.save({"params_ema": {"body.0.rdb1.conv1.weight": torch.zeros(4, 4)}}, out / "upscaler.pt")
