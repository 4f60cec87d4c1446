"""Believable policies and searches, made through the public formats only. Their numbers are invented: for tests."""

import os

import numpy as np

from tests.app import example_run
from toolkit.runs.checkpoint import Facts, save_checkpoint
from toolkit.runs.folder import RunFolder
from toolkit.runs.metrics import MetricLog
from toolkit.search.ascent import Ascent
from toolkit.search.files import write_policy
from toolkit.search.policy import Policy
from toolkit.search.trace import Round, policy_file, rounds_file, write_found, write_rounds
from toolkit.spaces import SearchSpace

ROUNDS = 8
NETWORKS = 20  # a round


def learned(run: RunFolder) -> None:
    """Add a training whose policy made up its mind, the later a decision, the less."""
    space, rng = example_run.space_of(run), np.random.default_rng(0)
    log = MetricLog(run)
    steps = example_run.EPOCHS * example_run.STEPS
    for step in range(10, steps + 1, 10):
        share = step / steps
        policy = _policy(space, share)
        entropies = {f"entropy.{name}": value for name, value in policy.entropies().items()}
        greedy = 0.5 + 0.4 * share + rng.normal(0, 0.05)
        log.write(
            step,
            step / example_run.STEPS,
            loss=2.3 - 1.5 * share + rng.normal(0, 0.05),
            greedy_reward=greedy,
            sampled_reward=greedy - 0.2 * (1 - share) + rng.normal(0, 0.05),
            **entropies,
        )
    log.close()
    facts = Facts(space.name, space.channels, space.size, space.classes, steps, "0" * 64)
    state = {f"sampling.{name}": array for name, array in Ascent(_policy(space, 1.0)).state().items()}
    advantages = {"advantages": rng.normal(0, 0.3, 400)}
    weights = {"weight": np.full(64, steps, np.float32)}
    save_checkpoint(run.checkpoint(steps), facts, weights, method={**state, **advantages})
    os.utime(run.metrics, (1.7e9, 1.7e9))


def searched(run: RunFolder) -> None:
    """Add a search by a policy that becomes surer from round to round."""
    space, rng = example_run.space_of(run), np.random.default_rng(0)
    archs = {space.sample(rng) for _ in range(ROUNDS * NETWORKS)}
    write_found(run.search, space, {arch: space.cost(arch).macs / 1e9 + rng.normal() / 50 for arch in archs})
    policies = [_policy(space, number / ROUNDS) for number in range(1, ROUNDS + 1)]
    rounds = [
        Round(number * NETWORKS, 0.5 + 0.03 * number**0.5, 0.4 + 0.015 * number, policy.entropies())
        for number, policy in enumerate(policies, start=1)
    ]
    write_rounds(rounds_file(run.search), rounds)
    write_policy(policy_file(run.search), policies[-1])


def _policy(space: SearchSpace, share: float) -> Policy:
    """One that likes the last option of each decision the more, the further it has come."""
    policy = Policy(space)
    for place, logits in enumerate(policy.logits):
        strength = 4 * share / (1 + place / 8)
        policy.logits[place] = strength * np.linspace(0, 1, len(logits))
    return policy
