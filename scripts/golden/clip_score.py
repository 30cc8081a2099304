"""How like pictures are to one another and to their prompts.

Writes tests/golden/likeness.json (PSNR and SSIM by scikit-image) and tests/golden/clip_score/: a
CLIP model as transformers writes it, with random weights and the vocabulary of the formats'
fixtures, and the scores of a few pictures and prompts: 100 · cosine, at least 0, in float64.
"""

import numpy
import torch
from PIL import Image
from safetensors.torch import save_file
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from transformers import CLIPConfig, CLIPModel, CLIPTokenizerFast
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from . import save
from .models import randomise
from .safety import SIDE, VISION, bytes_of

SIZES = [(11, 11), (24, 16), (64, 48)]
DIMENSIONS = 24
TEXT = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 4}
PROMPTS = ["a red cat", "", "a blue house, painted by nobody at all", "cat " * 90]
PICTURES = [(40, 40), (28, 61), (64, 33)]


def changed(picture):
    """What the test makes of a picture too."""
    flat = picture.reshape(-1)
    return {
        "equal": picture,
        "paler": (flat // 2 + 64).reshape(picture.shape),
        "moved": numpy.roll(flat, -3).reshape(picture.shape),
        "one": numpy.concatenate([[flat[0] ^ 1], flat[1:]]).reshape(picture.shape),
    }


def likeness(out):
    cases = []
    for width, height in SIZES:
        first = bytes_of(width, height)
        for change, second in changed(first).items():
            ssim = structural_similarity(
                first, second.astype(numpy.uint8), channel_axis=2, data_range=255,
                gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
            )
            same = (first == second).all()
            psnr = None if same else peak_signal_noise_ratio(first, second.astype(numpy.uint8))
            cases.append({"size": [width, height], "change": change, "ssim": ssim, "psnr": psnr})
    save(out / "likeness.json", cases=cases)
    path = out / "likeness.json"
    path.write_text(path.read_text().replace("golden.py likeness", "golden.py clip_score"))


def write(out):
    likeness(out)
    folder = out / "clip_score"
    folder.mkdir(exist_ok=True)
    tokenizer = CLIPTokenizerFast.from_pretrained(out / "formats/tokenizer")
    text = TEXT | {"vocab_size": len(tokenizer), "eos_token_id": tokenizer.eos_token_id,
                   "bos_token_id": tokenizer.bos_token_id}
    config = CLIPConfig(text_config=text, vision_config=VISION, projection_dim=DIMENSIONS)
    model = CLIPModel(config).eval()
    scale = model.logit_scale
    del model.logit_scale
    randomise(model, "clip score").double()
    model.logit_scale = scale
    processor = CLIPImageProcessorPil(
        size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})
    images = [Image.fromarray(bytes_of(*size)) for size in PICTURES]
    pixels = processor(images, return_tensors="pt").pixel_values.double()
    tokens = tokenizer(PROMPTS, padding="max_length", max_length=77, truncation=True,
                       return_tensors="pt")
    with torch.no_grad():
        output = model(input_ids=tokens.input_ids, pixel_values=pixels)
    scores = 100 * output.image_embeds @ output.text_embeds.T
    print(scores)
    config.save_pretrained(folder)
    processor.save_pretrained(folder)
    tensors = {name: value.float().contiguous() for name, value in model.state_dict().items()
               if not name.endswith("position_ids")}
    save_file(tensors, folder / "model.safetensors")
    save(folder / "clip_score.json", prompts=PROMPTS, pictures=PICTURES, cosines=scores.tolist())
