"""The trainer: the paper's defaults, the descent itself, what stops it, and what it reports."""

from __future__ import annotations

import signal
from copy import copy
from dataclasses import FrozenInstanceError, replace
from importlib import import_module
from itertools import combinations, islice
from threading import current_thread
from time import sleep

import pytest
import torch
from tiny import TINY, equal, tiny_data, tiny_net, weights
from torch._dynamo.testing import CompileCounter
from torch.nn.functional import cross_entropy

from vggstudy.augment import Augmentation, sample_batch
from vggstudy.batches import order
from vggstudy.distributed import place
from vggstudy.errors import ConfigError, DataError
from vggstudy.learner import Learner
from vggstudy.model import Dropout
from vggstudy.paper import REGIME
from vggstudy.regime import SMALL, TrainConfig, settings
from vggstudy.schedule import Plateau, Steps
from vggstudy.train import train
from vggstudy.validation import CentreCrops, Validation


def test_the_defaults_are_the_papers():
    config = TrainConfig()
    assert (config.batch_size, config.momentum, config.weight_decay) == (256, 0.9, 5e-4)
    assert (config.lr, config.factor, config.drops, config.schedule) == (1e-2, 0.1, 3, "plateau")
    assert (config.S, config.epochs, config.colour_std) == (256, REGIME.epochs, 0.1)
    with pytest.raises(FrozenInstanceError):
        config.lr = 1.0


def test_a_run_learns_and_reports_each_step():
    steps = list(train(tiny_net(dropout=0.0), tiny_data(), replace(TINY, epochs=8)))
    assert [step.step for step in steps] == list(range(1, 49))
    assert [step.step for step in steps if step.val_top1_error is not None] == list(range(6, 49, 6))
    assert steps[-1].epoch == 8 and steps[-1].images_per_second > 0
    assert steps[-1].val_top1_error < 10
    assert steps[-1].val_top5_error == 0  # three classes
    assert steps[-1].val_loss < steps[5].val_loss


def test_one_update_is_momentum_descent_with_weight_decay():
    config = replace(TINY, batch_size=48, S=9, colour_std=0.0, flip=False, lr=0.1, epochs=2)
    model, by_hand = tiny_net(dropout=0.0), tiny_net(dropout=0.0)
    seen = []
    watch = model.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0].clone()))
    data = tiny_data()
    list(train(model, data, replace(config, validate_every=99)))
    watch.remove()
    velocity = {name: torch.zeros_like(weight) for name, weight in by_hand.named_parameters()}
    for epoch, images in enumerate(seen[:2]):
        target = data.train.labels[order(48, config.seed, epoch)]
        loss = cross_entropy(by_hand(images), target)
        gradients = torch.autograd.grad(loss, list(by_hand.parameters()))
        with torch.no_grad():
            for (name, weight), gradient in zip(by_hand.named_parameters(), gradients, strict=True):
                velocity[name] = 0.9 * velocity[name] + gradient + 5e-4 * weight
                weight -= 0.1 * velocity[name]
    for ours, theirs in zip(model.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("decay_biases", [True, False])
def test_biases_decay_unless_they_are_spared(decay_biases):
    """Pictures without contents: nothing but the decay moves weights and biases."""
    model = tiny_net(dropout=0.0)
    with torch.no_grad():
        for layer in model.weight_layers.values():
            layer.bias.fill_(1.0)
        before = weights(model)
        for layer in model.weight_layers.values():
            layer.weight.grad, layer.bias.grad = torch.zeros_like(layer.weight), torch.zeros_like(layer.bias)
    config = replace(TINY, lr=0.1, weight_decay=0.5, decay_biases=decay_biases)
    with place(config) as here:
        Learner(model, config, here).optimiser.step()
    for name, after in weights(model).items():
        kept = 1.0 if name.endswith("bias") and not decay_biases else 0.95
        torch.testing.assert_close(after, kept * before[name])


@pytest.mark.parametrize(("meant", "finished"), [("top1", False), ("top5", True)])
def test_a_plateau_is_of_the_error_that_is_meant(monkeypatch, meant, finished):
    seen = (Validation(loss=1.0, top1_error=error, top5_error=3.0) for error in range(50, 0, -1))
    monkeypatch.setattr(import_module("vggstudy.train"), "validate", lambda *_: next(seen))
    config = replace(TINY, plateau_on=meant, patience=1, drops=1, schedule="plateau", epochs=5)
    data = tiny_data()
    data = replace(data, classes=(*data.classes, "d", "e", "f"))
    steps = list(train(tiny_net(num_classes=6), data, config))
    assert (len(steps) < 5 * 6) == finished


def test_a_top5_error_of_five_classes_makes_no_plateau():
    with pytest.raises(ConfigError, match="with 3 classes that error is always 0"):
        train(tiny_net(), tiny_data(), replace(TINY, plateau_on="top5"))


def test_validation_takes_no_larger_passes_than_training():
    seen = []
    model = tiny_net()
    model.register_forward_pre_hook(lambda _, arguments: seen.append(len(arguments[0])))
    list(train(model, tiny_data(), replace(TINY, batch_size=24, micro_batch=2, epochs=1)))
    assert max(seen) == 2


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_accumulated_micro_batches_make_the_same_update(dropout):
    whole, parts = tiny_net(dropout=dropout), tiny_net(dropout=dropout)
    losses = [[step.loss for step in train(model, tiny_data(), replace(TINY, seed=5, micro_batch=size))]
              for model, size in ((whole, None), (parts, 3))]  # fmt: skip
    torch.testing.assert_close(torch.tensor(losses[0]), torch.tensor(losses[1]), rtol=1e-4, atol=1e-5)
    for ours, theirs in zip(whole.parameters(), parts.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_workers_change_nothing():
    one, many = tiny_net(), tiny_net()
    list(train(one, tiny_data(), TINY))
    list(train(many, tiny_data(), replace(TINY, workers=2)))
    assert equal(weights(one), weights(many))


def flags():
    return torch.backends.cudnn.benchmark, torch.get_deterministic_debug_mode()


@pytest.mark.parametrize("before", [(True, 0), (False, 0), (False, 1)])
@pytest.mark.parametrize("deterministic", [False, True])
def test_how_torch_chooses_its_kernels_is_the_callers_between_steps(monkeypatch, before, deterministic):
    """Timing every shape anew would slow down what a notebook does with images of many sizes; a user's own wish to be
    warned of operations whose result varies must stay one."""
    seen, model = [], tiny_net()
    model.register_forward_pre_hook(lambda *_: seen.append(flags()))
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", before[0])
    torch.set_deterministic_debug_mode(before[1])
    try:
        between = {flags() for _ in train(model, tiny_data(), replace(TINY, deterministic=deterministic))}
        assert between == {flags()} == {before}
        assert set(seen) == {(not deterministic, 2 if deterministic else before[1])}
    finally:
        torch.set_deterministic_debug_mode(0)


def test_two_trainings_at_once_keep_their_promises_and_leave_no_trace():
    """Two generators of a notebook, taken in turns and closed in the order in which they were made."""
    seen, model, before = [], tiny_net(), (flags(), signal.getsignal(signal.SIGINT))
    model.register_forward_pre_hook(lambda *_: seen.append(torch.get_deterministic_debug_mode()))
    first, second = train(tiny_net(), tiny_data(), TINY), train(model, tiny_data(), replace(TINY, deterministic=True))
    for steps in (first, second, first):
        next(steps)
    first.close()
    next(second)
    second.close()
    assert seen == [2, 2]
    assert (flags(), signal.getsignal(signal.SIGINT)) == before


def test_workers_measure_the_colours_once(tmp_path, monkeypatch):
    monkeypatch.setenv("VGGSTUDY_CACHE", str(tmp_path))
    looked_at, data = [], tiny_data()

    def read(index):
        looked_at.append(index)
        sleep(0.001)  # the other workers begin meanwhile
        return data.train.read(index)

    watched = replace(data, train=replace(data.train, read=read, name="looked at"))
    next(train(tiny_net(), watched, replace(TINY, workers=4, batch_size=2, S=9)))
    assert looked_at.count(47) <= 2  # for its colours, and to be learnt


def test_workers_read_the_validation_images_too():
    readers, data = [], tiny_data()

    def read(index):
        readers.append(current_thread().name)
        return data.val.read(index)

    watched = replace(data, val=replace(data.val, read=read))
    list(train(tiny_net(), watched, replace(TINY, epochs=1, workers=2)))
    assert len(readers) == len(data.val) and all(name.startswith("vggstudy") for name in readers)


def test_it_does_not_matter_where_images_are_augmented():
    one, two = tiny_net(), tiny_net()
    for model, where in ((one, "host"), (two, "device")):
        list(train(model, tiny_data(), replace(TINY, augment_on=where, workers=1)))
    assert equal(weights(one), weights(two))


@pytest.mark.fault("T20")
def test_two_deterministic_runs_are_equal():
    one, two = tiny_net(), tiny_net()
    records = [[step.loss for step in train(model, tiny_data(), replace(TINY, deterministic=True))]
               for model in (one, two)]  # fmt: skip
    assert records[0] == records[1] and equal(weights(one), weights(two))
    assert not torch.are_deterministic_algorithms_enabled()


def test_breaking_out_leaves_a_network_to_use():
    model = tiny_net()
    taken = list(islice(train(model, tiny_data(), TINY), 4))
    assert len(taken) == 4
    del taken
    assert model(torch.zeros(1, 3, 8, 8)).shape == (1, 3)


def test_plateau_divides_three_times_and_stops():
    rates, rate = [], Plateau(0.01, 0.1, patience=2, drops_left=3)
    for error in [50, 40, 40, 40, 41, 30, 30, 31, 30, 30, 30, 30, 30]:
        rates.append(rate.lr(1))
        if rate.finished:
            break
        rate = rate.after(error)
    assert rate.finished
    assert rates == pytest.approx([1e-2] * 4 + [1e-3] * 4 + [1e-4] * 2 + [1e-5] * 3)


@pytest.mark.fault("T18")
def test_an_error_that_is_no_number_counts_as_no_improvement():
    rate = Plateau(0.01, 0.1, patience=2, drops_left=3, best=30.0).after(float("nan"))
    assert (rate.best, rate.waited, rate.rate) == (30.0, 1, 0.01)
    assert rate.after(29.0).best == 29.0


def test_steps_warm_up_and_drop():
    rate = Steps(0.02, 0.1, (0.6, 0.85), 0.05, 100)
    assert [rate.lr(step) for step in (1, 5, 6, 60, 61, 85, 86, 100)] == pytest.approx(
        [0.004, 0.02, 0.02, 0.02, 0.002, 0.002, 0.0002, 0.0002]
    )


def test_gradients_are_clipped():
    free, clipped = tiny_net(dropout=0.0), tiny_net(dropout=0.0)
    start = weights(free)
    one_step = replace(TINY, weight_decay=0.0, momentum=0.0, lr=1.0)
    list(islice(train(clipped, tiny_data(), replace(one_step, clip=1e-3)), 1))
    moved = sum(float((weights(clipped)[name] - start[name]).square().sum()) for name in start) ** 0.5
    assert moved == pytest.approx(1e-3, rel=1e-2)


@pytest.mark.fault("T35")
def test_every_bad_setting_is_named_at_once():
    bad = {"lr": -1.0, "momentum": 1.0, "batch_size": 0, "epochs": 0, "S": 200, "flip": "yes", "lerning_rate": 1}
    with pytest.raises(ConfigError) as caught:
        settings(bad, crop_size=224)
    message = str(caught.value)
    assert "\n" not in message
    for part in ("lr = -1.0: allowed is a number above 0", "momentum = 1.0", "batch_size = 0", "epochs = 0",
                 "S = 200: allowed is 224 or more", "flip = 'yes'", "lerning_rate is no setting"):  # fmt: skip
        assert part in message
    with pytest.raises(ConfigError, match="did you mean weight_decay"):
        settings({"weight_decy": 0.1})
    with pytest.raises(ConfigError, match=r"batch_size = 0.*; epochs = -3"):
        TrainConfig(batch_size=0, epochs=-3)
    with pytest.raises(ConfigError, match=r"momentun is no setting \(did you mean momentum\?\); lr = -1"):
        TrainConfig(momentun=0.9, lr=-1)
    assert copy(TINY) == TINY == replace(TINY, lr=TINY.lr)


@pytest.mark.fault("T35")
def test_a_crop_larger_than_the_images_is_refused_before_training():
    with pytest.raises(ConfigError, match="S = 7: allowed is 8 or more"):
        train(tiny_net(), tiny_data(), replace(TINY, S=7))


@pytest.mark.fault("T35")
def test_a_batch_of_more_images_than_there_are_is_refused_before_training():
    with pytest.raises(ConfigError, match="batch_size = 49: allowed is 48 or less, the training images of tiny"):
        train(tiny_net(), tiny_data(), replace(TINY, batch_size=49))


@pytest.mark.fault("T35")
def test_a_seed_that_no_generator_takes_is_refused():
    with pytest.raises(ConfigError, match=r"seed = 9223372036854775808: allowed is a whole number, 0 to 2\^63 - 1"):
        replace(TINY, seed=2**63)


def test_classes_that_differ_from_the_network_are_refused():
    with pytest.raises(DataError, match="has 3 classes, the network 4"):
        train(tiny_net(num_classes=4), tiny_data(), TINY)


def test_the_small_regime_is_the_one_that_was_measured():
    assert (SMALL.S, SMALL.lr, SMALL.batch_size, SMALL.clip, SMALL.drop_at) == (40, 0.02, 32, 5.0, (0.6, 0.85))


def test_the_order_is_a_permutation_of_its_own_for_each_seed_and_epoch():
    drawn = [order(100, seed, epoch) for seed in (0, 1) for epoch in (0, 1, 2)]
    assert all(sorted(images.tolist()) == list(range(100)) for images in drawn)
    assert len({tuple(images.tolist()) for images in drawn}) == 6
    assert torch.equal(order(100, 1, 2), drawn[-1])


def test_the_colour_shift_reaches_the_network():
    def losses(colour_std):
        config = replace(TINY, S=9, flip=False, colour_std=colour_std)
        return [step.loss for step in islice(train(tiny_net(dropout=0.0), tiny_data(), config), 1)]

    assert losses(0.0) == losses(0.0) != losses(1.0)


def test_dropout_is_off_in_validation_and_on_in_training():
    modes = []
    model = tiny_net()
    model.register_forward_pre_hook(lambda net, _: modes.append(net.training))
    list(train(model, tiny_data(), replace(TINY, epochs=1)))
    assert modes == [True] * 6 + [False] * 3
    assert not model.training


def test_a_process_without_a_validation_image_has_nothing_to_do():
    crops = CentreCrops(tiny_data(val=3).val, 9, 8, batch_size=2, rank=5, world_size=8)
    assert len(crops) == 0


def test_dropout_drops_half_doubles_the_rest_and_draws_anew_each_step():
    """By the trainer, which draws it; alone, a network in training draws its own."""
    seen, model = [], tiny_net(fc_width=512, dropout=0.5)
    layers = [layer for layer in model.classifier if isinstance(layer, Dropout)]
    for layer in layers:
        layer.register_forward_hook(lambda _, inputs, output: seen.append((inputs[0], output)))
    list(islice(train(model, tiny_data(), replace(TINY, batch_size=24)), 2))
    masks = []
    for inputs, outputs in seen[:4]:
        kept = outputs[inputs > 0] / inputs[inputs > 0]
        assert set(kept.tolist()) == {0.0, 2.0}
        assert abs(kept.mean() - 1) < 5 / len(kept) ** 0.5
        masks.append((outputs > 0).float())
    assert len(masks) == 4 and not any(torch.equal(one, other) for one, other in combinations(masks, 2))
    assert all(layer.kept is None for layer in layers)
    pixels = torch.rand(2, 3, 8, 8)
    assert torch.equal(model(pixels), model(pixels)) and not torch.equal(model.train()(pixels), model(pixels))


def test_dropout_does_not_make_a_compiled_network_compile_again():
    """A mask must be an input of it: as a constant it would be another one at each step."""
    counter = CompileCounter()
    batch = sample_batch(tiny_data().train, range(8), seed=0, epoch=0, augmentation=Augmentation(8, (9, 12)))
    config = replace(TINY, micro_batch=4)
    with place(config) as here:
        plain, compiled = (Learner(tiny_net(dropout=0.5).train(), config, here) for _ in range(2))
        compiled._scores = torch.compile(compiled.model, backend=counter)
        losses = [[float(learner.update(batch, step, 0.1)) for step in range(3)] for learner in (plain, compiled)]
    assert counter.frame_count == 1
    assert losses[0] == pytest.approx(losses[1])


def test_a_run_is_begun_once(tmp_path):
    """What is done to a network at its beginning would undo what it has learnt."""
    begun = []
    config = replace(TINY, seed=5)
    for stop_at in (7, None):
        list(islice(train(tiny_net(), tiny_data(), config, out=tmp_path, resume=True, begin=begun.append), stop_at))
    assert len(begun) == 1
