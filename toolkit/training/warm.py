"""A stand-alone network that begins with a supernet's weights: the parts that its path runs on."""

from pathlib import Path

import numpy as np

from toolkit.backends.base import Network, Weights
from toolkit.backends.shapes import shapes, used
from toolkit.backends.weights import path_weights
from toolkit.errors import InputError
from toolkit.runs.checkpoint import load_checkpoint
from toolkit.spaces import Arch, SearchSpace


def supernet_weights(checkpoint: Path) -> tuple[Weights, str]:
    """The weights in a checkpoint, their moving average if there is one, and the file's digest."""
    found = load_checkpoint(checkpoint)
    return found.ema or found.model, found.digest


def start_warm(network: Network, space: SearchSpace, arch: Arch, supernet: Weights) -> None:
    """Give a stand-alone network of `arch` the weights of its path through the supernet of `space`.

    An auxiliary classifier, which no supernet has, keeps its own.

    Raises:
        InputError: the supernet lacks some of them, as one of another space does.
    """
    own, plans = network.weights(), space.supernet_plans(arch)
    if lacking := [name for name in used(plans) if name not in supernet]:
        raise InputError(f"the supernet has no {name}; give a checkpoint of space {space.name}" for name in lacking)
    path = path_weights(plans, supernet)
    cut, problems = {}, []
    for name in shapes(space.plans(arch)):
        array = own[name]
        source = path.get(name, supernet.get(name))
        part = None if source is None else source[tuple(map(slice, array.shape))]
        if part is None or part.shape != array.shape:
            problems.append(
                f"the supernet has no {name} of shape {array.shape}; give a checkpoint of space {space.name}"
            )
        else:
            cut[name] = np.ascontiguousarray(part)
    if problems:
        raise InputError(problems)
    network.load_weights(own | cut)
