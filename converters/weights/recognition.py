"""Which network a file of weights holds, tensor by tensor. Of several possible answers none is guessed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from converters.weights.files import Source, some
from converters.weights.names import Found, find_networks
from converters.weights.readings import Reading, read_as
from toolkit.backends.base import Weights
from toolkit.errors import InputError
from toolkit.names import did_you_mean
from toolkit.spaces import SPACES, SearchSpace, get_space

MOMENTUM = 0.1
"""Of batch norm, in PyTorch's terms: the share of the newest batch. Paddle writes the complement, 0.9."""


NETWORKS = 64
"""Networks in one file that are looked at, unless one is asked for."""


@dataclass(frozen=True)
class Ask:
    """What the user says of a file; None: it is to be found out.

    Attributes:
        space: name of the search space.
        code: the weights are those of this candidate's stand-alone network, not a supernet's.
        network: label or prefix of one of several networks in the file.
        size: height of the images that the network is for, which no weight tells; default: the space's own.
        drop: patterns (`*.p_relu.weight`) of tensors that the space has no place for and that may be lost.
    """

    space: str | None = None
    code: str | None = None
    network: str | None = None
    size: int | None = None
    drop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """A tensor of the network (our `name`) and the file's `key` for it; `change`: what was done to its numbers."""

    name: str
    key: str
    change: str


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A tensor of the file that is not taken over, and why."""

    key: str
    why: str


@dataclass(frozen=True)
class Recognised:
    """A network of a file: its weights under our names, and what became of every tensor in the file.

    Attributes:
        space: for the images that the network was made for.
        code: of a stand-alone network; None for a supernet.
        network: what the network is called in the file.
        layout: whose names it has.
    """

    space: SearchSpace
    code: str | None
    network: str
    layout: str
    weights: Weights
    matches: tuple[Match, ...]
    unmatched: tuple[Unmatched, ...]
    notes: tuple[str, ...]


def recognise(source: Source, ask: Ask) -> Recognised:
    """Find the network that is asked for, or the only one there is.

    Raises:
        InputError: no network, several that could be meant, tensors missing, of another shape, or without a place.
    """
    network, code = ask.network, ask.code or source.code
    if source.facts and network is None:
        network = "model"  # its moving average, if it holds one, has to be asked for
    if code and not (ask.space or source.space):
        raise InputError(f"{source.path}: a code alone does not say of which space it is; name the space too")
    networks = _asked(source, network)
    if len(networks) > NETWORKS:  # each is held against each space
        raise InputError(
            f"{source.path}: holds {len(networks):,} networks ({some([one.label for one in networks])}), and no more "
            f"than {NETWORKS} are compared; choose one with --network"
        )
    names = [name] if (name := ask.space or source.space) else list(SPACES)
    dropped = partial(_matches, ask.drop)
    readings = [read_as(get_space(each), code, one, source, dropped) for each in names for one in networks]
    reading = _only(source, readings)
    unmatched, problems, notes = _the_rest(source, reading, dropped)
    if problems:
        raise InputError(problems)
    size = ask.size or (source.facts.size if source.facts else reading.space.size)
    space = reading.space.for_images(reading.space.channels, size, reading.space.classes)
    weights = {name: _float32(reading.array(name)) for name in reading.expected}
    broken = [reading.network.keys[name] for name, array in weights.items() if not np.isfinite(array).all()]
    if broken:
        notes.append(f"holds numbers that are not finite: {some(broken)}")
    keys, kit = reading.network.keys, reading.network.layout.kit
    matches = tuple(
        Match(name, keys[name], _change(source.tensors[keys[name]], transposed=reading.is_paddle)) for name in weights
    )
    return Recognised(space, code, reading.network.label, kit, weights, matches, tuple(unmatched), tuple(notes))


def _asked(source: Source, network: str | None) -> list[Found]:
    """The networks of a file that have the label or prefix asked for; all if none is."""
    networks = find_networks(source.tensors)
    if not networks:
        raise InputError(
            f"{source.path}: none of its {len(source.tensors)} tensors has a known name (it has: "
            f"{some(list(source.tensors))}); known are "
            "names as in `blocks.1.conv1.weight` and `layer1.0.conv1.0.weight`, after any prefix"
        )
    if network is None:
        return networks
    chosen = [one for one in networks if network in (one.label, one.prefix, one.prefix.removesuffix("."))]
    if not chosen:
        labels = dict.fromkeys(one.label for one in networks)
        raise InputError(f"{source.path}: holds no network {network!r}{did_you_mean(network, labels)}")
    return chosen


def _only(source: Source, readings: Sequence[Reading]) -> Reading:
    """The one that fits.

    Raises:
        InputError: none does, or several do.
    """
    fitting = [reading for reading in readings if reading.fits()]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        nearest = max(readings, key=Reading.agreement)
        several = len({reading.space.name for reading in readings}) > 1
        what = "nearest of all spaces is the" if several else "this is not the"
        hint = (
            f"{source.path}: {what} {nearest.what} of {nearest.space.name}, for its network {nearest.network.label!r} "
            "differs as listed; for a stand-alone network name the space and the code"
        )
        raise InputError([*nearest.problems(), hint])
    if len({reading.space.widest for reading in fitting}) == 1:
        # One network, whose codes mean different things: it is of the space that is made for as many classes.
        made = [reading for reading in fitting if SPACES[reading.space.name].classes == reading.space.classes]
        if len(made) == 1:
            return made[0]
    labels = dict.fromkeys(reading.network.label for reading in fitting)
    names = dict.fromkeys(reading.space.name for reading in fitting)
    problems = []
    if len(labels) > 1:
        problems.append(f"{source.path}: holds several networks: {', '.join(labels)}; choose one with --network")
    if len(names) > 1:
        problems.append(f"{source.path}: fits several spaces: {', '.join(names)}; choose one with --space")
    raise InputError(problems)


def _matches(patterns: Sequence[str], key: str) -> bool:
    return any(fnmatchcase(key, pattern) for pattern in patterns)


def _the_rest(
    source: Source, reading: Reading, dropped: Callable[[str], bool]
) -> tuple[list[Unmatched], list[str], list[str]]:
    """What becomes of the tensors that are not matched: told, problems, notes."""
    taken = {reading.network.keys[name] for name in reading.expected}
    own = {key: name for name, key in reading.network.keys.items()}
    others = {key: one.label for one in find_networks(source.tensors) for key in one.keys.values()}
    copies = {other: reading.network.keys[name] for name, same in reading.network.twice.items() for other in same}
    unmatched, problems, momenta = [], [], set()
    for key, array in source.tensors.items():
        if key in taken:
            continue
        last = key.rpartition(".")[2]
        if key in copies:
            unmatched.append(Unmatched(key, f"the same tensor as {copies[key]}"))
        elif key not in own:
            why = f"of another network in the file, {others[key]}" if key in others else "not part of a network"
            unmatched.append(Unmatched(key, why))
        elif dropped(key):
            unmatched.append(Unmatched(key, "dropped, as asked"))
        elif last == "num_batches_tracked":
            unmatched.append(Unmatched(key, "a counter that nothing reads"))
        elif last in ("momentum", "_momentum") and array.size == 1:
            given = float(array.reshape(-1)[0])
            momentum = round(1 - given if reading.is_paddle else given, 6)
            momenta.add(momentum)
            unmatched.append(Unmatched(key, f"batch-norm momentum {given:g}, which is {momentum:g} in PyTorch's terms"))
        else:
            problems.append(
                f"{source.path}: {reading.space.name} has no place for tensor {key}, shape {array.shape}; the network "
                f"would not compute the same without it. If that is wanted: --drop {key!r}, or a pattern"
            )
    notes = [
        f"trained with batch-norm momentum {momentum:g} (in PyTorch's terms); training goes on with {MOMENTUM}"
        for momentum in sorted(momenta - {MOMENTUM})
    ]
    if source.others:
        notes.append(f"not tensors, left behind: {some(source.others)}")
    if source.opaque:
        notes.append(f"objects of other programs, not looked into, nothing of them executed: {some(source.opaque)}")
    return unmatched, problems, notes


def _float32(array: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """A dense copy in our precision."""
    return np.array(array, np.float32, order="C")


def _change(given: npt.NDArray[Any], *, transposed: bool) -> str:
    """What is done to a tensor's numbers, in words; empty if nothing."""
    changes = []
    if transposed and given.ndim == 2:
        changes.append(f"{given.shape} transposed to {given.T.shape}")
    if given.dtype != np.float32:
        changes.append(f"{given.dtype.name} to float32")
    return ", ".join(changes)
