"""Which network a file holds: names found in the wild, everything accounted for, nothing guessed."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.weights import Ask, Recognised, Source, recognise, to_official
from converters.weights.names import OFFICIAL, WINNER_2021, find_networks
from tests import weight_files
from tests.supernets import SUPERNETS
from tests.weight_files import Arrays, prefixed, with_fn
from toolkit.backends.shapes import shapes, used
from toolkit.errors import InputError
from toolkit.spaces import get_space
from toolkit.spaces.enhancement import EnhancedSpace
from toolkit.spaces.splitting import Split, SplitSpace

MINI = get_space("resnet48-mini")
WEIGHTS = weight_files.fill(shapes(MINI.widest))
PADDLE = to_official(WEIGHTS)
ANY = Ask()


def source(arrays: Arrays, framework: str = "paddle", **facts: object) -> Source:
    return Source(Path("file"), "a test's format", framework, arrays, **facts)  # type: ignore[arg-type]


def problems(arrays: Arrays, ask: Ask = ANY, framework: str = "paddle") -> str:
    with pytest.raises(InputError) as caught:
        recognise(source(arrays, framework), ask)
    assert all(problem.startswith(("file: ", "... and ")) for problem in caught.value.problems)
    return "\n".join(caught.value.problems)


def assert_ours(found: Recognised, weights: Arrays = WEIGHTS) -> None:
    assert list(found.weights) == list(weights)
    for name, array in weights.items():
        assert found.weights[name].dtype == np.float32
        assert found.weights[name].flags.c_contiguous
        assert found.weights[name].tobytes() == array.tobytes()


WILD: dict[str, Callable[[Arrays], Arrays]] = {
    "plain": lambda arrays: arrays,
    "converted supernet": with_fn,
    "student": lambda arrays: prefixed("model.", with_fn(arrays)),
    "student of several GPUs": lambda arrays: prefixed("model._layers.", with_fn(arrays)),
    "data parallel": lambda arrays: prefixed("module.", arrays),
    "in a training checkpoint": lambda arrays: prefixed("state_dict.module.", arrays),
    "few-shot": lambda arrays: prefixed("split_models.3.", arrays),
    "teacher": lambda arrays: prefixed("ofa_teacher_model.model.", arrays),
}


@pytest.mark.parametrize("wild", WILD)
@pytest.mark.parametrize("framework", ["torch", "paddle"])
def test_names_found_in_the_wild(wild: str, framework: str) -> None:
    arrays = WILD[wild](PADDLE if framework == "paddle" else WEIGHTS)
    found = recognise(source(arrays, framework), ANY)
    assert_ours(found)
    assert found.space.name == "resnet48-mini"
    assert {match.key for match in found.matches} == arrays.keys()
    assert [match.name for match in found.matches if match.change] == (
        ["blocks.24.fc.weight"] if framework == "paddle" else []
    )
    assert found.unmatched == ()


def test_the_names_of_statistics_outweigh_the_format() -> None:
    assert_ours(recognise(source(PADDLE, "torch"), ANY))
    assert_ours(recognise(source(WEIGHTS, "paddle"), ANY))


OTHER = weight_files.fill(shapes(MINI.widest), seed=1)


def test_student_and_teacher() -> None:
    """The kit's saved checkpoint: the student's convolutions wrapped, the teacher's plain."""
    arrays = prefixed("model.", with_fn(PADDLE)) | prefixed("ofa_teacher_model.model.", to_official(OTHER))
    assert "holds several networks: student, teacher; choose one" in problems(arrays)
    student = recognise(source(arrays), Ask(network="student"))
    assert_ours(student)
    assert {one.why for one in student.unmatched} == {"of another network in the file, teacher"}
    assert len(student.unmatched) == 252
    assert_ours(recognise(source(arrays), Ask(network="teacher")), OTHER)
    assert_ours(recognise(source(arrays), Ask(network="ofa_teacher_model.model.")), OTHER)
    assert "holds no network 'techer'; did you mean 'teacher'" in problems(arrays, Ask(network="techer"))


def test_networks_that_would_have_one_label_go_by_their_prefixes() -> None:
    arrays = prefixed("a.split_models.0.", PADDLE) | prefixed("b.split_models.0.", to_official(OTHER))
    assert "holds several networks: a.split_models.0., b.split_models.0.; choose" in problems(arrays)
    assert_ours(recognise(source(arrays), Ask(network="b.split_models.0")), OTHER)


def test_the_nearest_space_is_the_one_whose_shapes_agree() -> None:
    said = problems({name: array for name, array in PADDLE.items() if name != "blocks.3.conv1.weight"})
    missing, hint = said.splitlines()
    assert missing == "file: tensor blocks.3.conv1.weight of resnet48-mini is missing"
    assert "nearest of all spaces is the supernet of resnet48-mini, for its network 'plain' differs as listed" in hint


def test_few_shot_splits() -> None:
    arrays = prefixed("split_models.0.", PADDLE) | prefixed("split_models.1.", to_official(OTHER))
    assert "split0, split1" in problems(arrays)
    assert_ours(recognise(source(arrays), Ask(network="split1")), OTHER)
    assert_ours(recognise(source(arrays), Ask(network="split_models.0")))


def test_what_a_contrastive_stage_adds_is_left_behind_by_name() -> None:
    """The files of the 2022 winner's first stage."""
    arrays = prefixed("model.", with_fn(PADDLE)) | {
        "neck.mlp.0.weight": np.ones((4, 4), np.float32),
        "queue": np.ones((4, 8), np.float32),
        "queue_ptr": np.zeros(1, np.int64),
    }
    found = recognise(source(arrays), ANY)
    assert_ours(found)
    assert [one.key for one in found.unmatched] == ["neck.mlp.0.weight", "queue", "queue_ptr"]


def test_two_spaces_with_equal_supernets_are_not_told_apart() -> None:
    arrays = weight_files.fill(weight_files.official_2022())
    assert "fits several spaces: resnet48, resnet48-wide; choose one with --space" in problems(arrays)
    assert recognise(source(arrays), Ask(space="resnet48")).space.name == "resnet48"


def test_other_images_than_the_spaces_own() -> None:
    space = MINI.for_images(3, 16, 5)
    weights = weight_files.fill(shapes(space.widest))
    found = recognise(source(weights, "torch"), Ask(size=16, space=MINI.name))
    assert_ours(found, weights)
    assert found.space == space


def test_a_tensor_without_a_place_is_not_lost_silently() -> None:
    arrays = PADDLE | {f"blocks.{i}.relu1._weight": np.array([0.25], np.float32) for i in range(1, 24)}
    said = problems(arrays)
    assert said.count("would not compute the same without it") == 23
    assert "--drop 'blocks.1.relu1._weight'" in said
    found = recognise(source(arrays), Ask(drop=("*.relu1._weight",)))
    assert_ours(found)
    assert {one.why for one in found.unmatched} == {"dropped, as asked"}


def test_prelus_of_2022_are_taken_over_or_dropped() -> None:
    arrays = PADDLE | {f"blocks.{i}.relu2._weight": np.array([i], np.float32) for i in range(1, 24)}
    found = recognise(source(arrays), ANY)
    assert (found.space, found.unmatched) == (EnhancedSpace(MINI, (), "prelu"), ())
    assert found.weights["blocks.7.outer.weight"] == [7.0]
    assert_ours(recognise(source(arrays), Ask(drop=("*.relu2._weight",))))
    del arrays["blocks.9.relu2._weight"]
    assert problems(arrays).startswith("file: tensor blocks.9.outer.weight of resnet48-mini is missing")


def test_every_problem_is_named() -> None:
    arrays = dict(PADDLE)
    del arrays["blocks.3.bn1._mean"], arrays["blocks.9.conv2.weight"]
    arrays["blocks.0.conv.weight"] = np.ones((8, 1, 5, 5), np.float32)
    arrays["blocks.24.fc.weight"] = WEIGHTS["blocks.24.fc.weight"]  # not transposed
    said = problems(arrays, Ask(space="resnet48-mini"))
    assert "tensor blocks.3.bn1.running_mean of resnet48-mini is missing" in said
    assert "tensor blocks.9.conv2.weight of resnet48-mini is missing" in said
    assert "blocks.0.conv.weight has shape (8, 1, 5, 5), but resnet48-mini needs (8, 1, 3, 3) there" in said
    assert "blocks.24.fc.weight has shape (10, 64), but resnet48-mini needs (64, 10) there" in said


def test_nothing_that_is_known() -> None:
    said = problems({"encoder.0.weight": np.ones(3), "encoder.0.bias": np.ones(3)})
    assert "none of its 2 tensors has a known name (it has: encoder.0.weight, encoder.0.bias)" in said


def test_two_names_for_one_tensor() -> None:
    """Two tensors for one place are not clear; the same tensor twice is."""
    twice = with_fn(PADDLE) | PADDLE
    other = twice | {"blocks.0.conv.weight": twice["blocks.0.conv.weight"] + 1}
    assert "more than one of its tensors may be blocks.0.conv.weight" in problems(other)
    found = recognise(source(twice), ANY)
    assert_ours(found)
    assert {one.why.partition(" blocks")[0] for one in found.unmatched} == {"the same tensor as"}


def test_names_of_both_frameworks_at_once() -> None:
    arrays = dict(PADDLE)
    arrays["blocks.0.bn.running_mean"] = arrays.pop("blocks.0.bn._mean")
    assert "partly as in Paddle and partly as in PyTorch" in problems(arrays, Ask(space="resnet48-mini"))


def test_a_square_linear_weight_is_transposed_all_the_same() -> None:
    space = MINI.for_images(1, 8, 64)  # 64 classes from 64 channels
    weights = weight_files.fill(shapes(space.widest))
    found = recognise(source(to_official(weights)), Ask(space=MINI.name))
    assert_ours(found, weights)
    assert [match.change for match in found.matches if match.change] == ["(64, 64) transposed to (64, 64)"]


def test_stand_alone_networks_go_by_their_code() -> None:
    rng = np.random.default_rng(0)
    arch = MINI.sample(rng)
    code = MINI.format(arch)
    weights = weight_files.fill(shapes(MINI.plans(arch)))
    found = recognise(source(prefixed("module.", to_official(weights))), Ask(space="resnet48-mini", code=code))
    assert_ours(found, weights)
    assert found.code == code
    assert "for a stand-alone network name the space and the code" in problems(to_official(weights))
    assert "name the space too" in problems(to_official(weights), Ask(code=code))
    other = MINI.format(MINI.largest)
    assert "needs" in problems(to_official(weights), Ask(space="resnet48-mini", code=other))
    with pytest.raises(InputError, match="is not in space"):
        recognise(source(to_official(weights)), Ask(space="resnet48-mini", code="11"))
    with pytest.raises(InputError, match="unknown space"):
        recognise(source(to_official(weights)), Ask(space="resnet49"))


def test_a_file_that_names_its_space_and_code_needs_no_more() -> None:
    arch = MINI.smallest
    weights = weight_files.fill(shapes(MINI.plans(arch)))
    found = recognise(source(weights, "torch", space="resnet48-mini", code=MINI.format(arch)), ANY)
    assert_ours(found, weights)


@pytest.mark.parametrize(("framework", "name", "given"), [("paddle", "_momentum", 0.9), ("torch", "momentum", 0.1)])
def test_momentum_is_complemented(framework: str, name: str, given: float) -> None:
    arrays = (PADDLE if framework == "paddle" else WEIGHTS) | {f"blocks.0.bn.{name}": np.array([given], np.float32)}
    found = recognise(source(arrays, framework), ANY)
    assert_ours(found)
    (one,) = found.unmatched
    assert one.why == f"batch-norm momentum {given:g}, which is 0.1 in PyTorch's terms"
    assert found.notes == ()
    other = arrays | {f"blocks.0.bn.{name}": np.array([0.75], np.float32)}
    (note,) = recognise(source(other, framework), ANY).notes
    assert f"momentum {0.25 if framework == 'paddle' else 0.75} (in PyTorch's terms); training goes on with 0.1" in note


def test_other_precisions_are_rounded_and_reported() -> None:
    arrays = {name: array.astype(np.float16) for name, array in WEIGHTS.items()}
    found = recognise(source(arrays, "torch"), ANY)
    assert {match.change for match in found.matches} == {"float16 to float32"}
    assert found.weights["blocks.0.conv.weight"].dtype == np.float32


def test_numbers_that_are_not_finite_are_noted() -> None:
    arrays = WEIGHTS | {"blocks.2.bn1.bias": np.full(8, np.nan, np.float32)}
    (note,) = recognise(source(arrays, "torch"), ANY).notes
    assert note == "holds numbers that are not finite: blocks.2.bn1.bias"


def test_the_winners_first_step_is_a_supernet_of_resnet20() -> None:
    arrays = weight_files.fill(weight_files.winner_2021(prelu=False))
    found = recognise(source(prefixed("state_dict.", arrays), "torch"), ANY)
    assert found.space == get_space("resnet20")
    keys = {match.name: match.key for match in found.matches}
    assert keys["blocks.0.bn.running_var"] == "state_dict.conv1.conv1.1.running_var"
    assert keys["blocks.6.downsample.0.weight"] == "state_dict.layer2.2.downsample.0.weight"
    assert keys["blocks.7.bn2.bias"] == "state_dict.layer3.0.conv2.1.bias"
    assert keys["blocks.10.fc.weight"] == "state_dict.fc.weight"
    assert {one.why for one in found.unmatched} == {"a counter that nothing reads"}
    assert len(found.matches) + len(found.unmatched) == 170


def test_the_winners_second_step_is_an_enhanced_supernet() -> None:
    arrays = weight_files.fill(weight_files.winner_2021(prelu=True))
    found = recognise(source(arrays, "torch"), ANY)
    assert found.space == EnhancedSpace(get_space("resnet20"), (), "prelu")
    keys = {match.name: match.key for match in found.matches}
    assert keys["blocks.5.outer.weight"] == "layer2.1.p_relu.weight"
    without = recognise(source(arrays, "torch"), Ask(drop=("*.p_relu.weight",)))
    assert without.space == get_space("resnet20")
    assert sum(one.why == "dropped, as asked" for one in without.unmatched) == 9


@pytest.mark.parametrize("name", SUPERNETS)
def test_groups_of_widths_and_slopes_are_read_from_names(name: str) -> None:
    space = SUPERNETS[name]
    weights = weight_files.fill(shapes(space.widest))
    found = recognise(source(to_official(weights)), Ask(space.name, size=space.size))
    assert_ours(found, weights)
    arch = space.sample(np.random.default_rng(0))
    assert used(found.space.supernet_plans(arch)).keys() <= weights.keys(), "its candidates can be run"
    lost = next(key for key in weights if (".groups." in key or ".hyper." in key) and key.endswith(".bias"))
    assert lost in problems({key: array for key, array in weights.items() if key != lost}, Ask(space.name), "torch")


@pytest.mark.parametrize("stranger", ["conv1.groups.99999999999.weight", "groups.8.weight", "conv1.groups.7.weight"])
def test_groups_that_no_supernet_has(stranger: str) -> None:
    arrays = WEIGHTS | {f"blocks.3.{stranger}": np.ones((8, 8, 3, 3), np.float32)}
    assert f"blocks.3.{stranger}" in problems(arrays, Ask("resnet48-mini"), "torch")


prefixes = st.lists(st.sampled_from(["module", "model", "_layers", "net", "ema", "state_dict", "x1"]), max_size=3)


@given(prefix=prefixes)
def test_any_prefix_is_found(prefix: list[str]) -> None:
    front = "".join(f"{part}." for part in prefix)
    (network,) = find_networks(prefixed(front, PADDLE))
    assert (network.prefix, network.layout) == (front, OFFICIAL)
    assert network.keys.keys() == WEIGHTS.keys()
    winner = weight_files.winner_2021(prelu=False)
    (network,) = find_networks(f"{front}{name}" for name in winner)
    assert (network.prefix, network.layout) == (front, WINNER_2021)
    assert len(network.keys) == 170


def test_the_size_of_the_images_comes_from_the_checkpoint() -> None:
    from toolkit.runs.checkpoint import Facts

    facts = Facts("resnet48-mini", 1, 12, 10, 7, "")
    named = prefixed("model.", WEIGHTS) | prefixed("ema.", OTHER)
    given_ = source(named, "torch", facts=facts, space="resnet48-mini")
    found = recognise(given_, ANY)
    assert found.space == replace(MINI, size=12)
    assert_ours(found)
    assert_ours(recognise(given_, Ask(network="ema")), OTHER)


def test_a_supernet_split_into_copies() -> None:
    """Few-shot splits of ours: names tell which options each copy serves."""
    splits = (Split("width2", (("1",), ("2", "3"))), Split("depth4", (("2", "3"), ("4", "5"))))
    space = SplitSpace(MINI, splits)
    weights = weight_files.fill(shapes(space.widest))
    assert len(weights) > 300
    found = recognise(source(to_official(weights)), ANY)
    assert_ours(found, weights)
    assert isinstance(found.space, SplitSpace)
    arch = MINI.sample(np.random.default_rng(0))
    assert found.space.supernet_plans(arch) == space.supernet_plans(arch)
    whole = {name: array for name, array in weights.items() if ".d5o0." not in name}
    assert "is missing" in problems(whole, framework="torch")


def pinas_file() -> Arrays:
    """Zeros but for the classifier and shortcuts: a hundred million numbers take long to draw."""
    arrays = {name: np.zeros(shape, np.float32) for name, shape in weight_files.pinas().items()}
    for name in arrays:
        if ".downsample.1." in name:
            arrays[name] = np.full_like(arrays[name], float(name.split(".layer")[1][0]))
    return arrays | {"head.fc_cls.bias": np.arange(1000, dtype=np.float32)}


def test_pi_nas_released_supernet() -> None:
    """Its shortcuts, saved once for each candidate, are one."""
    arrays = pinas_file()
    found = recognise(source(arrays, "torch"), ANY)
    assert (found.space.name, found.layout) == ("pinas", "pinas")
    assert {name: array.shape for name, array in found.weights.items()} == shapes(get_space("pinas").widest)
    assert found.weights["blocks.17.fc.bias"][7] == 7
    assert [found.weights[f"blocks.{at}.downsample.0.weight"][0, 0, 0, 0] for at in (1, 4, 8, 14)] == [1, 2, 3, 4]
    keys = {match.name: match.key for match in found.matches}
    assert keys["blocks.8.r2c2w40.attention.bn.weight"] == "backbone.layer3.0.3.conv2.bn1.weight"
    assert keys["blocks.0.bn3.bias"] == "backbone.bn1.bias"
    whys = {one.why for one in found.unmatched}
    assert "the same tensor as backbone.layer1.0.0.downsample.1.weight" in whys
    assert whys - {"a counter that nothing reads"} == {why for why in whys if why.startswith("the same tensor as ")}


def test_shortcuts_that_candidates_do_not_share_are_refused() -> None:
    arrays = pinas_file()
    arrays["backbone.layer2.0.3.downsample.1.weight"] += 1
    assert "more than one of its tensors may be blocks.4.downsample.0.weight" in problems(arrays, Ask("pinas"), "torch")


def test_weights_of_pi_nas_without_a_classifier_are_refused() -> None:
    arrays = {name: array for name, array in pinas_file().items() if "fc_cls" not in name}
    assert "tensor blocks.17.fc.weight of pinas is missing" in problems(arrays, Ask("pinas"), "torch")


@pytest.mark.parametrize("released", [True, False])
def test_once_for_all_s_supernet(released: bool) -> None:
    names = weight_files.ofa_mbv3(released)
    arrays = {name: np.zeros(shape, np.float32) for name, shape in names.items()}
    arrays = prefixed("state_dict.", arrays)
    block = "state_dict.blocks.7." + ("mobile_inverted_conv" if released else "conv")
    arrays[f"{block}.depth_conv.conv.5to3_matrix"] += np.arange(81, dtype=np.float32).reshape(9, 9)
    found = recognise(source(arrays, "torch"), ANY)
    assert (found.space.name, found.layout, found.network) == ("ofa-mbv3", "once-for-all", "state_dict")
    assert {name: array.shape for name, array in found.weights.items()} == shapes(get_space("ofa-mbv3").widest)
    keys = {match.name: match.key for match in found.matches}
    assert keys["blocks.8.se.reduce.bias"] == f"{block}.depth_conv.se.fc.reduce.bias"
    assert keys["blocks.23.mix.weight"] == "state_dict.feature_mix_layer.conv.weight"
    assert found.weights["blocks.8.depthwise.5to3_matrix"][0].tolist() == list(range(9))
    assert {one.why for one in found.unmatched} == {"a counter that nothing reads"}
    del arrays["state_dict.blocks.3." + block.rpartition(".")[2] + ".depth_conv.conv.7to5_matrix"]
    assert "tensor blocks.4.depthwise.7to5_matrix of ofa-mbv3 is missing" in problems(arrays, framework="torch")


OFA_PARTS = {"expand": "inverted_bottleneck.conv", "bn1": "inverted_bottleneck.bn", "depthwise": "depth_conv.conv"}
OFA_PARTS |= {
    "bn2": "depth_conv.bn",
    "se": "depth_conv.se.fc",
    "project": "point_linear.conv",
    "bn3": "point_linear.bn",
}


def named_as_in_once_for_all(weights: Arrays, last: int) -> Arrays:
    """A stand-alone network, whose blocks theirs numbers one after the other; `last` is our position of the head."""
    numbers = sorted({int(name.split(".")[1]) for name in weights})
    found = {}
    for name, array in weights.items():
        _, number, layer = name.split(".", 2)
        first, _, rest = layer.partition(".")
        place = int(number)
        if place == 0:
            found[f"first_conv.{layer}"] = array
        elif place == last:
            found[f"classifier.linear.{rest}" if first == "fc" else f"feature_mix_layer.conv.{rest}"] = array
        elif place == last - 1:
            found[f"{'feature_mix_layer' if last == 24 else 'final_expand_layer'}.{layer}"] = array
        else:
            found[f"blocks.{numbers.index(place) - 1}.mobile_inverted_conv.{OFA_PARTS[first]}.{rest}"] = array
    return found


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("ofa-mbv3-w1.2", "53005300773055733350-33004400634044436660-22343-192"),
        ("ofa-proxyless-w1.3", "330035505570373375753-330064406330436464336-233441-128"),
    ],
)
def test_a_specialised_network_of_once_for_all(name: str, code: str) -> None:
    space = get_space(name)
    plans = space.plans(space.parse(code))
    weights = weight_files.fill(shapes(plans))
    theirs = named_as_in_once_for_all(weights, len(plans) - 1)
    assert_ours(recognise(source(theirs, "torch"), Ask(name, code)), weights)
    other = space.format(space.largest)
    assert "differs as listed" in problems(theirs, Ask(name, other), "torch")
