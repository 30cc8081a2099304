"""Scenes: what is in a picture, as a dictionary of index tensors, and their pictures.

    style   0 emoji, 1 silhouette, 2 outline       count   one thing or two side by side
    thing, thing2                                  colour, colour2 (of what is no emoji)
    name, name2   how the caption calls them       ground  the background's colour
    size    0 large, 1 small                       place   of the thing; of two: left and right
    size_named   whether the caption says the size   place_named   whether it says the place

What is not in the middle is small, whether the caption says so or not. A small thing moves by its
half, four whole patches of the autoencoder (32 pixels), so that it is the same pattern of latents
wherever it stands. About a tenth of the combinations (thing, style, colour, background), of the
emoji's (thing, background) and of the pairs of things is held out of training, chosen by hash.
Things are never held out.
"""

import hashlib

import torch

from . import palette
from .captions import EMOJI, OUTLINE, SILHOUETTE

SIZE = 128
SIDES = (96, 64)
STEPS = (16, 32)  # pixels to the next place, by size; no scene has a large thing elsewhere
PLACES = torch.tensor([[right, down] for _, right, down in palette.PLACES])
LEFT, RIGHT = 1, 2  # the places of two things
COLOURS = len(palette.COLOUR_NAMES)
SHARE = {EMOJI: 0.4, SILHOUETTE: 0.35, OUTLINE: 0.25}


def by_hash(key):
    return hashlib.sha256(key.encode()).digest()[0] < 26


def held_tables(names):
    """What is held out: [3, things, colours, backgrounds] (the emoji's do not depend on the
    colour) and the pairs [things, things]."""
    first = [n[0] for n in names]
    c = palette.COLOUR_NAMES
    shapes = [[[by_hash(f"{n}|{f}|{b}") for b in c] for f in c] for n in first]
    lines = [[[by_hash(f"{n}|outline|{f}|{b}") for b in c] for f in c] for n in first]
    emoji = [[[by_hash(f"{n}|emoji|{b}") for b in c]] * len(c) for n in first]
    pairs = [[by_hash(f"{a}|{b}") for b in first] for a in first]
    return torch.tensor([emoji, shapes, lines]), torch.tensor(pairs)


class Scenes:
    """Random scenes, of training or held out."""

    def __init__(self, pack, device="cpu", seed=0, held=False):
        self.device = device
        self.g = torch.Generator(device).manual_seed(seed)
        self.want = held
        self.held, self.held_pairs = (t.to(device) for t in held_tables(pack.names))
        # The things of each style, as rows of equal length.
        has = pack.has.T
        self.number = has.sum(1).to(device)
        most = int(self.number.max())
        lists = [row.nonzero()[:, 0] for row in has]
        rows = [torch.cat([x, x.new_zeros(most - len(x))]) for x in lists]
        self.things = torch.stack(rows).to(device)
        count = [len(n) for n in pack.names]
        self.names = torch.tensor(count, device=device)
        self.first_name = (self.names.cumsum(0) - self.names).to(device)
        self.shares = torch.tensor([SHARE[s] for s in range(3)], device=device)

    def below(self, limits):
        """Random integers below each of these."""
        r = torch.rand(limits.shape, generator=self.g, device=self.device)
        return (r * limits).long()

    def chance(self, n, p):
        return torch.rand(n, generator=self.g, device=self.device) < p

    def name_of(self, thing):
        """Its own name in two of three, else a synonym."""
        own = self.chance(len(thing), 0.67)
        return self.first_name[thing] + torch.where(own, 0, self.below(self.names[thing]))

    def drawn(self, n, small, pairs, placed):
        style = torch.multinomial(self.shares, n, True, generator=self.g)
        thing = lambda: self.things[style, self.below(self.number[style])]
        colour = lambda: self.below(torch.full((n,), COLOURS, device=self.device))
        two = self.chance(n, pairs) & (style != OUTLINE)
        place_named = self.chance(n, placed) & ~two
        place = torch.where(place_named, self.below(torch.full_like(style, len(PLACES))), 0)
        s = dict(style=style, thing=thing(), thing2=thing(), colour=colour(), colour2=colour())
        s.update(ground=colour(), count=1 + two.long(), place_named=place_named)
        away = place > 0
        s["size"] = (two | away | self.chance(n, small)).long()
        s["size_named"] = torch.where(away & self.chance(n, 0.5), 0, s["size"])
        s["place"] = torch.where(two, LEFT, place)
        return {**s, "name": self.name_of(s["thing"]), "name2": self.name_of(s["thing2"])}

    def allowed(self, s):
        seen = (s["style"] == EMOJI) | (s["colour"] != s["ground"])
        single = self.held[s["style"], s["thing"], s["colour"], s["ground"]]
        seen2 = (s["style"] == EMOJI) | (s["colour2"] != s["ground"])
        pair = self.held_pairs[s["thing"], s["thing2"]]
        pair_ok = seen2 & (s["thing"] != s["thing2"]) & (pair == self.want)
        return seen & torch.where(s["count"] == 2, pair_ok, single == self.want)

    def batch(self, n, small=0.2, pairs=0.15, placed=0.4):
        """`n` scenes. Twice as many are drawn as needed; of held-out ones twenty times as many."""
        s = self.drawn(n * (24 if self.want else 2), small, pairs, placed)
        order = (~self.allowed(s)).to(torch.uint8).argsort(stable=True)[:n]
        return {k: v[order] for k, v in s.items()}


def corner(size, place):
    """The upper left corner of a thing in pixels (right, down), for lists of indices."""
    side = torch.tensor(SIDES)[size]
    step = torch.tensor(STEPS)[size]
    return (SIZE - side)[..., None] // 2 + step[..., None] * PLACES[place]


class Pixels:
    """The pictures of scenes."""

    def __init__(self, pack, device="cpu"):
        styles = ("emoji", "silhouette", "outline")
        self.squares = [[pack.square(s, side).to(device) for side in SIDES] for s in styles]
        self.palette = torch.from_numpy(palette.PALETTE).to(device)
        self.device = device

    def put(self, out, style, size, of, places, colour):
        """Adds things of one style and size to `out` [n, 4, SIZE, SIZE] (premultiplied colours,
        coverage): `of` are their rows in it, their things and places."""
        rows, things = of
        square = self.squares[style][size][things]
        if style == EMOJI:
            cover = torch.cat([2 * square[:, :3] - square[:, 3:], square[:, 3:]], 1)
        else:
            cover = torch.cat([square * colour[:, :, None, None], square], 1)
        at = corner(torch.full_like(places, size).cpu(), places.cpu()).to(out.device)
        line = torch.arange(SIDES[size], device=out.device)
        x, y = (at[:, i, None] + line for i in (0, 1))
        index = (rows[:, None, None], slice(None), y[:, :, None], x[:, None, :])
        out[index] = out[index] + cover.permute(0, 2, 3, 1)

    def draw(self, scenes, wild=None):
        """Pictures [n, 3, SIZE, SIZE] in -1..1. `wild`: colours [n, 3, 3] instead of the
        palette's, for thing, second thing and background; NaN for the palette's."""
        keys = ("colour", "colour2", "ground")
        colours = torch.stack([self.palette[scenes[k]] for k in keys], 1)
        if wild is not None:
            colours = torch.where(wild.isnan(), colours, wild)
        n = len(colours)
        out = torch.zeros(n, 4, SIZE, SIZE, device=self.device)
        two = scenes["count"] == 2
        for style in range(3):
            for size in range(2):
                here = (scenes["style"] == style) & (scenes["size"] == size)
                for i, (rows, key) in enumerate(((here, "thing"), (here & two, "thing2"))):
                    rows = rows.nonzero()[:, 0]
                    places = scenes["place"][rows]
                    places = torch.full_like(places, RIGHT) if i else places
                    of = (rows, scenes[key][rows])
                    self.put(out, style, size, of, places, colours[rows, i])
        picture = out[:, :3] + (1 - out[:, 3:]) * colours[:, 2, :, None, None]
        return picture.contiguous(memory_format=torch.channels_last)
