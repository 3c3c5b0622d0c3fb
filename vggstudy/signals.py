"""Requests to stop: the first SIGINT or SIGTERM is remembered, the second acts at once."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType
from typing import Any, ClassVar

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def under_torchrun() -> bool:
    """Whether `torchrun` started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ and "RANK" in os.environ


class StopRequest:
    """While it is entered, a signal asks the training to stop after its step; the handlers are put back when the last
    one is left, in whatever order several were entered.

    Under `torchrun` a second signal changes nothing: it hands on to its processes the signal that a terminal
    or Slurm has often sent them already, and kills them itself if they do not end in time.  In a thread other
    than the main one, where Python delivers no signals, it never asks.
    """

    _entered: ClassVar[list[StopRequest]] = []
    _before: ClassVar[dict[signal.Signals, Any]] = {}

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None

    def __call__(self) -> bool:
        """Whether to stop."""
        return self.signal is not None

    @property
    def exit_status(self) -> int:
        """130 after SIGINT, 143 after SIGTERM, as shells have it; 0 without a signal."""
        return 128 + self.signal if self.signal is not None else 0

    def __enter__(self) -> StopRequest:
        if _in_main_thread():
            if not self._before:
                self._before.update({number: signal.signal(number, _note) for number in SIGNALS})
            self._entered.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        if self in self._entered:
            self._entered.remove(self)
        if not self._entered and _in_main_thread():  # a loop may be left in another thread than it was begun in
            _put_back()


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _put_back() -> None:
    for number, handler in StopRequest._before.items():
        signal.signal(number, handler)
    StopRequest._before.clear()


def _note(number: int, _: FrameType | None) -> None:
    if not StopRequest._entered:  # all were left in another thread
        _put_back()
        signal.raise_signal(number)
        return
    for request in StopRequest._entered:
        request.signal = signal.Signals(number)
    if under_torchrun():
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
