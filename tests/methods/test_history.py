"""What methods train is counted from their draws, as long as these do not depend on what is measured."""

from typing import Any

import pytest

from tests.methods.watching import SPACE
from tests.methods_made import make_method
from tests.networks import backend_on_cpu
from toolkit.interference.history import History
from toolkit.sampling.attentive import AttentiveOptions

STEPS = 4


def counted(name: str, **options: Any) -> tuple[int, bool]:
    """Networks trained in a few steps, and whether it is known which."""
    network = backend_on_cpu("torch").network(SPACE, SPACE.widest, 0)
    history = History(make_method(name, SPACE, **options), network, 0, 2 * STEPS)
    history.until(STEPS)
    return history.trained, any(True for _ in history.rows())


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("spos", {"paths": 3}, 3 * STEPS),
        ("pgonas", {"paths": 4, "pairs": 2, "schedule": "constant"}, (4 + 2) * STEPS),
        ("pgonas", {"paths": 4, "pairs": 2, "rank_loss": "symmetric", "schedule": "constant"}, (4 + 4) * STEPS),
        ("pgonas", {"paths": 4, "pairs": 2, "schedule": "warmup"}, 4 + (4 + 2) * (STEPS - 1)),  # from 0 on
        ("landmark", {}, (1 + 2) * STEPS),
        ("landmark", {"warmup": 0.5}, 1 + (1 + 2) * (STEPS - 1)),
        ("landmark", {"pairs": "all", "form": "softplus"}, (1 + 8) * STEPS),
        ("landmark", {"pairs": "adjacent", "form": "tanh"}, (1 + 8) * STEPS),
        ("nsas", {"archive": 2}, 1 + 2 + 3 + 3),
        ("progressive", {"look": 0, "paths": 2}, (1 + 2) * STEPS),
    ],
)
def test_paths_that_learn_are_counted(name: str, options: dict[str, Any], expected: int) -> None:
    assert counted(name, **options) == (expected, True)


@pytest.mark.parametrize(
    ("name", "options"),
    [("progressive", {"look": 1}), ("sandwich", {"sampling": AttentiveOptions(table=200)})],
)
def test_what_is_chosen_by_loss_is_not(name: str, options: dict[str, Any]) -> None:
    assert counted(name, **options) == (STEPS, False)
