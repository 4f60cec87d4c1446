"""The law that a policy is: learned, resumed bit for bit, read from files."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load, save

from tests.interference.toys import Toy
from tests.sampling.drawing import sampler
from toolkit.errors import InputError
from toolkit.sampling import Moment
from toolkit.sampling.policy import PolicySampler
from toolkit.search.ascent import Ascent
from toolkit.search.files import read_policy, write_policy
from toolkit.search.policy import Policy
from toolkit.spaces import Decision, get_space

SPACE = get_space("nasbench-macro")


def made(**options: object) -> PolicySampler:
    found = sampler(SPACE, "policy", **options)
    assert isinstance(found, PolicySampler)
    return found


def learn(source: PolicySampler, steps: range) -> None:
    for step in steps:
        drawn = source.draw(np.random.default_rng(step), 3, Moment(step / 20))
        source.learn(drawn, [float(arch.count(2)) for arch in drawn])


@pytest.mark.parametrize("form", ["factorised", "joint", "coarse-to-fine"])
@pytest.mark.parametrize("rule", ["adam", "plain"])
def test_learning_resumes_bit_for_bit(form: str, rule: str) -> None:
    whole, before, after = (made(form=form, rule=rule, lr=0.05) for _ in range(3))
    learn(whole, range(20))
    learn(before, range(13))
    after.load_state(load(save(before.state())))
    learn(after, range(13, 20))
    assert all(np.array_equal(array, after.state()[name]) for name, array in whole.state().items())
    assert whole.policy.marginals()[0][2] > 1 / 3


def test_it_becomes_joint_half_way() -> None:
    space = get_space("resnet20")
    source = sampler(space, "policy", form="coarse-to-fine")
    assert isinstance(source, PolicySampler)
    source.draw(np.random.default_rng(0), 1, Moment(0.49))
    assert len(source.policy.tables) == len(space.decisions)
    p = source.policy.marginals()
    source.draw(np.random.default_rng(0), 1, Moment(0.5))
    assert len(source.policy.tables) < len(space.decisions)
    assert all(np.allclose(a, b) for a, b in zip(p, source.policy.marginals(), strict=True))


def test_forms_of_equal_size_are_told_apart() -> None:
    """Two decisions of two options each have four logits together, in either form."""
    space = Toy(tuple(Decision(name, (1, 2), (0,)) for name in "ab"), tuple, ())
    joint = Ascent(Policy(space).joint())
    joint.policy.logits = [np.array([0.0, 0.0, 0.0, 5.0])]
    fresh = Ascent(Policy(space))
    fresh.load_state(joint.state())
    assert len(fresh.policy.tables) == 1
    assert fresh.policy.argmax() == (1, 1)


def test_the_entropy_bonus_holds_against_deciding() -> None:
    free, held = made(entropy=0.0, rule="plain", lr=0.1), made(entropy=0.5, rule="plain", lr=0.1)
    for source in (free, held):
        learn(source, range(10))
    assert held.policy.entropy > free.policy.entropy


@pytest.mark.parametrize(
    "state",
    [
        {},
        {
            "logits": np.zeros(3),
            "mean": np.zeros(3),
            "square": np.zeros(3),
            "tables": np.array(1),
            "steps": np.array(1),
        },
    ],
)
def test_the_state_of_another_policy_is_refused(state: dict[str, np.ndarray]) -> None:
    source = made()
    before = source.state()
    with pytest.raises(InputError, match="of another policy"):
        source.load_state(state)
    assert all(np.array_equal(array, source.state()[name]) for name, array in before.items())


def test_files_go_both_ways(tmp_path: Path) -> None:
    policy = Policy(SPACE)
    policy.logits = [np.random.default_rng(number).standard_normal(3) for number in range(8)]
    write_policy(tmp_path / "policy.json", policy)
    again = read_policy(tmp_path / "policy.json", SPACE)
    assert all(np.allclose(a, b) for a, b in zip(policy.marginals(), again.marginals(), strict=True))
    assert made(file=str(tmp_path / "policy.json")).policy.argmax() == policy.argmax()


def test_all_that_is_wrong_with_a_file_is_said(tmp_path: Path) -> None:
    path = tmp_path / "policy.json"
    write_policy(path, Policy(SPACE))
    table = json.loads(path.read_text())
    table["blokc2"] = table.pop("block2")
    table["block3"]["identity"] = -1
    table["block4"] = dict.fromkeys(table["block4"], 0)
    table["block5"] = [1, 2]
    path.write_text(json.dumps(table))
    with pytest.raises(InputError) as refusal:
        read_policy(path, SPACE)
    text = "\n".join(refusal.value.problems)
    assert "did you mean 'block2'" in text
    for words in ("block2 needs", "block3 has -1", "block4 has nothing but 0", "block5 needs"):
        assert words in text
