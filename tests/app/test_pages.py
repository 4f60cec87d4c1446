"""Every page on every kind of run, without a browser."""

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.app import example_run
from tests.app.texts import texts as texts_of
from tests.app.texts import verbatim
from toolkit.candidates import read_table, write_entries
from toolkit.latencies import Operation, OperationTable, operations, write_operations
from toolkit.latencies.operations import CALL, all_operations
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import read_recipe
from toolkit.spaces import get_space

PAGES = ("overview", "training", "candidates", "ranking", "submission")


def texts(app: AppTest) -> str:
    """What stands on the page, and in the table of runs."""
    drawn = [str(component.proto) for component in app.get("bidi_component")]
    return "\n".join([texts_of(app), *drawn]).replace("\\", "")


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("missing", [True, False], ids=["no folder", "empty folder"])
def test_without_runs_every_page_says_how_to_make_one(page: str, missing: bool, tmp_path: Path, open_page) -> None:
    folder = tmp_path / "runs" if missing else tmp_path
    app = open_page(folder, page)
    assert "supernet demo --out" in texts(app)
    assert ("does not exist yet" in texts(app)) == missing


@pytest.mark.parametrize(
    ("page", "command"),
    [
        ("overview", ""),
        ("training", "supernet train --resume --out"),
        ("candidates", "supernet evaluate"),
        ("ranking", "supernet standalone"),
        ("submission", "supernet submit"),
    ],
)
def test_a_run_just_begun_says_what_comes_next(page: str, command: str, begun_run: RunFolder, open_page) -> None:
    app = open_page(begun_run.path.parent, page)
    assert command in texts(app)
    assert not app.error


@pytest.mark.parametrize("page", PAGES)
def test_a_full_run_has_no_problems(page: str, full_run: RunFolder, open_page) -> None:
    app = open_page(full_run.path.parent, page)
    assert not app.error
    assert not app.warning
    assert {metric.label for metric in app.metric} or page in ("ranking", "submission")


def test_a_training_run_is_followed(tmp_path: Path, open_page) -> None:
    run = example_run.begin(tmp_path / "live")
    example_run.train(run, epochs=3, finished=False)
    app = open_page(tmp_path, "training")
    assert {metric.label: metric.value for metric in app.metric}["State"] == "training"
    assert "training" in texts(open_page(tmp_path, "overview"))


def test_the_overview_counts(full_run: RunFolder, open_page) -> None:
    app = open_page(full_run.path.parent, "overview")
    values = {metric.label: metric.value for metric in app.metric}
    assert values == {"Runs": "1", "Training now": "0", "Candidates evaluated": "300", "Submissions ready": "1"}
    assert "valid" in texts(app)


@pytest.mark.parametrize("damaged", ["recipe", "ledger", "rank", "candidates", "submission", "standalone", "metrics"])
def test_a_damaged_file_is_named_and_breaks_no_other_page(damaged: str, own_run: RunFolder, open_page) -> None:
    path = getattr(own_run, damaged)
    path.write_bytes(b"\xff garbage\n" * 40)
    shown = {page: open_page(own_run.path.parent, page) for page in PAGES}
    named = {page for page, app in shown.items() if path.name in " ".join(e.value for e in app.error).replace("\\", "")}
    where = {
        "recipe": {"overview", "training", "candidates", "ranking", "submission"},
        "ledger": {"overview", "candidates", "ranking", "submission"},
        "rank": {"overview", "ranking"},
        "candidates": {"overview", "candidates", "submission"},
        "submission": {"ranking", "submission"},  # the overview says "invalid"
        "standalone": {"ranking"},
        "metrics": set(),  # lines that cannot be read are left out
    }
    assert named == where[damaged]


def test_a_link_shows_the_run_and_the_candidate(full_run: RunFolder, open_page) -> None:
    app = open_page(full_run.path.parent, "candidates", run="full", candidate="arch17")
    assert app.text_input(key="candidate").value == "arch17"
    assert code_of(full_run, "arch17") in verbatim(app)


def code_of(run: RunFolder, candidate: str) -> str:
    return read_table(run.candidates).codes[candidate]


@pytest.mark.parametrize("page", PAGES)
def test_a_link_to_a_run_that_is_not_there_shows_no_other_until_it_begins(page: str, tmp_path: Path, open_page) -> None:
    example_run.begin(tmp_path / "other", "sandwich")
    app = open_page(tmp_path, page, run="gone")
    assert "There is no run gone" in texts(app)
    assert app.query_params["run"] == "gone"
    assert app.sidebar.selectbox[0].value is None
    if page != "overview":
        assert str(tmp_path / "other") not in texts(app)
    example_run.begin(tmp_path / "gone")
    app.run()
    assert "There is no run" not in texts(app)
    assert app.sidebar.selectbox[0].value == "gone"


def test_an_unknown_candidate_is_said_to_be_unknown(full_run: RunFolder, open_page) -> None:
    app = open_page(full_run.path.parent, "candidates")
    app.text_input(key="candidate").set_value("nobody").run()
    assert not app.exception
    assert "No candidate" in texts(app)


@pytest.mark.parametrize(("score", "cost"), [("Top-5", "MACs"), ("Loss", "Parameters")])
def test_every_choice_of_the_candidates_page(score: str, cost: str, full_run: RunFolder, open_page) -> None:
    app = open_page(full_run.path.parent, "candidates", score=score, cost=cost, colour="width4")
    assert app.selectbox(key="colour").value == "width4"
    assert not app.error


def test_latencies_may_come_from_operations(full_run: RunFolder, tmp_path: Path, open_page) -> None:
    shutil.copytree(full_run.path, tmp_path / "full")
    space = get_space(read_recipe(full_run.recipe).space)
    first, *_ = (space.parse(code) for code in read_table(full_run.candidates).codes.values())
    rows = {each: Operation(2.0, 1.0, 3.0) for each in [(CALL, ""), *all_operations(space, [first])]}
    write_operations(tmp_path / "full" / "latency-operations.csv", {"board": OperationTable(space, rows)})
    app = open_page(tmp_path, "candidates", cost="Latency: board", candidate="arch1")
    took = 2 * (1 + len(operations(space.plans(first))))
    assert {metric.label: metric.value for metric in app.metric}["On board"] == f"{took} ms"


def test_latencies_stand_beside_macs_and_parameters(full_run: RunFolder, tmp_path: Path, open_page) -> None:
    shutil.copytree(full_run.path, tmp_path / "full")
    codes = list(read_table(full_run.candidates).codes.values())
    rows = [f"{code},{number + 1},{'' if number else 3}" for number, code in enumerate(codes[:-1])]
    beside = tmp_path / "tables"
    beside.mkdir()
    (beside / "latency.csv").write_text("\n".join(["code,phone,top1", *rows]))
    (beside / "latency-other.csv").write_text("code,phone\nno code,1\n")  # of another space: passed over
    app = open_page(tmp_path, "candidates", cost="Latency: phone", candidate="arch2")
    assert app.selectbox(key="cost").options == ["MACs", "Parameters", "Latency: phone", "Latency: top1"]
    assert app.selectbox(key="cost").value == "Latency: phone"
    assert "1 candidate without a latency there left out" in texts(app)
    assert {metric.label: metric.value for metric in app.metric}["On phone"] == "2 ms"
    (tmp_path / "full" / "latency.csv").write_text("code,phone\nno code,1\n")
    app = open_page(tmp_path, "candidates")
    assert "latency.csv: line 2:" in app.error[0].value.replace("\\", "")
    assert app.metric, "all else is there"


def test_runs_are_compared_on_every_page(tmp_path: Path, open_page) -> None:
    for name in ("one", "two"):
        example_run.train(example_run.begin(tmp_path / name), epochs=2)
    app = open_page(tmp_path, "overview", compare="two")
    assert '"ticked":["two"]' in texts(app).replace(" ", "")
    app = open_page(tmp_path, "training", run="one")
    app.multiselect(key="compare").set_value(["one", "two"]).run()
    assert "What differs between the recipes" in texts(app)
    app.slider(key="smoothing").set_value(0.0).run()
    app.toggle(key="log").set_value(True).run()
    assert not app.exception


def test_mostly_ties_are_amber_and_say_what_to_do(own_run: RunFolder, open_page) -> None:
    assert not open_page(own_run.path.parent, "submission").warning
    table = read_table(own_run.submission)
    write_entries(own_run.submission, table.codes, {name: round(acc, 1) for name, acc in table.accs.items()})
    (warning,) = open_page(own_run.path.parent, "submission").warning
    assert "Mostly ties: 40 results take 2 different values" in warning.value
    assert "supernet blend" in warning.value


def test_notes_are_shown_and_obeyed_nowhere(tmp_path: Path, open_page) -> None:
    run = example_run.begin(tmp_path / "run")
    (run.path / "notes.md").write_text("![x](http://example.org/x.png) longer")
    assert "longer" in texts(open_page(tmp_path, "overview"))
    app = open_page(tmp_path, "verdict")
    assert [element.value for element in app.text] == ["![x](http://example.org/x.png) longer"]


def test_choosing_another_run_shows_it(tmp_path: Path, open_page) -> None:
    for name in ("one", "two"):
        example_run.begin(tmp_path / name)
    app = open_page(tmp_path, "training", run="one")
    app.sidebar.selectbox[0].set_value("two").run()
    assert app.query_params["run"] == "two"


def test_names_of_folders_are_shown_as_they_are(tmp_path: Path, open_page) -> None:
    example_run.begin(tmp_path / "![x](http:) *bold*")
    app = open_page(tmp_path, "overview")
    assert all("![x](" not in element.value for element in app.markdown)


def test_results_of_other_candidates_are_not_shown_as_theirs(tmp_path: Path, open_page) -> None:
    run = example_run.begin(tmp_path / "run")
    example_run.train(run, epochs=1)
    example_run.evaluate(run, 10)
    example_run.write_candidates(
        run.candidates, example_run.draw_candidates(example_run.get_space(example_run.SPACE), 10, seed=9)
    )
    assert "None of the run's present candidates" in texts(open_page(tmp_path, "candidates"))


def test_choices_that_another_space_does_not_have_are_dropped(tmp_path: Path, open_page) -> None:
    for name, space in (("official", "resnet48-mini"), ("older", "resnet20")):
        run = example_run.begin(tmp_path / name, space=space)
        example_run.train(run, epochs=1)
        example_run.evaluate(run, 20)
    app = open_page(tmp_path, "candidates", run="official", colour="width4", candidate="arch3")
    app.sidebar.selectbox[0].set_value("older").run()
    assert not app.exception
    assert app.selectbox(key="colour").value == "MACs"  # resnet20 has one depth only
    assert app.text_input(key="candidate").value == "arch3"
