"""The evaluator as a whole, against the oracles; its record, and what it does with what cannot be evaluated."""

import argparse
import json
import re
from importlib import import_module

import numpy as np
import oracles
import pytest
import torch
from PIL import Image

from vggstudy.__main__ import main
from vggstudy.augment import rescale
from vggstudy.bootstrap import estimate
from vggstudy.checkpoint import save_checkpoint
from vggstudy.commands import evaluate as command
from vggstudy.commands.evaluate import gmacs
from vggstudy.configs import find_config
from vggstudy.errors import ConfigError, DataError
from vggstudy.evaluate import batches_by_size, evaluate, fuse, scales_of
from vggstudy.evaluation import Evaluation
from vggstudy.initialise import initialise
from vggstudy.model import Preprocessing, vgg
from vggstudy.views import VIEWS, view_macs

evaluator = import_module("vggstudy.evaluate")  # the package's `evaluate` is the function

BGR = Preprocessing(mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4), scale=1 / 255, order="BGR")


def network(config="D", classes=7):
    torch.manual_seed(3)
    stack = find_config(config).without_last_pool()
    model = vgg(stack, num_classes=classes, width=1 / 16, crop_size=32, fc_width=12, ceil_mode=True)
    model.preprocessing = BGR
    return initialise(model, "he").double().eval()


def pictures(sizes, classes=7):
    """A list of images of many sizes."""
    generator = torch.Generator().manual_seed(0)
    return [
        (torch.randint(256, (3, *size), dtype=torch.uint8, generator=generator), index % classes)
        for index, size in enumerate(sizes)
    ]


MIXED = [(50, 50), (37, 61), (50, 50), (90, 44), (37, 61), (33, 200), (50, 50), (45, 32)]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(("Q", "flip"), [((40,), False), ((33, 40, 51), True)])
def test_posteriors_are_the_oracles(view, Q, flip):
    model, images = network(), pictures(MIXED)
    ours = evaluate(model, images, Q, view, flip)
    assert torch.allclose(ours.posteriors.double(), oracles.evaluate(model, images, Q, view, flip), atol=1e-6)
    assert ours.labels.tolist() == [label for _, label in images]
    assert torch.allclose(ours.posteriors.sum(1), torch.ones(len(images)))
    assert ours.macs == sum(
        view_macs(model, *rescale(image, size).shape[1:], view, flip) for image, _ in images for size in Q
    )


def test_pil_images_are_taken():
    images = pictures([(50, 70)])
    as_pil = [(Image.fromarray(image.permute(1, 2, 0).numpy()), label) for image, label in images]
    ours, theirs = (evaluate(network(), each, 40).posteriors for each in (images, as_pil))
    assert torch.equal(ours, theirs)


def test_training_mode_is_left_as_it_was_and_dropout_is_off():
    model, images = network().train(), pictures(MIXED)
    assert torch.equal(evaluate(model, images).posteriors, evaluate(model, images).posteriors)
    assert model.training


def test_batches_hold_one_size_and_every_image_once():
    sizes = [(3, 4), (4, 3), (3, 4), (3, 4), (4, 3), (5, 5), (3, 4)]
    images = ((number, torch.full((3, *size), number)) for number, size in enumerate(sizes))
    seen = []
    for numbers, batch in batches_by_size(images, lambda height, width: 2):
        assert len(numbers) == len(batch) <= 2
        assert all(torch.equal(image, torch.full_like(image, n)) for n, image in zip(numbers, batch, strict=True))
        seen += numbers
    assert sorted(seen) == list(range(7))


def test_few_images_wait(monkeypatch):
    monkeypatch.setattr(evaluator, "WAITING", 4)
    images = ((number, torch.zeros(3, 2 + number % 3, 2)) for number in range(20))
    numbers, _ = next(batches_by_size(images, lambda *size: 100))
    assert len(numbers) == 2


def test_default_scales():
    assert scales_of(network()) == (40,)
    assert scales_of(vgg("A", 2, width=1 / 64, fc_width=2)) == (256, 384, 512)
    assert scales_of(network(), 48) == (48,)
    for Q in (31, (), (40, 16)):
        with pytest.raises(ConfigError, match="32 pixels"):
            scales_of(network(), Q)


def evaluation(posteriors, labels=None, paths=None, protocol="x", macs=5, seconds=0.5):
    posteriors = torch.tensor(posteriors)
    labels = torch.tensor(labels or [0] * len(posteriors))
    paths = tuple(paths or (f"{i}.jpg" for i in range(len(posteriors))))
    return Evaluation(posteriors, labels, paths, protocol, macs, seconds)


def test_error_rates():
    ours = evaluation([[0.5, 0.3, 0.2], [0.3, 0.5, 0.2], [0.2, 0.3, 0.5], [0.9, 0.05, 0.05]])
    assert (ours.top1_error, ours.error(2), ours.error(3)) == (50, 25, 0)
    assert ours.wrong().tolist() == [False, True, True, False]


@pytest.mark.fault("T33")
def test_top_k_beyond_the_classes_is_refused():
    with pytest.raises(DataError, match="top-5 error of 3 classes: k is 1 to 3"):
        _ = evaluation([[0.5, 0.3, 0.2]]).top5_error


def test_a_constant_network_is_not_praised():
    """Counting the classes that are strictly better would call every tie right."""
    assert evaluation(np.full((20, 10), 0.1).tolist(), labels=list(range(10)) * 2).top1_error == 90


@pytest.mark.fault("T34")
def test_a_short_last_batch_changes_nothing(monkeypatch):
    images, model = pictures([(40, 40)] * 7), network()
    expected = evaluate(model, images).posteriors
    monkeypatch.setattr(evaluator, "images_at_a_time", lambda *_: 3)
    assert torch.allclose(evaluate(model, images).posteriors, expected, atol=1e-7)


def test_fusion_is_the_mean_of_posteriors():
    one, other = evaluation([[0.8, 0.2], [0.4, 0.6]]), evaluation([[0.0, 1.0], [0.9, 0.1]], protocol="y")
    both = fuse([one, other])
    assert torch.allclose(both.posteriors, torch.tensor([[0.4, 0.6], [0.65, 0.35]]))
    assert (both.protocol, both.macs, both.seconds, both.top1_error) == ("x + y", 10, 1.0, 50)


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"posteriors": [[0.5, 0.5]], "paths": ["b.jpg"]}, "a.jpg is in one only"),
        ({"posteriors": [[0.5, 0.5]], "paths": ["a.jpg"], "labels": [1]}, "their order or labels differ"),
        ({"posteriors": [[0.5, 0.3, 0.2]], "paths": ["a.jpg"]}, "'x' has 2 classes, 'x' 3"),
    ],
)
def test_evaluations_of_different_images_are_not_fused_or_compared(other, reason):
    pair = evaluation([[0.5, 0.5]], paths=["a.jpg"]), evaluation(**other)
    with pytest.raises(DataError, match=reason):
        fuse(pair)
    with pytest.raises(DataError, match=reason):
        pair[0].gain_over(pair[1])


def test_bootstrap_agrees_with_resampling_by_hand():
    values = np.repeat([0, 100], [70, 30])
    ours = estimate(values)
    rng = np.random.default_rng(1)
    means = [rng.choice(values, 100).mean() for _ in range(4000)]
    assert ours.mean == 30 and abs(ours.low - np.quantile(means, 0.025)) <= 1
    assert abs(ours.high - np.quantile(means, 0.975)) <= 1


def test_a_paired_gain_is_narrower_than_either_error():
    labels = torch.arange(200) % 10
    right = torch.nn.functional.one_hot(labels, 10).float()
    wrong = right.roll(1, 1)
    paths = tuple(map(str, range(200)))

    def net(mistakes):
        good = torch.arange(200)[:, None] >= mistakes
        return Evaluation(torch.where(good, right, wrong), labels, paths, "x", 1, 1.0)

    gain = net(80).gain_over(net(90))
    assert gain.mean == 5 and 0 < gain.low < 5 < gain.high
    assert gain.high - gain.low < net(80).interval().high - net(80).interval().low


def test_a_saved_evaluation_is_the_same(tmp_path):
    ours = evaluate(network(), pictures(MIXED), (32, 40))
    ours.save(tmp_path / "a.npz")
    theirs = Evaluation.load(tmp_path / "a.npz")
    assert torch.equal(ours.posteriors, theirs.posteriors) and torch.equal(ours.labels, theirs.labels)
    assert (ours.paths, str(ours), ours.skipped) == (theirs.paths, str(theirs), theirs.skipped)
    assert [*tmp_path.iterdir()] == [tmp_path / "a.npz"]


@pytest.mark.parametrize("content", [b"", b"<html>", None, "half", "other"])
def test_a_damaged_evaluation_is_one_line(tmp_path, content):
    path = tmp_path / "a.npz"
    evaluation([[0.5, 0.5]]).save(path)
    if content is None:
        path.unlink()
    elif content == "half":
        path.write_bytes(path.read_bytes()[:-40])
    elif content == "other":
        np.savez(path, x=1)
    else:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.npz") as error:
        Evaluation.load(path)
    assert "\n" not in str(error.value)


class WithBadOnes(list):
    """Images of which some raise when they are read."""

    bad = (2, 5)

    def __getitem__(self, index):
        if index in self.bad:
            raise OSError("image file is truncated")
        return super().__getitem__(index)

    def path(self, index):
        return f"folder/{index}.jpg"


@pytest.mark.fault("T22")
def test_a_corrupt_image_is_named_or_skipped():
    images = WithBadOnes(pictures(MIXED))
    with pytest.raises(DataError, match=r"folder/2\.jpg: cannot be read \(image file is truncated\)"):
        evaluate(network(), images)
    ours = evaluate(network(), images, on_error="skip")
    good = [image for index, image in enumerate(pictures(MIXED)) if index not in images.bad]
    assert torch.allclose(ours.posteriors, evaluate(network(), good).posteriors, atol=1e-7)
    assert ours.paths == tuple(f"folder/{i}.jpg" for i in (0, 1, 3, 4, 6, 7))
    assert [reason.partition(":")[0] for reason in ours.skipped] == ["folder/2.jpg", "folder/5.jpg"]


@pytest.mark.fault("T22")
@pytest.mark.parametrize("fault", [SyntaxError("broken PNG file"), Image.DecompressionBombError("a bomb"), EOFError()])
def test_whatever_a_reader_raises_the_image_is_named_or_skipped(fault):
    """Pillow alone raises five kinds of errors that have no common ancestor but Exception."""

    class Broken(WithBadOnes):
        def __getitem__(self, index):
            if index == 1:
                raise fault
            return list.__getitem__(self, index)

    images = Broken(pictures(MIXED[:3]))
    with pytest.raises(DataError, match=r"folder/1\.jpg: cannot be read"):
        evaluate(network(), images, 40)
    assert len(evaluate(network(), images, 40, on_error="skip")) == 2


@pytest.mark.fault("T23")
@pytest.mark.parametrize("workers", [0, 2])
def test_a_sliver_is_named_or_skipped(workers):
    """It can be read, but its other side would be 800,000 pixels."""
    images = WithBadOnes(pictures([(40, 40), (1, 200_000), (40, 50)]))
    images.bad = ()
    with pytest.raises(DataError, match=r"^folder/1\.jpg: 200000x1 pixels become 8000000x40 at S = 40"):
        evaluate(network(), images, 40, workers=workers)
    ours = evaluate(network(), images, 40, on_error="skip", workers=workers)
    assert ours.paths == ("folder/0.jpg", "folder/2.jpg")
    assert [reason.partition(":")[0] for reason in ours.skipped] == ["folder/1.jpg"]


def test_fewer_workers_than_none():
    with pytest.raises(ConfigError, match="workers = -1: allowed is a whole number, 0 or more"):
        evaluate(network(), pictures([(40, 40)]), 40, workers=-1)


@pytest.mark.parametrize("name", ["evaluate", "ladder", "doctor"])
def test_the_command_line_refuses_fewer_workers_than_none(capsys, name):
    """Before the network and the data are looked for."""
    with pytest.raises(SystemExit) as left:
        main([name, "no-such-net", "--data", "no-such-data", "--workers", "-1"])
    (line,) = capsys.readouterr().err.splitlines()
    assert left.value.code == 2 and "argument --workers: '-1': allowed is a whole number, 0 or more" in line


def test_a_network_in_half_precision_has_posteriors_in_single(monkeypatch):
    model, images = network().bfloat16(), pictures([(40, 40), (45, 40)])
    rough = evaluate(model, images, (32, 40), "centre").posteriors
    assert rough.dtype == torch.float32 and torch.allclose(rough.sum(1), torch.ones(2))


def test_a_protocol_says_what_is_not_the_rule():
    model, images = network(), pictures([(40, 45)])
    assert evaluate(model, images, 40, "multi-crop", exact_grid=True).protocol == "D multi-crop Q=40 flip exact grid"
    assert evaluate(model, images, 40, "dense", exact_grid=True).protocol == "D dense Q=40 flip"


def test_workers_change_nothing():
    images = WithBadOnes(pictures(MIXED))
    alone, helped = (evaluate(network(), images, (33, 40), on_error="skip", workers=n) for n in (0, 3))
    assert torch.equal(alone.posteriors, helped.posteriors)
    assert (alone.paths, alone.skipped) == (helped.paths, helped.skipped)


def test_bfloat16_only_where_the_device_computes_in_it(monkeypatch):
    model, images = network().float(), pictures(MIXED)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)
    with pytest.raises(ConfigError, match="does not compute in it"):
        evaluate(model, images, precision="bfloat16")
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: True)
    for view in VIEWS:
        rough = evaluate(model, images[:3], 40, view, precision="bfloat16").posteriors
        exact = evaluate(model, images[:3], 40, view).posteriors
        assert rough.dtype == torch.float32 and 0 < (rough - exact).abs().max() < 0.05


@pytest.mark.fault("T32")
@pytest.mark.parametrize(
    ("image", "label", "reason"),
    [
        (torch.zeros(3, 40, 40), 0, "images are uint8 RGB"),
        (torch.zeros(1, 40, 40, dtype=torch.uint8), 0, "images are uint8 RGB"),
        (torch.zeros(3, 40, 40, dtype=torch.uint8), 7, "label 7, but the network tells 7 classes apart"),
    ],
)
def test_what_is_no_image_of_this_network(image, label, reason):
    with pytest.raises(DataError, match=f"image 0: {reason}"):
        evaluate(network(), [(image, label)])


def test_weights_that_are_not_numbers_are_noticed():
    model = network()
    model.layer("fc7").bias.data[0] = float("nan")
    with pytest.raises(DataError, match="image 0: the scores are not finite"):
        evaluate(model, pictures([(40, 40)]))


def test_unknown_view_and_policy():
    for wrong in ({"view": "sparse"}, {"on_error": "ignore"}):
        with pytest.raises(ConfigError, match="allowed"):
            evaluate(network(), pictures([(40, 40)]), **wrong)


def narrow(config):
    stack = find_config(config).without_last_pool()
    return vgg(stack, num_classes=20, width=1 / 32, crop_size=32, fc_width=8, ceil_mode=True)


@pytest.fixture
def checkpoint(tmp_path):
    from vggstudy.data import load_data

    return save_checkpoint(tmp_path / "a.safetensors", narrow("A"), classes=load_data("shapes").classes)


def printed(capsys, *arguments):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    command.run(parser.parse_args([*map(str, arguments)]))
    return capsys.readouterr().out


def test_the_command(checkpoint, tmp_path, capsys):
    options = ("--data", "shapes", "--limit", "40", "--device", "cpu")
    saved = tmp_path / "e.npz"
    result = json.loads(printed(capsys, checkpoint, *options, "--Q", "32,40", "--json", "--save", saved))
    ours = Evaluation.load(saved)
    assert result["images"] == 40 and result["top1_error"] == ours.top1_error
    assert result["protocol"] == ours.protocol == "A dense Q=32,40 flip"
    assert ours.labels.bincount().tolist() == [2] * 20
    text = printed(capsys, checkpoint, *options, "--view", "centre", "--no-flip")
    assert "centre Q=40: top-1 error" in text and "top-5 error" in text


def test_a_place_that_is_not_there_is_told_before_the_evaluation(checkpoint, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(evaluator, "evaluate", lambda *_, **__: pytest.fail("hours of work that cannot be kept"))
    with pytest.raises(ConfigError, match=r"--save .*none/e\.npz: there is no folder .*none; make it first"):
        printed(capsys, checkpoint, "--data", "shapes", "--device", "cpu", "--save", tmp_path / "none" / "e.npz")


def test_protocol_prints_the_papers_number_beside_ours(checkpoint, capsys, monkeypatch):
    monkeypatch.setattr(evaluator, "rescale", lambda image, size: image[:, :36, :36])
    text = printed(capsys, checkpoint, "--data", "shapes", "--limit", "20", "--protocol", "table3")
    assert "A dense Q=256 flip" in text and "paper (S=256, section 4.1, Table 3): top-1 29.6%, top-5 10.4%" in text
    path = save_checkpoint(checkpoint.with_name("d.safetensors"), narrow("D"))
    text = printed(capsys, path, "--data", "shapes", "--limit", "20", "--protocol", "table5")
    assert [line.split(" (S=256:512, section 4.3, Table 5): ")[1] for line in text.splitlines()[1::2]] == [
        "top-1 24.8%, top-5 7.5%", "top-1 24.6%, top-5 7.5%", "top-1 24.4%, top-5 7.2%"
    ]  # fmt: skip
    with pytest.raises(ConfigError, match="Table 5 has no row of A; it has D, E"):
        printed(capsys, checkpoint, "--data", "shapes", "--protocol", "table5")


@pytest.mark.parametrize(("S", "shown"), [((256, 512), ["256:512"]), (384, ["384"]), (72, ["256", "384", "256:512"])])
def test_a_net_stands_beside_the_papers_of_its_training_scale(tmp_path, capsys, monkeypatch, S, shown):
    """Beside one of another scale it would look better or worse than it is."""
    monkeypatch.setattr(evaluator, "rescale", lambda image, size: image[:, :36, :36])
    path = save_checkpoint(tmp_path / "d.safetensors", narrow("D"), train={"S": S})
    assert main(["evaluate", str(path), "--data", "shapes", "--limit", "20", "--protocol", "table3"]) == 0
    printed = capsys.readouterr()
    assert re.findall(r"paper \(S=(.*?),", printed.out) == shown
    assert ("the paper has no D of S = 72" in printed.err) == (S == 72)


@pytest.mark.parametrize("words", [["--Q", "36"], ["--view", "centre"], ["--no-flip"]])
def test_a_protocol_is_not_silently_another_one(checkpoint, capsys, words):
    assert main(["evaluate", str(checkpoint), "--data", "shapes", "--protocol", "table3", *words]) == 2
    assert "leave --Q, --view and --no-flip out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("macs", "told"), [(15_346_630_656, "15"), (257_000_000, "0.26"), (1_020_000_000_000, "1,020")]
)
def test_the_cost_of_a_small_net_is_not_nothing(macs, told):
    assert gmacs(macs) == told


@pytest.mark.fault("T25")
def test_other_classes_are_refused_before_the_first_image(tmp_path, capsys):
    model = vgg("A", num_classes=20, width=1 / 32, crop_size=32, fc_width=8)
    path = save_checkpoint(tmp_path / "a.safetensors", model, classes=[f"other {i}" for i in range(20)])
    with pytest.raises(DataError, match=r"among them .*; the network has 20, other 0"):
        printed(capsys, path, "--data", "shapes")


@pytest.mark.gpu
@pytest.mark.parametrize("view", VIEWS)
def test_a_gpu_gives_the_same_posteriors(view, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    model, images = network().float(), pictures(MIXED)
    expected = evaluate(model, images, (33, 40), view).posteriors
    assert torch.allclose(evaluate(model.cuda(), images, (33, 40), view).posteriors, expected, atol=1e-4)
    rough = evaluate(model, images, (33, 40), view, precision="bfloat16").posteriors
    assert (rough - expected).abs().max() < 0.05
