"""LoRAs in the layouts of their trainers, and what diffusers makes of the tiny models with them.

Writes tests/golden/loras/: a file for each layout, for the committed tiny UNet and text encoder
(scripts/golden/models.py), and cases.safetensors with the outputs, computed in float64.

    kohya, kohya_conv, peft, diffusers, processors     `load_lora_weights`, `fuse_lora`
    locon, loha, lokr                                  merged by LyCORIS's own functions
    dora, dora_columns, dora_peft                      merged by the formula of arXiv:2402.09353
    metadata                                           strengths in the header
    two                                                kohya and peft together, peft negative

Needs peft and lycoris-lora beside the packages of the other goldens.

    scripts/golden.py loras
"""

import json

import numpy
import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from lycoris.functional import locon, loha, lokr
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel

from .models import normal

UNET, TEXT = "unet_4_levels", "text_gelu"
CASE = "5x7"
WEIGHT, SECOND = 0.7, -0.4


def layers(network, wanted):
    found = (torch.nn.Linear, torch.nn.Conv2d)
    named = network.named_modules()
    return {name: m for name, m in named if isinstance(m, found) and any(w in name for w in wanted)}


def networks(out):
    unet = UNet2DConditionModel.from_pretrained(out / UNET).double().eval()
    config = CLIPTextConfig(**json.loads((out / TEXT / "config.json").read_text()))
    text = CLIPTextModel(config)
    tensors = load_file(out / TEXT / "model.safetensors")
    prefixed = any(name.startswith("text_model.") for name in text.state_dict())
    rename = (lambda n: n) if prefixed else (lambda n: n.removeprefix("text_model."))
    missing, _ = text.load_state_dict({rename(n): t for n, t in tensors.items()}, strict=False)
    assert not [name for name in missing if "position_ids" not in name], missing
    return unet, text.double().eval()


def outputs(out, unet, text):
    """The UNet's noise and the text encoder's states."""
    cases = load_file(out / UNET / "cases.safetensors")
    latents, timestep, context = [
        cases[f"{CASE}.{part}"].double() for part in ("latents", "timestep", "context")
    ]
    ids = load_file(out / TEXT / "cases.safetensors")["prompts.ids"].long()
    return {
        "eps": unet(latents, timestep[0], context).sample,
        "context": text(ids).last_hidden_state,
    }


def low_rank(random, layer, rank):
    """`down`, `up`: loud enough to be seen, in f16."""
    weight = layer.weight
    down = normal(random, rank, *weight.shape[1:]) / weight[0].numel() ** 0.5
    ones = (1,) * (weight.dim() - 2)
    up = normal(random, weight.shape[0], rank, *ones) / rank**0.5
    return down.half(), up.half()


def text_name(name):
    return name if name.startswith("text_model.") else f"text_model.{name}"


ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")


def kohya(random, unet, text, convolutions=False):
    """Underscores, an alpha, ranks that differ."""
    tensors = {}
    wanted = (*ATTENTION, "proj_in", "proj_out", "ff.net")
    wanted += ("conv1", "conv_shortcut", "downsamplers.0.conv") if convolutions else ()
    unet_layers = {f"lora_unet_{n}": m for n, m in layers(unet, wanted).items()}
    text_layers = {f"lora_te_{text_name(n)}": m for n, m in layers(text, ("_proj", "fc")).items()}
    for i, (name, layer) in enumerate((unet_layers | text_layers).items()):
        rank = 1 + i % 4
        down, up = low_rank(random, layer, rank)
        name = name.replace(".", "_")
        tensors[f"{name}.lora_down.weight"], tensors[f"{name}.lora_up.weight"] = down, up
        # One for all: diffusers 0.42 takes one layer's alpha for all others.
        tensors[f"{name}.alpha"] = torch.tensor(1.5).half()
    return tensors


def dotted(random, unet, text, down_up, wanted=ATTENTION, processors=False):
    """`unet.….lora_A.weight`, or what earlier versions of diffusers called it."""
    tensors = {}
    for name, layer in layers(unet, wanted).items():
        down, up = low_rank(random, layer, 2)
        if processors:
            block, _, rest = name.rpartition(".attn")
            number, _, last = rest.partition(".")
            name = f"{block}.attn{number}.processor.{last.removesuffix('.0')}_lora"
        for key, value in zip(down_up, (down, up)):
            tensors[f"unet.{name}.{key}.weight"] = value
    if not processors:
        old = ("lora_linear_layer.down", "lora_linear_layer.up")
        for name, layer in layers(text, ("q_proj", "v_proj")).items():
            for key, value in zip(down_up if "A" in down_up[0] else old, low_rank(random, layer, 2)):
                tensors[f"text_encoder.{text_name(name)}.{key}.weight"] = value
    return tensors


def dora(random, unet, text):
    tensors = kohya(random, unet, text)
    lengths = {}
    for name, layer in layers(unet, ATTENTION).items():
        key = f"lora_unet_{name}".replace(".", "_")
        norm = layer.weight.flatten(1).norm(dim=1)
        lengths[f"{key}.dora_scale"] = (norm * (1 + 0.3 * normal(random, len(norm))))[:, None].half()
    only = {key.rpartition(".dora_scale")[0] for key in lengths}
    return {k: v for k, v in tensors.items() if k.split(".")[0] in only} | lengths


def dora_columns(random, unet, text):
    """Of linears and convolutions, with a magnitude for each input channel."""
    tensors = kohya(random, unet, text, convolutions=True)
    lengths = {}
    for name, layer in layers(unet, (*ATTENTION, "conv1")).items():
        key = f"lora_unet_{name}".replace(".", "_")
        norm = layer.weight.transpose(0, 1).flatten(1).norm(dim=1)
        ones = (1,) * (layer.weight.dim() - 2)
        norm = norm * (1 + 0.3 * normal(random, len(norm)))
        lengths[f"{key}.dora_scale"] = norm.reshape(1, -1, *ones).half()
    only = {key.rpartition(".dora_scale")[0] for key in lengths}
    return {k: v for k, v in tensors.items() if k.split(".")[0] in only} | lengths


def merge_dora_columns(unet, tensors):
    """The same with the norm of each input channel, as LyCORIS (`wd_on_output=False`) and ComfyUI."""
    for name, layer in layers(unet, (*ATTENTION, "conv1")).items():
        key = f"lora_unet_{name}".replace(".", "_")
        down, up, alpha, scale = (tensors[f"{key}.{part}"].double() for part in (
            "lora_down.weight", "lora_up.weight", "alpha", "dora_scale"))
        difference = (up.flatten(1) @ down.flatten(1)).reshape(layer.weight.shape)
        weight = layer.weight + alpha / len(down) * difference
        norms = weight.transpose(0, 1).flatten(1).norm(dim=1).reshape(scale.shape)
        layer.weight.copy_(torch.lerp(layer.weight, weight * scale / norms, WEIGHT))


def merge_text(text, tensors, by=WEIGHT):
    """Merges by the formula: diffusers 0.42 loses the text encoder's alphas beside transformers 5,
    whose modules have no `text_model.` before them (it warns of keys that match no module)."""
    for name, layer in layers(text, ("",)).items():
        name = text_name(name)
        for key in (f"lora_te_{name}".replace(".", "_"), f"text_encoder.{name}"):
            for down, up in (("lora_down", "lora_up"), ("lora_A", "lora_B"),
                             ("lora_linear_layer.down", "lora_linear_layer.up")):
                if f"{key}.{down}.weight" in tensors:
                    down, up = (tensors[f"{key}.{x}.weight"].double() for x in (down, up))
                    rank = len(down)
                    scale = tensors.get(f"{key}.alpha", torch.tensor(rank)).double() / rank
                    layer.weight += by * scale * up @ down


def two(out, folder):
    """Two at once, the second with a negative weight."""
    unet, text = networks(out)
    pipe = StableDiffusionPipeline(
        None, text, None, unet, None, None, None, requires_safety_checker=False
    )
    both = {"kohya": WEIGHT, "peft": SECOND}
    for name in both:
        pipe.load_lora_weights(folder, weight_name=f"{name}.safetensors", adapter_name=name)
    pipe.set_adapters(list(both), list(both.values()))
    pipe.fuse_lora()
    pipe.unload_lora_weights()
    _, text = networks(out)
    for name, weight in both.items():
        merge_text(text, load_file(folder / f"{name}.safetensors"), weight)
    return {f"two.{key}": x for key, x in outputs(out, unet.double(), text).items()}


def merge_dora(unet, tensors, blends):
    """W' = m · (W + ΔW) / ‖W + ΔW‖, row by row. A weight other than 1 scales ΔW, as in PEFT's
    DoraLinearLayer, or blends W' with W, as in LyCORIS and ComfyUI. (diffusers 0.42 reads kohya's
    `dora_scale` and does not use it.)"""
    for name, layer in layers(unet, ATTENTION).items():
        key = f"lora_unet_{name}".replace(".", "_") if blends else f"unet.{name}"
        part = lambda *kinds: next(tensors[f"{key}.{k}"] for k in kinds if f"{key}.{k}" in tensors).double()
        down, up = part("lora_down.weight", "lora_A.weight"), part("lora_up.weight", "lora_B.weight")
        scale = part("alpha") / len(down) if blends else 1.0
        weight = layer.weight + (1.0 if blends else WEIGHT) * scale * up @ down
        norms = part("dora_scale", "lora_magnitude_vector").reshape(-1, 1)
        changed = norms * weight / weight.norm(dim=1, keepdim=True)
        layer.weight.copy_(torch.lerp(layer.weight, changed, WEIGHT) if blends else changed)


def in_peft_names(unet, tensors):
    """The layers of a kohya file under PEFT's names, without their alphas."""
    renamed = {}
    for name in layers(unet, ATTENTION):
        key = f"lora_unet_{name}".replace(".", "_")
        for old, new in (("lora_down.weight", "lora_A.weight"), ("lora_up.weight", "lora_B.weight"),
                         ("dora_scale", "lora_magnitude_vector")):
            value = tensors[f"{key}.{old}"]
            renamed[f"unet.{name}.{new}"] = value.flatten() if "magnitude" in new else value
    return renamed


def lycoris(random, unet, kind):
    """Tensors, and the difference of each layer's weight."""
    tensors, differences = {}, {}
    found = layers(unet, ("to_q", "to_out.0", "conv1", "proj_in"))
    for i, (name, layer) in enumerate(found.items()):
        shape, rank = layer.weight.shape, 2
        conv = layer.weight.dim() == 4 and shape[-1] > 1
        n, c, k = shape[0], shape[1], shape[2:].numel()
        draw = lambda *s: (normal(random, *s) * 0.4).half()
        tucker = conv and i % 2 == 0
        key = f"lora_unet_{name.replace('.', '_')}"
        if kind == "locon":
            if tucker:
                parts = {"lora_down.weight": draw(rank, c, 1, 1), "lora_up.weight": draw(n, rank, 1, 1),
                         "lora_mid.weight": draw(rank, rank, *shape[2:])}
            else:
                down, up = low_rank(random, layer, rank)
                parts = {"lora_down.weight": down, "lora_up.weight": up}
            d = [parts.get(f"lora_{p}.weight") for p in ("down", "up", "mid")]
            difference = locon.diff_weight(*[x.double() if x is not None else None for x in d])
        elif kind == "loha":
            parts = {}
            for side in (1, 2):
                a, b = ((rank, n), (rank, c)) if tucker else ((n, rank), (rank, c * k))
                parts |= {f"hada_w{side}_a": draw(*a), f"hada_w{side}_b": draw(*b)}
                if tucker:
                    parts[f"hada_t{side}"] = draw(rank, rank, *shape[2:])
            order = ("w1_b", "w1_a", "w2_b", "w2_a", "t1", "t2")
            d = [parts.get(f"hada_{p}") for p in order]
            difference = loha.diff_weight(*[x.double() if x is not None else None for x in d])
        else:
            n2, c2 = n // 2, c // 2
            parts = {"lokr_w1": draw(2, 2)} if i % 3 else {
                "lokr_w1_a": draw(2, 1), "lokr_w1_b": draw(1, 2)}
            if tucker:
                parts |= {"lokr_w2_a": draw(rank, n2), "lokr_w2_b": draw(rank, c2),
                          "lokr_t2": draw(rank, rank, *shape[2:])}
            elif i % 2:
                parts |= {"lokr_w2_a": draw(n2, rank), "lokr_w2_b": draw(rank, c2 * k)}
            else:
                parts["lokr_w2"] = draw(n2, c2, *shape[2:])
            order = ("w1", "w1_a", "w1_b", "w2", "w2_a", "w2_b", "t2")
            d = [parts.get(f"lokr_{p}") for p in order]
            d = [x.double() if x is not None else None for x in d]
            difference = lokr.kron_weight(*d, scale=1.0)
        # The functions leave alpha / rank to their caller; with both factors whole there is none.
        whole = "lokr_w1" in parts and "lokr_w2" in parts
        alpha = 1 + 0.25 * (i % 3)
        if not whole:
            b = "lokr_w2_b" if "lokr_w2_b" in parts else "lokr_w1_b"
            of = {"locon": "lora_down.weight", "loha": "hada_w1_b", "lokr": b}[kind]
            parts["alpha"] = torch.tensor(alpha).half()
            difference = difference * (alpha / parts[of].shape[0])
        tensors |= {f"{key}.{part}": value for part, value in parts.items()}
        differences[name] = difference.reshape(shape)
    return tensors, differences


@torch.no_grad()
def write(out):
    folder = out / "loras"
    folder.mkdir(exist_ok=True)
    unet, text = networks(out)
    plain = outputs(out, unet, text)
    random = numpy.random.Generator(numpy.random.Philox(key=sum(map(ord, "loras"))))
    files = {
        "kohya": kohya(random, unet, text),
        "kohya_conv": kohya(random, unet, text, convolutions=True),
        "peft": dotted(random, unet, text, ("lora_A", "lora_B"), (*ATTENTION, "ff.net.2", "conv2")),
        "diffusers": dotted(random, unet, text, ("lora.down", "lora.up")),
        "processors": dotted(random, unet, text, ("down", "up"), processors=True),
    }
    results = {}
    for name, tensors in files.items():
        tensors = {key: value.contiguous() for key, value in tensors.items()}
        save_file(tensors, folder / f"{name}.safetensors")
        unet, text = networks(out)
        pipe = StableDiffusionPipeline(
            None, text, None, unet, None, None, None, requires_safety_checker=False
        )
        if name == "processors":
            pipe.load_lora_into_unet(tensors, None, unet, adapter_name="one")
        else:
            pipe.load_lora_weights(folder, weight_name=f"{name}.safetensors", adapter_name="one")
        pipe.set_adapters(["one"], [WEIGHT])
        pipe.fuse_lora()
        pipe.unload_lora_weights()
        _, text = networks(out)
        merge_text(text, tensors)
        results |= {f"{name}.{key}": x for key, x in outputs(out, unet.double(), text).items()}
    unet, text = networks(out)
    tensors = dora(random, unet, text)
    # Some programs write alphas as integers.
    tensors |= {k: torch.tensor(2) for k in tensors if k.endswith(".alpha")}
    save_file({k: v.contiguous() for k, v in tensors.items()}, folder / "dora.safetensors")
    merge_dora(unet, tensors, blends=True)
    results |= {f"dora.{key}": x for key, x in outputs(out, unet, text).items()}
    tensors = in_peft_names(unet, tensors)
    save_file({k: v.contiguous() for k, v in tensors.items()}, folder / "dora_peft.safetensors")
    unet, text = networks(out)
    merge_dora(unet, tensors, blends=False)
    results |= {f"dora_peft.{key}": x for key, x in outputs(out, unet, text).items()}
    # diffusers since 0.35 writes strengths into the header: here √rank divides the alpha.
    unet, text = networks(out)
    tensors = {k: v for k, v in tensors.items() if "magnitude" not in k}
    adapter = {"unet.lora_alpha": 3, "unet.r": 2, "unet.use_rslora": True, "unet.alpha_pattern": {
        "mid_block.attentions.0.transformer_blocks.0.attn1.to_q": 5}}
    save_file({k: v.contiguous() for k, v in tensors.items()}, folder / "metadata.safetensors",
              {"lora_adapter_metadata": json.dumps(adapter)})
    for name, layer in layers(unet, ATTENTION).items():
        down, up = (tensors[f"unet.{name}.lora_{x}.weight"].double() for x in "AB")
        alpha = adapter["unet.alpha_pattern"].get(name, adapter["unet.lora_alpha"])
        layer.weight += WEIGHT * alpha / len(down) ** 0.5 * up @ down
    results |= {f"metadata.{key}": x for key, x in outputs(out, unet, text).items()}
    for name in ("locon", "loha", "lokr"):
        unet, text = networks(out)
        tensors, differences = lycoris(random, unet, name)
        save_file({k: v.contiguous() for k, v in tensors.items()}, folder / f"{name}.safetensors")
        modules = dict(unet.named_modules())
        for layer, difference in differences.items():
            modules[layer].weight += WEIGHT * difference
        results |= {f"{name}.{key}": x for key, x in outputs(out, unet, text).items()}
    unet, text = networks(out)
    tensors = dora_columns(random, unet, text)
    save_file({k: v.contiguous() for k, v in tensors.items()}, folder / "dora_columns.safetensors")
    merge_dora_columns(unet, tensors)
    results |= {f"dora_columns.{key}": x for key, x in outputs(out, unet, text).items()}
    results |= two(out, folder)
    for key, result in results.items():
        base = plain[key.rpartition(".")[2]]
        print(f"  {key}: changed by {((result - base) ** 2).mean() / (base**2).mean():.1e}")
    # Of the text encoder only where the file changes it.
    changed = {k: v for k, v in results.items() if not v.equal(plain[k.rpartition(".")[2]])}
    save_file({k: v.float().contiguous() for k, v in changed.items()}, folder / "cases.safetensors")
