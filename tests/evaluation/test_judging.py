"""Networks ranked without a classifier of their own: probe, neighbours, contrast."""

import numpy as np
import pytest

from tests import tiny
from toolkit.backends import get_backend
from toolkit.backends.base import Network
from toolkit.candidates import draw_candidates
from toolkit.errors import InputError
from toolkit.evaluation.evaluate import Job, equip, evaluate_candidates
from toolkit.evaluation.evaluator import Evaluator
from toolkit.evaluation.judging import PARTNERS, By, Contrast, Embedding, Neighbours, evaluator, partners_of
from toolkit.evaluation.ledger import Ledger
from toolkit.evaluation.policy import NormPolicy
from toolkit.evaluation.worker import Equipment
from toolkit.methods.embedding import trunk
from toolkit.runs.folder import RunFolder
from toolkit.spaces import SPACES, Arch

SOME = draw_candidates(SPACES["resnet48-mini"], 6, 0)
BATCH = NormPolicy("batch", 32)
PINAS = {"name": "pinas", "queue": 48, "features": 8, "hidden": 8}
JUDGES: tuple[By, ...] = ("probe", "knn", "contrastive")


@pytest.fixture(scope="module")
def unlabelled(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Trained without labels, and evaluated by all judges."""
    data = {"augmentation": {"crop": 0.3, "jitter": 0.4}}
    run = tiny.train_new(tmp_path_factory.mktemp("pinas") / "run", tiny.recipe(method=PINAS, data=data))
    for by in JUDGES:
        evaluate_candidates(job(run, by), SOME)
    return run


def job(run: RunFolder, by: By) -> Job:
    return Job(run.path, run.latest_checkpoint(), BATCH, threads=1, by=by)


def opened(run: RunFolder, by: By) -> tuple[Equipment, Network]:
    equipment, _ = equip(job(run, by))
    network = get_backend("torch", "cpu").network(equipment.space, equipment.space.widest, 0)
    network.load_weights(equipment.weights)
    return equipment, network


def archs(run: RunFolder) -> list[Arch]:
    return [SPACES["resnet48-mini"].parse(code) for code in sorted(SOME.values())]


def test_the_ledger_keeps_judges_apart(unlabelled: RunFolder) -> None:
    with Ledger.read(unlabelled.ledger) as ledger:
        settings = {holding.setting.by: holding.setting for holding in ledger.settings()}
        assert settings.keys() == set(JUDGES)
        assert len({setting.weights for setting in settings.values()}) == 1
        found = {by: ledger.results(setting) for by, setting in settings.items()}
    assert all(results.keys() == set(SOME.values()) for results in found.values())
    assert all(counts.total == 64 for results in found.values() for counts in results.values())
    assert len({counts.loss for results in found.values() for counts in results.values()}) > 12


@pytest.mark.parametrize("by", ["probe", "knn"])
def test_what_was_fitted_is_kept(unlabelled: RunFolder, by: By) -> None:
    (path,) = unlabelled.judges.glob(f"{by}-*.safetensors")
    before = path.stat().st_mtime_ns
    assert evaluate_candidates(job(unlabelled, by), SOME).fresh == 0
    assert path.stat().st_mtime_ns == before


def test_a_probe_is_a_classifier_like_any_other_and_learns(unlabelled: RunFolder) -> None:
    equipment, network = opened(unlabelled, "probe")
    judge = evaluator(get_backend("torch", "cpu"), network, equipment.images, equipment.judge, None)
    assert isinstance(judge, Evaluator)
    plain, _ = opened(unlabelled, "knn")
    changed = {n for n, array in equipment.weights.items() if (array != plain.weights[n]).any()}
    assert changed == {"blocks.24.fc.weight", "blocks.24.fc.bias"}
    accuracy = [counts.top1 / counts.total for counts in judge.evaluate(archs(unlabelled))]
    assert np.mean(accuracy) > 0.2, "of ten classes"


def test_neighbours_vote_alike_together_and_alone(unlabelled: RunFolder) -> None:
    """And as a plain computation has it."""
    equipment, network = opened(unlabelled, "knn")
    backend = get_backend("torch", "cpu")
    judge = evaluator(backend, network, equipment.images, equipment.judge, None)
    assert isinstance(judge, Neighbours)
    together = judge.evaluate(archs(unlabelled))
    assert [one.top1 for one in together] == [judge.evaluate([arch])[0].top1 for arch in archs(unlabelled)]
    given = equipment.judge
    assert given is not None
    arch, spec = archs(unlabelled)[0], equipment.images.spec
    embed, right = Embedding(backend, equipment.space, given.head), 0
    for first in (0, 32):
        pixels = backend.normalise(backend.place(equipment.images.pixels[first : first + 32]), spec.mean, spec.std)
        with network.inference():
            plans = trunk(equipment.space.supernet_plans(arch))
            z = backend.ops.numpy(embed(network.run(plans, pixels, network.batch_norm())))
        np.testing.assert_allclose(np.linalg.norm(z, axis=1), 1, rtol=1e-5)
        weights = np.exp(z @ given.keys.T / 0.07)  # type: ignore[union-attr]
        votes = np.stack([weights[:, given.classes == label].sum(1) for label in range(10)], 1)
        right += int((votes.argmax(1) == equipment.images.labels[first : first + 32]).sum())
    assert right == together[0].top1


def test_partners_are_disjoint_and_always_the_same() -> None:
    space = SPACES["nasbench-macro"]
    arch = space.parse("01200210")
    assert partners_of(space, arch) == partners_of(space, arch)
    assert len(partners_of(space, arch)) == PARTNERS
    assert all(a != b for other in partners_of(space, arch) for a, b in zip(arch, other, strict=True))
    assert partners_of(space, arch) != partners_of(space, space.parse("11200210"))


def test_contrast_is_the_mean_loss_over_partners(unlabelled: RunFolder) -> None:
    equipment, network = opened(unlabelled, "contrastive")
    backend, given, spec = get_backend("torch", "cpu"), equipment.judge, equipment.images.spec
    judge = evaluator(backend, network, equipment.images, given, None)
    assert isinstance(judge, Contrast)
    assert given is not None
    assert given.views is not None
    assert given.queue is not None
    assert (given.views.pixels != equipment.images.pixels).any()
    arch = archs(unlabelled)[0]
    (found,) = judge.evaluate([arch])
    teacher = backend.network(equipment.space, equipment.space.widest, 0)
    teacher.load_weights(given.teacher)

    def embedded(net: Network, head: object, seen: np.ndarray, path: Arch) -> np.ndarray:
        embed, parts = Embedding(backend, equipment.space, head), []  # type: ignore[arg-type]
        for first in (0, 32):
            pixels = backend.normalise(backend.place(seen[first : first + 32]), spec.mean, spec.std)
            with net.inference():
                maps = net.run(trunk(equipment.space.supernet_plans(path)), pixels, net.batch_norm())
                parts.append(backend.ops.numpy(embed(maps)))
        return np.concatenate(parts)

    query, losses = embedded(network, given.head, equipment.images.pixels, arch), []
    for other in partners_of(equipment.space, arch):
        key = embedded(teacher, given.teacher_head, given.views.pixels, other)
        alike = np.concatenate([(query * key).sum(1, keepdims=True), query @ given.queue.T], 1) / 0.2
        losses.append((np.log(np.exp(alike).sum(1)) - alike[:, 0]).sum())
    assert found.loss == pytest.approx(np.mean(losses), rel=1e-4)


def test_without_a_queue_there_is_no_contrast(trained: RunFolder) -> None:
    with pytest.raises(InputError, match="holds no projection head and queue"):
        equip(job(trained, "contrastive"))


def test_what_labels_trained_can_be_judged_by_neighbours_too(run: RunFolder) -> None:
    done = evaluate_candidates(job(run, "knn"), SOME)
    with Ledger.read(run.ledger) as ledger:
        results = ledger.results(done.setting)
    assert np.mean([counts.top1 / counts.total for counts in results.values()]) > 0.2
