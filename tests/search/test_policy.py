"""The distribution itself: against all architectures of a small space, and the gradients that specs demand."""

import itertools
from collections import Counter

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from tests.constrained_space import GROWING
from tests.interference.toys import Toy
from toolkit.errors import InputError
from toolkit.search.ascent import Ascent
from toolkit.search.policy import Policy, layers
from toolkit.spaces import ABSENT, SPACES, Arch, Decision, SearchSpace, get_space

MINI, CELL, MACRO = get_space("resnet48-mini"), get_space("nasbench201"), get_space("nasbench-macro")

TOY = Toy(
    tuple(Decision(name, tuple(range(n)), (at,)) for name, n, at in (("a", 3, 0), ("b", 2, 0), ("c", 4, 1))), tuple, ()
)
"""Of 24 architectures; a and b are decided in one layer."""


def random_policy(space: SearchSpace, seed: int = 0, *, joint: bool = False) -> Policy:
    """With logits that differ."""
    policy = Policy(space).joint() if joint else Policy(space)
    rng = np.random.default_rng(seed)
    policy.logits = [rng.standard_normal(len(logits)) for logits in policy.logits]
    return policy


def everything(space: SearchSpace) -> set[Arch]:
    counts = [range(len(decision.options)) for decision in space.decisions]
    return {space.canonical(answers) for answers in itertools.product(*counts)}


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
@pytest.mark.parametrize("joint", [False, True])
def test_draws_are_architectures_and_the_most_probable_is_none_less(space: SearchSpace, joint: bool) -> None:
    policy = random_policy(space, joint=joint)
    drawn = policy.sample(np.random.default_rng(1), 20)
    assert all(map(space.contains, drawn))
    assert space.contains(policy.argmax())
    best = {name: int(np.argmax(p)) for name, p in enumerate(policy.marginals())}
    if not joint:
        assert all(answer in (ABSENT, best[place]) for place, answer in enumerate(policy.argmax()))
    assert drawn == policy.sample(np.random.default_rng(1), 20)


def test_probabilities_of_all_architectures_sum_to_one() -> None:
    for policy in (random_policy(TOY), random_policy(TOY, joint=True)):
        total = sum(np.exp(policy.log_probability(arch)) for arch in everything(policy.space))
        assert total == pytest.approx(1)
    assert [len(table.answers) for table in random_policy(TOY, joint=True).tables] == [6, 4]


def test_draws_have_the_probabilities_that_are_said() -> None:
    policy = random_policy(MACRO)
    policy.logits = [3 * logits for logits in policy.logits]  # peaked
    drawn = Counter(policy.sample(np.random.default_rng(2), 20_000))
    arch, count = drawn.most_common(1)[0]
    expected = np.exp(policy.log_probability(arch))
    assert count / 20_000 == pytest.approx(expected, abs=4 * (expected / 20_000) ** 0.5)


@pytest.mark.parametrize("joint", [False, True])
def test_an_inactive_decision_moves_nothing_and_costs_nothing(joint: bool) -> None:
    """All widths of an absent block come to the same architecture, whose probability is theirs together."""
    policy = random_policy(MINI, joint=joint)
    arch = MINI.smallest
    missing = {place for place, answer in enumerate(arch) if answer == ABSENT}
    gradient = policy.gradient([arch], [1.0])
    for table, g in zip(policy.tables, gradient, strict=True):
        if set(table.places) <= missing:
            assert np.allclose(g, 0, atol=1e-12)
        elif not set(table.places) & missing:
            p = policy.probabilities[policy.tables.index(table)]
            assert np.allclose(g, table.agrees(arch) - p)
    assert missing


@pytest.mark.parametrize("joint", [False, True])
def test_gradients_are_those_of_the_log_probability_and_of_the_entropy(joint: bool) -> None:
    policy = random_policy(MINI, joint=joint)
    arch = MINI.sample(np.random.default_rng(3))
    gradient, of_entropy = policy.gradient([arch], [1.0]), policy.entropy_gradient()
    for number in (0, 4, len(policy.tables) - 1):
        start = policy.logits[number].copy()

        def moved(x: np.ndarray, number: int = number) -> Policy:
            logits = [*policy.logits]
            logits[number] = x
            return Policy(MINI, policy.tables, logits)

        assert approx_fprime(start, lambda x: moved(x).log_probability(arch), 1e-7) == pytest.approx(
            gradient[number], abs=1e-5
        )
        assert approx_fprime(start, lambda x: moved(x).entropy, 1e-7) == pytest.approx(of_entropy[number], abs=1e-5)


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_joining_the_decisions_of_a_layer_changes_no_probability(space: SearchSpace) -> None:
    policy = random_policy(space)
    joint = policy.joint()
    assert sorted(itertools.chain(*layers(space))) == list(range(len(space.decisions)))
    for arch in policy.sample(np.random.default_rng(0), 5):
        assert joint.log_probability(arch) == pytest.approx(policy.log_probability(arch), abs=1e-9)
    for before, after in zip(policy.marginals(), joint.marginals(), strict=True):
        assert after == pytest.approx(before)
    assert joint.entropy == pytest.approx(policy.entropy)
    assert joint.argmax() == policy.argmax()
    assert len(CELL.decisions) > len(Policy(CELL).joint().tables) == 1


# What the specification of the self-critical step demands (i to iv).


def test_samples_equal_to_the_greedy_one_move_nothing() -> None:
    """(i) Their advantage is 0; and Adam's momentum moves nothing either."""
    for rule in ("adam", "plain"):
        ascent = Ascent(random_policy(MACRO), rule)
        ascent.step(ascent.policy.gradient([MACRO.largest], [1.0]))
        before = ascent.state()
        ascent.step(ascent.policy.gradient([ascent.policy.argmax()] * 4, [0.0] * 4))
        assert all(np.array_equal(before[name], array) for name, array in ascent.state().items())


def test_updates_of_a_decision_sum_to_zero() -> None:
    """(ii)"""
    for joint in (False, True):
        policy = random_policy(MINI, joint=joint)
        drawn = policy.sample(np.random.default_rng(0), 4)
        assert all(abs(g.sum()) < 1e-12 for g in policy.gradient(drawn, [0.3, -1.0, 0.2, 0.1]))


@pytest.mark.parametrize("rule", ["adam", "plain"])
def test_what_always_pays_more_is_learned(rule: str) -> None:
    """(iii)"""
    ascent = Ascent(Policy(MACRO), rule, 0.1)  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    for _ in range(300):
        drawn, greedy = ascent.policy.sample(rng, 4), ascent.policy.argmax()
        advantages = [float(arch.count(0) - greedy.count(0)) / 4 for arch in drawn]
        ascent.step(ascent.policy.gradient(drawn, advantages))
    assert all(p[0] > 0.9 for p in ascent.policy.marginals())


def test_the_greedy_baseline_leaves_the_gradient_unbiased() -> None:
    """(iv) Exactly, over all architectures: sum_a p(a) (r(a) - b) grad ln p(a) is the same for every b."""
    policy = random_policy(TOY)
    archs = sorted(everything(TOY))
    p = np.exp([policy.log_probability(arch) for arch in archs])
    rewards = np.random.default_rng(0).random(len(archs))
    plain, based = (policy.gradient(archs, (p * (rewards - b)).tolist()) for b in (0.0, 0.7))
    assert all(np.allclose(one, other, atol=1e-12) for one, other in zip(plain, based, strict=True))


def test_a_reward_that_is_no_number_is_refused() -> None:
    policy = Policy(MACRO)
    for wrong in (float("nan"), float("inf")):
        with pytest.raises(InputError, match="no finite number"):
            policy.gradient([MACRO.largest], [wrong])


def test_a_space_whose_decisions_constrain_each_other_is_refused() -> None:
    with pytest.raises(InputError, match="constrain each other"):
        Policy(GROWING)


def test_entropies_say_who_is_decided() -> None:
    policy = Policy(MACRO)
    assert set(np.round(list(policy.entropies().values()), 9)) == {round(np.log(3), 9)}
    policy.logits[2] = np.array([50.0, 0, 0])
    assert policy.entropies()["block3"] == pytest.approx(0)
