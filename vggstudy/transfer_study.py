"""The recorded runs of the chapter "After VGG": what frozen features are worth on photographs that no net saw.

    python -m vggstudy.transfer_study [--quick] [PART ...]

Each part is kept in `runs/transfer`; when all are there, `book/results/transfer.json` is written.  About a quarter of
an hour on one idle core, half of it passes over 7,000 photographs at three scales; `--quick` takes a few photographs,
one draw and one seed, in a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from vggstudy.atomic import replace_text
from vggstudy.configs import find_config
from vggstudy.data import load_data
from vggstudy.errors import ConfigError, unknown
from vggstudy.fresh import fresh_net
from vggstudy.imageset import Data, ImageSet, select
from vggstudy.initialise import initialise
from vggstudy.model import VGG, vgg
from vggstudy.nets import RESULTS, load_net
from vggstudy.regime import SMALL_FASHION, SMALL_NET
from vggstudy.train import train
from vggstudy.transfer import describe, gather, layers_of, learning_curve, raw_pixels

PHOTOGRAPHS = "fashion-mnist-small"
SPLITS = ("train", "val", "test")
NET = "D-S72-144"
Q = (64, 96, 128)  # in the proportion of the paper's 256, 384 and 512
LOOKED_AT = ("pool4", "fc7")  # layers whose scales are also stacked, and of which the middle one is taken alone

SOURCE = ("T-shirt/top", "Trouser", "Dress", "Sandal", "Bag")  # garments on which a net of its own is trained
NEAR_LAYERS = ("pool3", "fc7")
NEAR_Q = (32, 40, 48)
NEAR = replace(SMALL_FASHION, S=(32, 40), Q=32, epochs=6, device="cpu")

Records = list[dict[str, Any]]


@dataclass(frozen=True)
class Plan:
    """How much is measured, and where it is kept.

    Args:
        kept: Folder of the parts.
        results: Folder of the file that is written at the end.
        photographs: How many of each split, instead of all.
        sizes, near_sizes: Numbers of labelled photographs, of all ten garments and of the five that are no source.
        draws: Subsets of each size.
        random_seeds: Of the nets with random weights.
        near_seeds: Of the nets that are trained on the source garments.
        epochs: Of their training.
    """

    kept: Path = Path("runs/transfer")
    results: Path = RESULTS
    photographs: tuple[int, int, int] | None = None
    sizes: tuple[int, ...] = (100, 500, 2000)
    near_sizes: tuple[int, ...] = (50, 250, 1000)
    draws: int = 5
    random_seeds: tuple[int, ...] = (0, 1, 2)
    near_seeds: tuple[int, ...] = (0, 1, 2)
    epochs: int = NEAR.epochs

    @classmethod
    def quick(cls, scratch: Path) -> Plan:
        """A part of everything, in a folder that does not stay."""
        return cls(scratch, scratch, (200, 100, 100), (50,), (25,), 1, (0,), (0,), 1)

    def garments(self, names: Sequence[str] = ()) -> Data:
        """The photographs, or those of some garments, counted in the order of the names."""
        counts = dict(zip(SPLITS, self.photographs, strict=True)) if self.photographs else {}
        data = load_data(PHOTOGRAPHS, **counts)
        if not names:
            return data
        classes = [data.classes.index(name) for name in names]

        def part(split: str) -> ImageSet:
            images = getattr(data, split)
            rows = [i for i, label in enumerate(images.labels.tolist()) if label in classes]
            chosen = select(images, rows, f"{split} of {len(names)} garments, first {names[0]}")
            return replace(chosen, labels=torch.tensor([classes.index(int(label)) for label in chosen.labels]))

        return Data("garments", tuple(names), *map(part, SPLITS))

    def target(self, name: str) -> Data:
        """`ten` garments, or the `five` that are no source."""
        if name == "ten":
            return self.garments()
        return self.garments([each for each in load_data(PHOTOGRAPHS).classes if each not in SOURCE])

    def parts(self) -> dict[str, Callable[[], Records]]:
        """What is measured, by name: `target/weights/seed`."""
        start, seeds = self.near_start, self.near_seeds
        return {
            "ten/pixels/0": lambda: self.pixels("ten"),
            "ten/trained/0": lambda: self.far(load_net(NET), "trained-0"),
            **{f"ten/random/{s}": lambda s=s: self.far(untrained(load_net(NET), s), f"random-{s}")
               for s in self.random_seeds},
            "five/pixels/0": lambda: self.pixels("five"),
            **{f"five/trained/{s}": lambda s=s: self.near(self.near_net(s), f"near-trained-{s}") for s in seeds},
            # Other seeds than the trained ones, so that no two nets begin alike.
            **{f"five/random/{s}": lambda s=s: self.near(start(100 + s), f"near-random-{s}") for s in seeds},
        }  # fmt: skip

    def near_start(self, seed: int) -> VGG:
        """Net A, narrow and without its last max-pool, for the source garments, untrained."""
        source = self.garments(SOURCE)
        config = find_config("A").without_last_pool()
        return fresh_net(config, source, "he", seed, unit_variance=True, **SMALL_NET, crop_size=32).eval()

    def near_net(self, seed: int) -> VGG:
        """The same, trained on the source garments alone."""
        model = self.near_start(seed)
        regime = replace(NEAR, seed=seed, epochs=self.epochs)
        deque(train(model, self.garments(SOURCE), regime, stop=lambda: False), maxlen=0)
        return model.eval()

    def described(self, model: VGG, data: Data, scales: Sequence[int], name: str) -> dict[str, list[Tensor]]:
        """Features of every layer, a tensor `(n, scales, C)` a split; each scale is kept as soon as it is there."""
        layers = layers_of(model)
        found: dict[tuple[str, str], list[Tensor]] = {}
        for size in scales:
            file = self.kept / f"{name}-Q{size}.safetensors"
            if not file.exists():
                parts = {split: describe(model, getattr(data, split), size, layers) for split in SPLITS}
                save_file({f"{split} {layer}": parts[split][layer] for split in SPLITS for layer in layers}, file)
            for key, tensor in load_file(file).items():
                found.setdefault(tuple(key.split()), []).append(tensor)
        return {layer: [torch.cat(found[split, layer], 1) for split in SPLITS] for layer in layers}

    def far(self, model: VGG, name: str) -> Records:
        """Errors on all ten garments of the features of every layer; of two layers also stacked, and at one scale."""
        data = self.target("ten")
        found = self.described(model, data, Q, name)
        features = {(layer, "mean"): joined(parts) for layer, parts in found.items()}
        if name.startswith("trained"):
            for layer in LOOKED_AT:
                features[layer, "stack"] = joined(found[layer], "stack")
                features[layer, "one scale"] = joined([part[:, 1:2] for part in found[layer]])
        return self.measured(features, data, self.sizes)

    def near(self, model: VGG, name: str) -> Records:
        """Errors on the five garments that are no source."""
        data = self.target("five")
        found = self.described(model, data, NEAR_Q, name)
        features = {(layer, "mean"): joined(found[layer]) for layer in NEAR_LAYERS}
        return self.measured(features, data, self.near_sizes)

    def pixels(self, target: str) -> Records:
        """Errors of the pixels themselves; grey photographs have three equal channels, of which one is enough."""
        data = self.target(target)
        grey = tuple(raw_pixels(getattr(data, split)).chunk(3, dim=1)[0] for split in SPLITS)
        return self.measured({("pixels", "mean"): grey}, data, self.sizes if target == "ten" else self.near_sizes)

    def measured(self, features: dict, data: Data, sizes: Sequence[int]) -> Records:
        """A record a kind of features, size and draw, errors as short as they are exact."""
        labels = tuple(getattr(data, split).labels for split in SPLITS)
        return [
            {"layer": record["features"][0], "how": record["features"][1], "n": record["n"], "draw": record["draw"],
             "top1_error": round(record["top1_error"], 2), "decay": record["decay"]}
            for record in learning_curve(features, labels, sizes, self.draws)
        ]  # fmt: skip


def untrained(model: VGG, seed: int) -> VGG:
    """The same net with He's random weights, fed in the same way."""
    other = initialise(vgg(**model.spec), "he", seed).eval()
    other.preprocessing = model.preprocessing
    return other


def joined(parts: Sequence[Tensor], how: str = "mean") -> tuple[Tensor, ...]:
    """Descriptors of the three splits."""
    return tuple(gather(part, how) for part in parts)


def measure(plan: Plan, names: Sequence[str] = ()) -> None:
    """Measure the parts that are missing, and write the file once all are there.

    Args:
        names: Parts; all of them if empty.
    Raises:
        ConfigError: With the close matches, for a part that does not exist.
    """
    parts = plan.parts()
    if stranger := next((name for name in names if name not in parts), None):
        raise ConfigError(unknown("part", stranger, parts))
    plan.kept.mkdir(parents=True, exist_ok=True)
    files = {name: plan.kept / f"{name.replace('/', '-')}.json" for name in parts}
    for name in names or parts:
        if not files[name].exists():
            started = perf_counter()
            replace_text(files[name], json.dumps(parts[name]()))
            print(f"{name}: {perf_counter() - started:.0f} s", flush=True)
    if missing := [name for name, file in files.items() if not file.exists()]:
        print(f"not written yet, missing: {', '.join(missing)}")
        return
    record = {
        "command": "python -m vggstudy.transfer_study", "device": "cpu", "torch": torch.__version__,
        "data": PHOTOGRAPHS, "net": NET, "Q": Q, "source": SOURCE, "near_Q": NEAR_Q, "near_epochs": plan.epochs,
        "near_net": "A, width 1/8, crop 32, without pool5",
        "runs": {name: json.loads(file.read_text(encoding="utf-8")) for name, file in files.items()},
    }  # fmt: skip
    replace_text(plan.results / "transfer.json", json.dumps(record, ensure_ascii=False) + "\n")


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Make the recorded runs of the chapter After VGG again.")
    parser.add_argument("names", nargs="*", metavar="PART", help="target/weights/seed (default: all)")
    parser.add_argument("--quick", action="store_true", help="a part of everything, in a temporary folder")
    args = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as scratch:
        measure(Plan.quick(Path(scratch)) if args.quick else Plan(), args.names)


if __name__ == "__main__":
    main()
