"""What holds for every widget: cells may be run again, errors are seen, markup is text, states are small and stable."""

import gc
import json

import pytest
import torch
from ipywidgets.widgets.widget import _instances
from stored import made_ablation
from traitlets import Int

from vggstudy import vgg, widgets
from vggstudy.fields import EffectiveField
from vggstudy.initialise import initialise
from vggstudy.shapes import draw
from vggstudy.starts import measure_starts
from vggstudy.widgets import (
    ConfigurationExplorer,
    EffectiveReceptiveField,
    EvaluationAblation,
    LadderAndFusion,
    LiveCurves,
    PaddingMicroscope,
    Predict,
    PreInitialisationLab,
    ReceptiveFieldBench,
    ScaleJitterViewer,
    ScoreMapViewer,
    cells,
)


def lab():
    net_a = initialise(vgg("A", num_classes=4, width=1 / 32, crop_size=32, fc_width=8), "he")
    return PreInitialisationLab({"D": measure_starts("D", net_a, torch.randn(2, 3, 32, 32), torch.arange(2))})


def viewer():
    net = vgg("A", num_classes=6, width=1 / 32, crop_size=32, fc_width=8)
    return ScoreMapViewer(initialise(net, "he"), {"made": draw(1).images[0]}, scales=(32, 64), Q=64)


STORED = made_ablation(n=20)
RECORDS = [
    {"step": step, "epoch": step / 50, "loss": 2.3, "lr": 0.02, "images_per_second": 500.0} for step in range(1, 99)
]
MAKERS = {
    "Predict": lambda: Predict("How many?", answer=3),
    "ReceptiveFieldBench": ReceptiveFieldBench,
    "ConfigurationExplorer": ConfigurationExplorer,
    "PreInitialisationLab": lab,
    "ScaleJitterViewer": lambda: ScaleJitterViewer(draw(20, seed=1)),
    "EffectiveReceptiveField": lambda: EffectiveReceptiveField(
        {"random": [EffectiveField("pool1", 6, 4, torch.ones(6, 6))]}
    ),
    "ScoreMapViewer": viewer,
    "PaddingMicroscope": lambda: PaddingMicroscope(("A",), "A", torch.ones(3, 224, 224, dtype=torch.uint8)),
    "LiveCurves": lambda: LiveCurves.replay({"A": RECORDS}, num_classes=10),
    "EvaluationAblation": lambda: EvaluationAblation(STORED),
    "LadderAndFusion": lambda: LadderAndFusion(STORED),
}
every_widget = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


@pytest.fixture
def run_cell(monkeypatch):
    """Runs a function as a notebook runs a cell: each time anew, the cell being the same."""
    runs = iter(range(1000))
    monkeypatch.setattr(cells, "_living", {})

    def run(cell, body):
        name = str(next(runs))
        monkeypatch.setattr(cells, "running_cell", lambda: (cell, name))
        return body()

    return run


@every_widget
@pytest.mark.fault("T43")
def test_a_cell_run_twenty_times_leaves_the_widgets_of_its_last_run(make, run_cell):
    run_cell("one", make)
    gc.collect()
    before = len(_instances)
    for _ in range(20):
        widget = run_cell("one", make)
    gc.collect()
    assert len(_instances) == before
    assert widget.model_id in _instances


def test_one_run_may_make_several_widgets_and_another_cell_leaves_them_alone(run_cell):
    first, second = run_cell("one", lambda: [Predict("?", answer=1), Predict("?", answer=2)])
    other = run_cell("two", lambda: Predict("?", answer=3))
    assert all(widget.model_id in _instances for widget in (first, second, other))
    ids = first.model_id, second.model_id
    run_cell("one", lambda: None)
    run_cell("one", lambda: Predict("?", answer=4))
    assert not any(name in _instances for name in ids)


def test_none_is_forgotten_here():
    assert set(MAKERS) == set(widgets.__all__)


@every_widget
@pytest.mark.fault("T44")
def test_two_hundred_events_while_a_cell_is_busy_do_no_harm(make):
    """A kernel that was busy finds all of them in its queue; each is a position that the slider really has."""
    widget = make()
    numbers = [name for name, trait in widget.traits(sync=True).items() if type(trait) is Int and name[0] != "_"]
    begin = {name: getattr(widget, name) for name in numbers}
    before = {name: max(at - 1, widget.traits()[name].min or 0) for name, at in begin.items()}
    for event in range(200):
        widget.set_state(begin if event % 2 else before)
    assert widget.error == "" and repr(widget)


@every_widget
def test_a_repr_can_be_compared(make):
    first, second = make(), make()
    assert repr(first) == repr(second)
    assert "0x" not in repr(first) and len(repr(first)) < 300


@every_widget
def test_a_state_is_json_and_small(make):
    state = make().get_state()
    state.pop("layout")
    assert len(json.dumps(state)) < 120_000


@pytest.mark.fault("T39")
def test_a_fault_of_a_callback_is_shown_and_raised(monkeypatch):
    def fail(*_):
        raise RuntimeError("out of cheese")

    explorer = ConfigurationExplorer()
    monkeypatch.setattr(explorer, "add", fail)
    with pytest.raises(RuntimeError):
        explorer.set_state({"stack": "conv3-64 |"})
    assert explorer.error == "RuntimeError: out of cheese"
