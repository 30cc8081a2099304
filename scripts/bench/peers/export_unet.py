"""A made-up UNet as an ONNX file, for peers that read nothing else.

    python scripts/bench/peers/export_unet.py MODEL OUT.onnx

MODEL is a folder of `darkroom synth`; needs torch, diffusers and onnx. Inputs are sample
[2, 4, 16, 16], timestep [1] and encoder_hidden_states [2, 77, c], all f32.
"""

import sys

import torch
from diffusers import UNet2DConditionModel


class Eps(torch.nn.Module):
    """The UNet without its output's wrapping."""

    def __init__(self, unet: UNet2DConditionModel) -> None:
        super().__init__()
        self.unet = unet

    def forward(self, sample, timestep, context):
        return self.unet(sample, timestep, context, return_dict=False)[0]


def main() -> None:
    model, out = sys.argv[1:3]
    unet = UNet2DConditionModel.from_pretrained(model, subfolder="unet", torch_dtype=torch.float32)
    unet.eval()
    side = 16
    inputs = (
        torch.randn(2, 4, side, side),
        torch.tensor([500.0]),
        torch.randn(2, 77, unet.config.cross_attention_dim),
    )
    names = ["sample", "timestep", "encoder_hidden_states"]
    with torch.no_grad():
        how = {"input_names": names, "output_names": ["eps"], "opset_version": 17}
        torch.onnx.export(Eps(unet), inputs, out, dynamo=False, **how)
    print(sum(p.numel() for p in unet.parameters()), "numbers")


main()
