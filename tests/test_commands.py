"""The command line as a whole; each command's own behaviour is tested beside its module."""

import json
import os
import signal
import subprocess
import sys
from importlib import import_module

import pytest
import torch

from vggstudy.__main__ import main
from vggstudy.commands import COMMANDS
from vggstudy.configs import CONFIGS
from vggstudy.nets import RESULTS


def test_configs_prints_tables_1_and_2(capsys):
    assert main(["configs"]) == 0
    printed = capsys.readouterr().out
    for name, config in CONFIGS.items():
        assert f"{name:6} {config.notation}" in printed
    assert "143,667,240" in printed and "144M" in printed


def test_configs_d_shows_parameters_and_receptive_field(capsys):
    main(["configs", "D"])
    printed = capsys.readouterr().out
    assert "138,357,544 parameters" in printed and "receptive field 212 px after pool5" in printed


def test_configs_json_holds_each_layer(capsys):
    main(["configs", "conv7-64 | conv1-8", "--crop-size", "32", "--classes", "10", "--json"])
    printed = json.loads(capsys.readouterr().out)
    names = [layer["name"] for layer in printed["layers"]]
    assert names == ["image", "conv1_1", "pool1", "conv2_1", "fc6", "fc7", "fc8"]
    assert printed["parameters"] == sum(layer["parameters"] for layer in printed["layers"])


@pytest.mark.fault("T36")
@pytest.mark.parametrize("argument", ["vgg17", "conv4-64 |", ""])
def test_a_name_that_is_not_understood_is_one_line_and_2(capsys, argument):
    assert main(["configs", argument]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("vggstudy: error: ") and captured.err.count("\n") == 1 and not captured.out


def test_a_command_that_does_not_exist_gets_the_nearest(capsys):
    with pytest.raises(SystemExit) as left:
        main(["trian"])
    (line,) = capsys.readouterr().err.splitlines()
    assert left.value.code == 2 and "unknown choice 'trian'; did you mean train" in line


@pytest.mark.fault("T21")
@pytest.mark.parametrize(
    "error", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory."), RuntimeError("can't allocate memory: 9")]
)
def test_a_full_memory_is_one_line_that_says_what_takes_less(capsys, monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(import_module("vggstudy.evaluate"), "evaluate", fail)
    assert main(["evaluate", "D-S72", "--data", "shapes", "--limit", "6"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("vggstudy: error: out of memory; a smaller --Q")
    with pytest.raises(type(error)):
        main(["evaluate", "D-S72", "--data", "shapes", "--limit", "6", "--debug"])
    error = RuntimeError("planted")
    with pytest.raises(RuntimeError, match="planted"):
        main(["evaluate", "D-S72", "--data", "shapes", "--limit", "6"])


def test_what_the_machine_refuses_is_one_line_with_the_file(capsys):
    """An error that no part of the library foresaw."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vggstudy.commands.runs.find_runs", lambda folder: os.listdir("/no/such/folder"))
        assert main(["runs"]) == 2
        patch.setattr("vggstudy.commands.runs.find_runs", lambda folder: signal.raise_signal(signal.SIGINT))
        assert main(["runs"]) == 130
    assert capsys.readouterr().err.splitlines() == [
        "vggstudy: error: /no/such/folder: No such file or directory",
        "vggstudy: interrupted",
    ]


def test_a_training_of_the_study_that_fails_is_one_line(capsys, monkeypatch):
    """Its own last line, where that was not shown already."""
    command = [sys.executable, "-m", "vggstudy", "train", "A"]

    def fail(*_, **__):
        raise subprocess.CalledProcessError(2, command, stderr=b"epoch 1\nvggstudy: error: it broke\n")

    monkeypatch.setattr("vggstudy.study.study", fail)
    assert main(["study", "A-S72"]) == 2
    assert capsys.readouterr().err == "vggstudy: error: vggstudy train A failed: vggstudy: error: it broke\n"


def test_a_quick_ablation_stores_nothing_in_the_book(capsys, monkeypatch):
    asked = []
    monkeypatch.setattr("vggstudy.ablation.measure", lambda *words, **options: asked.append((words, options)) or ())
    assert main(["study", "--ablation", "--quick"]) == main(["study", "--ablation"]) == 0
    ((names, folder), options), (default, _) = asked
    assert (names, options["n"]) == (["A-S72"], 20) and not folder.is_relative_to(RESULTS.parent)
    assert default == (None,)


def test_debug_shows_the_traceback():
    with pytest.raises(ValueError, match="vgg17"):
        main(["configs", "vgg17", "--debug"])


@pytest.mark.fault("T38")
def test_no_command_loads_torch_to_parse_its_arguments():
    """A parser that imports torch would take seconds for `--help`."""
    code = """
import sys
from vggstudy.__main__ import parser
parser()
heavy = {"torch", "torchvision", "matplotlib", "pandas", "anywidget"} & set(sys.modules)
sys.exit(str(heavy) if heavy else 0)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command(command, capsys):
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0 and "usage: vggstudy" in capsys.readouterr().out
