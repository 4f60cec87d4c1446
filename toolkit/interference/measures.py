"""What each number in the table means, for captions in the documentation and in the app."""

from dataclasses import dataclass
from math import inf
from typing import Final, Literal

CHANCE: Final = "chance"
"""In place of a branch: what a measure that cannot be negative shows where nothing interferes.

Such a measure is above 0 always, so 0 is nothing to hold it against. Of gradients, features and statistics it is how
far one network lies from itself on as many other images; of updates, what they would show if a coin chose the sign of
each.
"""


@dataclass(frozen=True, slots=True)
class Measure:
    """What a number means.

    Attributes:
        label: a few words for an axis.
        definition: in plain words, whole sentences.
        source: where it comes from.
        low, high: the values it can take.
        symmetric: whether `first` and `second` may be exchanged; True where there is one at most.
        bad: which values speak of interference; "" if neither by itself.
        worst: what a block with the worst value is, in a headline: "... in block 3.7".
        opposed: whether below 0 two pull the same weights in opposite directions.
        exact: a count rather than an estimate: it has no standard error.
        chance: what it would be without interference: a number; `CHANCE` where the probe has measured it, in rows of
            that name; None where there is no such thing, only more and less.
    """

    label: str
    definition: str
    source: str
    low: float
    high: float
    symmetric: bool = True
    bad: Literal["low", "high", ""] = ""
    worst: str = "worst"
    opposed: bool = False
    exact: bool = False
    chance: float | Literal["chance"] | None = 0.0

    @property
    def signed(self) -> bool:
        """Whether it can be negative."""
        return self.low < 0


_OF_BRANCHES = "Of two branches: the same for what leaves the block, when the networks differ in nothing else."

_SHIFT = "our operational definition of the shift that Pi-NAS (arXiv 2108.09671) describes in words"

MEASURES: dict[str, Measure] = {
    "gradient_cosine": Measure(
        "gradient cosine of two branches",
        "Two networks that differ in one decision only, on the same batch: the cosine between their gradients of all "
        "other parameters, those that both use alike. 1: whatever helps one helps the other; 0: they are indifferent "
        "to each other; below 0: they pull the shared weights in opposite directions.",
        "GM-NAS, Hu et al., ICLR 2022",
        -1.0,
        1.0,
        bad="low",
        worst="least agreement",
        opposed=True,
    ),
    "shared_gradient_cosine": Measure(
        "gradient cosine on the shared slice",
        "The same two networks: the cosine between their gradients of the block's tensors that one of them uses more "
        "of than the other, on the part that both use. No number where branches share no tensor of the block.",
        "MAGIC, Xu et al., ICML 2022, arXiv 2108.12821",
        -1.0,
        1.0,
        bad="low",
        worst="least agreement",
        opposed=True,
    ),
    "split_conflict": Measure(
        "conflict that a split ends",
        "The same two networks: how much the cosine between their gradients of all that both use would rise if they "
        "agreed in the blocks that the decision shapes. A split of the decision copies just these blocks, so this much "
        "of 1 - cosine it can end. 0: they agree there; no number: they share no weight there.",
        "ours, so that the gain of GM-NAS (ICLR 2022) fits a split that copies a few blocks, not all of the network",
        0.0,
        2.0,
        bad="high",
        worst="most conflict for a split to end",
        chance=CHANCE,
    ),
    "conflict_rate": Measure(
        "conflict rate",
        "How often gradients disagree: the share of draws in which the cosine is negative, over pairs of random paths "
        "for a block, over batches for two branches.",
        "MAGIC, Xu et al., ICML 2022, arXiv 2108.12821",
        0.0,
        1.0,
        bad="high",
        worst="most frequent conflict",
        chance=0.5,
    ),
    "path_cosine": Measure(
        "gradient cosine of two paths",
        "Two random paths on the same batch: the cosine between their gradients of all parameters that both use. For a "
        "block: of the block's parameters, the mean over pairs of paths.",
        "MAGIC, Xu et al., ICML 2022, arXiv 2108.12821",
        -1.0,
        1.0,
        bad="low",
        worst="least agreement",
        opposed=True,
    ),
    "lookahead": Measure(
        "look-ahead",
        "What a plain gradient step that trains the first path does to the loss of the second on the same batch, as a "
        "share of that loss. Above 0: it helps; below 0: the second path pays for the first.",
        "Fifty et al., NeurIPS 2021, arXiv 2109.04617",
        -inf,
        1.0,
        symmetric=False,
        bad="low",
    ),
    "path_loss": Measure(
        "loss of a path",
        "Mean cross-entropy of one path on the probe's batches, with batch statistics.",
        "what look-ahead and forgetting are differences of",
        0.0,
        inf,
        bad="high",
        chance=None,
    ),
    "forgetting": Measure(
        "forgetting",
        "How much the loss of a path rose on the same images since the probe before: other paths were trained "
        "meanwhile and moved the weights it shares. Below 0: it went on learning.",
        "Zhang et al., CVPR 2020 (NSAS)",
        -inf,
        inf,
        bad="high",
    ),
    "norm_disagreement": Measure(
        "batch-norm disagreement",
        "How far two paths' batch-norm statistics in a block lie apart: symmetric Kullback-Leibler divergence of the "
        "normal distributions they describe, mean over channels and over pairs of paths. Where it is large, no "
        "running statistics fit both.",
        _SHIFT,
        0.0,
        inf,
        bad="high",
        worst="statistics furthest apart",
        chance=CHANCE,
    ),
    "feature_cosine": Measure(
        "feature similarity (cosine)",
        "How alike the inputs of a block are when different paths led there: cosine between the average-pooled "
        f"features of the same image, mean over images and pairs of paths; 1: the same, 0: unrelated. {_OF_BRANCHES}",
        f"{_SHIFT}; of branches: MixPath, arXiv 2001.05887",
        -1.0,
        1.0,
        bad="low",
        worst="features least alike",
    ),
    "feature_kl": Measure(
        "feature shift",
        "How far the distributions of a block's inputs lie apart when different paths led there: symmetric "
        "Kullback-Leibler divergence of normal distributions, mean over channels and pairs of paths; 0: the same. To "
        "each variance 1 % of the channels' mean variance is added, so that channels that are silent on one path do "
        f"not drown all others. {_OF_BRANCHES}",
        _SHIFT,
        0.0,
        inf,
        bad="high",
        worst="features furthest apart",
        chance=CHANCE,
    ),
    "feature_cka": Measure(
        "feature similarity (CKA)",
        "How alike the inputs of a block arrange the images when different paths led there, whatever the directions: "
        "linear centred kernel alignment of the average-pooled features, mean over pairs of paths; 1: the same. "
        f"{_OF_BRANCHES}",
        "Kornblith et al., ICML 2019, arXiv 1905.00414",
        0.0,
        1.0,
        bad="low",
        worst="features least alike",
        chance=None,
    ),
    "parameter_contradiction": Measure(
        "contradiction of updates",
        "How much an update of a block's weights takes back of the one before: the negative part of the cosine between "
        "consecutive updates, mean over steps.",
        _SHIFT,
        0.0,
        1.0,
        bad="high",
        worst="updates taken back most",
        chance=CHANCE,
    ),
    "parameter_conflict_rate": Measure(
        "conflict rate of updates",
        "The share of consecutive updates of a block's weights whose cosine is negative.",
        _SHIFT,
        0.0,
        1.0,
        bad="high",
        worst="updates taken back most often",
        chance=0.5,
    ),
    "sign_flips": Measure(
        "sign flips",
        "The share of a block's weights whose update changes its sign from one step to the next.",
        _SHIFT,
        0.0,
        1.0,
        bad="high",
        worst="most sign flips",
        chance=None,
    ),
    "parameter_speed": Measure(
        "speed of the weights",
        "Length of an update of a block's weights, relative to the weights, mean over steps. `teacher`: that of the "
        "moving average of the weights, which should be much slower.",
        _SHIFT,
        0.0,
        inf,
        chance=None,
    ),
    "matrix_drift": Measure(
        "drift of kernel matrices",
        "Where smaller kernels are made of larger ones by learned matrices: how far a matrix is from the identity, "
        "relative to it. 0: the smaller kernel is the centre of the larger, so that both sizes share their weights "
        "outright; the more, the less they have in common.",
        "once-for-all, Cai et al., arXiv 1908.09791, of whose matrices it is our reading",
        0.0,
        inf,
        exact=True,
        chance=None,
    ),
    "teacher_gap": Measure(
        "distance to the moving average",
        "Distance of a block's weights from their moving average, relative to the weights.",
        _SHIFT,
        0.0,
        inf,
        chance=None,
    ),
    "signal_to_noise": Measure(
        "gradient signal to noise",
        "Squared length of the mean gradient of a block's parameters over paths and batches, relative to the "
        "gradient's variance (its trace). Near 0: paths and batches hardly agree on a direction.",
        "inverse of the variance that PA&DA (Lu et al., CVPR 2023) lowers; the bias of the mean is taken out",
        -inf,
        inf,
        bad="low",
        worst="most noise",
    ),
    "times_trained": Measure(
        "times trained",
        "How many networks that use this branch, or these channels of a layer, were trained so far.",
        "a count, kept while training",
        0.0,
        inf,
        bad="low",
        worst="trained least",
        exact=True,
    ),
    "weight_modulation": Measure(
        "how weakly weights are shared",
        "Where a HyperNet conditions weights on the architecture: how far the filters that two random paths run on lie "
        "apart in a block, relative to the shared ones they are made of, mean over pairs of paths. 0: they are plainly "
        "shared.",
        "ours, after the weakly weight sharing that WPNAS (arXiv 2203.02086) names",
        0.0,
        inf,
        chance=None,
    ),
    "modulation_cosine": Measure(
        "what a HyperNet says of two paths (cosine)",
        "The cosine between what a block's HyperNet says of two random paths, mean over pairs. Near 1 it says the same "
        "of all, and might as well not be there; no number before it says anything.",
        "ours, a detector of collapse",
        -1.0,
        1.0,
        chance=None,
    ),
    "probe_cost": Measure(
        "cost of probing",
        "Time that this probe took, as a share of the training time since the probe before.",
        "measured",
        0.0,
        inf,
        bad="high",
        exact=True,
    ),
}
"""Every measure that a table may hold, in the order in which they are shown."""
