"""NSAS: what one path learns must not make an archive of diverse ones forget (Zhang et al., CVPR 2020)."""

from collections.abc import Mapping
from typing import Any, ClassVar, cast

import numpy as np
import numpy.typing as npt
from pydantic import Field
from typing_extensions import override

from toolkit.backends.base import Tensor
from toolkit.errors import InputError
from toolkit.methods.base import Batch, Method, Options, State
from toolkit.spaces import Arch, SearchSpace

Archs = npt.NDArray[np.int64]
"""Architectures, shape (count, decisions)."""

Floats = npt.NDArray[np.float64]


class NSASOptions(Options):
    """Options of NSAS. Defaults are those of the second place of the 2022 challenge."""

    archive: int = Field(10, ge=2, description="paths that must not be forgotten")
    archive_share: float = Field(0.5, ge=0.0, le=1.0, description="their part in the loss; the rest is the new path's")
    recent: int = Field(100, ge=1, description="paths trained last, from which the archive is renewed")
    neighbours: int = Field(9, ge=1, description="nearest members, whose mean distance says how novel a path is")


class NSAS(Method):
    """A random path and, with equal weight, the mean over an archive that is kept as diverse as possible.

    The first different paths fill the archive. From then on its least novel member gives way to the most novel of the
    recent paths, if that is the more novel of the two. A distance is the share of decisions answered differently.
    """

    name = "nsas"
    summary = "a random path, and diverse ones not to be forgotten (NSAS, doi 10.1109/CVPR42600.2020.00783)"
    options_type: ClassVar[type[Options]] = NSASOptions

    def __init__(self, space: SearchSpace, options: Options) -> None:
        super().__init__(space, options)
        self._memory: dict[str, Archs] = {
            name: np.empty((0, len(space.decisions)), np.int64) for name in ("archive", "recent")
        }

    @override
    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Loss: (1 - archive_share) CE(new path) + archive_share (mean of CE over the archive)."""
        (arch,) = self.sample(batch, 1)
        archive = [tuple(answers) for answers in self._memory["archive"].tolist()]
        share = cast(NSASOptions, self.options).archive_share if archive else 0.0
        values = {"loss": self._learn(batch, arch, 1 - share)}
        if share:
            losses = [self._learn(batch, member, share / len(archive)) for member in archive]
            values["archive_loss"] = sum(losses) / len(losses)
        self._remember(arch)
        return values

    @override
    def state(self) -> State:
        """`archive` and `recent`, each of shape (paths, decisions)."""
        return super().state() | {name: archs.copy() for name, archs in self._memory.items()}

    @override
    def load_state(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        for name, archs in self._memory.items():
            given = state.get(name)
            if given is None or given.dtype != archs.dtype or given.shape[1:] != archs.shape[1:]:
                raise InputError(f"method.{name}: its memory in the checkpoint is of another method; take another one")
        super().load_state(state)
        self._memory = {name: state[name].copy() for name in self._memory}

    def _learn(self, batch: Batch, arch: Arch, weight: float) -> Tensor:
        net = batch.net
        loss = net.ops.cross_entropy(self.run(batch, arch), batch.labels, self.options.label_smoothing)
        net.ops.backward(weight * loss)
        return net.ops.detach(loss)

    def _remember(self, arch: Arch) -> None:
        options = cast(NSASOptions, self.options)
        shaping = [place for place, decision in enumerate(self.space.decisions) if decision.blocks]
        recent = np.vstack([self._memory["recent"], np.array([arch], np.int64)])[-options.recent :]
        archive = renewed(self._memory["archive"], recent, options.archive, options.neighbours, shaping)
        self._memory = {"archive": archive, "recent": recent}


def renewed(archive: Archs, recent: Archs, size: int, neighbours: int, shaping: list[int]) -> Archs:
    """The archive after a step; `shaping` are the decisions that count. Shapes (paths, decisions)."""
    new = recent[(distances(recent, archive, shaping) > 0).all(1)]
    if not len(new):
        return archive
    if len(archive) < size:
        return np.vstack([archive, new[-1:]])
    # The first neighbour of a member is itself.
    novelty = np.sort(distances(archive, archive, shaping))[:, 1 : 1 + neighbours].mean(1)
    least = int(novelty.argmin())
    others = np.delete(archive, least, 0)
    candidates = np.sort(distances(new, others, shaping))[:, :neighbours].mean(1)
    most = int(candidates.argmax())
    return np.vstack([others, new[most]]) if candidates[most] > novelty[least] else archive


def distances(first: Archs, second: Archs, shaping: list[int]) -> Floats:
    """Shares of the decisions `shaping` that are answered differently, shape (of first, of second)."""
    apart: Floats = (first[:, None, shaping] != second[None, :, shaping]).mean(2)
    return apart
