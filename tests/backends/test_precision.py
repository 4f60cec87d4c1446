from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from toolkit.backends import BACKENDS, get_backend, precision, settled
from toolkit.backends.base import Backend, Precision
from toolkit.errors import InputError


def measured(monkeypatch: pytest.MonkeyPatch, seconds: dict[str, float], world: int = 1) -> Precision:
    """What is chosen where a step takes so long; a precision without seconds is one that the device lacks."""

    def step(backend: Any) -> Callable[[], float]:
        return lambda: seconds[backend.precision]

    def open_as(name: Precision) -> Backend:
        if name not in seconds:
            raise InputError("no such precision here")
        return cast(Backend, SimpleNamespace(precision=name, world=world))

    monkeypatch.setattr(precision, "_step", step)
    return precision.faster(open_as)


def test_bf16_only_where_it_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    assert measured(monkeypatch, {"fp32": 1.0, "bf16": 0.6}) == "bf16"
    assert measured(monkeypatch, {"fp32": 1.0, "bf16": 0.95}) == "fp32", "digits are worth more than that"
    assert measured(monkeypatch, {"fp32": 1.0, "bf16": 14.0}) == "fp32", "a processor without native products"
    assert measured(monkeypatch, {"fp32": 1.0}) == "fp32", "Paddle on a CPU"
    assert measured(monkeypatch, {"fp32": 1.0, "bf16": 0.1}, world=2) == "fp32", "processes must agree"


@pytest.mark.parametrize("name", BACKENDS)
def test_auto_is_one_of_both_and_the_same_all_the_time(name: str) -> None:
    chosen = settled(name, "cpu", "auto", 1)
    assert chosen in ("fp32", "bf16")
    assert settled(name, "cpu", "auto", 1) == chosen
    assert settled(name, "cpu", "tf32", 1) == "tf32", "what is asked for stands"
    get_backend(name, "cpu", "auto", 1)
