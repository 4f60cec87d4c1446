"""Uploads of weights: converted in a process of their own, under whatever name they come."""

import numpy as np
import pytest

from app.views import weights as views
from converters.weights import Ask, to_official
from tests import weight_files
from toolkit.backends.shapes import shapes
from toolkit.errors import InputError
from toolkit.spaces import get_space

WEIGHTS = weight_files.fill(shapes(get_space("resnet48-mini").widest))
PLAIN = weight_files.pdparams(to_official(WEIGHTS))


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("../../--help me.pdparams", "--help me.pth"),
        ("C:\\weights\\toolkit.py", "toolkit.pth"),
    ],
)
def test_a_file_of_any_name(name: str, target: str) -> None:
    done = views.convert_upload(name, PLAIN, ".pth", Ask(space="resnet48-mini"), candidates=0)
    assert done.name == target
    assert done.content.startswith(b"PK")
    assert len(done.report.matches) == 252
    assert done.report.proof is None


def test_the_key_table_has_every_tensor_of_the_file() -> None:
    extra = weight_files.pdparams(to_official(WEIGHTS) | {"queue": np.ones((2, 2), np.float32)})
    done = views.convert_upload("w.pdparams", extra, ".safetensors", Ask(), candidates=1)
    table = views.key_table(done.report)
    assert len(table) == 253
    assert table["what"].value_counts().to_dict() == {
        "taken over": 251,
        "(64, 10) transposed to (10, 64)": 1,
        "left behind: not part of a network": 1,
    }
    assert done.report.proof is not None
    assert done.report.proof.difference < 1e-5


def test_problems_go_by_the_files_own_name() -> None:
    ask = Ask(drop=("*.relu2._weight", "--drop"), network="teacher", code="", size=9)
    with pytest.raises(InputError) as caught:
        views.convert_upload("dir/w.pdparams", PLAIN, ".pth", ask, candidates=0)
    assert caught.value.problems == ("w.pdparams: holds no network 'teacher'; there are: plain",)
    with pytest.raises(InputError) as caught:
        views.convert_upload("w.pdparams", b"nonsense", ".pth", Ask(), candidates=0)
    (problem,) = caught.value.problems
    assert problem.startswith("w.pdparams: cannot be read as weights (it is neither")
