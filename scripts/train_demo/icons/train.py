"""Trains the model's parts, one stage after the other.

    python -m icons.train STAGE[:MINUTES]… [--minutes N]

STAGE is code, autoencoder, text, unet, joint or unknown, or an add-on file of the trained model:
student, style, word or controlnet; or several in this order. Checkpoints go to
$TRAIN_DEMO_DIR every minute; started again, a stage goes on where it stopped, until it has had its
minutes in all: of wall time on a card, of processor time elsewhere.
"""

import argparse
import importlib

import torch

from .pack import Pack

STAGES = (
    "code", "autoencoder", "text", "unet", "joint", "unknown", "student", "style", "word",
    "controlnet",
)


def arguments(words=None):
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("stages", nargs="+", metavar="STAGE[:MINUTES]", help=", ".join(STAGES))
    ap.add_argument("--minutes", type=float, default=10, help="of a stage that names none")
    ap.add_argument("--steps", type=int, help="stop after so many steps in all, not by time")
    ap.add_argument("--batch", type=int)
    ap.add_argument("--lr", type=float)
    ap.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    ap.add_argument("--threads", type=int, default=1, help="on a processor")
    ap.add_argument("--f32", dest="amp", action="store_false", help="no bf16 arithmetic")
    ap.add_argument("--compile", action="store_true", help="compile the networks")
    ap.add_argument("--fresh", action="store_true", help="take up the weights, not the optimiser")
    ap.add_argument("--tiny", action="store_true", help="a tiny UNet, to try the chain")
    ap.add_argument("--empty", type=float, default=0.1, help="share without a caption")
    ap.add_argument("--show", type=float, default=20, help="seconds between lines of the log")
    return ap.parse_args(words)


def main(words=None):
    args = arguments(words)
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(1)
    torch.set_float32_matmul_precision("high")
    pack = Pack()
    for stage in args.stages:
        name, _, minutes = stage.partition(":")
        if name not in STAGES:
            raise SystemExit(f"no stage is called {name}: {', '.join(STAGES)}")
        own = argparse.Namespace(**{**vars(args), "minutes": float(minutes or args.minutes)})
        importlib.import_module(f".{name}", __package__).train(pack, own)


if __name__ == "__main__":
    main()
