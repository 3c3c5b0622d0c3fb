"""What all widgets of the book share: one look, errors that are seen, and a repr that can be compared."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import traitlets

from vggstudy.errors import StudyError
from vggstudy.widgets.cells import take_place

STATIC = Path(__file__).parent / "static"


def _read(*names: str) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for name in names if (path := STATIC / name).exists())


def shows_errors(method: Callable[..., None]) -> Callable[..., None]:
    """Let a callback's error appear in the widget instead of in a log that nobody reads.

    What the reader can mend (a `StudyError`) is only shown; anything else is a fault of ours, shown and raised.
    """

    @wraps(method)
    def guarded(self: StudyWidget, *args: Any, **kwargs: Any) -> None:
        self.error = ""
        try:
            method(self, *args, **kwargs)
        except StudyError as error:
            self.error = str(error)
        except Exception as error:
            self.error = f"{type(error).__name__}: {error}"
            raise

    return guarded


class StudyWidget(anywidget.AnyWidget):
    """A widget of the book, drawn by `static/<_script>.js` with the helpers of `static/base.js` before it.

    A subclass names its script and the traits that its repr shows::

        class Bench(StudyWidget):
            _script = "bench"
            _shown = ("kernel", "layers")

    `error` is shown in a red panel while it is not empty.
    """

    _script: ClassVar[str]
    _shown: ClassVar[tuple[str, ...]] = ()

    error = traitlets.Unicode().tag(sync=True)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if "_script" in vars(cls):
            cls._esm = _read("base.js", f"{cls._script}.js")
            cls._css = _read("base.css", f"{cls._script}.css")
        super().__init_subclass__(**kwargs)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.on_msg(self._answer)
        take_place(self)

    def _answer(self, _widget: StudyWidget, message: Any, _buffers: list[bytes]) -> None:
        """Tell the page that there is a kernel: `whenLive` of base.js asks."""
        if message == "ping":
            self.send("pong")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self._shown)})"
