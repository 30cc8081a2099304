"""Stable Diffusion 2.1 and SD-Turbo at tiny sizes: what their configs say and v1.4's do not.

An OpenCLIP text encoder as transformers has it (exact GELU, fewer layers than it was trained with), "!"
as padding, heads by level, linear projections; schedules that predict v, or take their timesteps from
the end of the range. And schedules whose last timestep is noise alone (2305.08891).

Writes tests/golden/sd2: one model as diffusers saves it (weights in f16), whose scheduler is that of a
case; `cases.json`: the schedulers' configs, the requests, the ids, and the sizes of the true networks; and
`pictures.safetensors`: diffusers' pictures.

    scripts/golden.py sd2
"""

import json
import shutil

import torch
from diffusers import (
    AutoencoderKL, DDIMScheduler, EulerDiscreteScheduler, PNDMScheduler, StableDiffusionPipeline,
    UNet2DConditionModel,
)
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from . import save
from .models import randomise

BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
END = {"set_alpha_to_one": False, "steps_offset": 1}
SCHEDULERS = {
    "sd-2-1-base": PNDMScheduler(**BETAS, **END, skip_prk_steps=True),
    "sd-2-1": DDIMScheduler(**BETAS, **END, clip_sample=False, prediction_type="v_prediction"),
    "sd-turbo": EulerDiscreteScheduler(**BETAS, steps_offset=1, timestep_spacing="trailing"),
    "zero-snr": DDIMScheduler(
        **BETAS, **END, clip_sample=False, prediction_type="v_prediction",
        rescale_betas_zero_snr=True, timestep_spacing="trailing"),
    "zero-snr-euler": EulerDiscreteScheduler(
        **BETAS, steps_offset=1, prediction_type="v_prediction", rescale_betas_zero_snr=True,
        timestep_spacing="trailing"),
}
# diffusers' guidance of 0 is, as any up to 1, none.
REQUESTS = {
    "sd-2-1-base": {"sampler": "pndm", "steps": 4, "guidance_scale": 7.5},
    "sd-2-1": {"sampler": "ddim", "steps": 4, "guidance_scale": 7.5},
    "sd-turbo": {"sampler": "euler", "steps": 2, "guidance_scale": 1.0},
    "zero-snr": {"sampler": "ddim", "steps": 5, "guidance_scale": 7.5},
    "zero-snr-euler": {"sampler": "euler", "steps": 4, "guidance_scale": 1.0},
}
COMMON = {"prompt": "a cat", "seed": 5, "width": 32, "height": 32}
LEVELS = 4
# Of the published configs, what differs from v1.4's.
TRUE_UNET = {"attention_head_dim": [5, 10, 20, 20], "cross_attention_dim": 1024,
             "use_linear_projection": True, "sample_size": 64}
TRUE_TEXT = {"hidden_size": 1024, "intermediate_size": 4096, "num_attention_heads": 16,
             "num_hidden_layers": 23, "hidden_act": "gelu", "projection_dim": 512}


def parts(tokenizer):
    text = CLIPTextModel(CLIPTextConfig(
        hidden_size=16, intermediate_size=32, num_attention_heads=4, num_hidden_layers=3,
        vocab_size=514, max_position_embeddings=77, hidden_act="gelu", projection_dim=8,
        bos_token_id=0, eos_token_id=2, pad_token_id=1))
    unet = UNet2DConditionModel(
        block_out_channels=(8,) * LEVELS, layers_per_block=1, attention_head_dim=[1, 2, 2, 2],
        cross_attention_dim=16, norm_num_groups=4, use_linear_projection=True, sample_size=4)
    vae = AutoencoderKL(
        block_out_channels=(8,) * LEVELS, down_block_types=("DownEncoderBlock2D",) * LEVELS,
        up_block_types=("UpDecoderBlock2D",) * LEVELS, layers_per_block=1, norm_num_groups=4)
    networks = {"text_encoder": text, "unet": unet, "vae": vae}
    for name, network in networks.items():
        randomise(network, f"sd2 {name}")
    return {"tokenizer": tokenizer, "safety_checker": None, "feature_extractor": None, **networks}


def sizes():
    with torch.device("meta"):
        networks = {"unet": UNet2DConditionModel(**TRUE_UNET),
                    "text_encoder": CLIPTextModel(CLIPTextConfig(**TRUE_TEXT))}
    count = {name: sum(p.numel() for p in network.parameters()) for name, network in networks.items()}
    return {"unet": TRUE_UNET, "text_encoder": TRUE_TEXT, "numbers": count}


@torch.no_grad()
def write(out):
    letters, out = out / "formats/tokenizer", out / "sd2"
    shutil.rmtree(out, ignore_errors=True)
    ends = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>"}
    tokenizer = CLIPTokenizer(
        str(letters / "vocab.json"), str(letters / "merges.txt"), unk_token="<|endoftext|>",
        pad_token="!", model_max_length=77, **ends)
    own = parts(tokenizer)
    cases, pictures = {}, {}
    for name, scheduler in SCHEDULERS.items():
        pipe = StableDiffusionPipeline(
            **own, scheduler=scheduler, requires_safety_checker=False)
        if not out.exists():
            pipe.save_pretrained(out)
        for part in ("text_encoder", "unet", "vae"):
            own[part].float()
        request = REQUESTS[name]
        picture = pipe(
            COMMON["prompt"], num_inference_steps=request["steps"],
            guidance_scale=request["guidance_scale"], width=32, height=32, output_type="pt",
            generator=torch.Generator().manual_seed(COMMON["seed"])).images[0]
        pictures[name] = picture.contiguous()
        cases[name] = {"request": COMMON | request, "scheduler": dict(scheduler.config)}
        print(f"  {name}: {picture.mean():.3f} ± {picture.std():.3f}")
    ids = tokenizer(COMMON["prompt"], padding="max_length").input_ids
    (out / "README.md").unlink(missing_ok=True)
    save(out / "cases.json", ids=ids, true=sizes(), **cases)
    told = (out / "cases.json").read_text()
    (out / "cases.json").write_text(told.replace("golden.py cases", "golden.py sd2"))
    save_file(pictures, out / "pictures.safetensors")
