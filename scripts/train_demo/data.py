"""The pictures and captions: flat silhouettes, object x colour x background colour x place x size.

Silhouettes come from Material Design Icons (npm `@iconify-json/mdi`, Apache-2.0). A picture is one
silhouette in one palette colour on another; captions say so in varied words. About a tenth of the
(object, colour, background) triples is held out from training, chosen by hash, so every program
that asks gets the same split.

Silhouettes have two sizes and move by whole patches of the autoencoder (8 pixels), so that one
silhouette is one pattern of latents wherever it stands: a convolutional network then has to learn
it only once.
"""

import hashlib
import io
import json
import os
import random
from pathlib import Path

import numpy as np
from PIL import Image

SIZE = 64
CACHE = Path(os.environ.get("TRAIN_DEMO_DIR", Path(__file__).parent / "work"))

# object name -> icon name
OBJECTS = {
    "cat": "cat",
    "dog": "dog-side",
    "elephant": "elephant",
    "duck": "duck",
    "fish": "fish",
    "rabbit": "rabbit",
    "bird": "bird",
    "snail": "snail",
    "butterfly": "butterfly",
    "car": "car-side",
    "truck": "truck",
    "rocket": "rocket",
    "airplane": "airplane",
    "sailboat": "sail-boat",
    "house": "home",
    "castle": "castle",
    "tree": "pine-tree",
    "palm tree": "palm-tree",
    "flower": "flower",
    "cactus": "cactus",
    "mushroom": "mushroom",
    "apple": "food-apple",
    "cherry": "fruit-cherries",
    "ice cream": "ice-cream",
    "cup": "coffee",
    "heart": "heart",
    "star": "star",
    "moon": "moon-waning-crescent",
    "sun": "white-balance-sunny",
    "cloud": "cloud",
    "umbrella": "umbrella",
    "lightning bolt": "lightning-bolt",
    "crown": "crown",
    "key": "key",
    "bell": "bell",
    "anchor": "anchor",
    "ghost": "ghost",
    "leaf": "leaf",
    "diamond": "diamond",
    "circle": "circle",
    "square": "square",
    "triangle": "triangle",
    "guitar": "guitar-acoustic",
    "puzzle piece": "puzzle",
}
COLOURS = {
    "white": (250, 250, 250),
    "black": (20, 20, 24),
    "gray": (128, 132, 140),
    "red": (220, 32, 32),
    "orange": (250, 126, 20),
    "yellow": (250, 212, 28),
    "green": (30, 160, 70),
    "blue": (36, 90, 230),
    "purple": (130, 50, 200),
    "pink": (246, 140, 190),
}
NAMES, COLOUR_NAMES = list(OBJECTS), list(COLOURS)
PALETTE = np.array([COLOURS[c] for c in COLOUR_NAMES], np.float32) / 127.5 - 1  # in -1..1
# A colour that the model was not trained on, by the word of its textual inversion.
NEW_COLOUR = ("<teal>", (0, 128, 128))


def add_new_colour():
    """From now on NEW_COLOUR is one of the colours, the last of them; returns it."""
    global PALETTE
    name, rgb = NEW_COLOUR
    COLOURS[name] = rgb
    COLOUR_NAMES.append(name)
    PALETTE = np.concatenate([PALETTE, np.array([rgb], np.float32) / 127.5 - 1])
    return NEW_COLOUR


def article(word):
    return ("an " if word[0] in "aeiou" else "a ") + word


TEMPLATES = [
    lambda o, c, b: f"{article(c)} {o} on {article(b)} background",
    lambda o, c, b: f"{article(c)} {o} on {article(b)} background",
    lambda o, c, b: f"{article(c)} {o} on {b}",
    lambda o, c, b: (
        f"{c} {o} on a {b} background" if b[0] not in "aeiou" else f"{c} {o} on an {b} background"
    ),
    lambda o, c, b: f"{c} {o}, {b} background",
    lambda o, c, b: f"{b} background with {article(c)} {o}",
    lambda o, c, b: f"{article(o)} in {c} on {article(b)} background",
    lambda o, c, b: f"the {o} is {c}, the background is {b}",
    lambda o, c, b: f"a picture of {article(c)} {o} on {article(b)} background",
]
# "the cat is small red" is no English.
SMALL = [t for i, t in enumerate(TEMPLATES) if i not in (6, 7)]
PARTIAL = [  # captions that leave something open
    lambda o, c, b: article(o),
    lambda o, c, b: f"{article(c)} {o}",
    lambda o, c, b: f"{article(o)} on {article(b)} background",
]


# Where the silhouette stands: words, and steps right and down.
PLACES = [
    ("in the middle", 0, 0),
    ("on the left", -1, 0),
    ("on the right", 1, 0),
    ("at the top", 0, -1),
    ("at the bottom", 0, 1),
    ("in the top left corner", -1, -1),
    ("in the top right corner", 1, -1),
    ("in the bottom left corner", -1, 1),
    ("in the bottom right corner", 1, 1),
]
# Side of a silhouette in pixels, and pixels of a step: both are whole patches.
SIZES = {"large": (48, 8), "small": (32, 16)}


def caption(rng, obj, colour, background, small=False, place=0, empty=0.1, partial=0.08, where=0.2):
    """A caption for a picture, given by indices: full, partial or empty. What is small is always
    called so, unless the caption is empty; the place is named in one of five."""
    r = rng.random()
    if r < empty:
        return ""
    full = SMALL if small else TEMPLATES
    forms = PARTIAL if r < empty + partial and not small else full
    colour = ("small " if small else "") + COLOUR_NAMES[colour]
    words = rng.choice(forms)(NAMES[obj], colour, COLOUR_NAMES[background])
    return f"{words}, {PLACES[place][0]}" if rng.random() < where else words


def held_out(obj, colour, background):
    """Whether a triple (by indices) is kept out of training; about one in ten."""
    key = f"{NAMES[obj]}|{COLOUR_NAMES[colour]}|{COLOUR_NAMES[background]}"
    return hashlib.sha256(key.encode()).digest()[0] < 26


def triples(held):
    """All (object, colour, background) index triples, held out or for training."""
    n, k = len(NAMES), len(COLOUR_NAMES)
    return [
        (o, c, b)
        for o in range(n)
        for c in range(k)
        for b in range(k)
        if c != b and held_out(o, c, b) == held
    ]


def silhouettes():
    """Square coverage masks [objects, 192, 192] as uint8, each filling its square (the longer
    side)."""
    CACHE.mkdir(parents=True, exist_ok=True)
    key = hashlib.sha256(json.dumps(OBJECTS).encode()).hexdigest()[:8]
    file = CACHE / f"silhouettes-{key}.npy"
    if file.exists():
        return np.load(file)
    import cairosvg

    source = CACHE / "package" / "icons.json"  # `npm pack @iconify-json/mdi`, unpacked
    if not source.exists():
        source = CACHE / "iconify" / "mdi" / "icons.json"  # by icons/pack.py
    icons = json.loads(source.read_text())
    masks = []
    for icon in OBJECTS.values():
        entry = icons["icons"].get(icon) or icons["icons"][icons["aliases"][icon]["parent"]]
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg"'
            f' viewBox="0 0 24 24" color="#000">{entry["body"]}</svg>'
        )
        png = cairosvg.svg2png(svg.encode(), output_width=384, output_height=384)
        a = np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))[..., 3]
        ys, xs = np.where(a > 20)
        a = a[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
        side = max(a.shape)
        square = np.zeros((side, side), np.uint8)
        y, x = (side - a.shape[0]) // 2, (side - a.shape[1]) // 2
        square[y : y + a.shape[0], x : x + a.shape[1]] = a
        masks.append(np.asarray(Image.fromarray(square).resize((192, 192), Image.LANCZOS)))
    masks = np.stack(masks)
    np.save(file, masks)
    return masks


def place(mask, side, dx, dy, size=SIZE):
    """A silhouette scaled to `side` pixels and put into a size x size mask, its centre off by (dx,
    dy) pixels.
    Sub-pixel, with anti-aliasing."""
    k = 192 / side
    big = Image.fromarray(mask).transform(
        (size * 4, size * 4),
        Image.AFFINE,
        (k / 4, 0, 96 - k * (size / 2 + dx), 0, k / 4, 96 - k * (size / 2 + dy)),
        Image.BILINEAR,
    )
    return np.asarray(big.resize((size, size), Image.BOX))


def placements():
    """Masks [objects, sizes, places, SIZE, SIZE] as uint8: a silhouette at each size and place."""
    key = hashlib.sha256(json.dumps([OBJECTS, SIZES, PLACES]).encode()).hexdigest()[:8]
    file = CACHE / f"placements-{key}.npy"
    if file.exists():
        return np.load(file)
    out = np.stack(
        [
            [
                [place(m, side, right * step, down * step) for _, right, down in PLACES]
                for side, step in SIZES.values()
            ]
            for m in silhouettes()
        ]
    )
    np.save(file, out)
    return out
