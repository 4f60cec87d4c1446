"""The kernels that other processors choose: convolutions and trainings as a CPU without AVX-512 computes them.

PyTorch 2.13 wrote beyond its memory there, in the weight gradient of strided 1x1 convolutions (docs/upstream.md).
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from toolkit.backends.torch import check
from toolkit.errors import InputError

pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="needs oneDNN")

PROGRAM = """
import numpy as np
from benchmarks.convolutions import Case, run
from toolkit.backends import get_backend
from toolkit.backends.base import SGD
from toolkit.spaces import get_space

kinds = [(k, s, layout) for k in (1, 3) for s in (1, 2) for layout in ("channels_last", "contiguous")]
pairs = [(i, o) for i in range(1, 17) for o in (4, 7)]
run([Case(k, s, i, o, False, layout, "fp32", "all") for k, s, layout in kinds for i, o in pairs], raw=False)
backend = get_backend("torch", "cpu", threads=1)
space = get_space("resnet20")
images = backend.place(np.random.default_rng(0).standard_normal((8, 3, 32, 32), np.float32))
labels = backend.place(np.arange(8))
for holds, plans in (
    (space.plans(space.smallest), space.plans(space.smallest)),
    (space.widest, space.supernet_plans(space.smallest)),
):
    network = backend.network(space, holds, seed=0)
    optimizer = backend.optimizer(network, SGD(weight_decay=0.0, decay_norm=False, decay_bias=False, clip_norm=None))
    for _ in range(3):
        logits = network.run(plans, images)
        backend.ops.backward(backend.ops.cross_entropy(logits, labels))
        optimizer.step(0.1)
    assert all(np.isfinite(array).all() for array in network.weights().values())
print("whole")
"""


@pytest.mark.parametrize("instructions", ["AVX2", "AVX"])
def test_narrow_networks_train_whole(instructions: str) -> None:
    """A heap that was written over ends the process when it checks itself, here or there."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=Path(__file__).parents[2],
        env=os.environ | {"ONEDNN_MAX_CPU_ISA": instructions, "MALLOC_CHECK_": "3", "MALLOC_PERTURB_": "85"},
    )
    assert (done.returncode, done.stdout) == (0, "whole\n"), done.stderr[-2000:]


def test_a_build_that_computes_wrongly_trains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    check.check_arithmetic.cache_clear()
    check.check_arithmetic()
    right = check.convolve

    def wrong(x: torch.Tensor, weight: torch.Tensor, bias: None, stride: int, groups: int) -> torch.Tensor:
        y = right(x, weight, bias, stride, groups)
        return y + 0.01 * (y.dtype == torch.float32 and stride == 2)

    monkeypatch.setattr(check, "convolve", wrong)
    check.check_arithmetic.cache_clear()
    with pytest.raises(InputError, match=r"computes wrongly.*1x1 convolution of 4 channels, stride 2"):
        check.check_arithmetic()
    check.check_arithmetic.cache_clear()
