"""Candidates tested together: every activation that several of them have in common is computed once, exactly.

All images stay resident, so a candidate has no start-up cost. A group of candidates is walked depth first along the
tree of their block plans; at most one activation per depth is alive, besides what blocks share (`memory.py`). A group
of one is the plain evaluation.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from toolkit.backends.base import Backend, Counts, Network, Norm, Tensor
from toolkit.backends.states import State, newest
from toolkit.errors import InputError
from toolkit.evaluation.images import EvaluationSet
from toolkit.evaluation.memory import chunk_for, memory_need, smallest_chunk, together, usual_chunk
from toolkit.evaluation.prefixes import Node, prefix_tree
from toolkit.spaces import Arch, Plan, Plans

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Siblings:
    """Blocks at one position that run on the same input, with what follows each of them."""

    index: int
    plans: tuple[Plan, ...]
    following: "tuple[_Prefix, ...]"


@dataclass(frozen=True, slots=True)
class _Prefix:
    """A node of the tree, ready to run: the blocks that follow, and the places of the networks that end here."""

    siblings: tuple[_Siblings, ...]
    ends: tuple[int, ...]


class Evaluator:
    """Tests networks on the same images in the same order, with one batch-norm policy.

    Args:
        chunk: images that pass a network together, at most; by default `together`; the policy `batch` has its own.
        memory: bytes that activations may take; the chunk is made small enough for each group of candidates.
        plans: what the network runs for an architecture; by default a supernet's path.
    """

    def __init__(
        self,
        backend: Backend,
        network: Network,
        images: EvaluationSet,
        chunk: int | None = None,
        memory: int | None = None,
        plans: Callable[[Arch], Plans] | None = None,
    ) -> None:
        self._backend, self._network, self._spec = backend, network, images.spec
        self._plans = plans or network.space.supernet_plans
        self._policy, self._count = images.policy, len(images.labels)
        self._chunk, self._memory = usual_chunk(images.policy, self._count, chunk or together(network.space)), memory
        self._images, self._labels = backend.place(images.pixels), backend.place(images.labels)

    def _chunks(self, size: int, start: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Images from the one numbered `start`, `size` at a time, and the labels of those that are to be tested.

        Calibration images come first: in front of others or, where they do not border on these, alone.
        """
        first = self._policy.calibration
        if first and start:
            yield self._images[:first], self._labels[:0]
            first = 0
        while start < self._count:
            stop = min(start + size - first, self._count)
            begin, end = (self._policy.calibration + place for place in (start - first, stop))
            yield self._images[begin:end], self._labels[start:stop]
            start, first = stop, 0

    def evaluate(self, archs: Sequence[Arch], start: int = 0) -> list[Counts]:
        """Test candidates on all images from the one numbered `start`, for the policy `batch` a multiple of its images.

        Candidates that begin alike share what they have in common.

        Raises:
            InputError: the memory does not suffice.
        """
        nothing = Counts(0, 0, 0, 0.0)
        return [sum(parts, nothing) for parts in self.each(archs, self._network.count, start)]

    def each(self, archs: Sequence[Arch], finish: Callable[[Tensor, Tensor], T], start: int = 0) -> list[list[T]]:
        """What `finish` makes of each network's output for images to test, and of their labels, chunk by chunk.

        Raises:
            InputError: the memory does not suffice.
        """
        prefixes = prefix_tree([(place, self._plans(arch)) for place, arch in enumerate(archs)])
        chunk = self._chunk
        if self._memory is not None:
            need = memory_need(prefixes, self._spec.channels, self._spec.size)
            chunk = min(chunk, chunk_for(self._memory, need, self._policy))
        try:
            return self._outputs(_ready(prefixes), len(archs), chunk, start, finish)
        except self._backend.out_of_memory as error:
            self._chunk = self._smaller(chunk, error)
        return self.each(archs, finish, start)  # only now, when the error no longer holds on to activations

    def _outputs(
        self, tree: "_Prefix", networks: int, chunk: int, start: int, finish: Callable[[Tensor, Tensor], T]
    ) -> list[list[T]]:
        """What becomes of every network in a tree."""
        found: list[list[T]] = [[] for _ in range(networks)]
        norms: dict[int, Norm] = {}
        with self._network.inference():
            for images, labels in self._chunks(chunk, start):
                state = self._backend.normalise(images, self._spec.mean, self._spec.std)
                for places, output in self._walk(tree, state, norms):
                    finished = finish(output[len(output) - len(labels) :], labels)
                    del output  # it lives no longer than needed
                    for place in places:
                        found[place].append(finished)
        return found

    def _smaller(self, chunk: int, error: Exception) -> int:
        """Half of the images at a time, because memory ran out.

        Raises:
            InputError: fewer are not possible.
        """
        if chunk > (smallest := smallest_chunk(self._policy)):
            return max(smallest, chunk // 2)
        fewer = "" if self._policy.source == "stored" else f"; take fewer than {self._policy}, or"
        raise InputError(
            f"device {self._backend.device} is out of memory with {chunk:,} images at a time, and fewer cannot pass"
            f"{fewer or '; take'} a device with more memory"
        ) from error

    def _walk(self, prefix: _Prefix, state: State, norms: dict[int, Norm]) -> Iterator[tuple[tuple[int, ...], Tensor]]:
        """Everything below a prefix whose activations are `state`: places and output of networks that end there."""
        if prefix.ends:
            yield prefix.ends, newest(state)
        for siblings in prefix.siblings:
            states = self._network.run_siblings(siblings.index, siblings.plans, state, self._norm(siblings, norms))
            for following in siblings.following:
                yield from self._walk(following, next(states), norms)  # no name: it lives no longer than needed

    def _norm(self, siblings: _Siblings, norms: dict[int, Norm]) -> Norm:
        """Where these blocks take their statistics from; calibrated ones are remembered for the chunks that follow."""
        if self._policy.source == "stored":
            return self._network.stored_norm()
        if self._policy.source == "batch":
            return self._network.batch_norm()
        if id(siblings) in norms:
            return self._network.calibrated_norm(norms[id(siblings)])
        norm = norms[id(siblings)] = self._network.calibrating_norm(self._policy.images)
        return norm


def _ready(node: Node[int]) -> _Prefix:
    return _Prefix(
        tuple(_Siblings(index, plans, tuple(map(_ready, nodes))) for index, plans, nodes in node.siblings()),
        tuple(node.ends),
    )
