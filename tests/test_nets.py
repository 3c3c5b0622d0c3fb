import json
import platform
from dataclasses import replace

import pytest
import torch
from tiny import TINY, tiny_data, tiny_net

from vggstudy import study
from vggstudy.configs import CONFIGS
from vggstudy.errors import ConfigError
from vggstudy.evaluate import evaluate
from vggstudy.nets import FOLDER, RECIPES, card, load_net, shipped
from vggstudy.study import _with_parents, command
from vggstudy.train import train


def test_all_nets_ship_and_together_are_small():
    assert shipped() == tuple(RECIPES)
    assert {recipe.config for recipe in RECIPES.values()} == set(CONFIGS)
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 25e6


@pytest.mark.parametrize("name", RECIPES)
def test_a_card_tells_how_its_net_was_made(name):
    told, recipe = card(name), RECIPES[name]
    assert told["name"] == name
    assert told["regime"]["S"] == (list(recipe.S) if isinstance(recipe.S, tuple) else recipe.S)
    assert (told["regime"]["epochs"], told["regime"]["lr"]) == (recipe.epochs, recipe.lr)
    assert told["command"][:3] == ["vggstudy", "train", recipe.config]
    assert told["seconds"] > 0 and told["curve"][-1]["val_top1_error"] == pytest.approx(
        told["val_top1_error"], abs=1e-3
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["A-S72", "D-S72-144"])
def test_a_net_reaches_the_error_on_its_card(name, small_test_draw=400):
    """The card's figure is of the whole test draw; a part of it must agree within its sampling error."""
    from torch.utils.data import Subset

    from vggstudy.data import load_data

    test = Subset(load_data("shapes").test, range(small_test_draw))
    told = card(name)["test_top1_error"]["72"]
    error = evaluate(load_net(name), test, Q=72).top1_error
    spread = 100 * (told / 100 * (1 - told / 100) / small_test_draw) ** 0.5
    assert abs(error - told) < 4 * spread + 0.5


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ({"device": "cuda:0", "processes": 1}, "cuda:0, torch 9.9"),
        ({"device": "cuda:0", "processes": 4}, "cuda:0, 4 processes, torch 9.9"),
        ({"device": "cpu", "processes": 1}, f"{platform.machine()} CPU, 2 threads, torch 9.9"),
    ],
)
def test_a_card_tells_what_trained_its_net(tmp_path, monkeypatch, where, told):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    monkeypatch.setattr(study, "TEST_SCALES", (12,))
    run = tmp_path / "A-S72"
    list(train(tiny_net(), tiny_data(), replace(TINY, epochs=1), out=run))
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(config | where | {"torch": "9.9"}))
    assert study.publish(RECIPES["A-S72"], tmp_path, tiny_data(), tmp_path)["device"] == told


def test_a_net_brings_its_preprocessing_and_its_classes():
    net = load_net("A-S72")
    assert not net.training and len(net.classes) == net.num_classes == 20
    assert net.config == CONFIGS["A"] and net.preprocessing.std[0] > 1
    with torch.inference_mode():
        assert net(torch.zeros(1, 3, 64, 64)).shape == (1, 20)


def test_parents_come_first():
    names = [recipe.name for recipe in _with_parents(["D-S72-144"])]
    assert names == ["A-S72", "D-S72", "D-S108", "D-S72-144"]
    assert command(RECIPES["E-S72"], FOLDER)[-2:] == ["--init-from", str(FOLDER / "A-S72")]


def test_an_unknown_net_gets_the_close_matches():
    with pytest.raises(ConfigError, match="did you mean"):
        load_net("D-S73")
