import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.errors import InputError
from toolkit.evaluation.policy import NormPolicy


@pytest.mark.parametrize(
    ("text", "policy", "name"),
    [
        ("stored", NormPolicy("stored"), "stored"),
        ("batch", NormPolicy("batch", 512), "batch:512"),
        ("batch:32", NormPolicy("batch", 32), "batch:32"),
        ("calibrate", NormPolicy("calibrate", 128), "calibrate:128"),
        ("calibrate:2560", NormPolicy("calibrate", 2560), "calibrate:2560"),
    ],
)
def test_what_a_user_may_write(text: str, policy: NormPolicy, name: str) -> None:
    assert NormPolicy.parse(text) == policy
    assert str(policy) == name


@given(source=st.sampled_from(["batch", "calibrate"]), images=st.integers(1, 10**9 - 1))
def test_text_and_back(source: str, images: int) -> None:
    policy = NormPolicy.parse(f"{source}:{images}")
    assert policy.images == images
    assert NormPolicy.parse(str(policy)) == policy


@pytest.mark.parametrize(
    "text",
    ["", "stord", "stored:5", "calibrate:", "calibrate:0", "calibrate:-1", "calibrate:05", "batch:1e3", "calibrate:٣",
     "calibrate:10000000000", " batch", "batch\n", "Batch", "batch:5:5"],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"write stored, batch\[:IMAGES\] or calibrate\[:IMAGES\]"):
        NormPolicy.parse(text)
