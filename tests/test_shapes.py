"""The made images: the same bytes everywhere, and what is said of them is true."""

from __future__ import annotations

import numpy as np
import pytest

from vggstudy import shapes


@pytest.fixture(scope="module")
def drawn() -> shapes.Shapes:
    return shapes.draw(160)


def test_bytes_are_pinned():
    assert shapes.digest(shapes.draw(80)) == shapes.DIGEST


def test_everything_stays_float32():
    dice = shapes._Dice(0, np.arange(20))
    x = np.arange(64, dtype=np.float32)
    fields = [
        dice(),
        dice(-1, 1),
        dice.colour(20, 90),
        dice.noise((20, 3, 4, 4), 14),
        shapes._background(dice, x, x, 64),
    ]
    fields += shapes._turned(x, x, dice())
    fields += [function(x, x) for _, function in shapes.OUTLINES.values()]
    fields += [function(x, x, dice()) for function in shapes.TEXTURES.values()]
    assert {field.dtype for field in fields} == {np.dtype(np.float32)}


def test_an_image_depends_on_seed_and_number_only(drawn):
    alone = shapes.draw(13, start=87)
    for k in range(13):
        np.testing.assert_array_equal(alone.images[k], drawn.images[87 + k])
    np.testing.assert_array_equal(alone.labels, drawn.labels[87:100])
    np.testing.assert_array_equal(alone.boxes, drawn.boxes[87:100])
    assert not np.array_equal(shapes.draw(1, seed=1).images[0], drawn.images[0])


def test_classes_and_sizes_are_even(drawn):
    assert np.bincount(drawn.labels).tolist() == [8] * 20
    for size in shapes.SIZES:
        inside = [label for image, label in zip(drawn.images, drawn.labels, strict=True) if image.shape[1:] == size]
        assert sorted(inside) == sorted([*range(20)] * 2)


def test_classes_name_texture_and_outline():
    assert len(set(shapes.CLASSES)) == 20
    assert shapes.CLASSES[0] == "stripes triangle"
    assert shapes.CLASSES[19] == "rings disc"


def test_mask_and_box_are_where_the_object_is(drawn):
    for image, mask, (left, top, right, bottom) in zip(drawn.images, drawn.masks, drawn.boxes, strict=True):
        assert mask.shape == image.shape[1:]
        assert mask[top:bottom, left:right].sum() == mask.sum() > 0
        edges = mask[top, :], mask[bottom - 1, :], mask[:, left], mask[:, right - 1]
        assert all(edge.any() for edge in edges)
    brightest = [
        image.max(0)[mask].mean() - image.max(0)[~mask].mean()
        for image, mask in zip(drawn.images, drawn.masks, strict=True)
    ]
    assert min(brightest) > 0  # a mask that is mirrored or shifted does not lie on the bright object


def test_outlines_have_equal_areas():
    """Else the class could be read from how much is bright."""
    v, u = np.mgrid[-1.5:1.5:601j, -1.5:1.5:601j].astype(np.float32)
    areas = [(function(u, v) < level).mean() * 9 for level, function in shapes.OUTLINES.values()]
    np.testing.assert_allclose(areas, np.pi * 0.72**2, rtol=0.02)


def test_star_has_five_points():
    level, star = shapes.OUTLINES["star"]
    angle = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    ring = star((0.8 * np.sin(angle)).astype(np.float32), (-0.8 * np.cos(angle)).astype(np.float32)) < level
    assert np.count_nonzero(ring & ~np.roll(ring, 1)) == 5
    assert ring[0]


def test_sizes_of_objects_vary(drawn):
    sizes = shapes.object_sizes(drawn, 100)
    assert min(sizes) < 50
    assert max(sizes) > 85
    left, top, right, bottom = drawn.boxes[0]
    assert sizes[0] == max(right - left, bottom - top) * 100 / 64


def test_colour_does_not_tell_the_class():
    many = shapes.draw(800, seed=5)
    means = np.array([image.mean((1, 2)) for image in many.images])
    by_class = np.array([means[many.labels == k].mean(0) for k in range(20)])
    assert by_class.std(0).max() < means.std(0).min() / 2


def test_none_is_none():
    assert shapes.draw(0).images == ()
    assert shapes.draw(0).boxes.shape == (0, 4)
