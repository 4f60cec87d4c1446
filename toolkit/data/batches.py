"""Training batches: every one a function of (seed, epoch, step), made ahead of time by one thread."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from toolkit.backends.base import Images, Labels
from toolkit.data.augmentation import Augmentation, SoftLabels, distorted, mixed, mixed_labels, partners
from toolkit.data.base import AUGMENTATION, DRAWS, HELD_OUT, ORDER, ImageSpec, Indices, Split
from toolkit.errors import InputError

T = TypeVar("T")


def steps_per_epoch(images: int, batch_size: int) -> int:
    """Whole batches in one pass over `images`; the incomplete last one is dropped.

    Raises:
        InputError: there is not even one.
    """
    if not 1 <= batch_size <= images:
        raise InputError(f"batch size {batch_size}: choose from 1 to {images}, the number of training images")
    return images // batch_size


def train_batches(
    split: Split,
    *,
    batch_size: int,
    seed: int,
    epoch: int,
    start: int = 0,
    rank: int = 0,
    world: int = 1,
    view: int = 0,
    held_out: bool = False,
    prefetch: int = 2,
    augmentation: Augmentation | None = None,
    spec: ImageSpec | None = None,
) -> Iterator[tuple[Images, Labels | SoftLabels]]:
    """One epoch's augmented batches from step `start` on, each image once at most.

    `batch_size` counts the images of all `world` processes. Process `rank` gets its contiguous share of every batch,
    pixel for pixel what a single process would have put there. Up to `prefetch` batches are made ahead; errors in
    making one arrive when it is due. The thread ends with the iterator, however that ends.

    Args:
        augmentation: what images go through after crop and flip. With mixup, labels are shares of the classes, float32
            of shape (n, classes).
        spec: of the images, which only augmentation asks for.
        view: another number augments the same images in the same order anew.
        held_out: the order and augmentation are those of images set aside.

    Raises:
        InputError: the split has fewer images than a batch, or a batch cannot be shared out evenly.
    """
    images = len(split.labels)
    steps = steps_per_epoch(images, batch_size)
    if batch_size % world:
        raise InputError(f"batch size {batch_size}: choose a multiple of {world}, the number of processes")
    apart = (HELD_OUT,) if held_out else ()
    again = (view,) if view else ()
    order = np.random.default_rng([seed, ORDER, epoch, *apart]).permutation(images)
    share = batch_size // world
    mine = slice(rank * share, (rank + 1) * share)

    def seen(step: int, rows: slice | Indices) -> tuple[Images, Labels]:
        """Some images of a batch after all that happens to each by itself."""
        indices = order[step * batch_size :][:batch_size][rows]
        draws = np.random.default_rng([seed, AUGMENTATION, epoch, step, *apart, *again]).random((batch_size, DRAWS))
        images = split.augmented(indices, draws[rows])
        if augmentation is not None and spec is not None:
            images = distorted(images, augmentation, spec.mean, (seed, epoch, step, *apart, *again), rows, batch_size)
        return images, split.labels[indices]

    def batch(step: int) -> tuple[Images, Labels | SoftLabels]:
        if augmentation is None or augmentation.mixup is None or spec is None:
            return seen(step, mine)
        partner, kept = partners(augmentation.mixup, (seed, epoch, step, *apart), batch_size)  # alike in all views
        own = np.arange(batch_size)[mine]
        rows, place = np.unique(np.concatenate([own, partner[mine]]), return_inverse=True)
        images, labels = seen(step, rows)
        one, other = place[:share], place[share:]
        return (
            mixed(images[one], images[other], kept),
            mixed_labels(labels[one], labels[other], kept, spec.classes),
        )

    return _ahead(batch, range(start, steps), prefetch)


def held_out_batches(
    split: Split, *, batch_size: int, seed: int, start: int = 0, rank: int = 0, world: int = 1
) -> Iterator[tuple[Images, Labels | SoftLabels]]:
    """Augmented batches of images set aside, one for each step of a training from step `start` on, without an end.

    Raises:
        InputError: as `train_batches` does.
    """
    steps = steps_per_epoch(len(split.labels), batch_size)
    while True:
        epoch, first = divmod(start, steps)
        yield from train_batches(
            split, batch_size=batch_size, seed=seed, epoch=epoch, start=first, rank=rank, world=world, held_out=True
        )
        start += steps - first


def _ahead(make: Callable[[int], T], steps: range, depth: int) -> Iterator[T]:
    """make(step) of all `steps` in order, up to `depth` of them made ahead in one thread."""
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="batches")
    waiting: deque[Future[T]] = deque()
    try:
        for step in steps:
            waiting.append(pool.submit(make, step))
            if len(waiting) > depth:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
