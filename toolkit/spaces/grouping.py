"""Degrees of sharing: groups of widths with weights of their own, from one for all to one for each width.

In a layer as wide as W, a group owns all output channels of a weight of its size, and the full input, which is sliced;
a width runs on the narrowest group that holds it. The weight that all widths share stays, as the *trunk*: groups begin
as its leading slices, so that grouping changes no output, and it may go on as their teacher. Sources: the branches of
the first place of 2021 (arXiv 2108.05866: 4 groups, then one per 4 channels), the weight groups per stage of the fourth
of 2022 (arXiv 2206.05896), the private batch norms of slimmable networks (Yu et al., arXiv 1812.08928).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache, cached_property
from typing import Literal

from toolkit.spaces.base import Arch, SearchSpace
from toolkit.spaces.derived import DerivedSpace
from toolkit.spaces.own import SHARED, Own, Owns, group_of
from toolkit.spaces.plans import Plan, Plans
from toolkit.spaces.wiring import outputs_by_field

Rule = int | Literal["widths"] | tuple[int, ...]
"""How to group the widths of a layer as wide as W: n groups of sizes W/n, 2W/n, ..., W; a group for each width; or
groups of these sizes, the last at least W."""

Rules = int | Literal["widths"] | tuple[tuple[int, Rule], ...]
"""One rule for all layers, or pairs (W, rule); layers of other widest widths then keep to the trunk."""

_GROUP = re.compile(r"\.groups\.([0-9]+)(?=\.)")


@dataclass(frozen=True, slots=True)
class Layers:
    """Layers at one position that put out equally many channels (or, in a head, take them in).

    `field` is the attribute of their plan that says how many. `users` has, by width (as the supernet runs it), the
    options that ask for it.
    """

    position: int
    field: str
    users: Mapping[int, tuple[str, ...]]

    @property
    def name(self) -> str:
        """Such as `block 3, inside`."""
        usual = {"mid_channels": ", inside", "channels": "", "in_channels": ", classifier"}
        return f"block {self.position}{usual.get(self.field, f', {self.field}')}"

    def groups(self, rule: Rule | None) -> tuple[int, ...]:
        """The groups that `rule` makes of these layers' widths, those that serve none left out; none without a rule."""
        if rule is None:
            return ()
        widest = max(self.users)
        match rule:
            case "widths":
                sizes: tuple[int, ...] = tuple(self.users)
            case int():
                sizes = tuple(-(-widest * part // rule) for part in range(1, rule + 1))
            case _:
                sizes = rule
        return tuple(sorted({group_of(width, sizes) for width in self.users}))


def elastic_layers(space: SearchSpace) -> list[Layers]:
    """Every set of layers of the supernet whose width varies, in the order of the network.

    In all spaces a width follows from one decision, so asking for each option in turn finds them all.
    """
    found: dict[tuple[int, str], dict[int, tuple[str, ...]]] = {}
    order: dict[tuple[int, str], int] = {}
    for number, decision in enumerate(space.decisions):
        seen: dict[tuple[int, str], dict[int, tuple[str, ...]]] = {}
        for index, option in enumerate(decision.options):
            plans = space.supernet_plans(space.with_option(number, index))
            for position in decision.blocks:
                plan = plans[position]
                for place, (field, width) in enumerate(outputs_by_field(plan).items() if plan else ()):
                    order.setdefault((position, field), place)
                    users = seen.setdefault((position, field), {})
                    users[width] = (*users.get(width, ()), str(option))
        found |= {where: users for where, users in seen.items() if len(users) > 1}
    return [
        Layers(position, field, dict(sorted(found[position, field].items())))
        for position, field in sorted(found, key=lambda where: (where[0], order[where]))
    ]


@dataclass(frozen=True)
class GroupedSpace(DerivedSpace):
    """`base`, whose supernet has weights of its own for groups of widths.

    Attributes:
        convs: the rules for convolutions and classifiers, and for batch norms unless `norms` says otherwise.
        norms: a batch norm for each width.
        activations: whether groups of convolutions have a learned activation's slope of their own. In the code of 2021
            they did not, and so the slopes of its frozen teacher went on training with its students.
    """

    convs: Rules | None = None
    norms: Literal["widths"] | None = None
    activations: bool = True

    def supernet_plans(self, arch: Arch) -> Plans:
        """The base's, through the groups of its widths."""
        return self._owned(self.base.supernet_plans(arch))

    @cached_property
    def widest(self) -> Plans:
        """The base's, with all groups beside the trunk."""
        return self._owned(self.base.widest)

    def owns(self, layers: Layers) -> Own:
        """The groups of some layers."""
        rule = dict(self.convs).get(max(layers.users)) if isinstance(self.convs, tuple) else self.convs
        convs = layers.groups(rule)
        norms = convs if self.norms is None else layers.groups(self.norms)
        return Own(convs, norms, convs if self.activations else ())

    def _owned(self, plans: Plans) -> Plans:
        return tuple(_own(plan, self._at.get(position, ())) for position, plan in enumerate(plans))

    @cached_property
    def _at(self) -> dict[int, Owns]:
        """By position: the groups of its layers."""
        found: dict[int, Owns] = {}
        for layers in elastic_layers(self.base):
            if (own := self.owns(layers)) != SHARED:
                found[layers.position] = (*found.get(layers.position, ()), (layers.field, own))
        return found


@cache
def _own(plan: Plan | None, own: Owns) -> Plan | None:
    """`plan` with these groups."""
    return plan if plan is None or not own else replace(plan, own=own)


def grouping_problems(space: SearchSpace, convs: Rules | None, norms: Literal["widths"] | None) -> list[str]:
    """Why a space's supernet cannot be grouped so; empty if it can."""
    layers = elastic_layers(space)
    if (convs is not None or norms is not None) and not layers:
        return [f"space {space.name} has no widths to group"]
    if not isinstance(convs, tuple):
        return []
    widest = sorted({max(layer.users) for layer in layers})
    found = [
        f"groups.{width}: no layer's widest width; there are: {', '.join(map(str, widest))}"
        for width, _ in convs
        if width not in widest
    ]
    return found + [
        f"groups.{width}: the last group must hold width {width}, found {max(rule, default=0)}"
        for width, rule in convs
        if isinstance(rule, tuple) and width in widest and max(rule, default=0) < width
    ]


def groups_of(space: SearchSpace) -> list[tuple[Layers, Own]]:
    """Every set of layers whose width varies, and its groups; layers that share one weight have none."""
    grouped = space
    while isinstance(grouped, DerivedSpace) and not isinstance(grouped, GroupedSpace):
        grouped = grouped.base
    if isinstance(grouped, GroupedSpace):
        return [(layers, grouped.owns(layers)) for layers in elastic_layers(grouped.base)]
    return [(layers, SHARED) for layers in elastic_layers(space)]


def regrouping_problems(before: SearchSpace, after: SearchSpace) -> list[str]:
    """Why the groups of `after` cannot go on where those of `before` end; empty if they divide them.

    Only then does every width begin with the weights that it ran on, so that regrouping changes no output.
    """
    held = {(layers.position, layers.field): own for layers, own in groups_of(before)}
    found = {}
    for layers, own in groups_of(after):
        coarse, widest = held.get((layers.position, layers.field), SHARED), max(layers.users)
        for kind in fields(Own):
            old, new = getattr(coarse, kind.name), getattr(own, kind.name)
            if strangers := [width for width in layers.users if old and _heir(width, old, new) != group_of(width, old)]:
                found[widest] = (
                    f"layers as wide as {widest}: {_named(new)} do not divide the {_named(old)} before, so that "
                    f"{', '.join(map(str, strangers))} would begin with weights that they did not run on"
                )
    return list(found.values())


def _heir(width: int, old: tuple[int, ...], new: tuple[int, ...]) -> int | None:
    """Of the groups `old`, that from which the one of `new` that serves `width` inherits; None: the trunk."""
    return min((group for group in old if new and group >= group_of(width, new)), default=None)


def _named(groups: tuple[int, ...]) -> str:
    return f"groups ({', '.join(map(str, groups)) or 'none'})"


def parted(name: str) -> tuple[str, int | None]:
    """The name of the trunk's weight that goes with a weight, and the group it belongs to: None for the trunk itself.

    `blocks.3.conv1.groups.8.weight` is of group 8 beside `blocks.3.conv1.weight`.
    """
    found = _GROUP.search(name)
    return (name, None) if found is None else (_GROUP.sub("", name), int(found[1]))
