"""What the text encoder tells the UNet: the picture, patch by patch.

The picture's 16 × 16 latents are 4 × 4 patches. From position FIRST of the context on, position i
holds patch (i - FIRST) mod 16; the positions before, those of the words, hold nothing. What is held
of a patch, WIDTH numbers:

    64  latents of the coverage by the thing (its mean over red, green and blue)
    64  latents of the emoji's colours; zero for what is no emoji
    10  the thing's colour, one-hot; zero for an emoji
     3  the style, one-hot
    10  the background's colour, one-hot; zero where the caption does not say it
    16  which patch it is, one-hot

A fixed map of orthonormal rows makes them `networks.WIDTH` numbers, a position of the context; what
is orthogonal to those rows is left to the text encoder. So the UNet needs to know no thing at all:
it learns to look where a patch is told (`Addressed`) and to put colours together, from things that
are told exactly; and the text encoder learns what to tell without any picture (text.py).
"""

import torch
import torch.nn.functional as F
from diffusers.models.attention_processor import AttnProcessor

from . import networks, palette
from .captions import EMOJI, POSITIONS
from .scenes import RIGHT

FIRST = 28  # the first position that holds a patch: longer than all captions
LINE = 4  # patches of a line, and latents of a patch's line
COUNT = LINE * LINE
SHORT = FIRST + COUNT  # positions that hold each patch once
COLOURS = len(palette.COLOUR_NAMES)
PIXELS = 2 * 4 * LINE * LINE  # numbers that say what is drawn in a patch
WIDTH = PIXELS + COLOURS + 3 + COLOURS + COUNT
# Sizes beside those of the latents, which have a standard deviation of 1.
ATTRIBUTE, PLACE = 1.5, 3.0
SCALE = 0.7  # of the map into the context
LENGTH = 16.0  # of a position of the context, as the UNet sees it while it is taught


def cut(latents):
    """[..., 4, SIDE, SIDE] as patches [..., COUNT, 64]."""
    x = latents.float().unflatten(-1, (LINE, LINE)).unflatten(-3, (LINE, LINE))
    # channel, down, y, right, x → down, right, channel, y, x
    n = x.dim() - 5
    x = x.permute(*range(n), n + 1, n + 3, n, n + 2, n + 4)
    return x.flatten(-3).flatten(-3, -2)


class Patches:
    """What is held of the patches of scenes."""

    def __init__(self, bank):
        cover, colour = cut(bank.covers.float().mean(4)), cut(bank.colours)
        # [style, size, place, thing, COUNT, 64] and the same without the style.
        self.cover, self.colour = cover / cover[:, 0, 0].std(), colour / colour[0, 0].std()
        self.order = torch.arange(COUNT, device=cover.device)

    def drawn(self, scenes, second=False):
        """What the first or the second thing puts into the patches [n, COUNT, PIXELS + COLOURS]."""
        which = "2" if second else ""
        thing, style, size = scenes["thing" + which], scenes["style"], scenes["size"]
        place = torch.full_like(scenes["place"], RIGHT) if second else scenes["place"]
        emoji = (style == EMOJI).float()[:, None, None]
        colour = F.one_hot(scenes["colour" + which], COLOURS).float()[:, None] * ATTRIBUTE
        return torch.cat(
            [
                self.cover[style, size, place, thing],
                self.colour[size, place, thing] * emoji,
                (colour * (1 - emoji)).expand(-1, COUNT, -1),
            ],
            2,
        )

    def of(self, scenes, form, captions):
        """What a caption of this form tells of the scenes [n, COUNT, WIDTH]."""
        first, second = self.drawn(scenes), self.drawn(scenes, second=True)
        right = (self.order % LINE >= LINE // 2)[:, None]
        two = (scenes["count"] == 2)[:, None, None]
        drawn = torch.where(two & right, second, first)
        style = F.one_hot(scenes["style"], 3).float() * ATTRIBUTE
        ground = F.one_hot(scenes["ground"], COLOURS).float() * ATTRIBUTE
        ground = ground * captions.names_ground[form][:, None]
        whole = torch.cat([style, ground], 1)[:, None].expand(-1, COUNT, -1)
        told = torch.cat([drawn, whole], 2) * (form > 0)[:, None, None]
        which = torch.eye(COUNT, device=told.device) * PLACE
        return torch.cat([told, which.expand(len(told), -1, -1)], 2)


def embedding(device="cpu"):
    """The fixed map, a square matrix: WIDTH rows for what is held, the others for what is not."""
    g = torch.Generator().manual_seed(1)
    square = torch.randn(networks.WIDTH, networks.WIDTH, generator=g)
    return torch.linalg.qr(square)[0].to(device)


def read(context, embedded):
    """What positions of the context hold [..., WIDTH]."""
    return context @ embedded[:WIDTH].T / SCALE


def written(told, embedded, doubt=0.0):
    """A context [n, POSITIONS, networks.WIDTH] that holds this. Positions have one length, by a
    random part that is orthogonal to what is held. `doubt` is the deviation of noise in it."""
    n = len(told)
    drawn = told[..., :PIXELS]
    amount = doubt * torch.rand(n, 1, 1, device=told.device)
    told = torch.cat([drawn + amount * torch.randn_like(drawn), told[..., PIXELS:]], 2)
    order = torch.arange(POSITIONS - FIRST, device=told.device) % COUNT
    none = told.new_zeros(n, FIRST, WIDTH)
    held = SCALE * torch.cat([none, told[:, order]], 1)
    free = torch.randn(n, POSITIONS, networks.WIDTH - WIDTH, device=told.device)
    rest = (LENGTH**2 - held.square().sum(2, keepdim=True)).clamp(min=0).sqrt()
    free = F.normalize(free, dim=2) * rest
    return torch.cat([held, free], 2) @ embedded


class Addressed(AttnProcessor):
    """Attention whose first head is taught to look at the patch that a place lies in.

    Without it the UNet does not find out for long that positions of the context belong to places:
    it has no sense of place but what the zeros around the picture tell its convolutions, and
    nothing to gain from it before it looks at the right patch.
    """

    def __init__(self, errors):
        super().__init__()
        self.errors = errors

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, **more):
        if encoder_hidden_states is not None:
            width = attn.to_q.out_features // attn.heads
            q = attn.to_q(hidden_states)[..., :width]
            k = attn.to_k(encoder_hidden_states)[..., :width]
            looks = (q @ k.mT * attn.scale).float().softmax(2)[..., FIRST:]
            side = round(looks.shape[1] ** 0.5)
            line = torch.arange(side, device=q.device) * LINE // side
            own = (line[:, None] * LINE + line).flatten()
            order = torch.arange(looks.shape[2], device=q.device) % COUNT
            right = (looks * (order == own[:, None])).sum(2)
            self.errors.append(-right.clamp(min=1e-6).log().mean())
        return super().__call__(attn, hidden_states, encoder_hidden_states, **more)


def teach_addresses(unet):
    """Puts `Addressed` where the UNet has at least 4 × 4 places, from the last level with attention
    on; returns the list that each pass appends its errors to, and a function that ends it."""
    errors, before = [], unet.attn_processors
    theirs = lambda name: "down_blocks.2" in name or "up_blocks" in name
    unet.set_attn_processor(
        {k: Addressed(errors) if theirs(k) else v for k, v in before.items()}
    )
    return errors, lambda: unet.set_attn_processor(before)
