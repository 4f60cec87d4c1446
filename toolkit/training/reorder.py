"""Strongest channels first, so that a narrow path inherits the ones that matter."""

from collections.abc import Collection, Mapping
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from toolkit.backends.base import Weights
from toolkit.backends.shapes import is_matrix
from toolkit.spaces import SearchSpace
from toolkit.spaces.grouping import elastic_layers

_INSIDES = {
    "conv2": ("mid_channels", ("conv1", "bn1"), ()),
    "project": ("mid_channels", ("expand", "bn1", "depthwise", "bn2", "se.expand"), ("se.reduce",)),
    "se.expand": ("squeeze_channels", ("se.reduce",), ()),
}
"""By the layer whose weights tell how much inner channels of a block matter: the attribute of its plan that says how
many there are, the layers that put them out, and those that read them too."""

Kept = Mapping[tuple[str, str], Collection[int]]
"""By block, `blocks.3`, and such an attribute: widths that are trained, so that each keeps the channels that it has."""


def reorder_channels(weights: Mapping[str, npt.NDArray[np.float32]], kept: Kept | None = None) -> Weights:
    """Sort the inner channels of basic blocks, inverted residuals and their squeeze-and-excitation by importance.

    A channel's importance is the L1 norm of the weights that read it in the block's last convolution (the rule of
    once-for-all and of the 2022 challenge's kit). All that puts it out or reads it moves with it, so the largest
    network computes what it did before; what flows between blocks keeps its order.

    Args:
        kept: each width given goes on with the channels that it has, sorted among themselves.
    """
    result = dict(weights)
    for last, (field, writers, readers) in _INSIDES.items():
        suffix = f".{last}.weight"
        for name in [name for name in weights if name.endswith(suffix)]:
            block = name.removesuffix(suffix)
            if f"{block}.{writers[0]}.weight" not in weights:
                continue  # its inner channels are those of the block before
            reader = result[name]
            order = _order(np.abs(reader).sum((0, 2, 3)), (kept or {}).get((block, field), ()))
            result[name] = reader[:, order]
            for other in weights:
                if any(other.startswith(f"{block}.{layer}.") for layer in writers) and not is_matrix(other):
                    result[other] = result[other][order]
                if any(other == f"{block}.{layer}.weight" for layer in readers):
                    result[other] = result[other][:, order]
    return result


def trained_widths(space: SearchSpace, options: Collection[str]) -> dict[tuple[str, str], list[int]]:
    """The widths that some options, written as text, ask for, as `reorder_channels` takes them."""
    return {
        (f"blocks.{layers.position}", layers.field): [
            width for width, users in layers.users.items() if {*users} & {*options}
        ]
        for layers in elastic_layers(space)
    }


def _order(importance: npt.NDArray[np.float32], kept: Collection[int]) -> npt.NDArray[np.intp]:
    """Descending, within each stretch between two widths that are kept."""
    edges = [0, *sorted({*kept} - {len(importance)}), len(importance)]
    stretches = [start + np.argsort(-importance[start:end], kind="stable") for start, end in pairwise(edges)]
    return np.concatenate(stretches)
