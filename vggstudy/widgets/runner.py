"""A generator of steps driven in this thread or a background one: started, paused, resumed, stopped."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from threading import Event, RLock, Thread, current_thread, main_thread
from typing import Any

from vggstudy.errors import TrainingError

ACTIVE = ("running", "paused")

Steps = Callable[[Callable[[], bool]], Iterator[Any]]
"""Makes a generator of steps; may ask its argument before each step whether to stop."""


class Runner:
    """At most one run at a time.

    Args:
        steps: Called at each start, in the thread that will drive it, to make a fresh generator.
        on_step: Called with each step, in that thread.
        on_status: Called in the thread that caused the change, with `"running"`, `"paused"`, `"done"`,
            `"stopped"` or `"failed"`.
    """

    def __init__(
        self,
        steps: Steps,
        on_step: Callable[[Any], None],
        on_status: Callable[[str], None],
    ) -> None:
        self._steps, self._on_step, self._on_status = steps, on_step, on_status
        self._lock, self._go, self._stop, self._ended = RLock(), Event(), Event(), Event()
        self.status = "idle"
        self.error: BaseException | None = None

    def run(self) -> None:
        """Drive a run to its end in this thread; an interrupt of the kernel stops it after the step in hand.

        Raises:
            TrainingError: If a run is going on.
            Exception: Whatever the generator raises.
        """
        with self._lock:
            if self.status in ACTIVE:
                raise TrainingError("a run is going on: stop() it or wait for its result() first")
            self._begin()
        with _interrupted(self.stop):
            self._drive()
        if self.error is not None:
            raise self.error

    def start(self) -> None:
        """Begin a run in a background thread; without effect while one is going on."""
        with self._lock:
            if self.status in ACTIVE:
                return
            self._begin()
            Thread(target=self._drive, daemon=True, name="vggstudy-training").start()

    def pause(self) -> None:
        """Hold after the current step."""
        self._turn("running", "paused", self._go.clear)

    def resume(self) -> None:
        """Go on after a pause."""
        self._turn("paused", "running", self._go.set)

    def stop(self) -> None:
        """End the run after the current step; a pause does not outlast it."""
        with self._lock:
            self._stop.set()
            self._go.set()

    def result(self, timeout: float | None = None) -> None:
        """Wait for the end of a background run; an interrupt of the kernel meanwhile stops it.

        Args:
            timeout: Seconds to wait at most; `None` waits to the end.
        Raises:
            TimeoutError: If the run is still going on then.
            Exception: Whatever the generator raised.
        """
        try:
            ended = self.status not in ACTIVE or self._ended.wait(timeout)
        except KeyboardInterrupt:
            self.stop()
            ended = self._ended.wait()
        if not ended:
            raise TimeoutError(f"the run is still {self.status} after {timeout:g} s")
        if self.error is not None:
            raise self.error

    def _begin(self) -> None:
        self.error = None
        self._stop.clear()
        self._ended.clear()
        self._go.set()
        self._set("running")

    def _turn(self, before: str, after: str, flag: Callable[[], None]) -> None:
        with self._lock:
            if self.status == before and not self._stop.is_set():
                flag()
                self._set(after)

    def _set(self, status: str) -> None:
        self.status = status
        self._on_status(status)

    def _drive(self) -> None:
        end = "done"
        try:
            with closing(self._steps(self._stop.is_set)) as steps:
                for step in steps:
                    self._on_step(step)
                    self._go.wait()
                    if self._stop.is_set():
                        break
            if self._stop.is_set():
                end = "stopped"
        except KeyboardInterrupt:
            end = "stopped"
        except Exception as error:
            self.error, end = error, "failed"
        with self._lock:
            try:
                self._set(end)
            finally:
                self._ended.set()  # nobody waits for ever because the status could not be shown


@contextmanager
def _interrupted(act: Callable[[], None]) -> Iterator[None]:
    """The first interrupt of the main thread calls `act`, the second is a `KeyboardInterrupt`."""
    if current_thread() is not main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def once(*_: Any) -> None:
        signal.signal(signal.SIGINT, before)
        act()

    signal.signal(signal.SIGINT, once)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
