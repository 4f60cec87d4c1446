"""How far kernel matrices have gone."""

import numpy as np
import pytest

from toolkit.interference.matrices import matrix_rows


def test_drift_is_relative_to_the_identity() -> None:
    weights = {
        "blocks.3.depthwise.7to5_matrix": np.eye(25, dtype=np.float32),
        "blocks.4.depthwise.5to3_matrix": 3 * np.eye(9, dtype=np.float32),
        "blocks.4.depthwise.weight": np.ones((4, 1, 7, 7), np.float32),
    }
    first, second = matrix_rows(weights)
    assert (first.measure, first.block, first.first, first.value) == ("matrix_drift", 3, "depthwise.7to5", 0.0)
    assert (second.block, second.first) == (4, "depthwise.5to3")
    assert second.value == pytest.approx(2.0)
