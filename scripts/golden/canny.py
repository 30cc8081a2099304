"""OpenCV's Canny on twenty small pictures, gray and RGB, and Pillow's Lanczos resizing.

Writes tests/golden/canny/: pictures.png, the pictures of 40×32 one below the other; edges.png, of
each the edges of cv2.Canny(rgb, 100, 200) in red, those of its first channel alone in green, and
those of (rgb, 30, 60) in blue; lanczos.png and lanczos.json, pictures at other sizes.

Needs opencv-python-headless.

    scripts/golden.py canny
"""

import cv2
import numpy
from PIL import Image

from . import resize_width_first, save

WIDTH, HEIGHT, COUNT = 40, 32, 20
SIZES = [(40, 32), (80, 64), (64, 64), (20, 16), (13, 29), (101, 7)]


def picture(index):
    """Of several kinds: shapes, blurred shapes, gradients, noise."""
    random = numpy.random.Generator(numpy.random.Philox(key=index))
    image = numpy.full((HEIGHT, WIDTH, 3), random.integers(0, 256, 3), numpy.uint8)
    for _ in range(4):
        colour = [int(c) for c in random.integers(0, 256, 3)]
        x, y = int(random.integers(0, WIDTH)), int(random.integers(0, HEIGHT))
        if random.random() < 0.5:
            cv2.circle(image, (x, y), int(random.integers(3, 12)), colour, -1)
        else:
            corner = (int(random.integers(0, WIDTH)), int(random.integers(0, HEIGHT)))
            cv2.line(image, (x, y), corner, colour, int(random.integers(1, 5)))
    if index % 4 == 1:
        image = cv2.GaussianBlur(image, (5, 5), 1.2)
    if index % 4 == 2:
        ramp = numpy.linspace(0, 255, WIDTH)[None, :, None]
        image = ((image + ramp * random.random(3)) / 2).astype(numpy.uint8)
    if index % 4 == 3:
        image = (image + random.integers(0, 90, image.shape)).clip(0, 255).astype(numpy.uint8)
    if index in (8, 9):
        # Gray pictures: all channels are equal, and gradients tie.
        image[:] = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None]
    return image


def write(out):
    folder = out / "canny"
    folder.mkdir(exist_ok=True)
    pictures = [picture(index) for index in range(COUNT)]
    edges = [
        numpy.stack(
            [
                cv2.Canny(image, 100, 200),
                cv2.Canny(numpy.ascontiguousarray(image[..., 0]), 100, 200),
                cv2.Canny(image, 30, 60),
            ],
            -1,
        )
        for image in pictures
    ]
    print("  edges:", [int((e[..., 0] > 0).sum()) for e in edges])
    Image.fromarray(numpy.concatenate(pictures)).save(folder / "pictures.png", optimize=True)
    Image.fromarray(numpy.concatenate(edges)).save(folder / "edges.png", optimize=True)
    resized = [
        resize_width_first(Image.fromarray(pictures[index]), size, Image.Resampling.LANCZOS)
        for index, size in enumerate(SIZES)
    ]
    bytes_ = b"".join(image.tobytes() for image in resized)
    strip = numpy.frombuffer(bytes_, numpy.uint8).reshape(1, -1, 3)
    Image.fromarray(strip).save(folder / "lanczos.png", optimize=True)
    save(folder / "lanczos.json", sizes=SIZES)
