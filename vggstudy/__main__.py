"""The command line: `vggstudy COMMAND`, or `python -m vggstudy COMMAND`.

Each command is a module of `vggstudy.commands` with `HELP`, `add_arguments(parser)` and `run(args)`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module

from vggstudy import __version__
from vggstudy.commands import COMMANDS
from vggstudy.errors import StudyError, unknown

FREE_SOME = "end what else takes it, or take a machine with more"
SMALLER_PASS = "a smaller --Q, fewer --workers or --precision bfloat16 take less"
LESS_MEMORY = {
    "train": "a smaller --micro-batch or fewer --workers take less",
    "evaluate": SMALLER_PASS,
    "ladder": SMALLER_PASS,
}
"""What a command may be told to do when the memory is full."""


class Command(argparse.ArgumentParser):
    """A parser that says in one line what is wrong, with the nearest name for one that does not exist."""

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message}; see {self.prog} --help\n")

    def _check_value(self, action, value):
        if action.choices is not None and value not in action.choices:
            raise argparse.ArgumentError(action, unknown("choice", value, action.choices))

    def parse_known_args(self, args=None, namespace=None):
        namespace, unread = super().parse_known_args(args, namespace)
        if unread:
            near = get_close_matches(unread[0].partition("=")[0], self._option_string_actions, n=1)
            self.error(f"unknown option {unread[0]}" + (f" (did you mean {near[0]}?)" if near else ""))
        return namespace, unread


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = Command(
        prog="vggstudy",
        description="The VGG networks (Simonyan and Zisserman, 2014): explore, train and evaluate them.",
    )
    top.add_argument("--version", action="version", version=f"vggstudy {__version__}")
    top.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Command)
    for name in COMMANDS:
        module = import_module(f"vggstudy.commands.{name}")
        sub = commands.add_parser(name, help=module.HELP, description=module.HELP)
        sub.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        module.add_arguments(sub)
        sub.set_defaults(run=module.run)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; what the user can mend, or the machine refuses, is one line, and 2."""
    args = parser().parse_args(argv)
    try:
        return args.run(args) or 0
    except BrokenPipeError:
        sys.stderr.close()  # the reader of a pipe such as `| head` has left; Python would complain at exit
        return 0
    except (StudyError, OSError, KeyboardInterrupt) as error:
        if args.debug:
            raise
        if isinstance(error, KeyboardInterrupt):
            print("vggstudy: interrupted", file=sys.stderr)
            return 130
        print(f"vggstudy: error: {told(error)}", file=sys.stderr)
        return 2
    except (MemoryError, RuntimeError) as error:
        from vggstudy.memory import is_out_of_memory  # loads torch

        if args.debug or not is_out_of_memory(error):
            raise
        print(f"vggstudy: error: out of memory; {LESS_MEMORY.get(args.command, FREE_SOME)}", file=sys.stderr)
        return 2


def told(error: StudyError | OSError) -> str:
    """An error in one line; those of the machine with the file that they are about."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error)


if __name__ == "__main__":
    sys.exit(main())
