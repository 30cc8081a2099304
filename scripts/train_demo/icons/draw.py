"""Draws the icons: for each thing an emoji in its colours, a silhouette and an outline.

Every drawing fills a square of SIZES pixels by its longer side and is centred in it.
"""

import io

import cairosvg
import numpy as np
from PIL import Image

SIZES = (96, 64)  # large and small, whole patches of the autoencoder
FINE = 384
# Two things whose emoji differ by less than this (mean square, 24 × 24, 0..1) look the same.
SAME = 0.012
# Two silhouettes that overlap by more than this look the same.
SAME_SHAPE = 0.93


def rendered(icons, name):
    """An icon of a set, [FINE, FINE, 4] as floats in 0..1 with premultiplied colours."""
    entry = icons["icons"].get(name)
    if entry is None:
        entry = icons["icons"][icons["aliases"][name]["parent"]]
    width = entry.get("width", icons.get("width", 16))
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {width}" color="#000">'
        f'{entry["body"]}</svg>'
    )
    png = cairosvg.svg2png(svg.encode(), output_width=FINE, output_height=FINE)
    a = np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"), np.float32) / 255
    return np.concatenate([a[..., :3] * a[..., 3:], a[..., 3:]], 2)


def fitted(picture):
    """The picture cut to what it shows, centred in squares of SIZES pixels."""
    ys, xs = np.where(picture[..., 3] > 0.08)
    cut = picture[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
    side = max(cut.shape[:2])
    square = np.zeros((side, side, 4), np.float32)
    y, x = (side - cut.shape[0]) // 2, (side - cut.shape[1]) // 2
    square[y : y + cut.shape[0], x : x + cut.shape[1]] = cut
    return [resized(square, n) for n in SIZES]


def resized(square, side):
    planes = [
        np.asarray(Image.fromarray(square[..., c]).resize((side, side), Image.LANCZOS))
        for c in range(square.shape[-1])
    ]
    return np.stack(planes, -1).clip(0, 1)


def mask_only(picture):
    return picture[..., 3:].repeat(4, 2)


class Drawing:
    """A thing's three drawings, each at every size; None where there is none."""

    def __init__(self, thing, sources):
        flat = rendered(sources.flat, thing.emoji) if thing.emoji else None
        self.emoji = fitted(flat) if thing.emoji else None
        if thing.silhouette:
            self.silhouette = fitted(mask_only(rendered(sources.mdi, thing.silhouette)))
        else:
            self.silhouette = fitted(mask_only(flat))
        lines = sources.contrast if thing.emoji else sources.mdi
        drawn = thing.outline and rendered(lines, thing.outline)
        self.outline = fitted(mask_only(drawn)) if thing.outline else None
        if self.outline and self.alike(self.outline, self.silhouette):
            self.outline = None

    @staticmethod
    def alike(one, other):
        a, b = one[0][..., 3], other[0][..., 3]
        return np.minimum(a, b).sum() / np.maximum(a, b).sum() > SAME_SHAPE

    def thumbnail(self):
        return resized(self.emoji[0], 24) if self.emoji else None


def drawings(things, sources, at_most):
    """(thing, drawing) of things that look different, `at_most` of them; a silhouette that is
    another's too is left out of the later thing."""
    kept, seen = [], []
    for thing in things:
        drawing = Drawing(thing, sources)
        small = drawing.thumbnail()
        if small is not None:
            nearest = min((np.square(small - s).mean() for s in seen), default=1)
            if nearest < SAME:
                continue
            seen.append(small)
        if any(Drawing.alike(drawing.silhouette, d.silhouette) for _, d in kept if d.silhouette):
            drawing.silhouette = None
        kept.append((thing, drawing))
        if len(kept) == at_most:
            break
    return kept
