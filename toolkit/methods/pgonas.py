"""PGONAS: the sandwich rule, guided by a prior through a pairwise rank loss (arXiv 2206.13329)."""

import math
from typing import ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from toolkit.backends.base import Tensor
from toolkit.errors import InputError
from toolkit.methods.base import Batch, Options
from toolkit.methods.losses import hinge
from toolkit.methods.sandwich import Sandwich, SandwichOptions
from toolkit.sampling.distance import distance_of
from toolkit.sampling.distant import distant_pair, require_pairs
from toolkit.sampling.neighbours import Names, decisions_called, neighbours
from toolkit.sampling.prior import PriorName, prior_of
from toolkit.spaces import Arch, SearchSpace

EPOCHS = 70
"""What the authors' schedules are given over; they are stretched to the length of the training."""

Schedule = Literal["constant", "warmup", "sine", "multistage"]


class PGONASOptions(SandwichOptions):
    """Options of PGONAS. Defaults are those of its best run."""

    prior: PriorName = Field("macs", description="what should be better: macs, parameters or file:PATH (of Zen-scores)")
    pairs: int = Field(2, ge=0, description="pairs of random paths per step, each ranked as the prior ranks it")
    rank_loss: Literal["asymmetric", "symmetric"] = Field(
        "asymmetric", description="asymmetric moves the second of a pair only, as the authors' code does"
    )
    weight: float = Field(1.0, ge=0.0, description="of the rank loss, times the schedule")
    schedule: Schedule = Field("warmup", description="the rank loss's weight over the training")
    min_distance: float = Field(
        0.0, ge=0.0, description="in how many decisions (width digits, in resnet48) a pair differs at least; theirs: 33"
    )
    differ: Names = Field(
        (),
        description="instead, decisions (or beginnings of their names) of which a pair differs in one, and in no other",
    )


class PGONAS(Sandwich):
    """The sandwich rule, and pairs of paths whose losses must be in the order of a prior."""

    name = "pgonas"
    summary = "the sandwich rule, and pairs of paths ranked as a prior ranks them (PGONAS, arXiv 2206.13329)"
    options_type: ClassVar[type[Options]] = PGONASOptions
    options: PGONASOptions

    def __init__(self, space: SearchSpace, options: Options) -> None:
        super().__init__(space, options)
        self._prior = prior_of(self.options.prior, space)
        self._distance = distance_of(None, space)
        require_pairs("method.min_distance", self._prior.sample, self._distance, self.options.min_distance)
        self._differ: tuple[int, ...] = ()
        if differ := self.options.differ:
            if self._prior.pool is not None:
                raise InputError("method.differ: a prior from a file scores no neighbours; choose macs or parameters")
            if self.options.min_distance:
                raise InputError("method.differ: such pairs are near, not far apart; leave out min_distance")
            self._differ = decisions_called("method.differ", space, differ)

    @override
    def step(self, batch: Batch) -> dict[str, Tensor]:
        options = self.options
        values = super().step(batch)
        factor = options.weight * schedule(options.schedule, batch.progress)
        if not options.pairs or factor == 0:
            return values
        losses = []
        for _ in range(options.pairs):
            loss = self._rank_loss(batch, *self._pair(batch))
            batch.net.ops.backward(factor * loss)
            losses.append(batch.net.ops.detach(loss))
        return values | {"rank_loss": sum(losses) / len(losses)}

    def _pair(self, batch: Batch) -> tuple[Arch, Arch]:
        if self._differ:
            return neighbours(batch.rng, self.space, self._differ)
        return distant_pair(batch.rng, self._prior.sample, self._distance, self.options.min_distance)

    def _rank_loss(self, batch: Batch, first: Arch, second: Arch) -> Tensor:
        """max(0, loss on the labels of the path the prior prefers, less that of the other).

        Asymmetric, the first path's loss is a constant: the second's goes down where it should be the lower one, and
        *up* where it should be the higher one.
        """
        net = batch.net
        if self.options.rank_loss == "symmetric":
            of_first = self.label_loss(batch, self.run(batch, first))
        else:
            with net.ops.constant():
                of_first = self.label_loss(batch, self.run(batch, first))
        of_second = self.label_loss(batch, self.run(batch, second))
        # Equal priors count as in the authors' code: the first should have the lower loss.
        return hinge(of_second - of_first if self._prior(first) < self._prior(second) else of_first - of_second)


def schedule(name: Schedule, progress: float) -> float:
    """The rank loss's weight when a share `progress` of the training is done.

    Over 70 epochs e: constant 1; warmup min(2, e / 10); sine 2 sin(0.8 pi e / 70); multistage 0 until 5, then linearly
    to 2 at 20, 2 until 50, then linearly to 0.1 at 69.
    """
    epoch = progress * EPOCHS
    match name:
        case "constant":
            return 1.0
        case "warmup":
            return min(2.0, epoch / 10)
        case "sine":
            return 2 * math.sin(0.8 * math.pi * progress)
        case "multistage":
            if epoch < 5:
                return 0.0
            if epoch < 50:
                return min(2.0, 2 * (epoch - 5) / 15)
            return 2 - 1.9 * (min(epoch, 69) - 50) / 19
