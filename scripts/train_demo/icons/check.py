"""Tries the whole chain in a few tiny steps, and what has to hold exactly.

    python -m icons.check [--compile]

Needs $TRAIN_DEMO_DIR/icons.npz (pack.py); all else it writes into a temporary folder.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import torch

from . import patches, unknown, work
from .captions import EOS, Captions
from .code import fixed
from .latents import Bank
from .pack import FILE, Pack
from .scenes import Pixels, Scenes

STAGES = ("code", "autoencoder", "text", "unet", "joint", "unknown", "student")


def latents_are_the_code_of_pictures(pack):
    source = Scenes(pack, seed=3)
    scenes = source.batch(64, small=0.4, pairs=0.4, placed=0.7)
    code = fixed()
    with torch.no_grad():
        whole = code(Pixels(pack).draw(scenes))
    parts = Bank(pack, code).latents(scenes)
    worst = float((whole - parts).abs().max() / whole.std())
    assert worst < 0.01, worst  # the bank is f16
    return f"latents of scenes: within {worst:.1e} of the pictures' own"


def tokens_are_the_tokenizers(pack):
    from transformers import CLIPTokenizer

    tok = CLIPTokenizer.from_pretrained(work.FOLDER / "tokenizer")
    source, captions = Scenes(pack, seed=4), Captions(pack.parts)
    scenes = source.batch(2000, small=0.4, pairs=0.4, placed=0.7)
    form = captions.choose(scenes, source.g)
    rows = captions.rows(scenes, form, scenes["place_named"])
    theirs = tok(
        captions.text(rows), padding="max_length", max_length=77, return_tensors="pt"
    ).input_ids
    assert torch.equal(captions.ids(rows), theirs)
    longest = int((theirs != 49407).sum(1).max())
    assert longest < patches.FIRST, longest
    return f"2000 captions have the tokenizer's ids, the longest of {longest}"


def unknown_tokens_leave_the_words_in_order(pack):
    source, captions = Scenes(pack, seed=7), Captions(pack.parts)
    scenes = source.batch(2000)
    ids = captions.ids_of(scenes, captions.choose(scenes, source.g))
    asked, stands, counts = unknown.disturbed(ids, source.g)
    changed = 0
    for before, after, place, counted in zip(*(x.tolist() for x in (ids, asked, stands, counts))):
        words = lambda row: [i for i in row if i not in (unknown.UNKNOWN, EOS)]
        less = lambda row: [i for i in row if i not in unknown.ARTICLES]
        kept = words(after)
        assert less(words(before))[: len(less(kept))] == less(kept), (before, after)
        changed += before != after
        for at, (token, of) in enumerate(zip(after, place)):
            if at < patches.FIRST and token not in (unknown.UNKNOWN, EOS):
                assert before[of] == token, (before, after, at)
            assert at < patches.FIRST or not counted or of == at
    assert 800 < changed < 1600, changed
    return f"{changed} of 2000 captions got unknown tokens or lost articles, their words in order"


def held_out_is_held_out(pack):
    training, held = Scenes(pack, seed=5), Scenes(pack, seed=5, held=True)
    key = lambda s: {
        (row["thing"], row["style"], row["style"] and row["colour"], row["ground"])
        if row["count"] == 1
        else (row["thing"], row["thing2"])
        for row in (dict(zip(s, v)) for v in zip(*(x.tolist() for x in s.values())))
    }
    seen, kept = key(training.batch(50000)), key(held.batch(5000))
    assert not seen & kept
    things = {k[0] for k in seen}
    assert len(things) == len(pack.names), len(things)
    return f"{len(seen)} combinations of training, {len(kept)} held out, none in both"


def text_encoder_is_exported(pack, folder):
    from transformers import CLIPTextModel

    captions, source = Captions(pack.parts), Scenes(pack, seed=6)
    scenes = source.batch(8)
    form = captions.choose(scenes, source.g)
    ids = captions.ids_of(scenes, form)
    ours = unknown.trained(pack, SimpleNamespace(device="cpu", tiny=True))[1]
    theirs = CLIPTextModel.from_pretrained(folder, subfolder="text_encoder", dtype=torch.float32)
    with torch.no_grad():
        apart = float((ours(ids) - theirs(ids).last_hidden_state).abs().max())
    assert apart < 0.02, apart  # weights are f16
    return f"the exported text encoder: within {apart:.1e}"


def python(*words):
    out = subprocess.run(
        [sys.executable, "-m", *words], check=True, capture_output=True, text=True
    )
    return out.stdout.strip().splitlines()


def chain(args):
    """All stages, the export and the scores, each in its own process as in use."""
    for stage in STAGES:
        words = ["--tiny", "--steps", "2", "--batch", "4", *(["--compile"] * args.compile)]
        print(python("icons.train", stage, *words)[-1], flush=True)
    out = str(work.FOLDER / "export")
    print(python("icons.export", out, "--tiny")[-1], flush=True)
    few = ["--prompts", "4", "--empty", "2", "--steps", "2"]
    scores = json.loads(python("icons.evaluate", out, *few)[0])
    assert scores["prompts"] == 4 and scores["empty_prompts"] == 2
    lora = ["--lora", str(work.FOLDER / "few-steps-lcm.safetensors"), "--sampler", "lcm"]
    print(python("icons.evaluate", out, *few, "--guidance", "1", *lora)[0])
    return out


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--compile", action="store_true")
    args = ap.parse_args()
    if os.environ.get("CHECKING") is None:  # again, with the temporary folder
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(FILE, folder)
            shutil.copytree(work.FOLDER / "tokenizer", Path(folder) / "tokenizer")
            env = {**os.environ, "TRAIN_DEMO_DIR": folder, "CHECKING": "1"}
            again = [sys.executable, "-m", "icons.check", *sys.argv[1:]]
            raise SystemExit(subprocess.run(again, env=env).returncode)
    torch.set_num_threads(1)
    out = chain(args)
    pack = Pack()
    print(latents_are_the_code_of_pictures(pack))
    print(tokens_are_the_tokenizers(pack))
    print(held_out_is_held_out(pack))
    print(unknown_tokens_leave_the_words_in_order(pack))
    print(text_encoder_is_exported(pack, out))


if __name__ == "__main__":
    main()
