"""A supernet or a stand-alone network in Paddle: `toolkit.backends.base.Network`."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Literal, cast

import numpy as np
import numpy.typing as npt
import paddle
import paddle.distributed as dist
import paddle.nn.functional as F  # noqa: N812
from paddle import Tensor, nn

from toolkit.backends.base import Counts, Statistics, Weights
from toolkit.backends.paddle.blocks import BasicBlock, build
from toolkit.backends.paddle.layers import BatchNorm
from toolkit.backends.paddle.norms import Batch, Calibrated, Calibrating, NoNorm, Norm, Stored
from toolkit.backends.weights import check_weights
from toolkit.spaces import Arch, Plan, Plans, SearchSpace
from toolkit.spaces.plans import BasicBlock as BasicBlockPlan
from toolkit.spaces.sharing import share


class PaddleNetwork(nn.Layer):
    """Blocks built for `widest`, run as the plans of any architecture that fits in them."""

    def __init__(
        self,
        space: SearchSpace,
        widest: Plans,
        plans: Callable[[Arch], Plans],
        training_norm: Norm,
        autocast: Callable[[], AbstractContextManager[object]],
    ) -> None:
        super().__init__()
        self.space, self.plans = space, plans
        self._training_norm, self._autocast = training_norm, autocast
        # An absent position keeps its number, so that parameter names say where a block stands.
        self.blocks = nn.LayerList(nn.Identity() if plan is None else build(plan) for plan in widest)

    def run(self, plans: Plans, images: Tensor, norm: Norm) -> Tensor:
        """Normalised images to logits."""
        state = images
        for block, plan in zip(self.blocks, plans, strict=True):
            if plan is not None:
                state = block(state, plan, norm)
        return state

    def forward(self, arch: Arch, images: Tensor, *, norm: Norm | None = None, trunk: bool = False) -> Tensor:
        """See `Network`."""
        plans = self.space.trunk_plans(arch) if trunk else self.plans(arch)
        with self._autocast():
            return self.run(plans, images, norm or self._training_norm)

    def cross_entropy(self, logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
        """See `Network`."""
        return F.cross_entropy(logits.astype("float32"), labels, label_smoothing=smoothing)

    def soft_cross_entropy(self, logits: Tensor, target: Tensor) -> Tensor:
        """See `Network`."""
        return F.cross_entropy(logits.astype("float32"), F.softmax(target.astype("float32")), soft_label=True)

    def alpha_divergence(self, logits: Tensor, target: Tensor, alphas: tuple[float, float], clip: float) -> Tensor:
        """See `Network`."""
        log_p = F.log_softmax(target.astype("float32")).detach()
        log_q = F.log_softmax(logits.astype("float32"))
        q = log_q.detach().exp()
        sizes, losses = [], []
        for alpha in alphas:
            # Clipped as a logarithm: (p/q)^alpha itself overflows where q is next to nothing.
            ratio = (alpha * (log_p - log_q.detach())).clip(max=math.log(clip)).exp()
            if alpha == 1:
                sizes.append((log_p.exp() * (log_p - log_q.detach())).sum(1))
            else:
                sizes.append(((q * ratio).sum(1) - 1) / (alpha * (alpha - 1)))
            losses.append(-(q * ratio * log_q).sum(1) / alpha)  # whose gradient is that of the clipped divergence
        return paddle.where(sizes[0] > sizes[1], losses[0], losses[1]).mean()

    def detach(self, tensor: Tensor) -> Tensor:
        """See `Network`."""
        return tensor.detach()

    def backward(self, loss: Tensor) -> None:
        """See `Network`."""
        loss.backward()

    def on_gradient(self, tensor: Tensor, call: Callable[[], None]) -> None:
        """See `Network`."""
        if not tensor.stop_gradient:
            tensor.register_hook(lambda _: call())

    def constant(self) -> AbstractContextManager[object]:
        """See `Network`."""
        return cast(AbstractContextManager[object], paddle.no_grad())

    def average(self, value: Tensor) -> float:
        """See `Network`."""
        if dist.get_world_size() == 1:
            return float(value)
        total = value.detach().clone()
        dist.all_reduce(total)
        return float(total) / dist.get_world_size()

    def gradients(self, *, keep: bool = False) -> dict[str, Tensor]:
        """See `Network`."""
        found = {name: p.grad.clone() for name, p in self.named_parameters() if p.grad is not None}
        if not keep:
            self.clear_gradients(set_to_zero=False)
        return found

    @contextmanager
    def observe_relus(self, see: Callable[[Tensor], object]) -> Iterator[None]:
        """See `Network`."""

        def show(_relu: nn.Layer, _inputs: Tensor, output: Tensor) -> Tensor:
            see(output)
            return output

        relus = [layer for layer in self.sublayers() if isinstance(layer, nn.ReLU)]
        hooks = [relu.register_forward_post_hook(show) for relu in relus]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def stored_norm(self) -> Stored:
        """See `Network`."""
        return Stored()

    def batch_norm(self) -> Batch:
        """See `Network`."""
        return Batch()

    def calibrating_norm(self, images: int) -> Calibrating:
        """See `Network`."""
        return Calibrating(images)

    def calibrated_norm(self, calibrating: Calibrating) -> Calibrated:
        """See `Network`."""
        return Calibrated(calibrating)

    def statistics(self, calibrating: Calibrating) -> list[Statistics]:
        """See `Network`."""
        return [Statistics(mean.numpy(), variance.numpy(), count) for mean, variance, count in calibrating.statistics]

    def no_norm(self) -> NoNorm:
        """See `Network`."""
        return NoNorm()

    @contextmanager
    def inference(self) -> Iterator[None]:
        """See `Network`."""
        with paddle.no_grad(), self._autocast():
            yield

    def run_block(self, index: int, plan: Plan, state: Tensor, norm: Norm) -> Tensor:
        """See `Network`."""
        return cast(Tensor, self.blocks[index](state, plan, norm))

    def run_siblings(self, index: int, plans: Sequence[Plan], state: Tensor, norm: Norm) -> Iterator[Tensor]:
        """See `Network`."""
        block = self.blocks[index]
        if isinstance(block, BasicBlock) and share(plans):
            return block.siblings(state, cast(Sequence[BasicBlockPlan], plans), norm)
        return (self.run_block(index, plan, state, norm) for plan in plans)

    def count(self, logits: Tensor, labels: Tensor) -> Counts:
        """See `Network`."""
        with paddle.no_grad():
            logits = logits.astype("float32")
            own = paddle.take_along_axis(logits, labels.unsqueeze(1), 1)
            before = (~(logits < own)).sum(1) - 1  # classes not ranked behind the true one; NaN ranks before
            top1, top5 = (int((before < k).sum()) for k in (1, 5))
            loss = float(F.cross_entropy(logits, labels, reduction="sum"))
        return Counts(top1, top5, len(labels), loss)

    def weights(self) -> Weights:
        """See `Network`."""
        return {name: tensor.numpy() for name, tensor in self.state_dict().items()}

    def load_weights(self, weights: Mapping[str, npt.NDArray[np.float32]], *, copy: bool = True) -> None:  # noqa: ARG002
        """See `Network`."""
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
