"""From a recipe to the things it names."""

from collections.abc import Callable

from toolkit.backends import get_backend
from toolkit.backends.base import Backend, Network, Weights
from toolkit.backends.hypernet import is_hyper
from toolkit.backends.weights import inherited
from toolkit.data import open_dataset
from toolkit.data.base import Dataset, Progress
from toolkit.errors import InputError
from toolkit.runs.checkpoint import Checkpoint
from toolkit.runs.recipe import Recipe
from toolkit.spaces import SearchSpace, get_space
from toolkit.spaces.ancestry import ancestors
from toolkit.spaces.derived import DerivedSpace

Note = Callable[[str], None]
"""Called with a few words on how it goes."""


def quiet(*_: object) -> None:
    """A `Progress` or `Note` that shows nothing."""


def open_data(recipe: Recipe, progress: Progress = quiet, *, verify: bool = False) -> Dataset:
    """The recipe's data set, split as it says; with `verify`, every training image is decoded once to find bad ones."""
    data = recipe.data
    return open_dataset(
        data.source,
        size=data.size,
        seed=data.split_seed,
        calibration=data.calibration,
        validation=data.validation,
        bad_images=data.bad_images,
        verify=verify,
        progress=progress,
        mean=data.mean,
        std=data.std,
        augmentation=None if data.augmentation is None else data.augmentation.made,
    )


def open_space(recipe: Recipe, data: Dataset) -> SearchSpace:
    """The recipe's space, its supernet as the recipe says, for the images of `data`."""
    return recipe.derive(get_space(recipe.space)).for_images(data.spec.channels, data.spec.size, data.spec.classes)


def open_backend(recipe: Recipe, threads: int | None = None) -> Backend:
    """The recipe's backend, on its device; `threads` overrides the recipe's number of CPU threads."""
    return get_backend(recipe.backend, recipe.device, recipe.training.precision, threads or recipe.threads)


def load_weights(
    network: Network, checkpoint: Checkpoint, where: str, *, averaged: bool = False, resized: bool = False
) -> None:
    """Put a checkpoint's weights (or their moving average) into a network of the same space.

    Where the network is split or grouped further than the one that was saved, copies begin with its weights. With
    `resized`, they may have been trained on images of another size, as where training goes on with larger ones, and
    without a HyperNet, which then begins.

    Raises:
        InputError: the checkpoint is of another space, for other images, or has no moving average; or only one of
            network and checkpoint has a HyperNet.
    """
    space, facts = network.space, checkpoint.facts
    size = space.size if resized else facts.size
    if (facts.space, facts.channels, size, facts.classes) != (
        space.name,
        space.channels,
        space.size,
        space.classes,
    ):
        raise InputError(
            f"{where}: a checkpoint of space {facts.space} for {facts.channels}x{facts.size}x{facts.size} images and "
            f"{facts.classes} classes; needed is {space.name} for {space.channels}x{space.size}x{space.size} and "
            f"{space.classes} classes"
        )
    weights = checkpoint.ema if averaged else checkpoint.model
    if averaged and not weights:
        raise InputError(f"{where}: holds no moving average of the weights; train with training.ema set")
    own, weak = network.weights(), any(map(is_hyper, weights))
    if not (resized or weak) and any(map(is_hyper, own)):
        raise InputError(
            f"{where}: holds plainly shared weights, and this supernet has a HyperNet ([supernet.weak]); take the "
            "recipe that it was trained with, or go on training from it: initial.weights"
        )
    try:
        network.load_weights(descended(own, weights) if weak or isinstance(space, DerivedSpace) else weights)
    except InputError as error:
        raise InputError(f"{where}: {problem}" for problem in error.problems) from error


def descended(own: Weights, weights: Weights) -> Weights:
    """`own` weights of a network that goes on where one ended that was split or grouped less, or just as much.

    Raises:
        InputError: some are missing, or would be lost.
    """
    if any(map(is_hyper, weights)) and not any(map(is_hyper, own)):
        raise InputError(
            "holds a HyperNet, for it shares its weights weakly, and this supernet has none; take the recipe that it "
            "was trained with, whose [supernet.weak] says how"
        )
    if lost := weights.keys() - ancestors(own, weights).values():
        raise InputError(f"tensor {name} would be lost, for this supernet has no such" for name in sorted(lost))
    return inherited(own, weights)
