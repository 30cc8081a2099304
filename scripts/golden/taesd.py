"""TAESDs with random weights, and what diffusers' AutoencoderTiny makes of them.

Writes tests/golden/taesd/: for a small config of its own (`small`: two doublings, silu) and for the
published one in width 8 (`narrow`: three doublings) the folder of diffusers; of `narrow` the
same weights as madebyollin's two files (safetensors and torch), and as ComfyUI's one; and
cases.safetensors with inputs and outputs, computed in float64 from the f16 weights, also those of
the published config in its true width, whose weights the test makes by the same formula (`true`).

Beside each right output stand wrong ones: without the clamp of the latents, and with the ReLU of
the blocks before their sum.

    scripts/golden.py taesd
"""

import torch
from diffusers import AutoencoderTiny
from safetensors.torch import load_file, save_file

from .models import generator, normal, run, save

NARROW = {"encoder_block_out_channels": (8,) * 4, "decoder_block_out_channels": (8,) * 4}
SMALL = {
    "encoder_block_out_channels": (12,) * 3,
    "decoder_block_out_channels": (8,) * 3,
    "num_encoder_blocks": (1, 2, 1),
    "num_decoder_blocks": (2, 1, 1),
    "latent_channels": 6,
    "act_fn": "silu",
    "scaling_factor": 0.7,
}


def hashed(name, shape):
    """Numbers in -1..1 from a name: 32 bits of an LCG's products, the same in Rust."""
    count = 1
    for side in shape:
        count *= side
    seed = 0
    for byte in name.encode():
        seed = (seed * 31 + byte) & 0xFFFFFFFF
    index = torch.arange(count, dtype=torch.int64)
    bits = ((index + seed) * 2654435761) & 0xFFFFFFFF
    bits = bits ^ (bits >> 15)
    bits = (bits * 2246822519) & 0xFFFFFFFF
    bits = bits ^ (bits >> 13)
    return ((bits >> 8).double() / 2**23 - 1).reshape(shape)


@torch.no_grad()
def fill(model, numbers):
    """Gives every parameter numbers, rounded to f16, and widens the model to f64. What a block adds
    to its input is kept small, so that levels of many blocks stay in range."""
    for path, parameter in sorted(model.named_parameters()):
        values = numbers(path, tuple(parameter.shape))
        gain = 0.5 if path.endswith(("conv.4.weight", "conv.4.bias")) else 1.4
        fan_in = parameter[0].numel() if parameter.dim() > 1 else 100
        parameter.data = (gain * values / fan_in**0.5).half()
    return model.double().eval()


def without_clamp(model):
    """The decoder without the clamp; undone by the result."""
    forward = model.decoder.forward
    model.decoder.forward = lambda x: model.decoder.layers(x).mul(2).sub(1)

    def undo():
        model.decoder.forward = forward

    return undo


def relu_before_sum(model):
    blocks = [m for m in model.modules() if type(m).__name__ == "AutoencoderTinyBlock"]
    for block in blocks:
        block.forward = lambda x, block=block: block.fuse(block.conv(x)) + x

    def undo():
        for block in blocks:
            del block.forward

    return undo


def cases(model, name, size, batch=1):
    random = generator(name + " inputs")
    height, width = size
    factor = 2 ** (len(model.config.decoder_block_out_channels) - 1)
    scale = model.config.scaling_factor
    latents = 1.5 * normal(random, batch, model.config.latent_channels, height, width)
    picture = torch.tanh(normal(random, 1, 3, factor * height, factor * width))
    clamp = {"clamp": without_clamp, "relu": relu_before_sum}
    relu = {"relu": relu_before_sum}
    decode = lambda inputs: model.decode(inputs["latents"] / scale).sample
    encode = lambda inputs: model.encode(inputs["picture"]).latents
    tensors = run(model, {f"{name}.decode": {"latents": latents}}, decode, "picture", clamp)
    return tensors | run(model, {f"{name}.encode": {"picture": picture}}, encode, "latents", relu)


def halves(tensors):
    """madebyollin's names: numbers alone, the decoder's after a clamp."""
    decoder, encoder = {}, {}
    for name, tensor in tensors.items():
        half, _, number, rest = name.split(".", 3)
        if half == "decoder":
            decoder[f"{int(number) + 1}.{rest}"] = tensor
        else:
            encoder[f"{number}.{rest}"] = tensor
    return decoder, encoder


def write(out):
    folder = out / "taesd"
    folder.mkdir(exist_ok=True)
    tensors = {}
    for name, config, size in [("small", SMALL, (4, 3)), ("narrow", NARROW, (3, 5))]:
        random = generator(name)
        model = AutoencoderTiny(**config)
        model = fill(model, lambda _, shape: normal(random, *shape).clamp(-2, 2))
        save(model, folder / name)
        tensors |= cases(model, name, size)
    model = fill(AutoencoderTiny(), hashed)
    of_true = cases(model, "true", (8, 8))
    tensors |= {name: t for name, t in of_true.items() if "wrong" not in name}
    save_file(tensors, folder / "cases.safetensors")
    weights = load_file(folder / "narrow" / "diffusion_pytorch_model.safetensors")
    decoder, encoder = halves(weights)
    theirs = folder / "theirs"
    theirs.mkdir(exist_ok=True)
    save_file(decoder, theirs / "taesd_decoder.safetensors")
    save_file(encoder, theirs / "taesd_encoder.safetensors")
    torch.save(decoder, theirs / "taesd_decoder.pth")
    torch.save(encoder, theirs / "taesd_encoder.pth")
    both = {f"taesd_decoder.{name}": t for name, t in decoder.items()}
    both |= {f"taesd_encoder.{name}": t for name, t in encoder.items()}
    both |= {"vae_scale": torch.tensor(0.18215), "vae_shift": torch.tensor(0.0)}
    save_file(both, theirs / "merged.safetensors")
