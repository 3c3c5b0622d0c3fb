"""Files that are written whole or not at all, whatever the disk does."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import equal, tiny_net, weights

from vggstudy import atomic
from vggstudy.ablation import Ablation
from vggstudy.atomic import replace_text, replacing
from vggstudy.bench.results import store_results
from vggstudy.cache import cached
from vggstudy.checkpoint import load_checkpoint, save_checkpoint
from vggstudy.errors import CheckpointError, DataError
from vggstudy.evaluation import Evaluation
from vggstudy.replication import Replication

EVALUATION = Evaluation(torch.tensor([[0.5, 0.5]]), torch.tensor([0]), ("a",), "x", 1, 1.0)

WRITERS = {
    "text": lambda place: replace_text(place / "x.txt", "ü\n"),
    "checkpoint": lambda place: save_checkpoint(place / "x.safetensors", tiny_net()),
    "evaluation": lambda place: EVALUATION.save(place / "x.npz"),
    "ablation": lambda place: Ablation("d", np.zeros(1, int), {}, {}).save(place),
    "results": lambda place: store_results(place / "x.json", {"rows": [], "curves": []}),
    "replication": lambda place: Replication(place)._save(),
}


def folders_fail(monkeypatch, operation: str, number: int) -> None:
    """Let one operation of the system fail on every folder."""
    real = getattr(os, operation)

    def fails(target, *rest, **options):
        mode = (os.stat if isinstance(target, str | Path) else os.fstat)(target).st_mode
        if stat.S_ISDIR(mode):
            raise OSError(number, os.strerror(number))
        return real(target, *rest, **options)

    monkeypatch.setattr(atomic.os, operation, fails)


def full(_) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_the_file_takes_the_place_of_the_other_at_the_end(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("before")
    with replacing(path) as part:
        part.write_text("after")
        assert path.read_text() == "before" and part.parent == tmp_path
    assert path.read_text() == "after"
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_write_that_is_broken_off_leaves_what_was_there(tmp_path, error):
    path = tmp_path / "x.txt"
    path.write_text("before")
    with pytest.raises(error), replacing(path) as part:
        part.write_text("ha")
        raise error
    assert path.read_text() == "before"
    assert [*tmp_path.iterdir()] == [path]


def test_two_may_write_one_file_at_a_time(tmp_path):
    path = tmp_path / "x.txt"
    with replacing(path) as ours, replacing(path) as theirs:
        ours.write_text("ours")
        theirs.write_text("theirs")
    assert path.read_text() == "ours"
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.fault("T06")
@pytest.mark.parametrize("writer", WRITERS)
def test_every_writer_waits_for_the_disk_and_leaves_nothing_on_a_full_one(tmp_path, monkeypatch, writer):
    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises((OSError, CheckpointError, DataError), match="No space left"):
        WRITERS[writer](tmp_path)
    assert [*tmp_path.iterdir()] == []


@pytest.mark.fault("T06")
def test_a_checkpoint_that_the_disk_does_not_take_leaves_the_one_before(tmp_path, monkeypatch):
    path = save_checkpoint(tmp_path / "net.safetensors", tiny_net(seed=1))
    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(CheckpointError, match=r"No space left on device\); needed: .* bytes, free: "):
        save_checkpoint(path, tiny_net(seed=2))
    assert equal(weights(load_checkpoint(path)), weights(tiny_net(seed=1)))
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize(
    ("operation", "number"),
    [("fsync", errno.EINVAL), ("fsync", errno.EOPNOTSUPP), ("fsync", errno.EBADF), ("open", errno.EACCES)],
)
def test_a_folder_that_cannot_be_flushed_does_not_fail_the_write(tmp_path, monkeypatch, writer, operation, number):
    """Some network file systems flush no folder, and Windows opens none."""
    folders_fail(monkeypatch, operation, number)
    WRITERS[writer](tmp_path)
    assert [*tmp_path.iterdir()] and not [*tmp_path.glob(".*")]


def test_a_cache_is_kept_where_folders_cannot_be_flushed(tmp_path, monkeypatch):
    monkeypatch.setenv("VGGSTUDY_CACHE", str(tmp_path))
    folders_fail(monkeypatch, "fsync", errno.EINVAL)
    for kept in (1, 2):
        assert cached("x", lambda kept=kept: {"a": np.array(kept)})["a"] == 1


def test_a_text_is_the_same_bytes_everywhere(tmp_path):
    replace_text(tmp_path / "x.json", json.dumps("×", ensure_ascii=False) + "\n")
    assert (tmp_path / "x.json").read_bytes() == '"×"\n'.encode()
