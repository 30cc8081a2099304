"""The latents of scenes, put together from those of their parts.

The code (code.py) is linear and has no constant: with coverage m of a thing, its colour f and the
background's b, the picture is f·m + b·(1 - m), and so are its latents, channel by channel.
"""

import torch
import torch.nn.functional as F

from . import palette
from .captions import EMOJI
from .code import STRIDE
from .pack import STYLES
from .scenes import PLACES, RIGHT, SIDES, SIZE, corner

SIDE = SIZE // STRIDE


class Bank:
    """Latents of every thing's coverage at every size and place, and of the emoji's colours."""

    def __init__(self, pack, code, device="cpu"):
        self.kernel = code.kernel.detach().to(device)
        self.palette = torch.from_numpy(palette.PALETTE).to(device)
        self.grounds = self.flat(self.palette)
        covers, colours = [], []
        for style in STYLES:
            by_size = [pack.square(style, side).to(device) for side in SIDES]
            for size, square in enumerate(by_size):
                cover = [self.placed(square[:, -1:], size, p) for p in range(len(PLACES))]
                covers.append(torch.stack([self.by_channel(c).half() for c in cover]))
                if style == "emoji":
                    rgb = 2 * square[:, :3] - square[:, 3:]
                    placed = [self.placed(rgb, size, p) for p in range(len(PLACES))]
                    colours.append(torch.stack([self.whole(c).half() for c in placed]))
        n = len(square)
        # [style, size, place, thing, red green or blue, 4, SIDE, SIDE]
        self.covers = torch.stack(covers).view(3, 2, len(PLACES), n, 3, 4, SIDE, SIDE)
        self.colours = torch.stack(colours)  # [size, place, thing, 4, SIDE, SIDE]

    def flat(self, colours):
        """Latents [n, 4, SIDE, SIDE] of pictures of one colour [n, 3]."""
        whole = torch.ones(1, 1, SIZE, SIZE, device=colours.device)
        return torch.einsum("bc,cnyx->bnyx", colours, self.by_channel(whole)[0])

    @staticmethod
    def placed(square, size, place):
        x, y = corner(torch.tensor(size), torch.tensor(place)).tolist()
        rest = SIZE - square.shape[-1]
        return F.pad(square, (x, rest - x, y, rest - y))

    def whole(self, x):
        return F.conv2d(x, self.kernel, stride=STRIDE, padding=STRIDE // 2)

    def by_channel(self, x):
        """Latents [n, 3, 4, SIDE, SIDE] of the coverage in each of red, green and blue alone."""
        kernel = self.kernel.permute(1, 0, 2, 3).flatten(0, 1)[:, None]
        return F.conv2d(x, kernel, stride=STRIDE, padding=STRIDE // 2).unflatten(1, (3, 4))

    def thing(self, scenes, second=False):
        """What a thing adds to the latents of its background."""
        which = "2" if second else ""
        thing, style, size = scenes["thing" + which], scenes["style"], scenes["size"]
        place = torch.full_like(scenes["place"], RIGHT) if second else scenes["place"]
        cover = self.covers[style, size, place, thing].float()
        emoji = (style == EMOJI)[:, None]
        ground = self.palette[scenes["ground"]]
        colour = torch.where(emoji, 0, self.palette[scenes["colour" + which]])
        out = torch.einsum("nc,ncdyx->ndyx", colour - ground, cover)
        return out + self.colours[size, place, thing].float() * emoji[..., None, None]

    def latents(self, scenes):
        """Latents [n, 4, SIDE, SIDE] of these scenes."""
        two = (scenes["count"] == 2).float()[:, None, None, None]
        z = self.grounds[scenes["ground"]] + self.thing(scenes)
        return z + two * self.thing(scenes, second=True)
