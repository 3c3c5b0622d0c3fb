"""The figures of images show the images, and the shares that were counted."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from vggstudy.plots.data import plot_object_sizes, plot_samples


@pytest.fixture(autouse=True)
def none_stays_open():
    yield
    assert plt.get_fignums() == []


def test_samples_are_the_images_in_order_at_one_scale():
    images = [np.full((3, 10 + k, 12 - k), 40 * k, np.uint8) for k in range(6)]
    images[1][0] = 255
    fig = plot_samples(images, [f"class {k}" for k in range(6)], columns=4)
    shown = [ax for ax in fig.axes if ax.images]
    assert len(fig.axes) == 8
    for k, ax in enumerate(shown):
        np.testing.assert_array_equal(ax.images[0].get_array(), images[k].transpose(1, 2, 0))
        assert ax.get_title("left") == f"class {k}"
    assert {(ax.get_xlim(), ax.get_ylim()) for ax in shown} == {((-0.5, 11.5), (14.5, -0.5))}


def test_samples_need_no_titles():
    assert len(plot_samples([np.zeros((3, 4, 4), np.uint8)]).axes) == 5


def test_sizes_are_shares_of_the_images():
    fig = plot_object_sizes({"S = 32": [3, 3, 9, 11], "S = 64": np.array([6.0, 6, 18, 22])}, {"crop": 16})
    (ax,) = fig.axes
    small, large = (patch.get_data() for patch in ax.patches[1::2])
    assert small.values[1] == 50
    assert small.values.sum() == large.values.sum() == 100
    assert large.values[[3, 9, 11]].tolist() == [50, 25, 25]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["S = 32", "S = 64"]
    assert ax.lines[0].get_xdata() == [16, 16]
