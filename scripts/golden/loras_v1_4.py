"""LoRAs on Stable Diffusion v1.4's own topology: what diffusers makes of a made-up checkpoint.

Weights and LoRAs come from names alone, as in scripts/golden/synth.py, and the test makes them
again. `kohya` changes every layer that kohya's scripts train, with ranks that differ and 3×3
convolutions; `peft` has diffusers' own layout. The UNet is fused by `load_lora_weights` and
`fuse_lora`, each layer is compared with the formula, and outputs are computed in float64. Takes
some minutes and 9 GB of memory.
"""

import pathlib
import tempfile

import numpy
import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch
from transformers import CLIPTextModel

from . import walk
from .loras import ATTENTION, WEIGHT, layers, merge_text, text_name
from .synth import SEED_OF_MODEL, TOKENS_KEPT, numbers

ALPHA = 1.5
# Which layers have a part in each file: parts of their names in the UNet and in the text encoder.
WANTED = {
    "kohya": (("attentions", "resnets", "downsamplers", "upsamplers"), ("_proj", "fc")),
    "peft": ((*ATTENTION, "ff.net"), ("q_proj", "v_proj")),
}


def low_rank(name, layer):
    """`down`, `up` of a layer, in f16. The rank follows from the name's length."""
    rank, shape = 1 + len(name) % 4, layer.weight.shape
    half = lambda x, scale: (x.float() * numpy.float32(scale)).half()
    down = half(numbers(f"{name} down", rank, *shape[1:]), 0.5 / layer.weight[0].numel() ** 0.5)
    up = half(numbers(f"{name} up", shape[0], rank, *(1 for _ in shape[2:])), rank**-0.5)
    return down, up


def lora(kind, unet, text):
    """The file's tensors, and the difference of each layer of the UNet."""
    tensors, differences = {}, {}
    of_unet, of_text = WANTED[kind]
    for network, wanted, net in (("unet", of_unet, unet), ("text_encoder", of_text, text)):
        for name, layer in layers(net, wanted).items():
            name = name if network == "unet" else text_name(name)
            down, up = low_rank(name, layer)
            if kind == "kohya":
                key = f"lora_{'te' if network == 'text_encoder' else network}_{name.replace('.', '_')}"
                parts = {"lora_down.weight": down, "lora_up.weight": up, "alpha": torch.tensor(ALPHA).half()}
            else:
                key, parts = f"{network}.{name}", {"lora_A.weight": down, "lora_B.weight": up}
            tensors |= {f"{key}.{part}": x for part, x in parts.items()}
            if network == "unet":
                scale = WEIGHT * (ALPHA / len(down) if kind == "kohya" else 1)
                product = up.double().flatten(1) @ down.double().flatten(1)
                differences[name] = (scale * product).reshape(layer.weight.shape)
    return tensors, differences


def fuse(unet, folder, tensors, differences):
    """Adds the file to the UNet as diffusers does; that no layer was left out is checked."""
    save_torch({k: x.contiguous() for k, x in tensors.items()}, folder / "lora.safetensors")
    modules = dict(unet.named_modules())
    before = {name: modules[name].weight.clone() for name in differences}
    others = {n: x.double().sum().item() for n, x in unet.state_dict().items()}
    pipe = StableDiffusionPipeline(None, None, None, unet, None, None, None, requires_safety_checker=False)
    of_unet = {k: x for k, x in tensors.items() if k.startswith(("unet.", "lora_unet_"))}
    pipe.load_lora_weights(of_unet, adapter_name="one")
    pipe.set_adapters(["one"], [WEIGHT])
    pipe.fuse_lora()
    pipe.unload_lora_weights()
    modules = dict(unet.named_modules())
    for name, difference in differences.items():
        fused = modules[name].weight.double() - before[name].double()
        error = ((fused - difference) ** 2).sum() / (difference**2).sum()
        assert error < 1e-9, f"{name}: {error:.1e}"
    changed = {n.removesuffix(".weight") for n, x in unet.state_dict().items() if x.double().sum().item() != others[n]}
    assert changed == set(differences), changed ^ set(differences)


def write(out):
    torch.set_grad_enabled(False)
    arrays = {}
    ids = torch.tensor([[49406, *range(320, 20000, 256)][:76] + [49407]])
    latents, context = numbers("latents 8", 1, 4, 8, 8), numbers("context", 1, 77, 768)
    with tempfile.TemporaryDirectory() as model:
        walk.synth("sd-v1-4", SEED_OF_MODEL, model)
        for kind in ("plain", *WANTED):
            unet = UNet2DConditionModel.from_pretrained(f"{model}/unet").float()
            text = CLIPTextModel.from_pretrained(f"{model}/text_encoder").double()
            if kind != "plain":
                tensors, differences = lora(kind, unet, text)
                print(f"  {kind}: {len(differences)} layers of the UNet")
                fuse(unet, pathlib.Path(model), tensors, differences)
                merge_text(text, tensors)
                del tensors, differences
            arrays[f"{kind}.eps"] = unet.double()(latents, 981, context).sample
            del unet
            arrays[f"{kind}.context"] = text(ids).last_hidden_state[:, ::TOKENS_KEPT]
    for name, result in arrays.items():
        base = arrays[f"plain.{name.rpartition('.')[2]}"]
        print(f"  {name}: changed by {((result - base) ** 2).mean() / (base**2).mean():.1e}")
    kept = {k: x.numpy().astype(numpy.float32) for k, x in arrays.items() if k != "plain.context"}
    metadata = {
        "made_by": "scripts/golden.py loras_v1_4",
        "model": f"synth --config sd-v1-4 --seed {SEED_OF_MODEL}",
    }
    save_file(kept, out / "loras" / "v1_4.safetensors", metadata)
    (out / "loras" / "v1_4.safetensors").chmod(0o644)
