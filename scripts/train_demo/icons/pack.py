"""The data in one file: what the trainings read, so that they need no icon set and no tokenizer.

    python -m icons.pack [--things 420]

Downloads the packages with npm into $TRAIN_DEMO_DIR/iconify (or takes them from there), draws the
icons and writes $TRAIN_DEMO_DIR/icons.npz.
"""

import argparse
import hashlib
import json
import subprocess
import tarfile

import numpy as np
import torch

from . import captions, work

FILE = work.FOLDER / "icons.npz"
STYLES = ("emoji", "silhouette", "outline")


def download(folder):
    """Unpacks the packages that are not there yet."""
    from . import things

    folder.mkdir(parents=True, exist_ok=True)
    for name, package in things.PACKAGES.items():
        if (folder / name).exists():
            continue
        tgz = subprocess.run(
            ["npm", "pack", "--silent", package], cwd=folder, check=True, capture_output=True
        )
        with tarfile.open(folder / tgz.stdout.decode().split()[-1]) as archive:
            for member in archive.getmembers():
                member.name = member.name.replace("package", name, 1)
                archive.extract(member, folder, filter="data")


def kept(things, first, at_most):
    """The first `first` things and so many of the others, chosen by hash."""
    first, rest = things[:first], things[first:]
    key = lambda t: hashlib.sha256(t.names[0].encode()).hexdigest()
    some = set(sorted(map(key, rest))[: at_most - len(first)])
    return first + [t for t in rest if key(t) in some]


def encoder():
    """A function from a text to its token ids, without those of start and end."""
    from transformers import CLIPTokenizer

    from .tokenizer import write_tokenizer

    folder = work.FOLDER / "tokenizer"
    if not folder.exists():
        write_tokenizer(folder)
    tok = CLIPTokenizer.from_pretrained(folder)
    return lambda text: tok(text).input_ids[1:-1]


def write(at_most):
    from . import draw, things

    root = work.FOLDER / "iconify"
    download(root)
    sources = things.Sources(root)
    some = kept(things.chosen(sources), len(things.FIRST), at_most)
    drawn = draw.drawings(some, sources, at_most)
    out = {}
    for i, side in enumerate(draw.SIZES):
        shape = {"emoji": (side, side, 4), "silhouette": (side, side), "outline": (side, side)}
        for style in STYLES:
            planes = np.zeros((len(drawn), *shape[style]), np.uint8)
            for k, (_, drawing) in enumerate(drawn):
                picture = getattr(drawing, style)
                if picture is not None:
                    a = picture[i] if style == "emoji" else picture[i][..., 3]
                    planes[k] = (a * 255).round()
            out[f"{style}{side}"] = planes
    out["has"] = np.array([[getattr(d, s) is not None for s in STYLES] for _, d in drawn])
    names = [t.names for t, _ in drawn]
    parts = captions.Parts([n for all_of in names for n in all_of], encoder())
    out["names"] = np.frombuffer(json.dumps(names).encode(), np.uint8)
    out["tokens"] = parts.tokens.numpy().astype(np.int32)
    FILE.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(FILE, **out)
    print(len(drawn), "things", out["has"].sum(0).tolist(), f"{FILE.stat().st_size / 1e6:.1f} MB")


class Pack:
    """What the file holds."""

    def __init__(self, file=FILE):
        with np.load(file) as held:
            self.arrays = {k: held[k] for k in held.files}
        self.names = json.loads(self.arrays.pop("names").tobytes())
        self.has = torch.from_numpy(self.arrays.pop("has"))
        tokens = torch.from_numpy(self.arrays.pop("tokens")).long()
        flat = [n for all_of in self.names for n in all_of]
        self.parts = captions.Parts(flat, tokens=tokens)

    def square(self, style, side):
        """Drawings [things, channels, side, side] in 0..1: premultiplied colours and coverage of
        the emoji, coverage of the others."""
        a = torch.from_numpy(self.arrays[f"{style}{side}"]).float() / 255
        return a.permute(0, 3, 1, 2) if a.dim() == 4 else a[:, None]


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--things", type=int, default=420)
    write(ap.parse_args().things)


if __name__ == "__main__":
    main()
