"""An evaluation of a small UNet (two pictures, latents of 16×16) in turn: tinygrad's WEBGPU backend
and the native program, on the same adapter.

    DEV=WEBGPU WEBGPU_PATH=…/libwebgpu_dawn_x86_64.so \\
        python scripts/bench/peers/tinygrad_webgpu.py MODEL UNET.onnx DARKROOM [pairs]

Needs tinygrad and dawn-python. MODEL and UNET.onnx as for onnxruntime.mjs; DARKROOM is the native
program. Its evaluations are what more steps take longer: loading and decoding are left out.
"""

import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from tinygrad import Tensor, TinyJit
from tinygrad.nn.onnx import OnnxRunner

STEPS = (2, 8)


def noise(*shape: int) -> Tensor:
    values = np.sin(np.arange(np.prod(shape))).astype(np.float32)
    return Tensor(values.reshape(shape)).contiguous().realize()


def theirs(path: str):
    """A function that takes one evaluation's time, after those that compile."""
    runner = OnnxRunner(path)

    @TinyJit
    def evaluate(sample, timestep, context):
        inputs = {"sample": sample, "timestep": timestep, "encoder_hidden_states": context}
        return runner(inputs)["eps"].realize()

    def run() -> float:
        inputs = noise(2, 4, 16, 16), noise(1), noise(2, 77, 768)
        start = time.perf_counter()
        evaluate(*inputs).numpy()
        return time.perf_counter() - start

    for _ in range(3):
        run()
    return run


def ours(program: str, model: str) -> float:
    seconds = []
    for steps in STEPS:
        with tempfile.NamedTemporaryFile(suffix=".png") as file:
            size = ["--width", "128", "--height", "128", "--steps", str(steps)]
            how = ["--sampler", "ddim", "--seed", "1", "--prompt", "a red cat", "--tune"]
            start = time.perf_counter()
            command = [program, "generate", "--model", model, *size, *how, "--out", file.name]
            subprocess.run(command, check=True, capture_output=True)
            seconds.append(time.perf_counter() - start)
    return (seconds[1] - seconds[0]) / (STEPS[1] - STEPS[0])


def main() -> None:
    model, onnx, program = sys.argv[1:4]
    evaluate = theirs(onnx)
    ours(program, model)
    ratios = []
    for _ in range(int(sys.argv[4]) if len(sys.argv) > 4 else 3):
        mine, peer = ours(program, model), evaluate()
        ratios.append(peer / mine)
        print(f"Darkroom {mine:.3f} s, tinygrad {peer:.3f} s: {peer / mine:.1f}×", flush=True)
    print(f"median {statistics.median(ratios):.1f}×")


main()
