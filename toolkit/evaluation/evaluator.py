"""Candidates tested together: every activation that several of them have in common is computed once, exactly.

All images stay resident, so a candidate has no start-up cost. A group of candidates is walked depth first along the
tree of their block plans; at most one activation per depth is alive. A group of one is the plain evaluation.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from toolkit.backends.base import Backend, Counts, Network, Norm, Tensor
from toolkit.data.base import Dataset
from toolkit.errors import InputError
from toolkit.evaluation.ledger import Setting
from toolkit.evaluation.policy import NormPolicy
from toolkit.evaluation.prefixes import Node, prefix_tree
from toolkit.spaces import Arch, Plan

CHUNK = 512
"""Images that pass a network together, unless the policy or the memory says otherwise."""


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
    """Tests networks on the same validation images in the same order, with one batch-norm policy.

    Args:
        images: test on the first so many validation images; all by default. (Splits are shuffled by their seed.)
        chunk: images that pass a network together; the policy `batch` has its own.

    Raises:
        InputError: more images asked for than there are.
    """

    def __init__(
        self,
        backend: Backend,
        network: Network,
        data: Dataset,
        policy: NormPolicy,
        images: int | None = None,
        chunk: int = CHUNK,
    ) -> None:
        self._backend, self._network, self._spec = backend, network, data.spec
        self._policy, self._data = policy, data
        self.images = len(data.validation.labels) if images is None else images
        if not 0 < self.images <= len(data.validation.labels):
            raise InputError(f"{images} images to test on: the validation split has {len(data.validation.labels)}")
        if policy.source == "calibrate" and policy.images > len(data.calibration.labels):
            raise InputError(
                f"{policy} asks for {policy.images} calibration images, the data keeps {len(data.calibration.labels)}; "
                "ask for fewer, or train with a larger data.calibration"
            )
        self._chunks = list(self._place(policy.images if policy.source == "batch" else chunk))

    def setting(self, checkpoint: str) -> Setting:
        """What the ledger files results under."""
        policy = str(self._policy)
        if self._policy.source == "calibrate":
            policy += f" of {self._data.calibration.digest[:12]}"
        return Setting(self._network.space.name, checkpoint, self._data.validation.digest, self.images, policy)

    def _place(self, chunk: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Chunks on the device, as uint8; calibration images stand in front of the first."""
        validation, calibration = self._data.validation, self._data.calibration
        for start in range(0, self.images, chunk):
            indices = np.arange(start, min(start + chunk, self.images))
            images = validation.images(indices)
            if start == 0 and self._policy.source == "calibrate":
                images = np.concatenate([calibration.images(np.arange(self._policy.images)), images])
            yield self._backend.place(images), self._backend.place(validation.labels[indices])

    def evaluate(self, archs: Sequence[Arch]) -> list[Counts]:
        """Test candidates on all images; those that begin alike share what they have in common."""
        tree = _ready(prefix_tree([(place, self._network.plans(arch)) for place, arch in enumerate(archs)]))
        totals = [Counts(0, 0, 0, 0.0) for _ in archs]
        norms: dict[int, Norm] = {}
        with self._network.inference():
            for images, labels in self._chunks:
                state = self._backend.normalise(images, self._spec.mean, self._spec.std)
                for place, counts in self._walk(tree, state, labels, norms):
                    totals[place] += counts
        return totals

    def _walk(
        self, prefix: _Prefix, state: Tensor, labels: Tensor, norms: dict[int, Norm]
    ) -> Iterator[tuple[int, Counts]]:
        """Everything below a prefix whose activations are `state`: (place, counts) of each network that ends there."""
        if prefix.ends:
            counts = self._network.count(state[len(state) - len(labels) :], labels)
            yield from ((place, counts) for place in prefix.ends)
        for siblings in prefix.siblings:
            states = self._network.run_siblings(siblings.index, siblings.plans, state, self._norm(siblings, norms))
            for following, after in zip(siblings.following, states, strict=True):
                yield from self._walk(following, after, labels, norms)

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
