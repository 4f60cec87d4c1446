"""Folders of images in ImageNet's layout: FOLDER/train/CLASS/*.jpg and FOLDER/val/CLASS/*.jpg.

In place of `val` one also finds `validation`, `valid` or, if there is none of these, `test`.
"""

import hashlib
import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from toolkit.backends.base import Images, Labels
from toolkit.data.arrays import ArraySplit, check_memory
from toolkit.data.base import Dataset, Draws, ImageSpec, Indices, Progress, Split
from toolkit.data.preprocessing import centre, random_crop, rgb
from toolkit.data.splits import Splitting
from toolkit.errors import InputError

warnings.filterwarnings("ignore", module=r"PIL\.")
"""Pillow remarks on odd metadata of images that it decodes all the same; what it cannot decode is told by name."""

SIZE = 224
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
EXTENSIONS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm", ".pgm")
VALIDATION, TEST = ("val", "validation", "valid"), "test"
LAYOUT = "images belong in FOLDER/train/CLASS and, if there are validation images, FOLDER/val/CLASS"

Prepare = Callable[[Image.Image, int], Image.Image]
"""From an opened image and its index among those asked for to an RGB image of the final size."""


@dataclass(frozen=True, eq=False)
class FolderSplit:
    """Image files that are decoded whenever they are asked for.

    Attributes:
        root: the data folder.
        names: the files, strings relative to `root`, with forward slashes.
        labels: shape (n,).
        size: height and width of the images that come out.
    """

    root: Path
    names: npt.NDArray[np.object_]
    labels: Labels
    size: int

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the files' names, sizes in bytes and labels, and the image size; no pixel is read.

        Raises:
            InputError: a file has gone.
        """
        sha = hashlib.sha256(f"{self.size}\n".encode())
        for name, label in zip(self.names, self.labels, strict=True):
            try:
                size = (self.root / name).stat().st_size
            except OSError as error:
                raise InputError(f"{self.root / name}: cannot be read ({error.strerror}); check the folder") from error
            sha.update(os.fsencode(f"{name}\0{size}\0{label}\n"))
        return sha.hexdigest()

    def images(self, indices: Sequence[int] | Indices) -> Images:
        """The centres of the images, decoded now.

        Raises:
            InputError: some cannot be decoded; names every one.
        """
        return self._decode(indices, lambda image, _: centre(image, self.size))

    def augmented(self, indices: Sequence[int] | Indices, draws: Draws) -> Images:
        """Random resized crops of the images, half of them flipped, decoded now.

        Raises:
            InputError: some cannot be decoded; names every one.
        """
        return self._decode(indices, lambda image, i: random_crop(image, self.size, draws[i]))

    def _decode(self, indices: Sequence[int] | Indices, prepare: Prepare) -> Images:
        images, bad = self.take(np.asarray(indices, np.int64)).decode(prepare)
        if bad:
            raise InputError(f"{problem}; replace the file or remove it" for problem in bad.values())
        return images

    def take(self, chosen: Indices | npt.NDArray[np.bool_]) -> "FolderSplit":
        """Some of the files, by index or mask."""
        return replace(self, names=self.names[chosen], labels=self.labels[chosen])

    def decode(
        self, prepare: Prepare, progress: Callable[[int, int], None] | None = None
    ) -> tuple[Images, dict[str, str]]:
        """All files as uint8 of shape (n, 3, size, size); and, by name, what is wrong with those that are broken."""
        images = np.empty((len(self.names), 3, self.size, self.size), np.uint8)

        def read(image: Image.Image, i: int) -> None:
            images[i] = np.asarray(prepare(image, i)).transpose(2, 0, 1)

        return images, self.each(read, progress)

    def check(self, progress: Callable[[int, int], None] | None = None) -> dict[str, str]:
        """Decode all files as small as their format allows; by name, what is wrong with those that are broken."""

        def read(image: Image.Image, _: int) -> None:
            image.draft(None, (1, 1))
            rgb(image).load()

        return self.each(read, progress)

    def each(
        self, work: Callable[[Image.Image, int], None], progress: Callable[[int, int], None] | None = None
    ) -> dict[str, str]:
        """Call `work(image, i)` on all files, in threads: Pillow decodes without Python's lock."""
        count = len(self.names)
        chunk = max(1, min(64, count // 64))  # few tasks for a million files, many enough for all threads with a batch

        def problems(start: int) -> dict[str, str]:
            bad = {}
            for i in range(start, min(start + chunk, count)):
                path = self.root / self.names[i]
                try:
                    with Image.open(path) as image:
                        work(image, i)
                except Exception as error:  # Pillow raises nearly anything on a broken file
                    bad[self.names[i]] = f"{path}: cannot be decoded ({error})"
            return bad

        bad: dict[str, str] = {}
        with ThreadPoolExecutor() as pool:
            for done, found in enumerate(pool.map(problems, range(0, count, chunk)), start=1):
                bad |= found
                if progress:
                    progress(min(done * chunk, count), count)
        return bad


def open_imagefolder(
    root: Path,
    splitting: Splitting,
    *,
    size: int | None,
    bad_images: Literal["error", "skip"],
    verify: bool,
    resident: bool,
    memory_limit: int,
    progress: Progress | None,
) -> Dataset:
    """Read a data folder; `toolkit.data.open_dataset` describes the arguments.

    Raises:
        InputError: the folder is absent, empty or not laid out as it should be; images cannot be decoded; more images
            are asked for than there are, or than fit.
    """
    size = size or SIZE
    classes, train, official, remarks = _listing(root, size)
    spec = ImageSpec(3, size, classes, MEAN, STD)
    parts = splitting.parts(train.labels, official.labels if official else None)
    files = {
        "training": train.take(parts.train),
        "calibration": train.take(parts.calibration),
        "validation": (official or train).take(parts.validation),
    }
    in_memory = [part for part in files if resident or part != "training"]
    check_memory(sum(len(files[part].names) for part in in_memory), spec, memory_limit)

    def report(what: str) -> Callable[[int, int], None] | None:
        return progress and (lambda done, total: progress(what, done, total))

    splits: dict[str, Split] = {}
    bad: dict[str, str] = {}
    for part, split in files.items():
        if part in in_memory:
            images, found = split.decode(lambda image, _: centre(image, size), report(f"reading {part} images"))
            good = _without(split, found)
            splits[part] = ArraySplit(images[good] if found else images, split.labels[good], flip=True)
        else:
            # What is skipped changes the batches, so every process and every resumed run has to find it.
            check = verify or bad_images == "skip"
            found = split.check(report(f"checking {part} images")) if check else {}
            splits[part] = split.take(_without(split, found))
        bad |= found
    if bad and bad_images == "error":
        raise InputError(
            f'{problem}; replace the file, or skip it by data.bad_images = "skip"' for problem in bad.values()
        )
    empty = [part for part, split in splits.items() if not len(split.labels) and len(files[part].labels)]
    if empty:
        raise InputError(f"{root}: none of the {part} images can be decoded; check the files" for part in empty)
    return Dataset(
        root.resolve().name,
        spec,
        splits["training"],
        splits["calibration"],
        splits["validation"],
        tuple(sorted(bad)),
        remarks,
    )


def _without(split: FolderSplit, bad: dict[str, str]) -> npt.NDArray[np.bool_]:
    return np.array([name not in bad for name in split.names], np.bool_)


def _listing(root: Path, size: int) -> tuple[int, FolderSplit, FolderSplit | None, tuple[str, ...]]:
    """The number of classes, the training files, the validation files, if any, and remarks on what is not read.

    Classes and files are sorted by name.
    """
    folders = {"train": _classes(root / "train")}
    official, remarks = _validation(root)
    if official is not None:
        folders[official] = _classes(root / official)
    problems = [
        f"{root / part / name}: holds no images; add some or remove the folder"
        for part, classes in folders.items()
        for name, files in classes.items()
        if not files
    ]
    everywhere = {name for classes in folders.values() for name in classes}
    problems += [
        f"{root / part / name}: there is no such folder, but the other part has this class; both need the same classes"
        for part, classes in folders.items()
        for name in sorted(everywhere - classes.keys())
    ]
    if problems:
        raise InputError(problems)

    def split(part: str) -> FolderSplit:
        classes = folders[part]
        names = [f"{part}/{name}/{file}" for name, files in classes.items() for file in files]
        labels = np.repeat(np.arange(len(classes)), [len(files) for files in classes.values()])
        return FolderSplit(root, np.array(names, np.object_), labels, size)

    return len(everywhere), split("train"), split(official) if official else None, remarks


def _validation(root: Path) -> tuple[str | None, tuple[str, ...]]:
    """The folder of validation images, if there is one, and remarks on folders that nobody might expect to be left out.

    Raises:
        InputError: several could be meant.
    """
    beside = sorted(entry.name for entry in os.scandir(root) if entry.is_dir() and entry.name[0] != ".")
    named = [name for name in VALIDATION if name in beside]
    if len(named) > 1:
        raise InputError(f"{root}: {' and '.join(named)} could all hold the validation images; keep or rename one")
    official = named[0] if named else None
    if official is None and TEST in beside and any(entry.is_dir() for entry in os.scandir(root / TEST)):
        official = TEST
    unread = [name for name in beside if name not in ("train", official)]
    remarks = [f"{root / name} is not read; {LAYOUT}" for name in unread]
    if official == TEST:
        remarks.append(f"{root / TEST} holds the validation images, for there is no {root / VALIDATION[0]}")
    elif official is None and unread:
        remarks.append(f"{root}: a part of train is held out as validation images, a tenth if the recipe says nothing")
    return official, tuple(remarks)


def _classes(folder: Path) -> dict[str, list[str]]:
    """The image files in each class folder; hidden ones and other files do not count.

    Raises:
        InputError: a folder cannot be read, or what is called an image is none: a folder, a pipe, a device, a link to
            nothing. Opening it might never end.
    """
    strange: list[str] = []

    def is_image(entry: os.DirEntry[str]) -> bool:
        if entry.name[0] == "." or not entry.name.lower().endswith(EXTENSIONS):
            return False
        if not entry.is_file():
            strange.append(f"{entry.path}: is no file, but a folder, a pipe, a device or a link to nothing; remove it")
        return True

    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir() and entry.name[0] != ".")
        classes = {name: sorted(entry.name for entry in os.scandir(folder / name) if is_image(entry)) for name in names}
    except OSError as error:
        raise InputError(f"{error.filename}: cannot be read ({error.strerror}); {LAYOUT}") from error
    if strange:
        raise InputError(strange)
    if not classes:
        raise InputError(f"{folder}: holds no class folders; {LAYOUT}")
    return classes
