"""Coding exercises of the chapter on depth."""

from __future__ import annotations

from vggstudy.exercises import Exercise
from vggstudy.predecessors import PREDECESSORS, Convolution, output_side

Case = tuple[int, int, int, int, int, int, int]


def _cost(
    side: int, inputs: int, outputs: int, kernel: int, stride: int, padding: int, groups: int
) -> tuple[int, int, int]:
    weights = kernel**2 * (inputs // groups) * outputs
    map_side = output_side(side, kernel, stride, padding)
    return map_side, weights + outputs, weights * map_side**2


def _cases() -> tuple[Case, ...]:
    """A plain 3x3 layer first, then one that is strided, one that is padded, one that is grouped, and whole nets."""
    plain = (
        (14, 4, 8, 3, 1, 0, 1),
        (15, 4, 8, 3, 2, 0, 1),
        (14, 4, 8, 3, 1, 1, 1),
        (16, 4, 8, 3, 2, 0, 1),
        (14, 4, 8, 3, 1, 0, 2),
    )
    return plain + tuple(case for net in PREDECESSORS.values() for case in _layers(net))


def _layers(net) -> list[Case]:
    side, channels, cases = net.crop_size, 3, []
    for layer in net.layers:
        if isinstance(layer, Convolution):
            case = (side, channels, layer.channels, layer.kernel, layer.stride, layer.padding, layer.groups)
            side, channels = _cost(*case)[0], layer.channels
            cases.append(case)
        else:
            side = output_side(side, layer.kernel, layer.stride, ceil=layer.ceil)
    return cases


def _without_bias(side, inputs, outputs, kernel, stride, padding, groups):
    map_side, parameters, macs = _cost(side, inputs, outputs, kernel, stride, padding, groups)
    return map_side, parameters - outputs, macs


def _with_bias_in_macs(side, inputs, outputs, kernel, stride, padding, groups):
    map_side, parameters, _ = _cost(side, inputs, outputs, kernel, stride, padding, groups)
    return map_side, parameters, parameters * map_side**2


def _over_the_input(side, inputs, outputs, kernel, stride, padding, groups):
    map_side, parameters, macs = _cost(side, inputs, outputs, kernel, stride, padding, groups)
    return map_side, parameters, macs // map_side**2 * side**2


def _without_groups(side, inputs, outputs, kernel, stride, padding, groups):
    return _cost(side, inputs, outputs, kernel, stride, padding, 1)


def _padded_once(side, inputs, outputs, kernel, stride, padding, groups):
    return _cost(side + padding, inputs, outputs, kernel, stride, 0, groups)


def _rounded_up(side, inputs, outputs, kernel, stride, padding, groups):
    map_side = output_side(side, kernel, stride, padding, ceil=True)
    weights = kernel**2 * (inputs // groups) * outputs
    return map_side, weights + outputs, weights * map_side**2


EXERCISES = {
    "cost": Exercise(
        _cost,
        _cases(),
        slips={
            "each output channel has a bias, and it is a parameter.": _without_bias,
            "a bias is added, not multiplied: it is no MAC.": _with_bias_in_macs,
            "a weight is used once for each cell of the map that comes out, not of the one read.": _over_the_input,
            "in a layer of g groups an output channel reads one group only, inputs / g channels.": _without_groups,
            "there is padding at both sides.": _padded_once,
            "a place where the kernel does not fit makes no cell: round down.": _rounded_up,
        },
    ),
}
