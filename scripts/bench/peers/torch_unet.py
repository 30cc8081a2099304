#!/usr/bin/env python3
"""Times Stable Diffusion v1.4's UNet and VAE decoder in PyTorch alone, with random weights.

    scripts/bench/peers/torch_unet.py [--tiny] [--only eager-f16] [--seconds 110]

The shapes are v1.4's (the numbers of parameters are checked), the input is what one picture of
512×512 with guidance needs: batch 2, latents of 64×64, 77 tokens. A line of JSON for each way to
run it: eager in f32 without and with TF32, eager in f16 (channels last,
scaled_dot_product_attention), torch.compile in f16. Times are medians by CUDA's events, on the CPU
by the clock.
"""

import argparse
import json
import statistics
import time

import torch
from torch import nn
from torch.nn import functional

UNET_PARAMETERS = 859_520_964
DECODER_PARAMETERS = 49_490_199


class Resnet(nn.Module):
    def __init__(self, inputs, outputs, time_width=None, eps=1e-5):
        super().__init__()
        self.norm1 = nn.GroupNorm(32, inputs, eps=eps)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.time = nn.Linear(time_width, outputs) if time_width else None
        self.norm2 = nn.GroupNorm(32, outputs, eps=eps)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x, embedding=None):
        y = self.conv1(functional.silu(self.norm1(x)))
        if self.time is not None:
            y = y + self.time(functional.silu(embedding))[:, :, None, None]
        return self.skip(x) + self.conv2(functional.silu(self.norm2(y)))


class Attention(nn.Module):
    def __init__(self, width, context, heads):
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(width, width, bias=False)
        self.k = nn.Linear(context, width, bias=False)
        self.v = nn.Linear(context, width, bias=False)
        self.out = nn.Linear(width, width)

    def forward(self, x, context):
        b, t, c = x.shape
        q, k, v = (
            y.view(b, -1, self.heads, c // self.heads).transpose(1, 2)
            for y in (self.q(x), self.k(context), self.v(context))
        )
        y = functional.scaled_dot_product_attention(q, k, v)
        return self.out(y.transpose(1, 2).reshape(b, t, c))


class Transformer(nn.Module):
    def __init__(self, width, context, heads):
        super().__init__()
        self.norm = nn.GroupNorm(32, width, eps=1e-6)
        self.proj_in = nn.Conv2d(width, width, 1)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(3))
        self.attn1 = Attention(width, width, heads)
        self.attn2 = Attention(width, context, heads)
        self.up = nn.Linear(width, 8 * width)
        self.down = nn.Linear(4 * width, width)
        self.proj_out = nn.Conv2d(width, width, 1)

    def forward(self, x, context):
        b, c, h, w = x.shape
        y = self.proj_in(self.norm(x)).permute(0, 2, 3, 1).reshape(b, h * w, c)
        normed = self.norm1(y)
        y = y + self.attn1(normed, normed)
        y = y + self.attn2(self.norm2(y), context)
        value, gate = self.up(self.norm3(y)).chunk(2, dim=-1)
        y = y + self.down(value * functional.gelu(gate))
        return x + self.proj_out(y.view(b, h, w, c).permute(0, 3, 1, 2))


class Level(nn.Module):
    """Resnets, each followed by a transformer where the level has them; then a change of size."""

    def __init__(self, inputs, outputs, config, attention, resample):
        super().__init__()
        self.resnets = nn.ModuleList(Resnet(n, outputs, config["time"]) for n in inputs)
        self.transformers = nn.ModuleList(
            Transformer(outputs, config["context"], config["heads"]) for _ in inputs if attention
        )
        stride = 2 if resample == "down" else 1
        self.conv = nn.Conv2d(outputs, outputs, 3, stride=stride, padding=1) if resample else None

    def step(self, i, x, embedding, context):
        x = self.resnets[i](x, embedding)
        return self.transformers[i](x, context) if self.transformers else x


class Unet(nn.Module):
    def __init__(self, config):
        super().__init__()
        widths, layers = config["widths"], 2
        self.widths = widths
        self.conv_in = nn.Conv2d(4, widths[0], 3, padding=1)
        self.time1 = nn.Linear(widths[0], config["time"])
        self.time2 = nn.Linear(config["time"], config["time"])
        skips, width, last = [widths[0]], widths[0], len(widths) - 1
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for i, outputs in enumerate(widths):
            inputs = [width] + [outputs] * (layers - 1)
            resample = "down" if i < last else None
            self.down.append(Level(inputs, outputs, config, i < last, resample))
            skips += [outputs] * (layers + (i < last))
            width = outputs
        self.middle = Level([width, width], width, config, False, None)
        self.middle_attention = Transformer(width, config["context"], config["heads"])
        for i, outputs in reversed(list(enumerate(widths))):
            inputs = []
            for _ in range(layers + 1):
                inputs.append(width + skips.pop())
                width = outputs
            self.up.append(Level(inputs, outputs, config, i < last, "up" if i > 0 else None))
        self.norm_out = nn.GroupNorm(32, widths[0])
        self.conv_out = nn.Conv2d(widths[0], 4, 3, padding=1)

    def forward(self, x, timestep, context):
        half = self.widths[0] // 2
        powers = torch.arange(half, device=x.device, dtype=torch.float32) / half
        angles = timestep[:, None] * 10000**-powers
        embedding = torch.cat([angles.cos(), angles.sin()], dim=-1).to(x.dtype)
        embedding = self.time2(functional.silu(self.time1(embedding)))
        x = self.conv_in(x)
        skips = [x]
        for level in self.down:
            for i in range(len(level.resnets)):
                x = level.step(i, x, embedding, context)
                skips.append(x)
            if level.conv is not None:
                x = level.conv(x)
                skips.append(x)
        x = self.middle.step(0, x, embedding, context)
        x = self.middle.step(1, self.middle_attention(x, context), embedding, context)
        for level in self.up:
            for i in range(len(level.resnets)):
                x = level.step(i, torch.cat([x, skips.pop()], dim=1), embedding, context)
            if level.conv is not None:
                x = level.conv(functional.interpolate(x, scale_factor=2.0, mode="nearest"))
        return self.conv_out(functional.silu(self.norm_out(x)))


class Decoder(nn.Module):
    """The VAE's decoder with the convolution before it."""

    def __init__(self, config):
        super().__init__()
        widths = config["decoder"]
        width = widths[0]
        self.post_quant = nn.Conv2d(4, 4, 1)
        self.conv_in = nn.Conv2d(4, width, 3, padding=1)
        self.middle = nn.ModuleList(Resnet(width, width, eps=1e-6) for _ in range(2))
        self.norm = nn.GroupNorm(32, width, eps=1e-6)
        self.q, self.k, self.v, self.out = (nn.Linear(width, width) for _ in range(4))
        self.levels, self.convs = nn.ModuleList(), nn.ModuleList()
        for outputs in widths:
            inputs = [width, outputs, outputs]
            self.levels.append(nn.ModuleList(Resnet(n, outputs, eps=1e-6) for n in inputs))
            width = outputs
        self.convs.extend(nn.Conv2d(n, n, 3, padding=1) for n in widths[:-1])
        self.norm_out = nn.GroupNorm(32, width, eps=1e-6)
        self.conv_out = nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, x):
        x = self.middle[0](self.conv_in(self.post_quant(x)))
        b, c, h, w = x.shape
        y = self.norm(x).permute(0, 2, 3, 1).reshape(b, h * w, c)
        q, k, v = (linear(y)[:, None] for linear in (self.q, self.k, self.v))
        y = self.out(functional.scaled_dot_product_attention(q, k, v)[:, 0])
        x = self.middle[1](x + y.view(b, h, w, c).permute(0, 3, 1, 2))
        for i, level in enumerate(self.levels):
            for resnet in level:
                x = resnet(x)
            if i < len(self.convs):
                x = self.convs[i](functional.interpolate(x, scale_factor=2.0, mode="nearest"))
        return self.conv_out(functional.silu(self.norm_out(x)))


V1_4 = {
    "widths": [320, 640, 1280, 1280],
    "time": 1280,
    "context": 768,
    "heads": 8,
    "decoder": [512, 512, 256, 128],
    "side": 64,
}
TINY = {
    "widths": [32, 64, 64, 64],
    "time": 64,
    "context": 32,
    "heads": 2,
    "decoder": [64, 64, 32, 32],
    "side": 8,
}


def median_seconds(run, cuda, seconds):
    """The median of as many runs as fit in so many seconds, 3 to 30 (on the CPU one at the least),
    after some that
    are not counted."""
    begun = time.perf_counter()
    least = 3 if cuda else 1
    for _ in range(least):
        run()
    if cuda:
        torch.cuda.synchronize()
    times = []
    while len(times) < least or (len(times) < 30 and time.perf_counter() - begun < seconds):
        if cuda:
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            run()
            end.record()
            torch.cuda.synchronize()
            times.append(start.elapsed_time(end) / 1e3)
        else:
            start = time.perf_counter()
            run()
            times.append(time.perf_counter() - start)
    return statistics.median(times)


# Name, type, TF32, channels last, compiled.
WAYS = [
    ("eager-f16", torch.float16, False, True, False),
    ("eager-f32", torch.float32, False, False, False),
    ("eager-tf32", torch.float32, True, False, False),
    ("compile-f16", torch.float16, False, True, True),
]


def models(config, way, device):
    """The UNet and the decoder, each as a call without arguments."""
    _, dtype, _, channels_last, _ = way
    layout = torch.channels_last if channels_last else torch.contiguous_format
    tensor = lambda *shape: torch.randn(*shape, device=device, dtype=dtype)
    side = config["side"]
    latents = tensor(2, 4, side, side).to(memory_format=layout)
    context = tensor(2, 77, config["context"])
    timestep = torch.full([2], 500.0, device=device)
    with torch.device(device):
        unet = Unet(config).to(dtype).to(memory_format=layout).eval()
        decoder = Decoder(config).to(dtype).to(memory_format=layout).eval()
    return (unet, (latents, timestep, context)), (decoder, (latents[:1],))


def measure(config, way, device, seconds):
    name, _, tf32, _, compiled = way
    cuda = device == "cuda"
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.allow_tf32 = tf32
    if cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    for what, (model, inputs) in zip(("unet", "decoder"), models(config, way, device)):
        if compiled and what == "decoder":
            continue
        begun = time.perf_counter()
        call = torch.compile(model) if compiled else model
        with torch.no_grad():
            got = call(*inputs)
            first = time.perf_counter() - begun
            median = median_seconds(lambda: call(*inputs), cuda, seconds)
        line = {
            "peer": f"torch {torch.__version__}",
            "way": name,
            "what": what,
            "milliseconds": round(1e3 * median, 3),
            "first_seconds": round(first, 2),
            "finite": bool(torch.isfinite(got).all()),
            "bytes_peak": torch.cuda.max_memory_allocated() if cuda else None,
            "device": torch.cuda.get_device_name() if cuda else "cpu",
        }
        print(json.dumps(line), flush=True)


def check_parameters():
    with torch.device("meta"):
        found = [sum(p.numel() for p in part(V1_4).parameters()) for part in (Unet, Decoder)]
    if found != [UNET_PARAMETERS, DECODER_PARAMETERS]:
        raise SystemExit(f"The shapes are not v1.4's: {found} parameters.")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tiny", action="store_true", help="tiny widths: to see that it runs")
    parser.add_argument("--only", default="", help="only ways whose name contains this")
    parser.add_argument("--seconds", type=float, default=110, help="no way begins later than this")
    args = parser.parse_args()
    begun = time.perf_counter()
    check_parameters()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu" and not args.tiny:
        raise SystemExit("PyTorch sees no CUDA device; on the CPU only --tiny is quick enough.")
    torch.backends.cudnn.benchmark = True
    if args.tiny:
        torch.set_num_threads(1)
    for way in WAYS:
        if args.only not in way[0] or (args.tiny and way[4]):
            continue
        if time.perf_counter() - begun > args.seconds:
            print(f"{way[0]}: left out, the time is over", flush=True)
            continue
        try:
            measure(TINY if args.tiny else V1_4, way, device, 0.2 if args.tiny else 4)
        except Exception as fault:
            print(f"{way[0]}: {type(fault).__name__}: {fault}", flush=True)


if __name__ == "__main__":
    main()
