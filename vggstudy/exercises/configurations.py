"""Coding exercises of the chapter on configurations."""

from __future__ import annotations

from vggstudy.analysis import find_layer, trace
from vggstudy.configs import CONFIGS, Config, parse
from vggstudy.exercises import Exercise


def _fc6(config: Config, crop_size: int, fc_width: int) -> int:
    return find_layer(trace(config, crop_size=crop_size, fc_width=fc_width), "fc6").parameters


def _inputs(config: Config, crop_size: int) -> int:
    """Numbers that fc6 reads."""
    return config.convs[-1].channels * (crop_size // config.stride) ** 2


STACKS = (*CONFIGS.values(), parse("conv5-16 | conv3-20 LRN |"), parse("conv3-8 conv3-24"))

EXERCISES = {
    "fc6": Exercise(
        _fc6,
        cases=tuple(
            (config, crop_size, fc_width)
            for crop_size, fc_width in ((224, 4096), (100, 64), (248, 100))
            for config in STACKS
        ),
        slips={
            "each of its units has a bias too.": (
                lambda config, crop_size, fc_width: _inputs(config, crop_size) * fc_width
            ),
            "one bias a unit of fc6, not one a channel that it reads.": (
                lambda config, crop_size, fc_width: _inputs(config, crop_size) * fc_width + config.convs[-1].channels
            ),
            "fc6 reads the whole map, every cell of every channel.": (
                lambda config, crop_size, fc_width: config.convs[-1].channels * fc_width + fc_width
            ),
            "the last map has two sides.": (
                lambda config, crop_size, fc_width: (
                    config.convs[-1].channels * (crop_size // config.stride) * fc_width + fc_width
                )
            ),
            "7×7 cells are what five pools leave of 224 pixels; count the pools and divide the crop.": (
                lambda config, crop_size, fc_width: config.convs[-1].channels * 49 * fc_width + fc_width
            ),
            "the last map has as many channels as the last convolution; 512 is the paper's number.": (
                lambda config, crop_size, fc_width: 512 * (crop_size // config.stride) ** 2 * fc_width + fc_width
            ),
            "a max-pool drops what does not fill a window: the side is rounded down.": (
                lambda config, crop_size, fc_width: (
                    config.convs[-1].channels * round(crop_size / config.stride) ** 2 * fc_width + fc_width
                )
            ),
        },
    ),
}
