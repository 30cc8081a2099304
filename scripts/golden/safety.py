"""The safety checker: Pillow's resizing, diffusers' verdicts on a tiny checker, and its place in
the whole pipeline.

Writes tests/golden/resize.json, and tests/golden/safety/: a checker of the published layout with
random weights, pictures with what transformers makes of them (pixel_values, image_embeds) and what
diffusers decides, and what its pipeline makes of two seeds on the model of `darkroom synth`.

The pictures' embeddings come first, in float64; then concepts are made for which each picture is
near to one and at a right angle to the others, and thresholds that put every picture where a
checker may go wrong. Needs the program built.
"""

import json
import tempfile

import numpy
import torch
from diffusers import StableDiffusionPipeline
from diffusers.pipelines.stable_diffusion import safety_checker
from PIL import Image
from safetensors.torch import save_file
from transformers import CLIPConfig, CLIPImageProcessor
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from . import fnv, save, walk
from .models import generator, nmse, randomise, with_eps
from .synth import MASK, mix

# From size to size, width first: down, up, one side only, none, v1.4's own, the least.
SIZES = [
    ((9, 7), (4, 3)), ((5, 4), (11, 9)), ((16, 10), (16, 4)), ((10, 16), (4, 16)),
    ((6, 5), (6, 5)), ((1, 1), (3, 2)), ((31, 2), (3, 5)), ((512, 512), (224, 224)),
    ((768, 512), (336, 224)), ((64, 64), (224, 224)), ((136, 40), (761, 224)),
    ((225, 223), (226, 224)),
]
# The outputs up to this many bytes are kept whole.
SHORT = 400

WEIGHTS = ["concept_embeds", "concept_embeds_weights", "special_care_embeds",
           "special_care_embeds_weights"]
SIDE = 28
VISION = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "image_size": SIDE, "patch_size": 7, "hidden_act": "quick_gelu",
}
TEXT = {
    "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
    "vocab_size": 8,
}
DIMENSIONS = 24

# By how much each picture is nearer to its concept than the threshold, and its size.
PICTURES = {
    "far": (-0.1, (40, 40)), "near": (0.05, (56, 28)), "just_not": (0.0004, (28, 45)),
    "just": (0.0006, (28, 28)), "special": (-0.008, (64, 33)), "special_far": (-0.0131, (20, 20)),
    "special_edge": (-0.0096, (33, 64)), "not_special": (-0.008, (51, 47)),
}
# Those that are near the first concept of special care, and by how much.
SPECIAL = {"special": 0.02, "special_far": 0.02, "special_edge": 0.02}
REQUEST = {"prompt": "a red cat", "negative_prompt": "", "steps": 2, "sampler": "ddim",
           "guidance_scale": 7.5, "width": 64, "height": 64}
SEEDS = range(8)


def bytes_of(width, height):
    """Noise from nothing but its size: what the test makes too."""
    count = width * height * 3
    values = [mix((index * 0x9E3779B97F4A7C15 + 1) & MASK) >> 56 for index in range(count)]
    return numpy.array(values, numpy.uint8).reshape(height, width, 3)


def resize(out):
    cases = []
    for start, end in SIZES:
        resized = Image.fromarray(bytes_of(*start)).resize(end, Image.Resampling.BICUBIC)
        data = resized.tobytes()
        case = {"from": start, "to": end, "fnv": fnv(data)}
        cases.append(case | ({"bytes": data.hex()} if len(data) <= SHORT else {}))
    save(out / "resize.json", cases=cases)
    # The name in the file is this module's.
    path = out / "resize.json"
    path.write_text(path.read_text().replace("golden.py resize", "golden.py safety"))


def picture(random, width, height):
    """Some waves of colour and noise."""
    y, x = numpy.mgrid[:height, :width]
    waves = [numpy.sin(x * random.uniform(-0.6, 0.6) + y * random.uniform(-0.6, 0.6)
                       + random.uniform(0, 6)) for _ in range(3)]
    noise = random.uniform(-1, 1, (height, width, 3))
    base = random.uniform(0, 255, 3)
    values = base + numpy.stack(waves, 2) * random.uniform(20, 110, 3) + 30 * noise
    return numpy.clip(values, 0, 255).astype(numpy.uint8)


def embed(checker, pixels):
    return checker.visual_projection(checker.vision_model(pixels)[1])


def unit(x):
    return x / x.norm(dim=-1, keepdim=True)


def place(checker, random, embeds):
    """Concepts and thresholds for these embeddings."""
    embeds = unit(embeds)
    near = unit(torch.linalg.pinv(embeds).T)
    rest = unit(torch.from_numpy(random.standard_normal((17 - len(PICTURES), DIMENSIONS))))
    checker.concept_embeds.data = torch.cat([near, rest]).float().double()
    above = (unit(checker.concept_embeds) @ embeds.T).max(1).values + 0.2
    special = torch.tensor([name in SPECIAL for name in PICTURES]).double()
    checker.special_care_embeds.data = torch.cat([
        unit(torch.linalg.pinv(embeds) @ special)[None],
        unit(torch.from_numpy(random.standard_normal((2, DIMENSIONS)))),
    ]).float().double()
    of_special = unit(checker.special_care_embeds) @ embeds.T
    thresholds = of_special.max(1).values + 0.2
    first = list(PICTURES).index("special")
    thresholds[0] = of_special[0, first] - SPECIAL["special"]
    # The second would be near only after the first.
    thresholds[1] = of_special[1, first] + 0.004
    for index, (name, (distance, _)) in enumerate(PICTURES.items()):
        above[index] = unit(checker.concept_embeds)[index] @ embeds[index] - distance
        print(f"  {name}: threshold {above[index]:.4f}")
    checker.concept_embeds_weights.data = above.float().double()
    checker.special_care_embeds_weights.data = thresholds.float().double()


def verdicts(checker, pixels):
    """Flags, and the scores that diffusers rounds on the way."""
    scores = []

    def recorded(value, digits):
        scores.append(float(round(value, digits)))
        return round(value, digits)

    safety_checker.round = recorded
    images = numpy.ones((len(pixels), 2, 2, 3))
    images, flags = checker(clip_input=pixels, images=images)
    del safety_checker.round
    assert [not image.any() for image in images] == flags
    return flags, torch.tensor(scores).reshape(len(pixels), 20)


def with_gelu(checker):
    layers = checker.vision_model.encoder.layers
    before = layers[0].mlp.activation_fn
    for layer in layers:
        layer.mlp.activation_fn = torch.nn.GELU()

    def undo():
        for layer in layers:
            layer.mlp.activation_fn = before

    return undo


def tiny(out):
    name = "safety"
    folder = out / name
    folder.mkdir(exist_ok=True)
    random = generator(name + " inputs")
    config = CLIPConfig(text_config=TEXT, vision_config=VISION, projection_dim=DIMENSIONS)
    checker = randomise(safety_checker.StableDiffusionSafetyChecker(config), name).double()
    # Everything is much alike to random weights: what the class token hears is made louder.
    for layer in checker.vision_model.encoder.layers:
        layer.self_attn.out_proj.weight.data *= 16
        layer.mlp.fc2.weight.data *= 8
    sizes = {"size": {"shortest_edge": SIDE}, "crop_size": {"height": SIDE, "width": SIDE}}
    processor, other = CLIPImageProcessorPil(**sizes), CLIPImageProcessor(**sizes)
    pictures = {key: picture(random, *size) for key, (_, size) in PICTURES.items()}
    images = [Image.fromarray(array) for array in pictures.values()]
    pixels = processor(images, return_tensors="pt").pixel_values
    embeds = embed(checker, pixels.double())
    place(checker, random, embeds)
    flags, scores = verdicts(checker, pixels.double())
    print("  flagged:", dict(zip(PICTURES, flags)))

    wrong = {}
    for kind, change in {
        "layer_eps": lambda m: with_eps(m, torch.nn.LayerNorm, lambda _: True, 1e-3),
        "gelu": with_gelu,
    }.items():
        undo = change(checker)
        wrong[kind] = embed(checker, pixels.double())
        undo()
    wrong["torchvision"] = embed(checker, other(images, return_tensors="pt").pixel_values.double())
    for kind, value in wrong.items():
        print(f"  {kind}: NMSE {[f'{nmse(value[i], embeds[i]):.0e}' for i in range(len(embeds))]}")

    tensors = {"flagged": torch.tensor(flags).float(), "scores": scores.float()}
    for index, key in enumerate(PICTURES):
        tensors[f"{key}.picture"] = torch.from_numpy(pictures[key].astype(numpy.float16))
        tensors[f"{key}.image_embeds"] = embeds[index].float()
        for kind, value in wrong.items():
            # A picture that keeps its size is the same to both processors.
            if nmse(value[index], embeds[index]) > 1e-8:
                tensors[f"{key}.wrong.{kind}"] = value[index].float()
    for key in ["near", "special"]:
        tensors[f"{key}.pixel_values"] = pixels[list(PICTURES).index(key)].contiguous()
    weights = {}
    for path, value in checker.state_dict().items():
        path = path.replace("vision_model.", "vision_model.vision_model.", 1)
        weights[path] = value.float() if path in WEIGHTS else value.half()
    positions = torch.arange((SIDE // VISION["patch_size"]) ** 2 + 1)[None]
    weights["vision_model.vision_model.embeddings.position_ids"] = positions
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config.to_dict(), indent=2) + "\n")
    processor.save_pretrained(folder)
    return tensors


def pipeline():
    """Two seeds on the made-up model, with thresholds between them."""
    with tempfile.TemporaryDirectory() as model:
        walk.synth("tiny", walk.SEED_OF_MODEL, model, "--safety")
        processor = CLIPImageProcessorPil.from_pretrained(f"{model}/feature_extractor")
        pipe = StableDiffusionPipeline.from_pretrained(
            model, dtype=torch.float32, local_files_only=True, feature_extractor=processor
        )
    pipe.set_progress_bar_config(disable=True)
    checker = pipe.safety_checker

    def draw(seed):
        ddim = walk.compare_diffusers.SCHEDULERS["ddim"]
        pipe.scheduler = ddim.from_config(pipe.scheduler.config)
        return pipe(
            REQUEST["prompt"], num_inference_steps=REQUEST["steps"],
            guidance_scale=REQUEST["guidance_scale"], width=64, height=64, output_type="np",
            generator=torch.Generator().manual_seed(seed),
        )

    near = []
    for seed in SEEDS:
        image = Image.fromarray((draw(seed).images[0] * 255).round().astype(numpy.uint8))
        embeds = embed(checker, processor(image, return_tensors="pt").pixel_values)
        near.append(unit(embeds)[0] @ unit(checker.concept_embeds).T)
    near = torch.stack(near)
    # The concept that tells best apart, and the seeds on its two sides.
    concept = int((near.max(0).values - near.min(0).values).argmax())
    flagged, passed = int(near[:, concept].argmax()), int(near[:, concept].argmin())
    middle = (near[flagged, concept] + near[passed, concept]) / 2
    print(f"  seed {flagged}: {near[flagged, concept]:.4f}, {passed}: {near[passed, concept]:.4f}")
    checker.concept_embeds_weights.data = torch.full((17,), 2.0)
    checker.concept_embeds_weights.data[concept] = middle.half().float()
    tensors = {"pipeline.thresholds": checker.concept_embeds_weights.detach().clone()}
    for name, seed in [("flagged", flagged), ("passed", passed)]:
        answer = draw(seed)
        assert answer.nsfw_content_detected == [name == "flagged"]
        image = torch.from_numpy(answer.images[0].transpose(2, 0, 1)[None].copy())
        tensors[f"pipeline.{name}.seed"] = torch.tensor([float(seed)])
        tensors[f"pipeline.{name}.image"] = image.half()
    return tensors


def write(out):
    torch.set_grad_enabled(False)
    resize(out)
    tensors = tiny(out) | pipeline()
    metadata = {
        "made_by": "scripts/golden.py safety", "pictures": json.dumps(list(PICTURES)),
        "model": f"synth --config tiny --seed {walk.SEED_OF_MODEL} --safety",
        "request": json.dumps(REQUEST),
    }
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    save_file(tensors, out / "safety" / "cases.safetensors", metadata)
    for path in (out / "safety").iterdir():
        path.chmod(0o644)
