import shutil
from pathlib import Path

import numpy as np
import pytest

from app.views import candidates
from app.views.ranking import sources
from app.views.ranking.subject import Subject
from tests.app import example_ranking, example_run
from tests.app.example_ranking import subject_of as read
from toolkit.candidates import read_table, write_entries
from toolkit.errors import InputError
from toolkit.priors import ledger as priors
from toolkit.ranking.files import compare_files
from toolkit.runs.folder import RunFolder


@pytest.fixture
def own(cells_run: RunFolder, tmp_path: Path) -> RunFolder:
    return RunFolder(shutil.copytree(cells_run.path, tmp_path / "run"))


def test_is_what_the_command_compares(full_run: RunFolder) -> None:
    subject = read(full_run)
    found = compare_files(full_run.submission, full_run.standalone, example_run.space_of(full_run))
    assert subject.pairs.networks == found.pairs.networks
    assert np.array_equal(subject.pairs.scores, found.pairs.scores)
    for name, values in found.priors.items():
        assert np.array_equal(subject.beside[name], values)


def test_everything_in_a_run_can_be_judged(cells_run: RunFolder) -> None:
    names = list(sources.scores(cells_run, candidates.settings(cells_run), candidates.checkpoint_steps(cells_run)))
    assert names[0] == sources.SUBMISSION
    assert sum(name.startswith("Loss") for name in names) == 3
    assert names[-1] == example_ranking.SCORE_FILE
    assert list(sources.truths(cells_run)) == [sources.STANDALONE, example_ranking.SCORE_FILE]


@pytest.mark.parametrize("column", ["Top-1", "Top-5", "Loss"])
def test_results_of_the_ledger_are_scores_and_losses_are_negated(cells_run: RunFolder, column: str) -> None:
    scores = sources.scores(cells_run, candidates.settings(cells_run), candidates.checkpoint_steps(cells_run))
    name = next(name for name in scores if name.startswith(column) and "step 300" in name)
    subject = read(cells_run, name)
    assert np.corrcoef(subject.pairs.scores, subject.pairs.truth)[0, 1] > 0.5
    assert subject.images == (None if column == "Loss" else 1000)
    assert subject.ids[subject.pairs.networks[0]].startswith("arch")


def test_other_files_of_scores_stand_beside_unless_they_say_too_little(own: RunFolder) -> None:
    assert example_ranking.SCORE_FILE in read(own).beside
    table = read_table(own.submission)
    few = dict(list(table.codes.items())[:20])
    write_entries(own.path / "few.json", few, dict.fromkeys(few, 0.5))
    subject = read(own)
    assert "few" not in subject.beside
    assert any("few.json is left out" in remark for remark in subject.remarks)


def test_files_that_hold_something_else_are_no_scores(own: RunFolder) -> None:
    (own.path / "notes.json").write_text('{"hello": "world"}')
    (own.path / "broken.json").write_bytes(b"\xff\xfe")
    assert list(sources.score_files(own)) == [example_ranking.SCORE_FILE]


def test_seeds_of_the_truth_are_kept_apart(own: RunFolder) -> None:
    assert read(own).pairs.seeds is None
    example_ranking.add_seeds(own)
    subject = read(own)
    assert subject.pairs.seeds is not None
    assert subject.pairs.seeds.shape == (2, len(subject))
    assert read(own, truth=example_ranking.SCORE_FILE).pairs.seeds is None


def test_codes_of_another_space_are_named_with_their_ids(own: RunFolder) -> None:
    table = read_table(own.submission)
    codes = dict(table.codes) | {"arch1": "nonsense", "arch2": "|more|"}
    write_entries(own.submission, codes, table.accs)
    with pytest.raises(InputError) as error:
        read(own)
    assert len(error.value.problems) == 2
    assert "arch1" in error.value.problems[0]


def test_a_network_with_two_scores_is_refused(own: RunFolder) -> None:
    table = read_table(own.submission)
    codes = dict(table.codes) | {"arch1": table.codes["arch2"]}
    write_entries(own.submission, codes, table.accs)
    with pytest.raises(InputError, match="stands there before"):
        read(own)


def test_the_digest_tells_contents_apart(own: RunFolder, subject: Subject) -> None:
    assert read(own).digest == subject.digest
    table = read_table(own.submission)
    write_entries(own.submission, table.codes, dict(table.accs) | {"arch1": 0.123})
    assert read(own).digest != subject.digest
    assert read(own, truth=example_ranking.SCORE_FILE).digest != read(own).digest


def test_the_table_has_ranks_and_shifts(subject: Subject) -> None:
    table = subject.table
    best = table.loc[table["true"].idxmax()]
    assert best["true_rank"] == 1
    shift = (table["predicted_rank"] - table["true_rank"]) / len(table)
    assert np.allclose(table["shift"], shift)
    assert {"MACs", "parameters", example_ranking.SCORE_FILE} <= set(table)


def test_what_supernet_prior_filed_stands_beside(own: RunFolder) -> None:
    codes = list(read_table(own.submission).codes.values())
    with priors.Ledger.write(own.path / priors.LEDGER) as ledger:
        for name, scored in (("zen", codes), ("snip", codes[:5])):
            setting = priors.Setting("nasbench201", name, "{}", "3x32x32, 10 classes")
            ledger.record(setting, [priors.Row(code, float(number), 0.1) for number, code in enumerate(scored)])
    subject = read(own)
    assert "zen" in subject.beside
    assert "snip" not in subject.beside
    assert any("snip" in remark for remark in subject.remarks)
