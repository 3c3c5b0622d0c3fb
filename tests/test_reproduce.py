"""The chapter on ImageNet: every command that it shows is one that the command line understands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import nbformat
import pytest

from vggstudy.__main__ import parser
from vggstudy.commands import COMMANDS as NAMES
from vggstudy.commands.train import regime_of
from vggstudy.recipes import recipe

ROOT = Path(__file__).parents[1]
CHAPTER = nbformat.read(ROOT / "book" / "reproduce.ipynb", as_version=4)
PROGRAMS = ("vggstudy", "torchrun", "sbatch")


def joined(text):
    """Lines, those that a backslash breaks put together again."""
    return re.sub(r"\s*\\\n\s*", " ", text).splitlines()


def in_prose():
    """Lines of console blocks, and whole commands in the running text; those cut short by a … are left out."""
    text = "\n".join(cell.source for cell in CHAPTER.cells if cell.cell_type == "markdown")
    for block in re.findall(r"```console\n(.*?)```", text, flags=re.S):
        yield from (line.removeprefix("$ ") for line in joined(block))
    text = re.sub(r"```.*?```", "", text, flags=re.S)
    yield from (code for code in re.findall(r"`(vggstudy \w+ [^`]*)`", text) if "…" not in code)


def in_outputs():
    for cell in CHAPTER.cells:
        for output in cell.get("outputs", []):
            yield from (line for line in joined(output.get("text", "")) if line.startswith(PROGRAMS))


COMMANDS = [*in_prose(), *in_outputs()]


def words_of(command):
    """The words after `vggstudy`, whatever starts it; variables of the shell stay as they are."""
    words = shlex.split(command)
    while "=" in words[0] and not words[0].startswith("-"):
        words.pop(0)
    if words[0] == "torchrun":
        from torch.distributed.run import get_args_parser

        read = get_args_parser().parse_args(words[1:])
        assert read.module and read.training_script == "vggstudy"
        return read.training_script_args
    if words[0] == "sbatch":
        script, config, out, *rest = words[1:]
        assert (ROOT / script).is_file()
        return ["train", config, "--data", "imagenet:there", "--out", out, "--resume", *rest]
    assert words[0] == "vggstudy", f"the chapter shows {command!r}, which nothing here can read"
    return words[1:]


def test_the_chapter_shows_commands_in_both_places():
    assert len(list(in_prose())) >= 15 and len(list(in_outputs())) == len(recipe("D", (256, 512)))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[:70])
def test_each_command_is_understood(command, capsys):
    try:
        args = parser().parse_args(words_of(command))
    except SystemExit as end:
        pytest.fail(f"{command}\n{capsys.readouterr().err}") if end.code else None
        return
    if args.command == "train":
        net, regime = regime_of(args, small=False)
        assert net == {} and regime.batch_size == 256 and args.initialise in (None, "normal")
    if args.command == "recipe" and args.options:
        stage = recipe(args.config, args.S)[-1].command(args.data, options=args.options)
        parser().parse_args(stage[1:])


def test_commands_that_are_only_named_exist():
    text = "\n".join(cell.source for cell in CHAPTER.cells if cell.cell_type == "markdown")
    assert set(re.findall(r"`vggstudy (\w+)", text)) <= set(NAMES)


def test_a_renamed_option_would_be_noticed(capsys):
    with pytest.raises(SystemExit):
        parser().parse_args(words_of("vggstudy evaluate D --weights oxford --data imagenet:x --protocols table5"))
    assert "did you mean --protocol?" in capsys.readouterr().err
