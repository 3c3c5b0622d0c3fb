import matplotlib.pyplot as plt
import numpy as np
import pytest

from vggstudy.analysis import count_macs, trace
from vggstudy.plots import depth, style
from vggstudy.predecessors import PREDECESSORS, trace_predecessor

NETS = {"AlexNet": trace_predecessor("AlexNet"), "ZFNet": trace_predecessor("ZFNet"), "D": trace("D")}


@pytest.fixture(autouse=True)
def figures_come_back_closed():
    yield
    assert not plt.get_fignums()


def test_neighbours_of_a_first_layer_lie_a_stride_apart_around_their_centres():
    ax = depth.plot_first_layers({"AlexNet": (11, 4), "D": (3, 1)}).axes[0]
    one, other = ax.patches[1].get_bbox(), ax.patches[3].get_bbox()
    assert (one.width, other.x0 - one.x0, other.y0 - one.y0) == (11, 4, 0)
    centres = set(zip(*ax.lines[0].get_data(), strict=True))
    assert ((one.x0 + one.x1) / 2, (one.y0 + one.y1) / 2) in centres
    assert len(centres) == 4**2  # corners at 0, 4, 8 and 12 of 24 pixels


def test_fields_end_after_the_last_pool():
    ax = depth.plot_field_by_layer(NETS).axes[0]
    alexnet, zfnet, d = ax.lines
    assert list(alexnet.get_ydata()) == [11, 51, 99, 131, 163, 195]
    assert d.get_ydata()[-1] == 212 and len(d.get_ydata()) == 14
    assert alexnet.get_color() == zfnet.get_color() == style.OTHER and d.get_color() == style.COLOURS["D"]
    assert alexnet.get_linestyle() != zfnet.get_linestyle()


def test_costs_are_split_and_add_up():
    parameters, macs = depth.plot_costs(NETS).axes
    widths = np.array([bar.get_width() for bar in macs.patches]).reshape(2, len(NETS))
    assert widths[:, 2].sum() * 1e9 == pytest.approx(count_macs("D"))
    assert widths[1, 2] * 1e9 == pytest.approx(sum(layer.macs for layer in NETS["D"] if layer.kind == "fc"))
    assert [text.get_text() for text in parameters.texts] == [" 61", " 62.4", " 138"]


def test_errors_stand_at_their_depth():
    ax = depth.plot_error_by_depth({"AlexNet": (8, 18.2)}, {"A": (11, 10.4), "B": (13, 9.9)}).axes[0]
    points = [tuple(np.ravel(line.get_data())) for line in ax.lines if len(line.get_xdata()) == 1]
    assert points == [(8, 18.2), (11, 10.4), (13, 9.9)]


def test_what_is_held_fixed_stays_white():
    factors = {"B → C": {"weight layers": 1.23, "field": 1.0}, "C → D": {"weight layers": 1.0, "field": 1.1}}
    ax = depth.plot_comparisons(factors, {"B → C": -0.6, "C → D": -1.1}, tolerance=0.125).axes[0]
    strength = ax.images[0].get_array()
    assert (strength > 0).tolist() == [[True, False], [False, False]]
    written = [text.get_text() for text in ax.texts]
    assert written[:4] == ["×1.23", "×1.00", "×1.00", "×1.10"] and written[4:6] == ["−0.6", "−1.1"]


def test_a_factor_and_its_inverse_are_as_strong():
    factors = {"one": {"a": 2.0, "b": 0.5}}
    (strength,) = depth.plot_comparisons(factors, {"one": 0}, tolerance=0.1).axes[0].images[0].get_array()
    assert strength[0] == strength[1] == 1


def test_kinks_stand_over_their_relus():
    ax = depth.plot_kinks_by_relus({"1": ([4, 4], [3, 4]), "6": ([100, 100], [90, 80])}).axes[0]
    assert [list(line.get_ydata()) for line in ax.lines[:2]] == [[3, 4], [90, 80]]
    assert ax.get_xscale() == ax.get_yscale() == "log"


def test_the_notation_of_the_nets_has_room_in_the_figures():
    assert len(PREDECESSORS) - 1 <= len(depth._DASHES)
