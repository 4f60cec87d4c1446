from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.training.schedules import warmup_cosine


def test_by_hand() -> None:
    rates = [warmup_cosine(step, total=8, warmup=4, peak=0.8, final=0.0) for step in range(9)]
    assert rates == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.8, 0.4 * (1 + 2**-0.5), 0.4, 0.4 * (1 - 2**-0.5), 0.0])


def test_without_warm_up_it_begins_at_the_peak() -> None:
    assert warmup_cosine(0, total=10, warmup=0, peak=0.1, final=0.01) == 0.1
    assert warmup_cosine(5, total=10, warmup=0, peak=0.1, final=0.01) == pytest.approx(0.055)


@given(
    total=st.integers(1, 300),
    share=st.floats(0, 1),
    peak=st.floats(1e-6, 1e3),
    ratio=st.floats(0, 1),
)
def test_up_to_the_peak_and_down_to_the_end(total: int, share: float, peak: float, ratio: float) -> None:
    warmup, final = round(share * total), ratio * peak
    rates = [warmup_cosine(step, total, warmup, peak, final) for step in range(total)]
    rising, falling = rates[:warmup], rates[warmup:]
    assert all(0 < rate <= peak * (1 + 1e-12) for rate in rising)
    assert all(final * (1 - 1e-12) <= rate <= peak * (1 + 1e-12) for rate in falling)
    assert all(before < after for before, after in pairwise(rising))
    assert all(before >= after for before, after in pairwise(falling))
    if warmup:
        assert rates[0] == pytest.approx(peak / warmup)
        assert rates[warmup - 1] == pytest.approx(peak)
    assert warmup_cosine(total, total, warmup, peak, final) == pytest.approx(final if warmup < total else peak)
