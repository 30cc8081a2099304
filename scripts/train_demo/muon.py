"""Muon (momentum, orthogonalised by a few Newton-Schulz steps) for matrices and convolutions, AdamW
for the rest.

On these small convolutional networks it reaches a given loss in far fewer steps than AdamW alone.
"""

import torch
import torch.distributed


def orthogonal(g, steps=5):
    """The nearest semi-orthogonal matrix to g, roughly, by the quintic iteration of Keller Jordan.
    """
    x = g.flatten(1)
    turned = x.shape[0] > x.shape[1]
    x = x.T if turned else x
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return (x.T if turned else x).reshape(g.shape)


class Muon(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, momentum=0.95, weight_decay=1e-3, steps=5):
        super().__init__(
            params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay, steps=steps)
        )

    @torch.no_grad()
    def step(self):
        shared = torch.distributed.is_initialized()
        rank, world = (
            (torch.distributed.get_rank(), torch.distributed.get_world_size()) if shared else (0, 1)
        )
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            updates = []
            for i, p in enumerate(params):
                state = self.state[p]
                if "m" not in state:
                    state["m"] = torch.zeros_like(p)
                state["m"].lerp_(p.grad, 1 - group["momentum"])
                if i % world == rank:
                    updates.append(
                        orthogonal(p.grad.lerp(state["m"], group["momentum"]), group["steps"])
                    )
                else:
                    updates.append(torch.zeros_like(p))
            if shared:  # each worker has done its share of the matrices
                flat = torch.cat([u.flatten() for u in updates])
                torch.distributed.all_reduce(flat)
                updates = [
                    f.view(p.shape) for f, p in zip(flat.split([p.numel() for p in params]), params)
                ]
            for p, u in zip(params, updates):
                p.mul_(1 - group["lr"] * group["weight_decay"])
                # Scaled so that one learning rate suits these and AdamW's parameters.
                p.add_(
                    u, alpha=-group["lr"] * 0.2 * max(p.shape[0], p.numel() // p.shape[0]) ** 0.5
                )


def split(model, first_and_last=("conv_in.", "conv_out.", "embedding", "quant_conv")):
    """(parameters for Muon, parameters for AdamW)."""
    matrices, rest = [], []
    for name, p in model.named_parameters():
        hidden = p.ndim >= 2 and not any(
            name.startswith(k) or f".{k}" in name for k in first_and_last
        )
        (matrices if hidden else rest).append(p)
    return matrices, rest


class Both:
    """Muon and AdamW stepped together under one learning rate."""

    def __init__(self, models, lr, steps=5, weight_decay=1e-3):
        matrices, rest = [], []
        for m in models:
            a, b = split(m)
            matrices += a
            rest += b
        self.lr = lr
        self.parts = [
            Muon(matrices, lr, steps=steps, weight_decay=weight_decay),
            torch.optim.AdamW(rest, lr, betas=(0.9, 0.98), weight_decay=0.0),
        ]
        self.params = matrices + rest

    def step(self, scale):
        torch.nn.utils.clip_grad_norm_(self.params, 1.0)
        for part in self.parts:
            for group in part.param_groups:
                group["lr"] = self.lr * scale
            part.step()
            part.zero_grad(set_to_none=True)

    def state_dict(self):
        return [p.state_dict() for p in self.parts]

    def load_state_dict(self, state):
        for p, s in zip(self.parts, state):
            p.load_state_dict(s)
