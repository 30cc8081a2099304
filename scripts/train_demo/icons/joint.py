"""The text encoder and the UNet, trained together after each was trained alone: the UNet learns to
draw from what the text encoder really tells, and the text encoder to tell what helps."""

import random

from . import networks, text, unet
from .stage import Stage, autocast, load

LR = 1.5e-3


def start(args, pack):
    """Both as they were trained alone."""
    network, encoder = unet.new(args), text.trained(pack, args.device)
    state = load("unet", args.device)
    if state is None:
        raise SystemExit("train the UNet first: python -m icons.train unet")
    network.load_state_dict(state["averages"]["unet"])
    return network, encoder


def train(pack, args):
    device = args.device
    network, encoder = start(args, pack)
    stage = Stage("joint", {"unet": network, "text": encoder}, args, lr=args.lr or LR)
    batches = unet.Batches(pack, device, seed=1_000_000 + stage.step)
    noise, n = unet.Noise(device), unet.batch_size(args)
    random.seed(stage.step)
    run = networks.compiled(network, args)
    while stage.running():
        z, ids, _ = batches.next(n, args.empty)
        with autocast(args):
            context = encoder(ids[:, : text.length(args)])
        # Cut here, so that a compiled UNet does not depend on the text encoder.
        held = context.detach().requires_grad_()

        def epsilon(x, t):
            with autocast(args):
                return run(x, t, held).sample

        loss = unet.denoising_loss(epsilon, noise, z)
        stage.update(loss, n, lambda: context.backward(held.grad))
    stage.finish()


def trained(pack, args):
    """The UNet and the text encoder, averaged: of this stage, or else each as trained alone."""
    state = load("joint", args.device)
    if state is None:
        return start(args, pack)
    network, encoder = unet.new(args), text.trained(pack, args.device, state)
    network.load_state_dict(state["averages"]["unet"])
    return network, encoder
