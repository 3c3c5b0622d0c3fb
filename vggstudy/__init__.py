"""The VGG networks of Simonyan and Zisserman (2014), their trainer and their evaluator, small enough to read.

In reading order::

    paper       what the paper reports                          data only
    configs     what the paper defines: Table 1                 CONFIGS, parse, find_config
    analysis    shapes, receptive fields, parameters, MACs      trace, count_parameters, count_macs, receptive_field
    model       the networks, and their dense form              vgg, preprocess, score_map
    initialise  how weights begin                               initialise, preinitialise, forecast
    weights     weights from elsewhere                          load_weights
    data        data sets, and what becomes of an image         load_data, rescale
    train       section 3.1                                     TrainConfig, train
    checkpoint  what training leaves behind                     save_checkpoint, load_checkpoint
    evaluate    sections 3.2 and 4                              evaluate, fuse
    plots       records -> figures
    widgets     records -> things to play with

Names are loaded when they are first used, so `import vggstudy` is quick and needs no torch.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "CONFIGS": "configs", "Config": "configs", "parse": "configs", "find_config": "configs",
    "trace": "analysis", "count_parameters": "analysis", "count_macs": "analysis", "receptive_field": "analysis",
    "VGG": "model", "Preprocessing": "model", "vgg": "model", "preprocess": "model", "score_map": "model",
    "initialise": "initialise", "preinitialise": "initialise", "forecast": "initialise",
    "load_weights": "weights",
    "load_data": "data", "rescale": "augment",
    "TrainConfig": "train", "Step": "train", "train": "train",
    "save_checkpoint": "checkpoint", "load_checkpoint": "checkpoint",
    "Evaluation": "evaluate", "evaluate": "evaluate", "fuse": "evaluate", "class_score_map": "score_maps",
    "StudyError": "errors",
}  # fmt: skip

__all__ = sorted(_HOME)


class _Package(ModuleType):
    """The package: `train` and `evaluate` are its functions, even after the modules of these names are loaded."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (isinstance(value, ModuleType) and name in _HOME):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'vggstudy' has no attribute {name!r}")
    return getattr(import_module(f"vggstudy.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
