"""Captions: sentences with slots, and their tokens made for a whole batch at once.

A form is a sentence such as "{a colour} {thing} on {a ground} background". Byte-pair encoding
works word by word, so the tokens of a sentence are those of its parts one after the other: a table
of parts is encoded once (`Parts`), and a batch of captions is put together by indexing.
"""

import re

import torch

from . import palette

PLACES = [words for words, _, _ in palette.PLACES]
EMOJI, SILHOUETTE, OUTLINE = range(3)
BOS, EOS, POSITIONS = 49406, 49407, 77

COLOURED = [  # for silhouettes
    "{a colour} {thing} on {a ground} background",
    "{a colour} {thing} on {a ground} background",
    "{a colour} {thing} on {ground}",
    "{colour} {thing} on {a ground} background",
    "{colour} {thing} , {ground} background",
    "{ground} background with {a colour} {thing}",
    "{a thing} in {colour} on {a ground} background",
    "the {thing} is {colour} , the background is {ground}",
    "a picture of {a colour} {thing} on {a ground} background",
    "{a colour} silhouette of {a thing} on {a ground} background",
]
SMALL_COLOURED = [
    "a small {colour} {thing} on {a ground} background",
    "a small {colour} {thing} on {ground}",
    "small {colour} {thing} on {a ground} background",
    "small {colour} {thing} , {ground} background",
    "{ground} background with a small {colour} {thing}",
    "a picture of a small {colour} {thing} on {a ground} background",
]
OUTLINED = [
    "{a colour} outline of {a thing} on {a ground} background",
    "{a colour} outline of {a thing} on {ground}",
    "{colour} outline of {a thing} , {ground} background",
    "{a colour} {thing} outline on {a ground} background",
    "{ground} background with {a colour} outline of {a thing}",
]
PLAIN = [
    "{a thing} on {a ground} background",
    "{a thing} on {ground}",
    "{thing} , {ground} background",
    "{a thing} emoji on {a ground} background",
    "a flat emoji of {a thing} on {a ground} background",
    "{ground} background with {a thing}",
    "a picture of {a thing} on {a ground} background",
]
FORMS = {  # by style, small or large, one thing or two
    (EMOJI, 0, 1): PLAIN,
    (SILHOUETTE, 0, 1): COLOURED,
    (OUTLINE, 0, 1): OUTLINED,
    (EMOJI, 1, 1): [
        "a small {thing} on {a ground} background",
        "a small {thing} on {ground}",
        "small {thing} , {ground} background",
        "{ground} background with a small {thing}",
    ],
    (SILHOUETTE, 1, 1): SMALL_COLOURED,
    (OUTLINE, 1, 1): [
        "a small {colour} outline of {a thing} on {a ground} background",
        "small {colour} outline of {a thing} , {ground} background",
    ],
    (EMOJI, 1, 2): [
        "{a thing} and {a thing2} on {a ground} background",
        "{a thing} next to {a thing2} on {a ground} background",
        "{a thing} on the left and {a thing2} on the right , {ground} background",
    ],
    (SILHOUETTE, 1, 2): [
        "{a colour} {thing} and {a colour2} {thing2} on {a ground} background",
        "{a colour} {thing} next to {a colour2} {thing2} on {a ground} background",
        "{a colour} {thing} on the left and {a colour2} {thing2} on the right ,"
        " {ground} background",
    ],
}
PARTIAL = {  # what leaves the background open
    EMOJI: ["{a thing}", "{thing}", "{a thing} emoji"],
    SILHOUETTE: ["{a colour} {thing}", "{colour} {thing}"],
    OUTLINE: ["{a colour} outline of {a thing}"],
}
EMPTY = ""
PLACED = ", {place}"


def article(word):
    return ("an " if word[0] in "aeiou" else "a ") + word


class Parts:
    """Every part that a caption is made of, and its tokens.

    A kind of part ("text", "thing", "a thing", "colour", "a colour", "place") is a run of rows.
    """

    def __init__(self, names, encode=None, tokens=None):
        literals = sorted(
            {
                piece
                for form in self.all_forms()
                for piece in re.split(r"\{[^}]*\}", form)
                if piece.strip()
            }
        )
        kinds = {
            "text": [""] + [p.strip() for p in literals],
            "thing": names,
            "a thing": [article(n) for n in names],
            "colour": palette.COLOUR_NAMES,
            "a colour": [article(c) for c in palette.COLOUR_NAMES],
            "place": PLACES,
        }
        self.words, self.first = [], {}
        for kind, words in kinds.items():
            self.first[kind] = len(self.words)
            self.words += words
        self.tokens = tokens if tokens is not None else padded([encode(w) for w in self.words])
        self.used = torch.cat([self.tokens[self.tokens >= 0], torch.tensor([BOS, EOS])]).unique()

    @staticmethod
    def all_forms():
        forms = [f for group in (*FORMS.values(), *PARTIAL.values()) for f in group]
        return [EMPTY, PLACED, *forms]

    def row_of(self, text):
        return self.first["text"] + self.words.index(text)


def padded(rows):
    """Lists of ids as one table, -1 where a row has ended."""
    width = max(map(len, rows))
    return torch.tensor([r + [-1] * (width - len(r)) for r in rows])


class Captions:
    """Captions of scenes as token ids, [n, length]."""

    # What a slot takes its index from; "" is a fixed part.
    SLOTS = ["", "name", "colour", "ground", "name2", "colour2", "place"]
    MOST = 10  # parts of a caption

    def __init__(self, parts, device="cpu"):
        self.parts, self.device = parts, device
        forms, self.groups = [EMPTY], {}
        for key, group in {**FORMS, **{(s,): f for s, f in PARTIAL.items()}}.items():
            self.groups[key] = (len(forms), len(group))
            forms += group
        self.place_row = torch.tensor([self.parsed(f) for f in [PLACED]], device=device)
        rows = [self.parsed(f) for f in forms]
        self.forms = torch.tensor(rows, device=device)  # [forms, MOST, (base, slot)]
        self.names_ground = torch.tensor(["ground" in f for f in forms], device=device)
        self.tokens = parts.tokens.to(device)

    def parsed(self, form):
        """(row of the table, slot) of each part, filled up with the empty part."""
        out = []
        for piece in re.findall(r"\{[^}]*\}|[^{}]+", form):
            slot = piece.strip("{}")
            if piece[0] != "{":
                if piece.strip():
                    out.append((self.parts.row_of(piece.strip()), 0))
                continue
            second = "2" if slot.endswith("2") else ""
            kind = slot.removesuffix("2")
            source = kind.removeprefix("a ").replace("thing", "name") + second
            out.append((self.parts.first[kind.replace("ground", "colour")], source))
        out = [(row, self.SLOTS.index(s) if s else 0) for row, s in out]
        return out + [(0, 0)] * (self.MOST - len(out))

    def choose(self, scenes, generator, empty=0.1, partial=0.08):
        """A form for each scene: [n] indices, 0 is the empty caption."""
        n = len(scenes["style"])
        r = torch.rand(n, generator=generator, device=self.device)
        which = torch.rand(n, generator=generator, device=self.device)
        form = torch.zeros(n, dtype=torch.long, device=self.device)
        key = (scenes["style"], scenes["size_named"], scenes["count"])
        for group, (first, count) in self.groups.items():
            if len(group) == 1:
                here = (key[0] == group[0]) & (key[1] == 0) & (key[2] == 1) & (r < empty + partial)
            else:
                here = (key[0] == group[0]) & (key[1] == group[1]) & (key[2] == group[2])
            form = torch.where(here, first + (which * count).long(), form)
        return torch.where(r < empty, torch.zeros_like(form), form)

    def rows(self, scenes, form, place_named):
        """Rows of the table of parts, [n, 2 · MOST]."""
        values = torch.stack(
            [torch.zeros_like(form)]
            + [scenes[k] for k in ("name", "colour", "ground", "name2", "colour2", "place")],
            1,
        )
        fill = lambda f: f[..., 0] + values.gather(1, f[..., 1])
        placed = self.place_row.expand(len(form), -1, -1)
        tail = torch.where((place_named & (form > 0))[:, None], fill(placed), 0)
        return torch.cat([fill(self.forms[form]), tail], 1)

    def ids_of(self, scenes, form, length=POSITIONS):
        """Token ids [n, length] of the captions of scenes in these forms."""
        return self.ids(self.rows(scenes, form, scenes["place_named"]), length)

    def ids(self, rows, length=POSITIONS):
        """Token ids as CLIP's tokenizer gives them, cut at `length` positions."""
        pieces = self.tokens[rows].flatten(1)
        there = pieces >= 0
        at = there.cumsum(1)
        out = torch.full((len(rows), POSITIONS + 1), EOS, device=rows.device)
        out[:, 0] = BOS
        # What is not there goes to the last place, which is cut off.
        at = torch.where(there & (at < POSITIONS - 1), at, POSITIONS)
        out.scatter_(1, at, torch.where(there, pieces, EOS))
        return out[:, :length]

    def text(self, rows):
        """The captions as strings."""
        words = [[self.parts.words[r] for r in row] for row in rows.tolist()]
        return [" ".join(w for w in row if w).replace(" ,", ",") for row in words]
