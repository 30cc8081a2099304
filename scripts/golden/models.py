"""Tiny models with random weights, and what diffusers and transformers make of them.

Writes tests/golden/<name>/: the config and the checkpoint as the libraries save them (weights in
f16), and cases.safetensors with inputs and outputs. Outputs are computed in float64 from the f16
weights, so that the whole error a test sees is the tested program's own.

Beside each right output stand wrong ones, made by the same libraries after one thing has been
changed (tanh GELU, the epsilon of one kind of norm): a test that cannot tell them from the right
one proves nothing. For that, what is written to a residual stream is kept small, so that norms see
variances at which their epsilons count.

    scripts/golden.py models
"""

import json

import numpy
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel

# How loud the layers are that write to a residual stream; all others are at 1.
QUIET = {
    ("conv_in", "conv2"): 0.07,
    ("to_out.0", "fc2", "out_proj", "embedding"): 0.1,
    ("proj_in",): 0.3,
}


def generator(name):
    return numpy.random.Generator(numpy.random.Philox(key=sum(map(ord, name))))


def normal(random, *shape):
    return torch.from_numpy(random.standard_normal(shape))


@torch.no_grad()
def randomise(model, name):
    """Gives every parameter numbers, rounded to f16, and widens the model to f64."""
    random = generator(name)
    for path, parameter in sorted(model.named_parameters()):
        values = normal(random, *parameter.shape)
        layer = path.removesuffix(".weight").removesuffix(".bias")
        quiet = next((gain for ends, gain in QUIET.items() if layer.endswith(ends)), 1.0)
        if path.endswith("bias"):
            values = 0.1 * quiet * values
        elif parameter.dim() == 1:
            values = 1 + 0.2 * values
        else:
            fan_in = 1 if "embedding.weight" in path else parameter[0].numel()
            values = quiet * values / fan_in**0.5
        parameter.data = values.half()
    return model.eval()


def save(model, folder, rename=lambda name, tensor: (name, tensor), extra=None):
    """As save_pretrained does, but for names and shapes changed by `rename`."""
    model.half().save_pretrained(folder)
    path = next(folder.glob("*.safetensors"))
    tensors = dict(rename(*item) for item in load_file(path).items())
    save_file(tensors | (extra or {}), path, metadata={"format": "pt"})
    config = folder / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()), indent=2) + "\n")
    return model.double()


def with_eps(model, kind, where, eps):
    """Changes the epsilon of the norms of this kind whose path has `where`; undone by the result."""
    changed = [(m, m.eps) for path, m in model.named_modules() if type(m) is kind and where(path)]
    assert changed
    for module, _ in changed:
        module.eps = eps

    def undo():
        for module, old in changed:
            module.eps = old

    return undo


def with_tanh_gelu(model):
    """Changes every gelu, whether diffusers calls it or transformers holds it."""
    exact = torch.nn.functional.gelu

    def tanh(x, approximate="none"):
        return exact(x, approximate="tanh")

    class Tanh(torch.nn.Module):
        def forward(self, x):
            return tanh(x)

    held = [m for m in model.modules() if isinstance(getattr(m, "activation_fn", None), torch.nn.Module)]
    before = [m.activation_fn for m in held]
    torch.nn.functional.gelu = tanh
    for module in held:
        module.activation_fn = Tanh()

    def undo():
        torch.nn.functional.gelu = exact
        for module, function in zip(held, before):
            module.activation_fn = function

    return undo


def nmse(a, b):
    return float(((a - b) ** 2).sum() / (b**2).sum())


@torch.no_grad()
def run(model, cases, call, output, wrongs):
    """Adds to each case its outputs, and the wrong ones, by name."""
    tensors = {}
    for name, inputs in cases.items():
        right = call(inputs)
        for key, value in (inputs | {output: right}).items():
            tensors[f"{name}.{key}"] = value.float().contiguous()
        model.float()
        single = call({key: value.float() for key, value in inputs.items()})
        model.double()
        report = [f"f32 {nmse(single.double(), right):.1e}"]
        for wrong, change in wrongs.items():
            undo = change(model)
            value = call(inputs)
            undo()
            tensors[f"{name}.wrong.{wrong}"] = value.float().contiguous()
            report.append(f"{wrong} {nmse(value, right):.1e}")
        print(f"  {name} {output}: NMSE of {', '.join(report)}")
    return tensors


def unet(out, name, config, sizes):
    print(name)
    random = generator(name + " inputs")
    model = save(randomise(UNet2DConditionModel(**config), name), out / name)
    cases = {}
    for (height, width), timestep in sizes.items():
        cases[f"{height}x{width}"] = {
            "latents": normal(random, 2, model.config.in_channels, height, width),
            "timestep": torch.tensor([timestep], dtype=torch.float64),
            "context": normal(random, 2, 11, model.config.cross_attention_dim),
        }

    def call(inputs):
        timestep = inputs["timestep"][0]
        return model(inputs["latents"], timestep, inputs["context"]).sample

    def attention(path):
        return "attentions" in path

    norm, layer = torch.nn.GroupNorm, torch.nn.LayerNorm
    wrongs = {
        "tanh_gelu": with_tanh_gelu,
        "transformer_eps": lambda m: with_eps(m, norm, attention, 1e-5),
        "resnet_eps": lambda m: with_eps(m, norm, lambda p: not attention(p), 1e-6),
        "layer_eps": lambda m: with_eps(m, layer, attention, 1e-6),
    }
    save_file(run(model, cases, call, "eps", wrongs), out / name / "cases.safetensors")


def earlier_names(name, tensor):
    """The VAE's attention as diffusers had it before 0.17, here as 1×1 convolutions."""
    if "attentions" in name:
        for new, old in {
            "to_q": "query",
            "to_k": "key",
            "to_v": "value",
            "to_out.0": "proj_attn",
        }.items():
            if f".{new}." in name:
                tensor = tensor[:, :, None, None].contiguous() if tensor.dim() == 2 else tensor
                return name.replace(f".{new}.", f".{old}."), tensor
    return name, tensor


def vae(out, name, config, size, rename):
    print(name)
    random = generator(name + " inputs")
    model = save(randomise(AutoencoderKL(**config), name), out / name, rename)
    height, width = size
    factor = 2 ** (len(config["block_out_channels"]) - 1)
    latents = normal(random, 1, model.config.latent_channels, height, width)
    picture = torch.tanh(normal(random, 1, 3, factor * height, factor * width))
    scale = model.config.scaling_factor
    norm = torch.nn.GroupNorm
    wrongs = {"eps": lambda m: with_eps(m, norm, lambda _: True, 1e-5)}

    def decode(inputs):
        return model.decode(inputs["latents"] / scale).sample

    def encode(inputs):
        return model.encode(inputs["picture"]).latent_dist.parameters

    tensors = run(model, {"decode": {"latents": latents}}, decode, "picture", wrongs)
    tensors |= run(model, {"encode": {"picture": picture}}, encode, "moments", wrongs)
    save_file(tensors, out / name / "cases.safetensors")


def text_encoder(out, name, config):
    print(name)
    random = generator(name + " inputs")
    model = CLIPTextModel(CLIPTextConfig(**config))
    prefix = "text_model."

    def published(name, tensor):
        return (name if name.startswith(prefix) else prefix + name), tensor

    # Checkpoints of transformers before 4.31 hold the positions' numbers too.
    extra = {prefix + "embeddings.position_ids": torch.arange(77)[None]}
    model = save(randomise(model, name), out / name, published, extra)
    ids = torch.from_numpy(random.integers(0, config["vocab_size"], (2, 77)))
    ids[0, 9:] = config["vocab_size"] - 1

    def call(inputs):
        return model(inputs["ids"].long()).last_hidden_state

    wrongs = {
        "layer_eps": lambda m: with_eps(m, torch.nn.LayerNorm, lambda _: True, 1e-6),
    }
    if config["hidden_act"] == "gelu":
        wrongs["tanh_gelu"] = with_tanh_gelu
    tensors = run(model, {"prompts": {"ids": ids}}, call, "context", wrongs)
    save_file(tensors, out / name / "cases.safetensors")


def write(out):
    # v1.4's topology: four levels, heads by number, the lowest level without attention.
    unet(
        out,
        "unet_4_levels",
        {
            "block_out_channels": (8, 16, 16, 16),
            "layers_per_block": 1,
            "attention_head_dim": 2,
            "cross_attention_dim": 32,
            "norm_num_groups": 4,
        },
        {(8, 8): 981.0, (5, 7): 1.0},
    )
    # Groups of three and six channels, heads by level, linear projections, another input.
    unet(
        out,
        "unet_2_levels",
        {
            "block_out_channels": (12, 24),
            "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
            "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
            "layers_per_block": (1, 1),
            "attention_head_dim": (3, 2),
            "cross_attention_dim": 20,
            "norm_num_groups": 4,
            "use_linear_projection": True,
            "in_channels": 9,
            "flip_sin_to_cos": False,
            "freq_shift": 1,
        },
        {(5, 7): 500.0, (6, 4): 12.25},
    )
    vae(
        out,
        "vae_4_levels",
        {
            "block_out_channels": (8, 16, 16, 16),
            "down_block_types": ("DownEncoderBlock2D",) * 4,
            "up_block_types": ("UpDecoderBlock2D",) * 4,
            "layers_per_block": 1,
            "norm_num_groups": 4,
        },
        (3, 5),
        lambda name, tensor: (name, tensor),
    )
    vae(
        out,
        "vae_3_levels",
        {
            "block_out_channels": (8, 12, 16),
            "down_block_types": ("DownEncoderBlock2D",) * 3,
            "up_block_types": ("UpDecoderBlock2D",) * 3,
            "layers_per_block": 2,
            "norm_num_groups": 4,
            "use_quant_conv": False,
            "use_post_quant_conv": False,
            "latent_channels": 6,
            "scaling_factor": 0.7,
        },
        (4, 3),
        earlier_names,
    )
    text = {
        "vocab_size": 600,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 77,
    }
    ends = {"bos_token_id": 598, "eos_token_id": 599, "pad_token_id": 599}
    text_encoder(out, "text_quick_gelu", text | ends | {"hidden_act": "quick_gelu"})
    text_encoder(out, "text_gelu", text | ends | {"hidden_act": "gelu", "num_hidden_layers": 1})
