"""The doctor names each fault that is injected, and none where there is none."""

import argparse
import json

import pytest
import torch
from torch.nn import functional as F

from vggstudy.checkpoint import save_checkpoint
from vggstudy.commands import doctor as command
from vggstudy.configs import find_config
from vggstudy.doctor import diagnose, meanings, reordered
from vggstudy.errors import DataError
from vggstudy.initialise import initialise
from vggstudy.model import Preprocessing, preprocess, vgg
from vggstudy.weights import CAFFE, TORCHVISION

COLOURS = torch.tensor([[230.0, 40, 40], [40, 40, 230], [110, 10, 10], [10, 10, 110]])
PERIODS = (4, 8)
CLASSES = len(COLOURS) * len(PERIODS)


def picture(label, generator):
    """Diagonal-free stripes, fine or coarse, bright or dark, red or blue: each fault touches one of these."""
    colour, period = COLOURS[label // len(PERIODS)], PERIODS[label % len(PERIODS)]
    phase = int(torch.randint(period, (), generator=generator))
    stripes = ((torch.arange(24) + phase) % period < period // 2).float().expand(24, 24)
    noise = 8 * torch.randn(3, 24, 24, generator=generator)
    return (colour.view(3, 1, 1) * (0.25 + 0.75 * stripes) + noise).clamp(0, 255).byte()


def pictures(n, seed):
    generator = torch.Generator().manual_seed(seed)
    return [(picture(index % CLASSES, generator), index % CLASSES) for index in range(n)]


@pytest.fixture(scope="module")
def trained():
    """A small network that tells these pictures apart when it is fed as it was trained."""
    torch.manual_seed(0)
    model = vgg(find_config("conv3-8 | conv3-16 |"), num_classes=CLASSES, crop_size=24, fc_width=32, dropout=0)
    model = initialise(model, "he")
    for layer in model.weight_layers.values():  # without biases the range of the pixels would hardly matter
        torch.nn.init.normal_(layer.bias, std=0.5)
    model.preprocessing = TORCHVISION
    images, labels = zip(*pictures(256, seed=0), strict=True)
    inputs, labels = preprocess(model, torch.stack(images)), torch.tensor(labels)
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(80):
        optimiser.zero_grad()
        F.cross_entropy(model(inputs), labels).backward()
        optimiser.step()
    return model.eval()


def examine(model, images=None, rule=TORCHVISION):
    model.preprocessing = rule
    diagnosis = diagnose(model, pictures(64, seed=1) if images is None else images, 24)
    assert model.preprocessing == rule
    return diagnosis


def test_a_sound_network_is_sound(trained):
    diagnosis = examine(trained)
    assert diagnosis.top1_error < 5 and not diagnosis.taken and "no fault found" in diagnosis.verdict


@pytest.mark.parametrize(
    ("rule", "cure"),
    [
        (reordered(TORCHVISION), "RGB, the declared range"),
        (CAFFE, "RGB, pixels 0-1, mean and standard deviation (torchvision)"),
        (Preprocessing(mean=(0.0, 0.0, 0.0)), "RGB, pixels 0-1, mean and standard deviation (torchvision)"),
        (Preprocessing((0.0,) * 3, scale=1 / 255), "RGB, pixels 0-1, mean and standard deviation (torchvision)"),
    ],
)
def test_wrong_preprocessing(trained, rule, cure):
    diagnosis = examine(trained, rule=rule)
    assert [(trial.field, trial.remedy) for trial in diagnosis.taken] == [("preprocessing", cure)]
    assert diagnosis.top1_error > 20 and diagnosis.taken[0].top1_error < 5 and cure in diagnosis.verdict


def test_images_that_want_to_be_squeezed(trained):
    """Someone squeezed the training images; here the test images are twice as wide as what the network knows."""
    wide = [(F.interpolate(image[None], (24, 48), mode="nearest")[0], label) for image, label in pictures(64, 1)]
    diagnosis = examine(trained, wide)
    assert [(trial.field, trial.remedy) for trial in diagnosis.taken] == [("resizing", "both sides to Q, squeezed")]


def test_rows_and_columns_exchanged(trained):
    turned = [(image.transpose(1, 2), label) for image, label in pictures(64, 1)]
    diagnosis = examine(trained, turned)
    assert [trial.remedy for trial in diagnosis.taken] == ["rows and columns exchanged"]


@pytest.mark.parametrize(
    ("order", "cure"),
    [
        (lambda label: label + 1, "labels counted from 1"),
        (lambda label: label - 1, "labels one too small"),
        (lambda label: [3, 0, 7, 6, 1, 2, 5, 4][label], "classes in another order"),
    ],
)
def test_labels_in_another_order(trained, order, cure):
    given = [(image, order(label)) for image, label in pictures(64, 1)]  # some are no label of the network
    diagnosis = examine(trained, given)
    assert [(trial.field, trial.remedy) for trial in diagnosis.taken] == [("classes", cure)]


def test_two_faults_at_once(trained):
    given = [(image, (label + 3) % CLASSES) for image, label in pictures(64, 1)]
    wide = [(F.interpolate(image[None], (24, 48), mode="nearest")[0], label) for image, label in pictures(64, 1)]
    assert [trial.field for trial in examine(trained, wide, CAFFE).taken] == ["preprocessing", "resizing"]
    assert [trial.field for trial in examine(trained, given).taken] == ["classes"]


def test_labels_at_random_are_no_order(trained):
    """A mapping that is learnt and tested on the same images would explain anything."""
    noise = torch.randint(CLASSES, (64,), generator=torch.Generator().manual_seed(0)).tolist()
    given = [(image, label) for (image, _), label in zip(pictures(64, 1), noise, strict=True)]
    assert not examine(trained, given).taken


def test_meanings_are_one_to_one():
    assert meanings(torch.tensor([0, 0, 1, 1, 1]), torch.tensor([5, 5, 5, 5, 6])) == {0: 5, 1: 6}


def test_reordered_twice_is_the_same():
    assert reordered(CAFFE).mean == CAFFE.mean[::-1] and reordered(reordered(CAFFE)) == CAFFE


def test_no_patient():
    with pytest.raises(DataError, match="needs labelled images"):
        diagnose(vgg("conv3-2 |", num_classes=2, crop_size=8, fc_width=2), [])


class Unreadable(list):
    """Every second image cannot be read, or none can."""

    every = 2

    def __getitem__(self, index):
        if index % self.every == 0:
            raise OSError("truncated")
        return super().__getitem__(index)


def test_images_that_are_skipped_are_not_counted(trained):
    trained.preprocessing, images = TORCHVISION, Unreadable(pictures(64, seed=1))
    assert diagnose(trained, images, 24, on_error="skip").images == 32
    images.every = 1
    with pytest.raises(DataError, match="none of the 64 images can be read, the first: image 0"):
        diagnose(trained, images, 24, on_error="skip")


def test_a_sliver_is_left_out_under_every_rule(trained):
    """One of them could resize it, and would be compared on other images."""
    trained.preprocessing, images = TORCHVISION, [(torch.zeros(3, 1, 600_000, dtype=torch.uint8), 0), *pictures(64, 1)]
    assert diagnose(trained, images, 24, on_error="skip").images == 64
    with pytest.raises(DataError, match="image 0: 600000x1 pixels become"):
        diagnose(trained, images, 24)


def test_the_command(tmp_path, capsys):
    stack = find_config("A").without_last_pool()
    model = vgg(stack, num_classes=20, width=1 / 32, crop_size=32, fc_width=8, ceil_mode=True)
    path = str(save_checkpoint(tmp_path / "a.safetensors", model))
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    options = [path, "--data", "shapes", "--limit", "20", "--device", "cpu"]
    command.run(parser.parse_args([*options, "--json"]))
    printed = json.loads(capsys.readouterr().out)
    assert printed["images"] == 20 and printed["verdict"] and len(printed["trials"]) == 12 + 4 + 4
    command.run(parser.parse_args(options))
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 21 and "fault" in printed[-1]
