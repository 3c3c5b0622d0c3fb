"""Data sets by name: their splits, what they keep on the disk, and what is said when they are not there."""

from __future__ import annotations

import gzip
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.datasets import FashionMNIST

from vggstudy import cache, fashion, shapes
from vggstudy.data import load_data
from vggstudy.errors import DataError
from vggstudy.imageset import ImageSet, take

CLOTHES = fashion.DEBIAN.is_dir()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("VGGSTUDY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_made_images_come_in_three_splits():
    data = load_data("shapes")
    assert (len(data.train), len(data.val), len(data.test)) == (8000, 2000, 4000)
    assert data.classes == shapes.CLASSES
    data = load_data("shapes", train=80, val=40, test=60)
    image, label = data.train[21]
    assert (image.dtype, image.shape, label) == (torch.uint8, (3, 64, 80), 1)
    assert torch.equal(image, torch.from_numpy(shapes.draw(80, 0).images[21]))
    assert torch.equal(data.test[59][0], torch.from_numpy(shapes.draw(60, 2).images[59]))
    assert data.val.labels.tolist() == [*range(20)] * 2
    assert data.val.path(17) == "shapes/val/17"
    first = {split: getattr(data, split)[0][0].numpy().tobytes() for split in ("train", "val", "test")}
    assert len(set(first.values())) == 3


def test_a_number_of_an_image_is_in_range():
    images = load_data("shapes", train=20).train
    assert images[-1][1] == images[19][1]
    with pytest.raises(IndexError):
        images[20]


def test_made_images_are_drawn_once(monkeypatch):
    first = load_data("shapes", train=30).train[29][0]
    monkeypatch.setattr(shapes, "draw", None)
    assert torch.equal(load_data("shapes", train=30).train[29][0], first)


def test_nothing_is_drawn_before_it_is_looked_at(monkeypatch, folder):
    monkeypatch.setattr(shapes, "draw", None)
    assert len(load_data("shapes").train.labels) == 8000
    assert not folder.exists()


def test_threads_draw_once(monkeypatch):
    draws = []
    draw = shapes.draw
    monkeypatch.setattr(shapes, "draw", lambda n, seed: draws.append(n) or draw(n, seed))
    images = load_data("shapes", train=200).train
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(images.__getitem__, range(200)))
    assert draws == [200]


@pytest.mark.parametrize("damage", ["bit", "half", "empty", "text", "pickle"])
def test_a_damaged_cache_is_made_anew(folder, damage):
    good = load_data("shapes", train=40).train[39][0]
    (file,) = folder.iterdir()
    content = bytearray(file.read_bytes())
    if damage == "bit":
        content[len(content) // 2] ^= 1
    elif damage == "pickle":
        np.savez(file, **{"64x64": np.array([{}])})
        content = file.read_bytes()
    file.write_bytes({"half": content[: len(content) // 2], "empty": b"", "text": b"<html>"}.get(damage, content))
    assert torch.equal(load_data("shapes", train=40).train[39][0], good)
    assert len(file.read_bytes()) > 400_000
    assert [*folder.iterdir()] == [file]


def test_a_cache_that_cannot_be_written_is_done_without(folder, tmp_path):
    folder.write_text("a file where the folder should be")
    assert load_data("shapes", train=20).train[3][1] == 3
    assert os.listdir(tmp_path) == ["cache"]


def test_a_write_that_fails_leaves_nothing(folder, monkeypatch):
    def full(file, **arrays):
        file.write(b"some")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    assert len(load_data("shapes", train=20).train[0][0]) == 3
    assert [*folder.iterdir()] == []


def test_the_cache_lies_where_it_is_told(monkeypatch, tmp_path):
    assert cache.cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("VGGSTUDY_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.cache_folder() == tmp_path / "vggstudy"


def test_a_part_is_spread_over_the_set():
    images = ImageSet(
        lambda i: torch.full((3, 1, 1), i, dtype=torch.uint8), torch.arange(100) // 10, lambda i: f"x/{i}", "x"
    )
    assert int(images[-1][0][0]) == 99
    part = take(images, 20)
    assert part.labels.bincount().tolist() == [2] * 10
    assert (part.path(3), int(part[3][0][0]), part[3][1]) == ("x/15", 15, 1)
    assert part.name != images.name
    assert take(images, None) is take(images, 100) is images
    for n in (0, -3, 101):
        with pytest.raises(DataError, match=f"^{n} images were asked for: allowed is 1 to 100, which x has"):
            take(images, n)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("shape", "unknown data set 'shape'; did you mean shapes"),
        ("", "unknown data set ''"),
        ("shapes:/tmp", "the made images need no folder, '/tmp' was given"),
        ("imagefolder", "imagefolder needs a folder, '' is none: write --data imagefolder:ROOT"),
        ("imagefolder:/no/such", "imagefolder needs a folder, '/no/such' is none"),
        ("imagenet:/no/such", "imagenet needs a folder, '/no/such' is none"),
        ("imagenette:/no/such", r"no Imagenette in /no/such: allow the download \(--download\), or unpack https://"),
        ("fashion-mnist:/no/such", "is not in /no/such or .*install Debian's package dataset-fashion-mnist, or allow"),
    ],
)
def test_what_is_not_there_is_named_in_one_line(spec, message):
    with pytest.raises(DataError, match=message) as caught:
        load_data(spec)
    assert "\n" not in str(caught.value)


def idx(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + b"".join(side.to_bytes(4, "big") for side in array.shape)
    return header + array.astype(np.uint8).tobytes()


@pytest.fixture
def clothes(tmp_path, monkeypatch):
    """Files in the format of Fashion-MNIST: image i is grey i, of class i % 10."""
    monkeypatch.setattr(fashion, "CHOICE", 10)
    for part, count in (("train", 50), ("t10k", 20)):
        grey = np.arange(count)[:, None, None] * np.ones((28, 28))
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(grey)))
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(idx(np.arange(count) % 10))
    return tmp_path


def test_clothes_are_padded_split_and_in_three_channels(clothes):
    data = load_data(f"fashion-mnist:{clothes}")
    assert (len(data.train), len(data.val), len(data.test)) == (40, 10, 20)
    image, label = data.val[3]
    assert (image.shape, label) == ((3, 32, 32), 3)
    assert image[:, 2:30, 2:30].unique().tolist() == [43]
    assert image.sum() == 43 * 28 * 28 * 3
    assert data.test[11][0].max() == 11
    assert len(load_data(f"fashion-mnist:{clothes}", train=20).train) == 20
    with pytest.raises(DataError, match="unknown split 'tset'; did you mean test"):
        load_data(f"fashion-mnist:{clothes}", tset=20)


def test_other_data_in_the_format_of_the_clothes_are_another_set(clothes):
    """What is kept of a set, such as its colours, is kept by its name."""
    before = load_data(f"fashion-mnist:{clothes}").train.name
    assert load_data(f"fashion-mnist:{clothes}").train.name == before
    digits = idx(np.ones((50, 28, 28)))
    (clothes / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(digits))
    assert load_data(f"fashion-mnist:{clothes}").train.name != before


@pytest.mark.parametrize("damage", ["cut", "flipped", "text", "empty", "short"])
def test_damaged_clothes_are_refused(clothes, damage):
    file = clothes / "t10k-images-idx3-ubyte.gz"
    good = bytearray(file.read_bytes())
    flipped = bytearray(good)
    flipped[-6] ^= 255
    short = gzip.compress(gzip.decompress(good)[:-100])
    file.write_bytes({"cut": good[:-20], "flipped": flipped, "text": b"<html>", "empty": b"", "short": short}[damage])
    with pytest.raises(DataError, match=f"{file} is damaged .*: remove it and fetch it again"):
        load_data(f"fashion-mnist:{clothes}")


@pytest.mark.skipif(not CLOTHES, reason="Debian's package dataset-fashion-mnist is not installed")
def test_debians_clothes_are_torchvisions(tmp_path):
    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for file in fashion.DEBIAN.glob("*.gz"):
        (raw / file.stem).write_bytes(gzip.decompress(file.read_bytes()))
    data = load_data("fashion-mnist")
    assert (len(data.train), len(data.val), len(data.test)) == (55_000, 5_000, 10_000)
    assert Counter(data.test.labels.tolist()) == Counter(dict.fromkeys(range(10), 1000))
    theirs = FashionMNIST(str(tmp_path), train=True)
    for ours, number in ((data.train, 0), (data.train, 54_999), (data.val, 55_000), (data.val, 59_999)):
        image, label = ours[number % 55_000]
        assert label == int(theirs.targets[number])
        assert torch.equal(image[1, 2:30, 2:30], theirs.data[number])


def test_where_there_is_no_home_folder_nothing_is_kept(monkeypatch):
    """As for a user whom a container does not know."""
    for name in ("VGGSTUDY_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)

    def homeless(_):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", homeless)
    assert cache.cached("colours", lambda: {"mean": np.arange(3)})["mean"].tolist() == [0, 1, 2]
