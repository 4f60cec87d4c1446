"""Pi-NAS: two paths that share nothing learn from each other's mean teacher, without labels (arXiv 2108.09671).

By its released code (Ernie1/Pi-NAS). Batch norm needs no shuffling of keys among processes, as there: in training it
takes its statistics over all of them, so no process can tell its own keys by theirs.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field
from typing_extensions import override

from toolkit.backends.base import SGD, Network, Tensor
from toolkit.backends.ops import Ops
from toolkit.errors import InputError
from toolkit.methods.base import Batch, Method, Needs, Options, State
from toolkit.methods.embedding import embed, feature_width, trunk
from toolkit.methods.lab import Lab
from toolkit.methods.losses import contrastive
from toolkit.methods.teacher import TeacherOptions, pair_of_paths
from toolkit.spaces import Plans, SearchSpace

COLLAPSED = 0.25
"""Spread of z below which it is said to have collapsed; 1 is that of directions drawn evenly."""

_HEAD = SGD(momentum=0.9, weight_decay=1e-4, clip_norm=5.0)
"""Theirs does not clip, but has 2,048 features: of few, an image may have none, whose z is a bias that is 0, at first,
divided by its length. The gradient of that knows no bounds."""


class PiNASOptions(TeacherOptions):
    """Options of Pi-NAS. Defaults are for short trainings; the paper's own are on the method's page."""

    cross: bool = Field(True, description="a path's key is the other path's, not its own")
    teacher: Literal["path", "whole", "student"] = Field(
        "path",
        description="what makes keys: a moving average of the weights, of which only the path's move (path) or all "
        "(whole); or the student itself (student)",
    )
    negatives: Literal["queue", "batch", "without"] = Field(
        "queue",
        description="keys that must be unlike: earlier ones, the batch's others, or without (cosine distance)",
    )
    temperature: float = Field(0.2, gt=0, description="by which similarities are divided")
    queue: int = Field(4096, ge=1, description="how many earlier keys are remembered")
    features: int = Field(128, ge=2, description="of z")
    hidden: int = Field(0, ge=0, description="width inside the projection head; 0: as wide as the widest features")


class PiNAS(Method):
    """Two views of each image by two disjoint paths must agree with their teacher's view of the same by the other path.

    Four views, two forward and backward passes by the student, two forward passes by the teacher.
    """

    name = "pinas"
    summary = "disjoint paths agree across a mean teacher, without labels (Pi-NAS, arXiv 2108.09671)"
    options_type: ClassVar[type[Options]] = PiNASOptions
    options: PiNASOptions

    def __init__(self, space: SearchSpace, options: Options) -> None:
        super().__init__(space, options)
        self._queue: Tensor = None

    @override
    def needs(self) -> Needs:
        return Needs(views=4)

    @override
    def begin(self, lab: Lab) -> None:
        options, width = self.options, feature_width(self.space)
        widths = (width, options.hidden or width, options.features)
        self._head = lab.head("head", widths)
        self._optimizer = lab.optimizer("head_optimizer", _HEAD, ["head"])
        self._teacher: Network | None = None
        if options.teacher != "student":
            self._teacher = lab.network("teacher")
            self._teacher_head = lab.head("teacher_head", widths)
            self._teacher_head.parameters.load_weights(self._head.parameters.weights())
        self._ops = lab.ops
        if options.negatives == "queue":
            keys = lab.generator("queue").standard_normal((options.queue, options.features), np.float32)
            self._queue = self._placed(keys / np.linalg.norm(keys, axis=1, keepdims=True))

    @override
    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Loss: the sum of both queries' contrastive losses."""
        net, ops = batch.net, batch.net.ops
        paths = pair_of_paths(self, batch)
        self._follow("whole", net, self.space.widest)
        queries, keys = [], []
        for number, path in enumerate(paths):
            plans = self.space.in_training(self.space.supernet_plans(path), batch.progress, batch.rng)
            queries.append(embed(net, self._head, plans, batch.views[2 * number], path=path))
            self._follow("path", net, plans)
            keys.append(self._key(net, plans, batch.views[2 * number + 1]))
        positives = keys[::-1] if self.options.cross else keys
        losses = [self._loss(ops, query, key) for query, key in zip(queries, positives, strict=True)]
        ops.backward(losses[0] + losses[1])
        self._optimizer.step(batch.lr)
        values = {"loss": ops.detach(losses[0] + losses[1]), **self._measures(ops, queries, keys)}
        if self._teacher is not None:
            values["teacher_gap"] = net.gap(self._teacher)
        if self.options.negatives == "queue":
            new = ops.gather((keys[0] + keys[1]) / 2)
            self._queue = ops.concatenate([self._queue, new])[-self.options.queue :]
        return values

    @override
    def remark(self, values: Mapping[str, float]) -> str:
        spread = values.get("spread", 1.0)
        return "" if spread >= COLLAPSED else f"z has collapsed: its spread is {spread:.0%} of what it should be"

    @override
    def state(self) -> State:
        """`queue`, of shape (keys, features), if there is one."""
        return super().state() | ({} if self._queue is None else {"queue": self._ops.numpy(self._queue)})

    @override
    def load_state(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        super().load_state(state)
        if self._queue is not None:
            if "queue" not in state or state["queue"].shape != tuple(self._queue.shape):
                raise InputError("method.queue: the queue in the checkpoint is of another method; take another one")
            self._queue = self._placed(state["queue"])

    def _placed(self, queue: npt.NDArray[Any]) -> Tensor:
        """Keys on the device, in the precision of the head."""
        bias = self._ops.detach(self._head.parameters.tensors["1.bias"])
        return self._ops.place(queue) + 0 * bias

    def _follow(self, kind: str, net: Network, plans: Plans) -> None:
        """What two paths share, such as the stem and the head, moves once for each: by momentum^2 in a step."""
        if self._teacher is None or kind != self.options.teacher:
            return
        self._teacher.follow(net, self.options.momentum, trunk(plans))
        self._teacher_head.parameters.follow(self._head.parameters, self.options.momentum)

    def _key(self, net: Network, plans: Plans, images: Tensor) -> Tensor:
        with net.ops.constant():
            if self._teacher is None:  # whose running statistics are those of queries
                return net.ops.detach(embed(net, self._head, plans, images, net.batch_norm()))
            return net.ops.detach(embed(self._teacher, self._teacher_head, plans, images))

    def _loss(self, ops: Ops, query: Tensor, key: Tensor) -> Tensor:
        if self.options.negatives == "without":
            return 2 - 2 * ops.mean(ops.sum(query * key, 1))
        return contrastive(ops, query, key, self._queue, self.options.temperature)

    def _measures(self, ops: Ops, queries: list[Tensor], keys: list[Tensor]) -> dict[str, Tensor]:
        """What tells a working training from a collapsed one.

        `agreement`: mean cosine of a query and the other path's key. `hits`: share of queries that are nearer to it
        than to all negatives. `spread`: standard deviation of z over images, mean over its features, relative to
        1 / sqrt(features), that of directions drawn evenly.
        """
        with ops.constant():
            ours, theirs = ops.concatenate(queries), ops.concatenate(keys[::-1])
            alike = ops.sum(ours * theirs, 1)
            off = ours - ops.mean(ours, 0)
            spread = ops.mean(ops.mean(off * off, 0) ** 0.5) * self.options.features**0.5
            values = {"agreement": ops.mean(alike), "spread": spread}
            if self._queue is not None:
                against = ours @ self._queue.T
                one = against * 0 + 1
                beaten = ops.sum(ops.where(against >= alike[:, None] * one, one, 0 * one), 1)
                values["hits"] = ops.mean(ops.maximum(1 - beaten, 0.0))
        return {name: ops.detach(value) for name, value in values.items()}
