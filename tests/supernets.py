"""Supernets that are not their space's own: grouped, split, weakly shared, by recipes. Benchmarks use them."""

from toolkit.spaces import SPACES, SearchSpace
from toolkit.spaces.conditioning import ConditionedSpace
from toolkit.spaces.enhancement import EnhancedSpace
from toolkit.spaces.grouping import GroupedSpace
from toolkit.spaces.primitives import ACTIVATIONS
from toolkit.spaces.splitting import Split, SplitSpace

RESNET20 = SPACES["resnet20"].for_images(3, 8, 7)
MINI = SPACES["resnet48-mini"].for_images(3, 8, 7)
NATS = SPACES["nats-size"].for_images(3, 8, 7)

_RICHER = EnhancedSpace(RESNET20, ((4, 5), (8, 9)), "prelu")
_HALVES = Split("middle4.1", (("1", "2", "3"), ("4", "5", "6", "7")))

GROUPED: dict[str, SearchSpace] = {
    "resnet20, winner's": GroupedSpace(_RICHER, 4, "widths"),
    "resnet20, shared slopes": GroupedSpace(_RICHER, "widths", None, activations=False),
    "resnet48, mish": GroupedSpace(EnhancedSpace(MINI, (), "mish"), 3, "widths"),
    "resnet48, split": SplitSpace(GroupedSpace(EnhancedSpace(MINI, (), "prelu"), 2), (_HALVES,)),
    "nats-size, by width": GroupedSpace(NATS, "widths"),
    "nats-size, norms": GroupedSpace(NATS, None, "widths"),
}
"""Those with groups of widths, or batch norms for each."""

WEAK: dict[str, SearchSpace] = {
    "nats-size, weak": ConditionedSpace(NATS, "scale", 0.5, 8),
    "resnet20, weak": ConditionedSpace(GroupedSpace(_RICHER, 4, "widths"), "low-rank", 0.5, 8, 2, "local"),
    "resnet48, weak": SplitSpace(ConditionedSpace(MINI, "mixture", 0.5, 8, 3, "local", "shuffled"), (_HALVES,)),
}
"""Those with a HyperNet."""

SUPERNETS = GROUPED | WEAK
"""One of each kind, by name."""

ACTIVATED: dict[str, SearchSpace] = {name: EnhancedSpace(MINI, (), name) for name in ACTIVATIONS}
"""Enhanced by an activation alone, by its name."""
