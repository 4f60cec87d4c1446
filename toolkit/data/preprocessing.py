"""From an image file to the pixels a network sees: the usual ImageNet preprocessing, by Pillow."""

import math

import numpy as np
import numpy.typing as npt
from PIL import Image

SHORT_SIDE = 256 / 224
"""Evaluation scales the short side to this much of the size, then cuts the centre out."""

AREA, RATIO = (0.08, 1.0), (3 / 4, 4 / 3)
"""Training cuts out this share of the area, in this ratio of width to height."""

BILINEAR = Image.Resampling.BILINEAR


def rgb(image: Image.Image) -> Image.Image:
    """Grey, palette, CMYK and transparent images as RGB.

    Raises:
        ValueError: more than 8 bits a channel, which Pillow would clip rather than scale.
    """
    if image.mode.startswith(("I", "F")):
        raise ValueError(f"mode {image.mode} has more than 8 bits a channel")
    if image.mode == "P":  # Pillow wants this detour where the transparency is a colour
        image = image.convert("RGBA")
    return image if image.mode == "RGB" else image.convert("RGB")


def centre(image: Image.Image, size: int) -> Image.Image:
    """Scale the short side to size * 256 / 224 and cut the centre out: (size, size), RGB.

    Same rounding as torchvision's Resize and CenterCrop, but only what is kept gets computed.
    """
    width, height = image.size
    short = round(size * SHORT_SIDE)
    scaled = (short, int(short * height / width)) if width <= height else (int(short * width / height), short)
    left, top = round((scaled[0] - size) / 2), round((scaled[1] - size) / 2)
    x, y = width / scaled[0], height / scaled[1]
    return rgb(image).resize((size, size), BILINEAR, box=(left * x, top * y, (left + size) * x, (top + size) * y))


def random_crop(image: Image.Image, size: int, draws: npt.NDArray[np.float64]) -> Image.Image:
    """Scale a random part to (size, size), flipped half of the time, RGB. `draws` has shape (DRAWS,)."""
    width, height = image.size
    left, top, right, bottom = crop_box(width, height, draws[1:])
    # A JPEG is decoded at half, a quarter or an eighth of its size where that leaves enough pixels.
    image.draft(None, (math.ceil(width * size / (right - left)), math.ceil(height * size / (bottom - top))))
    x, y = image.width / width, image.height / height
    box = (left * x, top * y, right * x, bottom * y)
    crop = rgb(image).resize((size, size), BILINEAR, box=box, reducing_gap=2.0)
    return crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if draws[0] < 0.5 else crop


def crop_box(width: int, height: int, draws: npt.NDArray[np.float64]) -> tuple[int, int, int, int]:
    """A random part of an image: left, top, right, bottom. `draws` has shape (22,).

    As in torchvision's RandomResizedCrop: the first of ten random sizes that fits, else the largest allowed.
    """
    areas = width * height * (AREA[0] + (AREA[1] - AREA[0]) * draws[2:12])
    ratios = RATIO[0] * (RATIO[1] / RATIO[0]) ** draws[12:22]
    sizes = np.rint(np.sqrt([areas * ratios, areas / ratios])).astype(int).T
    fitting = sizes[((sizes >= 1) & (sizes <= (width, height))).all(axis=1)]
    largest = (max(1, min(width, round(height * RATIO[1]))), max(1, min(height, round(width / RATIO[0]))))
    w, h = fitting[0].tolist() if len(fitting) else largest
    top, left = int(draws[0] * (height - h + 1)), int(draws[1] * (width - w + 1))
    return left, top, left + w, top + h
