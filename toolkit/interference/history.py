"""What was trained how often: a method's steps played again on a network that computes nothing."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn, cast

from toolkit.backends.base import Network
from toolkit.backends.shapes import used_by
from toolkit.interference.table import Row
from toolkit.methods import Batch, Method
from toolkit.spaces import Arch, Plan, Plans, SearchSpace
from toolkit.training.loop import method_rng


class History:
    """How many networks of each kind a method has trained. What it draws is a function of the seed and the step.

    So nothing needs to be kept while training, and a resumed run counts what one without a break does. But where a
    method draws by what it measures, nothing is known: `trained` is then the number of steps, and there are no rows.
    """

    def __init__(self, method: Method, network: Network, seed: int, total: int) -> None:
        self._method, self._seed, self._total, self._step = method, seed, total, 0
        self._network = network
        self._branches: Counter[tuple[int, int, int]] = Counter()
        self._plans: Counter[tuple[int, Plan]] = Counter()
        self._foreseeable = True
        self.trained = 0

    def until(self, step: int) -> None:
        """Count up to `step` optimiser steps."""
        for number in range(self._step, step):
            recorder = _Recorder(self._network.space)
            nothing = _Traced(frozenset())
            try:
                batch = Batch(
                    cast(Network, recorder), nothing, nothing, method_rng(self._seed, number), number / self._total
                )
                self._method.step(batch)
                self._method.after(batch)
            except _UnknownValueError:
                self._foreseeable, self.trained = False, step
                return
            for (arch, run), times in recorder.trained.items():
                self.trained += times
                own = self._network.space.supernet_plans(arch)
                for number, answer in enumerate(arch):
                    for block in self._network.space.decisions[number].blocks:
                        self._branches[number, answer, block] += times * (run[block] == own[block])
                self._plans.update({(index, plan): times for index, plan in enumerate(run) if plan is not None})
        self._step = max(self._step, step)

    def rows(self) -> Iterator[Row]:
        """`times_trained` of each branch, and of each slice of channels that a layer puts out, such as `conv1[0:6]`.

        Where groups of widths have weights of their own, training the trunk does not train the branch in that block.
        """
        if not self._foreseeable:
            return
        for number, decision in enumerate(self._network.space.decisions):
            for place, option in enumerate(decision.options):
                for block in decision.blocks:
                    times = float(self._branches[number, place, block])
                    yield Row(
                        "times_trained", times, n=self.trained, block=block, decision=decision.name, first=str(option)
                    )
        widths: dict[tuple[int, str], Counter[int]] = {}
        for (block, plan), times in self._plans.items():
            for name, shape in used_by(plan).items():
                if len(shape) > 1:
                    widths.setdefault((block, name.removesuffix(".weight")), Counter())[shape[0]] += times
        for (block, layer), counted in sorted(widths.items()):
            for slice_, times in slices(counted):
                yield Row("times_trained", float(times), n=self.trained, block=block, first=f"{layer}[{slice_}]")


def slices(widths: Mapping[int, int]) -> Iterator[tuple[str, int]]:
    """The slices of channels that are always trained together, and how often: from how often each width was."""
    start = 0
    for width in sorted(widths):
        yield f"{start}:{width}", sum(times for other, times in widths.items() if other >= width)
        start = width


_Network = tuple[Arch, Plans]
"""A path, and what it runs through."""


class _UnknownValueError(Exception):
    """Somebody asked for the value of a tensor that was never computed."""


class _Traced:
    """Stands for a tensor, and knows the networks that a gradient would flow back to."""

    def __init__(self, networks: frozenset[_Network]) -> None:
        self.networks = networks

    def __enter__(self) -> None:
        """Contexts such as `inference` change nothing here."""

    def __exit__(self, *_: object) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        if name in _READINGS or name.startswith("__"):
            _refuse()
        return lambda *arguments, **named: _joined(self, *arguments, *named.values())


def _joined(*operands: object) -> _Traced:
    """What comes out of an operation."""
    return _Traced(frozenset().union(*(each.networks for each in operands if isinstance(each, _Traced))))


def _refuse(*_: object) -> NoReturn:
    raise _UnknownValueError


_READINGS = ("item", "tolist", "numpy", "cpu")
for _reading in ("float", "int", "bool", "index", "len", "iter", "lt", "gt", "le", "ge", "array"):
    setattr(_Traced, f"__{_reading}__", _refuse)
for _operation in ("add", "sub", "mul", "truediv", "pow"):
    setattr(_Traced, f"__{_operation}__", _joined)
    setattr(_Traced, f"__r{_operation}__", _joined)
for _operation in ("neg", "abs", "getitem"):
    setattr(_Traced, f"__{_operation}__", _joined)


class _Recorder:
    """A `Network` for `Method.step`: notes what is trained, computes nothing."""

    def __init__(self, space: SearchSpace) -> None:
        self.space, self.ops = space, self
        self.trained: Counter[_Network] = Counter()
        self._constant = False

    def run(self, plans: Plans, images: object, norm: object = None, *, path: Arch) -> _Traced:  # noqa: ARG002
        return _Traced(frozenset() if self._constant else frozenset([(path, plans)]))

    @contextmanager
    def constant(self) -> Iterator[None]:
        self._constant = True
        yield
        self._constant = False

    def detach(self, tensor: object) -> _Traced:  # noqa: ARG002
        return _Traced(frozenset())

    def backward(self, loss: _Traced) -> None:
        self.trained.update(loss.networks)

    def __getattr__(self, loss: str) -> Any:
        return lambda *arguments, **named: _joined(*arguments, *named.values())
