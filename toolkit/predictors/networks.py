"""The predictors of the literature, trained on a backend's tensors: MLP, LSTM and Transformer.

A survey of predictors lists these families for WPNAS (arXiv 2203.02086); their sizes were not found. Depths, Adam at
5e-3 with a cosine, 1,500 full-batch steps and weight decay 1e-4 are a reconstruction [R]; the LSTM and the Transformer
are narrower and train for fewer steps, and with more than 128 labels each step sees 128 of them, for it would take
minutes otherwise (our choice).

There is no closed form of leaving out here. Instead each member of an ensemble, with initial weights of its own, learns
without one fold of the labels: the mean of all predicts what is new, and each label is left out by the member that
never saw it. All members are trained at once, along the first axis of every tensor.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from toolkit.backends.base import Adam, Backend
from toolkit.backends.ops import Ops, Parameters, Tensor
from toolkit.predictors.model import FloatArray, Groups, Model, Prediction

MEMBERS = 5
LR = 5e-3
BATCH = 128
_CHUNK = 2048
_ADAM = Adam(weight_decay=1e-4)

Tokens = tuple[slice, ...]
"""Which columns of the features belong together."""

Tensors = Mapping[str, Tensor]
Forward = Callable[[Ops, Tensors, Sequence[Tensor]], Tensor]


@dataclass(frozen=True)
class Family:
    """A kind of network.

    Attributes:
        sequence: it reads a network as a sequence of decisions (one-hot) instead of one vector of features.
        width: of hidden layers; steps: of training.
        layers: shapes of weight matrices (in, out) by name, for tokens of some widths.
        forward: from tokens, each of shape (networks, columns), to a vector of shape (members, networks, width).
    """

    sequence: bool
    width: int
    steps: int
    layers: Callable[[Sequence[int], int], dict[str, tuple[int, int]]]
    forward: Forward


class NetworkModel(Model):
    """An ensemble of small networks; labels are M b + f(x), b by least squares on the labels of each member.

    Args:
        features: x, standardised, shape (labels, columns).
        mean: M, shape (labels, mean columns).
        labels: shape (labels,).
        tokens: what of x is read together, one after the other.
        steps: of training, if not as the family says.
    """

    def __init__(
        self,
        features: FloatArray,
        mean: FloatArray,
        labels: FloatArray,
        family: Family,
        tokens: Tokens,
        backend: Backend,
        steps: int | None = None,
    ) -> None:
        self._x, self._means, self._y = features, mean, labels
        self._family, self._backend = family, backend
        self._tokens = tokens if family.sequence else (slice(0, features.shape[1]),)
        self._steps = steps or family.steps
        order = np.random.default_rng(len(labels)).permutation(len(labels))
        self._folds = np.argsort(order) % MEMBERS
        self._weights, self._offsets = self._train(self._folds)
        self._out = self._members(features, mean, self._weights, self._offsets)[self._folds, np.arange(len(labels))]
        self.error = float(np.mean((labels - self._out) ** 2))
        self.settings = {"members": float(MEMBERS), "width": float(family.width), "steps": float(self._steps)}

    @override
    def predict(self, features: FloatArray, mean: FloatArray) -> Prediction:
        found = self._members(features, mean, self._weights, self._offsets)
        return Prediction(found.mean(0), found.std(0))

    @override
    def left_out(self, groups: Groups | None = None) -> Prediction:
        spread = np.full(len(self._y), self.error**0.5)
        if groups is None:
            return Prediction(self._out, spread)
        folds = np.unique(groups, return_inverse=True)[1] % MEMBERS
        found = self._members(self._x, self._means, *self._train(folds))
        return Prediction(found[folds, np.arange(len(folds))], spread)

    def _train(self, folds: Groups) -> tuple[Parameters, FloatArray]:
        """The members' weights, and b of each, shape (members, mean columns)."""
        seen = np.array([folds != member for member in range(MEMBERS)])
        offsets = np.stack([np.linalg.pinv(self._means[s]) @ self._y[s] for s in seen])
        ops = self._backend.ops
        widths = [self._x[:, token].shape[1] for token in self._tokens]
        weights = self._backend.parameters(_first(self._family.layers(widths, self._family.width)))
        optimizer = self._backend.optimizer({"predictor": weights}, _ADAM)
        target = (self._y - offsets @ self._means.T).astype(np.float32)
        batches = _batches(len(self._y))
        for step in range(self._steps):
            batch = next(batches)
            share = seen[:, batch] / np.maximum(1, seen[:, batch].sum(1, keepdims=True))
            found = _values(ops, self._family, weights.tensors, self._placed(self._x[batch]))
            off = (found - ops.place(target[:, batch])) ** 2 * ops.place(share.astype(np.float32))
            ops.backward(ops.sum(off))
            optimizer.step(LR * (1 + float(np.cos(np.pi * step / self._steps))) / 2)
        return weights, offsets

    def _members(self, features: FloatArray, mean: FloatArray, weights: Parameters, offsets: FloatArray) -> FloatArray:
        """What every member predicts, shape (members, networks)."""
        ops, parts = self._backend.ops, [np.empty((MEMBERS, 0))]
        with ops.constant():
            for start in range(0, len(features), _CHUNK):
                tokens = self._placed(features[start : start + _CHUNK])
                parts.append(ops.numpy(_values(ops, self._family, weights.tensors, tokens)).astype(np.float64))
        return np.asarray(offsets @ mean.T + np.concatenate(parts, axis=1))

    def _placed(self, features: FloatArray) -> list[Tensor]:
        columns = np.ascontiguousarray(features, dtype=np.float32)
        return [self._backend.ops.place(np.ascontiguousarray(columns[:, token])) for token in self._tokens]


def tokens_of(names: Sequence[str]) -> Tokens:
    """The options of a decision (`NAME=OPTION`) are one token, any other column is one of its own."""
    found, start = [], 0
    for _, members in groupby(names, key=lambda name: name.partition("=")[0]):
        stop = start + len(list(members))
        found.append(slice(start, stop))
        start = stop
    return tuple(found)


def _batches(labels: int) -> Iterator[Groups]:
    """Places of labels, passing over all again and again, each time in another order."""
    rng = np.random.default_rng(labels)
    while True:
        order = rng.permutation(labels)
        for start in range(0, max(1, labels - BATCH + 1), BATCH):
            yield order[start : start + BATCH]


def _first(layers: Mapping[str, tuple[int, int]]) -> dict[str, npt.NDArray[np.float32]]:
    """Normal weights of standard deviation 1/sqrt(in), biases 0, drawn for each member on its own."""
    arrays: dict[str, npt.NDArray[np.float32]] = {}
    for name, (before, after) in layers.items():
        rng = np.random.default_rng(list(name.encode()))
        drawn = rng.standard_normal((MEMBERS, before, after)) / max(1, before) ** 0.5
        arrays[f"{name}.weight"] = drawn.astype(np.float32)
        arrays[f"{name}.bias"] = np.zeros((MEMBERS, 1, after), np.float32)
    return arrays


def _values(ops: Ops, family: Family, tensors: Tensors, tokens: Sequence[Tensor]) -> Tensor:
    """Shape (members, networks)."""
    return ops.sum(_linear(tensors, "last", family.forward(ops, tensors, tokens)), -1)


def _linear(tensors: Tensors, name: str, x: Tensor) -> Tensor:
    weight, bias = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
    return x @ weight + bias if len(x.shape) < 4 else x @ weight[:, None] + bias[:, None]


def _mlp(ops: Ops, tensors: Tensors, tokens: Sequence[Tensor]) -> Tensor:
    first = ops.maximum(_linear(tensors, "first", tokens[0]), 0.0)
    return ops.maximum(_linear(tensors, "second", first), 0.0)


def _embedded(tensors: Tensors, tokens: Sequence[Tensor]) -> list[Tensor]:
    """A token's own matrix says what its options mean, and where it stands."""
    return [_linear(tensors, f"token{place}", token) for place, token in enumerate(tokens)]


def _lstm(ops: Ops, tensors: Tensors, tokens: Sequence[Tensor]) -> Tensor:
    """One layer (Hochreiter and Schmidhuber 1997), its outputs averaged."""
    outputs: list[Tensor] = []
    cell: Tensor = 0.0
    for token in _embedded(tensors, tokens):
        gates = _linear(tensors, "input", token)
        if outputs:
            gates = gates + outputs[-1] @ tensors["hidden.weight"]
        width = gates.shape[-1] // 4
        take, forget, show = (_sigmoid(ops, gates[..., n * width : (n + 1) * width]) for n in range(3))
        cell = forget * cell + take * ops.tanh(gates[..., 3 * width :])
        outputs.append(show * ops.tanh(cell))
    return sum(outputs[1:], outputs[0]) / len(outputs)


HEADS, DEPTH = 4, 2


def _transformer(ops: Ops, tensors: Tensors, tokens: Sequence[Tensor]) -> Tensor:
    """An encoder (arXiv 1706.03762), norms first, its outputs averaged."""
    x = ops.concatenate([token[:, :, None] for token in _embedded(tensors, tokens)], 2)
    width = x.shape[-1] // HEADS
    for layer in range(DEPTH):
        seen = _norm(ops, x)
        asked, known, told = (_linear(tensors, f"{layer}.{name}", seen) for name in ("query", "key", "value"))
        heads = []
        for n in range(HEADS):
            part = slice(n * width, (n + 1) * width)
            weights = ops.softmax(asked[..., part] @ ops.transpose(known[..., part]) / width**0.5)
            heads.append(weights @ told[..., part])
        x = x + _linear(tensors, f"{layer}.join", ops.concatenate(heads, -1))
        inner = ops.maximum(_linear(tensors, f"{layer}.widen", _norm(ops, x)), 0.0)
        x = x + _linear(tensors, f"{layer}.narrow", inner)
    return ops.mean(_norm(ops, x), 2)


def _norm(ops: Ops, x: Tensor) -> Tensor:
    aside = x - ops.mean(x, -1)[..., None]
    return aside / (ops.mean(aside * aside, -1)[..., None] + 1e-5) ** 0.5


def _sigmoid(ops: Ops, x: Tensor) -> Tensor:
    return (ops.tanh(x / 2) + 1) / 2


def _mlp_layers(widths: Sequence[int], width: int) -> dict[str, tuple[int, int]]:
    return {"first": (widths[0], width), "second": (width, width), "last": (width, 1)}


def _token_layers(widths: Sequence[int], width: int) -> dict[str, tuple[int, int]]:
    return {f"token{place}": (columns, width) for place, columns in enumerate(widths)} | {"last": (width, 1)}


def _lstm_layers(widths: Sequence[int], width: int) -> dict[str, tuple[int, int]]:
    return _token_layers(widths, width) | {"input": (width, 4 * width), "hidden": (width, 4 * width)}


def _transformer_layers(widths: Sequence[int], width: int) -> dict[str, tuple[int, int]]:
    block = {"query": (width, width), "key": (width, width), "value": (width, width), "join": (width, width)}
    block |= {"widen": (width, 2 * width), "narrow": (2 * width, width)}
    layers = {f"{layer}.{name}": shape for layer in range(DEPTH) for name, shape in block.items()}
    return _token_layers(widths, width) | layers


FAMILIES = {
    "mlp": Family(False, 64, 1500, _mlp_layers, _mlp),
    "lstm": Family(True, 32, 300, _lstm_layers, _lstm),
    "transformer": Family(True, 32, 300, _transformer_layers, _transformer),
}
