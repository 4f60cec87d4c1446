import numpy as np
import pytest

from tests.networks import backend_on_cpu
from toolkit.backends import BACKENDS
from toolkit.evaluation.evaluate import Job, equip
from toolkit.evaluation.policy import NormPolicy
from toolkit.evaluation.worker import Equipment, Worker
from toolkit.executors.shared import Shared
from toolkit.runs.folder import RunFolder
from toolkit.spaces import SPACES

SPACE = SPACES["resnet48-mini"]


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("copy", [False, True])
def test_weights_may_be_taken_as_they_are(name: str, copy: bool) -> None:
    """So that all processes can share them: what happens to the arrays then happens to the network."""
    backend = backend_on_cpu(name)
    network = backend.network(SPACE, SPACE.widest, 0)
    arrays = Shared.of(backend.network(SPACE, SPACE.widest, 1).weights()).open()
    network.load_weights(arrays, copy=copy)
    before = network.weights()
    for array in arrays.values():
        array += 1
    for key, now in network.weights().items():
        np.testing.assert_array_equal(now, before[key] if copy or name != "torch" else arrays[key], err_msg=key)


def test_a_worker_needs_no_run_folder(run: RunFolder) -> None:
    equipment, setting = equip(Job(run.path, run.latest_checkpoint(), NormPolicy("calibrate", 32), images=20))
    shared = Shared.of(equipment)
    run.path.rename(run.path.with_name("gone"))
    received: Equipment = shared.open()
    codes = [SPACE.format(arch) for arch in (SPACE.largest, SPACE.smallest)]
    rows = Worker(received)(codes)
    assert [row.code for row in rows] == codes
    assert {row.counts.total for row in rows} == {setting.images} == {20}
    assert all(row.seconds > 0 for row in rows)
    assert [row.counts for row in Worker(equipment)(codes)] == [row.counts for row in rows]
