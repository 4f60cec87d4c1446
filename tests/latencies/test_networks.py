from pathlib import Path

import pytest

from toolkit.errors import InputError
from toolkit.latencies import read_latencies
from toolkit.spaces import get_space

SPACE = get_space("nats-size")


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines))
    return path


def test_milliseconds_by_device_and_network(tmp_path: Path) -> None:
    path = write(tmp_path / "latency.csv", "code,note,phone,gpu", "8:16:8:64:8,a,1.5,", "64:64:64:64:64,b,9,0.5")
    small, large = SPACE.parse("8:16:8:64:8"), SPACE.largest
    assert read_latencies(path, SPACE) == {"phone": {small: 1.5, large: 9.0}, "gpu": {large: 0.5}}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["name,phone", "8:8:8:8:8,1"], "no column code or arch"),
        (["code,phone", "8:8:8:8:8,fast"], "no column of milliseconds"),
        (["code,phone", "8:8:8:8:8,-1"], 'has "-1" as phone; a latency is above 0'),
        (["code,phone", "9:8:8:8:8,1"], "not in space nats-size"),
        (["code,phone", "8:8:8:8:8,1", "8:8:8:8:8"], "line 3 has 1 cells, the header 2"),
        (["code,phone", "8:8:8:8:8,nan", "16:8:8:8:8,inf"], 'has "nan" as phone'),
        (["code,phone", "8:8:8:8:8,1", "8:8:8:8:8,2"], "stands there before with another phone"),
    ],
)
def test_problems_are_named(lines: list[str], said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        read_latencies(write(tmp_path / "latency.csv", *lines), SPACE)
