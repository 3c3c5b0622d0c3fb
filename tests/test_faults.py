"""Faults of the world around a training, really provoked: kills, signals, a full disk, numbers that
explode."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, replace
from importlib import import_module
from itertools import islice
from math import log
from pathlib import Path

import pytest
import torch
from tiny import TINY, equal, tiny_data, tiny_net, weights

from vggstudy.checkpoint import read
from vggstudy.commands import COMMANDS
from vggstudy.errors import DataError, TrainingError
from vggstudy.imageset import ImageSet
from vggstudy.rundirectory import checkpoints, newest_checkpoint
from vggstudy.runs import read_metrics
from vggstudy.signals import StopRequest
from vggstudy.train import train

HERE = Path(__file__).parent
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{HERE.parent}:{HERE}"}


class Nursery:
    """The other end of `nursery.py`."""

    def __init__(self, process: subprocess.Popen) -> None:
        self.process = process

    def start(self, out: Path, config, slow: float = 0.0) -> int:
        """Begin, or go on with, a training; its pid."""
        line = json.dumps({"out": str(out), "config": asdict(config), "slow": slow})
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def end(self) -> int:
        """How it ended."""
        return int(self.process.stdout.readline())


@pytest.fixture(scope="module")
def nursery():
    process = subprocess.Popen(
        [sys.executable, HERE / "nursery.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT
    )
    with process:
        yield Nursery(process)
        process.stdin.close()


def wait_for_steps(out: Path, count: int, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if (out / "metrics.jsonl").exists() and len(read_metrics(out)) >= count:
            return
        time.sleep(0.01)
    raise TimeoutError(f"{out}: no {count} steps in {seconds} s")


@pytest.mark.slow
@pytest.mark.fault("T03")
@pytest.mark.parametrize("seed", [0])
def test_kills_at_random_moments_lose_one_interval_at_most(tmp_path, nursery, seed, record_property):
    """24 kills of a run that saves every second step, each resumed; then it ends as if nothing had
    happened."""
    record_property("seed", seed)
    moments = random.Random(seed)
    config = replace(TINY, epochs=400, save_every=2, validate_every=50, patience=400, keep=2)
    killed = tmp_path / "killed"
    reached = 0
    for kill in range(24):
        child = nursery.start(killed, config)
        if kill % 2:  # every other kill falls in a step or a save, the rest anywhere from the start on
            wait_for_steps(killed, reached + 3)
        time.sleep(moments.uniform(0, 0.25))
        os.kill(child, signal.SIGKILL)
        assert nursery.end() == -signal.SIGKILL
        steps = read_metrics(killed) if (killed / "metrics.jsonl").exists() else []
        logged = steps[-1]["step"] if steps else 0
        saved = newest_checkpoint(killed).training["progress"]["step"] if logged and checkpoints(killed) else 0
        assert logged - saved <= config.save_every, f"kill {kill} of seed {seed}"
        assert saved >= reached, f"kill {kill} of seed {seed}"
        reached = saved
    assert reached > 24
    end = replace(config, epochs=reached // 6 + 2)
    nursery.start(killed, end)
    assert nursery.end() == 0
    nursery.start(tmp_path / "undisturbed", end)
    assert nursery.end() == 0
    ours, theirs = newest_checkpoint(killed), newest_checkpoint(tmp_path / "undisturbed")
    assert ours.training["progress"] == theirs.training["progress"]
    assert equal(ours.weights, theirs.weights) and equal(ours.momentum, theirs.momentum)
    assert not list(killed.glob(".*.tmp"))


@pytest.mark.fault("T03")
def test_stray_temporary_files_are_cleared(tmp_path):
    (tmp_path / ".step-00000007.safetensors.123.tmp").write_bytes(b"half")
    list(train(tiny_net(), tiny_data(), replace(TINY, epochs=1), out=tmp_path, resume=True))
    assert not list(tmp_path.glob(".*.tmp"))


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGTERM, marks=pytest.mark.fault("T04")),
        pytest.param(signal.SIGINT, marks=pytest.mark.fault("T05")),
    ],
)
def test_a_signal_lets_the_step_finish_saves_and_ends_with_its_status(tmp_path, nursery, number):
    child = nursery.start(tmp_path, replace(TINY, epochs=10_000, save_every=10**6, patience=10**6))
    wait_for_steps(tmp_path, 3)
    os.kill(child, number)
    assert nursery.end() == 128 + number
    assert newest_checkpoint(tmp_path).training["progress"]["step"] == read_metrics(tmp_path)[-1]["step"]


@pytest.mark.fault("T04")
def test_a_second_sigterm_ends_at_once(tmp_path, nursery):
    config = replace(TINY, epochs=1000, save_every=1)
    child = nursery.start(tmp_path, config, slow=0.02)
    wait_for_steps(tmp_path, 2)
    os.kill(child, signal.SIGKILL)
    nursery.end()
    child = nursery.start(tmp_path, config, slow=3.0)  # will not finish its step
    time.sleep(0.5)
    os.kill(child, signal.SIGTERM)
    time.sleep(0.2)
    os.kill(child, signal.SIGTERM)
    begun = time.monotonic()
    assert nursery.end() == -signal.SIGTERM
    assert time.monotonic() - begun < 5
    assert newest_checkpoint(tmp_path).training["progress"]["step"] >= 1


@pytest.mark.fault("T04")
def test_under_torchrun_a_signal_that_comes_twice_is_one_request(monkeypatch):
    """Slurm signals every process of a job, and torchrun hands the signal on to its own: nothing may be lost by it."""
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "1")
    monkeypatch.setenv("RANK", "0")
    with StopRequest() as stop:
        for _ in range(2):
            signal.raise_signal(signal.SIGINT)
    assert stop() and stop.exit_status == 130


@pytest.mark.fault("T05")
def test_an_interrupt_in_a_notebook_ends_the_loop_and_the_next_cell_runs(tmp_path):
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    steps = []
    for step in train(tiny_net(), tiny_data(), TINY, out=tmp_path):
        steps.append(step)
        if step.step == 3:
            signal.raise_signal(signal.SIGINT)
    assert steps[-1].step == 3
    assert {number: signal.getsignal(number) for number in before} == before
    assert newest_checkpoint(tmp_path).training["progress"]["step"] == 3
    assert len(list(train(tiny_net(), tiny_data(), replace(TINY, epochs=1)))) == 6


FULL_DISK = """
import os, shutil, sys
from dataclasses import replace
from tiny import TINY, tiny_data, tiny_net
from vggstudy.errors import StudyError
from vggstudy.rundirectory import newest_checkpoint
from vggstudy.train import train

disk = sys.argv[1]

def fill(but):
    with open(f"{disk}/filler", "wb") as file:
        file.write(bytes(shutil.disk_usage(disk).free - but))

def run(out):
    try:
        for step in train(tiny_net(fc_width=512), tiny_data(), replace(TINY, save_every=2, keep=1), out=out):
            print("step", step.step)
            if step.step == 3:
                fill(but=100_000)
    except StudyError as error:
        print(error)

fill(but=3_000_000)
run(f"{disk}/before")
os.unlink(f"{disk}/filler")
run(f"{disk}/later")
print("whole", newest_checkpoint(f"{disk}/later").training["progress"]["step"])
"""


@pytest.mark.slow
@pytest.mark.fault("T06")
def test_a_full_disk_is_told_in_bytes_and_the_previous_checkpoint_stays(tmp_path):
    mount = f"mount -t tmpfs -o size=12m tmpfs {tmp_path}"
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-Urm", "sh", "-c", mount]).returncode:
        pytest.skip("this machine lets nobody mount a small disk")
    command = f"{mount} && exec {sys.executable} -c '{FULL_DISK}' {tmp_path}"
    done = subprocess.run(["unshare", "-Urm", "sh", "-c", command], capture_output=True, text=True, env=ENVIRONMENT)
    before, *steps, later, whole = done.stdout.splitlines()
    assert "too little space for the checkpoints (needed: " in before and "bytes, free: " in before, done
    assert steps == ["step 1", "step 2", "step 3"]
    assert "No space left" in later and "needed: " in later and "free: " in later
    assert whole == "whole 2"


@pytest.mark.fault("T06")
def test_checkpoints_that_are_there_need_no_further_space(tmp_path, monkeypatch):
    """A run that was stopped while the disk had room for its last checkpoints can go on."""
    config = replace(TINY, keep=1, save_every=2)
    list(islice(train(tiny_net(), tiny_data(), config, out=tmp_path), 3))
    there = sum(path.stat().st_size for _, path in checkpoints(tmp_path))
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=there * 2))
    assert next(train(tiny_net(), tiny_data(), config, out=tmp_path, resume=True)).step == 4
    with pytest.raises(TrainingError, match="too little space"):
        next(train(tiny_net(), tiny_data(), config, out=tmp_path / "anew"))


@pytest.mark.fault("T15")
def test_an_exploding_loss_stops_the_run_and_keeps_what_was_finite(tmp_path):
    config = replace(TINY, save_every=1, epochs=2)
    list(train(tiny_net(), tiny_data(), replace(config, epochs=1), out=tmp_path))
    finite = newest_checkpoint(tmp_path)
    steps = []
    with pytest.raises(TrainingError, match=r"step \d+: the loss is (inf|nan) at learning rate 1e\+20; lower the rate"):
        steps.extend(train(tiny_net(), tiny_data(), replace(config, lr=1e20), out=tmp_path / "exploding"))
    assert len(steps) <= 2
    logged = [step["loss"] for step in read_metrics(tmp_path / "exploding")]
    assert all(loss < float("inf") for loss in logged)
    for _, path in checkpoints(tmp_path / "exploding"):
        assert all(weight.isfinite().all() for weight in read(path).weights.values())
    assert equal(newest_checkpoint(tmp_path).weights, finite.weights)


@pytest.mark.fault("T15")
def test_weights_that_are_no_numbers_are_not_saved(tmp_path):
    model = tiny_net()
    steps = train(model, tiny_data(), replace(TINY, save_every=2), out=tmp_path)
    next(steps)
    model.layer("fc8").bias.register_hook(lambda gradient: gradient * float("inf"))
    with pytest.raises(TrainingError, match="step 2: weights are not finite and are not saved"):
        list(steps)
    assert all(weight.isfinite().all() for _, path in checkpoints(tmp_path) for weight in read(path).weights.values())


def spoilt(data, read):
    return replace(data, train=ImageSet(read, data.train.labels, data.train.path, "spoilt"))


@pytest.mark.fault("T16")
@pytest.mark.parametrize("workers", [0, 2])
def test_a_pixel_that_is_no_number_is_reported_with_its_path(workers):
    data = tiny_data()

    def read(index):
        image = data.train.read(index)
        return image.float().fill_(float("nan")) if index == 17 else image

    config = replace(TINY, workers=workers, colour_std=0.0)
    with pytest.raises(DataError, match="tiny/train/17: an image with pixels that are no number"):
        list(train(tiny_net(), spoilt(data, read), config))


@pytest.mark.fault("T17")
def test_a_stall_at_ln_K_names_the_papers_remedy():
    model = tiny_net(dropout=0.0)
    torch.nn.init.zeros_(model.classifier[6].weight)
    with pytest.warns(UserWarning, match=r"still ln 3 = 1\.099.*pre-initialise from a trained net A") as caught:
        losses = [step.loss for step in train(model, tiny_data(), replace(TINY, lr=1e-9))]
    assert losses == pytest.approx([log(3)] * len(losses), rel=1e-3)
    assert len(caught) == 1


@pytest.mark.fault("T18")
def test_a_validation_that_is_no_number_is_never_the_best(tmp_path):
    model = tiny_net()
    steps = train(model, tiny_data(), replace(TINY, epochs=2, lr=1e-9), out=tmp_path)
    first = [next(steps) for _ in range(6)][-1]
    for _ in range(5):
        next(steps)
    model.register_forward_hook(lambda net, _, scores: scores if net.training else scores * float("nan"))
    last = next(steps)
    steps.close()
    assert first.val_top1_error < 100 and last.val_top1_error != last.val_top1_error
    progress = newest_checkpoint(tmp_path).training["progress"]
    assert progress["best_step"] == 6 and progress["best_top1_error"] == first.val_top1_error
    assert read_metrics(tmp_path)[-1]["val_top1_error"] is None


OUT_OF_MEMORY = """
import resource, torch
from dataclasses import replace
from tiny import TINY, tiny_data, tiny_net
from vggstudy.errors import TrainingError
from vggstudy.train import train

torch.set_num_threads(1)
next(train(tiny_net(), tiny_data(), TINY))  # everything is loaded
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 200_000_000, resource.RLIM_INFINITY))
model, data = tiny_net(crop_size=64), tiny_data(train=1600)
config = replace(TINY, S=64, batch_size=1600)
try:
    next(train(model, data, config))
except TrainingError as error:
    print(error)
print(next(train(model, data, replace(config, micro_batch=50))).step)
"""


@pytest.mark.slow
@pytest.mark.fault("T21")
def test_out_of_memory_gives_an_estimate_and_frees_what_it_took():
    done = subprocess.run([sys.executable, "-c", OUT_OF_MEMORY], capture_output=True, text=True, env=ENVIRONMENT)
    message, step = done.stdout.splitlines()
    assert "out of memory: a batch of 1,600 images of 64 px keeps about" in message, done.stderr
    assert "set micro_batch = 800" in message
    assert step == "1"


@pytest.mark.fault("T30")
def test_a_worker_that_fails_is_an_error_and_leaves_no_thread():
    data = tiny_data()

    def read(index):
        raise ZeroDivisionError("planted")

    with pytest.raises(DataError, match=r"a worker failed.*ZeroDivisionError: planted.*--workers 0"):
        list(train(tiny_net(), spoilt(data, read), replace(TINY, workers=2, colour_std=0.0)))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("vggstudy")]


@pytest.mark.fault("T21")
@pytest.mark.parametrize("workers", [0, 2])
def test_a_worker_without_memory_is_not_called_a_failure_of_the_data(workers):
    data = tiny_data()

    def read(index):
        raise torch.OutOfMemoryError("planted")

    with pytest.raises(TrainingError, match="out of memory while 8 images at a time were prepared; set micro_batch"):
        list(train(tiny_net(), spoilt(data, read), replace(TINY, workers=workers, colour_std=0.0)))


@pytest.mark.fault("T21")
def test_a_validation_without_memory_is_told_too(monkeypatch):
    def validate(*_):
        raise torch.OutOfMemoryError("planted")

    monkeypatch.setattr(import_module("vggstudy.train"), "validate", validate)
    with pytest.raises(TrainingError, match="out of memory while 8 images at a time were validated"):
        list(train(tiny_net(), tiny_data(), TINY))


@pytest.mark.fault("T30")
def test_leaving_the_loop_leaves_no_thread():
    next(train(tiny_net(), tiny_data(), replace(TINY, workers=2)))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("vggstudy")]


HELP = """
import sys
from vggstudy.__main__ import main
try:
    main([sys.argv[1], "--help"])
except SystemExit:
    pass
assert not {"torch", "matplotlib", "anywidget"} & set(sys.modules)
"""


@pytest.mark.fault("T38")
@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_takes_less_than_a_second_and_no_torch(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", HELP, command], check=True, capture_output=True, env=ENVIRONMENT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime) < 1.0


def test_weights_are_as_they_were_when_nothing_was_asked():
    model = tiny_net()
    train(model, tiny_data(), TINY)
    assert equal(weights(model), weights(tiny_net()))
