"""Convolutions of few pixels, which are computed as a matrix product."""

import itertools

import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from toolkit.backends.torch.convolution import convolve


@pytest.mark.parametrize(("size", "kernel", "stride"), list(itertools.product((1, 2, 3), (1, 3, 5, 7), (1, 2))))
@pytest.mark.parametrize("biased", [False, True])
def test_few_pixels_are_convolved_as_any_others(size, kernel, stride, biased):
    generator = torch.Generator().manual_seed(size)
    x = torch.randn(3, 9, size, size, dtype=torch.float64, generator=generator)
    x = x.to(memory_format=torch.channels_last).requires_grad_()
    weight = torch.randn(4, 9, kernel, kernel, dtype=torch.float64, generator=generator).requires_grad_()
    bias = torch.randn(4, dtype=torch.float64, generator=generator).requires_grad_() if biased else None
    leaves = [x, weight, *([bias] if bias is not None else [])]
    results = []
    for y in (convolve(x, weight, bias, stride), F.conv2d(x, weight, bias, stride, kernel // 2)):
        results.append((y, *torch.autograd.grad(y.square().sum(), leaves)))
    for ours, theirs in zip(*results, strict=True):
        assert ours.shape == theirs.shape
        torch.testing.assert_close(ours, theirs)


def test_they_stay_channels_last():
    x = torch.randn(3, 9, 2, 2).to(memory_format=torch.channels_last)
    assert convolve(x, torch.randn(4, 9, 3, 3), None, 1).is_contiguous(memory_format=torch.channels_last)


def test_an_evaluation_leaves_nothing_that_training_cannot_use():
    x, weight = torch.randn(3, 9, 2, 2), torch.randn(4, 9, 9, 9, requires_grad=True)  # a kernel that no other test has
    with torch.inference_mode():
        convolve(x, weight, None, 1)
    convolve(x, weight, None, 1).sum().backward()
    assert weight.grad is not None
