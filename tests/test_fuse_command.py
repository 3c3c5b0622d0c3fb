"""`vggstudy fuse`: stored evaluations are averaged, and compared on the same images."""

import json

import pytest
import torch

from vggstudy.__main__ import main
from vggstudy.evaluation import Evaluation, fuse


@pytest.fixture
def stored(tmp_path):
    """Two nets that are wrong on different images, and one that saw others."""
    right, wrong = [0.9, 0.1], [0.4, 0.6]
    labels, paths = torch.zeros(4, dtype=torch.long), tuple("abcd")
    for name, rows in (("one", [right, right, right, wrong]), ("two", [wrong, right, right, right])):
        Evaluation(torch.tensor(rows), labels, paths, name, macs=5, seconds=0.5).save(tmp_path / f"{name}.npz")
    Evaluation(torch.tensor([right]), labels[:1], ("z",), "other", macs=1, seconds=0.1).save(tmp_path / "other.npz")
    return tmp_path


def test_the_mean_of_the_posteriors_and_what_it_gains(stored, capsys):
    files = [str(stored / f"{name}.npz") for name in ("one", "two")]
    assert main(["fuse", *files, "--json", "--save", str(stored / "both.npz")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["fused"]["top1_error"] == 0 and told["fused"]["protocol"] == "one + two"
    assert [(each["file"], each["top1_error"], each["fusion_gains"][0]) for each in told["of"]] == [
        (file, 25.0, 25.0) for file in files
    ]
    expected = fuse([Evaluation.load(file) for file in files]).posteriors
    assert torch.equal(Evaluation.load(stored / "both.npz").posteriors, expected)
    assert main(["fuse", *files]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("    fusion gains +25.00 [") and lines[-1].startswith("one + two: top-1 error 0.00%")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["one.npz", "other.npz"], "saw different images"),
        (["one.npz", "none.npz"], "no such evaluation"),
        (["one.npz", "two.npz", "--save", "none/both.npz"], "there is no folder"),
    ],
)
def test_what_cannot_be_fused_is_one_line(stored, capsys, monkeypatch, arguments, reason):
    monkeypatch.chdir(stored)
    assert main(["fuse", *arguments]) == 2
    told = capsys.readouterr().err
    assert told.startswith("vggstudy: error: ") and told.count("\n") == 1 and reason in told
