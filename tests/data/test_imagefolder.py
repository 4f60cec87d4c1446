"""Image folders: layout, decoding, and everything that can be wrong with them."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from toolkit.data import open_dataset
from toolkit.data.arrays import ArraySplit
from toolkit.data.base import DRAWS
from toolkit.data.imagefolder import FolderSplit
from toolkit.data.preprocessing import centre, random_crop
from toolkit.errors import InputError

CLASSES = ("ant", "bee", "cow")


def write(path, seed):
    rng = np.random.default_rng(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = Image.fromarray(rng.integers(0, 256, (4, 5, 3), dtype=np.uint8))
    coarse.resize((50, 40), Image.Resampling.BICUBIC).save(path)


@pytest.fixture(scope="session")
def pristine(tmp_path_factory):
    root = tmp_path_factory.mktemp("images") / "zoo"
    for label, name in enumerate(CLASSES):
        for i in range(10):
            write(root / "train" / name / f"{i}.jpg", 100 * label + i)
        for i in range(3):
            write(root / "val" / name / f"{i}.png", 100 * label + 50 + i)
    return root


@pytest.fixture
def folder(pristine, tmp_path):
    return shutil.copytree(pristine, tmp_path / "zoo")


def open_folder(folder, **options):
    return open_dataset(f"imagefolder:{folder}", **{"size": 16, "calibration": 6, **options})


def problems(folder, **options):
    with pytest.raises(InputError) as raised:
        open_folder(folder, **options)
    return raised.value.problems


def truncate(path):
    path.write_bytes(path.read_bytes()[:-200])


def test_layout(pristine):
    dataset = open_folder(pristine)
    assert (dataset.name, dataset.spec.channels, dataset.spec.size, dataset.spec.classes) == ("zoo", 3, 16, 3)
    assert [len(part.labels) for part in (dataset.train, dataset.calibration, dataset.validation)] == [24, 6, 9]
    assert dataset.skipped == ()
    assert list(dataset.train.names) == sorted(dataset.train.names)
    for name, label in zip(dataset.train.names, dataset.train.labels, strict=True):
        assert name.startswith(f"train/{CLASSES[label]}/")
    assert np.bincount(dataset.calibration.labels).tolist() == [2, 2, 2]


def test_what_pillow_remarks_on_images_that_it_decodes_is_not_passed_on(pristine):
    """Such as their size; in a process of its own, for pytest has filters of its own."""
    code = f"""
from PIL import Image
from toolkit.data import open_dataset
Image.MAX_IMAGE_PIXELS = 1100  # they have 2000
open_dataset("imagefolder:{pristine}", size=16, calibration=6)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_default_size_is_imagenets(pristine):
    assert open_dataset(f"imagefolder:{pristine}", verify=False).validation.images([0]).shape == (1, 3, 224, 224)


def test_validation_and_calibration_are_decoded_once_as_evaluation_sees_them(pristine):
    dataset = open_folder(pristine)
    for part, split in (("val", dataset.validation), ("train", dataset.calibration)):
        assert isinstance(split, ArraySplit)
        expected = {
            np.asarray(centre(Image.open(path), 16)).transpose(2, 0, 1).tobytes(): CLASSES.index(path.parent.name)
            for path in (pristine / part).rglob("*.*")
        }
        for image, label in zip(split.images(range(len(split.labels))), split.labels, strict=True):
            assert expected[image.tobytes()] == label


def test_training_images_are_decoded_on_demand(pristine):
    train = open_folder(pristine).train
    draws = np.random.default_rng(0).random((5, DRAWS))
    indices = [3, 20, 3, 0, 11]
    crops = train.augmented(indices, draws)
    assert (crops.shape, crops.dtype) == ((5, 3, 16, 16), np.uint8)
    for crop, index, row in zip(crops, indices, draws, strict=True):
        image = random_crop(Image.open(pristine / train.names[index]), 16, row)
        np.testing.assert_array_equal(crop, np.asarray(image).transpose(2, 0, 1))
    image = centre(Image.open(pristine / train.names[7]), 16)
    np.testing.assert_array_equal(train.images([7])[0], np.asarray(image).transpose(2, 0, 1))


def test_training_images_in_memory_by_choice(pristine):
    on_demand, resident = open_folder(pristine).train, open_folder(pristine, resident=True).train
    assert isinstance(resident, ArraySplit)
    np.testing.assert_array_equal(resident.images(range(24)), on_demand.images(range(24)))
    np.testing.assert_array_equal(resident.labels, on_demand.labels)


def test_without_val_a_tenth_of_train_is_held_out(folder):
    shutil.rmtree(folder / "val")
    dataset, again, other = (open_folder(folder, resident=True, seed=seed) for seed in (0, 0, 1))
    parts = [dataset.train, dataset.calibration, dataset.validation]
    assert [len(part.labels) for part in parts] == [21, 6, 3]
    assert len({image.tobytes() for part in parts for image in part.pixels}) == 30
    assert again.validation.digest == dataset.validation.digest
    assert other.validation.digest != dataset.validation.digest


def test_overlap_only_by_name(pristine):
    for overlap in (False, True):
        dataset = open_folder(pristine, resident=True, overlap=overlap)
        train = {image.tobytes() for image in dataset.train.pixels}
        shared = [image.tobytes() in train for image in dataset.calibration.pixels]
        assert shared == [overlap] * 6


def test_digests(folder):
    dataset = open_folder(folder)
    digests = [dataset.train.digest, dataset.calibration.digest, dataset.validation.digest]
    again = open_folder(folder)
    assert [again.train.digest, again.calibration.digest, again.validation.digest] == digests
    moved = folder.rename(folder.with_name("elsewhere"))
    assert open_folder(moved).train.digest == digests[0]
    assert open_folder(moved, size=8).train.digest != digests[0]
    changed = moved / open_folder(moved).train.names[0]
    changed.write_bytes(changed.read_bytes() + b"\0")
    assert open_folder(moved).train.digest != digests[0]
    train = open_folder(moved).train
    changed.unlink()
    with pytest.raises(InputError, match="check the folder"):
        _ = train.digest


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_that_are_not_unicode(folder):
    image = folder / "train" / "ant" / "0.jpg"
    image.rename(image.with_name(os.fsdecode(b"caf\xe9.jpg")))
    dataset = open_folder(folder, calibration=0)
    assert len(dataset.train.digest) == len(dataset.calibration.digest) == 64
    assert len(dataset.train.images(range(30))) == 30


def test_hidden_and_other_files_do_not_count(folder):
    (folder / "train" / "ant" / "._0.jpg").write_bytes(b"")
    (folder / "train" / "ant" / "Thumbs.db").write_bytes(b"")
    (folder / "train" / ".cache").mkdir()
    (folder / "train" / "README").write_text("read me")
    (folder / "train" / "ant" / "0.jpg").rename(folder / "train" / "ant" / "0.JPEG")
    dataset = open_folder(folder)
    assert len(dataset.train.labels) + len(dataset.calibration.labels) == 30


def test_progress_is_told(pristine):
    told = []
    open_folder(pristine, progress=lambda *what: told.append(what))
    assert list(dict.fromkeys(what for what, _, _ in told)) == [
        "checking training images",
        "reading calibration images",
        "reading validation images",
    ]
    assert [done for what, done, total in told if what.startswith("checking") and total == 24] == list(range(1, 25))


@pytest.mark.parametrize("options", [{}, {"resident": True}])
def test_bad_images_are_named_all_of_them(folder, options):
    bad = [folder / "train" / "ant" / "3.jpg", folder / "train" / "cow" / "7.jpg", folder / "val" / "bee" / "1.png"]
    truncate(bad[0])
    bad[1].write_text("not an image")
    bad[2].write_bytes(b"")
    found = problems(folder, **options)
    assert len(found) == 3
    for path in bad:
        assert sum(f"{path}: cannot be decoded (" in problem for problem in found) == 1
    assert all('replace the file, or skip it by data.bad_images = "skip"' in problem for problem in found)


@pytest.mark.parametrize("resident", [False, True])
@pytest.mark.parametrize("overlap", [False, True])
def test_bad_images_are_skipped_by_choice(folder, resident, overlap):
    for part, name in (("train", "ant/3.jpg"), ("train", "cow/7.jpg"), ("val", "bee/1.png")):
        truncate(folder / part / name)
    dataset = open_folder(folder, bad_images="skip", resident=resident, overlap=overlap, calibration=20)
    assert dataset.skipped == ("train/ant/3.jpg", "train/cow/7.jpg", "val/bee/1.png")
    assert len(dataset.validation.labels) == 8
    kept = len(dataset.train.labels) + (0 if overlap else len(dataset.calibration.labels))
    assert kept == 28
    for split in (dataset.train, dataset.calibration, dataset.validation):
        assert len(split.images(range(len(split.labels)))) == len(split.labels)


def test_the_split_of_good_images_does_not_depend_on_bad_ones(folder):
    before = open_folder(folder)
    truncate(folder / before.train.names[5])
    after = open_folder(folder, bad_images="skip")
    assert list(after.train.names) == [name for i, name in enumerate(before.train.names) if i != 5]
    assert after.calibration.digest == before.calibration.digest


def test_pixels_stay_with_their_labels_when_images_are_skipped(folder):
    bad = folder / "val" / "ant" / "1.png"
    before = open_folder(folder).validation
    original = np.asarray(centre(Image.open(bad), 16)).transpose(2, 0, 1).tobytes()
    truncate(bad)
    after = open_folder(folder, bad_images="skip").validation
    expected = [(i.tobytes(), k) for i, k in zip(before.pixels, before.labels, strict=True) if i.tobytes() != original]
    assert [(image.tobytes(), label) for image, label in zip(after.pixels, after.labels, strict=True)] == expected


def test_without_verification_a_bad_image_is_named_when_it_is_met(folder):
    train = open_folder(folder).train
    for index in (4, 9):
        truncate(folder / train.names[index])
    train = open_folder(folder, verify=False).train
    assert len(train.images([1, 2])) == 2
    for met in (lambda: train.images(range(24)), lambda: train.augmented(range(24), np.zeros((24, DRAWS)))):
        with pytest.raises(InputError) as raised:
            met()
        assert [problem.split(": ")[0] for problem in raised.value.problems] == [
            str(folder / train.names[index]) for index in (4, 9)
        ]


def test_a_file_that_vanishes_is_named(folder):
    train = open_folder(folder).train
    (folder / train.names[0]).unlink()
    with pytest.raises(InputError, match=r"cannot be decoded .*No such file"):
        train.images([0])


def test_more_than_8_bits_are_named(folder):
    Image.fromarray(np.zeros((9, 9), np.uint16)).save(folder / "val" / "ant" / "0.png")
    assert "0.png: cannot be decoded (mode I;16 has more than 8 bits a channel)" in problems(folder)[0]


def test_nothing_left_after_skipping(folder):
    for path in (folder / "val").rglob("*.png"):
        truncate(path)
    assert problems(folder, bad_images="skip") == (
        f"{folder}: none of the validation images can be decoded; check the files",
    )


def test_absent_folder(tmp_path):
    (found,) = problems(tmp_path / "nowhere")
    assert str(tmp_path / "nowhere" / "train") in found
    assert "images belong in FOLDER/train/CLASS" in found


def test_empty_folders(folder):
    shutil.rmtree(folder / "val")
    (folder / "val").mkdir()
    (found,) = problems(folder)
    assert f"{folder / 'val'}: holds no class folders" in found
    shutil.rmtree(folder / "train")
    (folder / "train").mkdir()
    (found,) = problems(folder)
    assert f"{folder / 'train'}: holds no class folders" in found


def test_classes_without_images_and_other_classes(folder):
    for part in ("train", "val"):
        shutil.rmtree(folder / part / "cow")
    (folder / "train" / "cow").mkdir()
    (folder / "val" / "dog").mkdir()
    absent = "there is no such folder, but the other part has this class; both need the same classes"
    empty = "holds no images; add some or remove the folder"
    assert problems(folder) == (
        f"{folder / 'train' / 'cow'}: {empty}",
        f"{folder / 'val' / 'dog'}: {empty}",
        f"{folder / 'train' / 'dog'}: {absent}",
        f"{folder / 'val' / 'cow'}: {absent}",
    )


def test_memory_limit_counts_what_is_held_in_memory(pristine):
    held = (6 + 9) * 3 * 16 * 16
    open_folder(pristine, memory_limit=held)
    (found,) = problems(pristine, memory_limit=held - 1)
    assert "15 images of 16x16 take" in found
    (found,) = problems(pristine, memory_limit=held, resident=True)
    assert "39 images of 16x16 take" in found


def test_more_images_than_there_are(pristine):
    assert problems(pristine, validation=10, calibration=31) == (
        "validation: 10 images asked for; choose from 1 to 9",
        "calibration: 31 images asked for; choose from 0 to 30",
    )


def test_many_files_in_threads_keep_their_places(tmp_path):
    for i in range(300):
        path = tmp_path / "train" / str(i % 2) / f"{i:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (9, 9), (i % 256, i // 256, 7)).save(path)
    names = np.array([f"train/{i % 2}/{i:03}.png" for i in range(300)], np.object_)
    images = FolderSplit(tmp_path, names, np.arange(300) % 2, 8).images(range(300))
    assert images[:, 0, 0, 0].tolist() == [i % 256 for i in range(300)]
    assert images[:, 1, 7, 7].tolist() == [i // 256 for i in range(300)]


@pytest.mark.parametrize("name", ["validation", "valid", "test"])
def test_other_usual_names_of_the_validation_folder(folder, name):
    expected = open_folder(folder)
    (folder / "val").rename(folder / name)
    found = open_folder(folder)
    np.testing.assert_array_equal(found.validation.pixels, expected.validation.pixels)
    assert len(found.remarks) == (name == "test")


def test_val_goes_before_test_and_what_is_not_read_is_said(folder):
    shutil.copytree(folder / "val", folder / "test")
    found = open_folder(folder)
    assert len(found.validation.labels) == 9
    assert found.remarks[0].startswith(f"{folder / 'test'} is not read")


def test_unknown_folders_are_warned_of_and_a_flat_test_folder_holds_no_validation_images(folder):
    (folder / "val").rename(folder / "eval")
    (folder / "test").mkdir()
    not_read, flat, held_out = open_folder(folder).remarks
    assert not_read.startswith(f"{folder / 'eval'} is not read")
    assert flat.startswith(f"{folder / 'test'} is not read")
    assert "a part of train is held out" in held_out


def test_two_validation_folders_are_one_too_many(folder):
    shutil.copytree(folder / "val", folder / "valid")
    assert problems(folder) == (f"{folder}: val and valid could all hold the validation images; keep or rename one",)


def test_skipped_images_are_the_same_for_who_does_not_verify(folder):
    """Another process, or a resumed run: with more images their batches would be others."""
    truncate(folder / "train" / "ant" / "3.jpg")
    verified, not_verified = (open_folder(folder, bad_images="skip", verify=verify) for verify in (True, False))
    assert verified.train.digest == not_verified.train.digest
    assert verified.skipped == not_verified.skipped == ("train/ant/3.jpg",)
