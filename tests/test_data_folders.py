"""Folders of photographs: the layouts that are understood, and every way to get them wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from PIL import Image

from vggstudy import folders, imagenet
from vggstudy.__main__ import main
from vggstudy.data import load_data
from vggstudy.errors import DataError

IDS = tuple(imagenet.IMAGENETTE_CLASSES)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("VGGSTUDY_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def root(tmp_path) -> Path:
    """Three classes; the red of an image is 10 times its class, plus its number."""
    for split, count in (("train", 4), ("val", 2)):
        for label, name in enumerate(("cat", "dog", "ähre")):
            for number in range(count):
                paint(tmp_path / "root" / split / name / f"{number}.png", 10 * label + number)
    return tmp_path / "root"


def paint(file: Path, red: int, size: tuple[int, int] = (8, 6)) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (red, 0, 0)).save(file, "JPEG" if file.suffix == ".JPEG" else None, quality=95)
    return file


def reds(images) -> list[int]:
    return [int(image[0, 0, 0]) for image, _ in images]


def test_splits_classes_labels_and_paths(root):
    data = load_data(f"imagefolder:{root}")
    assert data.classes == ("cat", "dog", "ähre")
    assert (len(data.train), len(data.val), len(data.test)) == (12, 6, 6)
    assert reds(data.train) == [0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23]
    assert data.train.labels.tolist() == [label for _, label in data.train] == [0] * 4 + [1] * 4 + [2] * 4
    assert data.train.path(11) == str(root / "train" / "ähre" / "3.png")
    assert data.test is data.val or data.test.path(0) == data.val.path(0)
    assert data.skipped == ()


def test_a_test_folder_is_the_test(root):
    for name in ("cat", "dog", "ähre"):
        paint(root / "test" / name / "only.jpg", 200)
    data = load_data(f"imagefolder:{root}", val=3)
    assert (len(data.val), len(data.test)) == (3, 3)
    assert data.val.labels.tolist() == [0, 1, 2]
    assert data.test.path(0).endswith("only.jpg")


def test_class_folders_alone_are_for_evaluation(root):
    data = load_data(f"imagefolder:{root / 'val'}")
    assert data.train is None
    assert len(data.test) == 6
    assert data.classes == ("cat", "dog", "ähre")


def test_hidden_other_and_nested_files(root):
    paint(root / "train" / "cat" / "deep" / "er" / "9.jpg", 9, (64, 64))
    paint(root / "train" / ".cache" / "8.jpg", 8)
    (root / "train" / "cat" / "._0.jpg").write_bytes(b"what a Mac leaves")
    (root / "train" / "cat" / "Thumbs.db").write_bytes(b"what Windows leaves")
    (root / "train" / "README.txt").write_text("x")
    data = load_data(f"imagefolder:{root}")
    assert data.train.labels.bincount().tolist() == [5, 4, 4]
    assert reds(data.train)[:5] == pytest.approx([0, 1, 2, 3, 9], abs=3)


def test_a_link_back_is_not_followed_and_another_is(root):
    (root / "train" / "cat" / "back").symlink_to(root / "train")
    (root / "train" / "dog" / "self").symlink_to(root / "train" / "dog")
    (root / "train" / "dog" / "more").symlink_to(root / "val" / "dog")
    (root / "val" / "dog" / "round").symlink_to(root / "train" / "dog")
    data = load_data(f"imagefolder:{root}")
    assert data.train.labels.bincount().tolist() == [4, 6, 4]


def test_the_name_tells_sets_apart(root):
    before = load_data(f"imagefolder:{root}").train.name
    assert load_data(f"imagefolder:{root}").train.name == before
    os.utime(root / "train" / "cat" / "0.png", (1, 1))
    changed = load_data(f"imagefolder:{root}").train.name
    paint(root / "train" / "cat" / "4.png", 4)
    assert len({before, changed, load_data(f"imagefolder:{root}").train.name}) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda root: paint(root / "train" / "bird" / "0.png", 0), "val has no folder for bird"),
        (lambda root: paint(root / "val" / "bird" / "0.png", 0), "val has the folder bird, which train/ has not"),
        (lambda root: [file.unlink() for file in (root / "val" / "dog").iterdir()], "no images in .*val/dog"),
        (lambda root: (root / "val").rename(root / "validation"), "val cannot be read .*No such file"),
        (
            lambda root: [(root / s).rename(root / f".{s}") for s in ("train", "val")],
            "neither train/ and val/ nor class",
        ),
        (
            lambda root: [d.rename(d.with_name("." + d.name)) for d in (root / "train").iterdir()],
            "train has no class folders",
        ),
    ],
    ids=["class only in train", "class only in val", "empty class", "no val", "nothing", "empty train"],
)
def test_wrong_layouts_are_refused(root, change, message):
    change(root)
    with pytest.raises(DataError, match=message) as caught:
        load_data(f"imagefolder:{root}")
    assert "\n" not in str(caught.value)


def spoil(root: Path) -> list[str]:
    good = paint(root / "train" / "cat" / "4 cut.jpg", 4, (64, 64))
    good.write_bytes(good.read_bytes()[:-30])
    (root / "train" / "dog" / "text.jpg").write_text("no image")
    (root / "train" / "dog" / "zero.jpg").touch()
    (root / "train" / "ähre" / "folder.jpg").mkdir()
    (root / "train" / "ähre" / "gone.jpg").symlink_to(root / "nowhere")
    return ["4 cut.jpg", "text.jpg", "zero.jpg", "folder.jpg", "gone.jpg"]


def test_bad_files_raise_when_they_are_read(root):
    names = spoil(root)
    train = load_data(f"imagefolder:{root}").train
    assert len(train) == 17
    for name in names:
        index = next(i for i in range(17) if train.path(i).endswith(name))
        with pytest.raises(DataError, match=str(root / "train")):
            train[index]


def test_bad_files_are_skipped_counted_and_listed(root):
    names = spoil(root)
    data = load_data(f"imagefolder:{root}", on_error="skip")
    assert len(data.skipped) == 5
    assert all(any(name in line for line in data.skipped) for name in names)
    assert data.train.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert reds(data.train) == [0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23]
    assert data.train.path(4).endswith("dog/0.png")


@pytest.mark.fault("T23")
def test_a_sliver_is_skipped_with_what_cannot_be_read(root):
    """As training would find out, hours later: at S = 512 a row of 200 pixels becomes fifty million."""
    sliver = paint(root / "train" / "cat" / "4.png", 4, (200, 1))
    data = load_data(f"imagefolder:{root}", on_error="skip")
    assert data.skipped == (
        f"{sliver}: 200x1 pixels become 102400x512 at S = 512, more than the 16,777,216 allowed: "
        "crop it or leave it out",
    )
    assert len(data.train) == 12
    assert len(load_data(f"imagefolder:{root}", on_error="skip", largest_S=256).train) == 13
    with pytest.raises(DataError, match="no image of cat can be used"):
        load_data(f"imagefolder:{root}", on_error="skip", largest_S=100_000)


@pytest.mark.parametrize("spec", ["imagefolder", "imagenet", "imagenette", "fashion-mnist"])
def test_a_home_folder_of_nobody(capsys, spec):
    assert main(["evaluate", "A-S72", "--data", f"{spec}:~nosuchuser/x"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "vggstudy: error: ~nosuchuser/x: there is no home folder ~nosuchuser; write the folder out"


def test_a_cache_in_the_home_folder_of_nobody(monkeypatch):
    monkeypatch.setenv("VGGSTUDY_CACHE", "~nosuchuser/x")
    with pytest.raises(DataError, match=r"VGGSTUDY_CACHE may name: ~nosuchuser/x: there is no home folder"):
        load_data("imagenette")


def test_skipping_has_a_limit(root, monkeypatch):
    spoil(root)
    monkeypatch.setattr(folders, "MOST_SKIPPED", 4)
    with pytest.raises(DataError, match=r"5 files cannot be used, 4 may be skipped; the first: .*4 cut\.jpg"):
        load_data(f"imagefolder:{root}", on_error="skip")


def test_a_class_of_bad_files_is_refused(root):
    for file in (root / "val" / "dog").iterdir():
        file.write_bytes(b"")
    with pytest.raises(DataError, match="no image of dog can be used"):
        load_data(f"imagefolder:{root}", on_error="skip")


def test_options_that_are_not_known(root):
    with pytest.raises(DataError, match="on_error = 'ignore': allowed are raise, skip"):
        load_data(f"imagefolder:{root}", on_error="ignore")
    with pytest.raises(DataError, match="unknown split 'tset'; did you mean test"):
        load_data(f"imagefolder:{root}", tset=3)


@pytest.mark.parametrize("inside", ["", "imagenette2", "imagenette2-160"])
def test_imagenette_has_names(tmp_path, inside):
    for split in ("train", "val"):
        for label, name in enumerate(IDS):
            paint(tmp_path / inside / split / name / "a.JPEG", 10 * label)
    data = load_data(f"imagenette:{tmp_path}")
    assert data.classes[0] == "tench"
    assert data.classes[9] == "parachute"
    assert reds(data.val) == pytest.approx([10 * k for k in range(10)], abs=2)


def flat(root: Path, truth: list[str], synsets: list[str] | None = None) -> None:
    for number in range(len(truth)):
        paint(root / f"ILSVRC2012_val_{number + 1:08d}.JPEG", 20 * number)
    (root / imagenet.GROUND_TRUTH).write_text("\n".join(truth) + "\n")
    if synsets:
        (root / imagenet.SYNSETS).write_text("\n".join(synsets) + "\n")


def test_imagenet_in_class_folders(tmp_path):
    for split in ("train", "val"):
        for label, name in enumerate(IDS):
            paint(tmp_path / split / name / "a.JPEG", 10 * label)
    data = load_data(f"imagenet:{tmp_path}")
    assert data.classes == IDS
    assert data.val.labels.tolist() == [*range(10)]


def test_imagenet_flat_with_wordnet_ids(tmp_path):
    flat(tmp_path, ["n03888257", "n01440764", "n03888257"])
    data = load_data(f"imagenet:{tmp_path}")
    assert data.train is None
    assert data.classes == ("n01440764", "n03888257")
    assert data.val.labels.tolist() == [1, 0, 1]
    assert reds(data.val) == pytest.approx([0, 20, 40], abs=2)


def test_ids_of_the_development_kit_are_not_labels(tmp_path):
    """The kit's order (here parachute, tench, church) is not that of WordNet ids, in which networks count."""
    flat(tmp_path, ["1", "2", "3", "1"], ["n03888257", "n01440764", "n03028079"])
    data = load_data(f"imagenet:{tmp_path}")
    assert data.classes == ("n01440764", "n03028079", "n03888257")
    assert data.val.labels.tolist() == [2, 0, 1, 2]


def test_imagenet_flat_val_beside_train_folders(tmp_path):
    for name in IDS[:3]:
        paint(tmp_path / "train" / name / "a.JPEG", 0)
    flat(tmp_path, [IDS[2]])
    (tmp_path / "val").mkdir()
    next(tmp_path.glob("*.JPEG")).rename(tmp_path / "val" / "ILSVRC2012_val_00000001.JPEG")
    data = load_data(f"imagenet:{tmp_path}")
    assert data.classes == IDS[:3]
    assert data.test.labels.tolist() == [2]
    (tmp_path / imagenet.GROUND_TRUTH).write_text(IDS[5])
    with pytest.raises(DataError, match=f"{IDS[5]} of .* has no folder in .*train: add it"):
        load_data(f"imagenet:{tmp_path}")


@pytest.mark.parametrize(
    ("truth", "synsets", "message"),
    [
        (["1", "2"], None, r"synsets\.txt is missing: list the WordNet ids"),
        (["1", "4"], IDS[:3], r"ground_truth\.txt holds '4': expected are 1 to 3"),
        (["1", "0"], IDS[:3], r"ground_truth\.txt holds '0'"),
        (["1", "-1"], IDS[:3], r"ground_truth\.txt holds '-1'"),
        (["1", "2"], [IDS[0], IDS[0]], r"synsets\.txt must hold a WordNet id a line, each once"),
        (["1", "2"], ["tench", "church"], r"synsets\.txt must hold a WordNet id a line"),
    ],
)
def test_wrong_ground_truth_is_refused(tmp_path, truth, synsets, message):
    flat(tmp_path, truth, synsets)
    with pytest.raises(DataError, match=message):
        load_data(f"imagenet:{tmp_path}")


def test_imagenet_that_is_not_whole(tmp_path, root):
    flat(tmp_path, [IDS[0], IDS[1]])
    next(tmp_path.glob("*.JPEG")).unlink()
    with pytest.raises(DataError, match="has 2 lines for 1 images: both must be whole"):
        load_data(f"imagenet:{tmp_path}")
    (tmp_path / imagenet.GROUND_TRUTH).unlink()
    with pytest.raises(DataError, match=r"ground_truth\.txt is missing: it is in ImageNet's development kit"):
        load_data(f"imagenet:{tmp_path}")
    with pytest.raises(DataError, match="is not ImageNet: train/ and val/ need folders named by WordNet ids"):
        load_data(f"imagenet:{root}")


def test_images_are_read_as_they_are(root):
    image, _ = load_data(f"imagefolder:{root}").train[5]
    assert (image.dtype, image.shape) == (torch.uint8, (3, 6, 8))
