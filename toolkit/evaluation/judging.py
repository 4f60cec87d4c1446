"""What takes a classifier's place at the end of a path, so that networks trained without labels can be ranked.

`probe`: one linear classifier for all paths, fitted to the frozen supernet (`evaluation/probing.py`). `knn`: known keys
vote, each for its class and with the weight exp(cosine / 0.07) (Wu et al., arXiv 1805.01978, over all neighbours).
`contrastive`: how well a path finds its own image among the queue's keys by what the teacher says of it along disjoint
paths (Pi-NAS, arXiv 2108.09671; the mean of 8 partners is ours).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from toolkit.backends.base import Backend, Counts, Network, Tensor, Weights
from toolkit.evaluation.evaluator import Evaluator
from toolkit.evaluation.images import EvaluationSet
from toolkit.methods.embedding import feature_width, features, trunk
from toolkit.methods.head import Head
from toolkit.sampling.disjoint import disjoint
from toolkit.spaces import Arch, SearchSpace

By = Literal["labels", "probe", "knn", "contrastive"]
"""By what a network is judged: its own classifier, or one of the above."""

NEIGHBOURS_TEMPERATURE = 0.07
PARTNERS = 8
_TOGETHER = 8
"""Candidates whose embeddings, and their partners', are held in memory at once."""

_PARTNERS_STREAM = 0x70617274

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Judge:
    """All that judging takes besides the supernet, as plain data.

    Attributes:
        head: of the student; empty: z are the features themselves.
        keys, classes: of known images, shapes (n, features) and (n,); for `knn`.
        teacher, teacher_head, queue: what makes partners' keys, and what these are held against; for `contrastive`.
        views: another view of the images, for partners.
        temperature: of the contrastive loss.
    """

    by: By
    head: Weights = field(default_factory=dict)
    keys: Floats | None = None
    classes: npt.NDArray[np.int64] | None = None
    teacher: Weights = field(default_factory=dict)
    teacher_head: Weights = field(default_factory=dict)
    queue: Floats | None = None
    views: EvaluationSet | None = None
    temperature: float = 0.2


class Embedding:
    """z of a path's maps, without gradients; shape (n, features), of length 1."""

    def __init__(self, backend: Backend, space: SearchSpace, head: Weights) -> None:
        self._ops, self._width = backend.ops, feature_width(space)
        self._head = Head(backend.ops, backend.parameters(head)) if head else None

    def __call__(self, maps: Tensor) -> Tensor:
        """Maps (n, c, h, w) to z."""
        found = features(self._ops, maps, self._width)
        return self._ops.normalise(found if self._head is None else self._head(found))


class Neighbours:
    """Judges by known keys: every activation that candidates have in common is computed once, as with labels."""

    def __init__(
        self, backend: Backend, network: Network, images: EvaluationSet, judge: Judge, memory: int | None
    ) -> None:
        space = network.space
        self._evaluator = Evaluator(
            backend, network, images, memory=memory, plans=lambda arch: trunk(space.supernet_plans(arch))
        )
        self._embed, self._count, self._ops = Embedding(backend, space, judge.head), network.count, backend.ops
        one_hot = np.eye(space.classes, dtype=np.float32)[judge.classes]
        self._keys, self._votes = backend.place(judge.keys), backend.place(one_hot)  # type: ignore[arg-type]

    def evaluate(self, archs: Sequence[Arch], start: int = 0) -> list[Counts]:
        """As `Evaluator.evaluate`: ranked classes are those that neighbours voted for."""
        found = self._evaluator.each(archs, self._judge, start)
        return [sum(parts, Counts(0, 0, 0, 0.0)) for parts in found]

    def _judge(self, maps: Tensor, labels: Tensor) -> Counts:
        alike = self._embed(maps) @ self._keys.T / NEIGHBOURS_TEMPERATURE
        shares = self._ops.softmax(alike) @ self._votes
        return self._count(self._ops.log(self._ops.maximum(shares, 1e-6)), labels)


class Contrast:
    """Judges by disjoint partners, the same images and views for every candidate.

    A candidate's counts are those of all its partners together: images whose own key is the nearest (`top1`) or among
    the five nearest, and the contrastive loss; `total` is the number of images, and counts are means over partners.
    """

    def __init__(
        self, backend: Backend, network: Network, images: EvaluationSet, judge: Judge, memory: int | None
    ) -> None:
        self._space, self._backend, self._judge = network.space, backend, judge
        teacher = backend.network(self._space, self._space.widest, 0)
        teacher.load_weights(judge.teacher)

        def evaluator(of: Network, seen: EvaluationSet) -> Evaluator:
            return Evaluator(backend, of, seen, memory=memory, plans=lambda arch: trunk(of.space.supernet_plans(arch)))

        self._queries = evaluator(network, images)
        self._keys = evaluator(teacher, judge.views or images)
        self._embed_query = Embedding(backend, self._space, judge.head)
        self._embed_key = Embedding(backend, self._space, judge.teacher_head)
        self._count = network.count
        self._negatives = backend.place(judge.queue)  # type: ignore[arg-type]

    def evaluate(self, archs: Sequence[Arch], start: int = 0) -> list[Counts]:
        """As `Evaluator.evaluate`."""
        found: list[Counts] = []
        for first in range(0, len(archs), _TOGETHER):
            found += self._together(archs[first : first + _TOGETHER], start)
        return found

    def _together(self, archs: Sequence[Arch], start: int) -> list[Counts]:
        partners = {arch: partners_of(self._space, arch) for arch in archs}
        others = list(dict.fromkeys(other for each in partners.values() for other in each))
        queries = self._queries.each(archs, lambda maps, _: self._embed_query(maps), start)
        keys = dict(zip(others, self._keys.each(others, lambda maps, _: self._embed_key(maps), start), strict=True))
        return [
            self._mean([self._compare(own, keys[other]) for other in partners[arch]])
            for arch, own in zip(archs, queries, strict=True)
        ]

    def _compare(self, queries: list[Tensor], keys: list[Tensor]) -> Counts:
        ops = self._backend.ops
        query, key = ops.concatenate(queries), ops.concatenate(keys)
        with ops.constant():
            alike = ops.concatenate([ops.sum(query * key, 1)[:, None], query @ self._negatives.T], 1)
            first = self._backend.place(np.zeros(query.shape[0], np.int64))
            return self._count(alike / self._judge.temperature, first)

    @staticmethod
    def _mean(parts: list[Counts]) -> Counts:
        whole = sum(parts, Counts(0, 0, 0, 0.0))
        count = len(parts)
        return Counts(round(whole.top1 / count), round(whole.top5 / count), whole.total // count, whole.loss / count)


def evaluator(
    backend: Backend, network: Network, images: EvaluationSet, judge: Judge | None, memory: int | None
) -> Evaluator | Neighbours | Contrast:
    """What tests candidates; a probe is a classifier like any other, and already among the network's weights."""
    if judge is None or judge.by in ("labels", "probe"):
        return Evaluator(backend, network, images, memory=memory)
    kind = Neighbours if judge.by == "knn" else Contrast
    return kind(backend, network, images, judge, memory)


def partners_of(space: SearchSpace, arch: Arch) -> list[Arch]:
    """Those that an architecture is held against: disjoint from it, and always the same."""
    rng = np.random.default_rng([_PARTNERS_STREAM, *(answer + 1 for answer in arch)])
    return [disjoint(rng, space, arch) for _ in range(PARTNERS)]
