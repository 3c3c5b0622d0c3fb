"""The pre-initialisation lab: heights are logarithms on one axis, and odd values are left out instead of drawn."""

import json
from math import inf, nan

import pytest

from vggstudy.errors import ConfigError
from vggstudy.starts import FROM_A, Start
from vggstudy.widgets.preinitialisation import PreInitialisationLab, charts


def start(method="he", activations=(1.0, 10.0, 100.0), **record):
    return Start(method, ("conv1_1", "conv1_2", "fc6"), activations, (0.1, 0.01, 0.001), **record)


STARTS = {
    "A": (start(forecast=(1.0, 10.0, 10.0), paper_forecast=(1.0, 1.0, 1e9)),),
    "D": (
        start("normal", (1.0, 1e4, 1e4), forecast=(1.0, 1.0, 1.0), paper_forecast=(1.0, 1.0, 1.0)),
        start(FROM_A, copied=("conv1_1", "fc6")),
    ),
}


def test_all_configurations_share_a_logarithmic_axis():
    drawn = charts(STARTS, "activations")
    assert drawn["A"].lines[0].heights == (0.0, 0.25, 0.5)  # of four decades, which D needs
    assert drawn["A"].ticks == drawn["D"].ticks == ((0, "10⁰"), (0.25, "10¹"), (0.5, "10²"), (0.75, "10³"), (1, "10⁴"))
    assert drawn["A"].lines[0].texts == ("1", "10", "1e+02")


def test_forecasts_stand_beside_what_is_measured_where_there_are_any():
    lines = charts(STARTS, "activations")["D"].lines
    assert [(line.method, line.measured) for line in lines] == [("normal", True), ("normal", False), (FROM_A, True)]
    assert all(line.measured for line in charts(STARTS, "gradients")["D"].lines)
    assert charts(STARTS, "gradients")["D"].lines[0].heights == (1.0, 0.5, 0.0)  # of 0.001 to 0.1
    assert not any(line.measured for line in charts(STARTS, "paper")["D"].lines)


def test_what_has_no_logarithm_is_left_out():
    odd = {"A": (start(activations=(0.0, nan, inf)), start("glorot"))}
    first, second = charts(odd, "activations")["A"].lines
    assert first.heights == (None, None, None) and second.heights == (0.0, 0.5, 1.0)
    assert first.texts == ("0", "nan", "inf")


def test_one_size_everywhere_can_be_drawn():
    assert charts({"A": (start(activations=(1.0, 1.0, 1.0)),)}, "activations")["A"].lines[0].heights == (0, 0, 0)


def test_the_copied_layers_are_told():
    assert charts(STARTS, "activations")["D"].copied == ("conv1_1", "fc6")
    assert charts(STARTS, "activations")["A"].copied == ()


@pytest.mark.parametrize(
    ("arguments", "quoted"),
    [({"config": "Q"}, "'Q'.*A, D"), ({"view": "weights"}, "'weights'.*gradients"), ({"layer": 3}, "layer=3.*0 to 2")],
)
def test_a_wrong_argument_is_quoted_with_what_is_allowed(arguments, quoted):
    with pytest.raises(ConfigError, match=quoted):
        PreInitialisationLab(STARTS, **arguments)


def test_another_configuration_joins_the_lab():
    lab = PreInitialisationLab(STARTS)
    assert repr(lab) == "PreInitialisationLab(config='D', view='activations', layer=2)"
    lab.add("mine", [start(activations=(1e-3, 1.0, 1.0))])
    assert lab.config == "mine" and lab.charts["activations"]["D"]["ticks"][0][1] == "10⁻³"
    with pytest.raises(ConfigError, match="'B'"):
        lab.add("B", [start()])
    assert json.loads(json.dumps(lab.get_state()["charts"])) == json.loads(json.dumps(lab.charts))
