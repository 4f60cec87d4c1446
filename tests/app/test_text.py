import pytest
from hypothesis import given, strategies

from app import text


@given(strategies.text(strategies.characters(min_codepoint=32, max_codepoint=126)))
def test_plain_text_keeps_every_character_and_escapes_all_markup(words: str) -> None:
    shown = text.plain(words)
    assert "".join(shown[i] for i in range(len(shown)) if not (shown[i] == "\\" and _escapes(shown, i))) == words
    for mark in "*_`[]()<>!#$:|~":
        assert shown.count(mark) == shown.count("\\" + mark)


def _escapes(shown: str, position: int) -> bool:
    """Whether the backslash here escapes, which every second one of a row does."""
    start = position
    while start and shown[start - 1] == "\\":
        start -= 1
    return (position - start) % 2 == 0


def test_a_line_break_cannot_begin_a_block() -> None:
    assert "\n" not in text.plain("one\n# two")


def test_sentences_begin_with_a_capital() -> None:
    assert text.sentence("a valid submission: 3 of 3") == "A valid submission: 3 of 3"
    assert text.sentence("") == ""


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0"), (7, "7"), (999, "999"), (603_954, "604 k"), (5_282_238_464, "5.28 G"), (1e6, "1 M")]
)
def test_numbers_with_prefixes(value: float, shown: str) -> None:
    assert text.si(value) == shown


def test_counts_agree_with_their_nouns() -> None:
    assert [text.count(n, "run") for n in (0, 1, 45_000)] == ["0 runs", "1 run", "45,000 runs"]


def test_axis_titles() -> None:
    assert [text.axis_title("MACs", unit) for unit in ("millions", "")] == ["MACs (millions)", "MACs"]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-3, "just now"), (59, "just now"), (60, "1 min ago"), (7200, "2 h ago"), (90_000, "1 d ago")],
)
def test_spans_of_time(seconds: float, shown: str) -> None:
    assert text.ago(seconds) == shown
