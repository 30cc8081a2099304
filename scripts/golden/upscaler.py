"""Upscalers of the ESRGAN family with random weights, and what spandrel's networks make of a picture.

Writes tests/golden/upscaler/: a file for each family and naming,

    rrdb.pth             RRDBNet x4, BasicSR's names, under `params_ema`
    own.pth              the same weights under ESRGAN's own names
    rrdb_x2.safetensors  RRDBNet x2: squares of 2 x 2 pixels go in as one
    compact.pth          SRVGGNetCompact x4, under `params`
    compact_x2.safetensors

and cases.safetensors with pictures in 0..1, `[h, w, 3]`, and the results, computed in float64 from
the f16 weights. spandrel's RRDBNet has dense blocks of 32 channels only, which would make large
files; so `rrdb_net` below, for any number, makes the results where it was found equal to spandrel's
network of 32.

Needs spandrel and torchvision beside the packages of the other goldens.

    scripts/golden.py upscaler
"""

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from spandrel import ModelLoader

from .models import generator, normal

FEATURES, GROWTH, BLOCKS, CONVS = 8, 4, 2, 3


def conv(random, n, c, gain=1.2):
    """Weights and biases of a 3x3 convolution, rounded to f16."""
    weight = gain * normal(random, n, c, 3, 3) / (9 * c) ** 0.5
    return weight.half(), (0.1 * normal(random, n)).half()


def rrdb(takes, growth=GROWTH):
    random, state = generator(f"rrdb {takes}"), {}

    def add(name, n, c, gain=1.2):
        state[f"{name}.weight"], state[f"{name}.bias"] = conv(random, n, c, gain)

    add("conv_first", FEATURES, takes)
    for block in range(BLOCKS):
        for dense in (1, 2, 3):
            for i in range(5):
                n = FEATURES if i == 4 else growth
                add(f"body.{block}.rdb{dense}.conv{i + 1}", n, FEATURES + i * growth)
    for name in ("conv_body", "conv_up1", "conv_up2", "conv_hr"):
        add(name, FEATURES, FEATURES)
    add("conv_last", 3, FEATURES, 0.3)
    state["conv_last.bias"] += 0.5
    return state


def compact(factor):
    random, state = generator(f"compact {factor}"), {}
    for i in range(CONVS + 2):
        n = 3 * factor**2 if i == CONVS + 1 else FEATURES
        c = 3 if i == 0 else FEATURES
        state[f"body.{2 * i}.weight"], state[f"body.{2 * i}.bias"] = conv(random, n, c)
        if i <= CONVS:
            state[f"body.{2 * i + 1}.weight"] = (0.25 + 0.1 * normal(random, FEATURES)).half()
    return state


def rrdb_net(state, x):
    """RRDBNet as BasicSR has it."""
    conv = lambda name, x: F.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], padding=1)
    lrelu = lambda x: F.leaky_relu(x, 0.2)

    def dense(name, x):
        parts = [x]
        for i in range(1, 5):
            parts.append(lrelu(conv(f"{name}.conv{i}", torch.cat(parts, 1))))
        return x + 0.2 * conv(f"{name}.conv5", torch.cat(parts, 1))

    takes = state["conv_first.weight"].shape[1]
    x = F.pixel_unshuffle(x, {3: 1, 12: 2}[takes])
    first = x = conv("conv_first", x)
    for block in range(BLOCKS):
        inner = x
        for i in (1, 2, 3):
            inner = dense(f"body.{block}.rdb{i}", inner)
        x = x + 0.2 * inner
    x = first + conv("conv_body", x)
    for name in ("conv_up1", "conv_up2"):
        x = lrelu(conv(name, F.interpolate(x, scale_factor=2, mode="nearest")))
    return conv("conv_last", lrelu(conv("conv_hr", x)))


def spandrels(state):
    """spandrel's network of these weights."""
    return ModelLoader().load_from_state_dict(dict(state)).model.double().eval()


def own_names(takes):
    """ESRGAN's own name for each of BasicSR's, as spandrel has them."""
    state = {name: tensor.double() for name, tensor in rrdb(takes, 32).items()}
    # Every tensor is known by its numbers.
    return {
        name: own
        for name, tensor in state.items()
        for own, other in spandrels(state).state_dict().items()
        if other.shape == tensor.shape and torch.equal(other, tensor)
    }


@torch.no_grad()
def case(name, state, network, size):
    """A picture, and what the network makes of it."""
    height, width = size
    picture = torch.sigmoid(2 * normal(generator(name + " picture"), 1, 3, height, width)).double()
    made = network({name: tensor.double() for name, tensor in state.items()}, picture)
    to_rows = lambda x: x[0].permute(1, 2, 0).float().contiguous()
    return {f"{name}.picture": to_rows(picture), f"{name}.made": to_rows(made)}


@torch.no_grad()
def check_against_spandrel():
    for takes in (3, 12):
        state = {name: tensor.double() for name, tensor in rrdb(takes, 32).items()}
        picture = torch.rand(1, 3, 8, 6, dtype=torch.float64)
        difference = rrdb_net(state, picture) - spandrels(state)(picture)
        assert difference.abs().max() < 1e-12, difference.abs().max()


def write(out):
    check_against_spandrel()
    folder = out / "upscaler"
    folder.mkdir(exist_ok=True)
    state = rrdb(3)
    tensors = case("rrdb", state, rrdb_net, (7, 5))
    torch.save({"params_ema": state}, folder / "rrdb.pth")
    names = own_names(3)
    assert names["body.1.rdb3.conv5.bias"] == "model.1.sub.1.RDB3.conv5.0.bias"
    torch.save({names[name]: tensor for name, tensor in state.items()}, folder / "own.pth")
    theirs = lambda state, picture: spandrels(state)(picture)
    state = rrdb(12)
    save_file(state, folder / "rrdb_x2.safetensors")
    tensors |= case("rrdb_x2", state, rrdb_net, (8, 6))
    state = compact(4)
    torch.save({"params": state}, folder / "compact.pth")
    tensors |= case("compact", state, theirs, (7, 5))
    state = compact(2)
    save_file(state, folder / "compact_x2.safetensors")
    tensors |= case("compact_x2", state, theirs, (5, 9))
    save_file(tensors, folder / "cases.safetensors")
