import csv
import io

import pandas as pd
import pytest

from app.spreadsheet import to_csv


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
@pytest.mark.parametrize("kind", [object, "string", "category"])
def test_no_text_is_a_formula(start: str, kind: object) -> None:
    evil = f"{start}HYPERLINK(1)"
    table = pd.DataFrame({"id": pd.Series([evil, "arch1", None], dtype=kind), evil: [-1.5, 2.0, None]})  # type: ignore[call-overload]
    heading, first, second, _ = list(csv.reader(io.StringIO(to_csv(table), newline="")))
    plain = "'" + evil.replace("\r", " ")
    assert heading == ["id", plain]
    assert first == [plain, "-1.5"]
    assert second == ["arch1", "2.0"]
