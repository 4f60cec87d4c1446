"""The closed form against what torch counts in real networks, integer for integer."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from tests.networks import FORMS
from tests.plain_torch import plain_network
from toolkit.backends.shapes import is_matrix, shapes
from toolkit.backends.torch.blocks import Block
from toolkit.backends.torch.norms import Stored
from toolkit.spaces import SPACES, Cost, Plans, SearchSpace
from toolkit.spaces.cost import network_cost
from toolkit.spaces.resnet48 import RESNET48


class ToolkitNetwork(nn.Module):
    """The toolkit's own blocks, built for the plans that they run."""

    def __init__(self, plans: Plans) -> None:
        super().__init__()
        self.plans = [plan for plan in plans if plan is not None]
        self.blocks = nn.ModuleList(map(Block, self.plans))

    def forward(self, state: torch.Tensor) -> torch.Tensor:
        states = [state]
        for block, plan in zip(self.blocks, self.plans, strict=True):
            states.append(block.run(plan, [states[-back] for back in plan.reads], Stored()))
        return states[-1]


def counted(build_network: Callable[[Plans], nn.Module], space: SearchSpace, plans: Plans) -> Cost:
    """What torch counts, on the meta device: shapes only, no arithmetic."""
    with torch.device("meta"):
        network = build_network(plans).eval()
        image = torch.empty(1, space.channels, space.size, space.size)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        logits = network(image)
    assert logits.shape == (1, space.classes)
    macs, odd = divmod(counter.get_total_flops(), 2)
    assert not odd
    return Cost(macs, sum(parameter.numel() for parameter in network.parameters()))


some_spaces = pytest.mark.parametrize("space", [SPACES[name] for name in FORMS], ids=FORMS)


@pytest.mark.parametrize("build_network", [plain_network, ToolkitNetwork], ids=["plain", "toolkit"])
@some_spaces
def test_closed_form_equals_torch(
    build_network: Callable[[Plans], nn.Module], space: SearchSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("toolkit.backends.torch.convolution.FEW", 0)  # or taps on padding are not even multiplied
    rng = np.random.default_rng(0)
    for arch in (space.largest, space.sample(rng)):
        assert space.cost(arch) == counted(build_network, space, space.plans(arch)), space.format(arch)
    path = space.supernet_plans(space.sample(rng))
    if not any(map(is_matrix, shapes(path))):  # which make kernels once for all images
        assert network_cost(path) == counted(build_network, space, path)


@some_spaces
def test_closed_form_equals_torch_for_other_images(space: SearchSpace) -> None:
    """33 is odd at every stride."""
    other = space.for_images(channels=2, size=33, classes=7)
    arch = other.sample(np.random.default_rng(1))
    assert other.cost(arch) == counted(plain_network, other, other.plans(arch))


def test_the_plain_network_has_the_official_layout() -> None:
    """252 tensors and 34,067,880 numbers, batch-norm statistics included, in the official checkpoint."""
    with torch.device("meta"):
        tensors = plain_network(RESNET48.widest).state_dict()
    official = {name: tensor.numel() for name, tensor in tensors.items() if not name.endswith("num_batches_tracked")}
    assert len(official) == 252
    assert sum(official.values()) == 34_067_880
    assert {"blocks.0.conv.weight", "blocks.23.bn2.running_var", "blocks.24.fc.bias"} <= official.keys()
    projected = [name for name in official if name.endswith("downsample.0.weight")]
    assert projected == [f"blocks.{i}.downsample.0.weight" for i in (6, 11, 19)]
