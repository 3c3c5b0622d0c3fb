import matplotlib.pyplot as plt
import numpy as np
import pytest

from vggstudy.analysis import count_parameters, find_layer, trace
from vggstudy.configs import CONFIGS
from vggstudy.plots import architecture, style

TRACES = {name: trace(name) for name in CONFIGS}


def widths(ax):
    return [patch.get_width() for patch in ax.patches]


@pytest.fixture(autouse=True)
def figures_come_back_closed():
    yield
    assert not plt.get_fignums()


def test_each_configuration_has_a_colour_of_its_own():
    assert list(style.COLOURS) == list(CONFIGS)
    assert len({*style.COLOURS.values(), style.OTHER}) == len(CONFIGS) + 1
    assert style.colour("my stack") == style.OTHER


def test_the_theme_ends_with_the_figure():
    before = dict(plt.rcParams)
    figure = architecture.plot_weights_by_field((3, 5))
    assert dict(plt.rcParams) == before
    assert figure.get_facecolor() == plt.matplotlib.colors.to_rgba(style.CARD)


def test_routes_are_drawn_and_written():
    counts = np.outer([1, 2, 1], [1, 2, 1])
    ax = architecture.plot_routes({"stack": counts}).axes[0]
    assert np.array_equal(ax.images[0].get_array(), counts)
    assert [text.get_text() for text in ax.texts] == ["1", "2", "1", "2", "4", "2", "1", "2", "1"]


def test_weights_by_field():
    ax = architecture.plot_weights_by_field((3, 5, 7)).axes[0]
    assert [bar.get_height() for bar in ax.patches] == [9, 25, 49, 9, 18, 27]


def test_kinks_are_marked_on_the_line():
    position, values = np.linspace(-1, 1, 5), np.array([-1, -0.5, 0, 1, 2])
    ax = architecture.plot_kinks(position, {"one layer": (values, [2])}).axes[0]
    assert np.array_equal(ax.lines[0].get_ydata(), values)
    assert (ax.lines[1].get_xdata().item(), ax.lines[1].get_ydata().item()) == (0, 0)


def test_field_growth_ends_at_fc6():
    ax = architecture.plot_field_growth(TRACES).axes[0]
    for line, name in zip(ax.lines, CONFIGS, strict=False):
        assert len(line.get_xdata()) == CONFIGS[name].weight_layers - 2
        assert line.get_ydata()[-1] == find_layer(TRACES[name], "fc6").receptive_field
        assert line.get_color() == style.COLOURS[name]


def test_fields_lie_where_the_trace_puts_them():
    pool5 = find_layer(TRACES["D"], "pool5")
    ax = architecture.plot_fields_on_image(pool5, [(0, 6), (3, 3)]).axes[0]
    crop, first, centre = (patch.get_bbox().extents.tolist() for patch in ax.patches)
    assert crop == [0, 0, 224, 224]
    assert first == list(pool5.box(0, 6)) == [102, -90, 314, 122]
    assert centre == list(pool5.box(3, 3)) == [6, 6, 218, 218]
    assert ax.lines[1].get_xdata().item() == 111.5  # the centre of 224 pixels numbered from 0


def test_the_effective_field_and_its_profile():
    gradient = np.zeros((8, 8))
    gradient[2:6, 3:5] = 3, 1
    image, profile = architecture.plot_effective_field(gradient, 4).axes
    assert np.array_equal(image.images[0].get_array(), gradient)
    assert image.patches[0].get_bbox().extents.tolist() == [1.5, 1.5, 5.5, 5.5]
    assert [line.get_xdata()[0] for line in profile.lines] == [1.5, 5.5]
    assert profile.collections[0].get_paths()[0].vertices[:, 1].max() == 0.9  # of the squares


def test_the_parameter_split_adds_up_to_table_2():
    ax = architecture.plot_parameter_split(TRACES).axes[0]
    bars = np.array(widths(ax)).reshape(3, len(CONFIGS))
    assert np.allclose(bars.sum(axis=0) * 1e6, [count_parameters(name) for name in CONFIGS])
    assert np.allclose(bars[1] * 1e6, 102_764_544)
    starts = np.array([patch.get_x() for patch in ax.patches]).reshape(bars.shape)
    assert np.allclose(starts, np.cumsum(bars, axis=0) - bars)


def test_layer_shares_add_up_in_each_panel():
    panels = architecture.plot_layer_shares(TRACES["D"]).axes
    assert [panel.get_title(loc="left") for panel in panels] == ["parameters", "MACs", "activations"]
    for panel in panels:
        assert sum(widths(panel)) == pytest.approx(1)
    largest = [int(np.argmax(widths(panel))) for panel in panels]
    assert [TRACES["D"][place].name for place in largest] == ["fc6", "conv1_2", "conv1_1"]


def test_error_by_cost_places_each_net():
    ax = architecture.plot_error_by_cost({"A": 7.6, "E": 19.6}, {"A": 10.4, "E": 9.0}, "top-5 error, %").axes[0]
    points = [(line.get_xdata()[0], line.get_ydata()[0], line.get_color()) for line in ax.lines]
    assert points == [(7.6, 10.4, style.COLOURS["A"]), (19.6, 9.0, style.COLOURS["E"])]


def test_normalised_channels_stand_over_the_bars():
    ax = architecture.plot_normalised([1.0, 4.0], {"normalised": [0.5, 1.0]}).axes[0]
    assert [bar.get_height() for bar in ax.patches] == [1, 4]
    assert ax.lines[0].get_ydata().tolist() == [0.5, 1.0]
