"""SGD and Adam over accumulated gradients, averaged over processes: `toolkit.backends.base.Optimizer`.

Updates are PyTorch's, as functions: the first of its optimiser *objects* imports its compiler, a second or two of every
process that trains.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.distributed as dist
from torch import Tensor
from torch.optim.adam import adam
from torch.optim.sgd import sgd
from typing_extensions import override

from toolkit.backends.base import SGD, Adam, Decay, Optimizer, Trainable, Weights
from toolkit.backends.torch.network import TorchNetwork, parameter_kind
from toolkit.backends.torch.ops import TorchParameters


class _Optimizer(Optimizer, ABC):
    """Steps over every parameter that received a gradient. What is kept of a parameter stands in `_kept`."""

    def __init__(self, trained: Trainable | Mapping[str, Trainable], config: Decay, world: int) -> None:
        self._world, self._clip_norm = world, config.clip_norm
        free = {kind for kind, pulled in (("norm", config.decay_norm), ("bias", config.decay_bias)) if not pulled}
        self._parameters: dict[str, Tensor] = {}
        self._decay: dict[str, float] = {}
        for name, tensor, kind in _parameters(trained):
            self._parameters[name] = tensor
            self._decay[name] = 0.0 if kind in free else config.weight_decay
        self._kept: dict[str, dict[str, Tensor]] = {}

    @override
    @torch.no_grad()
    def step(self, lr: float, parts: int = 1) -> Tensor:
        gradients = {name: _laid_out(p, p.grad) for name, p in self._parameters.items() if p.grad is not None}
        every = list(gradients.values())
        if parts > 1:
            torch._foreach_div_(every, parts)
        if self._world > 1:
            _average_over_processes(every, self._world)
        norm = torch.nn.utils.get_total_norm(every)
        if self._clip_norm is not None:
            torch.nn.utils.clip_grads_with_norm_(self._parameters.values(), self._clip_norm, norm)
        for decay in sorted(set(self._decay.values())):
            moved = {name: gradient for name, gradient in gradients.items() if self._decay[name] == decay}
            self._update([self._parameters[name] for name in moved], moved, lr, decay)
        for parameter in self._parameters.values():
            parameter.grad = None
        return norm

    @abstractmethod
    def _update(self, parameters: list[Tensor], gradients: dict[str, Tensor], lr: float, decay: float) -> None:
        """Move parameters of one weight decay."""

    def _of(self, what: str, gradients: Mapping[str, Tensor], *, scalar: bool = False) -> list[Tensor]:
        """What is kept of the parameters with these gradients, 0 for what is used for the first time."""
        kept = self._kept[what]
        for name in gradients.keys() - kept.keys():
            p = self._parameters[name]
            kept[name] = torch.zeros((), device=p.device) if scalar else torch.zeros_like(p)
        return [kept[name] for name in gradients]

    @override
    def state(self) -> Weights:
        return {
            f"{what}.{name}": tensors[name].detach().cpu().numpy().copy()
            for what, tensors in self._kept.items()
            for name in self._parameters
            if name in tensors
        }

    @override
    def load_state(self, state: Mapping[str, npt.NDArray[np.float32]]) -> None:
        for what, tensors in self._kept.items():
            for name, p in self._parameters.items():
                if (kept := state.get(f"{what}.{name}")) is not None:
                    array = torch.from_numpy(np.array(kept))
                    tensors[name] = (
                        torch.empty_like(p, requires_grad=False).copy_(array) if array.ndim else array.to(p.device)
                    )


class TorchSGD(_Optimizer):
    """Unless `move_idle`, parameters without a gradient rest (no decay, no momentum)."""

    def __init__(self, trained: Trainable | Mapping[str, Trainable], config: SGD, world: int) -> None:
        super().__init__(trained, config, world)
        self._momentum, self._nesterov, self._move_idle = config.momentum, config.nesterov, config.move_idle
        self._used: set[str] = set()
        self._kept = {"momentum": {}}

    @override
    def step(self, lr: float, parts: int = 1) -> Tensor:
        if self._move_idle:
            self._rouse()
        return super().step(lr, parts)

    @override
    def _update(self, parameters: list[Tensor], gradients: dict[str, Tensor], lr: float, decay: float) -> None:
        sgd(
            parameters,
            list(gradients.values()),
            list(self._of("momentum", gradients)) if self._momentum else [None] * len(parameters),
            weight_decay=decay,
            momentum=self._momentum,
            lr=lr,
            dampening=0.0,
            nesterov=self._nesterov,
            maximize=False,
            fused=True,
        )

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

    def __init__(self, trained: Trainable | Mapping[str, Trainable], config: Adam, world: int) -> None:
        super().__init__(trained, config, world)
        self._config = config
        self._kept = {"mean": {}, "square": {}, "steps": {}}

    @override
    def _update(self, parameters: list[Tensor], gradients: dict[str, Tensor], lr: float, decay: float) -> None:
        adam(
            parameters,
            list(gradients.values()),
            self._of("mean", gradients),
            self._of("square", gradients),
            [],
            self._of("steps", gradients, scalar=True),
            beta1=self._config.beta1,
            beta2=self._config.beta2,
            eps=self._config.eps,
            lr=lr,
            weight_decay=decay,
            decoupled_weight_decay=self._config.decoupled,
            amsgrad=False,
            maximize=False,
            fused=True,
        )


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
