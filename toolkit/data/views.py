"""Views of images for learning without labels: a crop at random, colours, grey, blur, all of a batch at once.

Each step is linear in the pixels, so that a view is rows x image x columns, and a matrix by which colours are mixed,
clipped once at the end: a few matrix products for a whole batch, which keep two cores from starving. After MoCo v2
(arXiv 2003.04297), with three differences: colour steps come in one order, hue is a rotation in the YIQ plane, and
nothing is clipped between.
"""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from toolkit.backends.base import Images

if TYPE_CHECKING:
    from toolkit.data.augmentation import Augmentation

DRAWS = 12
"""Of an image: area, aspect, place (2), whether colours change, by how much (4), grey, blur, its width."""

OFTEN = 0.8
"""How often colours change at all."""

ASPECT = 4 / 3
"""The largest ratio of a crop's sides, either way."""

SIGMA = (0.1, 2.0)
"""Width of the blur in pixels of an image of 224; in proportion in others."""

_GREY = np.array([0.299, 0.587, 0.114], np.float32)
_YIQ = np.array([_GREY, [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]], np.float32)
_RGB = np.linalg.inv(_YIQ)

Floats = npt.NDArray[np.float32]


def viewed(images: Images, how: "Augmentation", draws: npt.NDArray[np.float64]) -> Images:
    """Views of images (n, channels, size, size), of the same shape, uint8.

    Args:
        draws: uniform numbers, shape (n, DRAWS).
    """
    count, channels, size, _ = images.shape
    x = images.astype(np.float32)
    if how.jitter is not None or how.grey:
        x = _coloured(x, how, draws[:, 4:10])
    rows: Floats = np.broadcast_to(np.eye(size, dtype=np.float32), (count, size, size))
    columns = rows
    if how.crop is not None:
        rows, columns = _crops(how.crop, draws[:, :4], size)
    if how.blur:
        blur = _blurs(how.blur, draws[:, 10:], size)
        rows, columns = blur @ rows, blur @ columns
    if how.crop is not None or how.blur:
        x = (rows[:, None] @ x @ columns[:, None].swapaxes(2, 3)).astype(np.float32, copy=False)
    return np.rint(np.clip(x, 0, 255)).astype(np.uint8).reshape(count, channels, size, size)


def _crops(least: float, draws: npt.NDArray[np.float64], size: int) -> tuple[Floats, Floats]:
    """What takes from `least` to all of an image's area and scales it bilinearly: rows and columns, (n, size, size)."""
    area = least + (1 - least) * draws[:, 0]
    ratio = ASPECT ** (2 * draws[:, 1] - 1)
    height, width = (np.minimum(np.sqrt(side), 1.0) * size for side in (area / ratio, area * ratio))
    return tuple(  # type: ignore[return-value]
        _scaling(place * (size - length), length, size)
        for place, length in ((draws[:, 2], height), (draws[:, 3], width))
    )


def _scaling(start: npt.NDArray[np.float64], length: npt.NDArray[np.float64], size: int) -> Floats:
    """Lines from `start`, `length` of them, as `size` lines, between the nearest two each."""
    wanted = start[:, None] + (np.arange(size) + 0.5) * length[:, None] / size - 0.5
    wanted = np.clip(wanted, 0, size - 1)
    near: Floats = np.maximum(0, 1 - abs(wanted[..., None] - np.arange(size))).astype(np.float32)
    return near


def _blurs(often: float, draws: npt.NDArray[np.float64], size: int) -> Floats:
    """Gaussian blur along one axis, shape (n, size, size); as it was in all but a share `often` of the images."""
    sigma = (SIGMA[0] + (SIGMA[1] - SIGMA[0]) * draws[:, 1]) * size / 224
    sigma = np.where(draws[:, 0] < often, sigma, 1e-3)
    lines = np.arange(size)
    apart = (lines[:, None] - lines) / sigma[:, None, None]
    bell = np.exp(-np.minimum(apart**2, 1e3) / 2)
    blur: Floats = (bell / bell.sum(2, keepdims=True)).astype(np.float32)
    return blur


def _coloured(x: Floats, how: "Augmentation", draws: npt.NDArray[np.float64]) -> Floats:
    """Brightness, contrast and, in images of three channels, saturation, hue and grey."""
    count, channels, size, _ = x.shape
    strength = how.jitter or 0.0
    changed = (draws[:, 0] < OFTEN) * strength
    bright, contrast, saturation = ((1 + changed * (2 * draws[:, n] - 1)).astype(np.float32) for n in (1, 2, 3))
    grey_of = _GREY if channels == 3 else np.full(channels, 1 / channels, np.float32)
    x = x * bright[:, None, None, None]
    mean = np.einsum("nchw,c->n", x, grey_of) / size**2
    x = contrast[:, None, None, None] * x + ((1 - contrast) * mean)[:, None, None, None]
    if channels != 3:
        return x
    angle = 2 * np.pi * changed * (draws[:, 4] - 0.5)
    turn = np.zeros((count, 3, 3), np.float32)
    turn[:, 0, 0] = 1
    turn[:, 1, 1] = turn[:, 2, 2] = np.cos(angle)
    turn[:, 1, 2], turn[:, 2, 1] = -np.sin(angle), np.sin(angle)
    grey = np.broadcast_to(_GREY, (3, 3))
    saturate = saturation[:, None, None] * np.eye(3, dtype=np.float32) + (1 - saturation)[:, None, None] * grey
    mix = _RGB @ turn @ _YIQ @ saturate
    mix[draws[:, 5] < how.grey] = grey
    mixed: Floats = (mix @ x.reshape(count, 3, -1)).reshape(x.shape).astype(np.float32)
    return mixed
