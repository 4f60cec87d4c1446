"""Training methods as tests make them: with what they cannot do without."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from toolkit.backends.base import Backend, Network
from toolkit.candidates import write_entries
from toolkit.methods import METHODS, Batch, Method
from toolkit.methods.lab import Lab
from toolkit.methods.mixture import MixtureMethod
from toolkit.spaces import SearchSpace

_TRUTHS = 8
_FOLDER = TemporaryDirectory(prefix="truths-")


def make_method(name: str, space: SearchSpace, **options: Any) -> Method:
    """The method called `name`, with default options but these."""
    needed = {"truth": truth_file(space)} if name == "landmark" else {}
    return METHODS[name](space, METHODS[name].options_type(name=name, **needed | options))


def begun(method: Method, backend: Backend, network: Network) -> Method:
    """A method that owns what it needs besides the network."""
    method.begin(Lab(backend, network, 0))
    return method


def make_batch(method: Method, *given: Any, **more: Any) -> Batch:
    """A batch of as many views as the method needs, all alike."""
    batch = Batch(*given, **more)
    return replace(batch, views=method.needs().views * (batch.images,))


EVERYWHERE = [name for name in METHODS if name != "bn-nas" and not issubclass(METHODS[name], MixtureMethod)]
"""Those that take any space.

Others need blocks of their own, which do not begin silent, or cells that run as mixtures.
"""


def alone(methods: Iterable[str] = EVERYWHERE) -> list[str]:
    """Those that own nothing besides the supernet, which fakes of networks are enough for."""
    return [name for name in methods if METHODS[name].begin is Method.begin]


@cache
def truth_file(space: SearchSpace) -> str:
    """A file of different accuracies of a few networks of a space."""
    rng = np.random.default_rng(0)
    archs = {space.sample(rng) for _ in range(_TRUTHS)}
    codes = {f"arch{number}": space.format(arch) for number, arch in enumerate(sorted(archs), start=1)}
    path = Path(_FOLDER.name) / f"{hash(space)}.json"
    write_entries(path, codes, {key: 0.5 + place / 100 for place, key in enumerate(codes)})
    return str(path)
