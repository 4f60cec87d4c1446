import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from toolkit.errors import InputError
from toolkit.ranking.tables import Table, read_values

ROWS = {
    "code": ["0012", "0120", "2001"],
    "c1": [8, 16, 8],
    "c2": [64, 8, 8],
    "acc0": [0.5, 0.25, 1.0],
    "acc1": [1, 2, 3],
}


def _csv(frame: pd.DataFrame, path: Path) -> None:
    frame.to_csv(path, index=False)


def _tsv(frame: pd.DataFrame, path: Path) -> None:
    frame.to_csv(path, index=False, sep="\t")


def _parquet(frame: pd.DataFrame, path: Path) -> None:
    frame.to_parquet(path)


def _records(frame: pd.DataFrame, path: Path) -> None:
    frame.to_json(path, orient="records")


def _objects(frame: pd.DataFrame, path: Path) -> None:
    frame.to_json(path, orient="index")


Write = Callable[[pd.DataFrame, Path], None]
every_format = pytest.mark.parametrize(
    ("write", "suffix"),
    [(_csv, "csv"), (_tsv, "tsv"), (_parquet, "parquet"), (_records, "json"), (_objects, "json")],
    ids=["csv", "tsv", "parquet", "list", "object"],
)


def problems(path: Path, codes: tuple[str, ...] = ("code",), values: tuple[str, ...] = ("acc0",)) -> tuple[str, ...]:
    with pytest.raises(InputError) as error:
        read_values(path, codes, values)
    return error.value.problems


def text(path: Path, content: str) -> Path:
    path.write_text(content)
    return path


@every_format
def test_named_columns(write: Write, suffix: str, tmp_path: Path) -> None:
    write(pd.DataFrame(ROWS), tmp_path / f"table.{suffix}")
    table = read_values(tmp_path / f"table.{suffix}", ["code"], ["acc1", "acc0"])
    assert table.codes == ("0012", "0120", "2001")
    assert list(table.values) == ["acc1", "acc0"]
    assert table.values["acc0"].tolist() == [0.5, 0.25, 1]
    assert table.values["acc1"].tolist() == [1, 2, 3]
    assert not table.candidates


@every_format
def test_codes_of_several_columns(write: Write, suffix: str, tmp_path: Path) -> None:
    write(pd.DataFrame(ROWS), tmp_path / f"table.{suffix}")
    assert read_values(tmp_path / f"table.{suffix}", ["c1", "c2"], ["acc0"]).codes == ("8:64", "16:8", "8:8")


@every_format
def test_empty_cells_are_no_values(write: Write, suffix: str, tmp_path: Path) -> None:
    rows: dict[str, list[Any]] = ROWS | {"acc1": [1.0, None, 3.0]}
    write(pd.DataFrame(rows), tmp_path / f"table.{suffix}")
    table = read_values(tmp_path / f"table.{suffix}", ["code"], ["acc0", "acc1"])
    np.testing.assert_array_equal(table.values["acc1"], [1, np.nan, 3])
    assert table.column("acc1") == {"0012": 1, "2001": 3}


@every_format
def test_columns_that_are_not_there(write: Write, suffix: str, tmp_path: Path) -> None:
    write(pd.DataFrame(ROWS), tmp_path / f"table.{suffix}")
    first, second = problems(tmp_path / f"table.{suffix}", codes=("cod",), values=("acc9",))
    assert "has no column 'cod'; did you mean 'code'?" in first
    assert "has no column 'acc9'" in second


def test_the_candidates_format(tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    path.write_text(json.dumps({"arch1": {"acc": 0.5, "arch": "x"}, "arch2": {"acc": 1, "arch": "y"}}))
    table = read_values(path, ["arch"], ["acc"])
    assert (table.ids, table.codes, table.candidates) == (("arch1", "arch2"), ("x", "y"), True)
    assert table.column("acc") == {"x": 0.5, "y": 1}
    assert table.label("acc") == str(path)
    path.write_text(json.dumps({"arch1": {"acc": None, "arch": "x"}}))
    assert "has null as acc" in problems(path, ("arch",), ("acc",))[0]


def test_all_cells_that_are_no_numbers_are_named(tmp_path: Path) -> None:
    path = text(tmp_path / "t.csv", "code,acc0,acc1\na,1,inf\n,high,2\nb,0x5,3\nc,1e3,-\n")
    assert problems(path, values=("acc0", "acc1")) == (
        f"{path}: row 2 has no code",
        f'{path}: row 2 has "high" as acc0; it is a finite number up to 1e+100, or empty',
        f'{path}: row 3 has "0x5" as acc0; it is a finite number up to 1e+100, or empty',
        f'{path}: row 1 has "inf" as acc1; it is a finite number up to 1e+100, or empty',
        f'{path}: row 4 has "-" as acc1; it is a finite number up to 1e+100, or empty',
    )


def test_many_problems_are_cut_short(tmp_path: Path) -> None:
    path = text(tmp_path / "t.csv", "code,acc0\n" + "a,x\n" * 100)
    assert len(problems(path)) == 6
    assert "95 more" in problems(path)[-1]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", b"", "is not a table in csv"),
        ("t.csv", b"code,acc0\n", "has no rows"),
        ("t.csv", b"code,acc0\na,1\nb,2,3,4\n", "line 3 has 4 fields, and the heading 2"),
        ("t.csv", b"code,acc0\n\xff\xfe,1\n", "is not a table in csv"),
        ("t.parquet", b"PAR1 and no more", "is not a table in parquet"),
        ("t.json", b'[{"code": "a"', "is not a table in JSON"),
        ("t.json", b"[1, 2]", "neither a list of objects"),
        ("t.json", b"[" * 100_000, "is not a table in JSON"),
        ("t.json", b"[]", "has no rows"),
        ("t.xlsx", b"PK\x03\x04", "is not a table in JSON"),
    ],
)
def test_what_is_no_table(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    (problem,) = problems(tmp_path / name)
    assert problem.startswith(f"{tmp_path / name}: ")
    assert message in problem
    assert "\n" not in problem


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.json"])
def test_a_file_that_is_not_there(name: str, tmp_path: Path) -> None:
    assert "cannot be read" in problems(tmp_path / name)[0]


def test_a_mark_at_the_beginning_and_spaces_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xef\xbb\xbfcode,acc0\n 01 , 0.5\n02,NA\n")
    table = read_values(path, ["code"], ["acc0"])
    assert table.codes == ("01", "02")
    assert table.column("acc0") == {"01": 0.5}


def test_contradictions() -> None:
    values = {"acc": np.array([1.0, 1.0, 2.0, np.nan, 3.0, 3.0])}
    table = Table(Path("t.csv"), tuple("abcdef"), ("x", "x", "x", "y", "y", "y"), values, candidates=False)
    (problem,) = table.contradictions()
    assert problem.startswith("t.csv: c is a network that stands there before with another acc")


TRAILING = "arch,acc,truth,params\n" + "".join(f"{code},0.{i},0.{i + 1},7,\n" for i, code in enumerate("abc"))


@pytest.mark.parametrize("content", [TRAILING, TRAILING.replace(",", ";"), TRAILING.replace(",", "\t")])
def test_a_separator_too_many_shifts_nothing(content: str, tmp_path: Path) -> None:
    """pandas would take the codes for an index, and every column for the one before it."""
    (problem, *_) = problems(text(tmp_path / "t.csv", content), ("arch",), ("acc", "truth"))
    assert "line 2 has 5 fields, and the heading 4" in problem


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_recognised(separator: str, tmp_path: Path) -> None:
    rows = [["arch", "acc", "note"], ["001", "0.5", '"a, b; c"'], [], ["002", "0.25", ""]]
    path = text(tmp_path / "t.csv", "\r\n".join(map(separator.join, rows)))
    table = read_values(path, ["arch"], ["acc"])
    assert (table.codes, table.values["acc"].tolist()) == (("001", "002"), [0.5, 0.25])


@pytest.mark.parametrize("row", ["a", "a,1,2", "a,1,", '"a,1'])
def test_rows_of_another_length(row: str, tmp_path: Path) -> None:
    assert "line 3" in "".join(problems(text(tmp_path / "t.csv", f"arch,acc\nb,1\n{row}\n"), ("arch",), ("acc",))) or (
        row.startswith('"')
    )


@pytest.mark.parametrize("code", ["1.54841E+51", "1,54841E+51", "1e51", "154841.0"])
def test_codes_that_a_spreadsheet_mangled(code: str, tmp_path: Path) -> None:
    (problem,) = problems(text(tmp_path / "t.csv", f'arch,acc\n"{code}",1\n'), ("arch",), ("acc",))
    assert "a spreadsheet took the code for a number" in problem


def test_a_decimal_comma_is_named(tmp_path: Path) -> None:
    (problem,) = problems(text(tmp_path / "t.csv", "arch;acc\na;0,5\n"), ("arch",), ("acc",))
    assert "decimal comma" in problem


@pytest.mark.parametrize("value", ["1.7e308", "-1e101", "nan(1)", "1_000", "0x10", "1e999", "9" * 5000])
def test_numbers_that_cannot_be_computed_with(value: str, tmp_path: Path) -> None:
    (problem,) = problems(text(tmp_path / "t.csv", f"arch,acc\na,{value}\n"), ("arch",), ("acc",))
    assert "finite number" in problem


def test_json_keyed_by_architecture(tmp_path: Path) -> None:
    """15,625 networks, as benchmarks publish them: the keys are the codes."""
    entries = {f"|op~{i}|": {"acc": i / 15625, "z": {"score": i, "time": 1.0}} for i in range(15625)}
    (tmp_path / "t.json").write_text(json.dumps(entries))
    table = read_values(tmp_path / "t.json", ["arch"], ["acc", "z.score"])
    assert table.codes == tuple(entries)
    assert table.values["z.score"].tolist() == list(range(15625))
    assert read_values(tmp_path / "t.json", ["arch"], ["acc"]).codes == tuple(entries)
    (tmp_path / "one.json").write_text(json.dumps({"cifar10": entries}))
    for column in ("z.score", "cifar10.z.score"):
        assert read_values(tmp_path / "one.json", ["arch"], [column]).values[column].tolist() == list(range(15625))
    (tmp_path / "two.json").write_text(json.dumps({"cifar10": entries, "svhn": entries}))
    table = read_values(tmp_path / "two.json", ["arch"], ["cifar10.acc", "svhn.z.score"])
    assert table.codes == tuple(entries)
    for name in ("t.json", "one.json", "two.json"):
        error = "\n".join(problems(tmp_path / name, ("arch",), ("a", "b", "c")))
        assert "no column" in error
        assert len(error) < 4000


@pytest.mark.parametrize(
    "said",
    ["", "[]", "{}", '{"index_columns": ["acc"]}', '{"index_columns": [{"kind": "range"}], "columns": 3}', "\xff"],
)
def test_what_a_parquet_file_says_of_pandas_is_not_believed(said: str, tmp_path: Path) -> None:
    table = pa.table({"arch": ["a", "b"], "acc": [0.5, 0.25]}).replace_schema_metadata({"pandas": said})
    pq.write_table(table, tmp_path / "t.parquet")
    found = read_values(tmp_path / "t.parquet", ["arch"], ["acc"])
    assert (found.codes, found.values["acc"].tolist()) == (("a", "b"), [0.5, 0.25])


@pytest.mark.parametrize("cells", [[[1], [2]], [{"a": 1}, {"a": 2}], [b"x", b"y"], [True, False]])
def test_columns_of_parquet_that_are_neither_text_nor_numbers(cells: list[Any], tmp_path: Path) -> None:
    pq.write_table(pa.table({"arch": ["a", "b"], "acc": cells}), tmp_path / "t.parquet")
    (problem,) = problems(tmp_path / "t.parquet", ("arch",), ("acc",))
    assert "it holds text or numbers" in problem


CASES = Path(__file__).parents[3] / "shared/cases"


@pytest.mark.parametrize("name", ["excel.csv", "trail4.csv", "rank_1e308.csv"])
def test_the_tables_kept(name: str) -> None:
    if not (CASES / name).exists():
        pytest.skip("shared/cases is not beside this checkout")
    columns = ("acc", "s0", "s1") if name == "rank_1e308.csv" else ("acc", "truth")
    assert len("".join(problems(CASES / name, ("arch",), columns))) < 4000
