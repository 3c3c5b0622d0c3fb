import matplotlib.pyplot as plt
import numpy as np
import pytest

from vggstudy.plots import one_by_one, style


@pytest.fixture(autouse=True)
def figures_come_back_closed():
    yield
    assert not plt.get_fignums()


def test_each_unit_has_a_panel_beside_the_picture():
    picture = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)
    maps = {"grey": np.ones((2, 2)), "redder": np.eye(2)}
    shown, *panels = one_by_one.plot_units(picture, maps).axes
    assert shown.images[0].get_array()[0, 1].tolist() == [1, 5, 9]
    assert [panel.get_title(loc="left") for panel in panels] == list(maps)
    assert np.array_equal(panels[1].images[0].get_array(), np.eye(2))


def test_a_silent_place_of_the_plane_is_left_empty():
    ax = one_by_one.plot_plane({"unit": [[0, 0.5], [0, 1]]}).axes[0]
    values = ax.images[0].get_array()
    assert np.ma.getmaskarray(values).tolist() == [[True, False], [True, False]]
    assert ax.images[0].origin == "lower"  # rows are the second channel, upwards
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("red", "green")


def test_added_layers_stand_in_the_colours_of_their_nets():
    costs = {"parameters": {"C": {"conv3_3": 65_792}, "D": {"conv3_3": 590_080}}}
    ax = one_by_one.plot_added(costs).axes[0]
    assert [bar.get_width() for bar in ax.patches] == [65_792, 590_080]
    assert [text.get_text() for text in ax.texts] == ["65.8 k", "590 k"]
    assert ax.patches[1].get_facecolor()[:3] == pytest.approx(plt.matplotlib.colors.to_rgb(style.COLOURS["D"]))


def test_pixels_without_a_gradient_stay_empty_and_the_box_frames_the_others():
    gradient = np.zeros((8, 8))
    gradient[2:6, 1:5] = 3.0
    ax = one_by_one.plot_fields({"C": gradient}, {"C": (1, 2, 5, 6)}).axes[0]
    assert np.array_equal(~np.ma.getmaskarray(ax.images[0].get_array()), gradient > 0)
    assert ax.patches[0].get_bbox().extents.tolist() == [0.5, 1.5, 4.5, 5.5]  # pixel 1 begins at 0.5
    assert ax.get_title(loc="left") == "C: 4 pixels"


def test_only_a_gain_beyond_its_interval_is_coloured():
    rows = {"dense": (0.5, -0.1, 1.1), "crops": (1.0, 0.2, 1.8), "centre": (-1.0, -1.8, -0.2)}
    ax = one_by_one.plot_gains({"C over B": rows}, {"C over B": 0.6}).axes[0]
    points = [line for line in ax.lines if line.get_marker() == "o"]
    assert [line.get_color() for line in points] == [style.MUTED, style.BLUE, style.RED]
    assert [line.get_xdata()[0] for line in points] == [0.5, 1.0, -1.0]
    assert ax.lines[-1].get_xdata()[0] == 0.6
    assert "+0.6" in ax.texts[0].get_text()


def test_a_bottleneck_lies_end_to_end_and_is_summed():
    design = {"direct": [("conv3-256", 589_824)], "reduced": [("conv1-64", 10), ("conv3-64", 20), ("conv1-256", 10)]}
    ax = one_by_one.plot_bottlenecks({"ResNet": design}).axes[0]
    assert [bar.get_x() for bar in ax.patches] == [0, 0, 10, 30]
    assert [text.get_text() for text in ax.texts] == ["589,824", "40"]
    shades = [bar.get_facecolor() for bar in ax.patches]
    assert shades[0] == shades[2] != shades[1] == shades[3]
