"""`vggstudy train`, as a user types it."""

from __future__ import annotations

import json
import shutil
import signal
import sys
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import pytest
import torch
from PIL import Image
from tiny import tiny_set

from vggstudy.__main__ import main, parser
from vggstudy.checkpoint import load_checkpoint
from vggstudy.commands.train import regime_of
from vggstudy.errors import ConfigError, DataError
from vggstudy.regime import SMALL
from vggstudy.runs import read_metrics

NET = ["--width", "0.03", "--fc-width", "8", "--crop-size", "32", "--batch-size", "6", "--S", "32", "--epochs", "1"]
UNMOVED = 1e-20  # a learning rate of 1e-30 moves a weight by less


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
        assert torch.allclose(shallow.layer(name).weight, deep.layer(name).weight, rtol=0, atol=UNMOVED), name


def test_the_doctor_is_content_with_fewer_images_than_it_would_look_at(photographs, tmp_path, capsys):
    assert train("A", "--data", photographs, "--out", tmp_path / "a", *NET) == 0
    assert main(["doctor", str(tmp_path / "a"), "--data", photographs, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["images"] == 18


def test_a_setting_of_none_is_typed_as_one(photographs):
    """The small regime clips; to leave that out must be possible."""
    words = ["train", "A", "--data", "shapes", "--clip", "none", "--micro-batch", "none"]
    _, config = regime_of(parser().parse_args(words), small=True)
    assert config.clip is None and config.micro_batch is None
    with pytest.raises(ConfigError, match="lr = None: allowed is a number above 0"):
        regime_of(parser().parse_args([*words, "--lr", "none"]), small=True)


def test_a_run_goes_on_without_the_net_that_it_began_from(photographs, tmp_path):
    """The parent of a stage may have been tidied away by then, and its preprocessing is in the run's checkpoints."""
    assert train("A", "--data", photographs, "--out", tmp_path / "a", *NET) == 0
    words = ["A", "--data", photographs, "--out", tmp_path / "b", *NET, "--resume", "--init-from", tmp_path / "a"]
    assert train(*words) == 0
    shutil.rmtree(tmp_path / "a")
    assert train(*words, "--epochs", "2") == 0
    assert [step["step"] for step in read_metrics(tmp_path / "b")] == list(range(1, 7))


@pytest.mark.fault("T09")
def test_init_from_takes_weights_only(photographs, tmp_path, capsys):
    assert train("A", "--data", photographs, "--out", tmp_path / "a", *NET) == 0
    frozen = ["--lr", "1e-30", "--weight-decay", "0", "--momentum", "0"]
    assert train("A", "--data", photographs, "--out", tmp_path / "b", *NET, *frozen, "--init-from", tmp_path / "a") == 0
    source, taken = (load_checkpoint(tmp_path / name).state_dict() for name in ("a", "b"))
    assert all(torch.allclose(source[name], taken[name], rtol=0, atol=UNMOVED) for name in source)
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
        (["--tensorboard"], "--tensorboard needs a run directory"),
        (["--resume"], "--resume needs a run directory: give --out or --name as well"),
        (["--centre-kernels"], "--centre-kernels says how layers are copied"),
        (["--batch-size", "19"], "batch_size = 19: allowed is 18 or less, the training images of imagefolder"),
        (["--init-from", "/nowhere.safetensors"], "/nowhere.safetensors: no such checkpoint file"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(photographs, capsys, words, message):
    assert train("A", "--data", photographs, *NET, *words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("vggstudy: error: ") and message in line


@pytest.mark.fault("T35")
def test_settings_that_cannot_be_read_are_told_with_all_others(capsys):
    assert train("A", "--data", "shapes", "--S", "small", "--lr", "fast", "--epochs", "0", "--momentum", "1") == 2
    (line,) = capsys.readouterr().err.splitlines()
    for part in (
        "S = 'small': allowed is pixels",
        "lr = 'fast': allowed is a number above 0",
        "epochs = 0",
        "momentum",
    ):
        assert part in line


@pytest.mark.fault("T35")
@pytest.mark.parametrize(
    "words, message",
    [
        (["A"], "the following arguments are required: --data"),
        (["A", "--data", "shapes", "--width", "wide"], "argument --width: invalid float value: 'wide'"),
        (
            ["A", "--data", "shapes", "--regime", "smal"],
            "unknown choice 'smal'; did you mean small (allowed: paper, small)",
        ),
        (["A", "--data", "shapes", "--out", "a", "--name", "b"], "argument --name: not allowed with argument --out"),
    ],
)
def test_a_bad_command_line_is_one_line_too(capsys, words, message):
    with pytest.raises(SystemExit) as caught:
        train(*words)
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("vggstudy train: error: ") and message in line and line.endswith("see vggstudy train --help")


@pytest.fixture
def spoilt(photographs, tmp_path):
    """A copy of the photographs, to be spoilt."""
    return Path(shutil.copytree(photographs.partition(":")[2], tmp_path / "spoilt"))


@pytest.mark.fault("T22")
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("split", ["train", "val"])
def test_an_image_that_cannot_be_read_ends_the_command_with_its_path(spoilt, capsys, split, workers):
    bad = spoilt / split / "class 1" / "4.png"
    bad.write_bytes(bad.read_bytes()[:100])
    words = ["--colour-std", "0", "--workers", workers]
    assert train("A", "--data", f"imagefolder:{spoilt}", *NET, *words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"vggstudy: error: {bad} ") and "remove it" in line


@pytest.mark.fault("T24")
def test_a_class_without_images_and_a_missing_folder_end_the_command(spoilt, capsys):
    for file in (spoilt / "train" / "class 2").iterdir():
        file.unlink()
    assert train("A", "--data", f"imagefolder:{spoilt}", *NET) == 2
    assert train("A", "--data", f"imagefolder:{spoilt}/no such folder", *NET) == 2
    empty, missing = capsys.readouterr().err.splitlines()
    assert f"no images in {spoilt}/train/class 2: fill or remove it" in empty
    assert "no such folder' is none: write --data imagefolder:ROOT" in missing


@pytest.mark.fault("T22")
def test_damaged_photographs_are_skipped_and_listed_when_that_is_asked_for(spoilt, capsys):
    bad = spoilt / "train" / "class 1" / "4.png"
    bad.write_bytes(b"")
    assert train("A", "--data", f"imagefolder:{spoilt}", *NET, "--batch-size", "5", "--on-error", "skip") == 0
    told = [line for line in capsys.readouterr().err.splitlines() if "skipped" in line]
    assert told == [f"vggstudy: skipped {bad} is empty (0 bytes): fetch it again or remove it"]
    assert train("A", "--data", "shapes", "--on-error", "skip") == 2
    assert "--on-error skip is for photographs in files" in capsys.readouterr().err


@pytest.mark.fault("T24")
def test_a_folder_of_classes_alone_is_nothing_to_learn_from(spoilt, capsys):
    assert train("A", "--data", f"imagefolder:{spoilt}/train", *NET) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "imagefolder has no training images, only some to evaluate: give a folder with train/ and val/" in line


@pytest.mark.fault("T36")
def test_an_unknown_configuration_is_refused_before_the_data_are_read(capsys):
    assert train("vgg17", "--data", "imagefolder:/no/such") == 2
    assert "unknown configuration 'vgg17'; did you mean VGG1" in capsys.readouterr().err


def test_data_are_fetched_when_that_is_asked_for(capsys, monkeypatch):
    from vggstudy import data

    def load(spec, download):
        raise DataError(f"{spec}, download {download}")

    monkeypatch.setattr(data, "load_data", load)
    assert train("A", "--data", "imagenette") == train("A", "--data", "imagenette", "--download") == 2
    assert main(["evaluate", "A-S72", "--data", "imagenette", "--download"]) == 2
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "1")
    monkeypatch.setenv("RANK", "0")
    assert train("A", "--data", "imagenette", "--download") == 2
    told = [line.removeprefix("vggstudy: error: ") for line in capsys.readouterr().err.splitlines()]
    assert told[:3] == ["imagenette, download False", *2 * ["imagenette, download True"]]
    assert told[3].startswith("--download is for one process")


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


def test_the_start_is_a_method_or_a_standard_deviation(photographs, tmp_path, capsys):
    frozen = ["--lr", "1e-30", "--weight-decay", "0"]
    for word, std in (("normal", 0.1), ("0.01", 0.01)):
        assert train("A", "--data", photographs, "--out", tmp_path / word, *NET, *frozen, "--initialise", word) == 0
        fc6 = load_checkpoint(tmp_path / word).layer("fc6").weight
        assert fc6.std().item() == pytest.approx(std, rel=0.1)
    assert train("A", "--data", photographs, *NET, "--initialise", "0") == 2
    with pytest.raises(SystemExit):
        train("A", "--data", photographs, *NET, "--initialise", "glorott")
    told = capsys.readouterr().err
    assert "a standard deviation is a number above 0" in told
    assert "unknown initialisation 'glorott'; did you mean glorot" in told


def test_a_net_goes_on_at_a_larger_crop_with_all_its_weights(photographs, tmp_path, capsys):
    """Below twice the stride it has no last max-pool, above it has; its layers are the same."""
    assert train("A", "--data", photographs, "--out", tmp_path / "a", *NET) == 0
    larger = ["--crop-size", "64", "--S", "64", "--lr", "1e-30", "--weight-decay", "0", "--init-from", tmp_path / "a"]
    assert train("A", "--data", photographs, "--out", tmp_path / "b", *NET, *larger) == 0
    assert "conv5_2" in capsys.readouterr().err
    small, large = load_checkpoint(tmp_path / "a"), load_checkpoint(tmp_path / "b")
    assert (small.config.stride, large.config.stride) == (16, 32)
    for name, weight in large.state_dict().items():
        torch.testing.assert_close(weight, small.state_dict()[name], rtol=0, atol=UNMOVED)


def test_centred_kernels_are_copied_when_that_is_asked_for(photographs, tmp_path, capsys):
    assert train("A", "--data", photographs, "--out", tmp_path / "a", *NET) == 0
    rival = "conv5-64 | conv5-128 | conv5-256 | conv5-512 | conv5-512 |"
    for words in ([], ["--centre-kernels"]):
        assert train(rival, "--data", photographs, *NET, "--init-from", tmp_path / "a", *words) == 0
    told = [
        line.rpartition(": ")[2] for line in capsys.readouterr().err.splitlines() if line.startswith("vggstudy: from")
    ]
    assert told == ["fc6, fc7, fc8", "conv1_1, conv2_1, conv3_1, fc6, fc7, fc8"]


class Board:
    """TensorBoard's writer, which keeps what it is told until it is closed."""

    shown: ClassVar[list] = []

    def __init__(self, folder):
        self.kept = []

    def add_scalar(self, name, value, step):
        self.kept.append((name, step))

    def close(self):
        self.shown.extend(self.kept)


def test_tensorboard_is_told_each_step_and_closed(photographs, tmp_path, monkeypatch):
    module = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Board
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    assert train("A", "--data", photographs, "--out", tmp_path / "a", *NET, "--tensorboard") == 0
    assert [step for name, step in Board.shown if name == "loss"] == [1, 2, 3]
    assert [step for name, step in Board.shown if name == "val_top1_error"] == [3]


def test_tensorboard_that_is_missing_is_skipped_with_a_line(photographs, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    assert train("A", "--data", photographs, "--out", tmp_path / "a", *NET, "--tensorboard") == 0
    assert "--tensorboard is skipped: not installed (pip install tensorboard)" in capsys.readouterr().err
