"""What torch makes of made-up inputs, for the peer's results to be compared with.

    python scripts/bench/peers/burn/reference.py MODEL OUT.f32

MODEL is a folder of `darkroom synth`; needs torch and diffusers. OUT.f32 holds the sample
[2, 4, 16, 16], encoder_hidden_states [2, 77, c] and eps at timestep 500, one after another, f32.
"""

import sys

import torch
from diffusers import UNet2DConditionModel


def main() -> None:
    model, out = sys.argv[1:3]
    torch.manual_seed(0)
    unet = UNet2DConditionModel.from_pretrained(model, subfolder="unet", torch_dtype=torch.float32)
    unet.eval()
    sample = torch.randn(2, 4, 16, 16)
    context = torch.randn(2, 77, unet.config.cross_attention_dim)
    with torch.no_grad():
        eps = unet(sample, torch.tensor([500.0]), context, return_dict=False)[0]
    torch.cat([numbers.flatten() for numbers in (sample, context, eps)]).numpy().tofile(out)


main()
