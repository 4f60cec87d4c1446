"""One candidate at a time, with every image resident: no data loader, no start-up cost per candidate."""

from collections.abc import Iterator

import numpy as np

from toolkit.backends.base import Backend, Counts, Network, Norm, Tensor
from toolkit.data.base import Dataset
from toolkit.errors import InputError
from toolkit.evaluation.ledger import Setting
from toolkit.evaluation.policy import NormPolicy
from toolkit.spaces import Arch, Plans

CHUNK = 512
"""Images that pass a network together. Part of what `batch` means, so it stands in the setting."""


class Evaluator:
    """Tests networks on the same validation images in the same order, with one batch-norm policy.

    Args:
        images: test on the first so many validation images; all by default. (Splits are shuffled by their seed.)

    Raises:
        InputError: more images asked for than there are.
    """

    def __init__(
        self, backend: Backend, network: Network, data: Dataset, policy: NormPolicy, images: int | None = None
    ) -> None:
        self._backend, self._network, self._spec = backend, network, data.spec
        self._policy, self._data = policy, data
        self.images = len(data.validation.labels) if images is None else images
        if not 0 < self.images <= len(data.validation.labels):
            raise InputError(f"{images} images to test on: the validation split has {len(data.validation.labels)}")
        if policy.images > len(data.calibration.labels):
            raise InputError(
                f"{policy} asks for {policy.images} calibration images, the data keeps {len(data.calibration.labels)}; "
                "ask for fewer, or train with a larger data.calibration"
            )
        self._chunks = list(self._place())

    def setting(self, checkpoint: str) -> Setting:
        """What the ledger files results under."""
        policy = str(self._policy)
        if self._policy.source == "calibrate":
            policy += f" of {self._data.calibration.digest[:12]}"
        elif self._policy.source == "batch":
            policy += f" of {CHUNK}"
        return Setting(self._network.space.name, checkpoint, self._data.validation.digest, self.images, policy)

    def _place(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Chunks on the device, as uint8; calibration images stand in front of the first."""
        validation, calibration = self._data.validation, self._data.calibration
        for start in range(0, self.images, CHUNK):
            indices = np.arange(start, min(start + CHUNK, self.images))
            images = validation.images(indices)
            if start == 0 and self._policy.images:
                images = np.concatenate([calibration.images(np.arange(self._policy.images)), images])
            yield self._backend.place(images), self._backend.place(validation.labels[indices])

    def evaluate(self, arch: Arch) -> Counts:
        """Test one candidate on all images."""
        plans = self._network.plans(arch)
        counts = Counts(0, 0, 0, 0.0)
        norm = self._first_norm()
        for number, (images, labels) in enumerate(self._chunks):
            if number == 1 and self._policy.source == "calibrate":
                norm = self._network.calibrated_norm(norm)
            logits = self._logits(plans, images, norm)
            counts += self._network.count(logits[len(logits) - len(labels) :], labels)
        return counts

    def _first_norm(self) -> Norm:
        if self._policy.source == "stored":
            return self._network.stored_norm()
        if self._policy.source == "batch":
            return self._network.batch_norm()
        return self._network.calibrating_norm(self._policy.images)

    def _logits(self, plans: Plans, images: Tensor, norm: Norm) -> Tensor:
        state = self._backend.normalise(images, self._spec.mean, self._spec.std)
        for index, plan in enumerate(plans):
            if plan is not None:
                state = self._network.run_block(index, plan, state, norm)
        return state
