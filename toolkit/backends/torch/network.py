"""A supernet or a stand-alone network in PyTorch: `toolkit.backends.base.Network`."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Literal, cast

import numpy as np
import numpy.typing as npt
import torch
import torch.distributed as dist
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from toolkit.backends.base import Counts, Statistics, Weights
from toolkit.backends.torch.blocks import BasicBlock, build
from toolkit.backends.torch.layers import BatchNorm
from toolkit.backends.torch.norms import Batch, Calibrated, Calibrating, NoNorm, Norm, Stored
from toolkit.backends.weights import check_weights
from toolkit.spaces import Arch, Plan, Plans, SearchSpace
from toolkit.spaces.plans import BasicBlock as BasicBlockPlan
from toolkit.spaces.sharing import share


class TorchNetwork(nn.Module):
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
        self.blocks = nn.ModuleList(nn.Identity() if plan is None else build(plan) for plan in widest)

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
        return F.cross_entropy(logits.float(), labels, label_smoothing=smoothing)

    def soft_cross_entropy(self, logits: Tensor, target: Tensor) -> Tensor:
        """See `Network`."""
        return F.cross_entropy(logits.float(), target.float().softmax(1))

    def alpha_divergence(self, logits: Tensor, target: Tensor, alphas: tuple[float, float], clip: float) -> Tensor:
        """See `Network`."""
        log_p, log_q = target.float().log_softmax(1).detach(), logits.float().log_softmax(1)
        q = log_q.detach().exp()
        sizes, losses = [], []
        for alpha in alphas:
            # Clipped as a logarithm: (p/q)^alpha itself overflows where q is next to nothing.
            ratio = (alpha * (log_p - log_q.detach())).clamp(max=math.log(clip)).exp()
            if alpha == 1:
                sizes.append((log_p.exp() * (log_p - log_q.detach())).sum(1))
            else:
                sizes.append(((q * ratio).sum(1) - 1) / (alpha * (alpha - 1)))
            losses.append(-(q * ratio * log_q).sum(1) / alpha)  # whose gradient is that of the clipped divergence
        return torch.where(sizes[0] > sizes[1], losses[0], losses[1]).mean()

    def detach(self, tensor: Tensor) -> Tensor:
        """See `Network`."""
        return tensor.detach()

    def backward(self, loss: Tensor) -> None:
        """See `Network`."""
        torch.autograd.backward(loss)

    def on_gradient(self, tensor: Tensor, call: Callable[[], None]) -> None:
        """See `Network`."""
        if tensor.requires_grad:
            tensor.register_hook(lambda _: call())  # type: ignore[no-untyped-call]

    def constant(self) -> AbstractContextManager[object]:
        """See `Network`."""
        return torch.no_grad()

    def average(self, value: Tensor) -> float:
        """See `Network`."""
        if not dist.is_initialized():
            return float(value)
        total = value.detach().clone()
        dist.all_reduce(total)
        return float(total) / dist.get_world_size()

    def gradients(self, *, keep: bool = False) -> dict[str, Tensor]:
        """See `Network`."""
        found = {name: p.grad for name, p in self.named_parameters() if p.grad is not None}
        if not keep:
            self.zero_grad(set_to_none=True)
        return found

    @contextmanager
    def observe_relus(self, see: Callable[[Tensor], object]) -> Iterator[None]:
        """See `Network`."""

        def show(_relu: nn.Module, _inputs: object, output: Tensor) -> None:
            see(output)

        with ExitStack() as hooks:
            for module in self.modules():
                if isinstance(module, nn.ReLU):
                    hooks.enter_context(module.register_forward_hook(show))
            yield

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
        return [
            Statistics(mean.detach().cpu().numpy(), variance.detach().cpu().numpy(), count)
            for mean, variance, count in calibrating.statistics
        ]

    def no_norm(self) -> NoNorm:
        """See `Network`."""
        return NoNorm()

    @contextmanager
    def inference(self) -> Iterator[None]:
        """See `Network`."""
        with torch.inference_mode(), self._autocast():
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
        with torch.inference_mode():
            logits = logits.float()
            own = logits.gather(1, labels[:, None])
            before = (~(logits < own)).sum(1) - 1  # classes not ranked behind the true one; NaN ranks before
            top1, top5 = (int((before < k).sum()) for k in (1, 5))
            loss = float(F.cross_entropy(logits, labels, reduction="sum"))
        return Counts(top1, top5, len(labels), loss)

    def weights(self) -> Weights:
        """See `Network`."""
        # Laid out as they are here, so that `load_weights` may take them as they are.
        return {name: tensor.detach().cpu().numpy().copy("K") for name, tensor in self.state_dict().items()}

    def load_weights(self, weights: Mapping[str, npt.NDArray[np.float32]], *, copy: bool = True) -> None:
        """See `Network`."""
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
