"""Stopping and going on: the same weights, momentum, rate and metrics as the run that was left alone."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from copy import deepcopy
from dataclasses import replace
from importlib import import_module
from itertools import islice
from pathlib import Path
from warnings import catch_warnings, simplefilter

import pytest
import torch
from tiny import TINY, equal, tiny_data, tiny_net, weights

from vggstudy.__main__ import main
from vggstudy.checkpoint import load_checkpoint, read
from vggstudy.errors import CheckpointError, ConfigError, TrainingError
from vggstudy.model import Preprocessing
from vggstudy.plots.curves import plot_curves
from vggstudy.progress import Progress, resumed
from vggstudy.regime import TrainConfig
from vggstudy.rundirectory import checkpoints, newest_checkpoint, open_run
from vggstudy.runs import find_runs, read_metrics, run_path, seconds_of, summarise
from vggstudy.schedule import Plateau
from vggstudy.train import train

# Validation steers the rate in the middle of an epoch, so that a resume must restore the schedule too.
RUN = replace(TINY, seed=5, epochs=3, validate_every=2, save_every=5, patience=1, drops=9, clip=1.0)


def metrics(out):
    """What a run reported, apart from how fast it was."""
    return [{name: value for name, value in step.items() if name != "images_per_second"} for step in read_metrics(out)]


def newest(out):
    return read(checkpoints(out)[-1][1])


def relabelled(data, split):
    """The same images, one of them of another class."""
    images = getattr(data, split)
    labels = images.labels.clone()
    labels[3] = 1 - labels[3]
    return replace(data, **{split: replace(images, labels=labels)})


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed")
    list(train(tiny_net(), tiny_data(), RUN, out=out))
    return out


@pytest.mark.fault("T01")
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(
    "stop_at",
    [1, 3, 6, 7, 9],
    ids=["first", "mid-epoch", "end of an epoch", "first of the next", "before the rate falls"],
)
def test_a_resumed_run_equals_the_undisturbed_one(tmp_path, undisturbed, stop_at, workers):
    for _ in islice(train(tiny_net(), tiny_data(), RUN, out=tmp_path), stop_at):
        pass
    torch.manual_seed(stop_at)  # the state of the global generator must not matter
    resumed = tiny_net(seed=99)
    list(train(resumed, tiny_data(), replace(RUN, workers=workers), out=tmp_path, resume=True))
    ours, theirs = newest(tmp_path), newest(undisturbed)
    assert equal(ours.weights, theirs.weights) and equal(weights(resumed), theirs.weights)
    assert theirs.momentum and equal(ours.momentum, theirs.momentum)
    assert ours.training["progress"] == theirs.training["progress"]
    assert metrics(tmp_path) == metrics(undisturbed)
    assert len({step["lr"] for step in metrics(undisturbed)}) > 2  # the rate fell, so that the schedule mattered


@pytest.mark.fault("T01")
@pytest.mark.parametrize("rate", [Plateau(1e-3, 0.1, 3, 2, 12.5, waited=2), Plateau(1e-5, 0.1, 3, 0, finished=True)])
def test_the_schedule_goes_on_where_it_stood(rate):
    progress = Progress(7, rate, 4, 12.5)
    assert resumed(json.loads(json.dumps(progress.record())), RUN, 18) == progress


@pytest.mark.fault("T01")
def test_metrics_after_the_last_checkpoint_are_made_again(tmp_path, undisturbed):
    for _ in islice(train(tiny_net(), tiny_data(), RUN, out=tmp_path), 7):
        pass
    (tmp_path / "step-00000007.safetensors").unlink()  # as a kill between two checkpoints leaves it
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 8, "lo')
    list(train(tiny_net(), tiny_data(), RUN, out=tmp_path, resume=True))
    assert metrics(tmp_path) == metrics(undisturbed)
    assert equal(newest(tmp_path).weights, newest(undisturbed).weights)


def test_the_best_checkpoint_stays(undisturbed):
    errors = {
        step["step"]: step["val_top1_error"] for step in metrics(undisturbed) if step["val_top1_error"] is not None
    }
    best = min(errors, key=errors.get)
    assert newest(undisturbed).training["progress"]["best_step"] == best
    assert best in dict(checkpoints(undisturbed))


@pytest.mark.fault("T09")
def test_resuming_otherwise_names_each_field(tmp_path):
    list(islice(train(tiny_net(), tiny_data(), RUN, out=tmp_path), 2))
    with pytest.raises(CheckpointError) as caught:
        list(
            train(
                tiny_net(fc_width=16), tiny_data(train=40), replace(RUN, momentum=0.8, S=10), out=tmp_path, resume=True
            )
        )
    for part in ("fc_width 32 -> 16", "train_images 48 -> 40", "momentum 0.9 -> 0.8", "S [9, 12] -> 10", "--init-from"):
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.fault("T09")
def test_resuming_with_classes_in_another_order_is_refused(tmp_path):
    """As many classes of the same data, but the labels would mean something else."""
    list(islice(train(tiny_net(), tiny_data(), RUN, out=tmp_path), 2))
    dark, light, striped = tiny_data().classes
    other = replace(tiny_data(), classes=(light, dark, striped))
    with pytest.raises(CheckpointError, match=r"class 0: 'dark' -> 'light'.*--init-from"):
        next(train(tiny_net(), other, RUN, out=tmp_path, resume=True))


@pytest.mark.fault("T09")
@pytest.mark.parametrize(
    ("data", "told"),
    [
        (tiny_data(val=15), "val_images 18 -> 15"),
        (relabelled(tiny_data(), "train"), "labels '"),
        (relabelled(tiny_data(), "val"), "labels '"),
    ],
    ids=["fewer to validate", "others to learn", "others to validate"],
)
def test_resuming_on_other_images_is_refused(tmp_path, data, told):
    """The best error so far, and the plateaus, would be of another set."""
    list(islice(train(tiny_net(), tiny_data(), RUN, out=tmp_path), 2))
    with pytest.raises(CheckpointError, match=f"was trained otherwise .*{told}"):
        next(train(tiny_net(), data, RUN, out=tmp_path, resume=True))


@pytest.mark.fault("T09")
@pytest.mark.parametrize(("schedule", "free"), [("plateau", False), ("steps", True)])
def test_how_often_is_validated_is_free_unless_the_rate_goes_by_it(tmp_path, schedule, free):
    config = replace(RUN, schedule=schedule)
    list(islice(train(tiny_net(), tiny_data(), config, out=tmp_path), 2))
    steps = train(tiny_net(), tiny_data(), replace(config, validate_every=5), out=tmp_path, resume=True)
    if free:
        assert next(steps).step == 3
    else:
        with pytest.raises(CheckpointError, match="validate_every 2 -> 5"):
            next(steps)


@pytest.mark.fault("T01")
def test_what_the_network_is_fed_is_resumed_too(tmp_path, undisturbed):
    """A network that began from another one has its preprocessing, which its maker need not know again."""
    list(islice(train(tiny_net(), tiny_data(), RUN, out=tmp_path), 7))
    resumed = tiny_net()
    resumed.preprocessing = Preprocessing((1.0, 2.0, 3.0))
    list(train(resumed, tiny_data(), RUN, out=tmp_path, resume=True))
    assert resumed.preprocessing == tiny_net().preprocessing
    assert equal(newest(tmp_path).weights, newest(undisturbed).weights)


def test_a_run_older_than_a_setting_had_its_default(tmp_path, monkeypatch):
    """A run directory of an earlier version goes on, unless the new setting is asked for."""
    list(islice(train(tiny_net(), tiny_data(), RUN, out=tmp_path), 2))
    newest = newest_checkpoint(tmp_path)
    older = deepcopy(newest.training)
    del older["record"]["train"]["decay_biases"]
    monkeypatch.setattr(import_module("vggstudy.train"), "newest_checkpoint", lambda _: replace(newest, training=older))
    with pytest.raises(CheckpointError, match="decay_biases True -> False"):
        list(train(tiny_net(), tiny_data(), replace(RUN, decay_biases=False), out=tmp_path, resume=True))
    assert next(train(tiny_net(), tiny_data(), RUN, out=tmp_path, resume=True)).step == 3


@pytest.mark.fault("T10")
def test_a_run_that_ended_on_a_plateau_has_ended(tmp_path):
    ended = replace(RUN, schedule="plateau", patience=1, drops=0, epochs=40, validate_every=None, save_every=None)
    steps = list(train(tiny_net(), tiny_data(), ended, out=tmp_path))
    there = checkpoints(tmp_path)
    assert len(steps) < 40 * 6
    for _ in range(2):
        assert list(train(tiny_net(), tiny_data(), ended, out=tmp_path, resume=True)) == []
        assert checkpoints(tmp_path) == there


def test_a_damaged_newest_checkpoint_does_not_cost_those_that_follow(tmp_path):
    config = replace(RUN, keep=1, save_every=2, epochs=2, validate_every=99)
    list(islice(train(tiny_net(), tiny_data(), replace(config, keep=5), out=tmp_path), 5))
    damaged = checkpoints(tmp_path)[-1]
    damaged[1].write_bytes(damaged[1].read_bytes()[:-20])
    with catch_warnings():
        simplefilter("ignore")
        went_on = [step.step for step in islice(train(tiny_net(), tiny_data(), config, out=tmp_path, resume=True), 1)]
    assert went_on[0] <= damaged[0] and damaged[0] not in [step for step, _ in checkpoints(tmp_path)[:-1]]
    assert next(train(tiny_net(), tiny_data(), config, out=tmp_path, resume=True)).step == went_on[0] + 1


@pytest.mark.fault("T10")
def test_resuming_a_finished_run_changes_nothing(tmp_path):
    list(train(tiny_net(), tiny_data(), RUN, out=tmp_path))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.name != "lock"}
    model = tiny_net(seed=5)
    assert list(train(model, tiny_data(), RUN, out=tmp_path, resume=True)) == []
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.name != "lock"}
    assert equal(weights(model), newest(tmp_path).weights)


@pytest.mark.fault("T10")
def test_a_longer_schedule_goes_on_exactly(tmp_path):
    config = replace(RUN, validate_every=4)
    list(train(tiny_net(), tiny_data(), config, out=tmp_path / "at once"))
    list(train(tiny_net(), tiny_data(), replace(config, epochs=1), out=tmp_path / "longer"))
    # A run ends with a validation; at step 6 it must not steer the rate, as the longer run has none there.
    assert read_metrics(tmp_path / "longer")[-1]["val_top1_error"] is not None
    steps = list(train(tiny_net(), tiny_data(), config, out=tmp_path / "longer", resume=True))
    assert steps[0].step == 7
    ours, theirs = newest(tmp_path / "longer"), newest(tmp_path / "at once")
    assert equal(ours.momentum, theirs.momentum) and equal(ours.weights, theirs.weights)
    assert ours.training["progress"]["schedule"] == theirs.training["progress"]["schedule"]


def test_a_run_is_not_overwritten(tmp_path):
    list(islice(train(tiny_net(), tiny_data(), RUN, out=tmp_path), 1))
    with pytest.raises(TrainingError, match="holds a run already; go on with it by --resume"):
        list(train(tiny_net(), tiny_data(), RUN, out=tmp_path))


@pytest.mark.fault("T12")
def test_a_run_in_use_by_a_training_of_the_same_notebook_is_refused(tmp_path):
    with (
        open_run(tmp_path, resume=False),
        pytest.raises(TrainingError, match="in use by another training of this process; close it"),
    ):
        list(train(tiny_net(), tiny_data(), RUN, out=tmp_path, resume=True))


@pytest.mark.fault("T12")
def test_the_lock_of_a_dead_process_is_taken_over(tmp_path):
    program = (
        "import sys, time\nfrom vggstudy.rundirectory import open_run\n"
        f"with open_run({str(tmp_path)!r}, resume=False):\n    print('locked', flush=True)\n    time.sleep(60)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    with child:
        assert child.stdout.readline() == "locked\n"
        with (
            pytest.raises(TrainingError, match=f"process {child.pid} on {socket.gethostname()}"),
            open_run(tmp_path, resume=True),
        ):
            pass
        child.send_signal(signal.SIGKILL)
    with open_run(tmp_path, resume=True):
        assert json.loads((tmp_path / "lock").read_text())["pid"] == os.getpid()


@pytest.mark.fault("T14")
@pytest.mark.parametrize("out", ["/proc/run", "{tmp}/a file/run"])
def test_a_directory_that_cannot_be_written_is_refused_before_training(tmp_path, out):
    (tmp_path / "a file").write_text("")
    model = tiny_net()
    with pytest.raises(TrainingError, match="cannot be written"):
        next(train(model, tiny_data(), RUN, out=out.format(tmp=tmp_path)))
    assert equal(weights(model), weights(tiny_net()))


@pytest.mark.fault("T14")
@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_directory_is_refused_before_training(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(TrainingError, match="cannot be written"):
        next(train(tiny_net(), tiny_data(), RUN, out=tmp_path))


@pytest.mark.fault("T37")
@pytest.mark.parametrize("name", ["../../x", "/tmp/x", "", "a" * 300, ".hidden", "a/b", "a\nb"])
def test_a_run_name_that_leads_elsewhere_is_refused(name):
    with pytest.raises(ConfigError, match="run name"):
        run_path(name)
    assert run_path("D-256.2") == Path("runs/D-256.2")


def test_a_run_is_found_and_told_in_one_line(undisturbed):
    assert find_runs(undisturbed.parent).count(undisturbed) == 1
    line = summarise(undisturbed)
    assert (line.config, line.data, line.S, line.step) == ("tiny", "tiny", "9:12", 18)
    assert line.best_top1_error <= line.val_top1_error
    assert TrainConfig(**json.loads((undisturbed / "config.json").read_text())["train"]) == RUN


def test_a_run_directory_is_a_network(undisturbed):
    assert equal(weights(load_checkpoint(undisturbed)), newest(undisturbed).weights)


def test_the_commands_list_and_draw_runs(tmp_path, capsys, monkeypatch):
    drawn = []
    for name in ("a", "b"):
        list(train(tiny_net(), tiny_data(), replace(TINY, epochs=1), out=tmp_path / name))
    assert main(["runs", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 and lines[1].startswith(f"{tmp_path}/a") and "9:12" in lines[1]
    assert main(["runs", str(tmp_path), "--json"]) == 0
    assert [row["step"] for row in json.loads(capsys.readouterr().out)] == [6, 6]
    assert main(["curves", str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(tmp_path / "c.png")]) == 0
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
    with monkeypatch.context() as patch:
        patch.setattr(
            "vggstudy.plots.curves.plot_curves", lambda runs, classes: drawn.append(list(runs)) or plot_curves(runs)
        )
        list(train(tiny_net(), tiny_data(), replace(TINY, epochs=1), out=tmp_path / "more" / "a"))
        again = [str(tmp_path / name) for name in ("a", "more/a")]
        for paths in (again, [again[0], str(tmp_path / "b")]):
            assert main(["curves", *paths, "--out", str(tmp_path / "c.png")]) == 0
    assert drawn == [again, ["a", "b"]]  # two runs of one name are two curves
    assert main(["curves", str(tmp_path), "--out", "x.png"]) == 2
    assert main(["runs", str(tmp_path / "nothing")]) == 2


def test_curves_draw_what_was_recorded():
    steps = [{"epoch": step / 10, "loss": 1 / step, "lr": 0.1, "val_loss": None, "val_top1_error": None}
             for step in range(1, 201)]  # fmt: skip
    steps[99] |= {"val_loss": 0.5, "val_top1_error": 40.0}
    loss, error, rate = plot_curves({"A": steps}, num_classes=20).axes
    line, points, guessing = loss.lines
    assert line.get_ydata()[3] == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)
    assert line.get_ydata()[199] == pytest.approx(sum(1 / step for step in range(197, 201)) / 4)
    assert points.get_xydata().tolist() == [[10.0, 0.5]]
    assert error.lines[0].get_xydata().tolist() == [[10.0, 40.0]]
    assert guessing.get_ydata()[0] == pytest.approx(2.9957, abs=1e-4)
    assert rate.get_yscale() == "log"


def test_a_step_without_a_rate_does_not_count_in_the_time():
    assert seconds_of([{"images_per_second": 4.0}, {"images_per_second": 0.0}, {"images_per_second": 8.0}], 8) == 3.0
