"""How each net of the paper came to be: the chain of trainings that leads to it.  No torch.

Section 3.1: A from random weights at S = 256; a deeper net at S = 256 from A's layers; at S = 384 from its own weights
at S = 256; jittered over [256; 512] from its own weights at S = 384.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vggstudy.analysis import count_macs
from vggstudy.configs import find_config
from vggstudy.errors import ConfigError
from vggstudy.paper import REGIME, TABLE_3, Scale
from vggstudy.scales import scale_text

SMALLEST = REGIME.single_scales[0]
DEEPER = ("B", "C", "D", "E")  # pre-initialised from A; A and A-LRN begin from random weights

# Every net that Table 3 reports, as (configuration, S).
PAPER_NETS: tuple[tuple[str, Scale], ...] = tuple((result.config, result.S) for result in TABLE_3)


@dataclass(frozen=True)
class Stage:
    """One training of a chain.

    Args:
        config: Configuration.
        S: Training scale in pixels, or the range that is jittered over.
        lr: Learning rate at the start.
        init_from: Name of the stage whose weights it starts from.
    """

    config: str
    S: Scale
    lr: float = REGIME.learning_rate
    init_from: str | None = None

    @property
    def name(self) -> str:
        """Of the stage and of its run directory: `D-384`, `D-256-512`."""
        return f"{self.config}-{scale_text(self.S, '-')}"

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one forward pass of one crop."""
        return count_macs(self.config)

    def command(self, data: str, root: str = "runs", processes: int = 1, options: Sequence[str] = ()) -> list[str]:
        """The command line that runs the stage, and goes on with it if it was interrupted.

        Args:
            data: What `--data` takes.
            root: Folder of the run directories.
            processes: Under `torchrun` if there are several.
            options: Further options of `vggstudy train`.
        """
        start = ["vggstudy"]
        if processes > 1:
            start = ["torchrun", "--nproc-per-node", str(processes), "-m", "vggstudy"]
        begin = ["--init-from", f"{root}/{self.init_from}"] if self.init_from else []
        rate = ["--lr", f"{self.lr:g}"]
        out = ["--out", f"{root}/{self.name}", "--resume"]
        return [*start, "train", self.config, "--data", data, "--S", scale_text(self.S), *rate, *begin, *options, *out]


def recipe(config: str, S: Scale = SMALLEST) -> tuple[Stage, ...]:
    """The trainings that lead to a net of the paper, in order; the last is the net.

    Args:
        config: `"A"`, `"A-LRN"`, `"B"`, `"C"`, `"D"` or `"E"`, or another of its names.
        S: 256, 384, or (256, 512).
    Raises:
        ConfigError: For another configuration or another S.

    Paper: section 3.1.  Book: training.
    """
    name = find_config(config).name
    if name not in ("A", "A-LRN", *DEEPER):
        raise ConfigError(f"configuration {name!r}: the paper trained A, A-LRN, B, C, D and E")
    first = Stage(name, SMALLEST)
    chain = [first]
    if name in DEEPER:
        shallow = Stage("A", SMALLEST)
        chain = [shallow, Stage(name, SMALLEST, init_from=shallow.name)]
    steps: tuple[Scale, ...] = (REGIME.single_scales[1], REGIME.jitter)
    if S != SMALLEST and S not in steps:
        raise ConfigError(f"S = {S!r}: the paper trained at 256, 384 and 256:512")
    for scale in steps[: steps.index(S) + 1 if S in steps else 0]:
        chain.append(Stage(name, scale, REGIME.finetune_learning_rate, chain[-1].name))
    return tuple(chain)


def hours(stage: Stage, macs_per_second: float) -> float:
    """Time of a stage of the paper's length, on a machine that trains at that rate.

    Args:
        macs_per_second: Multiply-accumulates of the forward passes of the images trained a second.
    """
    images = REGIME.iterations * REGIME.batch_size
    return images * stage.macs / macs_per_second / 3600
