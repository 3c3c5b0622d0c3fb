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

from vggstudy.train import train


def main(out: str, changes: str, stop_at: str | None = None) -> None:
    config = replace(TINY, **json.loads(changes))
    data = tiny_data(train=50, val=19)  # neither fills whole batches, nor is shared out evenly
    steps = train(tiny_net(dropout=0.0), data, config, out=out.format(rank=os.environ.get("RANK")), resume=True)
    for _ in islice(steps, stop_at and int(stop_at)):
        pass
    steps.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
