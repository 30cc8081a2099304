"""Token ids of CLIP's tokenizer as transformers makes them, for prompts of many kinds.

The tables are those of web/models/demo/tokenizer, the same files as in Stable Diffusion v1.4's
repository; `python scripts/golden/tokens.py` makes them anew from OpenAI's list of merges, which
the package open_clip_torch carries.
"""

import gzip
import hashlib
import json
import pathlib
import random

TABLES = pathlib.Path(__file__).resolve().parents[2] / "web" / "models" / "demo" / "tokenizer"
SHA256 = {
    "merges.txt": "9fd691f7c8039210e0fced15865466c65820d09b63988b0174bfe25de299051a",
    "vocab.json": "e089ad92ba36837a0d31433e555c8f45fe601ab5c221d4f607ded32d9f7a4349",
}

CURATED = [
    "", " ", "\n\t ", "a", "a red cat on a yellow background",
    "A RED CAT, on a Yellow BACKGROUND!!!", "a photograph of an astronaut riding a horse",
    "it's the dog's; they're we've I'm you'll he'd don't can't", "IT'S THE DOG'S",
    "it\u2019s \u201cquoted\u201d \u2018text\u2019", "rock 'n' roll '90s", "''''s 's's", "it 's",
    "1 12 123 1234567890", "3.14159, 1e-5, 0xff", "v1.4 512x512 4k 8K",
    "\u00bd \u00b2 \u2163 \u0663",
    "masterpiece, best quality, (detailed:1.2), [blurry], {x}", "((((a))))", "a__b--c==d//e\\f",
    "foo@bar.com http://example.com/?q=a&b=c#d", "#hashtag @user $100 50% ^_^ ~ `code`",
    "<|startoftext|>", "<|endoftext|>", "a<|endoftext|>b", "<|startoftext|> a <|endoftext|>",
    "<| endoftext |>", "<|endoftext", "</w>", "a</w>", "&amp; &lt;b&gt; &#39;", "<b>bold</b>",
    "caf\u00e9 cafe\u0301 na\u00efve \u00c5ngstr\u00f6m \u212b", "stra\u00dfe STRASSE \u1e9e",
    "\u0130stanbul \u0131", "\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2 \u039f\u0394\u039f\u03a3",
    "\u041a\u043e\u0448\u043a\u0430 \u043d\u0430 \u043e\u043a\u043d\u0435",
    "\u4e00\u53ea\u732b\u5750\u5728\u7a97\u53f0\u4e0a",
    "\u732b\u304c\u7a93\u8fba\u306b\u5ea7\u308b \u30ab\u30bf\u30ab\u30ca \uff76\uff85",
    "\uace0\uc591\uc774 \u1100\u1161",
    "\u0642\u0637\u0629 \u0639\u0644\u0649 \u0627\u0644\u0646\u0627\u0641\u0630\u0629",
    "\u05d7\u05ea\u05d5\u05dc \u05e2\u05dc \u05d4\u05d7\u05dc\u05d5\u05df",
    "\u092c\u093f\u0932\u094d\u0932\u0940", "\u0e41\u0e21\u0e27", "\u10d9\u10d0\u10e2\u10d0",
    "\u13a0\u13a1",
    "\U0001f408", "\U0001f408\u200d\u2b1b", "\U0001f1e9\U0001f1ea \U0001f44d\U0001f3fd",
    "\u2764\ufe0f \u2764",
    "a\u200bb a\u200db a\u00adb \ufeffa", "a\u00a0b a\u2003b a\u3000b a\u2028b a\u0085b",
    "a\u0000b a\u0007b \u001b[0m",
    "\ufb01\ufb02 \ufb03 \u01c4 \u0132", "\uff21\uff22\uff43\uff11\uff12",
    "\u2460 \u24b6 \u2122 \u00ae", "z\u0351\u036b\u0343a\u0321",
    "\U0001d4d0\U0001d4ea \U00010400", "\ue000 \uffff \U0010ffff", "\u1e9b\u0323", "\u0958",
    "\uf900",
    "a  b   c\n\nd\te", "   leading and trailing   ",
    "word" * 40, "supercalifragilisticexpialidocious",
    "xqzjkvbwpt" * 8, "!" * 30, "." * 200, "-" * 77, "\U0001f408" * 30, "\u732b" * 90,
    "a " * 74 + "b", "a " * 75 + "b", "a " * 76 + "b c d", "one two three " * 40,
    "a painting of a fox, " * 12 + "Trending On ArtStation, it's 4K",
    "caf\u00e9 \u201cNo\u00ebl\u201d \U0001f384 " * 20,
]
WORDS = """red green blue golden ancient cat dog fox astronaut castle forest river portrait photo of
a an the in on under with oil painting watercolor sketch cinematic lighting 35mm f/1.8 8k, highly
detailed, trending ultra-realistic; (masterpiece) by Greg Rutkowski van Gogh's Hokusai Mona Lisa
it's don't 1970s sci-fi cyber-punk \u00e9l\u00e9gant \u00fcber \u732b \U0001f98a""".split()
RANGES = [(0x20, 0x7F), (0xA0, 0x250), (0x370, 0x530), (0x590, 0x700), (0x900, 0xE00),
          (0x1E00, 0x2100), (0x2190, 0x2C00), (0x3040, 0x3100), (0x4E00, 0x5200),
          (0xAC00, 0xAE00), (0xFB00, 0xFB50), (0xFE00, 0xFFF0), (0x1F300, 0x1F700)]


def prompts() -> list[str]:
    """The curated ones, sentences of random words, and random characters of many scripts."""
    rng = random.Random(14)
    texts = list(CURATED)
    while len(texts) < 150:
        texts.append(" ".join(rng.choices(WORDS, k=rng.randint(2, 24))))
    while len(texts) < 210:
        spans = rng.choices(RANGES, k=rng.randint(1, 3))
        length = rng.randint(1, 40)
        texts.append("".join(chr(rng.randrange(*rng.choice(spans))) for _ in range(length)))
    return texts


def write(out) -> None:
    from transformers import CLIPTokenizer

    from . import save

    for name, wanted in SHA256.items():
        found = hashlib.sha256((TABLES / name).read_bytes()).hexdigest()
        assert found == wanted, f"{name} is not v1.4's: {found}"
    vocab = json.loads((TABLES / "vocab.json").read_text())
    lines = (TABLES / "merges.txt").read_text().splitlines()[1:]
    merges = [tuple(line.split()) for line in lines if line]
    tokenizer = CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=77)
    cases = []
    for text in prompts():
        padded = tokenizer(text, padding="max_length", max_length=77, truncation=True)
        used = sum(padded["attention_mask"])
        whole = tokenizer(text, padding="longest", truncation=False)["input_ids"]
        case = {"text": text, "ids": padded["input_ids"][:used]}
        assert all(pad == 49407 for pad in padded["input_ids"][used:])
        if len(whole) > 77:
            # What the pipeline of diffusers says that it cut.
            case["cut"] = tokenizer.decode(whole[76:-1])
        cases.append(case)
    save(out / "tokens.json", cases=cases)


def make_tables() -> None:
    """vocab.json and merges.txt from bpe_simple_vocab_16e6.txt.gz of open_clip_torch."""
    import open_clip

    packed = pathlib.Path(open_clip.__file__).parent / "bpe_simple_vocab_16e6.txt.gz"
    merges = gzip.decompress(packed.read_bytes()).decode().split("\n")[1 : 49152 - 256 - 2 + 1]
    from open_clip.tokenizer import bytes_to_unicode

    letters = list(bytes_to_unicode().values())
    tokens = letters + [letter + "</w>" for letter in letters]
    tokens += ["".join(merge.split()) for merge in merges]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    TABLES.mkdir(parents=True, exist_ok=True)
    vocab = {token: index for index, token in enumerate(tokens)}
    text = json.dumps(vocab, ensure_ascii=False, indent=2, sort_keys=True)
    (TABLES / "vocab.json").write_text(text + "\n")
    (TABLES / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")


if __name__ == "__main__":
    make_tables()
