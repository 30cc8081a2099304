"""A tiny model in the files that others write: torch's .ckpt and .bin, and GGUF by ggml's package.

`formats/tiny.ckpt` has LDM's names and mixed types; its configs stand beside the weights as texts.
`formats/tensors.json` tells the FNV hash of every tensor's f32 values under diffusers' names, for it
and for `tiny.gguf`. `formats/blocks.*` is one tensor of each of ggml's types and what ggml's package
makes of it. `formats/names.json` pairs the names of v1.4: those of LDM are listed here as its program
builds its modules, and diffusers' own converter says what they become.
"""

import json

import gguf
import numpy
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.loaders import single_file_utils
from safetensors.numpy import save_file
from transformers import CLIPTextConfig, CLIPTextModel

from . import fnv, save

UNET = {
    "block_out_channels": [8, 16], "layers_per_block": 1, "attention_head_dim": 2,
    "cross_attention_dim": 16, "norm_num_groups": 4, "sample_size": 8,
    "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"],
}
VAE = {
    "block_out_channels": [8, 8], "layers_per_block": 1, "norm_num_groups": 4,
    "down_block_types": ["DownEncoderBlock2D"] * 2, "up_block_types": ["UpDecoderBlock2D"] * 2,
}
TEXT = {
    "hidden_size": 16, "intermediate_size": 32, "num_attention_heads": 4, "num_hidden_layers": 2,
    "vocab_size": 514, "max_position_embeddings": 77, "hidden_act": "quick_gelu",
}
V1_4 = {"levels": 4, "layers": 2, "attention": [True, True, True, False], "vae": 4}
TINY = {"levels": 2, "layers": 1, "attention": [True, False], "vae": 2}
RESNET = ["in_layers.0", "in_layers.2", "emb_layers.1", "out_layers.0", "out_layers.3"]
BLOCK = ["attn1.to_q", "attn1.to_k", "attn1.to_v", "attn1.to_out.0", "attn2.to_q", "attn2.to_k",
         "attn2.to_v", "attn2.to_out.0", "ff.net.0.proj", "ff.net.2", "norm1", "norm2", "norm3"]


def ldm_unet(levels, layers, attention, **_):
    """openaimodel.py's UNetModel, module by module; `channels` only says where widths change."""
    def resnet(at, skip):
        return [f"{at}.{part}" for part in RESNET + ["skip_connection"] * skip]

    def transformer(at):
        inner = [f"transformer_blocks.0.{part}" for part in BLOCK]
        return [f"{at}.{part}" for part in ["norm", "proj_in", *inner, "proj_out"]]

    width = [1, 2, 4, 4][:levels]
    names = ["time_embed.0", "time_embed.2", "input_blocks.0.0"]
    skips, now, index = [1], 1, 1
    for level in range(levels):
        for _ in range(layers):
            names += resnet(f"input_blocks.{index}.0", now != width[level])
            now = width[level]
            if attention[level]:
                names += transformer(f"input_blocks.{index}.1")
            skips.append(now)
            index += 1
        if level != levels - 1:
            names.append(f"input_blocks.{index}.0.op")
            skips.append(now)
            index += 1
    names += resnet("middle_block.0", False) + transformer("middle_block.1")
    names += resnet("middle_block.2", False)
    index = 0
    for level in reversed(range(levels)):
        for layer in range(layers + 1):
            skips.pop()
            names += resnet(f"output_blocks.{index}.0", True)
            if attention[level]:
                names += transformer(f"output_blocks.{index}.1")
            if level and layer == layers:
                names.append(f"output_blocks.{index}.{1 + attention[level]}.conv")
            index += 1
    return [*names, "out.0", "out.2"]


def named(module_names, model, convert, prefix):
    """Pairs of LDM's and diffusers' tensor names: what `convert` makes of numbered tensors."""
    names = [f"{name}.{kind}" for name in module_names for kind in ("weight", "bias")]
    # q, k and v of a transformer have no bias.
    names = [name for name in names if not name.endswith(("to_q.bias", "to_k.bias", "to_v.bias"))]
    numbered = {prefix + name: torch.full((1, 1, 1, 1), float(i)) for i, name in enumerate(names)}
    converted = convert(numbered, model.config)
    converted = {name: int(value.flatten()[0]) for name, value in converted.items()}
    assert sorted(converted) == sorted(model.state_dict()), set(converted) ^ set(model.state_dict())
    return {names[number]: name for name, number in converted.items()}


def ldm_vae(vae, layers, **_):
    """model.py's Encoder and Decoder."""
    names = ["quant_conv", "post_quant_conv"]
    width = [1, 2, 4, 4][:vae] if vae == 4 else [1] * vae
    for side, way, extra, sampler in [("encoder", "down", 0, "downsample"),
                                      ("decoder", "up", 1, "upsample")]:
        def resnet(at, shortcut):
            parts = ["norm1", "conv1", "norm2", "conv2"] + ["nin_shortcut"] * shortcut
            return [f"{at}.{part}" for part in parts]

        names += [f"{side}.{part}" for part in ("conv_in", "norm_out", "conv_out")]
        names += resnet(f"{side}.mid.block_1", False) + resnet(f"{side}.mid.block_2", False)
        names += [f"{side}.mid.attn_1.{part}" for part in ("norm", "q", "k", "v", "proj_out")]
        now = width[0] if way == "down" else width[-1]
        for level in range(vae) if way == "down" else reversed(range(vae)):
            for layer in range(layers + extra):
                names += resnet(f"{side}.{way}.{level}.block.{layer}", now != width[level])
                now = width[level]
            if level != (vae - 1 if way == "down" else 0):
                names.append(f"{side}.{way}.{level}.{sampler}.conv")
    return names


def pairs(unet, vae, topology):
    to_unet = single_file_utils.convert_ldm_unet_checkpoint
    to_vae = single_file_utils.convert_ldm_vae_checkpoint
    return {
        "unet": named(ldm_unet(**topology), unet, to_unet, "model.diffusion_model."),
        "vae": named(ldm_vae(**topology), vae, to_vae, "first_stage_model."),
    }


def modules(names):
    """Pairs of modules: what stands before `.weight` or `.bias`."""
    return sorted({(a.rpartition(".")[0], b.rpartition(".")[0]) for a, b in names.items()})


def write_names(out):
    with torch.device("meta"):
        unet = UNet2DConditionModel(cross_attention_dim=768, attention_head_dim=8)
        vae = AutoencoderKL(
            block_out_channels=(128, 256, 512, 512), layers_per_block=2,
            down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        )
    found = pairs(unet, vae, V1_4)
    counts = {name: len(names) for name, names in found.items()}
    save(out / "names.json", counts=counts, unet=modules(found["unet"]), vae=modules(found["vae"]))
    text = (out / "names.json").read_text()
    (out / "names.json").write_text(text.replace("golden.py names", "golden.py formats"))


def randomised(model, seed):
    random = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        scale = 0.05 if name.endswith("bias") or parameter.dim() < 2 else 0.7
        fan_in = parameter[0].numel() if parameter.dim() > 1 else 1
        values = torch.randn(parameter.shape, generator=random) * scale / fan_in**0.5
        if parameter.dim() < 2 and name.endswith("weight"):
            values += 1
        parameter.data = values
    return {name: value.detach() for name, value in model.state_dict().items()}


def hashes(tensors):
    values = {name: numpy.ascontiguousarray(value, "<f4") for name, value in tensors.items()}
    return {name: [list(value.shape), fnv(value.tobytes())] for name, value in values.items()}


def write_tiny(out):
    unet, vae = UNet2DConditionModel(**UNET), AutoencoderKL(**VAE)
    text = CLIPTextModel(CLIPTextConfig(**TEXT))
    parts = [randomised(model, seed) for seed, model in enumerate([text, unet, vae])]
    types = [torch.float16, torch.float32, torch.bfloat16]
    parts = [{name: value.to(kind) for name, value in part.items()}
             for part, kind in zip(parts, types)]
    text_tensors = {name if name.startswith("text_model.") else f"text_model.{name}": value
                    for name, value in parts[0].items() if "position_ids" not in name}
    found = pairs(unet, vae, TINY)
    ldm = {f"cond_stage_model.transformer.{name}": value for name, value in text_tensors.items()}
    ldm["cond_stage_model.transformer.text_model.embeddings.position_ids"] = torch.arange(77)[None]
    for prefix, names, part in [("model.diffusion_model.", found["unet"], parts[1]),
                                ("first_stage_model.", found["vae"], parts[2])]:
        ldm |= {prefix + theirs: part[ours].contiguous() for theirs, ours in names.items()}
    for name, value in ldm.items():
        if ".attn_1." in name and value.dim() == 2:
            ldm[name] = value[:, :, None, None]
    ldm["model_ema.decay"] = torch.tensor(0.9999)
    configs = {
        "darkroom.unet": json.dumps(UNET | {"_class_name": "UNet2DConditionModel"}),
        "darkroom.vae": json.dumps(VAE | {"_class_name": "AutoencoderKL"}),
        "darkroom.text_encoder": json.dumps(TEXT | {"model_type": "clip_text_model"}),
    }
    torch.save({"state_dict": ldm, "global_step": 470000, "lr": [1e-4], **configs}, out / "tiny.ckpt")
    torch.save(parts[2], out / "vae.bin")
    float_parts = dict(zip(["text_encoder", "unet", "vae"], [text_tensors, parts[1], parts[2]]))
    exact = {part: hashes({n: v.float().numpy() for n, v in tensors.items()})
             for part, tensors in float_parts.items()}
    back = {"model.diffusion_model.": found["unet"], "first_stage_model.": found["vae"]}
    quantised = write_gguf(out / "tiny.gguf", ldm, configs, back)
    (out / "tensors.json").write_text(json.dumps(
        {"made_by": "scripts/golden.py formats", "ckpt": exact, "gguf": quantised}, indent=0) + "\n")


def write_gguf(path, ldm, configs, back):
    """By stable-diffusion.cpp's rule: Q8_0 where rows are whole blocks, biases as they are."""
    writer = gguf.GGUFWriter(path, "sd1")
    for key, value in configs.items():
        writer.add_string(key, value)
    writer.add_array("darkroom.test.numbers", [1, 2, 3])
    read = {"text_encoder": {}, "unet": {}, "vae": {}}
    kinds = gguf.GGMLQuantizationType
    for name, value in ldm.items():
        if value.dtype == torch.int64 or value.dim() == 0:
            continue
        values = value.float().numpy()
        kind = kinds.F32
        if values.ndim > 1:
            kind = kinds.Q8_0 if values.shape[-1] % 32 == 0 else kinds.F16
        data = gguf.quants.quantize(values, kind)
        writer.add_tensor(name, data, raw_dtype=kind)
        again = gguf.quants.dequantize(data, kind).reshape(values.shape)
        part, ours = "text_encoder", name.removeprefix("cond_stage_model.transformer.")
        for prefix, names in back.items():
            if name.startswith(prefix):
                part = "unet" if "diffusion" in prefix else "vae"
                ours = names[name.removeprefix(prefix)]
        if ".attn_1." in name and again.ndim == 4:
            again = again[:, :, 0, 0]
        read[part][ours] = again
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return {part: hashes(tensors) for part, tensors in read.items()}


def write_blocks(out):
    """Two rows of two blocks of every type; bits at random, scales within reason."""
    random = numpy.random.default_rng(0)
    kinds = gguf.GGMLQuantizationType
    writer, expected = gguf.GGUFWriter(out / "blocks.gguf", "test"), {}
    # Where the f16 scales stand in a block.
    scales = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0],
              "Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}
    for name, places in scales.items():
        kind = kinds[name]
        block, size = gguf.GGML_QUANT_SIZES[kind]
        data = random.integers(0, 256, (2, 2, size), numpy.uint8)
        for place in places:
            scale = random.uniform(-0.02, 0.02, (2, 2, 1)).astype(numpy.float16)
            data[:, :, place : place + 2] = scale.view(numpy.uint8)
        data = data.reshape(2, 2 * size)
        writer.add_tensor(name, data, raw_dtype=kind)
        expected[name] = gguf.quants.dequantize(data, kind).astype(numpy.float32)
    floats = random.standard_normal((2, 8)).astype(numpy.float32)
    for name, kind in [("F32", kinds.F32), ("F16", kinds.F16), ("BF16", kinds.BF16)]:
        data = gguf.quants.quantize(floats, kind)
        writer.add_tensor(name, data, raw_dtype=kind)
        expected[name] = gguf.quants.dequantize(data, kind).astype(numpy.float32)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    save_file(expected, out / "blocks.safetensors", {"made_by": "scripts/golden.py formats"})
    (out / "blocks.safetensors").chmod(0o644)


def write_tokenizer(out):
    """CLIP's letters without a merge: bytes as letters, alone and at a word's end."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(b) for b in plain]
    letters += [chr(256 + i) for i in range(256 - len(plain))]
    tokens = letters + [letter + "</w>" for letter in letters]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    vocab = {token: i for i, token in enumerate(tokens)}
    (out / "vocab.json").write_text(json.dumps(vocab))
    (out / "merges.txt").write_text("#version: 0.2\n")


def write(out):
    out = out / "formats"
    (out / "tokenizer").mkdir(parents=True, exist_ok=True)
    write_names(out)
    write_tiny(out)
    write_blocks(out)
    write_tokenizer(out / "tokenizer")
