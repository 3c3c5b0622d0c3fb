"""Requests to stop: the first SIGINT or SIGTERM is remembered, the second acts at once."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def under_torchrun() -> bool:
    """Whether `torchrun` started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ and "RANK" in os.environ


class StopRequest:
    """While it is entered, a signal asks the training to stop after its step; the handlers are put back on
    leaving.

    Under `torchrun` a second signal changes nothing: it hands on to its processes the signal that a terminal
    or Slurm has often sent them already, and kills them itself if they do not end in time.  In a thread other
    than the main one, where Python delivers no signals, it never asks.
    """

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._before: dict[signal.Signals, object] = {}

    def __call__(self) -> bool:
        """Whether to stop."""
        return self.signal is not None

    @property
    def exit_status(self) -> int:
        """130 after SIGINT, 143 after SIGTERM, as shells have it; 0 without a signal."""
        return 128 + self.signal if self.signal is not None else 0

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _note(self, number: int, _: FrameType | None) -> None:
        self.signal = signal.Signals(number)
        if under_torchrun():
            return
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
