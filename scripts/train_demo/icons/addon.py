"""What the add-on files share: the frozen model that they are trained on, and their headers."""

import hashlib

from . import unknown
from .scenes import SIZE


def frozen(pack, args):
    """The trained UNet and text encoder, which stay as they are."""
    network, encoder = unknown.trained(pack, args)
    return network.requires_grad_(False), encoder.requires_grad_(False)


def metadata(architecture, title, description, network, trigger=""):
    """What the header of a file says: the keys of Stability AI's model metadata standard."""
    state = network.state_dict().values()
    weights = b"".join(v.half().cpu().numpy().tobytes() for v in state)
    return {
        "modelspec.sai_model_spec": "1.0.0",
        "modelspec.architecture": architecture,
        "modelspec.title": title,
        "modelspec.description": description,
        "modelspec.trigger_phrase": trigger,
        "modelspec.license": "MIT OR Apache-2.0",
        "modelspec.author": "The Darkroom authors",
        "modelspec.resolution": f"{SIZE}x{SIZE}",
        "modelspec.prediction_type": "epsilon",
        "base_model": "Darkroom's built-in model (web/models/demo)",
        "base_model_weights_sha256": hashlib.sha256(weights).hexdigest(),
    }
