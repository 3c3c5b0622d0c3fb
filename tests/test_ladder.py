"""Each rung of the ladder is the evaluation that it says, and its gain is over the rung below."""

import argparse
import json
from itertools import pairwise

import pytest
import torch
from test_evaluate import MIXED, network, pictures

from vggstudy.checkpoint import save_checkpoint
from vggstudy.class_order import classes_of, imagenet_classes, in_order_of
from vggstudy.commands import ladder as command
from vggstudy.configs import find_config
from vggstudy.errors import ConfigError, DataError
from vggstudy.evaluate import evaluate, fuse
from vggstudy.imageset import Data, ImageSet
from vggstudy.ladder import ladder
from vggstudy.model import vgg

STEPS = ["centre crop", "dense", "+ flip", "+ scales", "multi-crop", "crops & dense"]


def test_each_rung_is_the_evaluation_that_it_names():
    model, other, images = network("D"), network("A"), pictures(MIXED[:4])
    rungs = list(ladder([model, other], images, (33, 40, 48)))
    assert [rung.name for rung in rungs] == [*STEPS, "fusion"]
    expected = [
        evaluate(model, images, 40, "centre", flip=False),
        evaluate(model, images, 40, "dense", flip=False),
        evaluate(model, images, 40, "dense"),
        evaluate(model, images, (33, 40, 48), "dense"),
        evaluate(model, images, (33, 40, 48), "multi-crop"),
        evaluate(model, images, (33, 40, 48), "multi-crop & dense"),
    ]
    expected.append(fuse([expected[-1], evaluate(other, images, (33, 40, 48), "multi-crop & dense")]))
    assert rungs[-1].evaluation.macs < sum(
        evaluate(net, images, (33, 40, 48), view).macs for net in (model, other) for view in ("multi-crop", "dense")
    )  # the second net's dense pass begins where its crops stop sharing
    for rung, each in zip(rungs, expected, strict=True):
        assert torch.allclose(rung.evaluation.posteriors, each.posteriors, atol=1e-6), rung.name
        assert rung.evaluation.protocol == each.protocol
    assert rungs[0].gain is None
    for below, rung in pairwise(rungs):
        assert rung.gain.mean == pytest.approx(below.evaluation.top1_error - rung.evaluation.top1_error)
    costs = [rung.evaluation.macs for rung in rungs]
    assert costs == sorted(costs)


def test_default_scales_of_a_small_network():
    assert [*ladder(network(), pictures(MIXED[:2]))][-1].evaluation.protocol.endswith("Q=32,40,48 flip")


def test_a_ladder_needs_a_network():
    with pytest.raises(ConfigError, match="needs a network"):
        next(ladder([], pictures(MIXED)))


def test_the_command(tmp_path, capsys):
    stack = find_config("A").without_last_pool()
    model = vgg(stack, num_classes=20, width=1 / 32, crop_size=32, fc_width=8, ceil_mode=True)
    path = str(save_checkpoint(tmp_path / "a.safetensors", model))
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    options = ["--data", "shapes", "--limit", "20", "--device", "cpu"]
    command.run(parser.parse_args([path, *options, "--json", "--exact-grid"]))
    rungs = json.loads(capsys.readouterr().out)["rungs"]
    assert [rung["step"] for rung in rungs] == STEPS
    assert rungs[0]["gain"] is None and len(rungs[1]["gain"]) == 3
    assert [rung["protocol"].endswith("exact grid") for rung in rungs] == [False] * 4 + [True] * 2
    command.run(parser.parse_args([path, path, *options]))
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 8 and printed[-1].startswith("fusion") and "95.00%" in printed[-1]


def data(classes, labels):
    images = ImageSet(lambda i: torch.zeros(3, 40, 40, dtype=torch.uint8), torch.tensor(labels), str, "x")
    return Data("x", tuple(classes), None, images, images)


def labels(model, classes, given):
    there = data(classes, given)
    return in_order_of(model, there, there.test).labels.tolist()


def test_labels_follow_the_order_of_the_networks_classes():
    model = network(classes=3)
    model.classes = ("disc", "square", "star")
    assert labels(model, ("disc", "square", "star"), [0, 1, 2]) == [0, 1, 2]
    assert labels(model, ("star", "disc", "square"), [0, 1, 2]) == [2, 0, 1]
    assert labels(model, ("star", "disc"), [0, 1, 1]) == [2, 0, 0]


@pytest.mark.fault("T25")
def test_classes_that_the_network_has_not():
    model = network(classes=3)
    assert labels(model, "abc", [2, 1]) == [2, 1]  # neither side has names that the other knows
    with pytest.raises(DataError, match="has 2 classes, among them 'a'"):
        labels(model, "ab", [0, 1])
    model.classes = ("a", "b", "c")
    with pytest.raises(DataError, match="among them 'd'; the network has 3, a, b, c"):
        labels(model, "abd", [0, 1])


def test_imagenet_and_imagenette_by_wordnet_id():
    with torch.device("meta"):
        model = vgg("A", width=1 / 64, fc_width=2)
    assert (
        classes_of(model) == imagenet_classes() == tuple(sorted(set(imagenet_classes())))
        and len(classes_of(model)) == 1000
    )
    names = ("tench", "English springer", "cassette player", "chain saw", "church", "French horn", "garbage truck",
             "gas pump", "golf ball", "parachute")  # fmt: skip
    positions = [0, 217, 482, 491, 497, 566, 569, 571, 574, 701]
    assert labels(model, names, list(range(10))) == positions
    assert labels(model, ("n03888257", "n01440764"), [0, 1]) == [701, 0]
    timm = pytest.importorskip("timm.data")
    assert timm.ImageNetInfo().label_names() == list(imagenet_classes())
