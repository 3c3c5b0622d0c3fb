"""Things to play with: each a pure function that makes a table of states, and a widget that looks up and draws.

A widget needs no kernel: all it can show travels with the page.  On a kernel the same object also takes the reader's
own stack, picture or net, and tells Python what was chosen.
"""

from importlib import import_module
from typing import Any

_HOME = {
    "ConfigurationExplorer": "configuration_explorer",
    "EffectiveReceptiveField": "effective_field",
    "EvaluationAblation": "ablation",
    "LadderAndFusion": "ladder_and_fusion",
    "LiveCurves": "live_curves",
    "PaddingMicroscope": "padding_microscope",
    "PreInitialisationLab": "preinitialisation",
    "Predict": "predict",
    "ReceptiveFieldBench": "receptive_field",
    "ScaleJitterViewer": "scale_jitter",
    "ScoreMapViewer": "score_map",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'vggstudy.widgets' has no attribute {name!r}")
    return getattr(import_module(f"vggstudy.widgets.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
