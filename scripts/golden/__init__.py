"""One module per golden; see scripts/golden.py."""

import json
import pathlib

from PIL import Image

RESIZE = Image.Image.resize


def save(path: pathlib.Path, **fields) -> None:
    """Writes a JSON file that names its maker, one entry of a top-level list a line."""
    lines = [f'  "made_by": "scripts/golden.py {path.stem}"']
    for name, value in fields.items():
        if isinstance(value, list) and value and isinstance(value[0], (dict, list)):
            body = ",\n".join("    " + json.dumps(item, ensure_ascii=True) for item in value)
            text = f"[\n{body}\n  ]"
        else:
            text = json.dumps(value, ensure_ascii=True)
        lines.append(f'  "{name}": {text}')
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def fnv(data: bytes) -> str:
    """FNV-1a of the bytes, 64 bits in hexadecimal: says whether a long array is the same."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def resize_width_first(image, size, resample=None, box=None, reducing_gap=None):
    """Pillow 13 chooses by the sizes which axis it resizes first. Before, as in the program, it was
    always the width."""
    if box is None and size[0] != image.width and size[1] != image.height:
        image = RESIZE(image, (size[0], image.height), resample)
    return RESIZE(image, size, resample, box, reducing_gap)
