"""Textual inversions: diffusers' `load_textual_inversion` on the tiny made-up model of walk.py.

embeddings/*           files in the layouts of their programs, with vectors of the model's width
cases.safetensors      for each request ids and context, computed in float64; of one the picture

All files are loaded in every case, in the order of FILES, so that ids are the same. Requests with
weights or in chunks are those of AUTOMATIC1111's web UI, whose chunks are put together here once
more: a learned word is one piece, which no border tears apart.
"""

import json

import numpy
import torch
from safetensors.torch import save_file

from .pictures import REQUEST, open_tiny, run
from .prompts import fragments_of
from .walk import SEED_OF_MODEL

# A file, and the word that is given with it; `None`: the one that the file has.
FILES = {
    "easyone.pt": "easyone", "bad-hands.pt": "bad-hands", "oldparam.pt": "oldparam",
    "learned_embeds.bin": None, "style.safetensors": None, "kohya-emb.safetensors": "kohya-emb",
    "row.bin": "<row>", "clip.safetensors": "clipped-word",
}
LONG = "a red cat, " * 18 + "a yellow background with a bad-hands, on trees"
# What differs from REQUEST.
CASES = {
    "one vector": {"prompt": "a red easyone, on a yellow table", "negative_prompt": ""},
    "several vectors": {"prompt": "a photo of bad-hands in a garden"},
    "negative": {"negative_prompt": "blurry, bad-hands, blue"},
    "two": {"prompt": "a <cat-toy>, in <style>s of kohya-emb.",
            "negative_prompt": "oldparam and <row>!"},
    "one of several": {"prompt": "<style>_2 clipped-word", "negative_prompt": "x<cat-toy>x"},
    "cut": {"prompt": "word " * 72 + "<style> bad-hands"},
    "weights": {"prompt": "a (bad-hands:1.4) with a [easyone] and (a <cat-toy>, red:0.7)",
                "negative_prompt": "(kohya-emb), blurry", "prompt_weights": True},
    "chunks": {"prompt": LONG, "negative_prompt": "word " * 73 + "bad-hands " * 3,
               "long_prompt": "chunks", "prompt_weights": True, "clip_skip": 2},
    # The last one, since the UNet is in float32.
    "picture": {"prompt": "a <cat-toy> with bad-hands", "negative_prompt": "easyone"},
}


def files(width, folder):
    """Writes the files, and returns what is in them as diffusers would be given it."""
    random = numpy.random.Generator(numpy.random.Philox(key=sum(map(ord, "embeddings"))))
    # As loud as the model's own token embeddings.
    draw = lambda *shape: torch.from_numpy(random.standard_normal((*shape, width))).float()
    webui = {"step": 2000, "sd_checkpoint": "ab" * 5, "sd_checkpoint_name": "tiny",
             "string_to_token": {"*": 265}}
    parameter = torch.nn.Parameter(draw(5))
    old = torch.nn.ParameterDict({"*": torch.nn.Parameter(draw(2))})
    pickles = {
        "easyone.pt": webui | {"name": "easyone-2000", "string_to_param": {"*": draw(1)}},
        "bad-hands.pt": webui | {"name": "x", "string_to_param": {"*": parameter}},
        "oldparam.pt": {"string_to_token": {"*": torch.tensor(265)}, "string_to_param": old},
        "learned_embeds.bin": {"<cat-toy>": draw()},
        "row.bin": {"<another-word>": draw(1).half()},
    }
    tensors = {
        "style.safetensors": {"<style>": draw(3).half()},
        "kohya-emb.safetensors": {"emb_params": draw(2).bfloat16()},
        "clip.safetensors": {"clip_l": draw(2)},
    }
    for name, content in pickles.items():
        legacy = name == "row.bin"
        torch.save(content, folder / name, _use_new_zipfile_serialization=not legacy)
    for name, content in tensors.items():
        save_file(content, folder / name)
    # diffusers reads no ParameterDict.
    pickles["oldparam.pt"] = {"*": old["*"].data}
    return {name: (pickles | tensors)[name] for name in FILES}


def load(pipe, folder):
    """All of them, as a user of diffusers loads them, where it can read the file."""
    contents = files(pipe.text_encoder.config.hidden_size, folder)
    pipe.text_encoder.double()
    for name, token in FILES.items():
        content = contents[name]
        if name == "oldparam.pt":
            pipe.load_textual_inversion(content, token=token)
        else:
            pipe.load_textual_inversion(str(folder), weight_name=name, token=token)
    assert pipe.text_encoder.dtype == torch.float64


def pieces_of(pipe, text):
    """The ids of each token; those of a learned word together."""
    known = {token: id for id, token in pipe.tokenizer.added_tokens_decoder.items()}
    known = {id: str(token) for token, id in known.items()}
    ids = pipe.tokenizer(pipe.maybe_convert_prompt(text, pipe.tokenizer), add_special_tokens=False)
    pieces = []
    for id in ids["input_ids"]:
        if pieces and "_" in known.get(id, ""):
            pieces[-1].append(id)
        else:
            pieces.append([id])
    return pieces


def chunks_of(pipe, fragments):
    """[(ids, weights)] of 77 each, by the web UI's rules."""
    start, end, comma = 49406, 49407, 267
    pieces = [(ids, weight) for text, weight in fragments for ids in pieces_of(pipe, text)]
    chunks, chunk = [], []
    places = lambda some: sum(len(ids) for ids, _ in some)
    for ids, weight in pieces:
        if places(chunk) == 75 and ids != [comma]:
            ends = [i + 1 for i, (own, _) in enumerate(chunk) if own == [comma]]
            near = [i for i in ends if 75 - places(chunk[:i]) < 20]
            cut = near[-1] if near else len(chunk)
            chunks.append(chunk[:cut])
            chunk = chunk[cut:]
        if places(chunk) + len(ids) > 75:
            chunks.append(chunk)
            chunk = []
        chunk.append((ids, weight))
    if chunk or not chunks:
        chunks.append(chunk)
    padded = []
    for chunk in chunks:
        words = [(id, weight) for ids, weight in chunk for id in ids]
        padded.append([(start, 1.0), *words, *[(end, 1.0)] * (76 - len(words))])
    return [tuple(zip(*chunk)) for chunk in padded]


def webui(pipe, request, text):
    """Ids and states of each chunk."""
    encoder, ids, states = pipe.text_encoder, [], []
    chunks = chunks_of(pipe, fragments_of(text))
    assert len(chunks) == 1 or request["long_prompt"] == "chunks"
    for row, weights in chunks:
        layers = encoder(torch.tensor([row]), output_hidden_states=True).hidden_states
        state = encoder.final_layer_norm(layers[-request.get("clip_skip", 1)])
        weighted = state * torch.tensor(weights, dtype=torch.float64)[None, :, None]
        states.append(weighted * (state.mean() / weighted.mean()))
        ids.append(row)
    return ids, states


def contexts(pipe, request):
    """Ids [2, 77 · chunks], states [2, 77 · chunks, c]; the negative prompt first."""
    both = [request["negative_prompt"], request["prompt"]]
    if not request.get("prompt_weights"):
        cond, uncond = pipe.encode_prompt(both[1], "cpu", 1, True, both[0])
        converted = [pipe.maybe_convert_prompt(text, pipe.tokenizer) for text in both]
        ids = pipe.tokenizer(converted, padding="max_length", max_length=77, truncation=True)
        return ids["input_ids"], torch.cat([uncond, cond])
    both = [webui(pipe, request, text) for text in both]
    most = max(len(ids) for ids, _ in both)
    empty = webui(pipe, request, "")
    both = [[own + other * (most - len(own)) for own, other in zip(one, empty)] for one in both]
    ids = [[id for row in rows for id in row] for rows, _ in both]
    return ids, torch.cat([torch.cat(states, dim=1) for _, states in both])


def write(out):
    torch.set_grad_enabled(False)
    folder = out / "embeddings"
    folder.mkdir(exist_ok=True)
    pipe = open_tiny()
    load(pipe, folder)
    requests, arrays = {}, {}
    for name, changes in CASES.items():
        request = REQUEST | {"sampler": "ddim", "steps": 1} | changes
        ids, context = contexts(pipe, request)
        arrays[f"{name}.ids"] = torch.tensor(ids).float()
        arrays[f"{name}.context"] = context.float().contiguous()
        if name == "picture":
            request["steps"] = 4
            pipe.text_encoder.float()
            uncond, cond = context.float().split(1)
            _, image = run(pipe, request, {}, prompt_embeds=cond, negative_prompt_embeds=uncond)
            arrays["picture.image"] = torch.from_numpy(image.copy()).half()
        requests[name] = request
        learned = sum(id > 49407 for row in ids for id in row)
        print(f"  {name}: context of {tuple(context.shape)}, {learned} learned")
    metadata = {
        "made_by": "scripts/golden.py embeddings",
        "model": f"synth --config tiny --seed {SEED_OF_MODEL}",
        "requests": json.dumps(requests), "files": json.dumps(list(FILES.items())),
    }
    save_file(arrays, folder / "cases.safetensors", metadata)
    for file in folder.iterdir():
        file.chmod(0o644)
