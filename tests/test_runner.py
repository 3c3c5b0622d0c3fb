"""Start, pause, resume, stop: one run at a time, quick to end, and no exception is lost."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from vggstudy.errors import TrainingError
from vggstudy.widgets.runner import Runner


class Loop:
    """A generator of 1, 2, 3, ... that counts how often it was begun and closed."""

    def __init__(self, steps: int = 100_000, fault: BaseException | None = None) -> None:
        self.steps, self.fault, self.begun, self.closed = steps, fault, 0, 0
        self.seen: list[int] = []
        self.told: list[str] = []

    def __call__(self, stop):
        self.begun += 1
        try:
            for step in range(1, self.steps + 1):
                if self.fault is not None and step == 3:
                    raise self.fault
                time.sleep(0.002)
                yield step
        finally:
            self.closed += 1

    def runner(self) -> Runner:
        return Runner(self, self.seen.append, self.told.append)

    def wait(self, steps: int) -> None:
        until = time.monotonic() + 5
        while len(self.seen) < steps and time.monotonic() < until:
            time.sleep(0.002)
        assert len(self.seen) >= steps


def test_a_blocking_run_drives_every_step():
    loop = Loop(5)
    loop.runner().run()
    assert loop.seen == [1, 2, 3, 4, 5] and loop.told == ["running", "done"] and loop.closed == 1


def test_pause_holds_and_resume_goes_on():
    loop = Loop()
    runner = loop.runner()
    runner.start()
    loop.wait(3)
    runner.pause()
    time.sleep(0.05)
    held = len(loop.seen)
    time.sleep(0.1)
    assert len(loop.seen) == held and runner.status == "paused"
    runner.resume()
    loop.wait(held + 3)
    runner.stop()
    runner.result(2)
    assert loop.told == ["running", "paused", "running", "stopped"]
    assert loop.seen == list(range(1, len(loop.seen) + 1))


@pytest.mark.parametrize("paused", [False, True])
def test_stop_ends_soon_and_closes_the_generator(paused):
    loop = Loop()
    runner = loop.runner()
    runner.start()
    loop.wait(1)
    if paused:
        runner.pause()
    asked = time.monotonic()
    runner.stop()
    runner.pause()  # too late: it must not hold a run that is asked to end
    runner.result(2)
    assert time.monotonic() - asked < 2 and runner.status == "stopped" and loop.closed == 1


def test_a_second_start_does_nothing():
    loop = Loop()
    runner = loop.runner()
    runner.start()
    runner.start()
    loop.wait(2)
    with pytest.raises(TrainingError, match="going on"):
        runner.run()
    runner.stop()
    runner.result(2)
    assert loop.begun == 1 and loop.seen == list(range(1, len(loop.seen) + 1))


def test_a_run_can_be_started_again_after_its_end():
    loop = Loop(3)
    runner = loop.runner()
    for _ in range(2):
        runner.start()
        runner.result(2)
    assert loop.begun == 2 and loop.seen == [1, 2, 3, 1, 2, 3]


def test_an_exception_of_the_thread_is_raised_by_result():
    loop = Loop(fault=RuntimeError("diverged"))
    runner = loop.runner()
    runner.start()
    for _ in range(2):
        with pytest.raises(RuntimeError, match="diverged"):
            runner.result(2)
    assert runner.status == "failed" and loop.closed == 1


def test_a_status_that_cannot_be_shown_keeps_nobody_waiting(monkeypatch):
    raised = []
    monkeypatch.setattr(threading, "excepthook", lambda thrown: raised.append(str(thrown.exc_value)))

    def tell(status):
        if status == "done":
            raise RuntimeError("the page is gone")

    runner = Runner(Loop(20), lambda step: None, tell)
    runner.start()
    assert runner._ended.wait(5)
    for thread in threading.enumerate():
        if thread.name == "vggstudy-training":
            thread.join(5)
    assert raised == ["the page is gone"]


def test_an_exception_of_a_blocking_run_is_raised_in_the_cell():
    loop = Loop(fault=RuntimeError("diverged"))
    with pytest.raises(RuntimeError, match="diverged"):
        loop.runner().run()
    assert loop.told[-1] == "failed"


def test_an_interrupt_of_a_blocking_run_stops_it_and_the_next_cell_runs():
    loop = Loop()
    runner = loop.runner()
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
    runner.run()
    assert runner.status == "stopped" and loop.closed == 1 and loop.seen
    loop.steps = 2
    runner.run()
    assert runner.status == "done"


def test_an_interrupt_waits_for_the_step_in_hand():
    def slow(stop):
        time.sleep(0.3)  # cut short, had the interrupt been raised here
        yield "whole"

    seen: list[str] = []
    runner = Runner(slow, seen.append, lambda status: None)
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
    runner.run()
    assert seen == ["whole"] and runner.status == "stopped"


def test_an_interrupt_ends_a_run_that_is_paused():
    loop = Loop()
    runner = loop.runner()
    threading.Timer(0.05, runner.pause).start()
    threading.Timer(0.15, os.kill, (os.getpid(), signal.SIGINT)).start()
    runner.run()
    assert loop.told == ["running", "paused", "stopped"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_generator_may_ask_between_its_steps_whether_to_stop():
    def long_step(stop):
        yield 1
        while not stop():
            time.sleep(0.01)

    told: list[str] = []
    runner = Runner(long_step, lambda step: None, told.append)
    threading.Timer(0.1, runner.stop).start()
    runner.run()
    assert told == ["running", "stopped"]


def test_an_interrupt_while_waiting_for_a_background_run_stops_it():
    loop = Loop()
    runner = loop.runner()
    runner.start()
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
    runner.result(5)
    assert runner.status == "stopped" and loop.closed == 1


def test_result_says_that_a_run_is_still_going_on():
    loop = Loop()
    runner = loop.runner()
    runner.start()
    with pytest.raises(TimeoutError, match="still running"):
        runner.result(0.05)
    runner.stop()
    runner.result(2)
