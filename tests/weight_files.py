"""Files of weights as other people made them, with their exact names and shapes, as the specifications list them.

Sources: challenge-2022.md, section 7, and challenge-2021.md, section 5 (names of the layers: the winner's public code).
"""

import io
import pickle
from collections import OrderedDict
from typing import Any

import numpy as np
import torch

Arrays = dict[str, np.ndarray]
Shapes = dict[str, tuple[int, ...]]

STATISTICS = ("weight", "bias", "_mean", "_variance")


def official_2022() -> Shapes:
    """`resnet48.pdparams`: 252 entries, 34,067,880 numbers."""
    shapes: Shapes = {"blocks.0.conv.weight": (64, 3, 7, 7)}
    shapes |= {f"blocks.0.bn.{part}": (64,) for part in STATISTICS}
    before = 64
    for block in range(1, 24):
        width = 64 if block < 6 else 128 if block < 11 else 256 if block < 19 else 512
        shapes[f"blocks.{block}.conv1.weight"] = (width, before, 3, 3)
        shapes |= {f"blocks.{block}.bn1.{part}": (width,) for part in STATISTICS}
        shapes[f"blocks.{block}.conv2.weight"] = (width, width, 3, 3)
        shapes |= {f"blocks.{block}.bn2.{part}": (width,) for part in STATISTICS}
        if block in (6, 11, 19):
            shapes[f"blocks.{block}.downsample.0.weight"] = (width, before, 1, 1)
            shapes |= {f"blocks.{block}.downsample.1.{part}": (width,) for part in STATISTICS}
        before = width
    return shapes | {"blocks.24.fc.weight": (512, 1000), "blocks.24.fc.bias": (1000,)}


def winner_2021(*, prelu: bool) -> Shapes:
    """The 2021 winner's checkpoints: step 1 (170 tensors) or, with PReLU, step 2 (179)."""
    shapes: Shapes = {}

    def conv_norm(name: str, width: int, before: int, kernel: int) -> None:
        shapes[f"{name}.0.weight"] = (width, before, kernel, kernel)
        for part in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{name}.1.{part}"] = (width,)
        shapes[f"{name}.1.num_batches_tracked"] = ()

    conv_norm("conv1.conv1", 16, 3, 3)
    before = 16
    for stage, width in enumerate((16, 32, 64), start=1):
        for block in range(3):
            at = f"layer{stage}.{block}"
            conv_norm(f"{at}.conv1", width, before, 3)
            conv_norm(f"{at}.conv2", width, width, 3)
            conv_norm(f"{at}.downsample", width, before, 1)
            if prelu:
                shapes[f"{at}.p_relu.weight"] = (1,)
            before = width
    return shapes | {"fc.weight": (100, 64), "fc.bias": (100,)}


def pinas() -> Shapes:
    """The supernet of Pi-NAS' released code after linear training, 1,000 classes.

    The four candidates of a stage's first block hold one shortcut, which is saved four times.
    """
    shapes: Shapes = {}

    def norm(name: str, width: int) -> None:
        for part in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"backbone.{name}.{part}"] = (width,)
        shapes[f"backbone.{name}.num_batches_tracked"] = ()

    def conv(name: str, width: int, before: int, kernel: int = 1, *, bias: bool = False) -> None:
        shapes[f"backbone.{name}.weight"] = (width, before, kernel, kernel)
        if bias:
            shapes[f"backbone.{name}.bias"] = (width,)

    for number, (width, before) in {0: (32, 3), 3: (32, 32), 6: (64, 32)}.items():
        conv(f"conv1.{number}", width, before, 3)
        norm(f"conv1.{number + 1}" if number < 6 else "bn1", width)
    before = 64
    for stage, (planes, count) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3)), start=1):
        for block in range(count):
            for number, (radix, groups, base) in enumerate(((1, 1, 64), (2, 1, 64), (1, 2, 42), (2, 2, 40))):
                at, width = f"layer{stage}.{block}.{number}", planes * base // 64 * groups
                hidden = max(width * radix // 4, 32)
                conv(f"{at}.conv1", width, before)
                norm(f"{at}.bn1", width)
                conv(f"{at}.conv2.conv", radix * width, width // (groups * radix), 3)
                norm(f"{at}.conv2.bn0", radix * width)
                conv(f"{at}.conv2.fc1", hidden, width // groups, bias=True)
                norm(f"{at}.conv2.bn1", hidden)
                conv(f"{at}.conv2.fc2", radix * width, hidden // groups, bias=True)
                conv(f"{at}.conv3", 4 * planes, width)
                norm(f"{at}.bn3", 4 * planes)
                if not block:
                    conv(f"{at}.downsample.1", 4 * planes, before)
                    norm(f"{at}.downsample.2", 4 * planes)
            before = 4 * planes
    return shapes | {"head.fc_cls.weight": (1000, 2048), "head.fc_cls.bias": (1000,)}


def fill(shapes: Shapes, seed: int = 0) -> Arrays:
    """Values with which a network computes something: float32, counters int64."""
    rng = np.random.default_rng(seed)
    arrays: Arrays = {}
    for name, shape in shapes.items():
        last = name.rpartition(".")[2]
        if last == "num_batches_tracked":
            arrays[name] = np.array(117300)
        elif last in ("_variance", "running_var"):
            arrays[name] = rng.uniform(0.5, 2.0, shape).astype(np.float32)
        elif len(shape) == 1:
            arrays[name] = rng.uniform(0.1, 1.0, shape).astype(np.float32)
        else:
            fan_in = shape[0] if len(shape) == 2 else int(np.prod(shape[1:]))
            arrays[name] = rng.standard_normal(shape, np.float32) * np.float32(fan_in**-0.5)
    return arrays


def with_fn(arrays: Arrays) -> Arrays:
    """Names of the kit's converted supernet: convolutions and the linear layer gain `.fn`."""
    wrapped = {}
    for name, array in arrays.items():
        layer, last = name.rsplit(".", 1)
        is_norm = layer.rsplit(".", 1)[-1].startswith("bn") or layer.endswith("downsample.1")
        wrapped[name if is_norm else f"{layer}.fn.{last}"] = array
    return wrapped


def prefixed(prefix: str, arrays: Arrays) -> Arrays:
    return {f"{prefix}{name}": array for name, array in arrays.items()}


def pdparams(arrays: Any, protocol: int = 4) -> bytes:
    """What `paddle.save` writes of a state dictionary (of numpy arrays, as its 2.0 did)."""
    names = {"StructuredToParameterName@@": {name: f"param_{i}" for i, name in enumerate(arrays)}}
    return pickle.dumps({**arrays, **names}, protocol)


def legacy_pth(arrays: Arrays) -> bytes:
    """The winner's checkpoints are of the format before PyTorch 1.6, with these entries."""
    state = OrderedDict((name, torch.from_numpy(array)) for name, array in arrays.items())
    file = io.BytesIO()
    checkpoint = {
        "optimizer": {"state": {}, "param_groups": [{"lr": 0.1, "params": [0, 1]}]},
        "scheduler": {"T_max": 300, "last_epoch": 299},
        "state_dict": state,
        "epoch": 299,
        "top1": torch.tensor(69.98),
        "top5": torch.tensor(91.99),
    }
    torch.save(checkpoint, file, _use_new_zipfile_serialization=False)
    return file.getvalue()


def ofa_mbv3(released: bool = True) -> dict[str, tuple[int, ...]]:
    """Names and shapes of `ofa_mbv3_d234_e346_k357_w1.0`, written down from once-for-all's code.

    Args:
        released: as the files have them; else as its newer classes do, whose blocks are called `conv`.
    """
    block, twice = "mobile_inverted_conv" if released else "conv", ".conv"
    found: dict[str, tuple[int, ...]] = {"first_conv.conv.weight": (16, 3, 3, 3)}

    def norm(name: str, channels: int) -> None:
        for tensor in ("weight", "bias", "running_mean", "running_var"):
            found[f"{name}.{tensor}"] = (channels,)
        found[f"{name}.num_batches_tracked"] = ()

    norm("first_conv.bn", 16)
    found[f"blocks.0.{block}.depth_conv.conv.weight"] = (16, 1, 3, 3)
    norm(f"blocks.0.{block}.depth_conv.bn", 16)
    found[f"blocks.0.{block}.point_linear.conv.weight"] = (16, 16, 1, 1)
    norm(f"blocks.0.{block}.point_linear.bn", 16)
    number, before = 1, 16
    hidden_of = {144: 40, 240: 64, 480: 120, 672: 168, 960: 240}
    for width in (24, 40, 80, 112, 160):
        for _ in range(4):
            at, middle = f"blocks.{number}.{block}", 6 * before
            found[f"{at}.inverted_bottleneck.conv{twice}.weight"] = (middle, before, 1, 1)
            norm(f"{at}.inverted_bottleneck.bn.bn", middle)
            found[f"{at}.depth_conv.conv.7to5_matrix"] = (25, 25)
            found[f"{at}.depth_conv.conv.5to3_matrix"] = (9, 9)
            found[f"{at}.depth_conv.conv{twice}.weight"] = (middle, 1, 7, 7)
            norm(f"{at}.depth_conv.bn.bn", middle)
            if width in (40, 112, 160):
                hidden = hidden_of[middle]
                found[f"{at}.depth_conv.se.fc.reduce.weight"] = (hidden, middle, 1, 1)
                found[f"{at}.depth_conv.se.fc.reduce.bias"] = (hidden,)
                found[f"{at}.depth_conv.se.fc.expand.weight"] = (middle, hidden, 1, 1)
                found[f"{at}.depth_conv.se.fc.expand.bias"] = (middle,)
            found[f"{at}.point_linear.conv{twice}.weight"] = (width, middle, 1, 1)
            norm(f"{at}.point_linear.bn.bn", width)
            number, before = number + 1, width
    found["final_expand_layer.conv.weight"] = (960, 160, 1, 1)
    norm("final_expand_layer.bn", 960)
    found["feature_mix_layer.conv.weight"] = (1280, 960, 1, 1)
    found["classifier.linear.weight"], found["classifier.linear.bias"] = (1000, 1280), (1000,)
    return found
