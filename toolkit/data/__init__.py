"""Image data sets as uint8 arrays, with deterministic splits."""

import difflib
from dataclasses import replace
from pathlib import Path
from typing import Literal, cast

from toolkit.data.augmentation import Augmentation
from toolkit.data.base import Dataset, ImageSpec, Progress, Split
from toolkit.data.batches import steps_per_epoch, train_batches
from toolkit.data.cifar import open_cifar
from toolkit.data.digits import open_digits
from toolkit.data.imagefolder import open_imagefolder
from toolkit.data.splits import Splitting
from toolkit.data.turned_digits import open_turned_digits
from toolkit.errors import InputError

SOURCES = {
    "digits": "digits",
    "turned-digits": "turned-digits",
    "cifar10": "cifar10:FOLDER",
    "cifar100": "cifar100:FOLDER",
    "imagefolder": "imagefolder:FOLDER",
}
"""How each source is written."""

EMBEDDED = {"digits": open_digits, "turned-digits": open_turned_digits}
"""Sources that need no folder."""

CHANNELS = dict.fromkeys(EMBEDDED, 1)
"""Of the images of a source, where that is not 3."""

MEMORY_LIMIT = 8 * 2**30


def open_dataset(
    source: str,
    *,
    size: int | None = None,
    seed: int = 0,
    calibration: int | None = None,
    validation: int | None = None,
    overlap: bool = False,
    bad_images: Literal["error", "skip"] = "error",
    verify: bool = True,
    resident: bool = False,
    memory_limit: int = MEMORY_LIMIT,
    progress: Progress | None = None,
    mean: tuple[float, ...] | None = None,
    std: tuple[float, ...] | None = None,
    augmentation: Augmentation | None = None,
) -> Dataset:
    """Open `digits`, `turned-digits`, `cifar10:FOLDER`, `cifar100:FOLDER` or `imagefolder:FOLDER`, and split it.

    The parts share no image and are the same whenever the arguments are. Calibration images come out of the training
    images. Validation images are the official test part where there is one: CIFAR's test file, an image folder's `val`.

    Args:
        source: as above; a CIFAR folder may be the standard one itself or the one that holds it.
        size: height and width of the images; by default 8 (the digits), 32 (CIFAR) or 224 (image folders).
        seed: decides who goes where.
        calibration: number of images; by default 128 of `digits`, 256 of `turned-digits`, else 2,560, at most a tenth
            of the training images.
        validation: number of images; by default all of the official part; 400 of `digits`, a tenth of an image
            folder without `val`.
        overlap: leave the calibration images in the training part as well.
        bad_images: image folders only, as the next two: refuse when images cannot be decoded, naming all of them, or
            leave these out and list them in `Dataset.skipped`.
        verify: decode the training images once (as small as possible) to find bad ones now. If False, a bad one ends
            the training that meets it. Calibration and validation images are decoded in any case, and so are all where
            bad ones are skipped.
        resident: keep the training images in memory too, as evaluation sees them. Their augmentation is then a padded
            crop and a flip as for CIFAR; else they are decoded on demand, with random resized crops.
        memory_limit: in bytes, for all images in memory.
        progress: told about everything that takes long.
        mean, std: normalise by these, a number for each channel of images from 0 to 1; by default the data's own.
        augmentation: what training images go through after crop and flip.

    Raises:
        InputError: there is no such source; its files are absent or broken; more images are asked for than there are,
            or than fit.
    """
    kind, _, folder = source.partition(":")
    if kind not in SOURCES:
        near = difflib.get_close_matches(kind.lower(), SOURCES, n=1)
        hint = f"; did you mean {SOURCES[near[0]]!r}?" if near else "."
        raise InputError(f"unknown data {source!r}{hint} There are: {', '.join(SOURCES.values())}")
    problems = []
    if (kind in EMBEDDED) == bool(folder):
        problems.append(f"data {source!r}: write {SOURCES[kind]}")
    if size is not None and size < 1:
        problems.append(f"image size {size}: choose at least 1")
    if seed < 0:
        problems.append(f"data seed {seed}: choose at least 0")
    if problems:
        raise InputError(problems)

    channels = CHANNELS.get(kind, 3)
    given = {name: value for name, value in (("mean", mean), ("std", std)) if value is not None}
    wrong = [
        f"data.{name} has {len(value)} numbers, images of {kind} have {channels} channels; write one for each"
        for name, value in given.items()
        if len(value) != channels
    ]
    if wrong:
        raise InputError(wrong)
    splitting = Splitting(seed, calibration, validation, overlap)
    root = Path(folder).expanduser()
    if kind in EMBEDDED:
        found = EMBEDDED[kind](splitting, size=size, memory_limit=memory_limit)
    elif kind == "imagefolder":
        found = open_imagefolder(
            root,
            splitting,
            size=size,
            bad_images=bad_images,
            verify=verify,
            resident=resident,
            memory_limit=memory_limit,
            progress=progress,
        )
    else:
        cifar = cast(Literal["cifar10", "cifar100"], kind)
        found = open_cifar(cifar, root, splitting, size=size, memory_limit=memory_limit)
    spec = replace(found.spec, mean=mean or found.spec.mean, std=std or found.spec.std)
    return replace(found, spec=spec, renormalised=spec != found.spec, augmentation=augmentation)


__all__ = [
    "SOURCES",
    "Augmentation",
    "Dataset",
    "ImageSpec",
    "Progress",
    "Split",
    "Splitting",
    "open_dataset",
    "steps_per_epoch",
    "train_batches",
]
