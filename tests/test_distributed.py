"""Two processes learn what one learns: the same global batch, the same losses, the same weights, the same errors."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import torch
from tiny import TINY, equal, tiny_net, tiny_set

from vggstudy.distributed import Place, check_share, find_device, own_gpu
from vggstudy.errors import ConfigError
from vggstudy.learner import Learner
from vggstudy.rundirectory import newest_checkpoint
from vggstudy.runs import read_metrics
from vggstudy.validation import CentreCrops

HERE = Path(__file__).parent


def run(out: Path, processes: int, changes: dict, stop_at: int | None = None) -> None:
    done = attempt(out, processes, changes, stop_at)
    assert done.returncode == 0, done.stderr[-3000:]


def attempt(out: Path, processes: int, changes: dict, stop_at: int | None = None) -> subprocess.CompletedProcess[str]:
    launch = (
        ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)] if processes > 1 else []
    )
    words = [HERE / "torchrun_child.py", out, json.dumps(changes), *([str(stop_at)] if stop_at else [])]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{HERE.parent}:{HERE}"}
    return subprocess.run(
        [sys.executable, *launch, *words], env=environment, capture_output=True, text=True, timeout=300
    )


@pytest.mark.ddp
@pytest.mark.parametrize("changes", [{}, {"micro_batch": 3, "workers": 1, "clip": 0.5}], ids=["plain", "accumulated"])
def test_two_processes_equal_one_with_the_same_global_batch(tmp_path, changes):
    run(tmp_path / "one", 1, changes)
    run(tmp_path / "two", 2, changes)
    one, two = read_metrics(tmp_path / "one"), read_metrics(tmp_path / "two")
    assert [step["step"] for step in one] == [step["step"] for step in two] == list(range(1, 19))
    for name in ("loss", "lr"):
        ours, theirs = (torch.tensor([step[name] for step in steps]) for steps in (two, one))
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    for ours, theirs in zip(two, one, strict=True):
        assert ours["val_top1_error"] == theirs["val_top1_error"]
    ours, theirs = newest_checkpoint(tmp_path / "two").weights, newest_checkpoint(tmp_path / "one").weights
    for name, weight in theirs.items():
        torch.testing.assert_close(ours[name], weight, rtol=1e-4, atol=1e-5)
    assert json.loads((tmp_path / "two" / "config.json").read_text())["processes"] == 2


@pytest.mark.ddp
@pytest.mark.fault("T02")
def test_two_processes_resume_to_the_bit(tmp_path):
    run(tmp_path / "undisturbed", 2, {})
    run(tmp_path / "stopped", 2, {}, stop_at=8)
    assert newest_checkpoint(tmp_path / "stopped").training["progress"]["step"] == 8
    run(tmp_path / "stopped", 2, {})
    ours, theirs = newest_checkpoint(tmp_path / "stopped"), newest_checkpoint(tmp_path / "undisturbed")
    assert equal(ours.weights, theirs.weights) and equal(ours.momentum, theirs.momentum)


@pytest.mark.ddp
def test_computers_that_do_not_share_the_run_directory_do_not_go_on_differently(tmp_path):
    """The first has a checkpoint to go on from, the second has none: together they would train a mixture."""
    run(tmp_path / "0", 1, {}, stop_at=8)
    before = {path.name: path.read_bytes() for path in (tmp_path / "0").glob("*.*")}
    done = attempt(tmp_path / "{rank}", 2, {})
    assert done.returncode != 0 and "--out must lie where all computers see it" in done.stderr
    assert {path.name: path.read_bytes() for path in (tmp_path / "0").glob("*.*")} == before


@pytest.mark.ddp
@pytest.mark.fault("T25")
def test_computers_with_other_files_are_refused_before_the_first_step(tmp_path):
    """A copy of the data that lacks an image: every process would take its batches from another order."""
    done = attempt(tmp_path, 2, {"missing": "1"})
    assert done.returncode != 0 and "the processes do not see the same images" in done.stderr
    assert not list(tmp_path.iterdir())


COMMAND = [
    "train",
    "A",
    "--data",
    "fashion-mnist-small",
    "--width",
    "0.03",
    "--fc-width",
    "8",
    "--save-every",
    "1000000",
]


@pytest.mark.ddp
@pytest.mark.fault("T04")
def test_the_command_under_torchrun_stops_at_a_signal_to_all_and_goes_on(tmp_path):
    """As Slurm has it at the end of the time: every process is told, and torchrun tells its own once more."""
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "vggstudy"]
    words = [*launch, *COMMAND, "--out", str(tmp_path), "--resume", "--epochs"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen([*words, "1000"], env=environment, stderr=subprocess.PIPE, text=True) as job:
        until = time.monotonic() + 120
        while not (tmp_path / "metrics.jsonl").exists() or len(read_metrics(tmp_path)) < 3:
            assert job.poll() is None and time.monotonic() < until, job.stderr.read()
            time.sleep(0.1)
        for process in (job, *psutil.Process(job.pid).children()):
            process.send_signal(signal.SIGTERM)
        told = job.communicate(timeout=60)[1]
        assert job.returncode != 0
    stopped = read_metrics(tmp_path)[-1]["step"]
    assert f"stopped by SIGTERM at step {stopped}; go on by the same command with --resume" in told
    assert newest_checkpoint(tmp_path).training["progress"]["step"] == stopped
    done = subprocess.run(
        [*words, str(1 + stopped // 156)], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert [step["step"] for step in read_metrics(tmp_path)] == list(range(1, 1 + 156 * (1 + stopped // 156)))


def test_a_batch_that_cannot_be_shared_out_evenly_is_refused():
    check_share(256, 8)
    with pytest.raises(ConfigError, match="batch_size = 256: allowed is a multiple of 3"):
        check_share(256, 3)


def test_more_processes_than_gpus_are_refused():
    assert own_gpu(1, 2) == torch.device("cuda", 1)
    with pytest.raises(ConfigError, match="--nproc-per-node: allowed here is 2 or less"):
        own_gpu(2, 2)


@pytest.mark.parametrize("name", ["meta", "tpu9", "cuda:99"])
def test_a_device_that_cannot_train_is_refused(name):
    with pytest.raises(ConfigError, match=f"device = '{name}'"):
        find_device(name)


@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_travel_with_the_last_micro_batch_only(tmp_path, compiled):
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/meeting", rank=0, world_size=1)
    try:
        learner = Learner(tiny_net(), replace(TINY, compile=compiled), Place(torch.device("cpu"), world_size=2))
        for last in (False, True):
            learner._synchronise(last)
            assert learner._parallel.require_backward_grad_sync == last
    finally:
        torch.distributed.destroy_process_group()


@pytest.mark.fault("T34")
@pytest.mark.parametrize("world_size", [1, 2, 3, 4])
def test_no_validation_image_is_seen_twice_or_never(world_size):
    images = tiny_set(19, "val", seed=1)
    seen = [
        int(index)
        for rank in range(world_size)
        for batch in CentreCrops(images, 9, 8, 4, rank, world_size).indices
        for index in batch
    ]
    assert sorted(seen) == list(range(19))
