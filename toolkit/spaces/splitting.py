"""Few-shot splitting: groups of a decision's options get weights of their own, as plain plans.

Weights shared by all options of a decision may serve none of them well. A split partitions the options; each position
that the decision shapes then holds one copy of its block per group, as a `Choice`, and a path runs the copy of its
group. One group per option is no sharing at all; a split of an edge of NAS-Bench-201 is few-shot NAS (Zhao et al.,
arXiv 2006.06863), one of a block's width what the winner of the 2021 challenge did last. Candidates, codes and costs
stay as they are: only the supernet changes.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

from toolkit.names import did_you_mean
from toolkit.spaces.base import Arch, SearchSpace
from toolkit.spaces.derived import DerivedSpace
from toolkit.spaces.plans import Choice, Plan, Plans
from toolkit.spaces.wiring import graph

_PART = re.compile(r"d([0-9]+)o([0-9]+(?:_[0-9]+)*)")
"""In a branch's name: the options (by index) of a decision (by index) that it serves."""

_BRANCH = re.compile(rf"(?:{_PART.pattern})+")


@dataclass(frozen=True, slots=True)
class Split:
    """A partition of one decision's options, which are written as text."""

    decision: str
    groups: tuple[tuple[str, ...], ...]

    def problems(self, space: SearchSpace) -> list[str]:
        """Why this is no split of `space`; empty if it is one."""
        names = [decision.name for decision in space.decisions]
        if self.decision not in names:
            return [f"unknown decision {self.decision!r}{did_you_mean(self.decision, names)}"]
        options = [str(option) for option in space.decisions[names.index(self.decision)].options]
        listed = [option for group in self.groups for option in group]
        found = [
            f"{self.decision}: unknown option {option!r}{did_you_mean(option, options)}"
            for option in dict.fromkeys(listed)
            if option not in options
        ]
        found += [f"{self.decision}: option {o!r} stands in no group" for o in options if o not in listed]
        found += [f"{self.decision}: option {o!r} stands there twice" for o in options if listed.count(o) > 1]
        if any(not group for group in self.groups):
            found.append(f"{self.decision}: a group is empty; leave it out")
        return found


@dataclass(frozen=True)
class SplitSpace(DerivedSpace):
    """`base` with a supernet that holds separate weights for groups of some decisions' options.

    Each copy is as large as the block it was copied from, so that it can inherit all of it.
    """

    splits: tuple[Split, ...]

    def supernet_plans(self, arch: Arch) -> Plans:
        """The base's path through the copies of its groups."""
        return self._through_copies(self.base.supernet_plans(arch), arch)

    def trunk_plans(self, arch: Arch) -> Plans:
        """The base's, through the same copies."""
        return self._through_copies(self.base.trunk_plans(arch), arch)

    def _through_copies(self, plans: Plans, arch: Arch) -> Plans:
        return tuple(
            plan
            if plan is None or position not in self._split_at
            else _choice(plan, ["".join(self._group_of(number, arch) for number in self._split_at[position])])
            for position, plan in enumerate(plans)
        )

    @cached_property
    def widest(self) -> Plans:
        """The base's, with one copy for each combination of groups."""
        return tuple(
            plan
            if plan is None or position not in self._split_at
            else _choice(plan, map("".join, product(*(self._names[number] for number in self._split_at[position]))))
            for position, plan in enumerate(self.base.widest)
        )

    @cached_property
    def _groups(self) -> dict[int, tuple[tuple[int, ...], ...]]:
        """By index of a decision: its groups of options, by index."""
        found = {}
        for split in self.splits:
            (number,) = (i for i, decision in enumerate(self.decisions) if decision.name == split.decision)
            options = [str(option) for option in self.decisions[number].options]
            found[number] = tuple(tuple(sorted(map(options.index, group))) for group in split.groups)
        return dict(sorted(found.items()))

    @cached_property
    def _names(self) -> dict[int, tuple[str, ...]]:
        """By index of a decision: its part of the branches' names, one for each group."""
        return {
            number: tuple(f"d{number}o{'_'.join(map(str, group))}" for group in groups)
            for number, groups in self._groups.items()
        }

    @cached_property
    def _split_at(self) -> dict[int, tuple[int, ...]]:
        """By position: the split decisions that shape it."""
        positions = {position for number in self._groups for position in self.decisions[number].blocks}
        return {
            position: tuple(number for number in self._groups if position in self.decisions[number].blocks)
            for position in positions
        }

    def _group_of(self, number: int, arch: Arch) -> str:
        answer = max(arch[number], 0)  # where the decision does not apply, any copy will do, if it is always the same
        (place,) = (i for i, group in enumerate(self._groups[number]) if answer in group)
        return self._names[number][place]


def split_problems(splits: Sequence[Split], space: SearchSpace) -> list[str]:
    """Why `splits` cannot be applied to `space`; empty if they can."""
    problems = [problem for split in splits for problem in split.problems(space)]
    names = [split.decision for split in splits]
    return problems + [
        f"{name}: split twice; write one split" for name in dict.fromkeys(names) if names.count(name) > 1
    ]


def without_branch(name: str) -> str:
    """`blocks.3.d9o0_1.conv1.weight` becomes `blocks.3.conv1.weight`; other names stay."""
    return ".".join(part for part in name.split(".") if not _BRANCH.fullmatch(part))


def serves(coarse: str, fine: str) -> bool:
    """Whether a branch's options hold those of another, by every decision that split it."""
    parts = dict(_PART.findall(fine))
    return all(
        number in parts and set(options.split("_")) >= set(parts[number].split("_"))
        for number, options in _PART.findall(coarse)
    )


def _choice(plan: Plan, names: Iterable[str]) -> Choice:
    drawn, copied = graph(plan), replace(plan, hyper=None, answers=())
    return Choice(
        drawn.inputs[0].channels,
        drawn.map(drawn.output).channels,
        tuple((name, copied) for name in names),
        hyper=plan.hyper,  # copies have heads of their own, and the body in common
        answers=plan.answers,
    )
