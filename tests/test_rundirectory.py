"""A run directory is one process's: what its lock says on file systems of every kind."""

from __future__ import annotations

import errno
import json
import os
import socket
from pathlib import Path

import pytest
from tiny import tiny_net

from vggstudy import rundirectory
from vggstudy.checkpoint import snapshot
from vggstudy.errors import CheckpointError, StudyWarning, TrainingError
from vggstudy.rundirectory import Owner, checkpoints, newest_checkpoint, open_run
from vggstudy.runs import read_metrics

NOT_NOTICED = "no file can be locked here, so another computer in this directory would not be noticed"


def answers(monkeypatch, number: int) -> None:
    """Let the file system give that answer whenever it is asked for a lock."""

    def flock(*_) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(rundirectory.fcntl, "flock", flock)


@pytest.mark.fault("T12")
@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP])
def test_where_no_file_can_be_locked_a_run_goes_on_and_says_so(tmp_path, monkeypatch, number):
    answers(monkeypatch, number)
    with pytest.warns(StudyWarning, match=f"{tmp_path}: {NOT_NOTICED}") as caught, open_run(tmp_path, False) as run:
        run.log({"step": 1})
    assert len(caught) == 1 and "\n" not in str(caught[0].message)
    assert json.loads((tmp_path / "metrics.jsonl").read_text()) == {"step": 1}


@pytest.mark.fault("T12")
def test_a_system_without_fcntl_has_no_locks(tmp_path, monkeypatch):
    monkeypatch.setattr(rundirectory, "fcntl", None)
    with pytest.warns(StudyWarning, match=NOT_NOTICED), open_run(tmp_path, resume=False):
        pass


@pytest.mark.fault("T12")
@pytest.mark.parametrize("number", [errno.EAGAIN, errno.EACCES])
def test_a_lock_that_somebody_holds_means_in_use(tmp_path, monkeypatch, number):
    (tmp_path / "lock").write_text('{"pid": 7, "host": "elsewhere"}')
    answers(monkeypatch, number)
    with pytest.raises(TrainingError, match="in use by process 7 on elsewhere"), open_run(tmp_path, resume=True):
        pass


@pytest.mark.fault("T12")
def test_any_other_answer_is_told_as_it_is(tmp_path, monkeypatch):
    answers(monkeypatch, errno.EIO)
    with pytest.raises(TrainingError) as caught, open_run(tmp_path, resume=True):
        pass
    assert str(caught.value) == f"{tmp_path / 'lock'}: cannot be locked (Input/output error); choose another --out"


@pytest.mark.fault("T06")
def test_a_disk_too_full_for_the_lock_is_one_line(tmp_path, monkeypatch):
    def full(*_) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(rundirectory.os, "write", full)
    with pytest.raises(TrainingError, match=r"lock: No space left on device; free some"), open_run(tmp_path, False):
        pass


def test_asking_for_a_process_sends_it_nothing(monkeypatch):
    """On Windows os.kill(pid, 0) is Ctrl+C."""
    sent = []
    monkeypatch.setattr(rundirectory.psutil, "pid_exists", lambda pid: pid == 7)
    monkeypatch.setattr(os, "kill", lambda *words: sent.append(words))
    assert [Owner(pid).alive for pid in (7, 8, 0, -1)] == [True, False, False, False]
    assert sent == []


@pytest.mark.fault("T12")
@pytest.mark.parametrize(
    ("written", "owner"),
    [
        (b"", "another process; stop it"),
        (b"\xff\x00", "another process; stop it"),
        (b"[]", "another process; stop it"),
        (b'{"pid": "7", "host": "elsewhere"}', "another process; stop it"),
        (b'{"pid": 7, "host": "elsewhere"}', "process 7 on elsewhere; stop it"),
    ],
)
def test_the_owner_of_a_run_directory_is_told_as_far_as_it_is_known(tmp_path, monkeypatch, written, owner):
    (tmp_path / "lock").write_bytes(written)
    monkeypatch.setattr(rundirectory, "PATIENCE", 0.0)
    answers(monkeypatch, errno.EAGAIN)
    with pytest.raises(TrainingError, match=f"{tmp_path}: in use by {owner}"), open_run(tmp_path, resume=True):
        pass


@pytest.mark.fault("T12")
def test_ones_own_lock_is_that_of_another_training_of_the_notebook(tmp_path):
    with (
        open_run(tmp_path, resume=True),
        pytest.raises(TrainingError, match="in use by another training of this process; close it"),
        open_run(tmp_path, resume=True),
    ):
        pass


@pytest.mark.fault("T12")
def test_without_locks_a_living_owner_of_this_computer_is_noticed_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(rundirectory, "fcntl", None)
    (tmp_path / "lock").write_text(json.dumps({"pid": os.getppid(), "host": socket.gethostname()}))
    with pytest.raises(TrainingError, match=f"in use by process {os.getppid()}"), open_run(tmp_path, resume=True):
        pass
    (tmp_path / "lock").write_text(json.dumps({"pid": 2**22 + 1, "host": socket.gethostname()}))
    with pytest.warns(StudyWarning), open_run(tmp_path, resume=True):
        assert json.loads((tmp_path / "lock").read_text())["pid"] == os.getpid()
    assert (tmp_path / "lock").read_bytes() == b""


@pytest.mark.fault("T06")
def test_metrics_that_do_not_fit_are_told_with_what_to_do(tmp_path):
    """The file is closed after that, which fails once more, and must not say less."""
    (tmp_path / "metrics.jsonl").symlink_to("/dev/full")
    with (
        pytest.raises(TrainingError, match=r"metrics\.jsonl: No space left on device; free some space, then --resume"),
        open_run(tmp_path, resume=True) as run,
    ):
        run.log({"step": 1})


@pytest.mark.fault("T14")
def test_a_start_that_was_refused_may_be_tried_again(tmp_path):
    for _ in range(2):
        with pytest.raises(TrainingError, match="too little space"), open_run(tmp_path, resume=False) as run:
            run.require(2**62)


def test_an_old_checkpoint_that_cannot_be_removed_ends_nothing(tmp_path, monkeypatch):
    """It may be open elsewhere, or gone."""
    kept = snapshot(tiny_net())
    with open_run(tmp_path, resume=False) as run:
        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", lambda *_, **__: (_ for _ in ()).throw(PermissionError(errno.EACCES, "no")))
            for step in (1, 2):
                run.save(step, kept, 1, None)
        assert [step for step, _ in checkpoints(tmp_path)] == [1, 2]
        run.save(3, kept, 1, None)
    assert [step for step, _ in checkpoints(tmp_path)] == [3]


@pytest.mark.fault("T07")
def test_a_checkpoint_that_the_disk_does_not_give_just_now_is_not_taken_for_damaged(tmp_path, monkeypatch):
    """Going on from the one before would cost what was learnt since."""
    with open_run(tmp_path, resume=False) as run:
        for step in (1, 2):
            run.save(step, snapshot(tiny_net()), 5, None)

    def stale(*_) -> None:
        raise OSError(errno.ESTALE, "Stale file handle")

    monkeypatch.setattr("vggstudy.checkpoint.safe_open", stale)
    with pytest.raises(CheckpointError, match=r"step-00000002.*: cannot be read \(Stale file handle\); see to"):
        newest_checkpoint(tmp_path)


@pytest.mark.fault("T07")
def test_what_could_not_be_gone_on_from_is_put_aside_and_not_removed(tmp_path):
    with open_run(tmp_path, resume=False) as run:
        for step in (1, 2):
            run.log({"step": step, "epoch": 1.0, "loss": 1.0, "lr": 0.1, "images_per_second": 1.0})
            run.save(step, snapshot(tiny_net()), 5, None)
        with (tmp_path / "metrics.jsonl").open("ab") as file:
            file.write(b"\0\0\0\n")  # as the power failing leaves it
    with open_run(tmp_path, resume=True) as run:
        run.rewind(1)
    assert [step for step, _ in checkpoints(tmp_path)] == [1]
    assert (tmp_path / "step-00000002.safetensors.damaged").stat().st_size
    assert [record["step"] for record in read_metrics(tmp_path)] == [1]


@pytest.mark.fault("T03")
@pytest.mark.parametrize("name", [".config.json.0a1b2c3d.tmp", ".tmpf8SJEF"])
def test_what_a_kill_left_half_written_is_cleared(tmp_path, name):
    """Ours, and the file that safetensors writes before it gives it our name."""
    (tmp_path / name).write_bytes(b"half")
    with open_run(tmp_path, resume=True):
        assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", "metrics.jsonl"]
