"""Rebuilds the tokenizer files of Stable Diffusion v1 (CLIP's byte-pair encoding, 49,408 tokens).

The merges come from the `bpe_simple_vocab_16e6.txt.gz` that the open_clip package (MIT) carries;
the two files written here are byte for byte those of the published checkpoints, which their
SHA-256 sums prove.

    python icons/tokenizer.py OUT_DIR
"""

import gzip
import hashlib
import json
import sys
from pathlib import Path

MERGES_SHA256 = "9fd691f7c8039210e0fced15865466c65820d09b63988b0174bfe25de299051a"
VOCAB_SHA256 = "e089ad92ba36837a0d31433e555c8f45fe601ab5c221d4f607ded32d9f7a4349"


def byte_alphabet():
    """The 256 characters that stand for the 256 bytes, in CLIP's order."""
    printable = [
        *range(ord("!"), ord("~") + 1),
        *range(ord("¡"), ord("¬") + 1),
        *range(ord("®"), ord("ÿ") + 1),
    ]
    others = [b for b in range(256) if b not in printable]
    return [chr(b) for b in printable] + [chr(256 + i) for i in range(len(others))]


def write_tokenizer(out):
    import open_clip

    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    lines = (
        gzip.open(
            Path(open_clip.__file__).parent / "bpe_simple_vocab_16e6.txt.gz", "rt", encoding="utf-8"
        )
        .read()
        .split("\n")
    )
    merges = lines[1 : 49152 - 256 - 2 + 1]
    alphabet = byte_alphabet()
    tokens = alphabet + [c + "</w>" for c in alphabet] + ["".join(m.split()) for m in merges]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    assert len(tokens) == len(set(tokens)) == 49408
    vocab = {t: i for i, t in enumerate(tokens)}
    files = {
        "merges.txt": ("#version: 0.2\n" + "\n".join(merges) + "\n", MERGES_SHA256),
        "vocab.json": (
            json.dumps(vocab, ensure_ascii=False, sort_keys=True, indent=2) + "\n",
            VOCAB_SHA256,
        ),
    }
    for name, (text, sha) in files.items():
        if hashlib.sha256(text.encode()).hexdigest() != sha:
            raise SystemExit(f"{name} is not the published file")
        (out / name).write_text(text, encoding="utf-8", newline="\n")
    special = lambda t: {
        "content": t,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": True,
    }
    (out / "special_tokens_map.json").write_text(
        json.dumps(
            {
                "bos_token": special("<|startoftext|>"),
                "eos_token": special("<|endoftext|>"),
                "unk_token": special("<|endoftext|>"),
                "pad_token": "<|endoftext|>",
            },
            indent=2,
        )
        + "\n"
    )
    (out / "tokenizer_config.json").write_text(
        json.dumps(
            {
                "add_prefix_space": False,
                "do_lower_case": True,
                "errors": "replace",
                "model_max_length": 77,
                "bos_token": "<|startoftext|>",
                "eos_token": "<|endoftext|>",
                "unk_token": "<|endoftext|>",
                "pad_token": "<|endoftext|>",
                "tokenizer_class": "CLIPTokenizer",
            },
            indent=2,
        )
        + "\n"
    )


if __name__ == "__main__":
    write_tokenizer(sys.argv[1])
