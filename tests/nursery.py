"""A process that has torch loaded, and forks a training for each line that it reads: a kill then costs no
import.

A line is JSON: `out`, `config` (fields of TrainConfig), and `slow`, seconds that each image takes.  Answers are the
child's pid, then how it ended as `subprocess` counts it (negative: by a signal).
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from dataclasses import replace

from tiny import tiny_data, tiny_net

from vggstudy.data import Data
from vggstudy.errors import StudyError
from vggstudy.imageset import ImageSet
from vggstudy.regime import TrainConfig
from vggstudy.signals import StopRequest
from vggstudy.train import train


def slowed(data: Data, seconds: float) -> Data:
    def read(index: int):
        time.sleep(seconds)
        return data.train.read(index)

    return replace(data, train=ImageSet(read, data.train.labels, data.train.path, data.train.name))


def work(out: str, config: dict, slow: float = 0.0) -> int:
    warnings.simplefilter("ignore")
    with StopRequest() as stop:
        try:
            data = slowed(tiny_data(), slow) if slow else tiny_data()
            for _ in train(tiny_net(fc_width=256), data, TrainConfig(**config), out=out, resume=True, stop=stop):
                pass
        except StudyError as error:
            print(error, file=sys.stderr)
            return 2
    return stop.exit_status


if __name__ == "__main__":
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os._exit(work(**json.loads(line)))
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
