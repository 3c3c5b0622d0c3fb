"""The trainer on a CUDA device: exact there too, never waiting within a step, memory given back."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import pytest
import torch
from tiny import TINY, equal, tiny_data, tiny_net, weights

from vggstudy.augment import Augmentation, sample_batch
from vggstudy.distributed import place
from vggstudy.errors import TrainingError
from vggstudy.learner import Learner
from vggstudy.rundirectory import newest_checkpoint
from vggstudy.runs import read_metrics
from vggstudy.train import train

pytestmark = pytest.mark.gpu

ON_GPU = replace(TINY, device="cuda", deterministic=True, save_every=5, validate_every=4)


def losses(out):
    return [(step["step"], step["loss"], step["val_loss"]) for step in read_metrics(out)]


@pytest.mark.fault("T02")
@pytest.mark.parametrize("stop_at", [1, 5, 6, 8])
def test_a_run_in_mixed_precision_with_dropout_resumes_to_the_bit(tmp_path, stop_at):
    list(train(tiny_net(dropout=0.5), tiny_data(), ON_GPU, out=tmp_path / "undisturbed"))
    for _ in islice(train(tiny_net(dropout=0.5), tiny_data(), ON_GPU, out=tmp_path / "stopped"), stop_at):
        pass
    list(train(tiny_net(seed=9), tiny_data(), replace(ON_GPU, workers=2), out=tmp_path / "stopped", resume=True))
    ours, theirs = (newest_checkpoint(tmp_path / name) for name in ("stopped", "undisturbed"))
    assert equal(ours.weights, theirs.weights) and equal(ours.momentum, theirs.momentum)
    assert losses(tmp_path / "stopped") == losses(tmp_path / "undisturbed")


@pytest.mark.fault("T20")
def test_two_deterministic_runs_are_equal():
    one, two = tiny_net(), tiny_net()
    for model in (one, two):
        list(train(model, tiny_data(), ON_GPU))
    assert equal(weights(one), weights(two))


def test_float32_on_the_device_learns_what_the_cpu_learns():
    here, there = tiny_net(dropout=0.0), tiny_net(dropout=0.0)
    config = replace(TINY, precision="float32", epochs=1)
    cpu = [step.loss for step in train(here, tiny_data(), config)]
    gpu = [step.loss for step in train(there, tiny_data(), replace(config, device="cuda"))]
    torch.testing.assert_close(torch.tensor(gpu), torch.tensor(cpu), rtol=2e-2, atol=2e-3)


def test_an_update_never_waits_for_the_device():
    config = replace(TINY, device="cuda", micro_batch=4, clip=1.0)
    with place(config) as here:
        assert here.dtype == torch.bfloat16
        learner = Learner(tiny_net().train(), config, here)
        batch = sample_batch(tiny_data().train, range(8), seed=0, epoch=0, augmentation=Augmentation(8, (9, 12)))
        batch = type(batch)(*(part.pin_memory() for part in batch))
        learner.update(batch, 1, 0.01)
        torch.cuda.set_sync_debug_mode("error")
        try:
            for step in range(2, 5):
                learner.update(batch, step, 0.01)
        finally:
            torch.cuda.set_sync_debug_mode("default")


def test_records_come_in_order_and_complete():
    steps = list(train(tiny_net(), tiny_data(), replace(TINY, device="cuda", validate_every=5)))
    assert [step.step for step in steps] == list(range(1, 19))
    assert [step.step for step in steps if step.val_loss is not None] == [5, 10, 15, 18]


@pytest.mark.fault("T15")
def test_an_exploding_loss_stops_within_a_step_of_it(tmp_path):
    taken = []
    with pytest.raises(TrainingError, match=r"the loss is (inf|nan)"):
        taken.extend(train(tiny_net(), tiny_data(), replace(TINY, device="cuda", lr=1e20), out=tmp_path))
    assert len(taken) <= 2


@pytest.mark.fault("T21")
def test_out_of_memory_gives_an_estimate_and_frees_what_it_took():
    model, data = tiny_net(crop_size=512, width=16.0), tiny_data(train=1200)
    config = replace(TINY, S=512, Q=512, batch_size=1200, colour_std=0.0, device="cuda")
    before = torch.cuda.memory_allocated()
    free = torch.cuda.mem_get_info()[0]
    torch.cuda.set_per_process_memory_fraction(min(1.0, 2e9 / free))
    try:
        with pytest.raises(TrainingError, match="out of memory: a batch of 1,200 images of 512 px"):
            next(train(model, data, config))
        assert torch.cuda.memory_allocated() - before < 2e8
        assert next(train(model, data, replace(config, batch_size=2))).step == 1
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
