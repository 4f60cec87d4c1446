import json
from pathlib import Path

import pytest

from tests.command import Outcome, supernet
from toolkit.candidates import draw_candidates, write_candidates
from toolkit.priors.ledger import Ledger
from toolkit.ranking.report import RankReport
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import read_recipe
from toolkit.runs.setup import open_data
from toolkit.spaces import get_space

SPACE = get_space("resnet20")
QUICK = ("--space", "resnet20", "--size", 8, "--device", "cpu")


@pytest.fixture
def candidates(tmp_path: Path) -> Path:
    path = tmp_path / "candidates.json"
    write_candidates(path, draw_candidates(SPACE, 5, 0))
    return path


def prior(candidates: Path, *arguments: object) -> Outcome:
    return supernet("prior", candidates, *QUICK, *arguments)


def test_all_scores_then_nothing_left_to_do(candidates: Path) -> None:
    asked = ("--set", "zen.repeats=1", "--set", "naswot.batch=8", "--set", "snip.batch=8", "--set", "grad_norm.batch=8")
    first = prior(candidates, *asked)
    assert first.status == 0, first.err
    heading, *rows = first.out.splitlines()
    assert heading.split() == ["prior", "networks", "new", "s", "each", "minimum", "median", "maximum", "broken"]
    assert [row.split()[:3] for row in rows[:5]] == [
        [name, "5", "5"] for name in ("zen", "naswot", "synflow", "snip", "grad_norm")
    ]
    ledger = candidates.with_name("priors.sqlite")
    assert f"kept in {ledger}" in first.out
    assert f"--priors {ledger}" in first.out
    assert "s each" in first.err
    again = prior(candidates, *asked)
    assert [row.split()[:3] for row in again.out.splitlines()[1:6]] == [
        [name, "5", "0"] for name in ("zen", "naswot", "synflow", "snip", "grad_norm")
    ]


def test_json(candidates: Path) -> None:
    outcome = prior(candidates, "--score", "params,synflow", "--seed", 3, "--json")
    params, synflow = json.loads(outcome.out)
    assert (params["prior"], params["options"], params["candidates"], params["new"]) == ("params", {}, 5, 5)
    costs = sorted(SPACE.cost(SPACE.parse(code)).params for code in draw_candidates(SPACE, 5, 0).values())
    assert (params["minimum"], params["median"], params["maximum"]) == (costs[0], costs[2], costs[4])
    assert synflow["options"] == {"seed": 3, "repeats": 1}
    assert synflow["images"] == "3x8x8, 100 classes"
    assert synflow["broken"] == 0
    assert 0 < synflow["seconds_each"] < 60


def test_written_for_rank_and_shown_beside(candidates: Path, tmp_path: Path) -> None:
    out = tmp_path / "out" / "{}.json"
    ledger = tmp_path / "kept" / "p.sqlite"
    outcome = prior(candidates, "--score", "synflow,params", "--out", out, "--ledger", ledger)
    assert outcome.status == 0, outcome.err
    files = tmp_path / "out" / "synflow.json", tmp_path / "out" / "params.json"
    assert json.loads(files[1].read_text())["arch1"]["acc"] > 1000
    arguments = ("rank", files[0], "--truth", files[1], "--space", "resnet20", "--resamples", 100, "--json")
    alone = RankReport.model_validate_json(supernet(*arguments).out)
    assert [each.name for each in alone.priors] == ["MACs", "parameters"]
    beside = RankReport.model_validate_json(supernet(*arguments, "--priors", ledger).out)
    assert [each.name for each in beside.priors] == ["MACs", "parameters", "synflow"]
    assert beside.priors[-1].metrics["kendall"].value == beside.score.metrics["kendall"].value


def test_data_and_one_file(candidates: Path, tmp_path: Path) -> None:
    outcome = supernet(
        "prior", candidates, "--space", "resnet20", "--data", "digits", "--device", "cpu",
        "--score", "grad_norm", "--set", "grad_norm.batch=16", "--out", tmp_path / "norms.json", "--json",
    )  # fmt: skip
    (facts,) = json.loads(outcome.out)
    assert facts["images"].startswith("1x8x8, 10 classes, ")
    assert "noise" not in facts["images"]
    assert list(json.loads((tmp_path / "norms.json").read_text())) == [f"arch{i}" for i in range(1, 6)]


def test_a_run_brings_its_space_and_its_data(run: RunFolder) -> None:
    space = get_space("resnet48-mini")
    write_candidates(run.candidates, draw_candidates(space, 3, 0))
    outcome = supernet("prior", run.path, "--score", "snip,depth", "--set", "snip.batch=8", "--json")
    assert outcome.status == 0, outcome.err
    snip, depth = json.loads(outcome.out)
    assert snip["images"] == f"1x8x8, 10 classes, {open_data(read_recipe(run.recipe)).calibration.digest}"
    assert depth["images"] == "1x8x8, 10 classes"
    assert (run.path / "priors.sqlite").exists()
    outcome = supernet("prior", run.path, "--size", 9)
    assert outcome.status == 1
    assert "--size 9: a run's images have their own size" in outcome.err
    outcome = supernet("prior", run.path / "checkpoints")
    assert outcome.status == 1
    assert "not a run folder" in outcome.err


def test_a_table_and_a_guessed_space(tmp_path: Path) -> None:
    rows = ["c1,c2,c3,c4,c5,acc", "8,8,8,8,24,1", "8,16,8,64,24,2"]
    table = tmp_path / "table.csv"
    table.write_text("\n".join(rows))
    columns = [argument for i in range(1, 6) for argument in ("--code-column", f"c{i}")]
    outcome = supernet("prior", table, *columns, "--score", "macs", "--json", "--out", tmp_path / "macs.json")
    assert outcome.status == 0, outcome.err
    (facts,) = json.loads(outcome.out)
    assert (facts["space"], facts["candidates"]) == ("nats-size", 2)
    with Ledger.read(tmp_path / "priors.sqlite") as ledger:
        (setting,) = ledger.settings("nats-size")
        assert set(ledger.scores(setting)) == {"8:8:8:8:24", "8:16:8:64:24"}
    assert list(json.loads((tmp_path / "macs.json").read_text())) == ["row-1", "row-2"]


def test_broken_networks(tmp_path: Path) -> None:
    codes = {
        "dead": "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
        "alive": "|nor_conv_1x1~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|",
    }
    path = tmp_path / "c.json"
    path.write_text(json.dumps({name: {"acc": 0, "arch": code} for name, code in codes.items()}))
    outcome = supernet("prior", path, "--score", "synflow", "--size", 8, "--json", "--out", tmp_path / "{}.json")
    assert outcome.status == 0, outcome.err
    (facts,) = json.loads(outcome.out)
    assert facts["broken"] == 1
    written = json.loads((tmp_path / "synflow.json").read_text())
    assert written["dead"]["acc"] == written["alive"]["acc"] - 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--score", "zne"), "unknown prior 'zne'; did you mean 'zen'"),
        (("--set", "zen.repeats=no"), "--set zen: repeats"),
        (("--score", "naswot", "--data", "digits", "--set", "naswot.batch=999"), "naswot takes 999 images"),
        (("--data", "nowhere"), "unknown data 'nowhere'"),
        (("--backend", "torhc", "--score", "synflow"), "unknown backend 'torhc'"),
        (("--score", "macs", "--ledger", "/dev/null/p.sqlite"), "cannot be read or written"),
    ],
)
def test_problems(candidates: Path, arguments: tuple[str, ...], says: str) -> None:
    outcome = supernet("prior", candidates, *QUICK[:2], *arguments)
    assert outcome.status == 1
    assert says in outcome.err
    assert outcome.out == ""


def test_every_problem_of_the_candidates(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text(json.dumps({"a": {"acc": 0, "arch": "4-4"}, "b": {"acc": 0, "arch": 3}, "c": {"arch": "4"}}))
    outcome = supernet("prior", path, *QUICK, "--score", "macs")
    assert outcome.status == 1
    assert outcome.err.count("✗") == 4
    assert not path.with_name("priors.sqlite").exists()


def test_several_scores_do_not_fit_in_one_file(candidates: Path, tmp_path: Path) -> None:
    outcome = prior(candidates, "--score", "macs,params", "--out", tmp_path / "x.json")
    assert outcome.status == 2
    assert "2 priors" in outcome.err
