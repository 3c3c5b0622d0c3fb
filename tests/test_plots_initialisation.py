"""Figures of initialisation: every line is drawn, and a forecast has the colour of what it foretells."""

from vggstudy.plots.initialisation import plot_signals


def test_a_forecast_is_dashed_in_the_colour_of_the_line_before_it():
    panels = {"forwards": {"he": (1, 2), "he, forecast": (1, 3), "glorot": (4, 5)}, "backwards": {"he": (7, 8)}}
    upper, lower = plot_signals(("conv1_1", "fc6"), panels, dashed=("he, forecast",)).axes
    he, forecast, glorot = upper.lines
    assert forecast.get_linestyle() == "--" and he.get_linestyle() == glorot.get_linestyle() == "-"
    assert forecast.get_color() == he.get_color() != glorot.get_color()
    assert [list(line.get_ydata()) for line in (he, forecast, glorot)] == [[1, 2], [1, 3], [4, 5]]
    assert upper.get_title(loc="left") == "forwards" and lower.get_yscale() == "log"
