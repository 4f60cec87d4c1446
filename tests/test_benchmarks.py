"""Benchmarks run by hand, now and then: here only that nothing they rest on has moved."""

from importlib import import_module
from pathlib import Path

import pytest

BENCHMARKS = sorted(path.stem for path in (Path(__file__).parent.parent / "benchmarks").glob("*.py"))


@pytest.mark.parametrize("name", BENCHMARKS)
def test_it_can_be_imported(name: str) -> None:
    assert import_module(f"benchmarks.{name}").__doc__


@pytest.mark.parametrize("part", ["memory", "graphs"])
def test_the_quick_parts_for_a_gpu_run_on_a_cpu(part: str) -> None:
    """The other parts take from seconds to minutes: `python -m benchmarks.gpu --device cpu --quick`."""
    rows = [*import_module("benchmarks.gpu").PARTS[part]("cpu", True)]
    assert rows
    assert all(row.fine is not False for row in rows), rows


def test_all_are_listed(root: Path) -> None:
    listed = (root / "benchmarks/README.md").read_text(encoding="utf-8").replace("/", ".")
    assert [name for name in BENCHMARKS if f"benchmarks.{name}" not in listed and name != "workload"] == []
