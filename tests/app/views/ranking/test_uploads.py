import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from app.views.ranking import uploads
from app.views.ranking.uploads import Choice, Upload
from toolkit.candidates import read_table
from toolkit.errors import InputError
from toolkit.ranking.files import Columns
from toolkit.ranking.metrics import correlations
from toolkit.runs.folder import RunFolder

TABLE = pd.DataFrame(
    {
        "genotype": ["a", "b", "c", "d", "e"],
        "mine": [0.1, 0.2, 0.3, 0.5, 0.4],
        "truth": [1.0, 2.0, 3.0, 4.0, 5.0],
        "remark": ["x", "y", "z", "", ""],
    }
)
CHOICE = Choice(Columns(("genotype",), ("mine",), ("truth",)))


def written(suffix: str, table: pd.DataFrame = TABLE) -> Upload:
    match suffix:
        case "csv":
            content = table.to_csv(index=False).encode()
        case "tsv":
            content = table.to_csv(index=False, sep="\t").encode()
        case "parquet":
            buffer = io.BytesIO()
            table.to_parquet(buffer)
            content = buffer.getvalue()
        case _:
            content = json.dumps(table.to_dict("records")).encode()
    return Upload(f"table.{suffix}", content)


@pytest.mark.parametrize("suffix", uploads.TYPES)
def test_every_kind_of_table_is_read(suffix: str) -> None:
    upload = written(suffix)
    shape = uploads.shape(upload)
    assert not shape.candidates
    assert shape.columns == tuple(TABLE)
    assert shape.numbers == ("mine", "truth")
    assert shape.codes == ("genotype",)
    subject = uploads.compare(upload, None, CHOICE)
    assert (subject.score, subject.truth, len(subject)) == ("mine", "truth", 5)
    assert subject.space is None
    assert subject.beside == {}


@pytest.mark.parametrize(
    ("content", "columns", "numbers"),
    [
        (b"genotype,mine,truth\na,0.1,1,\nb,0.2,2,\n", None, None),
        (b"genotype;mine;truth\na;0.1;1\nb;0.2;2\n", ("genotype", "mine", "truth"), ("mine", "truth")),
        (b",genotype,mine\n0,a,0.1\n1,b,\n", ("genotype", "mine"), ("mine",)),
    ],
    ids=["a comma at the end", "semicolons", "an index"],
)
def test_no_column_is_taken_for_an_index(
    content: bytes, columns: tuple[str, ...] | None, numbers: tuple[str, ...] | None
) -> None:
    """As `supernet rank` reads the same file."""
    if columns is None:
        with pytest.raises(InputError, match="line 2 has 4 fields, and the heading 3"):
            uploads.shape(Upload("table.csv", content))
        return
    shape = uploads.shape(Upload("table.csv", content))
    assert (shape.columns, shape.numbers) == (columns, numbers)


def test_what_parquet_says_of_pandas_is_not_believed() -> None:
    """There the codes are an index, which pandas would hide."""
    buffer = io.BytesIO()
    TABLE.set_index("genotype").to_parquet(buffer)
    assert set(uploads.shape(Upload("table.parquet", buffer.getvalue())).columns) == set(TABLE)
    TABLE.iloc[:0].to_parquet(buffer := io.BytesIO())
    assert uploads.shape(Upload("table.parquet", buffer.getvalue())).numbers == ()


def test_files_in_the_format_of_submissions_need_no_choice(full_run: RunFolder) -> None:
    scores, truth = (Upload(path.name, path.read_bytes()) for path in (full_run.submission, full_run.standalone))
    assert uploads.shape(scores).candidates
    subject = uploads.compare(scores, truth, Choice(Columns()))
    assert subject.score == "submission.json"
    assert subject.space is not None
    assert len(subject.archs) == len(subject) == 60
    code = subject.pairs.networks[0]
    assert read_table(full_run.submission).codes[subject.ids[code]] == code
    assert {"MACs", "parameters", "depth"} <= set(subject.beside)
    assert subject.width is not None


def test_losses_are_negated() -> None:
    right, wrong = (uploads.compare(written("csv"), None, Choice(CHOICE.columns, losses=losses)) for losses in (0, 1))
    assert np.array_equal(right.pairs.scores, -wrong.pairs.scores)


def test_several_truths_are_seeds_and_further_scores_stand_beside() -> None:
    table = TABLE.assign(again=[1.0, 2.0, 4.0, 3.0, 5.0])
    columns = Columns(("genotype",), ("mine", "again"), ("truth", "again"))
    subject = uploads.compare(written("csv", table), None, Choice(columns))
    assert subject.pairs.seeds is not None
    assert subject.pairs.seeds.shape == (2, 5)
    assert set(subject.beside) == {"again"}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.csv", b"  \n", "is empty"),
        ("cut.json", b'{"arch1": {"acc": 0.5,', "is not a table in JSON"),
        ("list.json", b"[1, 2]", "neither a list of objects"),
        ("deep.json", b"[" * 100_000, "deep.json"),
        ("bytes.csv", b"\xff\xfe\x00\x01,\n\xff", "is not a table in csv"),
        ("no.parquet", b"PAR1 but no more", "is not a table in parquet"),
        ("program.exe", b"MZ", "is none of json"),
        ("no suffix", b"MZ", "is none of json"),
        ("rows.csv", b"a,b\n" * 300_000, "is too large"),
        ("wide.csv", b"," * 10_000 + b"\n1", "is too large"),
        ("many.json", b"[" + b"{}," * 300_000 + b"{}]", "is too large"),
    ],
)
def test_what_is_no_table_is_refused_in_words(name: str, content: bytes, said: str) -> None:
    with pytest.raises(InputError) as error:
        uploads.shape(Upload(name, content))
    assert said in str(error.value)
    assert name in str(error.value)


def test_a_table_that_unpacks_to_far_more_is_refused() -> None:
    bomb = pd.DataFrame({"arch": np.zeros(uploads.ROWS + 5, dtype=np.int8)})
    with pytest.raises(InputError, match="too large"):
        uploads.shape(written("parquet", bomb))


def test_problems_call_files_as_their_owner_does() -> None:
    broken = TABLE.assign(mine=["0.1", "zz", "0.3", "0.4", "inf"])
    with pytest.raises(InputError) as error:
        uploads.compare(Upload("my scores (2).csv", broken.to_csv(index=False).encode()), None, CHOICE)
    assert len(error.value.problems) == 2
    for problem in error.value.problems:
        assert problem.startswith("my_scores_2_.csv: row ")


@pytest.mark.parametrize("name", ["../../etc/passwd.csv", "a/b\\c.CSV", "x" * 400 + ".csv", ".csv", "ü?.csv"])
def test_names_of_files_lead_nowhere(name: str) -> None:
    safe = Upload(name, b"").safe_name
    assert Path(safe).name == safe
    assert safe.endswith(".csv")
    assert len(safe) < 100


def test_nasbench201_as_published(shared: Path) -> None:
    path = shared / "data" / "truth" / "nasbench201.csv"
    upload = Upload(path.name, path.read_bytes())
    assert uploads.shape(upload).codes == ("arch",)
    table = pd.read_csv(path).iloc[:400]
    few = Upload(path.name, table.to_csv(index=False).encode())
    subject = uploads.compare(few, None, Choice(Columns(("arch",), ("supernet_oneshot",), ("c10_test200_v11",))))
    assert subject.space is not None
    assert subject.space.name == "nasbench201"
    expected = correlations(table["supernet_oneshot"], table["c10_test200_v11"])["kendall"]
    assert correlations(subject.pairs.scores, subject.pairs.truth)["kendall"] == pytest.approx(expected)
