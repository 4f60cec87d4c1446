"""Paths drawn from a candidates file."""

from collections import Counter
from pathlib import Path

import pytest

from tests.sampling.drawing import draw_steps, sampler
from toolkit.candidates import draw_candidates, write_candidates, write_entries
from toolkit.errors import InputError
from toolkit.spaces import Arch, get_space

SPACE = get_space("resnet48-mini")
CODES = draw_candidates(SPACE, 30, 0)
ARCHS = [SPACE.parse(code) for code in CODES.values()]


@pytest.fixture
def file(tmp_path: Path) -> str:
    write_candidates(tmp_path / "candidates.json", CODES)
    return str(tmp_path / "candidates.json")


def test_each_comes_once_in_a_pass(file: str) -> None:
    drawn = draw_steps(sampler(SPACE, "candidates", file=file), range(18), paths=5)
    passes = [drawn[start : start + 30] for start in (0, 30, 60)]
    assert all(Counter(each) == Counter(ARCHS) for each in passes)
    assert passes[0] != passes[1] != passes[2]
    assert ARCHS not in passes


def test_with_replacement_each_draw_is_from_all(file: str) -> None:
    drawn = draw_steps(sampler(SPACE, "candidates", file=file, replacement=True), range(300), paths=5)
    counts = Counter(drawn)
    assert set(counts) == set(ARCHS)
    assert all(abs(counts[arch] - 50) < 5 * 50**0.5 for arch in ARCHS)
    assert len(set(drawn[:30])) < 30


def test_an_entry_that_stands_twice_counts_twice(tmp_path: Path) -> None:
    arch: Arch = ARCHS[0]
    codes = {"a": SPACE.format(arch), "b": SPACE.format(arch), "c": SPACE.format(ARCHS[1])}
    write_entries(tmp_path / "twice.json", codes, dict.fromkeys(codes, 0.0))
    drawn = draw_steps(sampler(SPACE, "candidates", file=f"{tmp_path}/twice.json"), range(2), paths=3)
    assert drawn.count(arch) == 4


def test_a_file_that_cannot_be_used_is_refused_at_once(file: str) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        sampler(SPACE, "candidates", file="absent.json")
    with pytest.raises(InputError, match="is not in space resnet20"):
        sampler(get_space("resnet20"), "candidates", file=file)
