"""Memory that an update frees is kept while training lasts, and given back after it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tiny import TINY, tiny_data, tiny_net

from vggstudy import heap
from vggstudy.heap import kept_heap
from vggstudy.train import train

glibc = pytest.mark.skipif(heap._glibc() is None, reason="another C library than glibc")

BLOCKS = """
import resource, torch
from contextlib import nullcontext
from vggstudy.heap import kept_heap
torch.set_num_threads(1)

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        torch.ones(3, 2**24).add_(1)  # 200 MB, which no default keeps
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults()
default = faults()
with kept_heap():
    faults()
    kept = faults()
print(default, kept)
"""


@glibc
def test_pages_are_cleared_once_while_it_is_entered():
    done = subprocess.run([sys.executable, "-c", BLOCKS], capture_output=True, text=True, check=True)
    default, kept = map(int, done.stdout.split())
    assert kept < 0.01 * default


RESIDENT = """
import psutil, torch
from vggstudy.heap import kept_heap

def resident():
    return psutil.Process().memory_info().rss // 10**6

before = resident()
with kept_heap():
    block = torch.ones(3, 2**24)
    del block
    inside = resident()
print(before, inside, resident())
"""


@glibc
def test_memory_is_given_back():
    done = subprocess.run([sys.executable, "-c", RESIDENT], capture_output=True, text=True, check=True)
    before, inside, after = map(int, done.stdout.split())
    assert inside - before > 150 and after - before < 50


@glibc
def test_the_last_one_out_puts_it_back(monkeypatch):
    """Two trainings of a notebook, closed in the order in which they were begun."""
    changes = []
    monkeypatch.setattr(heap, "_set", lambda _, thresholds: changes.append(thresholds))
    first, second = kept_heap(), kept_heap()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert len(changes) == 1
    second.__exit__(None, None, None)
    assert changes[1:] == [heap.USUAL]


@pytest.mark.parametrize("libc", [None, "glibc"])
def test_training_keeps_it_as_long_as_it_lasts(monkeypatch, libc):
    if libc is None:
        monkeypatch.setattr(heap, "_glibc", lambda: None)
    inside = {heap._inside for _ in train(tiny_net(), tiny_data(), TINY)}
    assert inside == {0 if libc is None or sys.platform != "linux" else 1} and heap._inside == 0
