"""Muon (momentum, orthogonalised by a few Newton-Schulz steps) for matrices and convolutions, AdamW
for the rest. On these small networks it reaches a given loss in far fewer steps than AdamW alone.
Matrices of one shape are orthogonalised together."""

import torch


def orthogonal(g, steps=5):
    """The nearest semi-orthogonal matrices to a stack [k, rows, columns], roughly, by the quintic
    iteration of Keller Jordan."""
    turned = g.shape[1] > g.shape[2]
    x = g.mT if turned else g
    x = x.bfloat16()
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(steps):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return (x.mT if turned else x).to(g.dtype)


class Muon:
    """Momentum, orthogonalised, by groups of one shape."""

    def __init__(self, params, momentum=0.95, weight_decay=1e-3, steps=3):
        self.momentum, self.weight_decay, self.steps = momentum, weight_decay, steps
        groups = {}
        for p in params:
            groups.setdefault((len(p), p[0].numel()), []).append(p)
        self.groups = list(groups.values())
        self.moments = [[torch.zeros_like(p) for p in g] for g in self.groups]

    @torch.no_grad()
    def step(self, lr):
        for group, moments in zip(self.groups, self.moments):
            pairs = [(p, m) for p, m in zip(group, moments) if p.grad is not None]
            if not pairs:
                continue
            params, moments = map(list, zip(*pairs))
            grads = [p.grad for p in params]
            torch._foreach_lerp_(moments, grads, 1 - self.momentum)
            ahead = torch._foreach_lerp(grads, moments, self.momentum)
            rows, columns = len(params[0]), params[0][0].numel()
            stack = orthogonal(torch.stack([g.flatten(1) for g in ahead]), self.steps)
            # Scaled so that one learning rate suits these and AdamW's parameters.
            stack = stack * (-lr * 0.2 * max(rows, columns) ** 0.5)
            torch._foreach_mul_(params, 1 - lr * self.weight_decay)
            torch._foreach_add_(params, [u.view_as(p) for u, p in zip(stack, params)])


def split(model, first_and_last=("conv_in.", "conv_out.", "embedding", "quant_conv")):
    """(parameters for Muon, parameters for AdamW)."""
    matrices, rest = [], []
    for name, p in model.named_parameters():
        hidden = p.ndim >= 2 and not any(
            name.startswith(k) or f".{k}" in name for k in first_and_last
        )
        (matrices if hidden else rest).append(p)
    return matrices, rest


class Optimiser:
    """Both under one learning rate, with the gradient's norm cut at 1."""

    def __init__(self, networks, lr, steps=3):
        matrices, rest = [], []
        for network in networks:
            a, b = split(network)
            matrices += a
            rest += b
        self.lr, self.params = lr, matrices + rest
        self.muon = Muon(matrices, steps=steps)
        self.adam = torch.optim.AdamW(rest or [torch.zeros(0)], lr, (0.9, 0.98), weight_decay=0)

    def step(self, scale):
        params = [p for p in self.params if p.grad is not None]
        torch.nn.utils.clip_grad_norm_(params, 1.0)
        self.muon.step(self.lr * scale)
        for group in self.adam.param_groups:
            group["lr"] = self.lr * scale
        self.adam.step()
        for p in self.params:
            p.grad = None

    def state_dict(self):
        return {"muon": self.muon.moments, "adam": self.adam.state_dict()}

    def load_state_dict(self, state):
        for ours, theirs in zip(self.muon.moments, state["muon"]):
            for a, b in zip(ours, theirs):
                a.copy_(b)
        self.adam.load_state_dict(state["adam"])
