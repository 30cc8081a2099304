"""The colours and places that captions name."""

import numpy as np

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
COLOUR_NAMES = list(COLOURS)
PALETTE = np.array(list(COLOURS.values()), np.float32) / 127.5 - 1  # in -1..1
# Where a thing stands: words, and steps right and down.
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
