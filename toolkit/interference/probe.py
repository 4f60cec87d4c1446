"""A probe of a network as it stands: which measures, on how many draws, within what budget.

Everything is computed in the precision of the weights, whatever shortcuts the training takes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf

from toolkit.backends.base import Backend, Network
from toolkit.data.base import Dataset, Progress
from toolkit.errors import InputError
from toolkit.interference.branches import Branches
from toolkit.interference.draws import Batch, draw_answers, draw_batches, draw_paths, generator
from toolkit.interference.features import Features
from toolkit.interference.matrices import matrix_rows
from toolkit.interference.paths import Lookahead, Paths
from toolkit.interference.sharing import sharing_degree
from toolkit.interference.table import Row
from toolkit.names import did_you_mean
from toolkit.runs.setup import quiet

FORWARD = 1 / 3
"""What a forward pass costs, in backward passes (which include their own forward pass)."""

PATHS = ("path_cosine", "conflict_rate", "signal_to_noise", "path_loss", "forgetting")
FEATURES = ("feature_cosine", "feature_kl", "feature_cka", "norm_disagreement")
BRANCHES = ("gradient_cosine", "shared_gradient_cosine", "split_conflict", "conflict_rate")
LOOKAHEAD = ("lookahead",)
UPDATES = ("parameter_contradiction", "parameter_conflict_rate", "sign_flips", "parameter_speed", "teacher_gap")
MATRICES = ("matrix_drift",)
HISTORY = ("times_trained",)
SHARING = ("weight_modulation", "modulation_cosine")
MEASURED = tuple(dict.fromkeys(BRANCHES + PATHS + LOOKAHEAD + FEATURES + UPDATES + MATRICES + HISTORY + SHARING))
"""All that may be asked for."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a probe goes about it.

    Attributes:
        paths: random paths that are compared with each other.
        batches: draws: each is a batch of images, and for branches one random network around which decisions vary.
        images: in a batch.
        measures: which ones; all by default.
        eta: step size of the look-ahead, that of the training by default.
    """

    paths: int = 8
    batches: int = 4
    images: int = 64
    seed: int = 0
    measures: tuple[str, ...] = MEASURED
    eta: float = 0.1

    def __post_init__(self) -> None:
        problems = [
            f"unknown measure {name!r}{did_you_mean(name, MEASURED)}" for name in self.measures if name not in MEASURED
        ]
        if problems:
            raise InputError(problems)

    def wants(self, measures: tuple[str, ...]) -> bool:
        """Whether any of these is asked for."""
        return bool({*measures} & {*self.measures})


class Probe:
    """Measures one network again and again, as its weights change, on the same batches and paths.

    What is drawn follows from `Settings.seed`. The network's weights, statistics and gradients are afterwards what they
    were before, to the last bit.
    """

    def __init__(self, backend: Backend, network: Network, data: Dataset, settings: Settings) -> None:
        self._backend, self._network, self._data, self._settings = backend, network, data, settings
        self._paths = draw_paths(network.space, settings.paths, settings.seed)
        self._losses: dict[str, list[float]] = {}
        self.passes = 0.0

    def measure(self, progress: Progress = quiet, *, turn: int = 0, budget: float = inf) -> list[Row]:
        """Everything that is asked for and fits into the budget, what serves most blocks per pass first.

        Args:
            turn: with a budget that does not suffice for all decisions, another turn compares other ones.
            budget: backward passes at most.
        """
        settings = self._settings
        meter = _Meter(progress, budget, self._expected())
        rows = [row for part in self._parts(meter, turn) for row in part if row.measure in settings.measures]
        self.passes = meter.finish()
        return rows

    def _parts(self, meter: "_Meter", turn: int) -> Iterator[Iterator[Row]]:
        settings, batches = self._settings, self._batches()
        if settings.wants(MATRICES):
            yield matrix_rows(self._network.weights())
        if settings.wants(PATHS):
            paths = Paths(self._network, self._paths)
            self._draw(paths.draw, batches, 1, meter)
            yield paths.rows(self._losses)
            self._losses = paths.losses
        if settings.wants(FEATURES):
            features = Features(self._network, self._paths)
            self._draw(features.draw, batches, FORWARD, meter)
            yield features.rows()
        if settings.wants(BRANCHES):
            yield self._branches(batches, meter, turn)
        if settings.wants(LOOKAHEAD):
            lookahead = Lookahead(self._network, self._paths, settings.eta)
            self._draw(lookahead.draw, batches, self._lookahead_cost, meter)
            yield lookahead.rows()
        if settings.wants(SHARING):
            yield sharing_degree(self._network, self._paths)

    def _draw(
        self, draw: Callable[[Batch], Iterator[object]], batches: list[Batch], cost: float, meter: "_Meter"
    ) -> None:
        """As many batches as the budget allows, each whole; `cost` is that of one path."""
        for batch in batches:
            if cost * len(self._paths) <= meter.left:
                for _ in draw(batch):
                    meter.spend(cost)

    @property
    def _lookahead_cost(self) -> float:
        """A gradient, all paths after its step, and one path before."""
        return 1 + FORWARD * (len(self._paths) + 1)

    def _branches(self, batches: list[Batch], meter: "_Meter", turn: int) -> Iterator[Row]:
        space, seed = self._network.space, self._settings.seed
        branches = Branches(self._network)
        bases = draw_answers(space, len(batches), generator(seed, "branches", turn))
        # The same order for all batches: a budget buys several draws of few decisions rather than one of many.
        order = generator(seed, "order", turn).permutation(len(space.decisions)).tolist()
        others = [*batches[1:], batches[0]] if len(batches) > 1 else [None]
        for left, answers, batch, other in zip(range(len(batches), 0, -1), bases, batches, others, strict=True):
            for passes in branches.draw(answers, batch, order, meter.left / left, other):
                meter.spend(passes)
        return branches.rows()

    def _batches(self) -> list[Batch]:
        settings = self._settings
        return list(draw_batches(self._backend, self._data, settings.batches, settings.images, settings.seed))

    def _expected(self) -> float:
        """Backward passes without a bound, for a progress bar: as many as it can take."""
        settings, paths = self._settings, len(self._paths)
        options = [len(decision.options) for decision in self._network.space.decisions if decision.blocks]
        each = (
            settings.wants(PATHS) * paths
            + settings.wants(FEATURES) * FORWARD * paths
            + settings.wants(BRANCHES) * (1 + sum(options) - len(options) + (settings.batches > 1))
            + settings.wants(LOOKAHEAD) * paths * self._lookahead_cost
        )
        return settings.batches * each


class _Meter:
    """Counts backward passes, and shows them."""

    def __init__(self, progress: Progress, budget: float, expected: float) -> None:
        self._progress, self._budget, self._expected = progress, budget, expected
        self.spent = 0.0

    @property
    def left(self) -> float:
        return self._budget - self.spent

    def spend(self, passes: float) -> None:
        self.spent += passes
        self._show(min(self.spent, self._total))

    def finish(self) -> float:
        """Decisions that do not apply in a draw need no passes, so there may be fewer than expected."""
        self._show(self._total)
        return self.spent

    @property
    def _total(self) -> float:
        return min(self._expected, self._budget)

    def _show(self, done: float) -> None:
        self._progress("probing", round(done), round(self._total))
