"""A run directory in use: locked, its metrics appended as they happen, its checkpoints kept and thinned."""

from __future__ import annotations

import errno
import json
import math
import os
import re
import shutil
import socket
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil

from vggstudy.atomic import replace_text
from vggstudy.checkpoint import SUFFIX, Checkpoint, NewerFormat, Unreadable, read, write
from vggstudy.errors import CheckpointError, StudyWarning, TrainingError
from vggstudy.runs import CONFIG, METRICS, metrics

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

STEP = re.compile(rf"step-(\d+){re.escape(SUFFIX)}")
LOCK = "lock"
STRAY = (f".{CONFIG}.*.tmp", f".{METRICS}.*.tmp", ".step-*.tmp", ".tmp??????")  # the last are of safetensors
PATIENCE = 10.0  # seconds in which the workers of a killed run notice, and let go of its lock
TAKEN = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES)  # EACCES where flock is emulated
LOCKLESS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP)  # some network file systems


class RunDirectory:
    """The files of one run: `config.json`, `metrics.jsonl`, `step-N.safetensors`, `lock`."""

    def __init__(self, path: Path, metrics: IO[str]) -> None:
        self.path, self._metrics = path, metrics

    def log(self, record: Mapping[str, Any]) -> None:
        """Append one line to the metrics; it is readable by others at once."""
        with self._writing():
            self._metrics.write(json.dumps({key: _finite(value) for key, value in record.items()}) + "\n")
            self._metrics.flush()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise TrainingError(f"{self.path / METRICS}: {error.strerror}; free some space, then --resume") from error

    def save(self, step: int, checkpoint: Checkpoint, keep: int, best_step: int | None) -> None:
        """Write the checkpoint of a step, after the metrics up to it; the `keep` newest and the best one stay."""
        with self._writing():
            os.fsync(self._metrics.fileno())
        write(self.path / f"step-{step:08d}{SUFFIX}", checkpoint)
        for number, path in checkpoints(self.path)[:-keep]:
            if number != best_step:
                with suppress(OSError):  # somebody reads it, or has removed it: the next save tries again
                    path.unlink()

    def note(self, record: Mapping[str, Any]) -> None:
        """Write how the run was started."""
        replace_text(self.path / CONFIG, json.dumps(record, indent=2) + "\n")

    def rewind(self, step: int) -> None:
        """Put aside what lies after a step: metrics of a run that was killed after its last checkpoint, and checkpoints
        that could not be gone on from, which are called damaged from then on."""
        for number, path in checkpoints(self.path):
            if number > step:
                path.replace(path.with_name(f"{path.name}.damaged"))
        kept = list(_until(step, metrics(self.path)))
        self._metrics.close()
        replace_text(self.path / METRICS, "".join(json.dumps(record) + "\n" for record in kept))
        self._metrics = (self.path / METRICS).open("a", encoding="utf-8")

    def require(self, needed: int) -> None:
        """Refuse to start where checkpoints of that many bytes together would not fit; what lies there already has
        its place."""
        needed -= sum(path.stat().st_size for _, path in checkpoints(self.path))
        free = shutil.disk_usage(self.path).free
        if free < needed:
            raise TrainingError(
                f"{self.path}: too little space for the checkpoints (needed: {needed:,} bytes, "
                f"free: {free:,} bytes); free some, or choose another --out"
            )

    def close(self) -> None:
        with suppress(OSError):  # what a full disk did not take has been told
            self._metrics.close()


def _until(step: int, records: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The records up to a step; what lies behind is not read, for a kill may have damaged it."""
    if step == 0:
        return
    for record in records:
        if record["step"] <= step:
            yield record
        if record["step"] >= step:
            return


@contextmanager
def open_run(path: str | Path, resume: bool) -> Iterator[RunDirectory]:
    """Take a run directory for oneself: create it or find it, lock it, clear what a kill left half written.

    Raises:
        TrainingError: If it cannot be written, holds a run already (without `resume`), or another process
            uses it.
    """
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = (path / LOCK).open("a+", encoding="utf-8", errors="replace")
    except OSError as error:
        raise TrainingError(f"{path}: cannot be written ({error.strerror}); choose another --out") from None
    with lock:
        _lock(path, lock)
        if not resume and (checkpoints(path) or _size(path / METRICS)):
            raise TrainingError(f"{path}: holds a run already; go on with it by --resume, or choose another --out")
        for stray in (stray for pattern in STRAY for stray in path.glob(pattern)):
            stray.unlink(missing_ok=True)
        run = RunDirectory(path, (path / METRICS).open("a", encoding="utf-8"))
        try:
            yield run
        finally:
            run.close()
            with suppress(OSError):
                os.ftruncate(lock.fileno(), 0)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _lock(path: Path, lock: IO[str]) -> None:
    """Wait for the lock of a dead process; refuse that of a living one."""
    until = time.monotonic() + PATIENCE
    while not _take(path, lock):
        owner = Owner.of(lock)
        if not owner.here or owner.alive or time.monotonic() > until:
            raise TrainingError(f"{path}: in use by {owner}, or choose another --out")
        time.sleep(0.2)
    try:
        os.ftruncate(lock.fileno(), 0)
        os.write(lock.fileno(), json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode())
    except OSError as error:
        raise TrainingError(f"{path / LOCK}: {error.strerror}; free some space, or choose another --out") from None


def _take(path: Path, lock: IO[str]) -> bool:
    """Whether the run directory is ours now; where the file system has no locks, what `lock` says must do."""
    if fcntl is not None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError as error:
            if error.errno in TAKEN:
                return False
            if error.errno not in LOCKLESS:
                raise TrainingError(
                    f"{path / LOCK}: cannot be locked ({error.strerror}); choose another --out"
                ) from None
    owner = Owner.of(lock)
    if owner.here and owner.alive and owner.pid != os.getpid():
        return False
    text = f"{path}: no file can be locked here, so another computer in this directory would not be noticed"
    warnings.warn(text, StudyWarning, stacklevel=2)
    return True


@dataclass(frozen=True)
class Owner:
    """Who has a run directory, as its lock says; nobody knows before the owner has written it."""

    pid: int = 0
    host: str = ""

    @classmethod
    def of(cls, lock: IO[str]) -> Owner:
        """By what was written into the file."""
        lock.seek(0)
        with suppress(ValueError):
            match json.loads(lock.read()):
                case {"pid": int(pid), "host": str(host)}:
                    return cls(pid, host)
        return cls()

    @property
    def here(self) -> bool:
        """Whether it is of this computer."""
        return self.host == socket.gethostname()

    @property
    def alive(self) -> bool:
        """Whether a process of this computer has its number."""
        return self.pid > 0 and psutil.pid_exists(self.pid)  # os.kill(pid, 0), which asks elsewhere, interrupts Windows

    def __str__(self) -> str:
        if not self.pid:
            return "another process; stop it"
        if self.here and self.pid == os.getpid():
            return "another training of this process; close it"
        return f"process {self.pid} on {self.host}; stop it"


def _finite(value: Any) -> Any:
    """JSON has no word for what is not a number."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def checkpoints(path: str | Path) -> list[tuple[int, Path]]:
    """The checkpoints of a run directory, `(step, file)`, oldest first."""
    found = ((STEP.fullmatch(file.name), file) for file in Path(path).iterdir())
    return sorted((int(match[1]), file) for match, file in found if match)


def has_begun(path: str | Path) -> bool:
    """Whether a run directory has a checkpoint to go on from."""
    return Path(path).is_dir() and bool(checkpoints(path))


def newest_checkpoint(path: str | Path, momentum: bool = True) -> Checkpoint:
    """The newest checkpoint of a run directory that is whole; a warning names each one that is not.

    Raises:
        CheckpointError: If there is none, or one cannot be read just now, or is of a newer format.
    """
    reasons = []
    for _, file in reversed(checkpoints(path)):
        try:
            return read(file, momentum=momentum)
        except (NewerFormat, Unreadable):
            raise
        except CheckpointError as error:
            reasons.append(str(error))
            warnings.warn(f"{error}: falling back to the one before", StudyWarning, stacklevel=2)
    if not reasons:
        raise CheckpointError(f"{path}: no checkpoint yet")
    raise CheckpointError(f"{path}: no valid checkpoint ({reasons[0]}); move the folder aside to start anew")
