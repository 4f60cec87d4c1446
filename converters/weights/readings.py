"""A way to understand a file: one of its networks as a supernet, or a stand-alone network, of one space."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from converters.weights.files import Source
from converters.weights.names import Found
from toolkit.backends.hypernet import NAME as HYPER
from toolkit.backends.hypernet import is_hyper
from toolkit.backends.shapes import Shape, is_slope, shapes
from toolkit.spaces import SearchSpace
from toolkit.spaces.conditioning import ConditionedSpace, Sees
from toolkit.spaces.enhancement import EnhancedSpace
from toolkit.spaces.grouping import GroupedSpace, Layers, elastic_layers
from toolkit.spaces.hyper import Form
from toolkit.spaces.own import SHARED, Own
from toolkit.spaces.plans import Plan
from toolkit.spaces.primitives import Activate, Norm
from toolkit.spaces.splitting import Split, SplitSpace, split_problems, without_branch
from toolkit.spaces.wiring import graph

_COPY = re.compile(r"d([0-9]{1,4})o([0-9]{1,4}(?:_[0-9]{1,4})*)")
"""In the name of a split block's copy: the decision and the options that it serves, by index."""

_GROUP = re.compile(r"blocks\.([0-9]{1,4})\.(.+)\.groups\.([0-9]{1,6})\.[^.]+")
"""The name of a tensor of a group of widths: position, layer, the group."""


RHO = 0.5
"""How far a HyperNet is taken to go, for no tensor tells: the default of recipes."""


@dataclass(frozen=True)
class Reading:
    """`network` of `source` as the supernet of `space` or, with a `code`, as that stand-alone network."""

    source: Source
    network: Found
    space: SearchSpace
    code: str | None

    @property
    def what(self) -> str:
        """In words."""
        return "stand-alone network asked for" if self.code else "supernet"

    @property
    def expected(self) -> dict[str, Shape]:
        """Names and shapes of the tensors that there must be, by ours."""
        return shapes(self.space.widest if self.code is None else self.space.plans(self.space.parse(self.code)))

    @property
    def is_paddle(self) -> bool:
        """Whether linear weights are (in, out)."""
        return self.network.paddle or (self.source.framework == "paddle" and not self.network.torch)

    def array(self, name: str) -> npt.NDArray[Any]:
        """A tensor in our layout."""
        array = self.source.tensors[self.network.keys[name]]
        return array.T if array.ndim == 2 and self.is_paddle else array

    def fits(self) -> bool:
        """Whether every tensor is there, once and in the right shape."""
        return not any(self.problems())

    def agreement(self) -> tuple[int, int]:
        """How many tensors are there in the right shape, and in any."""
        there = [(name, shape) for name, shape in self.expected.items() if name in self.network.keys]
        return sum(self.array(name).shape == shape for name, shape in there), len(there)

    def problems(self) -> Iterator[str]:
        """Every tensor that is missing, ambiguous or of another shape."""
        path, space = self.source.path, self.space.name
        for name, shape in self.expected.items():
            if name not in self.network.keys:
                yield f"{path}: tensor {name} of {space} is missing"
            elif self.array(name).shape != shape:
                key = self.network.keys[name]
                needed = shape[::-1] if len(shape) == 2 and self.is_paddle else shape
                found = self.source.tensors[key].shape
                yield f"{path}: tensor {key} has shape {found}, but {space} needs {needed} there"
        for name, others in self.network.twice.items():
            first = self.source.tensors[self.network.keys[name]]
            if not all(np.array_equal(first, self.source.tensors[other]) for other in others):
                yield f"{path}: more than one of its tensors may be {name}; it is not clear which to take"
        if self.network.paddle and self.network.torch:
            yield (
                f"{path}: its statistics are named partly as in Paddle and partly as in PyTorch, so nobody can tell "
                "whether linear weights are transposed"
            )


@dataclass(frozen=True)
class _NamedGroups(GroupedSpace):
    """Groups as the names of tensors tell them: by position, and the attribute of its plan that says the width."""

    named: tuple[tuple[tuple[int, str], Own], ...] = ()

    @override
    def owns(self, layers: Layers) -> Own:
        return dict(self.named).get((layers.position, layers.field), SHARED)


def read_as(
    space: SearchSpace, code: str | None, network: Found, source: Source, dropped: Callable[[str], bool]
) -> Reading:
    """`network` as one of `space`, for as many channels and classes as its tensors have.

    A supernet has the splits, groups of widths, HyperNets and learned activations that its names tell; other
    activations, widths that run in place of others, and how far a HyperNet may go, have no tensor and stay unknown.

    Args:
        dropped: whether the file's tensor of that name may be lost, so that it tells nothing.

    Raises:
        InputError: `code` is not of this space.
    """
    if code is None:
        told = [name for name, key in network.keys.items() if not dropped(key)]
        if any(map(is_slope, told)):
            space = EnhancedSpace(space, (), "prelu")
        if groups := _groups(space, told):
            space = _NamedGroups(space, named=groups)
        if any(map(is_hyper, told)):
            space = _weak(space, {name: source.tensors[network.keys[name]].shape for name in told})
        if splits := _splits(space, told):
            space = SplitSpace(space, splits)
    elif network.layout.packed:
        network = network.spread([plan is not None for plan in space.plans(space.parse(code))])
    names = list(Reading(source, network, space, code).expected)
    if names[0] in network.keys and names[-1] in network.keys:
        first, last = (source.tensors[network.keys[name]].shape for name in (names[0], names[-1]))
        if len(first) == 4 and len(last) == 1 and 0 not in (*first, *last):
            space = space.for_images(first[1], space.size, last[0])
    return Reading(source, network, space, code)


def _groups(space: SearchSpace, names: Iterable[str]) -> tuple[tuple[tuple[int, str], Own], ...]:
    """The groups of widths of a supernet of ours: `blocks.3.conv1.groups.8.weight`; those that serve no layer left out.

    Returns:
        by position, and the attribute of its plan that says the width.
    """
    found: dict[tuple[int, str], dict[str, set[int]]] = {}
    for match in filter(None, map(_GROUP.fullmatch, map(without_branch, names))):
        position, layer, group = match.groups()
        plan = space.widest[int(position)] if int(position) < len(space.widest) else None
        if plan is not None and layer in (known := _layers(plan)):
            field, kind = known[layer]
            found.setdefault((int(position), field), {}).setdefault(kind, set()).add(int(group))
    groups = []
    for layers in elastic_layers(space) if found else ():
        kinds = found.get((layers.position, layers.field), {})
        own = {kind: tuple(sorted(sizes)) for kind, sizes in kinds.items() if max(sizes) >= max(layers.users)}
        groups.append(((layers.position, layers.field), Own(**own)))
    return tuple(groups)


def _weak(space: SearchSpace, shapes_: Mapping[str, Shape]) -> SearchSpace:
    """Weakly shared weights by the names and shapes of a HyperNet's tensors; `RHO` is a guess."""
    tensors = {name: shape for name, shape in shapes_.items() if is_hyper(name)}
    kernels = {last for name in tensors if (last := name.rpartition(".")[2]).startswith("kernel")}
    ranks = [shape[0] for name, shape in tensors.items() if name.endswith(f".{HYPER}.right") and shape]
    form: Form = "low-rank" if ranks else "mixture" if kernels else "scale"
    terms = ranks[0] if ranks else len(kernels)
    hidden = next((shape[0] for name, shape in tensors.items() if name.endswith(f".{HYPER}.0.bias") and shape), 1)
    made = [ConditionedSpace(space, form, RHO, hidden, terms, sees) for sees in get_args(Sees)]
    bodies = [name for name in tensors if name.endswith(f".{HYPER}.0.weight")]
    return next((each for each in made if all(_agree(each, name, tensors[name]) for name in bodies)), made[0])


def _agree(space: SearchSpace, name: str, shape: Shape) -> bool:
    """Whether a tensor has its shape there, or that transposed."""
    return sorted(shapes(space.widest).get(name, ())) == sorted(shape)


@cache
def _layers(plan: Plan) -> dict[str, tuple[str, str]]:
    """By the name of each layer: the attribute that says its width, and what it is in `Own`."""
    kinds = {Norm: "norms", Activate: "activations"}
    return {step.name: (step.field, kinds.get(type(step.op), "convs")) for step in graph(plan).steps if step.name}


def _splits(space: SearchSpace, names: Iterable[str]) -> tuple[Split, ...]:
    """The few-shot splits of a supernet of ours, which its names tell: `blocks.3.d9o0_1.conv1.weight`."""
    groups: dict[int, set[str]] = {}
    for name in names:
        for part in name.split(".")[2:3]:
            for number, options in _COPY.findall(part):
                groups.setdefault(int(number), set()).add(options)
    splits = []
    for number, found in sorted(groups.items()):
        if number < len(space.decisions):
            decision = space.decisions[number]
            indices = [[int(option) for option in group.split("_")] for group in sorted(found)]
            if max(map(max, indices)) < len(decision.options):
                texts = tuple(tuple(str(decision.options[i]) for i in group) for group in indices)
                splits.append(Split(decision.name, texts))
    return () if split_problems(splits, space) else tuple(splits)
