import matplotlib.pyplot as plt
import numpy as np
import pytest

from vggstudy.plots import multi_crop as plots


@pytest.fixture(autouse=True)
def figures_come_back_closed():
    yield
    assert not plt.get_fignums()


def test_crops_lie_where_they_are_cut_and_their_values_row_by_row():
    corners = [(top, left) for top in (0, 5, 10) for left in (0, 20, 40)]
    figure = plots.plot_crop_grid(np.zeros((3, 30, 60), np.uint8), corners, 20, np.arange(9) / 10)
    left, right = figure.axes
    assert [(patch.get_y(), patch.get_x()) for patch in left.patches] == corners
    marked = [place for place, patch in enumerate(left.patches) if patch.get_linewidth() == 2]
    assert marked == [0, 4, 8]
    assert np.allclose(right.collections[0].get_array().reshape(3, 3)[2], [0.6, 0.7, 0.8])


def test_equal_cells_are_framed():
    cells = np.array([[30.0, 12.0], [7.0, 0.004]])
    figure = plots.plot_cell_differences({"D": cells, "E": cells + 1}, equal=0.01)
    first, second = figure.axes
    assert [patch.get_xy() for patch in first.patches] == [(1, 1)] and not second.patches
    assert np.allclose(np.asarray(second.collections[0].get_array()).reshape(2, 2), cells + 1)


def test_costs_are_bars_in_the_given_order():
    figure = plots.plot_protocol_costs({"dense": 325.0, "150 crops": 2321.0})
    [ax] = figure.axes
    assert [bar.get_width() for bar in ax.patches] == [325.0, 2321.0]
    assert [text.get_text().strip() for text in ax.texts] == ["325", "2,321"]
    assert ax.yaxis_inverted()
