"""Writes the words that the built-in model knows, for the page.

    python words.py ../../web/demo/words.json

The page lists them, and says which words of a prompt are not among them.
"""

import argparse
import json
import re

import data


def other_words():
    """The words of the captions' forms, without things and colours."""
    forms = [*data.TEMPLATES, *data.SMALL, *data.PARTIAL]
    text = " ".join(form("0", "1", "2") for form in forms)
    return sorted({word for word in re.findall(r"[a-z]+", text)} | {"a", "an", "the"})


def vocabulary():
    """Lists of words: of a thing first its name, then other names of it."""
    return {
        "things": [[name] for name in data.NAMES],
        "colours": data.COLOUR_NAMES,
        "styles": [],
        "sizes": ["small"],
        "places": [words for words, _, _ in data.PLACES],
        "other": other_words(),
    }


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("file")
    with open(ap.parse_args().file, "w") as file:
        json.dump(vocabulary(), file, ensure_ascii=False, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
