"""What candidates have in common: a tree of block plans, from stem to head.

Two candidates whose leading plans are equal have equal leading activations, in calibration and in testing alike. So
each node of the tree has to be computed once. Blocks that follow the same prefix share more: `toolkit.spaces.sharing`.
"""

from collections import Counter
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
    """A distinct prefix: `children` are the blocks that follow, by position, `ends` the networks it completes.

    Of many candidates most blocks lie where a network has parted from all others. So a network that is alone from here
    on is only named until somebody asks for the children (`alone`: its key, its plans and the first position that
    counts), and what folds over a tree of tens of thousands takes it as a whole.
    """

    known: dict[int, dict[Plan, "Node[Key]"]] = field(default_factory=dict)
    ends: list[Key] = field(default_factory=list)
    alone: tuple[Key, Plans, int] | None = None

    @property
    def children(self) -> dict[int, dict[Plan, "Node[Key]"]]:
        """The blocks that follow, by position."""
        if self.alone is not None:
            key, plans, index = self.alone
            self.alone = None
            plan = plans[index]
            assert plan is not None  # noqa: S101
            child: Node[Key] = Node()
            child.add(key, plans, index + 1)
            self.known[index] = {plan: child}
        return self.known

    @property
    def tail(self) -> tuple[Plan, ...]:
        """The blocks that follow for the one network that is alone here; empty if there is none."""
        if self.alone is None:
            return ()
        _, plans, start = self.alone
        return tuple([plan for plan in plans[start:] if plan is not None])

    def add(self, key: Key, plans: Plans, start: int = 0) -> None:
        """A network more, of whose plans those from `start` on count."""
        node = self
        for index, plan in enumerate(plans[start:], start):
            if plan is None:
                continue
            if not node.known and not node.ends and node.alone is None:
                node.alone = key, plans, index
                return
            by_plan = node.children.setdefault(index, {})
            if (child := by_plan.get(plan)) is None:
                child = by_plan[plan] = Node()
            node = child
        node.ends.append(key)

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

    def shared(self) -> Iterator["Node[Key]"]:
        """The node and those below it, without what lies in tails."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            for by_plan in node.known.values():
                waiting += by_plan.values()

    def plans(self) -> Counter[Plan]:
        """How often each block stands in the tree."""
        found: list[Plan] = []
        for node in self.shared():
            found += node.tail
            for by_plan in node.known.values():
                found += by_plan
        return Counter(found)


def prefix_tree(networks: Sequence[tuple[Key, Plans]]) -> Node[Key]:
    """The tree of all prefixes; its root is the empty one, where images go in."""
    root: Node[Key] = Node()
    for key, plans in networks:
        root.add(key, plans)
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
    present = Counter([plan for _, plans in networks for plan in plans if plan is not None])
    return Work(present.total() - len(networks), _macs(present))


def by_block(root: Node[Key]) -> Work:
    """Every distinct prefix once."""
    return Work(_blocks(root), _macs(root.plans()))


def by_convolution(root: Node[Key]) -> Work:
    """Every distinct prefix once, and blocks on the same input share their convolutions: what the evaluator does."""
    single: list[Plan] = []
    together: list[tuple[Plan, ...]] = []
    for node in root.shared():
        if node.alone is not None:
            single += node.tail
        else:
            together += [plans for _, plans, _ in node.siblings()]
    shared = sum(times * siblings_cost(plans) for plans, times in Counter(together).items())
    return Work(_blocks(root), _macs(Counter(single)) + shared)


def _blocks(root: Node[Key]) -> int:
    """How many nodes something follows, but for the root, where images go in."""
    nodes = sum([len(node.tail) or bool(node.known) for node in root.shared()])
    return nodes - bool(root.known or root.alone)


def _macs(plans: Counter[Plan]) -> int:
    """Of so many of each; few are different, and each is asked once."""
    return sum(times * block_cost(plan).macs for plan, times in plans.items())
