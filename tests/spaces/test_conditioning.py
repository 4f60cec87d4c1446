"""Weakly weight sharing: what a block's plan says that its weights depend on."""

from dataclasses import replace

import numpy as np
import pytest

from tests.networks import KINDS, thin
from tests.odd_space import ODD
from toolkit.backends.hypernet import is_hyper
from toolkit.backends.shapes import shapes, used
from toolkit.evaluation.prefixes import alone, by_convolution, prefix_tree
from toolkit.spaces import SPACES, Arch, SearchSpace
from toolkit.spaces.base import ABSENT
from toolkit.spaces.conditioning import ConditionedSpace, conditioning_problems
from toolkit.spaces.cost import block_cost
from toolkit.spaces.plans import unconditioned
from toolkit.spaces.sharing import program, structures
from toolkit.spaces.splitting import Split, SplitSpace
from toolkit.spaces.wiring import graph

MACRO = thin(SPACES["nasbench-macro"])


def weak(base: SearchSpace, **how: object) -> ConditionedSpace:
    return replace(ConditionedSpace(base, "scale", 0.5, 8), **how)  # type: ignore[arg-type]


def neighbour(space: SearchSpace, arch: Arch, decision: int) -> Arch:
    """`arch` with another answer to one decision."""
    answers = [max(answer, 0) for answer in arch]
    answers[decision] = (answers[decision] + 1) % len(space.decisions[decision].options)
    return space.canonical(answers)


@pytest.mark.parametrize("name", KINDS)
def test_only_the_supernet_changes(name: str) -> None:
    base = thin(SPACES[name])
    space, arch = weak(base), base.sample(np.random.default_rng(0))
    assert space.plans(arch) == base.plans(arch)
    assert space.cost(arch) == base.cost(arch)
    own, before = space.supernet_plans(arch), base.supernet_plans(arch)
    assert own != before
    for plan, bare in zip(own, before, strict=True):
        if plan is not None and bare is not None:
            assert block_cost(plan) == block_cost(bare)
            assert replace(plan, hyper=None, answers=()) == bare
    plain, held = shapes(base.widest), shapes(space.widest)
    assert {key: shape for key, shape in held.items() if not is_hyper(key)} == plain
    path = {key: shape for key, shape in used(own).items() if not is_hyper(key)}
    assert path == used(before)


def test_what_a_block_depends_on() -> None:
    """Eight layers of one decision each, between a stem (0) and what ends the network."""
    arch = MACRO.sample(np.random.default_rng(0))
    whole, local = (weak(MACRO, sees=sees) for sees in ("whole", "local"))
    assert {plan.answers for plan in whole.supernet_plans(arch) if plan is not None and plan.hyper} == {arch}
    first = [decision.blocks for decision in MACRO.decisions]
    for position, plan in enumerate(local.supernet_plans(arch)):
        near = [number for number, blocks in enumerate(first) if {position - 1, position, position + 1} & {*blocks}]
        if plan is not None and plan.hyper is not None:
            assert plan.answers == tuple(arch[number] for number in near)
            assert plan.hyper.inputs == 3 * len(near)
    assert local.supernet_plans(arch)[0].answers == arch[:1]  # type: ignore[union-attr]


def test_a_block_without_weights_depends_on_nothing() -> None:
    """An identity is the same in every network, so it goes on being shared."""
    space = SPACES["nasbench201"]
    arch = (1, 1, 1, 1, 1, 1)  # skip connections only
    cells = [plan for plan in weak(space).supernet_plans(arch) if plan is not None and plan.hyper is None]
    assert cells
    assert {each for each in cells if hasattr(each, "nodes")} <= {*space.supernet_plans(arch)}
    assert all(plan is None or plan.hyper for plan in weak(space).widest[:2])


def test_controls_are_wrong_but_always_the_same() -> None:
    rng = np.random.default_rng(0)
    archs = [MACRO.sample(rng) for _ in range(20)]
    shuffled, constant = (weak(MACRO, control=control) for control in ("shuffled", "constant"))
    codes = {arch: shuffled.supernet_plans(arch)[0].answers for arch in archs}  # type: ignore[union-attr]
    assert len(set(codes.values())) > 15
    assert sum(code == arch for arch, code in codes.items()) <= 1
    agreement = np.mean([np.equal(code, arch).mean() for arch, code in codes.items()])
    assert abs(agreement - 1 / 3) < 0.15, "a code that tells nothing agrees by chance"
    again = weak(MACRO, control="shuffled")
    assert all(again.supernet_plans(arch)[3] == shuffled.supernet_plans(arch)[3] for arch in archs)
    assert {constant.supernet_plans(arch)[0] for arch in archs} == {constant.supernet_plans(MACRO.largest)[0]}
    right = weak(MACRO)
    assert {*shapes(right.widest).items()} == {*shapes(shuffled.widest).items()} == {*shapes(constant.widest).items()}


@pytest.mark.parametrize(("sees", "control"), [("whole", None), ("local", None), ("whole", "constant")])
def test_sharing_degrades_by_itself(sees: str, control: str | None) -> None:
    """As many MACs as networks have for themselves; fewer where the condition is local; as ever where it is none."""
    space = weak(MACRO, sees=sees, control=control)
    first = MACRO.sample(np.random.default_rng(0))
    archs = [first, *(neighbour(MACRO, first, decision) for decision in range(8))]
    own, plain = ([(arch, of.supernet_plans(arch)) for arch in archs] for of in (space, MACRO))
    shared, before = (by_convolution(prefix_tree(networks)).macs for networks in (own, plain))
    each = alone(own).macs
    assert before < each == alone(plain).macs
    if control:
        assert shared == before
    elif sees == "whole":
        assert shared == each
    else:
        assert before < shared < each


def test_what_a_hypernet_says_comes_to_count_over_the_warmup() -> None:
    space = weak(MACRO, warmup=0.2)
    plans = space.supernet_plans(MACRO.sample(np.random.default_rng(0)))
    for progress, strength in ((0.0, 0.0), (0.05, 0.25), (0.2, 1.0), (0.9, 1.0)):
        run = space.in_training(plans, progress)
        assert {plan.condition for plan in run if plan and plan.hyper} == {(plans[0].answers, strength)}  # type: ignore[union-attr]
        assert unconditioned(run) == unconditioned(plans)
    assert weak(MACRO).in_training(plans, 0.0) == plans
    bare = MACRO.supernet_plans(MACRO.largest)
    assert MACRO.in_training(bare, 0.0, np.random.default_rng(0)) == bare


def test_a_step_leaves_answers_out() -> None:
    """The same ones in all blocks, in as many steps as was asked; other draws of the step stay what they were."""
    options = tuple(map(str, MACRO.decisions[0].options))
    for space in (weak(MACRO, dropout=0.25), weak(MACRO, dropout=0.25, sees="local")):
        whole = SplitSpace(space, (Split(MACRO.decisions[0].name, (options[:1], options[1:])),))
        arch, hidden = MACRO.sample(np.random.default_rng(0)), []
        plans = whole.supernet_plans(arch)
        for seed in range(300):
            rng = np.random.default_rng(seed)
            told: dict[int, set[int]] = {}
            for position, plan in enumerate(whole.in_training(plans, 0.5, rng)):
                if plan is not None and plan.hyper is not None:
                    assert len(plan.answers) == len(space.known(position))
                    for number, answer in zip(space.known(position), plan.answers, strict=True):
                        told.setdefault(number, set()).add(answer)
            assert all(len(answers) == 1 and answers <= {arch[number], ABSENT} for number, answers in told.items())
            hidden.append([told[number] == {ABSENT} for number in sorted(told)])
            assert rng.random() == np.random.default_rng(seed).random()
        assert np.mean(hidden) == pytest.approx(0.25, abs=0.03)
        assert np.std(np.mean(hidden, axis=0)) < 0.06
        assert whole.in_training(plans, 0.5) == plans, "where nothing is learnt nothing is left out"


def test_what_is_conditioned_differently_is_no_program() -> None:
    rng = np.random.default_rng(0)
    space = weak(MACRO)
    one, other = (space.supernet_plans(space.sample(rng))[0] for _ in range(2))
    assert one is not None
    assert other is not None
    assert graph(one) is graph(other), "structure is kept once"
    assert structures([one, one]) == (one.structure,) * 2
    with pytest.raises(ValueError, match="conditioned differently"):
        program((one, other))
    with pytest.raises(ValueError, match="conditioned differently"):
        program((one, replace(one, strength=0.5)))


def test_copies_of_a_split_block_have_heads_of_their_own() -> None:
    first = MACRO.decisions[0]
    options = list(map(str, first.options))
    space = SplitSpace(weak(MACRO), (Split(first.name, (tuple(options[:1]), tuple(options[1:]))),))
    names = [name for name in shapes(space.widest) if name.startswith(f"blocks.{first.blocks[0]}.") and is_hyper(name)]
    assert sum(".d0o0." in name for name in names) == sum(".d0o1_2." in name for name in names) > 0
    assert sum(".hyper.0.weight" in name for name in names) == 1
    arch = MACRO.sample(np.random.default_rng(0))
    assert space.supernet_plans(arch)[first.blocks[0]].answers == arch  # type: ignore[union-attr]


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("form", ["scale", "low-rank", "mixture"])
def test_every_space_has_something_to_condition(name: str, form: str) -> None:
    assert conditioning_problems(SPACES[name], form) == []  # type: ignore[arg-type]


def test_a_space_of_others_has_too() -> None:
    assert conditioning_problems(ODD, "scale") == []


def test_a_space_without_such_blocks_is_explained() -> None:
    class Fixed(type(MACRO)):  # type: ignore[misc]
        decisions = tuple(replace(decision, blocks=()) for decision in MACRO.decisions)

    fixed = Fixed(**{field: getattr(MACRO, field) for field in MACRO.__dataclass_fields__})
    (problem,) = conditioning_problems(fixed, "scale")
    assert "no convolutions that could depend on decisions" in problem
