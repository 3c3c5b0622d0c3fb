"""Photographs of real size, trained from the disk: with workers the descent waits for no more than must be."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import replace
from importlib import import_module

import pytest

from vggstudy.ahead import ahead
from vggstudy.bench.photographs import write_photographs
from vggstudy.data import load_data
from vggstudy.initialise import initialise
from vggstudy.model import vgg
from vggstudy.regime import TrainConfig

DISTINCT, COPIES = 12, 8  # photographs of each of three classes; a copy takes as long to decode as another one
CONFIG = TrainConfig(S=256, batch_size=24, epochs=1, device="cpu", colour_std=0.0, lr=1e-9, validate_every=10**6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("photographs")
    write_photographs(root / "train", 3, DISTINCT)
    for file in list((root / "train").rglob("*.jpg")):
        for copy in range(1, COPIES):
            shutil.copy(file, file.with_stem(f"{file.stem}-{copy}"))
        (root / "val" / file.parent.name).mkdir(parents=True, exist_ok=True)
    for place in (root / "val").iterdir():
        shutil.copy(root / "train" / place.name / "0000.jpg", place)
    return root


def share_of_waiting(folder, monkeypatch, workers):
    """The share of an epoch in which the network waits for its next batch; nothing is in memory beforehand."""
    trainer, waited = import_module("vggstudy.train"), []

    def watched(make, keys, workers=0):
        batches = ahead(make, keys, workers)
        while True:
            begun = time.perf_counter()
            batch = next(batches, None)
            waited.append(time.perf_counter() - begun)
            if batch is None:
                return
            yield batch

    monkeypatch.setattr(trainer, "ahead", watched)
    data = load_data(f"imagefolder:{folder}")
    model = initialise(vgg("A", 3, width=1 / 32, fc_width=64), "he")
    begun = time.perf_counter()
    steps = list(trainer.train(model, data, replace(CONFIG, workers=workers)))
    total = time.perf_counter() - begun
    assert len(steps) == len(data.train) // CONFIG.batch_size
    print(f"{len(data.train)} photographs, {workers} workers: {sum(waited) / total:.0%} of {total:.2f} s is waiting")
    return sum(waited) / total


@pytest.mark.slow
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core: what decodes keeps the network from computing")
def test_workers_decode_while_the_network_computes(folder, monkeypatch):
    """Without workers all decoding is waiting.  Others may use this machine, so the best of three counts."""
    for _ in range(3):
        alone, helped = (share_of_waiting(folder, monkeypatch, workers) for workers in (0, 2))
        if helped < alone / 2:
            return
    pytest.fail(f"waiting: {alone:.0%} without workers, still {helped:.0%} with two")
