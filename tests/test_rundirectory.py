"""A run directory is one process's: what its lock says on file systems of every kind."""

from __future__ import annotations

import errno
import json
import os

import pytest

from vggstudy import rundirectory
from vggstudy.errors import StudyWarning, TrainingError
from vggstudy.rundirectory import open_run

NOT_NOTICED = "no file can be locked here, so two processes in this directory would not be noticed"


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
    assert [rundirectory._alive(pid) for pid in (7, 8, 0, -1)] == [True, False, False, False]
    assert sent == []


@pytest.mark.fault("T03")
@pytest.mark.parametrize("name", [".config.json.0a1b2c3d.tmp", ".tmpf8SJEF"])
def test_what_a_kill_left_half_written_is_cleared(tmp_path, name):
    """Ours, and the file that safetensors writes before it gives it our name."""
    (tmp_path / name).write_bytes(b"half")
    with open_run(tmp_path, resume=True):
        assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", "metrics.jsonl"]
