"""The photographs in the package: balanced, labelled as the source labels them, splits apart."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch

from vggstudy.errors import DataError
from vggstudy.fashion_subset import CLASSES, PICTURE, load_fashion_subset, make_picture

SOURCE = Path("/usr/share/datasets/fashion-mnist")
needs_source = pytest.mark.skipif(not SOURCE.is_dir(), reason="dataset-fashion-mnist of Debian is needed")


def test_each_class_has_the_same_number_of_images():
    data = load_fashion_subset()
    for images, count in ((data.train, 500), (data.val, 100), (data.test, 100)):
        assert torch.bincount(images.labels).tolist() == [count] * len(CLASSES)


def test_an_image_is_a_grey_photograph_in_three_channels():
    image, label = load_fashion_subset().train[501]
    assert image.dtype == torch.uint8 and image.shape == (3, 28, 28) and label == 1
    assert torch.equal(image[0], image[2])
    assert 10 < image.float().mean() < 200


def test_no_image_is_in_two_splits():
    data = load_fashion_subset()
    splits = (data.train, data.val, data.test)
    seen = [{images[i][0][0].numpy().tobytes() for i in range(len(images))} for images in splits]
    assert not seen[0] & seen[1] and not seen[0] & seen[2] and not seen[1] & seen[2]


def test_a_part_of_a_split_is_still_balanced():
    assert torch.bincount(load_fashion_subset(train=50).train.labels).tolist() == [5] * len(CLASSES)


@pytest.mark.parametrize("bad", [{"root": "/tmp"}, {"test": 1001}, {"tset": 5}])
def test_what_cannot_be_given_is_refused(bad):
    with pytest.raises(DataError):
        load_fashion_subset(**bad)


@needs_source
def test_labels_are_those_of_the_source():
    def read(name: str, header: int) -> np.ndarray:
        return np.frombuffer(gzip.decompress((SOURCE / name).read_bytes()), np.uint8, offset=header)

    images, labels = read("t10k-images-idx3-ubyte.gz", 16), read("t10k-labels-idx1-ubyte.gz", 8)
    known = {image.tobytes(): label for image, label in zip(images.reshape(-1, 28, 28), labels, strict=True)}
    test = load_fashion_subset().test
    assert all(known[test[i][0][0].numpy().tobytes()] == test.labels[i] for i in range(len(test)))


@needs_source
@pytest.mark.slow
def test_the_picture_is_the_one_that_the_script_makes():
    from PIL import Image

    with PICTURE.open("rb") as file:
        assert np.array_equal(np.asarray(Image.open(file)), np.asarray(make_picture(SOURCE)))
