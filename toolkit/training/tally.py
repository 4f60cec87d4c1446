"""What was trained how often: counted as gradients flow, kept in checkpoints."""

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from toolkit.backends.base import Network, Norm, Tensor
from toolkit.backends.hypernet import is_hyper
from toolkit.backends.shapes import used_by
from toolkit.errors import InputError
from toolkit.spaces import Arch, Plans, SearchSpace
from toolkit.spaces.plans import unconditioned

State = dict[str, npt.NDArray[np.int64]]

_NETWORKS, _BRANCHES, _WIDTHS = "networks", "branches", "widths."


class Tally:
    """How many networks were trained, and how often each branch, and each width of each layer, among them.

    A network counts once for each backward pass that reaches its logits: what was only looked at does not count.
    Processes of a data-parallel run train the same paths, so each has the same tally.

    Attributes:
        known: False where a run goes on from a checkpoint that holds no counts; those since then say nothing.
    """

    def __init__(self, space: SearchSpace) -> None:
        self.space = space
        self._fresh: Counter[tuple[Arch | None, Plans]] = (
            Counter()
        )  # folded when somebody asks: a step should cost nothing
        self._networks = 0
        self._branches = [
            (number, answer, block)
            for number, decision in enumerate(space.decisions)
            for answer in range(len(decision.options))
            for block in decision.blocks
        ]
        self._times: Counter[tuple[int, int, int]] = Counter()
        self._widths: dict[tuple[int, str], Counter[int]] = {}
        self.known = True

    def watched(self, network: Network) -> Network:
        """`network`, which does what it did and is counted; train through it."""
        return cast(Network, _Watched(network, self))

    def note(self, arch: Arch | None, plans: Plans) -> None:
        """A network was trained: these blocks of the supernet, as a path of `arch` if that is known."""
        self._fresh[arch, unconditioned(plans)] += 1

    @property
    def networks(self) -> int:
        """How many networks were trained."""
        return self._networks + self._fresh.total()

    def branches(self) -> Iterator[tuple[int, int, int, int]]:
        """Decision, option, block, and how often that branch was trained.

        Where groups of widths have weights of their own, training the trunk does not train the branch in that block.
        """
        self._fold()
        yield from ((*branch, self._times[branch]) for branch in self._branches)

    def layers(self) -> Iterator[tuple[int, str, str, int]]:
        """Block, layer, a slice of the channels that it puts out, such as `0:6`, and how often that was trained."""
        self._fold()
        for (block, layer), counted in sorted(self._widths.items()):
            yield from ((block, layer, slice_, times) for slice_, times in slices(counted))

    def state(self) -> State:
        """The counts as arrays, for a checkpoint; none if they are not known."""
        if not self.known:
            return {}
        self._fold()
        widths = {
            f"{_WIDTHS}{block}.{layer}": np.array(sorted(counted.items()), np.int64)
            for (block, layer), counted in sorted(self._widths.items())
        }
        return widths | {
            _NETWORKS: np.array([self._networks], np.int64),
            _BRANCHES: np.array([self._times[branch] for branch in self._branches], np.int64),
        }

    def load_state(self, state: Mapping[str, npt.NDArray[np.int64]]) -> None:
        """Go on from what `state` gave; from nothing, the counts are no longer known.

        Raises:
            InputError: they are those of another space.
        """
        self._fresh.clear()
        self._times.clear()
        self._widths.clear()
        self._networks, self.known = 0, bool(state)
        if not state:
            return
        try:
            (self._networks,) = state[_NETWORKS].tolist()
            self._times.update(dict(zip(self._branches, state[_BRANCHES].tolist(), strict=True)))
            for name in state:
                if name.startswith(_WIDTHS):
                    block, layer = name.removeprefix(_WIDTHS).split(".", 1)
                    self._widths[int(block), layer] = Counter(dict(state[name].tolist()))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError("the counts of what was trained are of another space; take another checkpoint") from error

    def _fold(self) -> None:
        for (arch, run), times in self._fresh.items():
            self._networks += times
            own = run if arch is None else unconditioned(self.space.supernet_plans(arch))
            for number, answer in enumerate(arch or ()):
                for block in self.space.decisions[number].blocks:
                    if run[block] == own[block]:
                        self._times[number, answer, block] += times
            for block, plan in enumerate(run):
                for name, shape in {} if plan is None else used_by(plan).items():
                    if len(shape) > 1 and not is_hyper(name):
                        widths = self._widths.setdefault((block, name.removesuffix(".weight")), Counter())
                        widths[shape[0]] += times
        self._fresh.clear()


class _Watched:
    """A `Network` that tells a tally which of its passes were learnt from."""

    def __init__(self, network: Network, tally: Tally) -> None:
        self._network, self._tally = network, tally

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)

    def run(
        self, plans: Plans, images: Tensor, norm: Norm | None = None, *, path: Arch | None = None, **how: Any
    ) -> Tensor:
        logits = self._network.run(plans, images, norm, path=path, **how)
        self._network.on_gradient(logits, partial(self._tally.note, path, plans))
        return logits


def slices(widths: Mapping[int, int]) -> Iterator[tuple[str, int]]:
    """The slices of channels that are always trained together, and how often: from how often each width was."""
    start = 0
    for width in sorted(widths):
        yield f"{start}:{width}", sum(times for other, times in widths.items() if other >= width)
        start = width
