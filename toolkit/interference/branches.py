"""Branch against branch: how one option of a decision treats the weights that the others use too."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import inf

import numpy as np

from toolkit.backends.base import Network, Tensor
from toolkit.backends.shapes import used
from toolkit.interference.draws import Batch, FloatArray, Tally
from toolkit.interference.features import Maps
from toolkit.interference.gradients import Gradient, gradient, products
from toolkit.interference.table import CHANCE, Row
from toolkit.spaces import ABSENT, Arch, Plans


@dataclass(frozen=True, slots=True)
class _Pass:
    """What one network showed.

    Attributes:
        left: what left each position, by its number.
    """

    gradient: Gradient
    left: dict[int, Maps]


class Branches:
    """Compares the branches of decisions, draw by draw.

    In each draw all decisions are answered at random, once. Then, for one decision, each of its options in turn is
    forced while all else stays (GM-NAS, Hu et al., ICLR 2022: its released code draws the others once, too), and the
    gradients of these networks are compared on the same batch:

    - `gradient_cosine`: on the tensors that both use alike. Those of the branches themselves are left out.
    - `shared_gradient_cosine`: in each block, on the slice that both use of the tensors that the decision cuts
      differently (MAGIC, arXiv 2108.12821).
    - `split_conflict`: of 1 - cosine over all that both use, sliced, what lies in the blocks that the decision shapes
      (`Products.shortfall`): a split copies just these, and ends it.
    - `conflict_rate`: how often `gradient_cosine` is negative.
    - `feature_cosine`, `feature_kl`, `feature_cka`: in each block, how alike what leaves it is, on the leading channels
      that both have (`Maps`; the cosine of candidate operations' outputs is that of MixPath, arXiv 2001.05887). Where
      one network has no block, it passes on what it was given; what leaves the head is no feature.

    One backward pass gives the gradient of every parameter, and so serves all cells that its network has a part in; the
    network of the draw itself serves all decisions. A decision that does not apply in a draw is left out of it.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._tally = Tally()

    def draw(
        self, answers: Sequence[int], batch: Batch, order: Sequence[int], limit: float = inf, other: Batch | None = None
    ) -> Iterator[int]:
        """Compare decisions in this order, but those for which more than `limit` backward passes would be needed.

        Args:
            other: as many other images. With them, `split_conflict` and `feature_kl` also by `CHANCE`: between the
                gradients, and what leaves each block, of the draw's own network on both; one backward pass more.

        Yields:
            the backward passes that each decision took.
        """
        space, plans_of = self._network.space, self._network.space.supernet_plans
        drawn = space.canonical(answers)
        kept: dict[Plans, _Pass] = {}  # that of the draw's own network, as soon as it is known
        compared = []
        limit -= other is not None
        for number in order:
            decision = space.decisions[number]
            if drawn[number] == ABSENT or not decision.blocks or len(decision.options) < 2:
                continue
            forced = [
                space.canonical([*answers[:number], option, *answers[number + 1 :]])
                for option in range(len(decision.options))
            ]
            if space.constrained and not all(map(space.contains, forced)):
                continue  # the rest of this draw does not go with every option
            archs = {plans_of(arch): arch for arch in forced}  # equal networks once
            new = archs.keys() - kept.keys()
            if len(new) > limit:
                continue
            found = kept | {plans: self._pass(archs[plans], batch) for plans in new}
            kept = {plans_of(drawn): found[plans_of(drawn)]}
            plans = [plans_of(arch) for arch in forced]
            self._compare(number, [found[each] for each in plans], plans)
            limit -= len(new)
            compared.append(number)
            yield len(new)
        if other is not None and compared:
            own = plans_of(drawn)
            self._compare_with_itself(compared, kept[own], self._pass(drawn, other), own)
            yield 1

    def _pass(self, arch: Arch, batch: Batch) -> "_Pass":
        network, left = self._network, dict[int, Maps]()

        def watch(index: int, state: Tensor) -> None:
            if len(state.shape) == 4:
                left[index] = Maps.of(network.ops, state)

        return _Pass(gradient(network, arch, batch, watch)[0], left)

    def _compare(self, number: int, passes: Sequence["_Pass"], plans: Sequence[Plans]) -> None:
        decision = self._network.space.decisions[number]
        gradients = [each.gradient for each in passes]
        alike, differently = products(gradients, [used(each) for each in plans], len(plans[0]))
        others, shared = alike.together(), differently.cosines()
        ended = (alike + differently).shortfall(decision.blocks)
        for i, j in combinations(range(len(decision.options)), 2):
            first, second = (str(decision.options[end]) for end in (i, j))
            cells: dict[str, FloatArray] = {
                "gradient_cosine": np.full(len(shared), others[i, j]),
                "shared_gradient_cosine": shared[:, i, j],
                "split_conflict": np.full(len(shared), ended[i, j]),
                "conflict_rate": np.full(len(shared), np.nan if np.isnan(others[i, j]) else others[i, j] < 0),
            }
            for block in decision.blocks:
                found = {measure: float(values[block]) for measure, values in cells.items()}
                if block in passes[i].left:
                    found |= passes[i].left[block].against(passes[j].left[block])
                for measure, value in found.items():
                    row = Row(measure, 0.0, block=block, decision=decision.name, first=first, second=second)
                    self._tally.add(row, value)

    def _compare_with_itself(self, numbers: Sequence[int], here: "_Pass", there: "_Pass", plans: Plans) -> None:
        alike, _ = products([here.gradient, there.gradient], [used(plans)] * 2, len(plans))
        for number in numbers:
            decision = self._network.space.decisions[number]
            ended = float(alike.shortfall(decision.blocks)[0, 1])
            for block in decision.blocks:
                found = {"split_conflict": ended}
                if block in here.left:
                    found["feature_kl"] = here.left[block].against(there.left[block])["feature_kl"]
                for measure, value in found.items():
                    row = Row(measure, 0.0, block=block, decision=decision.name, first=CHANCE)
                    self._tally.add(row, value)

    def rows(self) -> Iterator[Row]:
        """All cells, averaged over draws."""
        return self._tally.rows()
