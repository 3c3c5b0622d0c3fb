"""`vggstudy train`, as a user types it."""

from __future__ import annotations

import json
import signal
from itertools import product

import pytest
import torch
from PIL import Image
from tiny import equal, tiny_set

from vggstudy.__main__ import main, parser
from vggstudy.checkpoint import load_checkpoint
from vggstudy.commands.train import regime_of
from vggstudy.regime import SMALL
from vggstudy.runs import read_metrics

NET = ["--width", "0.03", "--fc-width", "8", "--crop-size", "32", "--batch-size", "6", "--S", "32", "--epochs", "1"]


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    root = tmp_path_factory.mktemp("photographs")
    images = tiny_set(18, "train", 0)
    for split, index in product(("train", "val"), range(18)):
        folder = root / split / f"class {index % 3}"
        folder.mkdir(parents=True, exist_ok=True)
        pixels = images[index][0].permute(1, 2, 0).numpy()
        Image.fromarray(pixels).resize((48, 40)).save(folder / f"{index}.png")
    return f"imagefolder:{root}"


def train(*words):
    return main(["train", *map(str, words)])


def test_a_run_leaves_metrics_its_configuration_and_a_network(photographs, tmp_path, capsys):
    assert train("A", "--data", photographs, "--out", tmp_path / "a", *NET) == 0
    assert len(read_metrics(tmp_path / "a")) == 3
    record = json.loads((tmp_path / "a" / "config.json").read_text())
    assert record["train"]["lr"] == 1e-2 and record["train"]["schedule"] == "plateau"
    assert record["classes"] == ["class 0", "class 1", "class 2"]
    model = load_checkpoint(tmp_path / "a")
    assert (model.config.name, model.S, model.preprocessing.std) == ("A", 32, (1.0, 1.0, 1.0))
    shown = capsys.readouterr()
    assert shown.out == "" and "val top-1 error" in shown.err
    assert train("A", "--data", photographs, "--out", tmp_path / "a", *NET, "--resume") == 0
    assert "is finished, nothing changed" in capsys.readouterr().err


def test_a_deeper_net_starts_from_the_layers_of_A(photographs, tmp_path):
    assert train("A", "--data", photographs, "--out", tmp_path / "a", *NET) == 0
    frozen = ["--lr", "1e-30", "--weight-decay", "0"]
    assert train("B", "--data", photographs, "--out", tmp_path / "b", *NET, *frozen, "--init-from", tmp_path / "a") == 0
    shallow, deep = load_checkpoint(tmp_path / "a"), load_checkpoint(tmp_path / "b")
    for name in ("conv1_1", "conv2_1", "fc6", "fc7", "fc8"):
        assert torch.equal(shallow.layer(name).weight, deep.layer(name).weight), name


@pytest.mark.fault("T09")
def test_init_from_takes_weights_only(photographs, tmp_path, capsys):
    assert train("A", "--data", photographs, "--out", tmp_path / "a", *NET) == 0
    frozen = ["--lr", "1e-30", "--weight-decay", "0", "--momentum", "0"]
    assert train("A", "--data", photographs, "--out", tmp_path / "b", *NET, *frozen, "--init-from", tmp_path / "a") == 0
    assert equal(load_checkpoint(tmp_path / "a").state_dict(), load_checkpoint(tmp_path / "b").state_dict())
    assert read_metrics(tmp_path / "b")[0]["step"] == 1
    other = ["--fc-width", "9"]
    assert train("A", "--data", photographs, "--out", tmp_path / "c", *NET, *other, "--init-from", tmp_path / "a") == 2
    assert "does not fit (fc_width 8 -> 9)" in capsys.readouterr().err


@pytest.mark.fault("T05")
def test_an_interrupt_ends_with_130_and_says_how_to_go_on(photographs, tmp_path, capsys, monkeypatch):
    from vggstudy.learner import Learner

    update = Learner.update
    monkeypatch.setattr(
        Learner,
        "update",
        lambda self, batch, step, lr: (step == 2 and signal.raise_signal(signal.SIGINT), update(self, batch, step, lr))[
            1
        ],
    )
    assert train("A", "--data", photographs, "--out", tmp_path / "a", *NET) == 130
    assert "stopped by SIGINT at step 2; go on by the same command with --resume" in capsys.readouterr().err
    assert load_checkpoint(tmp_path / "a").num_classes == 3


def test_the_small_regime_is_the_default_for_small_images_only():
    def asked(*words):
        args = parser().parse_args(["train", "A", *words])
        return regime_of(args, small=args.data != "imagenet:x")

    net, config = asked("--data", "shapes")
    assert config == SMALL and (net["width"], net["crop_size"], net["ceil_mode"]) == (1 / 8, 32, True)
    net, config = asked("--data", "shapes", "--S", "64:96", "--lr", "0.1", "--no-flip", "--width", "0.25")
    assert (config.S, config.lr, config.flip, config.momentum) == ((64, 96), 0.1, False, 0.9)
    assert (net["width"], net["crop_size"]) == (0.25, 64)
    net, config = asked("--data", "fashion-mnist:/somewhere")
    assert (config.S, net["crop_size"]) == (32, 32)
    net, config = asked("--data", "imagenet:x")
    assert (config.S, config.batch_size, net) == (256, 256, {})


@pytest.mark.fault("T35", "T37")
@pytest.mark.parametrize(
    "words, message",
    [
        (["--lr", "-1", "--batch-size", "0", "--epochs", "0"], "batch_size = 0"),
        (["--S", "16"], "S = 16: allowed is 32 or more"),
        (["--name", "../../x"], "run name '../../x'"),
        (["--out", ""], "--out is empty"),
        (["--out", "/tmp/" + "a" * 300], "cannot be written"),
        (["--precision", "float8"], "precision = 'float8': allowed is auto or float32 or bfloat16"),
        (["--device", "tpu9"], "device = 'tpu9': not usable here"),
        (["--tensorboard"], "--tensorboard writes into the run directory"),
        (["--init-from", "/nowhere.safetensors"], "/nowhere.safetensors: no such checkpoint file"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(photographs, capsys, words, message):
    assert train("A", "--data", photographs, *NET, *words) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith("vggstudy: error: ") and message in lines[-1]


@pytest.mark.fault("T35")
def test_a_misspelt_option_is_answered_with_the_nearest(capsys):
    with pytest.raises(SystemExit) as caught:
        train("A", "--data", "shapes", "--wieght-decay", "0.1")
    assert caught.value.code == 2
    assert "unknown option --wieght-decay (did you mean --weight-decay?)" in capsys.readouterr().err


def test_a_warning_is_one_line(photographs, capsys):
    words = ["--lr", "1e-30", "--initialise", "he", "--regime", "small", "--epochs", "3"]
    assert train("A", "--data", photographs, *NET, *words) == 0
    (told,) = [line for line in capsys.readouterr().err.splitlines() if "warning" in line]
    assert "vggstudy: warning: step 6: the loss is" in told and "pre-initialise from a trained net A" in told


def test_tensorboard_that_is_missing_is_skipped_with_a_line(photographs, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch.utils.tensorboard", None)
    assert train("A", "--data", photographs, "--out", tmp_path / "a", *NET, "--tensorboard") == 0
    assert "--tensorboard is skipped: the package tensorboard is not installed" in capsys.readouterr().err
