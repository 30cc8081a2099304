"""What AUTOMATIC1111's web UI makes of prompts with editing, alternation and AND.

prompt_schedules.json has prompts, among them many whose brackets do not fit, and the texts of each
for several numbers of steps, of a first and of a second pass. Then prompts in parts.

The grammar is said here once more, from its documentation, in another way than the crate's reader:
the innermost brackets are replaced by a sign each until none fits, and the rest is text. Where it
was made, the same prompts went through the published grammar with lark, in which brackets that are
left over beside others have several readings; prompts that lark reads in one way today and in
another one tomorrow (it depends on the hashes of the process) are left out: AMBIGUOUS.
"""

import random
import re

from . import save

COUNT = 640
# Steps of the pass, and those of the first one if it is a second.
PASSES = [(10, None), (7, None), (20, None), (1, None), (30, None), (10, 20), (15, 4), (3, 3)]
# By index, of what `prompts` makes.
AMBIGUOUS = {69, 117, 173, 403, 429, 475, 481, 482, 490, 497, 526, 546, 549, 585}
WRITTEN = [
    "", "a cat", "a [cat:dog:0.5]", "a [cat:dog:8]", "a [dog:0.25] b", "a [cat::0.75]", "[:x:3]",
    "[a|b|c]", "[a|]", "[|]", "[|a||]", "[a|b] and [c|d|e]", "[a:[b|c]:4]", "[[a|b]:c:5]",
    "a[b:[c:d:2]:1]e", "[[[a:b:2]:c:4]:d:6]", "(a [b:c:0.5]:1.3)", "([a|b]:1.2)", "[(a:1.1)|b]",
    "a \\[b:c:3\\]", "\\[a|b\\]", "[a\\:b:3]", "[a\\|b|c]", "[a:b\\]:3]", "(\\(a\\):1.2)", "a\\",
    "[a:b:3] c\\", "a\\\n[b:3]", "a | b [c:3]", "[a:b|c:3]", "[a|b:3]", "(a|b)", "[a:b:c:3]",
    "[a:b]", "[a:b:x]", "[a:b:1.5]", "[a:b:1.25]", "[a:b:1.0]", "[a:b:1]", "[a:b:0]", "[a:b:0.0]",
    "[a:b:-1]", "[a:b:-0.5]", "[a:b:+3]", "[a:b:.5]", "[a:b:5.]", "[a:b:1e0]", "[a:b:2.5e-1]",
    "[a:b: 3 ]", "[a:b:\n3\t]", "[a : b : 3]", "[a:b:3 4]", "[a:b:1e]", "[a:b:99]", "[a:b:21]",
    "[3:4]", "[1:2:3]", "[::3]", "[:3]", "[a::]", "[]", "()", "[a]", "((a))", "a [unbalanced",
    "(a [b:c:3]", "[a:b:3] c)", "((a][:b:c [d:3]", "[a (b:c:d) e:3]", "(a:b:c [d:3])", "[a) b:3]",
    "(a [b) c:3]", "[a (b] c:3)", "[fe|]male", "[fe|||]male", "a [{b|d{:.5] c", "[a:b:3][c:d:6]",
    "\u732b [\u72ac:\u9ce5:0.5] \U0001f408", "[a:b:3]\u00a0[c:\u2003d\u3000:\u20034\u3000]",
    "[a cat:a dog:0.29] [x:y:0.57] [u:v:0.14]", "[a:b:0.3][c:d:0.35][e:f:0.7][g:h:0.999]",
]
PARTS = [
    "", "a cat", "a cat AND a dog", "a cat AND a dog :0.5", "a cat :1.2 AND a dog : -0.7 AND c:2.",
    "a AND b AND a", "AND", "a AND", "AND a", "a ANDb", "aAND b", "a_AND b", "(a)AND(b)",
    "a\nAND\nb",
    "a, AND, b", "and a And b", "a :0.5", "a ratio 16:9", "16:9, a cat", "a:1:2", "a : 1 : 2  ",
    "a:.5", "a:-.5", "a:+1.", "a:.", "a:", ":2", ":", "a:1.2.3", "a 0.5", "a:0.5 b", "a:1e3",
    "[a:b:0.5]", "[a:b:0.5] :0.5 AND (c:1.2)", "[a AND b:0.5]", "a (b:1.2",
    "a\u00a0:\u00a01.5\u00a0",
    "a:1\n", " a AND  b  :  2 ", "\u00e9AND b", "a AND\u732b", "a\\:2", "a:00.50", "a AND b:0",
]


def random_prompt(rng: random.Random) -> str:
    """A prompt of nested pieces, spoilt now and then."""
    words = ["a", "b c", " ", "red, ", "1", "\\(", "x\\:y", "", "\u00e9", "0.5"]
    times = ["0.5", "3", "1.5", "-1", "0", "12", ".25", " 4 ", "5.", "1e1", "x", "", "0.29"]

    def piece(depth: int) -> str:
        if depth <= 0 or rng.random() < 0.35:
            return rng.choice(words)
        a, b, c = ("".join(piece(depth - 1) for _ in range(rng.randint(0, 2))) for _ in range(3))
        when = rng.choice(times)
        forms = [f"[{a}:{b}:{when}]", f"[{a}:{when}]", f"[{a}|{b}]", f"[{a}|{b}|{c}]", f"({a})",
                 f"({a}:1.2)", f"[{a}]", f"[{a}::{when}]"]
        return rng.choice(forms)

    letters = list("".join(piece(rng.randint(0, 3)) for _ in range(rng.randint(1, 3))))
    for _ in range(rng.choice([0, 0, 1, 1, 2, 3])):
        place = rng.randint(0, len(letters))
        if rng.random() < 0.5 and place < len(letters):
            del letters[place]
        else:
            letters.insert(place, rng.choice("[]():|\\ \n"))
    return "".join(letters)


def prompts() -> list[str]:
    rng = random.Random(1111)
    texts = list(WRITTEN)
    while len(texts) < COUNT:
        text = random_prompt(rng)
        if len(text) < 60 and text not in texts:
            texts.append(text)
    return texts


# Signs: what a bracket or a colon is that belongs to nothing, and from FIRST on what was read.
LOST = {"(": "\ue000", ")": "\ue001", "[": "\ue002", "]": "\ue003", ":": "\ue004"}
FIRST = 0xF0000
NUMBER = re.compile(r"\s*([+-]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?)\s*", re.ASCII)


def blank(text: str) -> str:
    """Python's white space as blanks, so that NUMBER needs to know no other."""
    return "".join(" " if letter.isspace() else letter for letter in text)


def read(prompt: str):
    """The prompt as text of characters and signs, with what the signs mean; or None."""
    known = []

    def sign(meaning) -> str:
        known.append(meaning)
        return chr(FIRST + len(known) - 1)

    text = re.sub(r"\\([^\n])", lambda found: sign(("text", found[0])), prompt)
    if "\\" in text:
        return None

    def innermost(found: re.Match) -> str:
        whole, inside = found[0], found[0][1:-1]
        is_lost = any(letter in LOST.values() for letter in inside)
        if whole[0] == "[" and "|" in inside and ":" not in inside and not is_lost:
            return sign(("turns", inside.split("|")))
        parts = inside.split(":")
        when = NUMBER.fullmatch(blank(parts[-1]))
        if "|" not in inside and not is_lost:
            if whole[0] == "[" and len(parts) in (2, 3) and when:
                before = parts[0] if len(parts) == 3 else ""
                return sign(("edit", before, parts[-2], when[1]))
            if len(parts) == 1 or (whole[0] == "(" and len(parts) == 2):
                return sign(("text of", whole))
        return "".join(LOST.get(letter, letter) for letter in whole)

    count = 1
    while count:
        text, count = re.subn(r"\[[^][()]*\]|\([^][()]*\)", innermost, text)
    return None if "|" in text else (text, known)


def step_of_change(when: str, steps: int, first) -> int:
    if "." in when:
        value = (float(when) - (0 if first is None else 1.0)) * steps
    else:
        value = float(when) - (first or 0)
    return min(steps, int(value))


def schedule(prompt: str, steps: int, first) -> list:
    """[last step, text] of each text."""
    made = read(prompt)
    if made is None:
        return [[steps, prompt]]
    text, known = made
    back = {lost: letter for letter, lost in LOST.items()}
    ends = {steps}
    for meaning in known:
        if meaning[0] == "turns":
            ends.update(range(1, steps + 1))
        if meaning[0] == "edit":
            ends.add(step_of_change(meaning[3], steps, first))

    def spelt(text: str, step: int) -> str:
        letters = []
        for letter in text:
            if ord(letter) < FIRST:
                letters.append(back.get(letter, letter))
                continue
            kind, *rest = known[ord(letter) - FIRST]
            if kind == "text":
                letters.append(rest[0])
            elif kind == "text of":
                letters.append(spelt(rest[0], step))
            elif kind == "turns":
                letters.append(spelt(rest[0][(step - 1) % len(rest[0])], step))
            else:
                before = step <= step_of_change(rest[2], steps, first)
                letters.append(spelt(rest[0 if before else 1], step))
        return "".join(letters)

    return [[end, spelt(text, end)] for end in sorted(ends) if end > 0]


def parts(prompt: str) -> list:
    """[text, weight] of each part."""
    found = []
    words = re.split(r"(\w+)", prompt)
    pieces = [""]
    for word in words:
        if word == "AND":
            pieces.append("")
        else:
            pieces[-1] += word
    for piece in pieces:
        piece = piece.rstrip()
        before, colon, number = piece.rpartition(":")
        if colon and re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)", number.lstrip(), re.ASCII):
            found.append([before.rstrip(), float(number)])
        else:
            found.append([piece, 1.0])
    return found


def write(out) -> None:
    cases = []
    for index, prompt in enumerate(prompts()):
        if index in AMBIGUOUS:
            continue
        # Alternation has a text for each step: few of them.
        few = prompt.count("|") > 0
        passes = [PASSES[(index + shift) % len(PASSES)] for shift in ((0,) if few else (0, 3))]
        cases.append([prompt, [[*each, schedule(prompt, *each)] for each in passes]])
    save(out / "prompt_schedules.json", schedules=cases,
         parts=[[prompt, parts(prompt)] for prompt in PARTS])
