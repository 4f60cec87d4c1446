"""What every sampler keeps, in every space."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError
from safetensors.numpy import load, save

from tests.networks import FORMS
from tests.sampling.drawing import draw_steps, sampler
from toolkit.candidates import draw_candidates, write_candidates
from toolkit.errors import InputError
from toolkit.sampling import SAMPLERS, Moment, Sampler, SamplingOptions, make_sampler
from toolkit.sampling.attentive import AttentiveOptions
from toolkit.sampling.fair import FairOptions
from toolkit.spaces import SPACES, SearchSpace, get_space
from toolkit.spaces.splitting import Split, SplitSpace

SPACE = get_space("resnet48-mini")
EXTRA: dict[str, dict[str, Any]] = {"attentive": {"table": 256, "bins": 8}, "candidates": {"file": "candidates.json"}}


@pytest.fixture(params=[SPACES[name] for name in FORMS], ids=FORMS)
def space(request: pytest.FixtureRequest) -> SearchSpace:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(params=SAMPLERS)
def name(request: pytest.FixtureRequest) -> str:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def make(name: str, space: SearchSpace) -> Sampler:
    if name == "candidates":
        write_candidates("candidates.json", draw_candidates(space, 10, 0))
    return sampler(space, name, **EXTRA.get(name, {}))


def test_draws_are_architectures_and_depend_on_the_generator_alone(name: str, space: SearchSpace) -> None:
    source = make(name, space)
    drawn = draw_steps(source, range(0, 100, 20), paths=5)
    assert len(drawn) == 25
    assert all(space.contains(arch) and space.parse(space.format(arch)) == arch for arch in drawn)
    assert len(set(drawn)) > 5
    assert draw_steps(make(name, space), range(0, 100, 20), paths=5) == drawn
    assert draw_steps(make(name, space), range(1, 101, 20), paths=5) != drawn
    assert source.draw(np.random.default_rng(0), 0, Moment(0.5, lambda _: 0.0)) == []


@pytest.mark.parametrize(
    ("name", "form"),
    [(name, FORMS[(place + turn) % len(FORMS)]) for place, name in enumerate(SAMPLERS) for turn in (0, 4, 8)],
    indirect=["name"],
)
def test_a_resumed_training_draws_as_one_never_interrupted(name: str, form: str) -> None:
    """Each sampler in three forms of spaces: what it remembers is its own."""
    space = SPACES[form]
    whole = draw_steps(make(name, space), range(40, 52), paths=3)
    for stop in (40, 41, 47):
        before, after = make(name, space), make(name, space)
        first = draw_steps(before, range(40, stop), paths=3)
        after.load_state(load(save(before.state())))
        assert first + draw_steps(after, range(stop, 52), paths=3) == whole


def test_a_state_is_a_copy(name: str) -> None:
    source = make(name, SPACE)
    draw_steps(source, range(3))
    kept = source.state()
    before = {key: array.copy() for key, array in kept.items()}
    first = draw_steps(source, range(3, 9))
    assert kept.keys() == source.state().keys()
    assert all(np.array_equal(kept[key], before[key]) for key in kept)
    source.load_state(kept)
    assert draw_steps(source, range(3, 9)) == first
    assert all(np.array_equal(kept[key], before[key]) for key in kept)


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"seeds": np.zeros(3, np.int64), "dealt": np.zeros(3, np.int64)},
        {"seeds": np.zeros(31, np.int64), "dealt": np.zeros(31, np.float32)},
        {"seeds": np.zeros(31, np.int64), "dealt": np.full(31, 8)},
        {"seeds": np.full(31, -1), "dealt": np.zeros(31, np.int64)},
    ],
)
def test_the_state_of_something_else_is_refused_and_nothing_changes(state: dict[str, Any]) -> None:
    source = sampler(SPACE, "fair")
    before = source.state()
    with pytest.raises(InputError, match="of another sampler"):
        source.load_state(state)
    assert all(np.array_equal(source.state()[key], before[key]) for key in before)


def test_a_supernet_of_other_weights_is_drawn_from_alike(name: str) -> None:
    split = SplitSpace(SPACE, (Split("width1", (("1",), ("2", "3"))),))
    assert draw_steps(make(name, split), range(0, 100, 10)) == draw_steps(make(name, SPACE), range(0, 100, 10))


def test_all_are_listed_and_say_what_they_are() -> None:
    table = TypeAdapter(SamplingOptions)
    for name, kind in SAMPLERS.items():
        fields = kind.options_type.model_fields
        assert fields["name"].annotation.__args__ == (name,)  # type: ignore[union-attr]
        assert (
            type(table.validate_python({"name": name} | ({"file": "candidates.json"} if name == "candidates" else {})))
            is kind.options_type
        )
        assert all(field.description for field in fields.values())
        assert "arXiv" in kind.summary or "CVPR" in kind.summary


def test_without_options_it_is_uniform() -> None:
    assert draw_steps(make_sampler(None, SPACE), range(5)) == draw_steps(sampler(SPACE, "uniform"), range(5))


def test_a_missing_loss_is_said_at_once() -> None:
    with pytest.raises(InputError, match=r"attentive needs the loss of paths; .* choose: uniform, fair, balanced"):
        make_sampler(AttentiveOptions(), SPACE)
    with pytest.raises(InputError, match="attentive needs the loss"):
        make("attentive", SPACE).draw(np.random.default_rng(0), 1, Moment(0.0))
    assert make_sampler(FairOptions(), SPACE).name == "fair"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"name": "fiar"}, "'fiar' found using 'name' does not match"),
        ({"name": "fair", "among": 3}, "Extra inputs are not permitted"),
        ({"name": "balanced", "prior": "mac"}, "unknown prior; did you mean 'macs'?"),
        ({"name": "balanced", "prior": "file:"}, "names no file; write file:PATH"),
        ({"name": "balanced", "among": 1}, "greater than or equal to 2"),
        ({"name": "balanced", "among": "3"}, "valid integer"),
        ({"name": "balanced", "choose": "best"}, "'proportional', 'softmax' or 'argmax'"),
        ({"name": "attentive", "mode": "up"}, "'best-up' or 'worst-up'"),
        ({"name": "shrinking", "widths": [0.5, 0.2]}, "write ascending shares"),
        ({"name": "shrinking", "widths": []}, "at least 1 item"),
        ({"name": "shrinking", "depths": [1.0]}, "less than 1"),
        ({"name": "candidates"}, "Field required"),
        ({"name": "candidates", "file": ""}, "at least 1 character"),
        ({"name": "distant", "minimum": 0}, "greater than 0"),
        ({"name": "distant", "minimum": float("nan")}, "finite number"),
    ],
)
def test_wrong_options_are_refused(table: dict[str, Any], message: str) -> None:
    options: TypeAdapter[Any] = TypeAdapter(SamplingOptions)
    with pytest.raises(ValidationError) as refusal:
        options.validate_python(table)
    assert message in str(refusal.value)
