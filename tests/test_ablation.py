"""Stored posteriors give back the evaluation that was run, and are run again only where they must be."""

import numpy as np
import pytest
import torch
from tiny import tiny_set

from vggstudy import ablation
from vggstudy.ablation import VIEWS, Ablation, Part, measure, paper_result, parts_of, stored_ladder
from vggstudy.checkpoint import load_checkpoint, save_checkpoint
from vggstudy.configs import find_config
from vggstudy.errors import ConfigError, DataError
from vggstudy.evaluate import evaluate
from vggstudy.initialise import initialise
from vggstudy.model import vgg

NET = "A-S72"


def network(seed=0):
    stack = find_config("A").without_last_pool()
    return initialise(vgg(stack, num_classes=6, width=1 / 32, crop_size=32, fc_width=8, ceil_mode=True), "he", seed)


@pytest.fixture
def world(monkeypatch, tmp_path):
    """One small net under the name of a shipped one, three scales, nine images."""
    images = tiny_set(9, "test", seed=2)
    weights = save_checkpoint(tmp_path / "net.safetensors", network())
    monkeypatch.setattr(ablation, "load_data", lambda _: type("Data", (), {"test": images}))
    monkeypatch.setattr(ablation, "shipped", lambda: (NET,))
    monkeypatch.setattr(ablation, "weights_file", lambda _: weights)
    monkeypatch.setattr(ablation, "load_net", lambda _: load_checkpoint(weights))
    monkeypatch.setattr(ablation, "PAPER_SCALES", {32: 224, 36: 256, 40: 288})
    monkeypatch.setattr(ablation, "Q_SETS", {72: (32, 36, 40)})
    return images, weights, tmp_path


def run(folder):
    return [part.key for part in measure(folder=folder, n=9)]


@pytest.mark.parametrize("view", VIEWS)
def test_what_is_put_together_is_the_evaluation_itself(world, view):
    images, _, folder = world
    run(folder)
    stored = Ablation.load(folder)
    for Q in (36, (32, 36, 40)):
        ours = stored.evaluation(NET, Q, view)
        theirs = evaluate(network(), images, Q, view, flip=view != "centre")
        assert torch.allclose(ours.posteriors, theirs.posteriors, atol=1e-4)
        assert ours.top1_error == theirs.top1_error
        if view != "multi-crop & dense":  # which can share more if it is run at once
            assert ours.macs == theirs.macs
    assert stored.evaluation(NET, 36, "dense", flip=False).protocol == "A-S72 dense Q=36"
    assert stored.evaluation(NET, 44, view) is None


def test_only_what_is_missing_or_older_than_the_weights_is_run(world):
    _, weights, folder = world
    keys = run(folder)
    assert keys == [part.key for part in sorted(parts_of(NET), key=lambda part: part.view == "multi-crop")]
    assert run(folder) == []
    before = Ablation.load(folder).posteriors[keys[0]]
    save_checkpoint(weights, network(seed=1))
    assert run(folder) == keys
    assert not np.array_equal(Ablation.load(folder).posteriors[keys[0]], before)


def test_an_interrupted_run_goes_on(world):
    folder = world[2]
    first = next(measure(folder=folder, n=9)).key
    assert list(Ablation.load(folder).parts) == [first]
    assert first not in run(folder)


def test_the_ladder_climbs_the_stored_parts(world):
    images, _, folder = world
    run(folder)
    rungs = stored_ladder(Ablation.load(folder), NET, [NET])
    assert [rung.name for rung in rungs][1:4] == ["dense", "+ flip", "+ scales"] and rungs[-1].name == "fusion"
    unflipped = evaluate(network(), images, 36, "dense", flip=False)
    assert torch.allclose(rungs[1].evaluation.posteriors, unflipped.posteriors, atol=1e-4)
    assert rungs[0].gain is None
    assert rungs[2].gain.mean == pytest.approx(rungs[1].evaluation.top1_error - rungs[2].evaluation.top1_error)


def test_a_ladder_stops_where_nothing_is_stored():
    part = Part(NET, 72, "centre", flip=False)
    stored = Ablation("made", np.array([0, 1])).with_part(part, np.eye(2, 5, dtype=np.float32))
    assert [rung.name for rung in stored_ladder(stored, NET)] == ["centre crop"]


def test_the_papers_row_is_the_one_with_all_scales_larger():
    assert paper_result("D-S72", 72, "dense").top1_error == 27.0
    assert paper_result("D-S72-144", 108, "dense").top1_error == 25.6
    assert paper_result("D-S72-144", (72, 108, 144), "multi-crop").top5_error == 7.5
    assert paper_result("D-S108", (96, 108, 120), "dense").Q == (352, 384, 416)
    assert paper_result("D-S72", 72, "centre") is None and paper_result("A-S72", 144, "dense") is None


def test_unknown_names_and_missing_or_damaged_files_are_told(tmp_path):
    empty = Ablation("made", np.zeros(2, int))
    with pytest.raises(ConfigError, match="did you mean"):
        empty.evaluation("D-S73", 72, "dense")
    with pytest.raises(ConfigError, match="'densely'"):
        empty.evaluation("D-S72", 72, "densely")
    with pytest.raises(DataError, match="make it with `vggstudy study --ablation`"):
        Ablation.load(tmp_path)
    (tmp_path / "ablation.npz").write_bytes(b"PK nonsense")
    with pytest.raises(DataError, match="cannot be read"):
        Ablation.load(tmp_path)
