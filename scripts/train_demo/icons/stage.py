"""What all trainings share: the clock, the learning rate, averages of the weights, checkpoints."""

import os
import time

import torch

from . import work
from .optimiser import Optimiser

EVERY = 60  # seconds between checkpoints


def checkpoint(name):
    return work.FOLDER / f"{name}.pt"


def load(name, device="cpu"):
    """A stage's checkpoint, or None."""
    file = checkpoint(name)
    return torch.load(file, map_location=device) if file.exists() else None


def store(name, state):
    file = checkpoint(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    tmp = file.with_suffix(".tmp")
    torch.save(state, tmp)
    os.replace(tmp, file)


class Stage:
    """One training: networks by name, trained for `minutes` in all, of wall time on a card and of
    processor time on a processor, which may be shared.

    `minutes` counts what earlier runs have spent, so that a run that was stopped goes on as if it
    had not been. The learning rate falls in the last 40 % of the time.
    """

    def __init__(self, name, networks, args, lr=3e-3, warm=50):
        self.name, self.networks, self.args, self.warm = name, networks, args, warm
        self.optimiser = Optimiser(networks.values(), lr)
        self.averages = {
            n: {k: v.detach().clone() for k, v in m.state_dict().items()}
            for n, m in networks.items()
        }
        self.step = self.seen = 0
        self.spent, self.mean = 0.0, None
        self.extra, self.fresh = {}, False
        state = load(name, args.device)
        if state:
            self.take_up(state)
        self.total = args.minutes * 60
        self.clock = time.process_time if args.device == "cpu" else time.time
        self.last, self.saved = self.clock(), time.time()
        self.shown = time.time()
        self.began = (self.seen, self.last)

    def take_up(self, state):
        """Goes on from a checkpoint; from one that was carried (carry.py) or with --fresh, with its
        weights only."""
        for n, m in self.networks.items():
            m.load_state_dict(state["networks"][n])
        self.fresh = self.args.fresh or "optimiser" not in state
        if not self.fresh:
            self.optimiser.load_state_dict(state["optimiser"])
            self.step, self.seen, self.spent = state["step"], state["seen"], state["spent"]
        for n, tensors in state["averages"].items():
            for k, v in tensors.items():
                self.averages[n][k].copy_(v)
        self.extra = state["extra"]

    def left(self):
        """The share of the time that is left."""
        return 1 - self.spent / self.total if self.total else 0

    def running(self):
        if self.args.steps:
            return self.step < self.args.steps
        return self.spent < self.total

    def update(self, loss, count, then=None):
        """A step along the gradient of the loss of `count` pictures; `then` carries it further."""
        loss.backward()
        if then:
            then()
        rate = min(1, (self.step + 1) / self.warm) * min(1, 0.02 + max(self.left(), 0) / 0.4)
        self.optimiser.step(rate)
        self.step += 1
        self.seen += count
        self.average()
        clock, now = self.clock(), time.time()
        self.spent, self.last = self.spent + clock - self.last, clock
        if self.step % 10 == 0 or self.step == 1 or now - self.shown > 20:
            value = loss.item()
            self.mean = value if self.mean is None else 0.85 * self.mean + 0.15 * value
        if now - self.shown > self.args.show:
            self.show(now)
        if now - self.saved > EVERY:
            self.save()
            self.saved = now

    def average(self):
        decay = min(0.999, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for n, m in self.networks.items():
                theirs = m.state_dict()
                keys = [k for k, v in theirs.items() if v.is_floating_point()]
                torch._foreach_lerp_(
                    [self.averages[n][k] for k in keys], [theirs[k] for k in keys], 1 - decay
                )

    def show(self, now):
        seen, at = self.began
        rate = (self.seen - seen) / max(self.last - at, 1e-6)
        print(
            f"{time.strftime('%H:%M:%S')} {self.name} step {self.step} {self.spent / 60:.1f} min"
            f" {self.seen} samples {rate:.1f}/s loss {self.mean or 0:.4f}",
            flush=True,
        )
        self.shown, self.began = now, (self.seen, self.last)

    def save(self):
        store(
            self.name,
            dict(
                networks={n: m.state_dict() for n, m in self.networks.items()},
                averages=self.averages,
                optimiser=self.optimiser.state_dict(),
                step=self.step,
                seen=self.seen,
                spent=self.spent,
                extra=self.extra,
            ),
        )

    def finish(self):
        self.show(time.time())
        self.save()


def autocast(args):
    return torch.autocast(args.device.split(":")[0], torch.bfloat16, enabled=args.amp)
