"""The kernels that other processors choose: convolutions and trainings as a CPU without AVX-512 computes them.

PyTorch 2.13 wrote beyond its memory there, in the weight gradient of strided 1x1 convolutions, and left that of others
unwritten in bf16 (docs/upstream.md).
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmarks.convolutions import litter
from toolkit.backends.torch import check
from toolkit.backends.torch.convolution import convolve
from toolkit.errors import InputError

pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="needs oneDNN")

PROGRAM = """
import sys
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
assert "torch._dynamo" not in sys.modules, "no training needs the compiler, which takes seconds to import"
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


@pytest.mark.parametrize("kernel", [3, 5])
def test_a_strided_convolution_of_one_pixel_has_a_gradient_in_bf16(kernel: int) -> None:
    """oneDNN's kernels of AVX-512 leave a part of it unwritten; what lay in memory there is NaN here."""
    for _ in range(20):
        litter(weight := torch.randn(32, 16, kernel, kernel))
        weight = weight.bfloat16().to(memory_format=torch.channels_last).requires_grad_()
        images = torch.randn(8, 16, 1, 1).bfloat16().to(memory_format=torch.channels_last)
        y = convolve(images, weight, None, 2)
        assert y.shape == (8, 32, 1, 1)
        y.sum().backward()
        middle = weight.grad[:, :, kernel // 2, kernel // 2]  # type: ignore[index]
        torch.testing.assert_close(middle.float(), images.float().sum(0)[:, 0, 0].expand(32, 16), rtol=0.05, atol=0.05)
        assert torch.count_nonzero(weight.grad) == torch.count_nonzero(middle), "the image is nowhere else"  # type: ignore[arg-type]


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
