"""The configuration explorer: its table is the library's arithmetic, its rows are Table 1's, its differences real."""

import json
from dataclasses import replace

import numpy as np
import pytest

from vggstudy.analysis import trace
from vggstudy.configs import CONFIGS, find_config, parse
from vggstudy.errors import ConfigError, DataError
from vggstudy.widgets.configuration_explorer import ConfigurationExplorer, configuration_table


def column(name, table=None):
    return next(column for column in table or configuration_table(CONFIGS.values()) if column.name == name)


def cells(name, table=None):
    return {cell.name: cell for cell in column(name, table).cells if cell}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_column_holds_every_layer_of_its_trace(name):
    assert [cell.name for cell in column(name).cells if cell] == [layer.name for layer in trace(name)[1:]]


def test_a_layer_is_told_in_full():
    fc6 = cells("D")["fc6"]
    assert (fc6.label, fc6.shape, fc6.receptive_field, fc6.stride) == ("FC-4096", "4096 × 1 × 1", 404, 32)
    assert fc6.texts == ("102,764,544", "103 M", "16.4 kB")
    assert fc6.shares[0] == 74.3 and fc6.lengths[0] == 1  # three quarters of all parameters, the longest bar
    assert cells("C")["conv3_3"].label == "conv1-256"


def test_the_box_is_that_of_the_middle_cell():
    pool5 = cells("D")["pool5"]  # 7 x 7 cells
    left, top, right, bottom = pool5.box
    assert (right - left, bottom - top) == (212, 212)
    assert (left + right) / 2 == 112


@pytest.mark.parametrize("measure", range(3))
def test_shares_of_a_net_add_up(measure):
    for name in CONFIGS:
        assert sum(cell.shares[measure] for cell in cells(name).values()) == pytest.approx(100, abs=0.6)


def test_blocks_pools_and_fully_connected_layers_stand_in_the_same_rows():
    small = replace(find_config("D").without_last_pool(), name="small")
    table = configuration_table([*CONFIGS.values(), small, parse("conv3-64 |")])
    assert len({len(column.cells) for column in table}) == 1
    for row in zip(*(column.cells for column in table), strict=True):
        kinds = {cell.kind.replace("lrn", "conv") for cell in row if cell}
        assert len(kinds) == 1


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        ("A-LRN", "A", {"lrn1_1"}),
        ("A", "A-LRN", set()),
        ("B", "A", {"conv1_2", "conv2_2"}),
        ("C", "D", {"conv3_3", "conv4_3", "conv5_3"}),
        ("D", "C", {"conv3_3", "conv4_3", "conv5_3"}),
        ("E", "D", {"conv3_4", "conv4_4", "conv5_4"}),
        ("D", "D", set()),
    ],
)
def test_differences_are_the_bold_entries_of_table_1(one, other, differ):
    assert {name for name, cell in cells(one).items() if other in cell.differs} == differ


def test_a_stack_of_ones_own_joins_the_table_and_is_compared():
    widget = ConfigurationExplorer(config="D", layer="conv1_1")
    widget.add("conv5-64 | conv3-128 |")
    widget.add("conv7-64 | conv3-128 |")  # the same name: replaced
    assert [column["name"] for column in widget.columns] == [*CONFIGS, "yours"]
    assert repr(widget) == "ConfigurationExplorer(config='yours', layer='fc6', compared='D', measure='parameters')"
    assert cells("yours", widget._table)["conv1_1"].label == "conv7-64"
    assert "yours" in cells("D", widget._table)["conv1_1"].differs


def test_a_stack_typed_on_the_page_is_added_or_its_error_shown():
    widget = ConfigurationExplorer()
    widget.set_state({"stack": "conv4-64 |"})
    assert "conv4-64" in widget.error and len(widget.columns) == 6
    widget.set_state({"stack": "conv5-64 |"})
    assert widget.error == "" and widget.config == "yours"


@pytest.mark.parametrize(
    ("arguments", "quoted"),
    [
        ({"config": "F"}, "'F'"),
        ({"layer": "conv9_9"}, "'conv9_9'.*conv5_3"),
        ({"compared": "Z"}, "'Z'"),
        ({"measure": "flops"}, "'flops'.*parameters, macs, memory"),
    ],
)
def test_a_wrong_argument_is_quoted_with_what_is_allowed(arguments, quoted):
    with pytest.raises(ConfigError, match=quoted):
        ConfigurationExplorer(**arguments)


def test_a_name_of_the_paper_is_not_given_away_nor_a_picture_of_floats_drawn():
    with pytest.raises(ConfigError, match="name='D'"):
        ConfigurationExplorer().add("conv3-64 |", name="D")
    with pytest.raises(DataError, match="float64"):
        ConfigurationExplorer(picture=np.zeros((3, 64, 64)))


def test_the_state_is_small():
    assert len(json.dumps(ConfigurationExplorer().get_state(), default=str)) < 60_000
