"""Candidates enhancement: the supernet judges a slightly richer network in place of each candidate.

Narrow candidates are those that a supernet under-estimates most, so a map of widths (4 to 5, 8 to 9) gives them more;
and another activation after each residual addition gives to all. Only the order of the candidates is wanted, and the
map must not change it. Source: the first place of the 2021 challenge (arXiv 2108.05866); the activation also PGONAS
(arXiv 2206.13329), which found that replacing the one inside a block as well makes training diverge.
"""

from dataclasses import dataclass, fields, replace
from functools import cache, cached_property
from typing import cast

from toolkit.spaces.base import Arch, SearchSpace
from toolkit.spaces.derived import DerivedSpace
from toolkit.spaces.grouping import elastic_layers
from toolkit.spaces.plans import Plan, Plans
from toolkit.spaces.primitives import Activation


@dataclass(frozen=True)
class EnhancedSpace(DerivedSpace):
    """`base`, whose supernet runs enhanced candidates.

    Attributes:
        widths: pairs (width, the width run in its place), for every layer; others stay.
        activation: what follows each residual addition.
    """

    widths: tuple[tuple[int, int], ...] = ()
    activation: Activation = "relu"

    def supernet_plans(self, arch: Arch) -> Plans:
        """The base's, enhanced."""
        return self._enhanced(self.base.supernet_plans(arch))

    def trunk_plans(self, arch: Arch) -> Plans:
        """The base's, enhanced."""
        return self._enhanced(self.base.trunk_plans(arch))

    @cached_property
    def widest(self) -> Plans:
        """The base's, enhanced."""
        return self._enhanced(self.base.widest)

    def _enhanced(self, plans: Plans) -> Plans:
        return tuple(
            _enhance(plan, self.widths, self.activation, images=position == 0) for position, plan in enumerate(plans)
        )


@cache
def _enhance(
    plan: Plan | None, widths: tuple[tuple[int, int], ...], activation: Activation, *, images: bool
) -> Plan | None:
    """`plan`, with every channel count but those of images mapped."""
    if plan is None:
        return None
    richer = dict(widths)
    changes: dict[str, object] = {
        name: richer.get(getattr(plan, name), getattr(plan, name))
        for name in _names(plan)
        if name.endswith("channels") and not (images and name == "in_channels")
    }
    if "activation" in _names(plan):
        changes["activation"] = activation
    within = plan.mapped(lambda inner: cast(Plan, _enhance(inner, widths, activation, images=images)))
    return replace(within, **changes)  # type: ignore[arg-type]


def _said(plan: Plan | None) -> list[str]:
    """What a plan says of its block; other widths follow from these."""
    return [] if plan is None else _names(plan)


def _names(plan: Plan) -> list[str]:
    return [field.name for field in fields(plan)]


def enhancement_problems(
    space: SearchSpace, widths: tuple[tuple[int, int], ...], activation: Activation | None
) -> list[str]:
    """Why a space's candidates cannot be enhanced so; empty if they can."""
    found = []
    if activation not in (None, "relu") and not any(
        plan is not None and "activation" in _names(plan) for plan in space.widest
    ):
        found.append(f"activation: space {space.name} has no residual blocks with an activation after the addition")
    richer = dict(widths)
    layers = [layer for layer in elastic_layers(space) if layer.field in _said(space.widest[layer.position])]
    known = sorted({width for layer in layers for width in layer.users})
    found += [
        f"widths.{width}: no width of space {space.name}; there are: {', '.join(map(str, known))}"
        for width in richer
        if width not in known
    ]
    for before in known:
        after = richer.get(before, before)
        if before > after:
            found.append(f"widths.{before}: {after} is less; an enhanced candidate has more")
        overtaken = [w for layer in layers if before in layer.users for w in layer.users if w > before >= 0]
        if any(richer.get(w, w) <= after for w in overtaken):
            found.append(f"widths.{before}: {after} is not below the next width, so the order would change")
        elif before in richer and any(max(layer.users) == before for layer in layers):
            found.append(f"widths.{before}: the widest width of a layer cannot become wider")
    return found
