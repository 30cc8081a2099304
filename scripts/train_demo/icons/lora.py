"""A low-rank change of a network's layers, and its file in kohya's layout.

    W' = W + share · up · down

`down` is [rank, in, …] and begins as noise, `up` is [out, rank] and begins as zeros. The weight of
a convolution counts as a matrix with a row for each output: `down` has the kernel, `up` is 1×1.
Alpha is the rank, so that the product is added as it is.
"""

import torch
from safetensors.torch import load_file, save_file

LAYERS = (torch.nn.Linear, torch.nn.Conv2d)


class Lora(torch.nn.Module):
    """Factors for every linear layer and convolution of a network."""

    def __init__(self, network, rank):
        super().__init__()
        self.layers = {n: m for n, m in network.named_modules() if isinstance(m, LAYERS)}
        self.down, self.up = torch.nn.ParameterList(), torch.nn.ParameterList()
        for layer in self.layers.values():
            out, *inner = layer.weight.shape
            self.down.append(torch.randn(rank, *inner) / layer.weight[0].numel() ** 0.5)
            self.up.append(torch.zeros(out, rank))

    def weights(self, share=1.0):
        """The layers' changed weights by name, as `torch.func.functional_call` takes them."""
        out = {}
        for (name, layer), down, up in zip(self.layers.items(), self.down, self.up):
            change = (up @ down.flatten(1)).view_as(layer.weight)
            out[f"{name}.weight"] = layer.weight.detach() + share * change
        return out

    @torch.no_grad()
    def load(self, path):
        """Takes up the factors of a file that `save` wrote, of the same rank or lower."""
        tensors = load_file(path)
        for name, down, up in zip(self.layers, self.down, self.up):
            key = f"lora_unet_{name}".replace(".", "_")
            rank = len(tensors[f"{key}.lora_down.weight"])
            down[:rank] = tensors[f"{key}.lora_down.weight"].float()
            up[:, :rank] = tensors[f"{key}.lora_up.weight"].float().flatten(1)

    @torch.no_grad()
    def reduced(self, rank):
        """(down, up) of each layer at a lower rank: the nearest product there is, by its singular
        values."""
        for down, up in zip(self.down, self.up):
            u, s, v = torch.linalg.svd(up @ down.flatten(1), full_matrices=False)
            root = s[:rank].sqrt()  # fewer where the layer has fewer outputs
            yield (root[:, None] * v[:rank]).view(-1, *down.shape[1:]), u[:, :rank] * root

    def save(self, path, rank, metadata):
        """Writes the file for a UNet, in f16, at a rank of at most that of the factors."""
        tensors = {}
        for name, (down, up) in zip(self.layers, self.reduced(rank)):
            key = f"lora_unet_{name}".replace(".", "_")
            tensors[f"{key}.lora_down.weight"] = down
            tensors[f"{key}.lora_up.weight"] = up.view(*up.shape, *(1,) * (down.dim() - 2))
            tensors[f"{key}.alpha"] = torch.tensor(float(len(down)))
        tensors = {k: v.detach().half().contiguous().clone() for k, v in tensors.items()}
        kohya = {
            "ss_network_module": "networks.lora",
            "ss_network_dim": str(rank),
            "ss_network_alpha": str(rank),
        }
        save_file(tensors, path, {"format": "pt", **kohya, **metadata})
