"""From image to crop: isotropic, evenly drawn, and the same whatever the batch."""

from __future__ import annotations

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2.functional import resize

from vggstudy import augment
from vggstudy.augment import (
    Augmentation,
    antialiased,
    antialiased_as_floats,
    release_device_images,
    rescale,
    sample_batch,
)
from vggstudy.colour import ColourPCA, colour_pca, mean_rgb
from vggstudy.errors import ConfigError, DataError
from vggstudy.imageset import ImageSet

SHAPES = [(64, 64), (64, 80), (80, 64), (72, 90), (33, 100)]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("VGGSTUDY_CACHE", str(tmp_path))


def image_set(images: list[torch.Tensor], name: str = "few") -> ImageSet:
    return ImageSet(images.__getitem__, torch.arange(len(images)), lambda i: f"{name}/{i}", name)


def noise(count: int, shapes=SHAPES) -> ImageSet:
    generator = torch.Generator().manual_seed(0)
    sizes = [shapes[i % len(shapes)] for i in range(count)]
    return image_set([torch.randint(256, (3, *size), dtype=torch.uint8, generator=generator) for size in sizes])


def coordinates(count: int, height: int = 60, width: int = 80) -> ImageSet:
    """Red is the column, green the row: a crop tells where it was cut, and whether it was flipped."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    image = torch.stack([columns, rows, torch.zeros_like(rows)]).to(torch.uint8)
    return image_set([image] * count, "coordinates")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [32, 40, 65, 101])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_rescale_is_torchvisions_resize(shape, size, interpolation):
    image = torch.randint(256, (3, *shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    ours = rescale(image, size, interpolation)
    theirs = resize(image, [size], InterpolationMode(interpolation), antialias=True)
    assert ours.dtype == torch.uint8
    assert ours.shape == theirs.shape
    assert (ours.int() - theirs.int()).abs().max() <= 1  # 0 with AVX2, else torchvision goes by way of float


def test_rescale_is_isotropic():
    """A disc stays a disc; squeezed to a square, the mutant of some tutorials, it is 1.5 times as tall as wide."""
    rows, columns = torch.meshgrid(torch.arange(100.0), torch.arange(150.0), indexing="ij")
    disc = ((rows - 50) ** 2 + (columns - 75) ** 2 < 30**2).to(torch.uint8).mul(255).expand(3, -1, -1)
    small = rescale(disc, 50)[0] > 127
    assert small.shape == (50, 75)
    assert abs(int(small.any(0).sum()) - int(small.any(1).sum())) <= 1
    squeezed = resize(disc, [50, 50])[0] > 127
    assert abs(int(squeezed.any(0).sum()) - int(squeezed.any(1).sum())) > 5


def test_rescale_is_antialiased():
    stripes = (torch.arange(128) % 2 * 255).to(torch.uint8).expand(3, 128, 128)
    inner = rescale(stripes, 40)[..., 2:-2].float()
    assert inner.std() < 10


def test_rescale_leaves_the_right_size_alone():
    image = torch.zeros(3, 40, 50, dtype=torch.uint8)
    assert rescale(image, 40) is image


def test_a_pixel_can_be_rescaled_and_a_sliver_is_refused():
    assert rescale(torch.full((3, 1, 1), 7, dtype=torch.uint8), 8).unique().tolist() == [7]
    with pytest.raises(DataError, match=r"100000x1 pixels become 25600000x256 at S = 256, .*: crop it or leave it out"):
        rescale(torch.zeros(3, 1, 100_000, dtype=torch.uint8), 256)


@pytest.mark.fault("T23")
@pytest.mark.parametrize("device", [None, torch.device("cpu")])
def test_a_sliver_among_the_training_images_is_named(device):
    images = noise(4, [(50, 50), (50, 60), (1, 20_000)])
    with pytest.raises(DataError, match=r"^few/2: 20000x1 pixels become 5120000x256 at S = 256"):
        sample_batch(images, range(4), 0, 0, Augmentation(224, 256), device)


@pytest.mark.parametrize("S", [40, (36, 56)])
def test_a_crop_depends_on_seed_epoch_and_image_only(S):
    augmentation = Augmentation(32, S)
    whole = sample_batch(noise(20), range(20), 3, 5, augmentation)
    order = [7, 19, 0, 7]
    other = sample_batch(noise(20), order, 3, 5, augmentation)
    for part, same in zip(whole, other, strict=True):
        assert torch.equal(part[order], same)
    for seed, epoch in ((4, 5), (3, 6)):
        changed = sample_batch(noise(20), range(20), seed, epoch, augmentation)
        assert (changed.images == whole.images).flatten(1).all(1).sum() <= 1
        assert not torch.isclose(changed.colour_shift, whole.colour_shift).any()


def test_memory_does_not_change_the_crops(monkeypatch):
    augmentation = Augmentation(32, (36, 56))
    images = noise(10)
    sample_batch(images, range(10), 0, 0, augmentation)
    kept = sample_batch(images, range(10), 0, 1, augmentation)
    monkeypatch.setattr(augment, "KEPT_BYTES", 20_000)
    few = noise(10)
    again = sample_batch(few, range(10), 0, 1, augmentation)
    assert torch.equal(kept.images, again.images)
    assert 0 < sum(image.nbytes for image in augment._kept[few].images.values()) <= 20_000


@pytest.mark.parametrize("S", [40, (36, 56)])
def test_a_device_cuts_the_same_crops_as_the_host(S):
    images, how = noise(9), Augmentation(32, S)
    here = sample_batch(images, range(9), seed=3, epoch=1, augmentation=how)
    there = sample_batch(images, range(9), seed=3, epoch=1, augmentation=how, device=torch.device("cpu"))
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(here, there, strict=True))


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_floats_give_the_same_pixels_as_bytes_up_to_a_level(interpolation):
    image = coordinates(1)[0][0][None]
    here, there = (resize(image, (50, 70), interpolation) for resize in (antialiased, antialiased_as_floats))
    assert there.dtype == torch.uint8 and (here.int() - there.int()).abs().max() <= 1


def test_what_is_kept_goes_with_the_data_set():
    images = noise(3)
    sample_batch(images, range(3), 0, 0, Augmentation(32, 40))
    gone = weakref.ref(images)
    del images
    gc.collect()
    assert gone() is None


def test_what_is_kept_on_a_device_can_be_released(monkeypatch):
    monkeypatch.setattr(augment, "KEPT_BYTES", 100_000)
    images, how, device = noise(10), Augmentation(32, 40), torch.device("cpu")  # any device but the host's None

    def draw(device):
        return sample_batch(images, range(10), 0, 0, how, device)

    here = draw(None).images
    on_host = dict(augment._kept[images].images)
    there = draw(device).images
    assert 0 < len(on_host) < len(augment._kept[images].images) < 20
    release_device_images(images)
    assert augment._kept[images].images.keys() == on_host.keys()
    assert augment._kept[images].room == 100_000 - sum(image.nbytes for image in on_host.values())
    assert torch.equal(draw(device).images, there) and torch.equal(draw(None).images, here)
    release_device_images(noise(2))  # of which nothing is kept


def test_images_are_kept_and_released_by_several_threads_at_once(monkeypatch):
    """Two trainings on one data set; and two workers that rescale the same image keep it once."""
    monkeypatch.setattr(augment, "KEPT_BYTES", 300_000)
    images, how, device = noise(40), Augmentation(32, 32), torch.device("cpu")
    with ThreadPoolExecutor(4) as pool:
        drawn = [pool.submit(sample_batch, images, range(40), 0, epoch, how, device) for epoch in range(40)]
        released = [pool.submit(release_device_images, images) for _ in range(200)]
        for work in (*drawn, *released):
            work.result()
    release_device_images(images)
    assert augment._kept[images].room == 300_000


def test_crops_are_cut_from_the_image_at_every_place():
    count = 3000
    batch = sample_batch(coordinates(count), range(count), 0, 0, Augmentation(50, 60, flip=False, colour_std=0))
    left, top = batch.images[:, 0, 0, 0].long(), batch.images[:, 1, 0, 0].long()
    columns, rows = torch.arange(50), torch.arange(50)
    assert torch.equal(batch.images[:, 0].long(), (left[:, None, None] + columns).expand(-1, 50, -1))
    assert torch.equal(batch.images[:, 1].long(), (top[:, None, None] + rows[:, None]).expand(-1, -1, 50))
    assert (top.unique().tolist(), left.unique().tolist()) == ([*range(11)], [*range(31)])
    assert torch.bincount(top).min() > 200 and torch.bincount(left).min() > 60
    assert abs(np.corrcoef(top, left)[0, 1]) < 0.06


def test_half_of_the_crops_are_flipped_left_to_right():
    count = 1000
    batch = sample_batch(coordinates(count), range(count), 0, 0, Augmentation(50, 60, colour_std=0))
    flipped = batch.images[:, 0, 0, 0] > batch.images[:, 0, 0, -1]
    assert 440 < flipped.sum() < 560
    assert (batch.images[:, 1, 0, 0] < batch.images[:, 1, -1, 0]).all()
    plain = sample_batch(coordinates(count), range(count), 0, 0, Augmentation(50, 60, flip=False, colour_std=0))
    assert torch.equal(batch.images[flipped].flip(3), plain.images[flipped])


@pytest.mark.parametrize(("drawn", "ends"), [("integers", 1.0), ("continuous", 0.5)])
def test_S_is_drawn_evenly_up_to_both_ends(drawn, ends):
    scales = Augmentation(32, (32, 36), S_drawn=drawn).draw_S((np.arange(100_000) + 0.5) / 100_000)
    counts = np.bincount(scales)[32:]
    assert len(counts) == 5
    np.testing.assert_allclose(counts / counts[2], [ends, 1, 1, 1, ends], rtol=0.01)


def test_each_image_draws_its_own_S():
    """Drawn once a data set (a mutant seen in the wild), all crops would show the same share of the image."""
    count = 200
    batch = sample_batch(coordinates(count), range(count), 0, 0, Augmentation(30, (30, 60), flip=False, colour_std=0))
    spans = (batch.images[:, 0, 15, -1].int() - batch.images[:, 0, 15, 0].int()).unique()
    assert len(spans) > 20


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"crop_size": 224, "S": 200}, r"crop_size = 224 does not fit S = 200: allowed is 1 to 200"),
        ({"crop_size": 33, "S": (32, 64)}, r"crop_size = 33 does not fit S = \(32, 64\)"),
        ({"crop_size": 0}, r"crop_size = 0"),
        ({"crop_size": 32, "S": (64, 40)}, r"S = \(64, 40\) runs backwards"),
        ({"colour_std": -0.1}, r"colour_std = -0.1"),
        ({"colour_std": float("nan")}, r"colour_std = nan"),
        ({"interpolation": "nearest"}, r"interpolation = 'nearest': allowed are bilinear, bicubic"),
        ({"S_drawn": "once"}, r"S_drawn = 'once': allowed are integers, continuous"),
    ],
)
def test_settings_out_of_range_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        Augmentation(**options)


def test_defaults_are_the_papers():
    assert Augmentation() == Augmentation(crop_size=224, S=256, flip=True, colour_std=0.1)


def test_mean_and_components_are_those_of_the_pixels():
    images = noise(8, [(20, 20)])
    pixels = torch.cat([images[i][0].flatten(1) for i in range(8)], 1).double().numpy()
    np.testing.assert_allclose(mean_rgb(images), pixels.mean(1))
    pca = colour_pca(images)
    np.testing.assert_allclose(pca.vectors * pca.values @ pca.vectors.T, np.cov(pixels / 255, bias=True), atol=1e-12)
    assert (np.diff(pca.values) <= 0).all()


def test_colours_are_kept_on_the_disk_by_name(tmp_path):
    first = mean_rgb(image_set([torch.full((3, 4, 4), 10, dtype=torch.uint8)], "one"))
    assert mean_rgb(image_set([torch.full((3, 4, 4), 99, dtype=torch.uint8)], "one")) == first == (10, 10, 10)
    assert mean_rgb(image_set([torch.full((3, 4, 4), 99, dtype=torch.uint8)], "two")) == (99, 99, 99)
    assert len(list(tmp_path.iterdir())) == 2


def test_every_image_weighs_the_same_in_the_mean():
    images = [torch.zeros(3, 10, 10, dtype=torch.uint8), torch.full((3, 50, 50), 100, dtype=torch.uint8)]
    assert mean_rgb(image_set(images)) == pytest.approx((50, 50, 50))


def test_colour_shift_is_vectors_times_alpha_times_values():
    quarter = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    pca = ColourPCA(quarter, np.array([0.2, 0.1, 0.05]))
    np.testing.assert_allclose(pca.shift(np.array([[1.0, 2, 3]])), 255 * np.array([[-0.2, 0.2, 0.15]]))


def test_colour_shift_has_the_spread_that_was_asked_for():
    images = noise(2000, [(8, 8)])
    pca = colour_pca(images)
    shift = sample_batch(images, range(2000), 0, 0, Augmentation(8, 8)).colour_shift.double().numpy()
    alpha = shift @ pca.vectors / (255 * pca.values)
    np.testing.assert_allclose(alpha.std(0), 0.1, rtol=0.06)
    np.testing.assert_allclose(alpha.mean(0), 0, atol=0.01)
    assert np.abs(np.corrcoef(alpha.T) - np.eye(3)).max() < 0.08
    none = sample_batch(images, range(4), 0, 0, Augmentation(8, 8, colour_std=0)).colour_shift
    assert torch.equal(none, torch.zeros(4, 3))
