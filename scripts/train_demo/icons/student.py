"""A few-step student of the trained UNet: 4 steps of the sampler lcm, guidance scale 1.

Latent consistency distillation (consistency.py) into a LoRA (lora.py), the UNet frozen. The
file is $TRAIN_DEMO_DIR/few-steps-lcm.safetensors.
"""

import random

import torch
from torch.func import functional_call

from . import addon, consistency, text, unet, work
from .captions import EOS
from .lora import Lora
from .stage import Stage, autocast

RANK, FILE_RANK = 16, 8
HUBER = 0.03
GUIDANCE = 5.0
FILE = work.FOLDER / "few-steps-lcm.safetensors"


def train(pack, args):
    device = args.device
    teacher, encoder = addon.frozen(pack, args)
    lora = Lora(teacher, RANK).to(device)
    stage = Stage("student", {"lora": lora}, args, lr=args.lr or 5e-4, warm=30)
    batches = unet.Batches(pack, device, seed=stage.step + 1)
    noise = unet.Noise(device)
    random.seed(stage.step)
    n = args.batch or (512 if device != "cpu" else 32)

    def frozen(x, t, context):
        with autocast(args):
            return teacher(x, t, context).sample.float()

    while stage.running():
        z, ids, _ = batches.next(n)
        ids = ids[:, : text.length(args)]
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
    about = (
        "Pictures in four steps: sampler lcm, 2 to 8 steps, guidance scale 1, weight 1. Distilled"
        f" from the model at guidance scale {GUIDANCE:g}."
    )
    header = addon.metadata("stable-diffusion-v1/lora", "Few steps", about, teacher)
    lora.load_state_dict(stage.averages["lora"])
    lora.cpu().save(FILE, FILE_RANK, header)
