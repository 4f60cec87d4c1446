import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from converters.submission import blend
from tests.command import supernet
from toolkit.candidates import draw_candidates, scores, write_entries
from toolkit.errors import InputError
from toolkit.spaces import SPACES

CANDIDATES = draw_candidates(SPACES["resnet20"], 30, 0)
IDS = list(CANDIDATES)


def write(path: Path, values: list[float]) -> Path:
    write_entries(path, CANDIDATES, dict(zip(IDS, values, strict=True)))
    return path


def random(seed: int) -> list[float]:
    return np.random.default_rng(seed).random(len(IDS)).tolist()


def test_the_mean_of_ranks_by_hand(tmp_path: Path) -> None:
    one, other = write(tmp_path / "a.json", [*range(30)]), write(tmp_path / "b.json", [1.0] * 2 + [0.0] * 28)
    candidates, blended = blend([one, other], [3, 1])
    assert list(candidates.items()) == list(CANDIDATES.items())
    assert blended[IDS[0]] == pytest.approx((3 * 0.5 + 1 * 29.0) / 4 / 30)  # ranks 1 and 29.5 of 30
    assert blended[IDS[29]] == pytest.approx((3 * 29.5 + 1 * 14.0) / 4 / 30)


@given(st.permutations(range(30)), st.sampled_from([1e-6, 1.0, 1e5]))
def test_only_the_order_counts(tmp_path_factory: pytest.TempPathFactory, order: list[int], scale: float) -> None:
    folder = tmp_path_factory.mktemp("blend")
    plain = write(folder / "a.json", [float(place) for place in order])
    bent = write(folder / "b.json", [scale * np.exp(place / 10) - 7 for place in order])
    values = list(blend([plain, bent])[1].values())
    assert kendalltau(values, order).statistic == pytest.approx(1)
    assert (min(values), max(values)) == (pytest.approx(0.5 / 30), pytest.approx(29.5 / 30))


def test_opposite_rankings_cancel_to_exact_ties(tmp_path: Path) -> None:
    values = random(0)
    up, down = write(tmp_path / "a.json", values), write(tmp_path / "b.json", [-value for value in values])
    assert set(blend([up, down])[1].values()) == {0.5}


def test_files_in_another_order_are_matched_by_id(tmp_path: Path) -> None:
    one, other = write(tmp_path / "a.json", random(0)), write(tmp_path / "b.json", random(1))
    before = blend([one, other])[1]
    other.write_text(json.dumps(dict(reversed(json.loads(other.read_text()).items()))))
    assert blend([one, other])[1] == before


def test_all_problems_at_once(tmp_path: Path) -> None:
    whole, part = write(tmp_path / "whole.json", random(0)), write(tmp_path / "part.json", random(1))
    entries = json.loads(part.read_text())
    entries.pop(IDS[3])
    entries["arch99"] = entries[IDS[5]]
    entries[IDS[7]] |= {"arch": CANDIDATES[IDS[8]]}
    part.write_text(json.dumps(entries))
    with pytest.raises(InputError) as caught:
        blend([whole, part, write(tmp_path / "flat.json", [0.0] * 30)])
    assert [problem.removeprefix(f"{tmp_path}/") for problem in caught.value.problems] == [
        f"part.json: lacks 1 candidates of the other file: {IDS[3]}; all must hold the same",
        "whole.json: lacks 1 candidates of the other file: arch99; all must hold the same",
        f"part.json: 1 candidates are other networks than in {whole}, such as {IDS[7]}",
        "flat.json: gives all candidates 0.0: no ranking; are these placeholders?",
    ]
    with pytest.raises(InputError) as caught:
        blend([whole], [1, 0])
    assert [problem.split(";")[0] for problem in caught.value.problems] == [
        "a blend is made of two files of scores or more",
        "there are 2 weights for 1 files",
        "weight 0 is not above 0",
    ]


def test_the_command(tmp_path: Path) -> None:
    one, other = write(tmp_path / "a.json", random(0)), write(tmp_path / "b.json", random(1))
    out = tmp_path / "out.json"
    done = supernet("blend", str(out), str(one), str(other), "--weight", "2", "--weight", "1")
    assert done.status == 0
    assert "30 of 30 entries hold results" in done.out
    assert "no accuracy" in done.out
    assert scores(out) == blend([one, other], [2, 1])[1]
    before = out.read_bytes()
    again = supernet("blend", str(out), str(one), str(other))
    assert (again.status, "--overwrite" in again.err) == (1, True)
    assert out.read_bytes() == before
