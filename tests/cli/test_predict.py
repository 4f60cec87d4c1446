"""`supernet predict` and `features`, from files alone."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kendalltau

from tests.command import supernet
from toolkit.backends.base import Counts
from toolkit.candidates import draw_candidates, scores, write_candidates, write_entries
from toolkit.evaluation.ledger import Ledger, Row, Setting
from toolkit.predictors.networks import FAMILIES
from toolkit.runs.folder import RunFolder
from toolkit.spaces import SPACES

SPACE = SPACES["resnet20"]
CANDIDATES = draw_candidates(SPACE, 300, 0)
WEIGHTS = np.linspace(0.1, 1, 19)
TRUTH = {
    key: float(0.1 + 0.02 * (np.log(np.array(code.split("-")[:19], dtype=float)) @ WEIGHTS))
    for key, code in CANDIDATES.items()
}
LABELLED = list(CANDIDATES)[:80]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with candidates, of which the first 80 have a label."""
    monkeypatch.chdir(tmp_path)
    write_candidates("all.json", CANDIDATES)
    write_entries("part.json", CANDIDATES, {key: TRUTH[key] if key in LABELLED else 0.0 for key in CANDIDATES})
    rng = np.random.default_rng(0)
    noisy = {key: value + rng.normal() / 20 for key, value in TRUTH.items()}
    write_entries("score.json", CANDIDATES, noisy)
    return tmp_path


def predict(*arguments: str):
    return supernet("predict", "--space", "resnet20", "--labels", "part.json", "--candidates", "all.json", *arguments)


def test_all_from_a_few() -> None:
    result = predict("--out", "out.json", "--json")
    assert result.status == 0, result.err
    facts = json.loads(result.out)
    assert (facts["labels"], facts["labelled"], facts["candidates"]) == (80, 80, 300)
    assert any("220 entries are 0, a placeholder" in note for note in facts["notes"])
    agreement = facts["leave_one_out"]
    assert 0.85 < agreement["low"] <= agreement["tau"] <= agreement["high"] <= 1
    found = scores("out.json")
    assert list(found) == list(CANDIDATES)
    others = [key for key in CANDIDATES if key not in LABELLED]
    tau = kendalltau([found[key] for key in others], [TRUTH[key] for key in others]).statistic
    assert tau > 0.93
    assert abs(np.mean([found[key] - TRUTH[key] for key in others])) < 0.01  # in the labels' unit
    assert supernet("check", "out.json", "--candidates", "all.json", "--kind", "submission").status == 0


def test_labels_can_be_kept() -> None:
    assert predict("--out", "out.json", "--keep-labels").status == 0
    found = scores("out.json")
    assert {key: found[key] for key in LABELLED} == {key: TRUTH[key] for key in LABELLED}


def test_what_a_score_adds_is_said() -> None:
    result = predict("--score", "score.json", "--drop-one", "--json")
    assert result.status == 0, result.err
    facts = json.loads(result.out)
    kinds = [kind for kind in facts["features"]["kinds"] if kind in SPACE.feature_kinds]
    assert facts["adds"].keys() == {"score.json", *kinds}, "what is not used adds nothing"
    assert "log-widths" in kinds
    assert facts["beside"]["score.json"]["tau"] < facts["leave_one_out"]["tau"]
    text = predict("--score", "score.json", "--score-role", "trust").out
    assert "Weight of the prediction beside the scores: 2.00" in text


def test_what_is_written_is_a_submission_whatever_the_labels() -> None:
    """Losses, and labels that reach to 0, whose fits go beyond it: order is kept, and the format holds."""
    rows = [f"{CANDIDATES[key]},{4 - 3 * TRUTH[key]}" for key in LABELLED]
    Path("part.csv").write_text("\n".join(["arch,nll", *rows]) + "\n")
    low, high = (end(TRUTH[key] for key in LABELLED) for end in (min, max))
    shifted = [f"{CANDIDATES[key]},{(TRUTH[key] - low) / (high - low)}" for key in LABELLED]
    Path("low.csv").write_text("\n".join(["arch,acc", *shifted]) + "\n")
    for arguments in (
        ("--labels", "part.csv", "--label-column", "nll", "--loss"),
        ("--labels", "low.csv", "--clip", "0"),
    ):
        result = predict(*arguments, "--out", "out.json", "--overwrite", "--json")
        assert result.status == 0, result.err
        found = scores("out.json")
        assert 0 < min(found.values()) < max(found.values()) <= 1
        assert kendalltau([found[key] for key in TRUTH], list(TRUTH.values())).statistic > 0.9
    assert any("are written as" in note for note in json.loads(result.out)["notes"])


def test_a_network_predicts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("mlp", "lstm"):
        monkeypatch.setitem(FAMILIES, name, replace(FAMILIES[name], steps=10))
        facts = json.loads(predict("--model", name, "--score", "score.json", "--json").out)
        assert facts["model"] == name
        assert facts["settings"]["steps"] == 10
        assert facts["features"]["kinds"] == (
            ["one-hot", "scores"] if name == "lstm" else [*SPACE.predicted_from, "scores"]
        )
        assert facts["labels"] == 80
    assert "unknown backend 'jax'" in predict("--model", "mlp", "--backend", "jax").err


def test_a_table_of_losses() -> None:
    rows = [f"{CANDIDATES[key]},{-math.log(TRUTH[key])}" for key in LABELLED]
    Path("part.csv").write_text("\n".join(["net,nll", *rows]))
    arguments = ("--labels", "part.csv", "--code-column", "net", "--label-column", "nll", "--loss", "--json")
    result = predict(*arguments)  # the last --labels counts
    assert result.status == 0, result.err
    assert json.loads(result.out)["leave_one_out"]["tau"] > 0.9


def test_a_label_of_a_network_that_is_no_candidate() -> None:
    few = {key: code for key, code in CANDIDATES.items() if key not in LABELLED[:10]}
    write_entries("few.json", few, dict.fromkeys(few, 0.0))
    result = predict("--candidates", "few.json", "--json")
    facts = json.loads(result.out)
    assert (facts["labels"], facts["labelled"], facts["candidates"]) == (80, 70, 290)
    assert any("10 labelled networks are no candidates" in note for note in facts["notes"])


def entries(changed: dict[str, dict[str, object]]) -> str:
    known = {key: {"acc": TRUTH[key], "arch": CANDIDATES[key]} for key in LABELLED}
    return json.dumps(known | changed)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (json.dumps({"arch1": {"acc": 0.5, "arch": CANDIDATES["arch1"]}}), "there are 1 labelled networks"),
        (json.dumps({k: {"acc": 0.5, "arch": CANDIDATES[k]} for k in LABELLED}), "all 80 labels are 0.5"),
        (json.dumps({k: {"acc": 0.0, "arch": CANDIDATES[k]} for k in LABELLED}), "there are 0 labelled networks"),
        (entries({"twin": {"acc": 0.9, "arch": CANDIDATES["arch1"]}}), "twin is a network that stands there before"),
        (entries({"arch2": {"acc": math.nan, "arch": CANDIDATES["arch2"]}}), "arch2 has NaN as acc"),
        (entries({"arch2": {"acc": 0.5, "arch": "1" * 52}}), "is not in space resnet20"),
    ],
)
def test_bad_labels(content: str, says: str) -> None:
    Path("part.json").write_text(content)
    result = predict("--out", "out.json")
    assert result.status == 1
    assert says in result.err
    assert "Traceback" not in result.err
    assert not Path("out.json").exists()


def test_fewer_labels_than_features_is_said() -> None:
    known = {key: CANDIDATES[key] for key in LABELLED[:20]}
    write_entries("part.json", known, {key: TRUTH[key] for key in known})
    result = predict()
    assert result.status == 0
    assert "20 labels are fewer than the 40 features that differ among them" in " ".join(result.out.split())


def test_all_problems_at_once() -> None:
    few = dict(list(CANDIDATES.items())[:100])
    write_entries("few.json", few, dict.fromkeys(few, 0.5))
    result = predict("--score", "few.json")
    assert result.status == 1
    assert "few.json: 200 of the 300 networks have no score there" in result.err
    result = predict("--score", "nowhere.json", "--labels", "missing.json")
    assert "missing.json" in result.err
    assert "nowhere.json" in result.err
    write_entries("flat.json", CANDIDATES, dict.fromkeys(CANDIDATES, 0.5))
    assert "flat.json: all scores are equal" in predict("--score", "flat.json").err
    assert "no features 'width'" in predict("--features", "width").err
    assert "give --score FILE" in predict("--score-role", "mean").err


def test_what_is_not_given_is_named() -> None:
    result = supernet("predict")
    assert result.status == 1
    assert len(result.err.splitlines()) == 3


def test_own_labels_of_a_run(tmp_path: Path) -> None:
    """The run names space, candidates and labels; its losses are labels too, and what they cost is said."""
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    run.recipe.write_text('space = "resnet20"\n[method]\nname = "spos"\n')
    write_candidates(run.candidates, CANDIDATES)
    few = {key: CANDIDATES[key] for key in LABELLED}
    write_entries(run.standalone, few, {key: TRUTH[key] for key in few})
    rows = [f"{key},{few[key]},{TRUTH[key]},{-TRUTH[key]}" for key in few]
    run.standalone_seeds.write_text("\n".join(["id,arch,acc,loss", *rows]) + "\n")
    setting = Setting("resnet20", "recipe", "data", 100, "stored")
    with Ledger.write(run.standalone_ledger) as ledger:
        ledger.record(setting, [Row(code, Counts(1, 1, 100, 1.0), 90.0) for code in few.values()])
        ledger.record(
            replace(setting, norm="training"), [Row(code, Counts(0, 0, 9, 1.0), 0.0) for code in few.values()]
        )
    found = json.loads(supernet("predict", run.path, "--json").out)
    assert (found["labels"], found["candidates"]) == (80, 300)
    assert found["cost"].startswith("80 trainings in ")
    assert found["cost"].endswith("2.0 h of computing")
    losses = json.loads(supernet("predict", run.path, "--label-column", "loss", "--loss", "--json").out)
    assert losses["leave_one_out"] == found["leave_one_out"]


def test_features_are_listed() -> None:
    result = supernet("features", "--space", "resnet20", "--json", CANDIDATES["arch1"])
    kinds = json.loads(result.out)["kinds"]
    assert kinds["log-widths"]["log stem"] == [math.log(float(CANDIDATES["arch1"].split("-")[0]))]
    text = supernet("features", "--space", "resnet20").out
    assert "log-widths (19 features, used by default)" in text
    assert supernet("features", "--space", "resnet20", CANDIDATES["arch1"]).status == 0
