"""Make the recorded runs of the chapter on training again: `python book/_ext/record.py [--quick] [NAME ...]`.

Each file of `book/results` holds the runs of one comparison: their network, data, regime, seed and device, and what was
measured.  A run that is there in `runs/record` is not made again.  About half an hour on an idle core; `--quick` makes
the first seed of each run, an epoch long, in a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from vggstudy.arms import RIVAL_5
from vggstudy.atomic import replace_text
from vggstudy.checkpoint import save_checkpoint
from vggstudy.configs import find_config
from vggstudy.data import Data, load_data
from vggstudy.fresh import fresh_net, start_from
from vggstudy.model import VGG
from vggstudy.regime import SMALL, SMALL_NET, TrainConfig, small_crop
from vggstudy.train import Step, train

ROOT = Path(__file__).parents[2]
RUNS, RESULTS = ROOT / "runs" / "record", ROOT / "book" / "results"
DIGITS = ".4g"


@dataclass(frozen=True)
class Setting:
    """What is trained, how, and on how many images of which data; `parent` is the run whose layers it starts from."""

    config: str = "A"
    regime: TrainConfig = SMALL
    dropout: float = 0.0
    data: str = "fashion-mnist-small"
    train_images: int = 5000
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    method: str = "he"
    parent: str | None = None
    every: int | None = None  # updates that share a record; None: an epoch


CLOTHES = replace(SMALL, S=(32, 40), Q=32, epochs=8)
BARE = replace(SMALL, S=32, flip=False, colour_std=0.0, weight_decay=0.0, epochs=40)
FEW = Setting(train_images=1000, regime=BARE)
DECAY = replace(BARE, weight_decay=SMALL.weight_decay)
MIRRORED = replace(BARE, S=(32, 40), Q=32, flip=True)
MADE = Setting(regime=replace(SMALL, epochs=8), data="shapes", train_images=8000, seeds=(0,), every=20)

RECORDED: Mapping[str, Mapping[str, Setting]] = {
    "regularisation": {
        "nothing": FEW,
        "weight decay": replace(FEW, regime=DECAY),
        "dropout": replace(FEW, dropout=0.5),
        "crops and mirror images": replace(FEW, regime=MIRRORED),
    },
    "filter_size": {"B, 3×3": Setting("B", CLOTHES), "rival, 5×5": Setting(RIVAL_5, CLOTHES)},
    "start": {
        "A": MADE,
        "D, random": replace(MADE, config="D"),
        "D, from A": replace(MADE, config="D", parent="start-A"),
    },
}


def record(name: str, runs: Path = RUNS, results: Path = RESULTS, quick: bool = False) -> None:
    """Make the runs of one file that are missing, and write it.

    Args:
        name: A key of `RECORDED`.
        runs: Where the runs are kept, for those that start from another, and to go on after an interruption.
        results: Where the file is written.
        quick: Whether one epoch of the first seed is enough.
    """
    settings = {label: shortened(setting) if quick else setting for label, setting in RECORDED[name].items()}
    made = {
        label: [_run(f"{name}-{label}", setting, seed, runs) for seed in setting.seeds]
        for label, setting in settings.items()
    }
    about = {"command": f"python book/_ext/record.py {name}", "device": "cpu", "torch": torch.__version__}
    results.mkdir(exist_ok=True)
    text = json.dumps({**about, "settings": made}, ensure_ascii=False)
    replace_text(results / f"{name}.json", text + "\n")


def shortened(setting: Setting) -> Setting:
    """The same for one seed and one epoch, of fewer images."""
    regime = replace(setting.regime, epochs=1)
    return replace(setting, regime=regime, seeds=setting.seeds[:1], train_images=min(1000, setting.train_images))


def _run(name: str, setting: Setting, seed: int, runs: Path) -> dict[str, Any]:
    kept = runs / f"{name}-{seed}.json"
    if kept.exists():
        return json.loads(kept.read_text(encoding="utf-8"))
    print(name, seed, flush=True)
    data = load_data(setting.data, train=setting.train_images)
    regime = replace(setting.regime, seed=seed, device="cpu")
    model = build(setting, data, seed, runs)
    records = condense(train(model, data, regime, stop=lambda: False), setting.every)
    told = {key: getattr(setting, key) for key in ("data", "train_images", "method", "parent")}
    run = {**told, "seed": seed, "model": model.spec, "train": asdict(regime), "records": records}
    runs.mkdir(parents=True, exist_ok=True)
    save_checkpoint(kept.with_suffix(".safetensors"), model, classes=data.classes)
    replace_text(kept, json.dumps(run))
    print(records[-1], flush=True)
    return run


def build(setting: Setting, data: Data, seed: int, runs: Path) -> VGG:
    """The network as `vggstudy train` builds it for small images."""
    config = find_config(setting.config).without_last_pool()
    net = SMALL_NET | {"crop_size": small_crop(setting.regime.S), "dropout": setting.dropout}
    model = fresh_net(config, data, setting.method, seed, unit_variance=True, **net)
    if setting.parent:
        start_from(model, runs / f"{setting.parent}-{seed}.safetensors")
    return model


def condense(steps: Iterable[Step], every: int | None) -> list[dict[str, Any]]:
    """A record for each validation, and each `every` updates; losses are means since the last, times are left out."""
    condensed: list[dict[str, Any]] = []
    losses: list[float] = []
    for step in steps:
        losses.append(step.loss)
        if step.val_loss is not None or (every and step.step % every == 0):
            values = {**asdict(step), "loss": fmean(losses)}
            del values["images_per_second"]
            condensed.append({key: value and float(format(value, DIGITS)) for key, value in values.items()})
            condensed[-1]["step"] = step.step
            losses = []
    return condensed


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the recorded runs of the chapter on training again.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(RECORDED)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="one short epoch each, in a temporary folder")
    args = parser.parse_args()
    if stranger := next((name for name in args.names if name not in RECORDED), None):
        parser.error(f"no recorded runs are called {stranger!r}: there are {', '.join(RECORDED)}")
    with tempfile.TemporaryDirectory() as scratch:
        places = (Path(scratch), Path(scratch)) if args.quick else (RUNS, RESULTS)
        for name in args.names or RECORDED:
            record(name, *places, quick=args.quick)


if __name__ == "__main__":
    main()
