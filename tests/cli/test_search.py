"""`supernet search`: from a trained run, by every way and judge, within limits, again and again."""

import json
from pathlib import Path

import pytest

from tests import tiny
from tests.command import Outcome, supernet
from toolkit.candidates import draw_candidates, read_candidates, scores, write_entries
from toolkit.evaluation.ledger import Ledger
from toolkit.runs.folder import RunFolder
from toolkit.search.files import read_policy
from toolkit.search.trace import read_rounds
from toolkit.spaces import get_space
from toolkit.training.selection import SELECTIONS

SPACE = get_space("resnet48-mini")
FEW = ("--images", "16", "--norm", "batch:16", "--together", "6", "-n", "14")


@pytest.fixture
def searched(run: RunFolder) -> RunFolder:
    """A run with labels."""
    drawn = draw_candidates(SPACE, 12, 1)
    write_entries(run.standalone, drawn, {key: 0.3 + SPACE.cost(SPACE.parse(c)).macs / 1e9 for key, c in drawn.items()})
    return run


def search(run: RunFolder, *arguments: object) -> Outcome:
    return supernet("search", run.path, *FEW, *arguments)


@pytest.mark.parametrize("by", ["evolution", "policy", "local", "random", "pareto"])
def test_every_way_and_what_it_leaves(searched: RunFolder, by: str) -> None:
    done = search(searched, "--by", by, "--json")
    assert done.status == 0, done.err
    facts = json.loads(done.out)
    table = read_candidates(searched.search, SPACE)
    accs = list(scores(searched.search).values())
    assert len(table) == facts["scored"] == facts["evaluated_now"] == 14
    assert accs == sorted(accs, reverse=True)
    assert (table["arch1"], table.accs["arch1"]) == (facts["best"], facts["score"])
    with Ledger.read(searched.ledger) as ledger:
        (holding,) = ledger.settings()
        results = ledger.results(holding.setting)
    assert {code: counts.mean("top1") for code, counts in results.items()} == {table[k]: table.accs[k] for k in table}
    rounds = read_rounds(searched.search.with_suffix(".rounds.jsonl"))
    assert [each.scored for each in rounds][-1] == 14
    assert rounds[-1].best == accs[0]
    if by == "policy":
        policy = read_policy(searched.search.with_suffix(".policy.json"), SPACE)
        assert policy.entropies() == pytest.approx(rounds[-1].entropies)
    assert bool(rounds[-1].entropies) == (by == "policy") == (facts["policy"] is not None)
    costs = [each["macs"] for each in facts["front"]]
    found = [each["score"] for each in facts["front"]]
    assert costs == sorted(costs)
    assert found == sorted(found)
    assert found[-1] == accs[0]


def test_begun_again_it_goes_the_same_way_and_evaluates_nothing_twice(searched: RunFolder) -> None:
    short = json.loads(supernet("search", searched.path, *FEW[:-1], "7", "--by", "local", "--json").out)
    assert short["evaluated_now"] == 7
    before = set(read_candidates(searched.search, SPACE).values())
    longer = json.loads(search(searched, "--by", "local", "--json").out)
    assert (longer["scored"], longer["evaluated_now"]) == (14, 7)
    assert before < set(read_candidates(searched.search, SPACE).values())
    assert json.loads(search(searched, "--by", "local", "--json").out)["evaluated_now"] == 0


@pytest.mark.parametrize("judge", ["predictor", "stacked"])
def test_a_predictor_judges(searched: RunFolder, judge: str) -> None:
    done = search(searched, "--score", judge, "--json")
    assert done.status == 0, done.err
    facts = json.loads(done.out)
    assert facts["evaluated_now"] == (0 if judge == "predictor" else 14 + 12)
    assert 0.2 < facts["score"] < 0.6, "in the labels' unit"


def test_limits_are_kept_and_the_best_can_be_trained_alone(searched: RunFolder, tmp_path: Path) -> None:
    most = SPACE.cost(SPACE.largest).macs * 0.6
    out = tmp_path / "found.json"
    assert search(searched, "--max-macs", most, "--out", out).status == 0
    table = read_candidates(out, SPACE)
    assert all(SPACE.cost(SPACE.parse(code)).macs <= most for code in table.values())
    assert list(SELECTIONS["first"](SPACE, table, 2, 0)) == ["arch1", "arch2"]
    refused = search(searched, "--out", out)
    assert refused.status == 1
    assert "is there already" in refused.err


def test_a_learned_policy_proposes(tmp_path: Path) -> None:
    asked = tiny.recipe(
        method={"name": "wpnas", "samples": 2, "warmup": 0.0, "held_out": 0.3},
        training={"batch_size": 16, "epochs": 1},
    )
    run = tiny.train_new(tmp_path / "run", asked)
    done = search(run, "--by", "random", "--start", "policy", "--json")
    assert done.status == 0, done.err
    assert json.loads(done.out)["scored"] == 14


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--start", "policy"), "method spos learned none"),
        (("--max-macs", "5"), "allow more"),
        (("--max-macs", "0"), "macs: a limit is a number above 0, not 0"),
        (("--max-parameters", "nan"), "parameters: a limit is a number above 0, not nan"),
        (("--max-latency", "5"), "a latency comes from a table"),
        (("--score", "predictor", "--labels", "nowhere.json"), "nowhere.json"),
    ],
)
def test_what_cannot_be_is_said(run: RunFolder, arguments: tuple[str, ...], message: str) -> None:
    done = search(run, *arguments)
    assert done.status == 1
    assert message in " ".join(done.err.split())
    assert not run.search.exists()
