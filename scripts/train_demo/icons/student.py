"""A few-step student of the trained UNet: 4 steps of the sampler lcm, guidance scale 1.

Latent consistency distillation (../consistency.py) into a LoRA (../lora.py), the UNet frozen. The
file is $TRAIN_DEMO_DIR/few-steps-lcm.safetensors.
"""

import hashlib
import random

import torch
from torch.func import functional_call

import consistency
import data
from lora import Lora

from . import text, unet
from .captions import EOS
from .scenes import SIZE
from .stage import Stage, autocast, load

RANK, FILE_RANK = 16, 8
HUBER = 0.03
GUIDANCE = 5.0
FILE = data.CACHE / "few-steps-lcm.safetensors"


def metadata(state):
    """What the header of the file says: the keys of Stability AI's model metadata standard."""
    weights = b"".join(v.half().cpu().numpy().tobytes() for v in state.values())
    return {
        "modelspec.sai_model_spec": "1.0.0",
        "modelspec.architecture": "stable-diffusion-v1/lora",
        "modelspec.title": "Few steps",
        "modelspec.description": "Pictures in four steps: sampler lcm, 2 to 8 steps, guidance scale"
        f" 1, weight 1. Distilled from the model at guidance scale {GUIDANCE:g}.",
        "modelspec.trigger_phrase": "",
        "modelspec.license": "MIT OR Apache-2.0",
        "modelspec.author": "The Darkroom authors",
        "modelspec.resolution": f"{SIZE}x{SIZE}",
        "modelspec.prediction_type": "epsilon",
        "base_model": "Darkroom's built-in model (web/models/demo)",
        "base_model_weights_sha256": hashlib.sha256(weights).hexdigest(),
    }


def train(pack, args):
    device = args.device
    state = load("unet", device)
    if state is None:
        raise SystemExit("train the UNet first: python -m icons.train unet")
    teacher, encoder = unet.new(args), text.trained(pack, device, state)
    teacher.load_state_dict(state["averages"]["unet"])
    teacher.requires_grad_(False)
    lora = Lora(teacher, RANK).to(device)
    stage = Stage("student", {"lora": lora}, args, lr=args.lr or 3e-3, warm=30)
    batches = unet.Batches(pack, device, seed=stage.step + 1)
    noise = unet.Noise(device)
    random.seed(stage.step)
    n = args.batch or (512 if device != "cpu" else 32)

    def frozen(x, t, context):
        with autocast(args):
            return teacher(x, t, context).sample.float()

    while stage.running():
        z, ids = batches.next(n)
        ids = ids[:, : text.length(device)]
        nothing = torch.full_like(ids, EOS)
        nothing[:, 0] = ids[:, 0]
        with torch.no_grad(), autocast(args):
            contexts = encoder(ids), encoder(nothing)
        weights = lora.weights()

        def student(x, t, context):
            with autocast(args):
                return functional_call(teacher, weights, (x, t, context)).sample.float()

        loss = consistency.loss(noise, frozen, student, z, contexts, GUIDANCE, HUBER)
        stage.update(loss, n)
    stage.finish()
    for p, average in zip(lora.parameters(), stage.averages["lora"].values()):
        p.data.copy_(average)
    lora.cpu().save(FILE, FILE_RANK, metadata(teacher.state_dict()))
