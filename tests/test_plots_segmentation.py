import matplotlib.pyplot as plt
import numpy as np
import pytest

from vggstudy.plots import segmentation as plots


@pytest.fixture(autouse=True)
def figures_come_back_closed():
    yield
    assert not plt.get_fignums()


def test_windows_are_lines_and_fields_are_dashes_and_all_of_them_is_seen():
    figure = plots.plot_positions((384, 512), {"(0, 0)": ((0, 0, 224, 224), (-90, -90, 314, 314))})
    [ax] = figure.axes
    picture, window, field = ax.patches
    assert (picture.get_width(), picture.get_height()) == (512, 384)
    assert window.get_bbox().extents.tolist() == [0, 0, 224, 224] and window.get_linestyle() == "-"
    assert field.get_bbox().extents.tolist() == [-90, -90, 314, 314] and field.get_linestyle() == "--"
    assert ax.lines[0].get_xydata().tolist() == [[112, 112]]
    low, high = sorted(ax.get_xlim())
    assert low < -90 and high > 512


def test_each_class_has_a_colour_of_its_own_and_runs_share_a_hue():
    colours = plots.class_colours(21)
    assert colours.shape == (21, 3) and len(np.unique(colours.round(3), axis=0)) == 21
    assert plots.class_colours(60).shape == (60, 3)


def test_pixels_get_their_classes_colour_and_wrong_ones_are_counted():
    picture = np.zeros((3, 4, 6), np.uint8)
    true = np.zeros((4, 6), int)
    true[:2] = 3
    taken = true.copy()
    taken[0, :3] = 1
    figure = plots.plot_segmentations([picture, picture], {"true": [true, true], "net": [taken, true]}, 5, "true")
    images = [ax.images[0].get_array() for ax in figure.axes]
    colours = plots.class_colours(5)
    assert len(images) == 6 and np.allclose(images[1], colours[true]) and np.allclose(images[2], colours[taken])
    titles = [ax.get_title("left") for ax in figure.axes]
    assert titles == ["picture", "true", "net: 12.5% wrong", "", "", "0.0% wrong"]
