"""The bench of section 2.3: its numbers, and what it says to a mistake."""

from __future__ import annotations

import pytest

from vggstudy.configs import CONFIGS, parse
from vggstudy.errors import ConfigError
from vggstudy.widgets import ReceptiveFieldBench
from vggstudy.widgets.receptive_field import compare, receptive_field_states

STATES = receptive_field_states()


def test_three_layers_of_three_have_27_c_squared_weights_against_49():
    """Section 2.3: 81% more for the single layer.  Biases are not counted, and the first layer reads C channels."""
    weights = STATES["3,3,64"].row("Weights")
    assert (weights.stack, weights.single) == (27 * 64**2, 49 * 64**2)
    assert weights.stack_text == "27 C² = 110,592" and weights.single_text == "49 C² = 200,704"
    assert weights.single / weights.stack == pytest.approx(1.81, abs=0.005)


@pytest.mark.parametrize(
    ("key", "fields"), [("3,2,64", (3, 5)), ("3,3,512", (3, 5, 7)), ("5,2,128", (5, 9)), ("5,1,256", (5,))]
)
def test_the_receptive_field_grows_by_the_kernel_less_one(key, fields):
    assert STATES[key].fields == fields
    assert STATES[key].single.startswith(f"conv{fields[-1]}-")


def test_every_position_of_the_controls_has_a_state():
    assert len(STATES) == 2 * 5 * 4


def test_work_and_memory_are_those_of_the_map_on_which_the_paper_has_so_many_channels():
    state = STATES["3,2,256"]
    assert state.side == 56
    assert state.row("MACs").stack == 2 * 9 * 256**2 * 56**2
    assert state.row("MACs").single == 25 * 256**2 * 56**2
    assert state.row("Activations").stack == 2 * 256 * 56**2 * 4
    assert (state.row("ReLUs").stack, state.row("ReLUs").single) == (2, 1)


def test_a_single_layer_equals_itself():
    assert all(row.stack == row.single and row.shares == (1, 1) for row in STATES["5,1,64"].rows)


def test_bars_are_shares_of_the_larger_one():
    assert STATES["3,3,64"].row("Weights").shares == (round(27 / 49, 4), 1)


def test_a_readers_own_stack_may_pool_and_widen():
    state = compare(parse("conv5-64 conv3-128 | conv3-128"), side=224)
    assert state.fields == (5, 7, 8, 12)
    assert state.row("Weights").stack == 25 * 64 * 64 + 9 * 64 * 128 + 9 * 128 * 128
    assert state.row("Weights").single == 12**2 * 64 * 128
    assert state.row("MACs").single == 12**2 * 64 * 128 * 112**2
    assert state.row("Weights").stack_text == "323,584"


def test_the_whole_of_a_configuration_can_be_its_stack():
    assert compare(CONFIGS["D"], side=224).fields[-1] == 212


def test_the_repr_is_the_same_every_time():
    assert repr(ReceptiveFieldBench(layers=2)) == "ReceptiveFieldBench(kernel=3, layers=2, channels=64, stack='')"


def test_the_comparison_follows_the_controls():
    bench = ReceptiveFieldBench()
    assert bench.own is None  # an empty table would be drawn in place of the states
    bench.layers, bench.kernel, bench.channels = 2, 5, 128
    assert bench.comparison == STATES["5,2,128"]
    bench.stack = "conv7-64"
    assert bench.comparison.single == "conv7-64"


@pytest.mark.parametrize(
    ("wrong", "name", "allowed"),
    [
        ({"kernel": 4}, "kernel '4'", "3, 5"),
        ({"layers": 9}, "layers '9'", "1, 2, 3, 4, 5"),
        ({"channels": 65}, "channels '65'", "64, 128"),
    ],
)
def test_the_constructor_names_what_is_wrong_and_what_is_allowed(wrong, name, allowed):
    with pytest.raises(ConfigError, match=name) as caught:
        ReceptiveFieldBench(**wrong)
    assert allowed in str(caught.value)


def test_a_bad_stack_in_a_cell_is_an_error_of_the_cell():
    with pytest.raises(ConfigError, match="conv2-64"):
        ReceptiveFieldBench(stack="conv2-64")


def test_a_bad_stack_in_the_page_is_shown_there_and_gone_when_mended():
    bench = ReceptiveFieldBench()
    bench.stack = "conv3-64 konv3-64"
    assert "konv3-64" in bench.error and bench.own is None
    bench.stack = "conv3-64 LRN"
    assert "LRN is not compared" in bench.error
    bench.stack = "conv3-64"
    assert bench.error == "" and bench.own["single"] == "conv3-64"


def test_a_fault_of_ours_is_shown_and_raised(monkeypatch):
    monkeypatch.setattr("vggstudy.widgets.receptive_field.compare_own", lambda stack: 1 / 0)
    bench = ReceptiveFieldBench()
    with pytest.raises(ZeroDivisionError):
        bench.stack = "conv3-64"
    assert bench.error == "ZeroDivisionError: division by zero"


def test_the_widget_is_light_enough_for_a_page():
    bench = ReceptiveFieldBench()
    assert len(repr(bench.get_state())) < 60_000
