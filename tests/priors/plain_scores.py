"""The scores once more, in plain torch, from their definitions: on ordinary modules, without the toolkit's priors."""

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from tests.plain_torch import PlainBlocks, PlainInvertedResidual, plain_network
from toolkit.spaces.plans import (
    BasicBlock,
    Choice,
    Head,
    InvertedResidual,
    MobileHead,
    Plan,
    Plans,
    Reduction,
    ResidualChoice,
)

Arrays = Mapping[str, npt.NDArray[np.float32]]


def loaded(plans: Plans, weights: Arrays) -> nn.Module:
    """The network of `plans` as an ordinary module in training mode, with these weights."""
    module = plain_network(plans)
    state = {name: torch.from_numpy(array) for name, array in weights.items()}
    missing, unexpected = module.load_state_dict(state, strict=False)
    assert not unexpected
    assert all(name.endswith("num_batches_tracked") for name in missing)
    return module.train()


def filters(module: nn.Module) -> Iterator[nn.Parameter]:
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            yield layer.weight


def gradient_score(
    plans: Plans, weights: Arrays, x: torch.Tensor, labels: torch.Tensor, measure: Callable[[Any, Any], torch.Tensor]
) -> float:
    module = loaded(plans, weights)
    nn.CrossEntropyLoss()(module(x), labels).backward()
    return sum(float(measure(w.detach(), w.grad)) for w in filters(module) if w.grad is not None)


def naswot(plans: Plans, weights: Arrays, x: torch.Tensor) -> float:
    codes: list[npt.NDArray[np.bool_]] = []
    relu = torch.relu

    def watched(inputs: torch.Tensor) -> torch.Tensor:
        codes.append((inputs > 0).reshape(len(inputs), -1).numpy())
        return relu(inputs)

    with patch("torch.relu", watched), torch.no_grad():
        loaded(plans, weights)(x)
    bits = np.concatenate(codes, axis=1)
    kernel = np.array([[np.count_nonzero(first == second) for second in bits] for first in bits])
    sign, logarithm = np.linalg.slogdet(kernel)
    return float(logarithm) if sign > 0 else -math.inf


def synflow(plans: Plans, weights: Arrays, shape: tuple[int, ...]) -> float:
    module = loaded(plans, weights).double()
    for parent in list(module.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.BatchNorm2d):
                setattr(parent, name, nn.Identity())
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.abs_()
    module(torch.ones(shape, dtype=torch.float64)).sum().backward()
    return sum(
        float((w * w.grad).detach().sum()) for w in filters(module) if w.grad is not None
    )  # attention may lower it


class PlainZen:
    """f of the Zen-score: no residual additions, no head. Its running variances live as long as it does."""

    def __init__(self, plans: Plans) -> None:
        self.module = PlainBlocks(
            *(_main_branch(plan) for plan in plans if plan and not isinstance(plan, Head | MobileHead))
        )

    def repetition(self, filters: list[npt.NDArray[np.float32]], x: torch.Tensor, change: torch.Tensor) -> float:
        """The score of one draw; `filters` in the order of the layers."""
        convs = [layer for layer in self.module.modules() if isinstance(layer, nn.Conv2d)]
        norms = [layer for layer in self.module.modules() if isinstance(layer, nn.BatchNorm2d)]
        for conv, weight in zip(convs, filters, strict=True):
            assert conv.weight.shape == weight.shape
            conv.weight = nn.Parameter(torch.from_numpy(weight))
            if conv.bias is not None:
                nn.init.zeros_(conv.bias)
        with torch.no_grad():
            difference = self.module.train()(x) - self.module(x + 0.01 * change)
        reaction = difference.abs().sum((1, 2, 3)).mean()
        return math.log(reaction) + sum(math.log(math.sqrt(norm.running_var.mean())) for norm in norms)


def _main_branch(plan: Plan) -> nn.Module:
    (module,) = plain_network((plan,)).blocks
    match plan:
        case BasicBlock():
            return nn.Sequential(module.conv1, module.bn1, nn.ReLU(), module.conv2, module.bn2, nn.ReLU())
        case Reduction():
            return nn.Sequential(nn.ReLU(), module.conv1, module.bn1, nn.ReLU(), module.conv2, module.bn2)
        case ResidualChoice():
            return nn.Sequential(module.get_submodule(module.name), nn.ReLU())
        case Choice(branches=((_, branch),)):
            return _main_branch(branch)
        case InvertedResidual():
            assert isinstance(module, PlainInvertedResidual)
            return nn.Sequential(
                module.expand, module.bn1, module.first,
                module.depthwise, module.bn2, module.act, module.se,
                module.project, module.bn3,
            )  # fmt: skip
    return module


@contextlib.contextmanager
def watch(owner: Any, name: str) -> Iterator[list[Any]]:
    """What a function of a module returns while it is used."""
    returned: list[Any] = []
    function = getattr(owner, name)

    def watched(*arguments: Any, **options: Any) -> Any:
        returned.append(function(*arguments, **options))
        return returned[-1]

    with patch.object(owner, name, watched):
        yield returned
