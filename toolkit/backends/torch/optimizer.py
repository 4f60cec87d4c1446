"""SGD over accumulated gradients, averaged over processes: `toolkit.backends.base.Optimizer`."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
import torch.distributed as dist
from torch import Tensor

from toolkit.backends.base import SGD, Weights
from toolkit.backends.torch.network import TorchNetwork, parameter_kind


class TorchOptimizer:
    """Steps over every parameter that received a gradient; unless `move_idle`, others rest (no decay, no momentum)."""

    def __init__(self, network: TorchNetwork, config: SGD, world: int) -> None:
        self._config, self._world, self._network = config, world, network
        self._parameters = dict(network.named_parameters())
        kinds = parameter_kind(network)
        free = {kind for kind, pulled in (("norm", config.decay_norm), ("bias", config.decay_bias)) if not pulled}
        decayed = [p for name, p in self._parameters.items() if kinds[name] not in free]
        others = [p for name, p in self._parameters.items() if kinds[name] in free]
        groups = (decayed, config.weight_decay), (others, 0.0)
        self._sgd = torch.optim.SGD(
            ({"params": params, "weight_decay": decay} for params, decay in groups if params),
            lr=0.0,
            momentum=config.momentum,
            nesterov=config.nesterov,
        )
        self._used: set[str] = set()
        self._average: dict[str, Tensor] = {}
        if config.ema is not None:
            self._average = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}

    def step(self, lr: float) -> Tensor:
        """See `Optimizer`."""
        if self._config.move_idle:
            self._rouse()
        gradients = [p.grad for p in self._parameters.values() if p.grad is not None]
        if self._world > 1:
            _average_over_processes(gradients, self._world)
        norm = torch.nn.utils.get_total_norm(gradients)
        if self._config.clip_norm is not None:
            torch.nn.utils.clip_grads_with_norm_(self._parameters.values(), self._config.clip_norm, norm)
        for group in self._sgd.param_groups:
            group["lr"] = lr
        self._sgd.step()
        self._sgd.zero_grad()
        if self._config.ema is not None:
            with torch.no_grad():
                for name, tensor in self._network.state_dict().items():
                    self._average[name].lerp_(tensor, 1 - self._config.ema)
        return norm

    def _rouse(self) -> None:
        """Gradients of 0 for what was used before and is not now.

        Kept from step to step, they would pass for gradients of paths that others run in between.
        """
        used = {name for name, p in self._parameters.items() if p.grad is not None}
        for name in self._used - used:
            self._parameters[name].grad = torch.zeros_like(self._parameters[name])
        self._used |= used

    def state(self) -> Weights:
        """See `Optimizer`."""
        buffers = {
            f"momentum.{name}": self._sgd.state[p]["momentum_buffer"]
            for name, p in self._parameters.items()
            if self._sgd.state.get(p, {}).get("momentum_buffer") is not None
        }
        buffers |= {f"ema.{name}": tensor for name, tensor in self._average.items()}
        return {name: tensor.detach().cpu().numpy().copy() for name, tensor in buffers.items()}

    def load_state(self, state: Mapping[str, npt.NDArray[np.float32]]) -> None:
        """See `Optimizer`."""
        for name, p in self._parameters.items():
            if (buffer := state.get(f"momentum.{name}")) is not None:
                self._sgd.state[p]["momentum_buffer"] = torch.from_numpy(np.array(buffer)).to(p)
                self._used.add(name)
        for name, tensor in self._average.items():
            if (average := state.get(f"ema.{name}")) is not None:
                tensor.copy_(torch.from_numpy(np.array(average)))

    def averaged(self) -> Weights | None:
        """See `Optimizer`."""
        if self._config.ema is None:
            return None
        return {name: tensor.cpu().numpy().copy() for name, tensor in self._average.items()}


def _average_over_processes(gradients: list[Tensor], world: int) -> None:
    """One all-reduce for all gradients. Every process drew the same paths, so every one holds the same list."""
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    dist.all_reduce(flat)
    flat /= world
    offset = 0
    for gradient in gradients:
        gradient.copy_(flat[offset : offset + gradient.numel()].view(gradient.shape))
        offset += gradient.numel()
