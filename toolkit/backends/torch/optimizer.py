"""SGD and Adam over accumulated gradients, averaged over processes: `toolkit.backends.base.Optimizer`."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
import torch.distributed as dist
from torch import Tensor
from typing_extensions import override

from toolkit.backends.base import SGD, Adam, Decay, Optimizer, Trainable, Weights
from toolkit.backends.torch.network import TorchNetwork, parameter_kind
from toolkit.backends.torch.ops import TorchParameters


class _Optimizer(Optimizer):
    """Steps over every parameter that received a gradient.

    Subclasses set `_torch`, and name in `_kept` what of PyTorch's state of a parameter is kept.
    """

    _torch: torch.optim.Optimizer
    _kept: ClassVar[Mapping[str, str]]

    def __init__(self, trained: Trainable | Mapping[str, Trainable], config: Decay, world: int) -> None:
        self._world, self._clip_norm = world, config.clip_norm
        kinds = {}
        self._parameters: dict[str, Tensor] = {}
        for name, tensor, kind in _parameters(trained):
            self._parameters[name], kinds[name] = tensor, kind
        free = {kind for kind, pulled in (("norm", config.decay_norm), ("bias", config.decay_bias)) if not pulled}
        decayed = [p for name, p in self._parameters.items() if kinds[name] not in free]
        others = [p for name, p in self._parameters.items() if kinds[name] in free]
        groups = (decayed, config.weight_decay), (others, 0.0)
        self._groups = [{"params": params, "weight_decay": decay} for params, decay in groups if params]

    @override
    def step(self, lr: float, parts: int = 1) -> Tensor:
        gradients = [_laid_out(p, p.grad) for p in self._parameters.values() if p.grad is not None]
        if parts > 1:
            torch._foreach_div_(gradients, parts)
        if self._world > 1:
            _average_over_processes(gradients, self._world)
        norm = torch.nn.utils.get_total_norm(gradients)
        if self._clip_norm is not None:
            torch.nn.utils.clip_grads_with_norm_(self._parameters.values(), self._clip_norm, norm)
        for group in self._torch.param_groups:
            group["lr"] = lr
        self._torch.step()
        self._torch.zero_grad()
        return norm

    @override
    def state(self) -> Weights:
        return {
            f"{ours}.{name}": self._torch.state[p][theirs].detach().cpu().numpy().copy()
            for ours, theirs in self._kept.items()
            for name, p in self._parameters.items()
            if self._torch.state.get(p, {}).get(theirs) is not None
        }

    @override
    def load_state(self, state: Mapping[str, npt.NDArray[np.float32]]) -> None:
        for ours, theirs in self._kept.items():
            for name, p in self._parameters.items():
                if (kept := state.get(f"{ours}.{name}")) is not None:
                    array = torch.from_numpy(np.array(kept))
                    self._torch.state[p][theirs] = (
                        torch.empty_like(p, requires_grad=False).copy_(array) if array.ndim else array.to(p.device)
                    )


class TorchSGD(_Optimizer):
    """Unless `move_idle`, parameters without a gradient rest (no decay, no momentum)."""

    _kept: ClassVar = {"momentum": "momentum_buffer"}

    def __init__(self, trained: Trainable | Mapping[str, Trainable], config: SGD, world: int) -> None:
        super().__init__(trained, config, world)
        self._move_idle, self._has_momentum = config.move_idle, config.momentum > 0
        self._torch = torch.optim.SGD(
            self._groups, lr=0.0, momentum=config.momentum, nesterov=config.nesterov, fused=True
        )
        self._used: set[str] = set()

    @override
    def step(self, lr: float, parts: int = 1) -> Tensor:
        if self._move_idle:
            self._rouse()
        if self._has_momentum:
            self._begin()
        return super().step(lr, parts)

    def _begin(self) -> None:
        """A momentum of 0 for what is used for the first time: the fused update wants that of all or of none."""
        for p in self._parameters.values():
            if p.grad is not None and self._torch.state[p].get("momentum_buffer") is None:
                self._torch.state[p]["momentum_buffer"] = torch.zeros_like(p, requires_grad=False)

    def _rouse(self) -> None:
        """Gradients of 0 for what was used before and is not now.

        Kept from step to step, they would pass for gradients of paths that others run in between.
        """
        used = {name for name, p in self._parameters.items() if p.grad is not None}
        for name in self._used - used:
            self._parameters[name].grad = torch.zeros_like(self._parameters[name])
        self._used |= used

    @override
    def load_state(self, state: Mapping[str, npt.NDArray[np.float32]]) -> None:
        super().load_state(state)
        self._used |= {name for name in self._parameters if f"momentum.{name}" in state}


class TorchAdam(_Optimizer):
    """Parameters without a gradient rest, and so do their moments."""

    _kept: ClassVar = {"mean": "exp_avg", "square": "exp_avg_sq", "steps": "step"}

    def __init__(self, trained: Trainable | Mapping[str, Trainable], config: Adam, world: int) -> None:
        super().__init__(trained, config, world)
        kind = torch.optim.AdamW if config.decoupled else torch.optim.Adam
        self._torch = kind(self._groups, lr=0.0, betas=(config.beta1, config.beta2), eps=config.eps, fused=True)


def _laid_out(parameter: Tensor, gradient: Tensor) -> Tensor:
    """Its gradient, laid out in memory as its parameter: PyTorch's fused updates take that for granted, and else
    update the wrong weights without a word (docs/upstream.md).
    """
    if gradient.stride() != parameter.stride():
        gradient = parameter.grad = torch.empty_like(parameter, requires_grad=False).copy_(gradient)
    return gradient


def _parameters(trained: Any, prefix: str = "") -> list[tuple[str, Tensor, str]]:
    """Name, tensor and kind, for the rules of weight decay, of all that is trained."""
    if isinstance(trained, TorchNetwork):
        kinds = parameter_kind(trained)
        return [(prefix + name, tensor, kinds[name]) for name, tensor in trained.named_parameters()]
    if isinstance(trained, TorchParameters):
        named = trained.tensors.items()
        return [(prefix + name, tensor, "bias" if name.endswith("bias") else "weight") for name, tensor in named]
    if isinstance(trained, Mapping):
        return [each for name, part in trained.items() for each in _parameters(part, f"{prefix}{name}.")]
    raise TypeError("a torch optimiser needs torch networks or parameters")


def _average_over_processes(gradients: list[Tensor], world: int) -> None:
    """One all-reduce for all gradients. Every process drew the same paths, so every one holds the same list."""
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    dist.all_reduce(flat)
    flat /= world
    offset = 0
    for gradient in gradients:
        gradient.copy_(flat[offset : offset + gradient.numel()].view(gradient.shape))
        offset += gradient.numel()
