"""Prompts in quantity, and what AUTOMATIC1111's web UI and the original program make of them.

prompts.json has words, ranges of characters and separators, from which a little generator puts
thousands of prompts together, here and in tests/prompts.rs. Of each stand six digits of the hash of
its ids as transformers cuts them, of the ids of its chunks, and of the ids after ftfy by the
original tokenizer (open_clip carries it). Then prompts with attention weights.

prompts.safetensors has contexts and pictures of the tiny made-up model with weights, chunks and
clip skip.

The web UI's arithmetic is said here once more, from its documentation and behaviour: weights of
single characters instead of fragments, a list of ids that is cut instead of a loop that pushes.
"""

import json
import random
import re

import numpy
import torch
from safetensors.numpy import save_file

from . import fnv, save
from .pictures import REQUEST, open_tiny, run
from .tokens import TABLES
from .walk import SEED_OF_MODEL

COUNT = 4096
WORDS = """red green blue golden ancient cat dog fox astronaut castle forest river portrait of a an
the in on under with oil painting watercolor cinematic 35mm f/1.8 8k highly detailed, masterpiece by
Greg Rutkowski Hokusai's Mona Lisa DON'T 1970s sci-fi ultra-realistic; 3.14159 512x512 v1.4 100%
foo@bar.com http://a.b/?q=1&c=d#e #tag $5 ^_^ ~tilde `code` {x|y} a__b--c==d//e\\f !!! ... we've
supercalifragilisticexpialidocious xqzjkvbwptxqzjkvbwpt <|startoftext|> <|endoftext|> <lora:x:1>
(word:1.2) [less] ((much)) \\(kept\\) BREAK &amp; &lt;b&gt; &#39; &#x27; &eacute; &EACUTE; &nbsp;
&nothing; it\u2019s \u201cquoted\u201d \u2018so\u2019 na\u00efve caf\u00e9 cafe\u0301 \u00fcber
stra\u00dfe \u0130stanbul \u03a3\u0399\u03a3\u03a5\u03a6\u039f\u03a3 \u041a\u043e\u0448\u043a\u0430
\u732b \u9ed2\u732b\u304c\u5ea7\u308b \uff76\uff80\uff76\uff85 \uff21\uff22\uff43\uff11 \uace0\uc591
\u0642\u0637\u0629 \u05d7\u05ea\u05d5\u05dc \u092c\u093f\u0932\u094d\u0932\u0940 \u0e41\u0e21\u0e27
\ufb01ne e\ufb03cient \u0132sland \u01c4 \U0001f408\u200d\u2b1b \U0001f44d\U0001f3fd \u2764\ufe0f
\U0001f1e9\U0001f1ea \U0001d4d0\U0001d4ea a\u200bb a\u00adb \ufeffbom \u2460 \u2122 \u00bd \u2014
nul\u0000l bell\u0007 \u001b[31mred del\u007f c1\u0085x z\u0351\u036b\u0343a\u0321""".split(" ")
WORDS = [word for words in WORDS for word in words.split("\n")]
SEPARATORS = [" "] * 12 + [", "] * 4 + ["", "  ", "\n", "\t", "-", "! ", " (", ") ", ": ", "... ",
              "\u00a0", "\u3000", "\u2028", "\r\n", "'s ", " & "]
RANGES = [(0x00, 0x20), (0x20, 0x7F), (0x7F, 0xA0), (0xA0, 0x250), (0x250, 0x370), (0x370, 0x400),
          (0x400, 0x530), (0x530, 0x700), (0x700, 0x900), (0x900, 0xE00), (0xE00, 0x1000),
          (0x1000, 0x1200), (0x1200, 0x1400), (0x1400, 0x1E00), (0x1E00, 0x2000), (0x2000, 0x2070),
          (0x2070, 0x2190), (0x2190, 0x2C00), (0x2C00, 0x3000), (0x3000, 0x3400), (0x4E00, 0xA000),
          (0xA000, 0xA640), (0xA640, 0xAC00), (0xAC00, 0xD7A4), (0xE000, 0xF900), (0xF900, 0xFB50),
          (0xFB50, 0xFF00), (0xFF00, 0x10000), (0x10000, 0x11000), (0x11000, 0x14000),
          (0x1D400, 0x1D800), (0x1F000, 0x1FB00), (0x20000, 0x2A000), (0xE0000, 0xE0080)]
WEIGHTED = [
    "", "a red cat", "(cat)", "((cat))", "[cat]", "[[cat]]", "(cat:1.3) [dog]", "(cat:0)",
    "(cat :  1.5 )", "(cat:-0.5)", "(cat:+.5)", "a (b (c:1.2) d) e", "(a [b] c:1.1)", "([)]",
    "(never closed", "[never closed", "(a [b", "not opened) here]", "a:1.2) b", "(a:1.2",
    "(a:b)", "(a:)", "(:1.2)", "(a:1.2:1.3)", "(a, b:1.2, c:0.8)", "\\(a\\)", "\\[a\\] \\\\ b",
    "(\\(a\\):1.2)", "back\\slash", "trailing\\", "()", "[]", "(())", "BREAK", "a BREAK b",
    "a  BREAK  b BREAK c", "BREAKfast and BREAK_x aBREAK", "a\nBREAK\nb", "BREAK BREAK", "a:BREAK:b",
    "(masterpiece:1.4), (best quality), [blurry], portrait of a (woman:0.8) in the rain, 8k",
    "one, two, three, " * 30, "(one two three, " * 30, "word " * 74 + "a, b c d e f g",
    "word " * 60 + ", " + "word " * 40, "word " * 54 + ", " + "word " * 40, "a " * 150, ", " * 80,
    "a (b:1.2) BREAK (c:0.9), " * 12, "x" * 60 + " (" + "y" * 60 + ":1.1)",
]
# What differs from REQUEST of pictures.py.
LONG = "a red cat, (a yellow:1.3) background, [trees] and \\(hills\\), " * 5 + "BREAK (a river:0.6)"
CASES = {
    "weights": {"prompt": "a (red:1.4) cat on a [yellow] ((background))", "prompt_weights": True,
                "negative_prompt": "(blue:0.5), blurry"},
    "chunks": {"prompt": LONG, "long_prompt": "chunks", "prompt_weights": True, "clip_skip": 2},
    "clip skip": {"clip_skip": 2},
}


class SplitMix:
    """Steele, Lea and Flood's generator of 64 bits."""

    def __init__(self, seed):
        self.state = seed

    def below(self, limit):
        mask = 2**64 - 1
        self.state = (self.state + 0x9E3779B97F4A7C15) & mask
        z = self.state
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & mask
        z = (z ^ z >> 27) * 0x94D049BB133111EB & mask
        return (z ^ z >> 31) % limit


def prompt(index):
    """Of four prompts one is of words, one of characters, two of both; of 64 one is very long."""
    rng = SplitMix(index)
    pieces = 100 + rng.below(200) if index % 64 < 2 else 1 + rng.below(16)
    text = ""
    for _ in range(pieces):
        characters = index % 4 == 1 or index % 4 > 1 and rng.below(3) == 0
        if characters:
            start, end = RANGES[rng.below(len(RANGES))]
            text += "".join(chr(start + rng.below(end - start)) for _ in range(1 + rng.below(6)))
        else:
            text += WORDS[rng.below(len(WORDS))]
        text += SEPARATORS[rng.below(len(SEPARATORS))]
    return text


def weights_of(text):
    """(character, weight) of all characters that are text; weight None at a BREAK."""
    token = re.compile(r"\\[\\()\[\]]|\\|[()\[\]]|:\s*[+-]?[.0-9]+\s*\)|:|[^\\()\[\]:]+")
    places, opened = [], {"(": [], "[": []}

    def close(kind, factor):
        start = opened[kind].pop()
        places[start:] = [(char, weight and weight * factor) for char, weight in places[start:]]

    for found in token.findall(text):
        if found[0] == "\\":
            places += [(char, 1.0) for char in found[1:]]
        elif found in "([":
            opened[found].append(len(places))
        elif found[0] == ":" and found[-1] == ")" and opened["("]:
            close("(", float(found[1:-1]))
        elif found == ")" and opened["("]:
            close("(", 1.1)
        elif found == "]" and opened["["]:
            close("[", 1 / 1.1)
        else:
            for index, part in enumerate(re.split(r"\s*\bBREAK\b\s*", found)):
                places += [("", None)] * (index > 0) + [(char, 1.0) for char in part]
    for kind, factor in (("(", 1.1), ("[", 1 / 1.1)):
        while opened[kind]:
            close(kind, factor)
    return places


def fragments_of(text):
    """[text, weight], neighbours of one weight together; ["", None] at a BREAK."""
    fragments = []
    for char, weight in weights_of(text):
        if fragments and weight is not None and fragments[-1][1] == weight:
            fragments[-1][0] += char
        else:
            fragments.append([char, weight])
    return fragments


def chunks_of(tokenizer, fragments):
    """[(ids, weights)] of 77 each."""
    start, end, comma = 49406, 49407, 267
    sections = [[]]
    for text, weight in fragments:
        if weight is None:
            sections.append([])
        elif text:
            ids = tokenizer(text, add_special_tokens=False)["input_ids"]
            sections[-1] += [(token, weight) for token in ids]
    if len(sections) > 1 and not sections[-1]:
        sections.pop()
    chunks = []
    for words in sections:
        while True:
            size = 75
            if len(words) > 75 and words[75][0] != comma:
                commas = [place for place in range(55, 75) if words[place][0] == comma]
                size = commas[-1] + 1 if commas else 75
            chunks.append(words[:size])
            words = words[size:]
            if not words:
                break
    padded = [[(start, 1.0), *words, *[(end, 1.0)] * (76 - len(words))] for words in chunks]
    return [tuple(zip(*chunk)) for chunk in padded]


def digest(ids, digits=6):
    return fnv(numpy.array(ids, numpy.uint32).tobytes())[-digits:]


def hashes(fast, original):
    """Rows of a few prompts, three times six digits each."""
    rows = []
    for index in range(COUNT):
        text = prompt(index)
        cut = fast(text, padding="max_length", max_length=77, truncation=True)["input_ids"]
        chunks = chunks_of(fast, [[text, 1.0]])
        ids = original(text)[:75]
        ids = [49406, *ids, *[49407] * (76 - len(ids))]
        three = digest(cut) + digest([id for ids, _ in chunks for id in ids]) + digest(ids)
        if index % 4 == 0:
            rows.append([])
        rows[-1].append(three)
    return rows


def original_tokenizer():
    import ftfy
    from open_clip.tokenizer import SimpleTokenizer

    tokenizer = SimpleTokenizer()
    # As transformers' first tokenizer for CLIP did it.
    tokenizer.clean_fn = lambda text: re.sub(r"\s+", " ", ftfy.fix_text(text)).strip().lower()
    special = {"<|startoftext|>": 49406, "<|endoftext|>": 49407}

    def encode(text):
        parts = re.split(r"(<\|(?:startoftext|endoftext)\|>)", text)
        ids = [[special[part]] if part in special else tokenizer.encode(part) for part in parts]
        return [id for part in ids for id in part]

    return encode


def weighted_cases(fast):
    rng = random.Random(4)
    soup = ["(", ")", "[", "]", ":", ":1.2)", ":.5)", "\\", "\\(", "cat", " red", ", ", " BREAK "]
    texts = WEIGHTED + ["".join(rng.choices(soup, k=rng.randint(3, 24))) for _ in range(200)]
    cases = []
    for text in texts:
        fragments = fragments_of(text)
        chunks = chunks_of(fast, fragments)
        ids = [id for ids, _ in chunks for id in ids]
        weights = numpy.array([weight for _, weights in chunks for weight in weights], numpy.float32)
        cases.append({
            "text": text, "fragments": fragments, "ids": digest(ids, 16),
            "weights": fnv(weights.tobytes()),
        })
    return cases


def context(pipe, request, text):
    """The web UI's: the chosen layer, the final norm, weights, the mean restored; by chunks."""
    pieces = fragments_of(text) if request.get("prompt_weights") else [[text, 1.0]]
    chunks = chunks_of(pipe.tokenizer, pieces)
    assert len(chunks) == 1 or request["long_prompt"] == "chunks"
    encoder = pipe.text_encoder
    norm = encoder.final_layer_norm
    states = []
    for ids, weights in chunks:
        layers = encoder(torch.tensor([ids]), output_hidden_states=True).hidden_states
        state = norm(layers[-request.get("clip_skip", 1)])
        weighted = state * torch.tensor(weights)[None, :, None]
        states.append(weighted * (state.mean() / weighted.mean()))
    return states


def contexts(pipe, request):
    """[2, 77 · chunks, c], the negative prompt first, filled up with empty chunks."""
    both = [context(pipe, request, request[key]) for key in ("negative_prompt", "prompt")]
    most = max(map(len, both))
    both = [states + context(pipe, request, "") * (most - len(states)) for states in both]
    return [torch.cat(states, dim=1) for states in both]


def pictures(out):
    pipe = open_tiny()
    requests, arrays = {}, {}
    for name, changes in CASES.items():
        request = requests[name] = REQUEST | {"sampler": "ddim", "steps": 4} | changes
        uncond, cond = contexts(pipe, request)
        if name == "clip skip":
            # diffusers counts the layers that are left out, and asks for a level of modules that
            # transformers has given up.
            type(pipe.text_encoder).text_model = property(lambda encoder: encoder)
            theirs = pipe.encode_prompt(request["prompt"], "cpu", 1, False, clip_skip=1)[0]
            assert torch.allclose(theirs, cond, atol=1e-6)
        latents, image = run(pipe, request, {}, prompt_embeds=cond, negative_prompt_embeds=uncond)
        arrays[f"{name}.context"] = torch.cat([uncond, cond]).numpy()
        arrays[f"{name}.latents_004"] = numpy.ascontiguousarray(latents, numpy.float32)
        arrays[f"{name}.image"] = numpy.ascontiguousarray(image, numpy.float16)
        print(f"  {name}: context of {arrays[f'{name}.context'].shape}")
    metadata = {
        "made_by": "scripts/golden.py prompts",
        "model": f"synth --config tiny --seed {SEED_OF_MODEL}", "requests": json.dumps(requests),
    }
    save_file(arrays, out / "prompts.safetensors", metadata)
    (out / "prompts.safetensors").chmod(0o644)


def write(out):
    from transformers import CLIPTokenizer

    vocab = json.loads((TABLES / "vocab.json").read_text())
    lines = (TABLES / "merges.txt").read_text().splitlines()[1:]
    merges = [tuple(line.split()) for line in lines if line]
    fast = CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=77)
    texts = "\0".join(prompt(index) for index in range(COUNT))
    save(out / "prompts.json", words=" | ".join(WORDS).split(" | "), separators=SEPARATORS,
         ranges=[[start, end] for start, end in RANGES], count=COUNT, texts=fnv(texts.encode()),
         hashes=hashes(fast, original_tokenizer()), weighted=weighted_cases(fast))
    torch.set_grad_enabled(False)
    pictures(out)
