"""Pictures with shortcuts: diffusers' pipeline on the tiny made-up model, its UNet told to leave out
what the papers leave out.

Guidance in an interval (2404.07724): outside it the prompt's half alone is evaluated, and stands for
both halves, so that the pipeline's guidance gives it back. DeepCache (2312.00858): the UNet computes
everything, but what comes up to its outermost layers is replaced by what came up when it was kept.
Token merging (2303.17604): before the self-attention of the highest resolution the tokens that are
most like the first of a 2 × 2 are put together with it, by scatter_reduce; afterwards all get theirs.
"""

import json

import numpy
import torch
from safetensors.numpy import save_file

from golden.pictures import SEED_OF_MODEL, open_tiny, run

REQUEST = {
    "prompt": "a red cat on a yellow background", "negative_prompt": "blue, blurry", "seed": "42",
    "steps": 10, "guidance_scale": 7.5, "sampler": "ddim", "width": 32, "height": 32,
}
# What differs from REQUEST.
CASES = {
    "interval": {"guidance_interval": [0.2, 0.7]},
    "cache": {"cache_interval": 3},
    "both": {"guidance_interval": [0.15, 0.8], "cache_interval": 2, "sampler": "euler"},
    "heun": {"cache_interval": 2, "sampler": "heun", "steps": 5},
    "merging": {"token_merging_ratio": 0.5, "width": 56, "height": 40},
    "all": {"token_merging_ratio": 0.4, "guidance_interval": [0.2, 1], "cache_interval": 2,
            "width": 56, "height": 40},
}
# Outermost layers on the way down that are evaluated anew; of the way up there is one more.
BRANCH = 1


def matched(tokens, height, width, ratio):
    """Of tokens [b, t, c]: those kept, those merged, where into, and the destinations."""
    of = torch.arange(height * width)
    y, x = of // width, of % width
    first = (y % 2 == 0) & (x % 2 == 0) & (y < height // 2 * 2) & (x < width // 2 * 2)
    destinations, sources = of[first], of[~first]
    unit = tokens / tokens.norm(dim=-1, keepdim=True)
    likeness, into = (unit[:, sources] @ unit[:, destinations].transpose(1, 2)).max(-1)
    order = likeness.argsort(dim=-1, descending=True, stable=True)
    merged = min(len(sources), int(ratio * height * width))
    gone, kept = order[:, :merged], order[:, merged:]
    return sources[kept], sources[gone], into.gather(1, gone), destinations


class Merged:
    """Stands before the forward of a block's self-attention."""

    def __init__(self, block, size, ratio):
        self.size, self.ratio, self.forward = size, ratio, block.attn1.forward
        block.register_forward_pre_hook(self.see, with_kwargs=True)
        block.attn1.forward = self

    def see(self, _block, inputs, named):
        tokens = inputs[0] if inputs else named["hidden_states"]
        self.match = matched(tokens, *self.size, self.ratio)

    def __call__(self, x, **rest):
        kept, gone, into, destinations = self.match
        wide = [index[..., None].expand(-1, -1, x.shape[-1]) for index in (kept, gone, into)]
        means = x[:, destinations].scatter_reduce(1, wide[2], x.gather(1, wide[1]), "mean")
        y = self.forward(torch.cat([x.gather(1, wide[0]), means], 1), **rest)
        own, means = y[:, :kept.shape[1]], y[:, kept.shape[1]:]
        out = torch.empty_like(x)
        out[:, destinations] = means
        out.scatter_(1, wide[0], own)
        return out.scatter_(1, wide[1], means.gather(1, wide[2]))


class Shortened:
    """Stands before a UNet's forward."""

    def __init__(self, unet, interval, every):
        self.interval, self.every = interval, every
        self.trained, self.forward = 1000, unet.forward
        # What is joined to the deep features has as many channels as the first convolution makes.
        self.skip = unet.config.block_out_channels[0]
        self.deep, self.reuse, self.age, self.before = None, False, 0, None
        self.whole, self.cached, self.halves = 0, 0, 0
        last = unet.up_blocks[-1].resnets
        last[len(last) - 1 - BRANCH].register_forward_pre_hook(self.hook)

    def hook(self, _module, inputs):
        joined, *rest = inputs
        if self.reuse:
            skip = joined[:, -self.skip:]
            joined = torch.cat([self.deep, skip], 1)
        else:
            self.deep = joined[:, :-self.skip].clone()
        return joined, *rest

    def __call__(self, latents, timestep, encoder_hidden_states, **rest):
        way = 1 - float(timestep) / (self.trained - 1)
        guided = self.interval[0] <= way <= self.interval[1]
        self.age = self.age + 1 if guided == self.before else 0
        self.reuse = self.age % self.every > 0
        self.before = guided
        self.cached += self.reuse
        self.whole += not self.reuse
        if guided:
            return self.forward(latents, timestep, encoder_hidden_states, **rest)
        self.halves += 1
        half = [tensor[tensor.shape[0] // 2:] for tensor in (latents, encoder_hidden_states)]
        eps = self.forward(half[0], timestep, half[1], **rest)[0]
        return (torch.cat([eps, eps]),)


def write(out):
    torch.set_grad_enabled(False)
    requests, arrays = {}, {}
    for name, changes in CASES.items():
        pipe = open_tiny()
        request = REQUEST | changes
        shortened = Shortened(
            pipe.unet, request.get("guidance_interval", [0, 1]), request.get("cache_interval", 1)
        )
        pipe.unet.forward = shortened
        if ratio := request.get("token_merging_ratio"):
            size = [request[side] // pipe.vae_scale_factor for side in ("height", "width")]
            for block in (pipe.unet.down_blocks[0], pipe.unet.up_blocks[-1]):
                for transformer in block.attentions:
                    for inner in transformer.transformer_blocks:
                        Merged(inner, size, ratio)
        latents, image = run(pipe, request, {})
        print(f"  {name}: {shortened.whole} whole, {shortened.cached} cached, {shortened.halves} halves")
        requests[name] = request
        arrays[f"{name}.latents_{request['steps']:03}"] = numpy.ascontiguousarray(
            latents, numpy.float32
        )
        # A picture is compared to 2/255, which half precision resolves 30 times.
        arrays[f"{name}.image"] = numpy.ascontiguousarray(image, numpy.float16)
    metadata = {
        "made_by": "scripts/golden.py shortcuts",
        "model": f"synth --config tiny --seed {SEED_OF_MODEL}", "requests": json.dumps(requests),
    }
    save_file(arrays, out / "shortcuts.safetensors", metadata)
    (out / "shortcuts.safetensors").chmod(0o644)
