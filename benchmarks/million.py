"""What breaks first with a million candidates? CPU seconds and memory of every stage but the evaluation itself.

Run it from the root of the checkout: python -m benchmarks.million [--count 1000000] [--stages plan ledger ...]

Stages follow one another through files in a folder, each in a process of its own, whose peak memory is told (on Linux
only). What fails is a row that says so. Nothing is evaluated: results are made up, a group of candidates to a commit.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from benchmarks.growth import peak
from benchmarks.ledger import SETTING


@dataclass(frozen=True, slots=True)
class Place:
    """The space, how many candidates, and where the files lie."""

    space: str
    count: int
    folder: Path

    @property
    def candidates(self) -> Path:
        return self.folder / "candidates.json"

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger.sqlite"

    @property
    def submission(self) -> Path:
        return self.folder / "submission.json"


def draw(place: Place) -> None:
    from toolkit import draw_candidates, get_space, write_candidates

    write_candidates(place.candidates, draw_candidates(get_space(place.space), place.count, 0))


def read(place: Place) -> None:
    codes(place)


def check(place: Place) -> None:
    from toolkit import check

    assert check(place.candidates, place.space).valid


def cost(place: Place) -> None:
    from toolkit import cost

    cost(place.space, codes(place))


def cut(place: Place) -> None:
    from toolkit import get_space
    from toolkit.evaluation.evaluate import group_candidates

    group_candidates(get_space(place.space), codes(place), 1)


def plan(place: Place) -> None:
    from toolkit import plan

    plan(place.candidates, space=place.space, seconds=0)


def ledger(place: Place) -> None:
    from toolkit.backends.base import Counts
    from toolkit.evaluation.evaluate import GROUP
    from toolkit.evaluation.ledger import Ledger, Row

    asked = codes(place)
    with Ledger.write(place.ledger) as filed:
        for start in range(0, len(asked), GROUP):
            rows = enumerate(asked[start : start + GROUP], start)
            filed.record(
                SETTING, [Row(code, Counts(1 + i % 49_999, 50_000, 50_000, 1.5 * i), 0.01) for i, code in rows]
            )


def resume(place: Place) -> None:
    from toolkit.evaluation.ledger import Ledger

    with Ledger.write(place.ledger) as filed:
        assert len(filed.done(SETTING)) == place.count


def submit(place: Place) -> None:
    from converters.submission import build, write_submission
    from toolkit import get_space, read_candidates
    from toolkit.evaluation.ledger import Ledger

    candidates = read_candidates(place.candidates, get_space(place.space))
    with Ledger.read(place.ledger) as filed:
        results = filed.results(SETTING)
    write_submission(place.submission, candidates, build(candidates, results))


def recheck(place: Place) -> None:
    from toolkit import check

    assert check(place.submission, place.space, place.candidates).valid


STAGES: dict[str, tuple[str, Callable[[Place], None]]] = {
    "draw": ("draw and write the candidates file", draw),
    "read": ("read it", read),
    "check": ("check it", check),
    "cost": ("costs of all", cost),
    "cut": ("cut into groups, as `evaluate` does", cut),
    "plan": ("`plan`, without timing the machine", plan),
    "ledger": ("file results in groups of 128", ledger),
    "resume": ("open the ledger again, find what is done", resume),
    "submit": ("read results, write the submission", submit),
    "recheck": ("check it against the candidates", recheck),
}


def codes(place: Place) -> list[str]:
    from toolkit import get_space, read_candidates

    return list(read_candidates(place.candidates, get_space(place.space)).values())


def timed(stage: str, place: Place) -> tuple[float, int]:
    """CPU seconds, imports among them, and the process's peak memory in bytes."""
    STAGES[stage][1](place)
    return time.process_time(), peak()


def main() -> None:
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
    parser.add_argument("--space", default="resnet48")
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    parser.add_argument("--folder", type=Path, help="for the files, which stay there; default: a temporary one")
    options = parser.parse_args()
    print(f"{options.count:,} candidates of {options.space}\n\n| stage | CPU s | peak MiB |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary:
        place = Place(options.space, options.count, options.folder or Path(temporary))
        for stage in options.stages:
            try:
                with ProcessPoolExecutor(1, get_context("spawn")) as pool:
                    seconds, memory = pool.submit(timed, stage, place).result()
                found = f"{seconds:.1f} | {memory / 2**20:,.0f}"
            except Exception as error:  # the others go on
                found = f"{type(error).__name__}: {error!s:.200} |"
            print(f"| {STAGES[stage][0]} | {found} |", flush=True)


if __name__ == "__main__":
    main()
