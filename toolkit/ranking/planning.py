"""Before anything is trained: how many trainings, and how many images, tell Kendall's tau surely enough.

All is as for Gaussian pairs (`toolkit.ranking.gaussian`), which needs nothing but tau itself. How sure one can be of a
*difference* of two scores on the same networks depends on how alike they err; usually it is much surer.
"""

from pydantic import BaseModel, ConfigDict

from toolkit.ranking.gaussian import networks_for, r_of, sampling_error
from toolkit.ranking.layout import Section
from toolkit.ranking.noise import ceiling, images_for, images_reliability
from toolkit.ranking.uncertainty import Z

TAUS = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
IMAGES = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000)


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Need(_Record):
    """What it takes if the true tau is `tau`.

    Attributes:
        networks: trained alone, so that the 95% interval is as narrow as wanted.
        half_width: of the interval with the given number of networks; None if none was given.
        images: for each score, so that noise takes no more than wanted from `tau`.
    """

    tau: float
    networks: int
    half_width: float | None
    images: int


class Reach(_Record):
    """What a score can reach at best that is measured on so many images: Kendall's tau and Pearson's r."""

    images: int
    tau: float
    r: float


class Budget(_Record):
    """The whole answer, with the question."""

    networks: int | None
    within: float
    accuracy: float
    spread: float
    correlation: float
    needs: tuple[Need, ...]
    reaches: tuple[Reach, ...]

    def sections(self) -> tuple[Section, ...]:
        """As tables."""
        heading = ["Kendall tau", "networks trained alone", "images for each score"]
        if self.networks:
            heading.insert(1, f"with {self.networks:,} networks")
        rows = []
        for need in self.needs:
            cells = [f"{need.tau:.2f}", f"{need.networks:,}", f"{need.images:,}"]
            if need.half_width is not None:
                cells.insert(1, f"±{need.half_width:.3f}")
            rows.append(tuple(cells))
        images = (
            f"accuracies about {self.accuracy:g} that truly differ by {self.spread:g} (standard deviation), "
            f"correlation {self.correlation:g} on an image"
        )
        return (
            Section(
                f"What it takes to know Kendall's tau to ±{self.within:g}",
                tuple(heading),
                tuple(rows),
                f"Networks: for a 95% interval of that width. Images: so that noise takes no more from tau; {images}.",
            ),
            Section(
                "What a perfect score reaches that is measured on so many images",
                ("images", "Kendall tau", "Pearson"),
                tuple((f"{reach.images:,}", f"{reach.tau:.2f}", f"{reach.r:.2f}") for reach in self.reaches),
            ),
        )


def plan(networks: int | None, within: float, accuracy: float, spread: float, correlation: float) -> Budget:
    """Plan.

    Args:
        networks: how many have a truth, if that is settled.
        within: half the width of the interval, and what noise may take from tau.
        accuracy, spread: of the candidates' true accuracies, as fractions: a typical one and their standard deviation.
        correlation: how alike two networks err on the same image; see `toolkit.ranking.noise.image_variance`.
    """
    even = accuracy * (1 - accuracy) * (1 - correlation) / spread**2
    return Budget(
        networks=networks,
        within=within,
        accuracy=accuracy,
        spread=spread,
        correlation=correlation,
        needs=tuple(
            Need(
                tau=tau,
                networks=networks_for(tau, within),
                half_width=None if networks is None else Z * sampling_error(tau, networks),
                images=images_for(tau, within, even),
            )
            for tau in TAUS
        ),
        reaches=tuple(
            Reach(images=images, tau=ceiling(reliability), r=r_of(ceiling(reliability)))
            for images in IMAGES
            for reliability in [images_reliability(images, even)]
        ),
    )
