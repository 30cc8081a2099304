"""Where the trainings keep their data and checkpoints, outside git."""

import os
from pathlib import Path

FOLDER = Path(os.environ.get("TRAIN_DEMO_DIR", Path(__file__).parents[1] / "work"))
