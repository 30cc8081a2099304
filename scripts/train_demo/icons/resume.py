"""Makes checkpoints of an export, so that training goes on from it.

    python -m icons.resume EXPORT_DIR

Weights as stored, without the optimisers' state. The latent code stays that of $TRAIN_DEMO_DIR.
"""

import sys

from . import export, networks, text
from .pack import Pack
from .stage import store


def main(folder):
    vae, unet, full = export.read_model(folder)
    full = {export.text_name(k): v for k, v in full.items()}
    used = Pack().parts.used
    full[export.EMBEDDING] = full[export.EMBEDDING][used]
    encoder = text.Text(used)
    export.load_text(encoder.clip, full)
    assert networks.new_unet().load_state_dict(unet)
    parts = {"vae": vae, "unet": unet, "text": encoder.state_dict()}
    stages = {"autoencoder": ["vae"], "text": ["text"], "unet": ["unet"]}
    for stage, names in stages.items():
        weights = {n: parts[n] for n in names}
        store(stage, dict(networks=weights, averages=weights, extra={}))
        print(stage)


if __name__ == "__main__":
    main(sys.argv[1])
