"""What a picture shows: the background's colour, and of each thing its name, style and colour.

The nearest template counts: every thing in every style at every size and place, on the background
and in the colour that the picture is found to have, at a quarter of the picture's side. The
background is the median of the outer ring of pixels, a thing's colour that of what differs from it.
"""

import numpy as np
import torch
import torch.nn.functional as F

from . import palette
from .latents import Bank
from .pack import STYLES
from .scenes import LEFT, PLACES, RIGHT, SIDES, SIZE

SHRINK = 4
SMALL = SIZE // SHRINK
PALETTE = torch.from_numpy(palette.PALETTE)


def nearest_colour(rgb, palette):
    return int((palette - rgb).square().sum(1).argmin())


class Templates:
    """Coverage and colours of all drawings, as rows of SMALL × SMALL numbers; and the colours that
    there are, which may be more than those of the palette."""

    def __init__(self, pack, more=()):
        new = torch.tensor(more).view(-1, 3) / 127.5 - 1
        self.palette = torch.cat([PALETTE, new])
        self.names = [n[0] for n in pack.names]
        covers, emoji, where = [], [], []
        for style, name in enumerate(STYLES):
            things = pack.has[:, style].nonzero()[:, 0]
            for size, side in enumerate(SIDES):
                square = pack.square(name, side)[things]
                for place in range(len(PLACES)):
                    placed = F.avg_pool2d(Bank.placed(square, size, place), SHRINK)
                    covers.append(placed[:, -1].flatten(1))
                    if name == "emoji":
                        emoji.append((2 * placed[:, :3] - placed[:, 3:]).flatten(2))
                    row = torch.tensor([style, size, place])
                    where.append(torch.cat([row.expand(len(things), 3), things[:, None]], 1))
        self.cover, self.emoji, self.where = map(torch.cat, (covers, emoji, where))
        # Products of the templates with themselves, for `nearest`.
        self.area = self.cover.square().sum(1)
        n = len(self.emoji)
        self.emoji_square = self.emoji.square().sum((1, 2))
        self.emoji_cover = torch.einsum("ncp,np->nc", self.emoji, self.cover[:n])
        self.flat = self.emoji.flatten(1)

    def nearest(self, small, background, colour, place=None):
        """(style, thing) whose template is nearest to a picture [3, SMALL, SMALL]; with `place`,
        of the small ones there."""
        away = small.flatten(1) - background[:, None]
        way = colour - background
        # |away - cover·way|² without |away|², and the same of the emoji.
        along = self.cover @ away.T
        far = (way @ way) * self.area - 2 * along @ way
        n, b = len(self.emoji), background
        square = self.emoji_square - 2 * self.emoji_cover @ b + (b @ b) * self.area[:n]
        far[:n] = square - 2 * (self.flat @ away.flatten() - along[:n] @ b)
        if place is not None:
            fits = (self.where[:, 1] == 1) & (self.where[:, 2] == place)
            far = torch.where(fits, far, torch.inf)
        style, _, _, thing = self.where[int(far.argmin())].tolist()
        return style, thing


def thing_colour(a, background):
    """The median of what is well away from the background, or None; `a` is [3, y, x] in -1..1."""
    away = (a - background[:, None, None]).square().sum(0).sqrt()
    strong = away > max(0.24, 0.6 * float(np.quantile(away.numpy(), 0.97)))
    if int(strong.sum()) < 40:
        return None
    return a[:, strong].median(1).values


def shown(picture, templates, count=1):
    """What a picture [SIZE, SIZE, 3] of bytes shows: the background's colour, and for each of
    `count` things (style, thing, colour), all as indices, or None."""
    a = torch.from_numpy(picture.astype(np.float32)).permute(2, 0, 1) / 127.5 - 1
    ring = torch.ones(SIZE, SIZE, dtype=torch.bool)
    ring[6:-6, 6:-6] = False
    background = a[:, ring].median(1).values
    small = F.avg_pool2d(a[None], SHRINK)[0]
    things = []
    for i in range(count):
        half = slice(i * SIZE // 2, (i + 1) * SIZE // 2) if count == 2 else slice(None)
        colour = thing_colour(a[:, :, half], background)
        if colour is None:
            things.append(None)
            continue
        place = (LEFT, RIGHT)[i] if count == 2 else None
        found = templates.nearest(small, background, colour, place)
        things.append((*found, nearest_colour(colour, templates.palette)))
    return nearest_colour(background, templates.palette), things
