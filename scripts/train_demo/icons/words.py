"""Writes the words that the model knows, for the page.

    python -m icons.words ../../web/demo/words.json

The page lists them, and says which words of a prompt are not among them. It leaves out some that
the model was trained with.
"""

import argparse
import json
import re

from . import captions, palette
from .pack import Pack

# Other names of the sets that mean something else, or a part of the thing.
WRONG = {
    "chipmunk": {"squirrel"},
    "crutch": {"aid"},
    "falafel": {"meatball"},
    "flamingo": {"flamboyant"},
    "glowing star": {"shining"},
    "hook": {"curve", "point"},
    "pizza": {"slice"},
    "swan": {"duckling"},
    "window": {"view", "air"},
}
STYLES, SIZES = ["emoji", "outline", "silhouette"], ["small"]


def other_words():
    """The words of the captions' forms that stand for nothing in the picture."""
    text = re.sub(r"\{[^}]*\}", " ", " ".join(captions.Parts.all_forms()))
    return sorted(({*text.split(), "a", "an", "the"} - {*STYLES, *SIZES, ","}))


def vocabulary(pack):
    """Lists of words: of a thing first its name, then other names of it."""
    return {
        "things": [[n for n in names if n not in WRONG.get(names[0], ())] for names in pack.names],
        # Those that are no emoji.
        "coloured": [names[0] for names, emoji in zip(pack.names, pack.has[:, 0]) if not emoji],
        "colours": palette.COLOUR_NAMES,
        "styles": STYLES,
        "sizes": SIZES,
        "places": [words for words, _, _ in palette.PLACES],
        "other": other_words(),
    }


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("file")
    with open(ap.parse_args().file, "w") as file:
        json.dump(vocabulary(Pack()), file, ensure_ascii=False, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
