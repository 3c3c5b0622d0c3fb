"""Figures of what came after VGG: what is drawn is what was given."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from vggstudy.plots import after as plots


@pytest.fixture(autouse=True)
def figures_come_back_closed():
    yield
    assert not plt.get_fignums()


def test_layers_are_means_within_the_spread_and_pixels_are_level():
    panel = {
        "trained": {"pool1": [40.0, 44.0], "fc7": [60.0, 62.0]},
        "random": {"pool1": [50.0, 52.0], "fc7": [30.0, 40.0]},
        "pixels": {"": [20.0, 24.0]},
    }
    figure = plots.plot_layers({"100 photographs": panel, "500": panel}, line="pixels")
    first = figure.axes[0]
    trained, random, pixels = first.lines
    assert trained.get_ydata().tolist() == [42, 61] and random.get_ydata().tolist() == [51, 35]
    assert set(pixels.get_ydata()) == {22}
    assert [tick.get_text() for tick in first.get_xticklabels()] == ["pool1", "fc7"]
    low, high = first.collections[0].get_paths()[0].vertices[:, 1].min(), first.collections[0].get_paths()[0].vertices
    assert low == 40 and high[:, 1].max() == 62
    assert [text.get_text() for text in figure.axes[-1].get_legend().texts] == ["trained", "random", "pixels"]


def test_boxes_lie_where_they_were_given():
    image = np.zeros((3, 20, 30), np.uint8)
    figure = plots.plot_boxes([image, image], {"true": [[1, 2, 11, 7], [0, 0, 5, 5]], "one": [[2, 2, 12, 8]] * 2}, "ab")
    true, one = figure.axes[0].patches
    assert (*true.get_xy(), true.get_width(), true.get_height()) == (1, 2, 10, 5)
    assert (*one.get_xy(), one.get_width(), one.get_height()) == (2, 2, 10, 6)
    assert figure.axes[0].get_xlim() == (0, 30) and figure.axes[0].get_ylim() == (20, 0)
    assert [text.get_text() for text in figure.legends[0].texts] == ["true", "one"]


def test_overlap_by_number_of_images():
    figure = plots.plot_overlap({"one box": {200: 0.6, 400: 0.7}, "a box each": {200: 0.5, 400: 0.8}})
    one, each = figure.axes[0].lines
    assert list(one.get_ydata()) == [0.6, 0.7] and list(each.get_xdata()) == [200, 400]
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == ["200", "400"]


def test_shares_fill_each_bar_and_the_total_stands_at_its_end():
    nets = {"lean": {"3×3": 3_000_000, "fully connected": 1_000_000}, "heavy": {"3×3": 0, "fully connected": 9_000_000}}
    figure = plots.plot_shares({"Parameters": nets}, {"Parameters": (1e6, "{:.1f} M")})
    ax = figure.axes[0]
    widths = [bar.get_width() for bar in ax.patches]
    assert widths == [75, 0, 25, 100]
    assert [text.get_text() for text in ax.texts] == ["4.0 M", "9.0 M"]
