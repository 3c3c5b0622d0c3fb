"""What each process of `test_distributed.py` runs: a tiny training, stopped after some steps if a number is given.

`{rank}` in the run directory stands for the number of the process: a folder that each computer has for itself.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from itertools import islice

from tiny import TINY, tiny_data, tiny_net

from vggstudy.data import Data
from vggstudy.regime import TrainConfig
from vggstudy.train import train


def settings_of(changes: str, rank: str) -> tuple[TrainConfig, Data]:
    """The regime with its changes, and the data; `missing` is the rank of a computer that lacks an image."""
    changed = json.loads(changes)
    lacking = changed.pop("missing", None) == rank
    return replace(TINY, **changed), tiny_data(train=50 - lacking, val=19)  # neither fills whole batches


def main(out: str, changes: str, stop_at: str | None = None) -> None:
    rank = os.environ.get("RANK", "0")
    config, data = settings_of(changes, rank)
    steps = train(tiny_net(dropout=0.0), data, config, out=out.format(rank=rank), resume=True)
    for _ in islice(steps, stop_at and int(stop_at)):
        pass
    steps.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
