"""Weights as plain arrays: what a fresh network holds, and what one inherits from another."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from toolkit.backends.base import Network, Trainable, Weights
from toolkit.backends.hypernet import Condition, Modulation, first_tensors, is_hyper, modulations
from toolkit.backends.shapes import extracted, is_matrix, is_slope
from toolkit.errors import InputError
from toolkit.spaces.ancestry import ancestors
from toolkit.spaces.grouping import parted
from toolkit.spaces.plans import Plans
from toolkit.spaces.primitives import Norm, matrix_name
from toolkit.spaces.windows import window
from toolkit.spaces.wiring import Step, graph


def initialise(network: Network, widest: Plans, seed: int) -> None:
    """He-normal convolutions (fan out), classifier N(0, 0.01), residual branches silent at first where a plan says so.

    A silent branch has a scale of 0 in its last batch norm (Goyal et al., arXiv 1706.02677). Without it, dozens of
    blocks whose widths change at every step hardly start to learn. Weights are drawn in numpy, so that a seed gives
    the same ones in every framework.

    Args:
        network: made of `widest`, its batch norms fresh.
    """
    rng = np.random.default_rng(seed)
    weights = network.weights()
    for name, array in sorted(weights.items()):
        if parted(name)[1] is not None or is_hyper(name):
            continue  # so that groups and HyperNets change nothing that is drawn
        if array.ndim == 4:
            fan_out = len(array) * array[0, 0].size
            weights[name] = rng.standard_normal(array.shape, np.float32) * np.float32((2 / fan_out) ** 0.5)
        elif is_matrix(name):
            weights[name] = np.eye(len(array), dtype=np.float32)
        elif array.ndim == 2:
            weights[name] = rng.standard_normal(array.shape, np.float32) * np.float32(0.01)
    for index, plan in enumerate(widest):
        for step in graph(plan).steps if plan is not None else ():
            if step.silent:
                name = f"blocks.{index}.{step.name}.weight"
                weights[name] = np.zeros_like(weights[name])
    weights |= first_tensors({name: array.shape for name, array in weights.items() if is_hyper(name)}, seed)
    network.load_weights(inherited(weights, trunk_of(weights)))


def inherited(own: Weights, available: Mapping[str, npt.NDArray[np.float32]]) -> Weights:
    """`own` weights, set to those they descend from (`ancestors`), cut to size (`part_of`).

    A HyperNet begins as it is where there was none.

    Raises:
        InputError: a weight has no ancestor, and is no slope of an activation, or has one that is narrower.
    """
    found = ancestors(own, available)
    fresh = not any(map(is_hyper, available))
    cut = {name: part_of(available, old, own[name].shape) for name, old in found.items()}
    lacking = [name for name in own if name not in found and not is_slope(name)]
    problems = [f"tensor {name} is missing" for name in lacking if not (fresh and is_hyper(name))]
    problems += [
        f"tensor {found[name]} has shape {available[found[name]].shape}, needed is {own[name].shape} or more"
        for name, array in cut.items()
        if array.shape != own[name].shape
    ]
    problems += [
        f"tensor {name} has shape {available[old].shape}, that of this HyperNet has {own[name].shape}"
        for name, old in found.items()
        if is_hyper(name) and available[old].shape != own[name].shape
    ]
    if problems:
        raise InputError(problems)
    return own | cut


def part_of(weights: Mapping[str, npt.NDArray[np.float32]], name: str, shape: Sequence[int]) -> npt.NDArray[np.float32]:
    """The part of this shape of a weight: its window, or the smaller kernel that the matrices beside it make of it.

    As the backends do it: each kernel is the centre of the one before, as a vector, times a matrix, in double
    precision. What is too small for the shape is returned as far as it goes.
    """
    held = weights[name]
    layer = name.removesuffix(".weight")
    if held.ndim == 4 and held.shape[2] > shape[2]:
        kernels = range(held.shape[2], shape[2] - 1, -2)
        chain = [pair for pair in combinations(kernels, 2) if f"{layer}.{matrix_name(*pair)}" in weights]
        if chain and chain[-1][1] == shape[2]:
            filters = held[tuple(map(slice, shape[:2]))].astype(np.float64)
            for before, after in chain:
                centre = filters[window(filters.shape, (*filters.shape[:2], after, after))]
                matrix = weights[f"{layer}.{matrix_name(before, after)}"].astype(np.float64)
                filters = (centre.reshape(len(centre), -1) @ matrix.T).reshape(centre.shape)
            return filters.astype(held.dtype)
    return held[window(held.shape, shape)]


def trunk_of(weights: Mapping[str, npt.NDArray[np.float32]]) -> Weights:
    """`weights` without those of groups of widths and of HyperNets."""
    return {name: array for name, array in weights.items() if parted(name)[1] is None and not is_hyper(name)}


def path_weights(plans: Plans, weights: Mapping[str, npt.NDArray[np.float32]]) -> Weights:
    """The weights that a path of a supernet runs on: of the group that serves a width, cut to size, modulated.

    Args:
        weights: of a supernet that holds these plans.

    Returns:
        by the names they have in a network of these plans alone, which computes the same.
    """
    cut = {name: part_of(weights, name, shape) for name, shape in extracted(plans).items()}
    found = {parted(name)[0]: array for name, array in cut.items() if not is_hyper(name)}

    def fold(name: str, step: Step, modulation: Modulation, condition: Condition) -> None:
        weight, bias = f"{name}.weight", f"{name}.bias"
        if isinstance(step.op, Norm):
            found[weight], found[bias] = modulation.affine(found[weight], found[bias], condition)
        else:
            found[weight] = modulation.filters(found[weight], condition)

    modulations(plans, cut, fold)
    return found


def with_slope(weights: Weights, slope: float) -> Weights:
    """`weights`, but every learned activation has this slope for x < 0; 0 makes it a ReLU."""
    return {name: np.full_like(a, slope) if is_slope(name) else a for name, a in weights.items()}


def check_weights(network: Trainable, weights: Mapping[str, npt.NDArray[np.float32]]) -> None:
    """Compare the names and shapes of `weights` with those of a network.

    Raises:
        InputError: they differ; names every one.
    """
    own = {name: array.shape for name, array in network.weights().items()}
    problems = [f"tensor {name} is missing" for name in own if name not in weights]
    problems += [f"tensor {name} is unknown to this network" for name in weights if name not in own]
    problems += [
        f"tensor {name} has shape {weights[name].shape}, this network's has {shape}"
        for name, shape in own.items()
        if name in weights and weights[name].shape != shape
    ]
    if problems:
        raise InputError(problems)
