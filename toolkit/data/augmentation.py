"""What else training images go through after crop and flip: a view, a policy of distortions, cutout, mixup.

All of it works on uint8 arrays, before a framework sees them, and is the same with every backend and number of
processes: each draw is a function of (seed, purpose, epoch, step) and the image's place in the batch.

Sources: RandAugment, arXiv 1909.13719; TrivialAugment (wide), arXiv 2103.10158; cutout, arXiv 1708.04552; mixup, arXiv
1710.09412. Strengths are those of torchvision's transforms of these names, relative to the size of the images.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageEnhance, ImageOps

from toolkit.backends.base import Images, Labels
from toolkit.data.base import CUTOUT, MIXUP, POLICY, VIEW, Indices
from toolkit.data.views import DRAWS as VIEW_DRAWS
from toolkit.data.views import viewed

Policy = Literal["randaugment", "trivialaugment"]

BINS = 30
"""Strengths go from 0 to this."""

Rows = npt.NDArray[np.float64]
SoftLabels = npt.NDArray[np.float32]
"""How much of each class an image shows, shape (n, classes)."""

When = tuple[int, ...]
"""Seed, epoch, step, and what else sets draws apart."""


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Which distortions, and how strong.

    Attributes:
        policy: what draws distortions for each image; None: nothing does.
        operations: how many one after the other; TrivialAugment takes one.
        magnitude: RandAugment's strength, from 0 to 30; TrivialAugment draws it.
        cutout: side of a square painted in the mean colour, its centre anywhere in the image; in pixels.
        mixup: alpha of the Beta distribution from which each batch draws the share of its own images; the rest comes
            from another image of the batch, labels likewise.
        crop: a random part of the image, at least this share of its area, takes its place (`views.py`).
        jitter: how far brightness, contrast, saturation and hue go either way, in four images of five.
        grey, blur: share of the images that lose their colours, or are blurred.
    """

    policy: Policy | None = None
    operations: int = 2
    magnitude: int = 9
    cutout: int | None = None
    mixup: float | None = None
    crop: float | None = None
    jitter: float | None = None
    grey: float = 0.0
    blur: float = 0.0

    @property
    def views(self) -> bool:
        """Whether images are cropped, coloured or blurred."""
        return self.crop is not None or self.jitter is not None or bool(self.grey or self.blur)


@dataclass(frozen=True, slots=True)
class Distortion:
    """One of a policy.

    Attributes:
        apply: to an image, by an amount.
        full, wide: the amount at full strength, of RandAugment and of TrivialAugment: of a shear, a share of a side of
            a translation, degrees, a share of brightness and the like, bits, levels.
        signed: it goes either way, each half of the time.
    """

    apply: Callable[[Image.Image, float], Image.Image]
    full: float = 0.0
    wide: float = 0.0
    signed: bool = False


def distorted(
    images: Images, how: Augmentation, mean: tuple[float, ...], when: When, rows: slice | Indices, batch: int
) -> Images:
    """A part of a batch after the view, the policy and cutout; of the same shape, (n, channels, size, size), and uint8.

    Args:
        mean: of the channels, from 0 to 1.
        rows: which images of the batch these are.
        batch: how many it has in all.
    """
    if how.views:
        images = viewed(images, how, _generator(VIEW, when).random((batch, VIEW_DRAWS))[rows])
    if how.policy is not None:
        operations = how.operations if how.policy == "randaugment" else 1
        draws = _generator(POLICY, when).random((batch, operations, 3))[rows]
        images = np.stack([_distort(image, how, own) for image, own in zip(images, draws, strict=True)])
    if how.cutout is not None:
        draws = _generator(CUTOUT, when).random((batch, 2))[rows]
        images = _cut_out(images, how.cutout, np.rint(255 * np.array(mean)).astype(np.uint8), draws)
    return images


def partners(alpha: float, when: When, batch: int) -> tuple[Indices, float]:
    """With which image of the batch each is mixed, shape (batch,), and the share of its own that it keeps."""
    rng = _generator(MIXUP, when)
    return rng.permutation(batch), float(rng.beta(alpha, alpha))


def mixed(images: Images, others: Images, share: float) -> Images:
    """`share` of the one, the rest of the other; uint8 again, so off by half a level of 255 at most."""
    return np.rint(share * images.astype(np.float32) + (1 - share) * others.astype(np.float32)).astype(np.uint8)


def mixed_labels(labels: Labels, others: Labels, share: float, classes: int) -> SoftLabels:
    """Of class indices of shape (n,): how much of each class, shape (n, classes); each row sums to 1."""
    found = np.zeros((len(labels), classes), np.float32)
    place = np.arange(len(labels))
    found[place, labels] = share
    found[place, others] += 1 - share
    return found


def _generator(purpose: int, when: When) -> np.random.Generator:
    seed, *others = when
    return np.random.default_rng([seed, purpose, *others])


def _cut_out(images: Images, side: int, colour: npt.NDArray[np.uint8], draws: Rows) -> Images:
    """A square of each image painted over, as far as it lies inside."""
    size = images.shape[-1]
    first = (draws * size).astype(np.int64) - side // 2  # (n, 2): top and left
    lines = np.arange(size)
    inside = (lines >= first[..., None]) & (lines < first[..., None] + side)  # (n, 2, size)
    covered = inside[:, 0, :, None] & inside[:, 1, None, :]
    return np.where(covered[:, None], colour[:, None, None], images)


def _distort(image: Images, how: Augmentation, draws: Rows) -> Images:
    """One image, shape (channels, size, size), by as many distortions as `draws` has rows: which, how strong, sign."""
    wide = how.policy == "trivialaugment"
    picture = Image.fromarray(image[0] if len(image) == 1 else np.ascontiguousarray(image.transpose(1, 2, 0)))
    for which, strength, sign in draws:
        one = list(DISTORTIONS.values())[int(which * len(DISTORTIONS))]
        level = int(strength * (BINS + 1)) if wide else how.magnitude
        amount = level / BINS * (one.wide if wide else one.full)
        picture = one.apply(picture, -amount if one.signed and sign < 0.5 else amount)
    array = np.asarray(picture, np.uint8)
    return array[None] if len(image) == 1 else np.ascontiguousarray(array.transpose(2, 0, 1))


def _affine(image: Image.Image, *matrix: float) -> Image.Image:
    return image.transform(image.size, Image.Transform.AFFINE, matrix, Image.Resampling.NEAREST)


def _enhance(kind: Callable[[Image.Image], ImageEnhance._Enhance], full: float, wide: float) -> Distortion:
    return Distortion(lambda image, by: kind(image).enhance(1 + by), full, wide, signed=True)


DISTORTIONS: dict[str, Distortion] = {
    "identity": Distortion(lambda image, _: image),
    "shear_x": Distortion(
        lambda image, by: _affine(image, 1, by, -by * image.height / 2, 0, 1, 0), 0.3, 0.99, signed=True
    ),
    "shear_y": Distortion(
        lambda image, by: _affine(image, 1, 0, 0, by, 1, -by * image.width / 2), 0.3, 0.99, signed=True
    ),
    "translate_x": Distortion(
        lambda image, by: _affine(image, 1, 0, round(by * image.width), 0, 1, 0), 150 / 331, 1.0, signed=True
    ),
    "translate_y": Distortion(
        lambda image, by: _affine(image, 1, 0, 0, 0, 1, round(by * image.height)), 150 / 331, 1.0, signed=True
    ),
    "rotate": Distortion(lambda image, by: image.rotate(by), 30.0, 135.0, signed=True),
    "brightness": _enhance(ImageEnhance.Brightness, 0.9, 0.99),
    "color": _enhance(ImageEnhance.Color, 0.9, 0.99),
    "contrast": _enhance(ImageEnhance.Contrast, 0.9, 0.99),
    "sharpness": _enhance(ImageEnhance.Sharpness, 0.9, 0.99),
    "posterize": Distortion(lambda image, by: ImageOps.posterize(image, 8 - round(by)), 4.0, 6.0),
    "solarize": Distortion(lambda image, by: ImageOps.solarize(image, round(255 - by)), 255.0, 255.0),
    "autocontrast": Distortion(lambda image, _: ImageOps.autocontrast(image)),
    "equalize": Distortion(lambda image, _: ImageOps.equalize(image)),
}
"""The fourteen that both policies draw from, each as likely as the others."""
