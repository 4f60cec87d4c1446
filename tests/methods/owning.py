"""A tiny method that owns all that a method can own, and a sampler that learns."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from toolkit.backends.base import Adam, Network, Tensor
from toolkit.methods import METHODS, Batch, Method, Needs
from toolkit.methods.base import Options, State
from toolkit.methods.head import Head
from toolkit.methods.lab import Lab
from toolkit.methods.losses import contrastive
from toolkit.sampling import Moment, Sampler
from toolkit.sampling.base import SamplerOptions
from toolkit.spaces import Arch, SearchSpace

QUEUE, FEATURES, DECAY = 24, 8, 0.9


class Learning(Sampler):
    """Draws by logits, which rise for what was rewarded more than usual (REINFORCE)."""

    name = "learning"
    summary = "for tests"
    options_type = SamplerOptions
    needs_reward = True

    def __init__(self, space: SearchSpace, options: SamplerOptions) -> None:
        super().__init__(space, options)
        self._logits = [np.zeros(len(decision.options)) for decision in space.decisions]
        self._usual = 0.0

    def draw(self, rng: np.random.Generator, count: int, moment: Moment) -> list[Arch]:
        chances = [np.exp(logits) / np.exp(logits).sum() for logits in self._logits]
        return [self.space.canonical([int(rng.choice(len(p), p=p)) for p in chances]) for _ in range(count)]

    def learn(self, archs: Sequence[Arch], rewards: Sequence[float]) -> None:
        for arch, reward in zip(archs, rewards, strict=True):
            for logits, answer in zip(self._logits, arch, strict=True):
                if answer >= 0:
                    logits[answer] += 0.1 * (reward - self._usual)
        self._usual += 0.1 * (float(np.mean(rewards)) - self._usual)

    def state(self) -> State:
        own = {f"logits{number}": logits.copy() for number, logits in enumerate(self._logits)}
        return own | {"usual": np.array(self._usual)}

    def load_state(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._logits = [state[f"logits{number}"].copy() for number in range(len(self._logits))]
        self._usual = float(state["usual"])


class Owning(Method):
    """Two views of an image, by a path and by its mean teacher, agree; held-out images reward paths."""

    name = "owning"
    summary = "for tests"
    rewards: ClassVar[bool] = True

    def __init__(self, space: SearchSpace, options: Options) -> None:
        super().__init__(space, options)
        self.sampler = Learning(space, SamplerOptions(name="learning"))
        self._queue = np.zeros((0, FEATURES), np.float32)

    def needs(self) -> Needs:
        return Needs(views=2, held_out=0.25)

    def begin(self, lab: Lab) -> None:
        features = self.space.widest[-1].in_channels  # type: ignore[union-attr]
        self._teacher = lab.network("teacher")
        self._head, self._key_head = (lab.head(name, (features, 12, FEATURES)) for name in ("head", "key_head"))
        self._mixture = lab.parameters("mixture", {"alpha": np.zeros(2, np.float32)})
        self._adam = lab.optimizer("adam", Adam(weight_decay=1e-3, decoupled=True), ("head", "mixture"))

    def step(self, batch: Batch) -> dict[str, Tensor]:
        net, ops = batch.net, batch.net.ops
        paths = self.sample(batch, 2)
        plans = [self.space.supernet_plans(path) for path in paths]
        query = self._embedded(net, self._head, plans[0], batch.views[0])
        self._teacher.follow(net, DECAY, plans[0])
        self._key_head.parameters.follow(self._head.parameters, DECAY)
        with ops.constant():
            key = self._embedded(self._teacher, self._key_head, plans[0], batch.views[1])
        negatives = ops.place(self._queue) if len(self._queue) else None
        loss = contrastive(ops, query, key, negatives, 0.2)
        ops.backward(loss)
        self._queue = np.concatenate([self._queue, ops.numpy(ops.gather(key))])[-QUEUE:]

        assert batch.held_out is not None
        images, labels = batch.held_out
        with ops.constant():
            held_out = [ops.cross_entropy(net.run(each, images, net.batch_norm()), labels) for each in plans]
        self.sampler.learn(paths, [-ops.average(each) for each in held_out])
        alpha = ops.softmax(self._mixture.tensors["alpha"])
        ops.backward(alpha[0] * held_out[0] + alpha[1] * held_out[1])
        self._adam.step(batch.lr / 10)
        return {"loss": ops.detach(loss)}

    def _embedded(self, net: Network, head: Head, plans: Any, images: Tensor) -> Tensor:
        padded = (*plans[:-1], None)  # no classifier
        features = self._widened(net, net.run(padded, images))
        return net.ops.normalise(head(features))

    def _widened(self, net: Network, maps: Tensor) -> Tensor:
        """Averages over pixels, and zeros for channels that a narrow path lacks."""
        features = net.ops.mean(maps, (2, 3))
        lacking = self.space.widest[-1].in_channels - features.shape[1]  # type: ignore[union-attr]
        zeros = net.ops.place(np.zeros((features.shape[0], lacking), np.float32))
        return net.ops.concatenate([features, zeros], 1)

    def state(self) -> State:
        return super().state() | {"queue": self._queue.copy()}

    def load_state(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        super().load_state(state)
        self._queue = state["queue"].copy()


def register() -> dict[str, type[Method]]:
    """Among the methods, as a package's entry point would; returns where to take it away again."""
    METHODS._found["owning"] = Owning
    return METHODS._found


register()
