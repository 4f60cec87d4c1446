"""How other people name the tensors of our networks.

Ours are PyTorch's names with the blocks of the 2022 challenge's kit, `blocks.6.bn1.running_mean`, which its official
checkpoint shares but for Paddle's names of statistics and its transposed linear weights. In front of a name, wrappers
leave prefixes (`module.`, `model._layers.`, `ofa_teacher_model.model.`, `split_models.2.`); any prefix will do.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from toolkit.spaces.pinas import OPTIONS

Array = npt.NDArray[np.float32]
Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]

PADDLE_NAMES = {"running_mean": "_mean", "running_var": "_variance"}
"""What Paddle calls the running statistics."""

TORCH_NAMES = {paddle: torch for torch, paddle in PADDLE_NAMES.items()}


@dataclass(frozen=True)
class Layout:
    """Somebody's names: rules that turn them into ours; in each name the first one that fits is applied once.

    `kit` is the year of the challenge in whose official kit they began, or whose code it is.

    Attributes:
        mark: a file has this layout only if one of its names has this somewhere; None: no matter.
        packed: blocks of a stand-alone network are numbered without those that are absent.
    """

    kit: str
    rules: tuple[Rule, ...]
    mark: re.Pattern[str] | None = None
    packed: bool = False

    def ours(self, key: str) -> str:
        """Our name for `key`, its prefix kept; a name that no rule fits stays as it is."""
        for pattern, replacement in self.rules:
            renamed, count = pattern.subn(replacement, key, count=1)
            if count:
                return renamed
        return key


def _winner_block(match: re.Match[str]) -> str:
    stage, block, layer, part = match.groups()
    if layer == "downsample":
        name = f"downsample.{part}"
    else:
        name = f"{'bn' if part == '1' else 'conv'}{layer.removeprefix('conv')}"
    return f"blocks.{3 * int(stage) - 2 + int(block)}.{name}."


OFFICIAL = Layout(
    "2022",
    ((re.compile(r"\.fn\.(?=weight$|bias$)"), "."), (re.compile(r"\.relu2\._weight$"), ".outer.weight")),
)
"""The official kit's, and ours. Its converted supernet says `conv.fn.weight` for `conv.weight`; entries with a PReLU
after the addition have its slope as `relu2._weight`.
"""

WINNER_2021 = Layout(
    "2021",
    (
        (re.compile(r"(?<![^.])layer([123])\.([012])\.(conv1|conv2|downsample)\.([01])\."), _winner_block),
        (
            re.compile(r"(?<![^.])layer([123])\.([012])\.p_relu\."),
            lambda m: f"blocks.{3 * int(m[1]) - 2 + int(m[2])}.outer.",
        ),
        (re.compile(r"(?<![^.])layer([123])\.([012])\."), lambda m: f"blocks.{3 * int(m[1]) - 2 + int(m[2])}."),
        (re.compile(r"(?<![^.])conv1\.conv1\.0\."), "blocks.0.conv."),
        (re.compile(r"(?<![^.])conv1\.conv1\.1\."), "blocks.0.bn."),
        (re.compile(r"(?<![^.])fc\."), "blocks.10.fc."),
    ),
)
"""The 2021 challenge's official ResNet-20, whose names the winner's checkpoints share."""

_PINAS_PARTS = {
    "conv2.conv": "conv2",
    "conv2.bn0": "bn2",
    "conv2.fc1": "attention.fc1",
    "conv2.bn1": "attention.bn",
    "conv2.fc2": "attention.fc2",
}
_PINAS_STEM = {"0": "conv", "1": "bn", "3": "conv2", "4": "bn2", "6": "conv3"}
_PINAS_FIRST = (1, 4, 8, 14)
"""The first block of each stage."""


def _pinas_candidate(match: re.Match[str]) -> str:
    stage, block, candidate, layer = match.groups()
    at = f"blocks.{_PINAS_FIRST[int(stage) - 1] + int(block)}"
    if layer.startswith("downsample."):  # one object, saved under a name for each candidate
        return f"{at}.downsample.{int(layer[-1]) - 1}."
    return f"{at}.{OPTIONS[int(candidate)]}.{_PINAS_PARTS.get(layer, layer)}."


PINAS = Layout(
    "pinas",
    (
        (
            re.compile(
                r"(?<![^.])backbone\.layer([1-4])\.([0-5])\.([0-3])\."
                r"(conv[13]|bn[13]|conv2\.(?:conv|bn0|fc1|bn1|fc2)|downsample\.[12])\."
            ),
            _pinas_candidate,
        ),
        (re.compile(r"(?<![^.])backbone\.conv1\.([01346])\."), lambda m: f"blocks.0.{_PINAS_STEM[m[1]]}."),
        (re.compile(r"(?<![^.])backbone\.bn1\."), "blocks.0.bn3."),
        (re.compile(r"(?<![^.])head\.fc_cls\."), "blocks.17.fc."),
    ),
)
"""The supernet of Pi-NAS' released code after linear training: a backbone, and a head that all paths share."""

_OFA_BLOCK = re.compile(
    r"(?<![^.])blocks\.([0-9]{1,3})\.(?:mobile_inverted_conv|conv)\.(inverted_bottleneck|depth_conv|point_linear)\."
    r"(conv|bn|se)\.(?:(?:conv|bn|fc)\.)?"
)
_OFA_LAYERS = {
    "inverted_bottleneck": {"conv": "expand", "bn": "bn1"},
    "depth_conv": {"conv": "depthwise", "bn": "bn2", "se": "se"},
    "point_linear": {"conv": "project", "bn": "bn3"},
}


def _ofa_block(match: re.Match[str]) -> str:
    block, part, layer = match.groups()
    name = _OFA_LAYERS[part].get(layer)
    return match[0] if name is None else f"blocks.{int(block) + 1}.{name}."


def _ofa(mark: str, ends: Mapping[str, str]) -> Layout:
    """Once-for-all's names: blocks count from the first after the stem. Elastic layers have one more `conv` or `bn`."""
    inner = r"(?:(?:conv|bn|linear)\.)?"
    rules: list[Rule] = [(_OFA_BLOCK, _ofa_block)]
    for theirs, ours in {"first_conv.conv": "blocks.0.conv", "first_conv.bn": "blocks.0.bn", **ends}.items():
        rules.append((re.compile(rf"(?<![^.]){re.escape(theirs)}\.{inner}"), f"{ours}."))
    return Layout("once-for-all", tuple(rules), re.compile(rf"(?<![^.]){mark}\."), packed=True)


OFA_MBV3 = _ofa(
    "final_expand_layer",
    {
        "final_expand_layer.conv": "blocks.22.conv",
        "final_expand_layer.bn": "blocks.22.bn",
        "feature_mix_layer.conv": "blocks.23.mix",
        "classifier.linear": "blocks.23.fc",
    },
)
"""The supernets of once-for-all's released code, MobileNetV3: `ofa_mbv3_d234_e346_k357_w1.0`, ..."""

OFA_PROXYLESS = _ofa(
    r"feature_mix_layer\.bn",
    {
        "feature_mix_layer.conv": "blocks.23.conv",
        "feature_mix_layer.bn": "blocks.23.bn",
        "classifier.linear": "blocks.24.fc",
    },
)
"""Its ProxylessNAS: `ofa_proxyless_d234_e346_k357_w1.3`."""

LAYOUTS = (OFFICIAL, WINNER_2021, PINAS, OFA_MBV3, OFA_PROXYLESS)
_BLOCK = re.compile(r"(?<![^.])blocks\.\d+\.")


@dataclass(frozen=True)
class Found:
    """A network in a file: everything in one layout under one prefix.

    Attributes:
        label: what the user calls it by: `student`, `teacher`, `split2`, the prefix, or `plain` where there is none.
        keys: the file's name of each tensor, by ours.
        twice: further names of the file that stand for one of ours.
        paddle, torch: whether statistics have Paddle's or PyTorch's names.
    """

    layout: Layout
    prefix: str
    label: str
    keys: dict[str, str]
    twice: dict[str, tuple[str, ...]]
    paddle: bool
    torch: bool

    def spread(self, present: Sequence[bool]) -> "Found":
        """The same, blocks numbered by their positions, of which some are `present`; the last two are already."""
        *there, _, _ = (str(position) for position, yes in enumerate(present) if yes)

        def moved(name: str) -> str:
            blocks, number, rest = name.split(".", 2)
            return f"{blocks}.{there[int(number)]}.{rest}" if int(number) < len(there) else name

        keys = {moved(name): key for name, key in self.keys.items()}
        return replace(self, keys=keys, twice={moved(name): others for name, others in self.twice.items()})


def find_networks(keys: Iterable[str]) -> list[Found]:
    """Every network in a file, by prefix, each in every layout that fits any of its names."""
    keys = list(keys)
    networks = [network for layout in LAYOUTS for network in _networks(keys, layout)]
    labels = Counter(network.label for network in networks)
    return [one if labels[one.label] == 1 else replace(one, label=one.prefix) for one in networks]


def _networks(keys: Iterable[str], layout: Layout) -> Iterator[Found]:
    found: dict[str, dict[str, list[str]]] = {}
    keys = list(keys)
    if layout.mark is not None and not any(map(layout.mark.search, keys)):
        return
    for key in keys:
        renamed = layout.ours(key)
        # What is ours already is nobody else's.
        is_its = layout.mark is not None or not _BLOCK.search(key)
        if layout is OFFICIAL:
            is_its = not _OFA_BLOCK.search(key)
        if is_its and (match := _BLOCK.search(renamed)):
            head, _, last = renamed[match.start() :].rpartition(".")
            name = f"{head}.{TORCH_NAMES.get(last, last)}"
            found.setdefault(renamed[: match.start()], {}).setdefault(name, []).append(key)
    for prefix, names in found.items():
        lasts = {key.rpartition(".")[2] for same in names.values() for key in same}
        yield Found(
            layout,
            prefix,
            _label(prefix, found),
            {name: same[0] for name, same in names.items()},
            {name: tuple(others) for name, (_, *others) in names.items() if others},
            paddle=not lasts.isdisjoint(TORCH_NAMES),
            torch=not lasts.isdisjoint(PADDLE_NAMES),
        )


def _label(prefix: str, prefixes: Collection[str]) -> str:
    if "teacher" in prefix:
        return "teacher"
    if split := re.search(r"split_models\.(\d+)\.", prefix):
        return f"split{split[1]}"
    if len(prefixes) == 2 and any("teacher" in other for other in prefixes):
        return "student"
    return prefix.removesuffix(".") or "plain"


def to_official(weights: Mapping[str, Array]) -> dict[str, Array]:
    """Weights in Paddle's layout, for `resnet48` that of the 2022 challenge's `resnet48.pdparams`.

    Batch-norm statistics are called `_mean` and `_variance`, and linear weights are (in, out).
    """
    official = {}
    for name, array in weights.items():
        prefix, _, last = name.rpartition(".")
        if array.ndim == 2:
            array = np.ascontiguousarray(array.T)
        official[f"{prefix}.{PADDLE_NAMES.get(last, last)}"] = array
    return official
