"""What candidates have in common: a tree of block plans, from stem to head.

Two candidates whose leading plans are equal have equal leading activations, in calibration and in testing alike. So
each node of the tree has to be computed once. Blocks that follow the same prefix share more: `toolkit.spaces.sharing`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Generic, TypeVar

from toolkit.spaces.cost import block_cost
from toolkit.spaces.plans import Plan, Plans
from toolkit.spaces.sharing import sharing_order, siblings_cost

Key = TypeVar("Key")


@dataclass(slots=True)
class Node(Generic[Key]):
    """A distinct prefix: `children` are the blocks that follow, by position, `ends` the networks it completes."""

    children: dict[int, dict[Plan, "Node[Key]"]] = field(default_factory=dict)
    ends: list[Key] = field(default_factory=list)

    def siblings(self) -> Iterator[tuple[int, tuple[Plan, ...], tuple["Node[Key]", ...]]]:
        """The blocks that follow: (position, plans in the order that shares best, their nodes).

        They are grouped by position and, as `spaces.sharing.structures` wants it, by what they are conditioned on.
        """
        for index, by_plan in self.children.items():
            if len(by_plan) == 1:  # most prefixes go on in one way
                yield index, tuple(by_plan), tuple(by_plan.values())
                continue
            alike: dict[tuple[tuple[int, ...], float], list[Plan]] = {}
            for plan in by_plan:
                alike.setdefault(plan.condition, []).append(plan)
            for group in alike.values():
                plans = tuple(sorted(group, key=sharing_order))
                yield index, plans, tuple(by_plan[plan] for plan in plans)

    def descendants(self) -> Iterator["Node[Key]"]:
        """The node and all below it."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            for by_plan in node.children.values():
                waiting += by_plan.values()


def prefix_tree(networks: Sequence[tuple[Key, Plans]]) -> Node[Key]:
    """The tree of all prefixes; its root is the empty one, where images go in."""
    root: Node[Key] = Node()
    for key, plans in networks:
        node = root
        for index, plan in enumerate(plans):
            if plan is None:
                continue
            if (by_plan := node.children.get(index)) is None:
                by_plan = node.children[index] = {}
            if (child := by_plan.get(plan)) is None:
                child = by_plan[plan] = Node()
            node = child
        node.ends.append(key)
    return root


def prefix_groups(networks: Sequence[tuple[Key, Plans]], limit: int) -> list[list[tuple[Key, Plans]]]:
    """Cut networks into groups of at most `limit` that share as much as possible: the units of work and of commits.

    Whole subtrees stay together where they fit; small neighbours fill a group up.
    """
    numbers: dict[tuple[int, Plan], int] = {}
    known: dict[tuple[int, int], int] = {}  # the same by identity, for spaces repeat a block as one object

    def number(index: int, plan: Plan) -> int:
        if (found := known.get((index, id(plan)))) is None:
            found = known[index, id(plan)] = numbers.setdefault((index, plan), len(numbers))
        return found

    paths = [
        tuple([number(index, plan) for index, plan in enumerate(plans) if plan is not None]) for _, plans in networks
    ]
    order = sorted(range(len(networks)), key=paths.__getitem__)  # depth first
    groups: list[list[int]] = [[]]
    for subtree in _subtrees(order, paths, limit, depth=0):
        if len(groups[-1]) + len(subtree) > limit:
            groups.append([])
        groups[-1] += subtree
    return [[networks[i] for i in group] for group in groups if group]


def _subtrees(order: list[int], paths: list[tuple[int, ...]], limit: int, depth: int) -> Iterator[list[int]]:
    """The largest subtrees with at most `limit` of the networks in `order`, which agree up to `depth`."""
    if len(order) <= limit:
        yield order
        return
    for step, below in groupby(order, lambda i: paths[i][depth : depth + 1]):
        if step:
            yield from _subtrees(list(below), paths, limit, depth + 1)
        else:  # equal networks that end here
            ended = list(below)
            yield from (ended[start : start + limit] for start in range(0, len(ended), limit))


@dataclass(frozen=True, slots=True)
class Work:
    """What evaluating some networks on one image takes.

    `blocks` counts stems and blocks to run (not heads), `macs` multiply-accumulates.
    """

    blocks: int
    macs: int

    def __add__(self, other: "Work") -> "Work":
        return Work(self.blocks + other.blocks, self.macs + other.macs)


def alone(networks: Sequence[tuple[Key, Plans]]) -> Work:
    """Every network for itself."""
    blocks = sum(sum(plan is not None for plan in plans) - 1 for _, plans in networks)
    macs = sum(block_cost(plan).macs for _, plans in networks for plan in plans if plan is not None)
    return Work(blocks, macs)


def by_block(root: Node[Key]) -> Work:
    """Every distinct prefix once."""
    blocks = macs = 0
    for node in root.descendants():
        for by_plan in node.children.values():
            for plan, child in by_plan.items():
                blocks += bool(child.children)
                macs += block_cost(plan).macs
    return Work(blocks, macs)


def by_convolution(root: Node[Key]) -> Work:
    """Every distinct prefix once, and blocks on the same input share their convolutions: what the evaluator does."""
    blocks = macs = 0
    for node in root.descendants():
        for _, plans, nodes in node.siblings():
            for child in nodes:
                blocks += bool(child.children)
            macs += siblings_cost(plans)
    return Work(blocks, macs)
