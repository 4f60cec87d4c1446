"""A supernet or a stand-alone network in PyTorch: `toolkit.backends.base.Network`."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Literal, cast

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from typing_extensions import override

from toolkit.backends.base import Counts, Network, Statistics, Weights
from toolkit.backends.ops import Ops
from toolkit.backends.shapes import is_statistic, used
from toolkit.backends.states import State, following, newest, reach, read
from toolkit.backends.torch.blocks import Block
from toolkit.backends.torch.layers import BatchNorm
from toolkit.backends.torch.norms import Batch, Calibrated, Calibrating, NoNorm, Norm, Stored
from toolkit.backends.weights import check_weights
from toolkit.spaces import Arch, Plan, Plans, SearchSpace
from toolkit.spaces.windows import window


class TorchNetwork(nn.Module, Network):
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
        self.blocks = nn.ModuleList(nn.Identity() if plan is None else Block(plan, ops) for plan in holds)
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
    def follow(self, leader: "TorchNetwork", decay: float, plans: Plans | None = None) -> None:
        own, others = self.state_dict(), leader.state_dict()
        with torch.no_grad():
            if plans is None:
                for name, tensor in others.items():
                    own[name].lerp_(tensor, 1 - decay)
                return
            for name, shape in used(plans).items():
                if not is_statistic(name):
                    part = window(tuple(own[name].shape), shape)
                    own[name][part].lerp_(others[name][part], 1 - decay)

    @override
    def freeze(self, but: Collection[str]) -> frozenset[str]:
        frozen = {name: parameter for name, parameter in self.named_parameters() if name not in but}
        for parameter in frozen.values():
            parameter.requires_grad = False
        return frozenset(frozen)

    @override
    def move(self, directions: Mapping[str, Tensor], by: float) -> None:
        own = dict(self.named_parameters())
        with torch.no_grad():
            for name, direction in directions.items():
                own[name].add_(direction, alpha=by)

    @override
    def gap(self, other: "TorchNetwork") -> Tensor:
        with torch.no_grad():
            own, others = ([p.detach() for p in network.parameters()] for network in (self, other))
            apart, length = (
                torch.stack(list(torch._foreach_norm(tensors))).square().sum()
                for tensors in (torch._foreach_sub(own, others), own)
            )
            return (apart / length).sqrt()

    @override
    def on_gradient(self, tensor: Tensor, call: Callable[[], None]) -> None:
        if tensor.requires_grad:
            tensor.register_hook(lambda _: call())  # type: ignore[no-untyped-call]

    @override
    def gradients(self, *, keep: bool = False) -> dict[str, Tensor]:
        found = {name: p.grad for name, p in self.named_parameters() if p.grad is not None}
        if not keep:
            self.zero_grad(set_to_none=True)
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
        return [
            Statistics(mean.detach().cpu().numpy(), variance.detach().cpu().numpy(), count)
            for mean, variance, count in calibrating.statistics
        ]

    @override
    def no_norm(self) -> NoNorm:
        return NoNorm()

    @override
    @contextmanager
    def inference(self) -> Iterator[None]:
        with torch.inference_mode(), self._autocast():
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
        with torch.inference_mode():
            logits = logits.float()
            own = logits.gather(1, labels[:, None])
            before = (~(logits < own)).sum(1) - 1  # classes not ranked behind the true one; NaN ranks before
            top1, top5 = (int((before < k).sum()) for k in (1, 5))
            loss = float(F.cross_entropy(logits, labels, reduction="sum"))
        return Counts(top1, top5, len(labels), loss)

    @override
    def weights(self) -> Weights:
        # Laid out as they are here, so that `load_weights` may take them as they are.
        return {name: tensor.detach().cpu().numpy().copy("K") for name, tensor in self.state_dict().items()}

    @override
    def load_weights(self, weights: Mapping[str, npt.NDArray[np.float32]], *, copy: bool = True) -> None:
        check_weights(self, weights)
        own = self.state_dict()
        tensors = {name: torch.from_numpy(np.array(array, copy=copy or None)) for name, array in weights.items()}
        self.load_state_dict({name: tensor.to(own[name]) for name, tensor in tensors.items()}, assign=not copy)


def parameter_kind(network: TorchNetwork) -> dict[str, Literal["weight", "norm", "bias"]]:
    """What each parameter is, for the rules of weight decay."""
    kinds: dict[str, Literal["weight", "norm", "bias"]] = {}
    for prefix, module in network.named_modules():
        for name, _ in module.named_parameters(prefix, recurse=False):
            if isinstance(module, BatchNorm):
                kinds[name] = "norm"
            else:
                kinds[name] = "bias" if name.endswith(".bias") else "weight"
    return kinds
