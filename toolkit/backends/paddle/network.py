"""A supernet or a stand-alone network in Paddle: `toolkit.backends.base.Network`."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Literal, cast

import numpy as np
import numpy.typing as npt
import paddle
import paddle.nn.functional as F  # noqa: N812
from paddle import Tensor, nn
from typing_extensions import override

from toolkit.backends.base import Counts, Network, Statistics, Weights
from toolkit.backends.ops import Ops
from toolkit.backends.paddle.blocks import Block
from toolkit.backends.paddle.layers import BatchNorm
from toolkit.backends.paddle.norms import Batch, Calibrated, Calibrating, NoNorm, Norm, Stored
from toolkit.backends.shapes import is_statistic, used
from toolkit.backends.states import State, following, newest, reach, read
from toolkit.backends.weights import check_weights
from toolkit.spaces import Arch, Plan, Plans, SearchSpace
from toolkit.spaces.windows import window


class PaddleNetwork(nn.Layer, Network):
    """Blocks built for the plans that it `holds`, run as any plans that fit in them."""

    def __init__(
        self,
        space: SearchSpace,
        holds: Plans,
        ops: Ops,
        training_norm: Norm,
        autocast: Callable[[], AbstractContextManager[object]],
    ) -> None:
        super().__init__()
        self.space, self.holds, self.ops = space, holds, ops
        self._training_norm, self._autocast = training_norm, autocast
        # An absent position keeps its number, so that parameter names say where a block stands.
        self.blocks = nn.LayerList(nn.Identity() if plan is None else Block(plan, ops) for plan in holds)
        self._reach = reach(holds)

    @override
    def run(
        self,
        plans: Plans,
        images: Tensor,
        norm: Norm | None = None,
        *,
        path: Arch | None = None,
        watch: Callable[[int, Tensor], object] | None = None,
        precise: bool = False,
        weights: Mapping[int, Tensor] | None = None,
    ) -> Tensor:
        norm = norm or self._training_norm
        state: State = images
        with nullcontext() if precise else self._autocast():
            for index, plan in enumerate(plans):
                if plan is not None:
                    state = self.run_block(index, plan, state, norm, None if weights is None else weights.get(index))
                if watch is not None:
                    watch(index, newest(state))
        return cast(Tensor, newest(state))

    @override
    @paddle.no_grad()
    def follow(self, leader: "PaddleNetwork", decay: float, plans: Plans | None = None) -> None:
        own, others = self.state_dict(), leader.state_dict()
        if plans is None:
            for name, tensor in others.items():
                if decay:
                    own[name].lerp_(tensor, 1 - decay)
                else:  # exactly, which Paddle's lerp is not
                    paddle.assign(tensor, own[name])
            return
        for name, shape in used(plans).items():
            if not is_statistic(name):
                part = window(tuple(own[name].shape), shape)
                own[name][part] = paddle.lerp(own[name][part], others[name][part], 1 - decay)

    @override
    def freeze(self, but: Collection[str]) -> frozenset[str]:
        frozen = {name: parameter for name, parameter in self.named_parameters() if name not in but}
        for parameter in frozen.values():
            parameter.stop_gradient = True
        return frozenset(frozen)

    @override
    @paddle.no_grad()
    def move(self, directions: Mapping[str, Tensor], by: float) -> None:
        own = dict(self.named_parameters())
        for name, direction in directions.items():
            own[name].add_(direction * by)

    @override
    @paddle.no_grad()
    def gap(self, other: "PaddleNetwork") -> Tensor:
        apart, length = paddle.zeros([]), paddle.zeros([])
        for own, its in zip(self.parameters(), other.parameters(), strict=True):
            apart, length = apart + ((own - its) ** 2).sum(), length + (own**2).sum()
        return (apart / length).sqrt()

    @override
    def on_gradient(self, tensor: Tensor, call: Callable[[], None]) -> None:
        if not tensor.stop_gradient:
            tensor.register_hook(lambda _: call())

    @override
    def gradients(self, *, keep: bool = False) -> dict[str, Tensor]:
        found = {name: p.grad.clone() for name, p in self.named_parameters() if p.grad is not None}
        if not keep:
            self.clear_gradients(set_to_zero=False)
        return found

    @override
    @contextmanager
    def observe_relus(self, see: Callable[[Tensor], object]) -> Iterator[None]:
        blocks = [block for block in self.blocks if isinstance(block, Block)]
        for block in blocks:
            block.programs.see = see
        try:
            yield
        finally:
            for block in blocks:
                block.programs.see = None

    @override
    def stored_norm(self) -> Stored:
        return Stored()

    @override
    def batch_norm(self) -> Batch:
        return Batch()

    @override
    def calibrating_norm(self, images: int) -> Calibrating:
        return Calibrating(images)

    @override
    def calibrated_norm(self, calibrating: Calibrating) -> Calibrated:
        return Calibrated(calibrating)

    @override
    def statistics(self, calibrating: Calibrating) -> list[Statistics]:
        return [Statistics(mean.numpy(), variance.numpy(), count) for mean, variance, count in calibrating.statistics]

    @override
    def no_norm(self) -> NoNorm:
        return NoNorm()

    @override
    @contextmanager
    def inference(self) -> Iterator[None]:
        with paddle.no_grad(), self._autocast():
            yield

    @override
    def run_block(self, index: int, plan: Plan, state: State, norm: Norm, weights: Tensor | None = None) -> State:
        out = cast(Block, self.blocks[index]).run(plan, read(state, plan), norm, weights)
        return following(state, out, self._reach)

    @override
    def run_siblings(self, index: int, plans: Sequence[Plan], state: State, norm: Norm) -> Iterator[State]:
        block, inputs = cast(Block, self.blocks[index]), read(state, plans[0])
        if self._reach == 1:
            return block.siblings(plans, inputs, norm)
        return (following(state, out, self._reach) for out in block.siblings(plans, inputs, norm))

    @override
    def count(self, logits: Tensor, labels: Tensor) -> Counts:
        with paddle.no_grad():
            logits = logits.astype("float32")
            own = paddle.take_along_axis(logits, labels.unsqueeze(1), 1)
            before = (~(logits < own)).sum(1) - 1  # classes not ranked behind the true one; NaN ranks before
            top1, top5 = (int((before < k).sum()) for k in (1, 5))
            loss = float(F.cross_entropy(logits, labels, reduction="sum"))
        return Counts(top1, top5, len(labels), loss)

    @override
    def weights(self) -> Weights:
        return {name: tensor.numpy() for name, tensor in self.state_dict().items()}

    @override
    def load_weights(self, weights: Mapping[str, npt.NDArray[np.float32]], *, copy: bool = True) -> None:
        check_weights(self, weights)
        for name, tensor in self.state_dict().items():
            tensor.set_value(paddle.to_tensor(weights[name], tensor.dtype))


def parameter_kind(network: PaddleNetwork) -> dict[str, Literal["weight", "norm", "bias"]]:
    """What each parameter is, for the rules of weight decay."""
    kinds: dict[str, Literal["weight", "norm", "bias"]] = {}
    for prefix, layer in network.named_sublayers():
        for name, _ in layer.named_parameters(prefix, include_sublayers=False):
            if isinstance(layer, BatchNorm):
                kinds[name] = "norm"
            else:
                kinds[name] = "bias" if name.endswith(".bias") else "weight"
    return kinds
