"""Training curves: what is drawn of a run, and what each button does to it."""

from __future__ import annotations

import gc
import json
import math
import time
from dataclasses import asdict, dataclass

import pytest
from ipywidgets.widgets.widget import _instances

from vggstudy.errors import ConfigError, DataError, TrainingError
from vggstudy.paper import REGIME
from vggstudy.regime import SMALL
from vggstudy.runs import CONFIG, METRICS
from vggstudy.widgets import LiveCurves
from vggstudy.widgets.curves import Recording, axis, colours, curves, drops, log_axis, stuck


@dataclass(frozen=True)
class Step:
    """As the trainer's."""

    step: int
    epoch: float
    loss: float
    lr: float
    images_per_second: float
    val_loss: float | None = None
    val_top1_error: float | None = None
    val_top5_error: float | None = None


PER_EPOCH = 50


def made(n: int, loss=lambda step: 2.3 * math.exp(-step / 300), first: int = 1) -> list[dict]:
    """Records of a run of `n` steps whose rate falls at steps 601 and 801, validated each 50 steps."""
    records = []
    for step in range(first, n + 1):
        lr = 0.02 if step <= 600 else 0.002 if step <= 800 else 0.0002
        seen = (loss(step) + 0.1, 40.0 - step / 50, 5.0) if step % PER_EPOCH == 0 else (None, None, None)
        records.append(asdict(Step(step, step / PER_EPOCH, loss(step), lr, 640.0, *seen)))
    return records


def slowly(n: int = 3000, fault: Exception | None = None, first: int = 1, pause: float = 0.002):
    for record in made(n, first=first):
        if fault is not None and record["step"] == first + 2:
            raise fault
        time.sleep(pause)
        yield Step(**record)


def forever(stop):
    return slowly()


def press(widget: LiveCurves, command: str) -> None:
    """What the widget's script sends when a button is pressed."""
    widget._handle_custom_msg({"command": command}, [])


def until(condition) -> None:
    limit = time.monotonic() + 5
    while not condition() and time.monotonic() < limit:
        time.sleep(0.005)
    assert condition()


# What is drawn


def test_each_curve_keeps_its_shape_and_its_ends():
    run = curves([Recording("A", made(1000))], 10)["runs"][0]
    assert run["train"]["step"][-1] == run["step"] == 1000
    assert run["train"]["loss"][0] == pytest.approx(2.3, abs=0.05)
    assert run["train"]["loss"] == sorted(run["train"]["loss"], reverse=True)
    assert run["validation"]["step"] == list(range(50, 1001, 50))
    assert run["validation"]["val_top1_error"][:2] == [39.0, 38.0]


def test_training_errors_are_drawn_where_a_trainer_measures_them():
    records = [{**record, "top1_error": 50.0, "top5_error": 5.0} for record in made(100)]
    assert set(curves([Recording("A", records)])["runs"][0]["train"]["top1_error"]) == {50.0}
    assert "top1_error" not in curves([Recording("A", made(100))])["runs"][0]["train"]


def test_a_point_of_a_loss_is_the_mean_of_its_steps():
    alternating = made(10_000, loss=lambda step: 1.0 + (step % 2))
    losses = curves([Recording("A", alternating)])["runs"][0]["train"]["loss"]
    assert all(1.4 < loss < 1.6 for loss in losses)


def test_what_is_not_a_number_is_left_out_and_the_state_is_json():
    records = [*made(100), {**made(101)[-1], "loss": math.nan}]
    state = curves([Recording("A", records)], 10)
    assert "NaN" not in json.dumps(state) and state["runs"][0]["train"]["step"][-1] == 101


@pytest.mark.parametrize("runs", [1, 4])
def test_the_state_stays_small_for_long_runs(runs):
    state = curves([Recording(f"run {i}", made(20_000), 400, 32) for i in range(runs)], 1000)
    assert len(json.dumps(state)) < 60_000


def test_drops_of_the_rate_are_found_and_warm_up_is_none():
    assert drops(made(1000)) == [
        {"step": 601, "label": "0.02 → 0.002"},
        {"step": 801, "label": "0.002 → 0.0002"},
    ]
    rising = [{"step": step, "lr": 0.001 * step} for step in range(1, 20)]
    assert drops(rising) == drops(rising[::-1][:10]) == []  # nor is a rate that falls slowly


def test_a_run_that_stays_at_ln_k_is_stuck_until_it_leaves():
    level = math.log(10)
    flat = {"step": list(range(50, 1001, 50)), "loss": [level] * 20}
    assert stuck(flat, level) == [200, 1000]
    left = {"step": flat["step"], "loss": [level] * 10 + [1.0] * 10}
    assert stuck(left, level) == [200, 500]
    early = {"step": flat["step"], "loss": [level] * 3 + [1.0] * 17}
    assert stuck(early, level) is None
    assert stuck(flat, level, total=100_000) is None  # of which a thousand updates are a hundredth


def test_the_advice_is_the_papers():
    advice = curves([])["advice"]
    assert f"first {REGIME.copied_convolutions} convolutional" in advice and "3.1" in advice


def test_time_left_follows_from_the_rate_and_the_regime():
    run = Recording("A", made(500), epochs=20, batch_size=32)
    assert run.total == 20 * PER_EPOCH
    assert run.timed()[-1]["seconds_left"] == round(500 * 32 / 640)
    assert "seconds_left" not in Recording("A", made(500)).timed()[-1]


def test_scrubber_positions_rise_to_the_last_step():
    frames = curves([Recording("A", made(1000)), Recording("B", made(700))])["frames"]
    assert frames == sorted(set(frames)) and frames[-1] == 1000 and len(frames) == 120
    assert curves([])["frames"] == []


def test_runs_have_colours_of_their_own():
    assert colours(["A, random", "D, random", "D, from A", "mine"])[:2] == ["A", "D"]
    assert len(set(colours(["D", "D", "A-LRN", "x", "y", "z"]))) == 6


def test_axes_have_round_ticks_that_hold_the_values():
    assert [text for _, text in axis(0, 2.46)["ticks"]] == ["0", "1", "2"]
    assert [text for _, text in axis(0, 90)["ticks"]] == ["0", "25", "50", "75"]
    assert axis(0, 1560)["high"] > 1560
    rates = log_axis(0.0002, 0.02)
    assert (rates["low"], rates["high"]) == (-4, -1) and rates["ticks"][0] == [-4, "0.0001"]
    assert log_axis(0.01, 0.01)["low"] < log_axis(0.01, 0.01)["high"]


# What the buttons do


@pytest.fixture
def widget():
    live = LiveCurves(forever, "A", num_classes=10, config=SMALL)
    yield live
    live.close()


@pytest.mark.fault("T41")
def test_start_pause_resume_stop(widget):
    assert widget.status == "idle" and widget.startable
    press(widget, "start")
    until(lambda: len(widget.records) > 5)
    press(widget, "pause")
    assert widget.status == "paused"
    time.sleep(0.05)
    held = len(widget.records)
    assert widget.state["runs"][0]["step"] == held  # what is drawn is up to date while it waits
    time.sleep(0.1)
    assert len(widget.records) == held
    press(widget, "resume")
    until(lambda: len(widget.records) > held)
    asked = time.monotonic()
    press(widget, "stop")
    records = widget.result(2)
    assert time.monotonic() - asked < 2 and widget.status == "stopped"
    assert [record["step"] for record in records] == list(range(1, len(records) + 1))
    assert widget.state["runs"][0]["step"] == len(records)


@pytest.mark.fault("T41")
def test_a_double_start_is_one_run(widget):
    press(widget, "start")
    press(widget, "start")
    until(lambda: len(widget.records) > 5)
    assert widget.names == ["A"]
    with pytest.raises(TrainingError):
        widget.run()


def test_a_second_run_is_laid_over_the_first():
    live = LiveCurves(lambda stop: slowly(3), "A")
    for _ in range(6):
        live.run()
    assert live.names == ["A (3)", "A (4)", "A (5)", "A (6)"]
    assert [run["name"] for run in live.state["runs"]] == live.names
    live.close()


@pytest.mark.fault("T41")
def test_closing_ends_the_run():
    live = LiveCurves(forever)
    live.start()
    until(lambda: live.records)
    live.close()
    live.result(2)
    assert live.status == "stopped"


@pytest.mark.fault("T40")
@pytest.mark.parametrize(
    ("fault", "shown"),
    [(TrainingError("the loss is not finite"), "the loss is not finite"), (KeyError("x"), "KeyError: 'x'")],
)
def test_an_error_of_the_training_is_shown_and_raised(fault, shown):
    live = LiveCurves(lambda stop: slowly(fault=fault))
    live.start()
    with pytest.raises(type(fault)):
        live.result(5)
    assert live.status == "failed" and live.error == shown
    assert live.step == 2 == live.state["runs"][0]["step"]
    with pytest.raises(type(fault)):
        live.run()
    live.close()


def test_an_error_does_not_outlive_the_next_run():
    faults = [TrainingError("no"), None]
    live = LiveCurves(lambda stop: slowly(5, fault=faults.pop(0)))
    with pytest.raises(TrainingError):
        live.run()
    live.run()
    assert live.status == "done" and live.error == ""
    live.close()


def test_a_command_that_is_unknown_is_shown_in_the_widget(widget):
    press(widget, "strat")
    assert "did you mean start" in widget.error


def test_the_page_learns_that_there_is_a_kernel(widget, monkeypatch):
    sent = []
    monkeypatch.setattr(LiveCurves, "send", lambda self, content, buffers=None: sent.append(content))
    widget._handle_custom_msg("ping", [])
    assert sent == ["pong"]


def test_a_run_in_the_cell_leaves_its_last_state(widget):
    live = LiveCurves(lambda stop: slowly(60, pause=0), "A", config=SMALL)
    live.run()
    assert live.status == "done" and live.step == 60
    assert repr(live) == "LiveCurves(status='done', names=['A'], step=60)"
    assert live.state["runs"][0]["total"] == SMALL.epochs * PER_EPOCH
    live.close()


# Recorded runs


@pytest.fixture
def folder(tmp_path):
    (tmp_path / METRICS).write_text("".join(json.dumps(record) + "\n" for record in made(100)))
    (tmp_path / CONFIG).write_text(json.dumps({"train": asdict(SMALL)}))
    return tmp_path


def test_a_recorded_run_replays_from_directory_file_or_records(folder):
    states = [LiveCurves.replay({"A": source}, 10).state for source in (folder, folder / METRICS, str(folder))]
    assert states[0] == states[1] == states[2]
    plain = LiveCurves.replay(made(100), 10)
    assert plain.names == ["recorded run"] and plain.status == "recorded" and not plain.startable
    assert plain.state["frames"] == states[0]["frames"]


def test_a_recording_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(DataError, match="not there"):
        LiveCurves.replay(tmp_path)


@pytest.mark.fault("T42")
def test_a_run_that_was_cut_off_is_shown_and_goes_on(folder):
    live = LiveCurves(lambda stop: slowly(120, first=81, pause=0), "A", out=folder)
    assert live.step == 100 and live.status == "idle"
    live.run()
    assert live.names == ["A"]
    assert [record["step"] for record in live.records] == list(range(1, 121))
    live.close()


@pytest.mark.fault("T44")
def test_scrubbing_while_a_run_goes_on_does_no_harm(widget):
    press(widget, "start")
    for position in range(200):
        widget.set_state({"frame": position})
    until(lambda: len(widget.records) > 3)
    assert widget.status == "running" and widget.error == ""


@pytest.mark.fault("T35")
@pytest.mark.parametrize(
    ("steps", "settings", "reason"),
    [
        (forever, {"num_classes": 1}, "num_classes=1: allowed are 2 or more"),
        (forever, {"num_classes": -3}, "num_classes=-3: allowed are 2 or more"),
        (forever(None), {}, "steps=<generator .*: allowed is a function"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_at_once(steps, settings, reason):
    """Not first in the thread of a run, where a generator would moreover be spent after one."""
    with pytest.raises(ConfigError, match=reason):
        LiveCurves(steps, **settings)


@pytest.mark.fault("T43")
def test_runs_leave_no_widgets_behind():
    gc.collect()
    before = len(_instances)
    for _ in range(20):
        live = LiveCurves(lambda stop: slowly(3, pause=0))
        live.run()
        live.close()
    gc.collect()
    assert len(_instances) <= before
