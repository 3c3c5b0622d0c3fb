"""Training curves that grow while a network learns, with a hand on the run; recorded ones replay."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

import traitlets

from vggstudy.errors import ConfigError, StudyError, unknown
from vggstudy.regime import TrainConfig
from vggstudy.runs import METRICS, read_config, read_metrics
from vggstudy.widgets.base import StudyWidget, shows_errors
from vggstudy.widgets.curves import Record, Recording, curves
from vggstudy.widgets.runner import ACTIVE, Runner, Steps

SHORTEST_PAUSE = 0.25  # seconds between two drawings
DRAWING_SHARE = 0.05  # of the time, at most, goes into drawings
MOST_RUNS = 4  # overlaid

Source = str | Path | Sequence[Record]


class LiveCurves(StudyWidget):
    """Loss, errors and learning rate of a run, drawn as it goes on, over those of other runs.

    Buttons start, pause, resume and stop a run in a background thread; `run` drives one in the cell.  Where
    no kernel answers, as on the printed page, they stay off, and the last run is replayed.  A second start
    lays a new run over the earlier ones.

    Args:
        steps: Makes a fresh generator of step records, given what it may ask whether to stop:
            `lambda stop: train(vgg("A"), data, config, stop=stop)`.
        name: Of the run, for the legend; one that begins with a configuration's letter gets its colour.
        num_classes: `K`; ln K is marked, and a run that does not leave it.
        config: Its epochs and batch size tell the time left.
        overlay: Name -> earlier run: its directory, its `metrics.jsonl`, or its records.
        out: The trainer's run directory: what a run that was cut off left there is shown, and `Start` goes on
            with it if `steps` resumes.
    Raises:
        ConfigError: If `steps` is no function, or there are fewer than two classes.
        DataError: If there is no recorded run where one should be.

    Paper: section 3.1.  Book: training.
    """

    _script = "live_curves"
    _shown = ("status", "names", "step")

    state = traitlets.Dict(help="what `curves` returns").tag(sync=True)
    status = traitlets.Unicode("idle").tag(sync=True)
    startable = traitlets.Bool().tag(sync=True)
    frame = traitlets.Int(-1, help="position of the scrubber; -1 is the end").tag(sync=True)

    def __init__(
        self,
        steps: Steps | None,
        name: str = "training",
        *,
        num_classes: int | None = None,
        config: TrainConfig | None = None,
        overlay: Mapping[str, Source] | None = None,
        out: str | Path | None = None,
    ) -> None:
        self._runner = Runner(steps or _nothing, self._saw, self._became)
        if num_classes is not None and num_classes < 2:
            raise ConfigError(f"num_classes={num_classes!r}: allowed are 2 or more")
        if steps is not None and not callable(steps):
            raise ConfigError(f"steps={steps!r}: allowed is a function that makes a generator, as `lambda stop: ...`")
        self._name, self._num_classes, self._config = name, num_classes, config
        self._runs = [recording(label, source) for label, source in (overlay or {}).items()]
        if out is not None and (Path(out) / METRICS).is_file():
            self._runs.append(recording(name, out))
        self._first = True  # whether the next step is the first of its run
        self._begun = 0
        self._draw_at = 0.0
        super().__init__(startable=steps is not None, status="recorded" if steps is None else "idle")
        self.on_msg(self._command)
        self._draw()

    @classmethod
    def replay(cls, runs: Mapping[str, Source] | Source, num_classes: int | None = None) -> LiveCurves:
        """Recorded runs with a scrubber, nothing to start.

        Args:
            runs: Name -> directory of a run, its `metrics.jsonl`, or its records; or one of these alone.
            num_classes: `K`, to mark ln K.
        """
        named = runs if isinstance(runs, Mapping) else {"recorded run": runs}
        return cls(None, num_classes=num_classes, overlay=named)

    @property
    def records(self) -> list[Record]:
        """Of the newest run, oldest first."""
        return list(self._runs[-1].records) if self._runs else []

    @property
    def names(self) -> list[str]:
        """Of the runs, as in the legend."""
        return [run.name for run in self._runs]

    @property
    def step(self) -> int:
        """Updates of the newest run so far."""
        return self._runs[-1].records[-1]["step"] if self._runs and self._runs[-1].records else 0

    def run(self) -> None:
        """Train in this cell, to the end; an interrupt of the kernel ends the run and not the notebook.

        Raises:
            TrainingError: If a run is going on.
            Exception: Whatever the training raises; the widget shows it too.
        """
        self._runner.run()

    def start(self) -> None:
        """Train in a background thread; without effect while a run is going on."""
        self._runner.start()

    def pause(self) -> None:
        """Hold the run after the step in hand."""
        self._runner.pause()

    def resume(self) -> None:
        """Go on after a pause."""
        self._runner.resume()

    def stop(self) -> None:
        """End the run after the step in hand."""
        self._runner.stop()

    def result(self, timeout: float | None = None) -> list[Record]:
        """The records of a background run, once it has ended.

        Args:
            timeout: Seconds to wait at most.
        Raises:
            TimeoutError: If it is still going on then.
            Exception: Whatever the training raised.
        """
        self._runner.result(timeout)
        return self.records

    def close(self) -> None:
        """Take the widget away; a run that is going on ends."""
        self._runner.stop()
        self.layout.close()  # a widget of its own, which ipywidgets would keep
        super().close()

    def _command(self, _widget: LiveCurves, message: Any, _buffers: list[bytes]) -> None:
        if isinstance(message, dict) and "command" in message:
            self._obey(message["command"])

    @shows_errors
    def _obey(self, command: str) -> None:
        commands = {"start": self.start, "pause": self.pause, "resume": self.resume, "stop": self.stop}
        if command not in commands:
            raise ConfigError(unknown("command", command, commands))
        commands[command]()

    def _saw(self, step: Any) -> None:
        record = asdict(step) if is_dataclass(step) else dict(step)
        if self._first:
            self._open(record["step"])
        self._runs[-1].records.append(record)
        if time.monotonic() >= self._draw_at or self._runner.status == "paused":
            self._draw()

    def _open(self, step: int) -> None:
        """Make room for the run that begins with this step; a resumed one goes on where it was cut off."""
        self._first = False
        if step > 1 and self._runs and self._runs[-1].records:
            earlier = self._runs.pop()
            kept = [record for record in earlier.records if record["step"] < step]
            self._runs.append(self._recording(earlier.name, kept))
            return
        self._begun += 1
        name = self._name if self._begun == 1 else f"{self._name} ({self._begun})"
        self._runs = [*self._runs, self._recording(name, [])][-MOST_RUNS:]

    def _recording(self, name: str, records: list[Record]) -> Recording:
        config = self._config
        return Recording(name, records, config and config.epochs, config and config.batch_size)

    def _became(self, status: str) -> None:
        """Only the thread that drives the run draws: nobody reads records while they grow."""
        if status == "running" and self.status not in ACTIVE:
            self._first, self.error, self.frame = True, "", -1
        if status == "failed":
            fault = self._runner.error
            self.error = str(fault) if isinstance(fault, StudyError) else f"{type(fault).__name__}: {fault}"
        if status not in ACTIVE:
            self._draw()
        self.status = status

    def _draw(self) -> None:
        began = time.monotonic()
        self.state = curves(self._runs, self._num_classes)
        spent = time.monotonic() - began
        self._draw_at = time.monotonic() + max(SHORTEST_PAUSE, spent / DRAWING_SHARE)


def recording(name: str, source: Source) -> Recording:
    """A recorded run from its directory, its `metrics.jsonl`, or its records.

    Raises:
        DataError: If there is none.
    """
    if not isinstance(source, str | Path):
        return Recording(name, [dict(record) for record in source])
    folder = Path(source)
    folder = folder.parent if folder.name == METRICS else folder
    regime = read_config(folder).get("train", {})
    return Recording(name, read_metrics(folder), regime.get("epochs"), regime.get("batch_size"))


def _nothing(stop: Callable[[], bool]) -> Iterator[Any]:
    yield from ()
