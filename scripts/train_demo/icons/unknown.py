"""The text encoder, taught to pass over words that it does not know.

A token that no caption has is a zero row of the table. Left alone, one such token (a full stop is
enough) spoils the picture: the words behind it stand at other positions than ever before. Here
unknown tokens are put between those of captions, articles are left out, and the encoder has to tell
what the one that was trained with the UNet (joint.py) tells of the caption alone: the patches at
their own positions, and at each word what that one holds there. The UNet stays as it is.
"""

import torch

from . import joint, patches
from .captions import BOS, EOS, POSITIONS, Captions
from .scenes import Scenes
from .stage import Stage, autocast, load
from .text import Text

LR = 1.5e-3
UNKNOWN = 0  # an id that no caption has; its row stays zero
ARTICLES = (320, 550, 518)  # a, an, the
LEFT_OUT = 0.1  # share of articles
# How many unknown tokens stand before a token on average, and the share of captions.
RATES, SHARES = (0.0, 0.08, 0.3, 1.5), (0.35, 0.3, 0.25, 0.1)
WORDS = 0.25  # weight of the words' positions beside those of patches


def disturbed(ids, generator):
    """Captions [n, POSITIONS] with unknown tokens among them, the position of the caption that each
    position stands for, and which positions count."""
    n, device = len(ids), ids.device
    at = torch.arange(POSITIONS, device=device).expand(n, -1)
    draw = lambda *shape: torch.rand(*shape, generator=generator, device=device)
    end = (ids == EOS).int().argmax(1, keepdim=True)
    shares = torch.tensor(SHARES, device=device).cumsum(0)
    which = (draw(n, 1) > shares).sum(1, keepdim=True).clamp(max=len(RATES) - 1)
    rate = torch.tensor(RATES, device=device)[which]
    before = torch.poisson(rate.expand(n, POSITIONS), generator=generator).long()
    before = before * ((at > 0) & (at <= end))
    article = torch.isin(ids, torch.tensor(ARTICLES, device=device))
    gone = article & (draw(n, POSITIONS) < LEFT_OUT) & (which > 0)
    # The new position of each token; what is left out has that of the next one.
    place = at + before.cumsum(1) - gone.int().cumsum(1) + gone.int()
    last = place.gather(1, end)
    out = torch.where(at < last, UNKNOWN, EOS)
    kept = (at < end) & ~gone & (place < POSITIONS - 1)
    spare = POSITIONS  # what does not fit goes to a place that is cut off
    wide = torch.cat([out, out[:, :1]], 1)
    wide.scatter_(1, torch.where(kept, place, spare), ids)
    stands = torch.zeros(n, POSITIONS + 1, dtype=torch.long, device=device)
    stands.scatter_(1, torch.where(kept, place, spare), at)
    stands = stands[:, :POSITIONS].cummax(1).values
    out = wide[:, :POSITIONS].clone()
    out[:, -1] = EOS
    patch = (at >= patches.FIRST) | (at >= last)
    stands = torch.where(patch, torch.maximum(at, torch.where(at < patches.FIRST, end, at)), stands)
    # A patch is known once all words have passed.
    final = (place * kept).max(1, keepdim=True).values
    return out, stands, (at < patches.FIRST) | (at > final)


def new(pack, encoder):
    """The trained encoder with a row for unknown tokens."""
    used = pack.parts.used.cpu()
    wider = Text(torch.cat([torch.tensor([UNKNOWN]), used]))
    theirs = wider.state_dict()
    for name, value in encoder.state_dict().items():
        if theirs[name].shape == value.shape and name != "row":
            theirs[name].copy_(value)
        elif name != "row":  # the table
            theirs[name].copy_(torch.cat([torch.zeros_like(value[:1]), value]))
    return wider


def table(text):
    return text.clip.get_input_embeddings().weight


def train(pack, args):
    device = args.device
    _, teacher = joint.trained(pack, args)
    text = new(pack, teacher).to(device)
    teacher = teacher.to(device).eval().requires_grad_(False)
    captions = Captions(pack.parts, device)
    stage = Stage("unknown", {"text": text}, args, lr=args.lr or LR)
    source = Scenes(pack, device, seed=2_000_000 + stage.step)
    assert UNKNOWN not in pack.parts.used and captions.tokens.max() < BOS
    while stage.running():
        scenes = source.batch(args.batch or (1024 if device != "cpu" else 64))
        ids = captions.ids_of(scenes, captions.choose(scenes, source.g))
        asked, stands, counts = disturbed(ids, source.g)
        with autocast(args):
            with torch.no_grad():
                told = teacher(ids)
            held = text(asked)
        wanted = told.float().gather(1, stands[..., None].expand_as(told))
        weight = counts * torch.where(
            torch.arange(POSITIONS, device=device) < patches.FIRST, WORDS, 1.0
        )
        apart = (held.float() - wanted).square().mean(2)
        loss = (apart * weight).sum() / weight.sum() / wanted.var()
        stage.update(loss, len(ids))
        with torch.no_grad():
            table(text)[0] = 0
    stage.finish()


def trained(pack, args):
    """The UNet, and the text encoder of this stage; without one as `joint.trained`."""
    network, encoder = joint.trained(pack, args)
    state = load("unknown", args.device)
    if state is not None:
        theirs, rows = encoder.state_dict(), state["averages"]["text"]
        for name, value in theirs.items():
            if name != "row":
                whole = rows[name]
                value.copy_(whole if whole.shape == value.shape else whole[1:])
    return network, encoder
