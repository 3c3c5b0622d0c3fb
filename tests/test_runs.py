"""Run directories as `vggstudy runs` and `vggstudy curves` read them, damaged ones and foreign ones too."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tiny import TINY, tiny_data, tiny_net

from vggstudy.__main__ import main
from vggstudy.errors import DataError
from vggstudy.runs import read_metrics
from vggstudy.train import train


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "ours"
    list(train(tiny_net(), tiny_data(), replace(TINY, epochs=1), out=run))
    return run


@pytest.fixture
def run(trained, tmp_path) -> Path:
    """A copy of the run, without its weights."""
    (tmp_path / "ours").mkdir()
    for name in ("config.json", "metrics.jsonl"):
        (tmp_path / "ours" / name).write_bytes((trained / name).read_bytes())
    return tmp_path / "ours"


def without_S(config: dict) -> dict:
    return config | {"train": {name: value for name, value in config["train"].items() if name != "S"}}


@pytest.mark.parametrize(
    "foreign",
    [
        lambda config: b"[1, 2]",
        lambda config: b'{"model_type": "vit"}',
        lambda config: json.dumps(without_S(config)).encode(),
        lambda config: json.dumps(config | {"train": []}).encode(),
        lambda config: b'{"name": "\xff\xfe"}',
        lambda config: b"# no JSON",
        lambda config: b"",
    ],
    ids=["list", "another's", "without S", "a list in it", "not UTF-8", "not JSON", "empty"],
)
def test_a_foreign_configuration_is_named_and_the_runs_are_listed(run, capsys, foreign):
    other = run.parent / "other"
    other.mkdir()
    (other / "config.json").write_bytes(foreign(json.loads((run / "config.json").read_text())))
    (other / "metrics.jsonl").write_bytes((run / "metrics.jsonl").read_bytes())
    assert main(["runs", str(run.parent), "--json"]) == 0
    printed = capsys.readouterr()
    assert [(each["path"], each["S"], each["step"]) for each in json.loads(printed.out)] == [(str(run), "9:12", 6)]
    (line,) = printed.err.splitlines()
    assert line.startswith(f"vggstudy: skipped {other / 'config.json'}: ")
    assert main(["runs", str(other)]) == 2
    assert capsys.readouterr().err.splitlines()[1].startswith(f"vggstudy: error: {other}: no sound run directory")


def test_what_is_no_run_is_not_spoken_of(run, capsys):
    """Many tools keep a `config.json`; without metrics beside it, it is none of ours."""
    (run.parent / "model").mkdir()
    (run.parent / "model" / "config.json").write_text('{"model_type": "vit"}')
    assert main(["runs", str(run.parent)]) == 0
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    "damage", [b'{"step": 3, "lo\n', b"\0\0\0\0\n", b'{"step": "\xff"}\n', b"17\n", b"{}\n", b"\n"]
)
def test_a_damaged_line_of_the_metrics_is_named(run, capsys, damage):
    lines = (run / "metrics.jsonl").read_bytes().splitlines(keepends=True)
    (run / "metrics.jsonl").write_bytes(b"".join([*lines[:2], damage, *lines[3:]]))
    assert main(["curves", str(run), "--out", str(run / "curves.png")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"vggstudy: error: {run / 'metrics.jsonl'}, line 3: damaged")
    assert main(["runs", str(run)]) == 2  # no other is there
    assert f"skipped {run / 'metrics.jsonl'}, line 3: damaged" in capsys.readouterr().err


@pytest.mark.parametrize("torn", [b'{"step": 7, "lo', b'{"step": 7, "loss": "\xc3', b"\0\0\0"])
def test_a_last_line_that_a_kill_cut_off_is_left_out(run, capsys, torn):
    whole = read_metrics(run)
    with (run / "metrics.jsonl").open("ab") as file:
        file.write(torn)
    assert read_metrics(run) == whole and len(whole) == 6
    assert main(["curves", str(run), "--out", str(run / "curves.png")]) == 0
    assert main(["runs", str(run)]) == 0
    assert not capsys.readouterr().err and (run / "curves.png").stat().st_size


def test_curves_do_without_the_names_of_the_classes(run):
    (run / "config.json").write_text('{"classes": 3}')
    assert main(["curves", str(run), "--out", str(run / "curves.png")]) == 0


def test_curves_of_a_foreign_configuration_are_one_line(run, capsys):
    (run / "config.json").write_text("[]")
    assert main(["curves", str(run), "--out", str(run / "curves.png")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"vggstudy: error: {run / 'config.json'}: not there or no record of a run")


def test_no_metrics(tmp_path):
    with pytest.raises(DataError, match=r"metrics\.jsonl: no such file"):
        read_metrics(tmp_path)
