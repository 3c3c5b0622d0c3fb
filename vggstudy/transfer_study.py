"""The recorded runs of the chapter "After VGG": what frozen features are worth on photographs that no net saw.

    python -m vggstudy.transfer_study [PART ...]
    python -m vggstudy.transfer_study --quick      # a few photographs at one scale; nothing is kept

Each part is kept in `runs/transfer`; when all are there, `book/results/transfer.json` is written.  About
fifteen minutes on one idle core, half of it passes over 7,000 photographs at three scales.
"""

from __future__ import annotations

import json
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from vggstudy.colour import colour_pca, mean_rgb
from vggstudy.configs import find_config
from vggstudy.data import load_data
from vggstudy.imageset import Data, ImageSet, select
from vggstudy.initialise import initialise
from vggstudy.model import VGG, Preprocessing, vgg
from vggstudy.nets import RESULTS, load_net
from vggstudy.regime import SMALL_FASHION, SMALL_NET
from vggstudy.train import train
from vggstudy.transfer import describe, gather, layers_of, learning_curve, raw_pixels

KEPT = Path("runs/transfer")
SPLITS = ("train", "val", "test")
NET = "D-S72-144"
Q = (64, 96, 128)  # in the proportion of the paper's 256, 384 and 512
LOOKED_AT = ("pool4", "fc7")  # layers whose scales are also stacked, and taken one by one
SIZES = (100, 500, 2000)
DRAWS = 5
RANDOM_SEEDS = (0, 1, 2)

SOURCE = ("T-shirt/top", "Trouser", "Dress", "Sandal", "Bag")  # garments on which a net of its own is trained
NEAR_SIZES = (50, 250, 1000)
NEAR_LAYERS = ("pool3", "fc7")
NEAR_SEEDS = (0, 1, 2)
NEAR_Q = (32, 40, 48)
NEAR = replace(SMALL_FASHION, S=(32, 40), Q=32, epochs=6, device="cpu")


def untrained(model: VGG, seed: int) -> VGG:
    """The same net with He's random weights, fed in the same way."""
    other = initialise(vgg(**model.spec), "he", seed).eval()
    other.preprocessing = model.preprocessing
    return other


def labels_of(data: Data) -> tuple[Tensor, Tensor, Tensor]:
    """Labels of the three splits."""
    return tuple(getattr(data, split).labels for split in SPLITS)


def garments(names: Sequence[str]) -> Data:
    """The photographs of some classes, counted in their order."""
    data = load_data("fashion-mnist-small")
    classes = [data.classes.index(name) for name in names]

    def part(split: str) -> ImageSet:
        images = getattr(data, split)
        rows = [i for i, label in enumerate(images.labels.tolist()) if label in classes]
        chosen = select(images, rows, f"{split} of {len(names)} garments, first {names[0]}")
        return replace(chosen, labels=torch.tensor([classes.index(int(label)) for label in chosen.labels]))

    return Data("garments", tuple(names), *map(part, SPLITS))


def others() -> tuple[str, ...]:
    """The garments that are no source."""
    return tuple(name for name in load_data("fashion-mnist-small").classes if name not in SOURCE)


def near_start(source: Data, seed: int) -> VGG:
    """Net A, narrow and without its last max-pool, for the source garments, untrained."""
    config = find_config("A").without_last_pool()
    model = initialise(vgg(config, len(SOURCE), **SMALL_NET, crop_size=32), "he", seed)
    std = 255 * float(colour_pca(source.train).values.mean() ** 0.5)
    model.preprocessing = Preprocessing(mean_rgb(source.train), (std, std, std))
    return model.eval()


def near_net(seed: int) -> VGG:
    """The same, trained on the source garments alone."""
    source = garments(SOURCE)
    model = near_start(source, seed)
    deque(train(model, source, replace(NEAR, seed=seed), stop=lambda: False), maxlen=0)
    return model.eval()


def described(model: VGG, data: Data, scales: Sequence[int], name: str) -> dict[str, list[Tensor]]:
    """Features of every layer, a tensor `(n, scales, C)` a split; each scale is kept as soon as it is there."""
    layers = layers_of(model)
    found: dict[tuple[str, str], list[Tensor]] = {}
    for size in scales:
        file = KEPT / f"{name}-Q{size}.safetensors"
        if not file.exists():
            parts = {split: describe(model, getattr(data, split), size, layers) for split in SPLITS}
            save_file({f"{split} {layer}": parts[split][layer] for split in SPLITS for layer in layers}, file)
        for key, tensor in load_file(file).items():
            found.setdefault(tuple(key.split()), []).append(tensor)
    return {layer: [torch.cat(found[split, layer], 1) for split in SPLITS] for layer in layers}


def joined(parts: Sequence[Tensor], how: str = "mean") -> tuple[Tensor, Tensor, Tensor]:
    """Descriptors of the three splits."""
    return tuple(gather(part, how) for part in parts)


def far(model: VGG, name: str) -> list[dict[str, Any]]:
    """Errors on all ten garments of the features of every layer; of two layers also stacked, and at one scale."""
    data = load_data("fashion-mnist-small")
    found = described(model, data, Q, name)
    features = {(layer, "mean"): joined(parts) for layer, parts in found.items()}
    if name.startswith("trained"):
        for layer in LOOKED_AT:
            features[layer, "stack"] = joined(found[layer], "stack")
            features[layer, "one scale"] = joined([part[:, 1:2] for part in found[layer]])
    return told(learning_curve(features, labels_of(data), SIZES, DRAWS))


def near(model: VGG, name: str) -> list[dict[str, Any]]:
    """Errors on the five garments that are no source."""
    data = garments(others())
    found = described(model, data, NEAR_Q, name)
    features = {(layer, "mean"): joined(found[layer]) for layer in NEAR_LAYERS}
    return told(learning_curve(features, labels_of(data), NEAR_SIZES, DRAWS))


def pixels(data: Data, sizes: Sequence[int]) -> list[dict[str, Any]]:
    """Errors of the pixels themselves; grey photographs have three equal channels, of which one is enough."""
    parts = [raw_pixels(getattr(data, split)) for split in SPLITS]
    grey = tuple(part[:, : part.shape[1] // 3] for part in parts)
    return told(learning_curve({("pixels", "mean"): grey}, labels_of(data), sizes, DRAWS))


def told(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Records with layer and way of joining apart, errors as short as they are exact."""
    return [
        {"layer": record["features"][0], "how": record["features"][1], "n": record["n"], "draw": record["draw"],
         "top1_error": round(record["top1_error"], 2), "decay": record["decay"]}
        for record in records
    ]  # fmt: skip


def parts() -> dict[str, Callable[[], list[dict[str, Any]]]]:
    """What is measured, by name: `target/weights/seed`."""
    ten, five = partial(load_data, "fashion-mnist-small"), lambda: garments(others())
    return {
        "ten/pixels/0": lambda: pixels(ten(), SIZES),
        "ten/trained/0": lambda: far(load_net(NET), "trained-0"),
        **{f"ten/random/{s}": lambda s=s: far(untrained(load_net(NET), s), f"random-{s}") for s in RANDOM_SEEDS},
        "five/pixels/0": lambda: pixels(five(), NEAR_SIZES),
        **{f"five/trained/{s}": lambda s=s: near(near_net(s), f"near-trained-{s}") for s in NEAR_SEEDS},
        # Other seeds than the trained ones, so that no two nets begin alike.
        **{f"five/random/{s}": lambda s=s: near(near_start(garments(SOURCE), 100 + s), f"near-random-{s}")
           for s in NEAR_SEEDS},
    }  # fmt: skip


def main(names: Sequence[str]) -> None:
    KEPT.mkdir(parents=True, exist_ok=True)
    for name, measure in parts().items():
        kept = KEPT / f"{name.replace('/', '-')}.json"
        if kept.exists() or (names and name not in names):
            continue
        started = perf_counter()
        kept.write_text(json.dumps(measure()), encoding="utf-8")
        print(f"{name}: {perf_counter() - started:.0f} s", flush=True)
    files = {name: KEPT / f"{name.replace('/', '-')}.json" for name in parts()}
    if missing := [name for name, file in files.items() if not file.exists()]:
        print(f"not written yet, missing: {', '.join(missing)}")
        return
    record = {
        "command": "python -m vggstudy.transfer_study", "device": "cpu", "torch": torch.__version__,
        "data": "fashion-mnist-small", "net": NET, "Q": Q, "source": SOURCE,
        "near_Q": NEAR_Q, "near_epochs": NEAR.epochs,
        "near_net": "A, width 1/8, crop 32, without pool5",
        "runs": {name: json.loads(file.read_text(encoding="utf-8")) for name, file in files.items()},
    }  # fmt: skip
    (RESULTS / "transfer.json").write_text(json.dumps(record, ensure_ascii=False) + "\n", encoding="utf-8")


def quick() -> None:
    """A part of each step in seconds: that it still runs, not what it finds."""
    few = load_data("fashion-mnist-small", train=200, val=100, test=100)
    model = load_net(NET)
    fc7 = tuple(gather(describe(model, getattr(few, split), Q[0], ("fc7",))["fc7"]) for split in SPLITS)
    shown = {"pixels": pixels(few, (100,)), "fc7": learning_curve({"fc7": fc7}, labels_of(few), (100,), 1)}
    for name, records in shown.items():
        print(f"{name}: {[record['top1_error'] for record in records]}")


if __name__ == "__main__":
    quick() if sys.argv[1:] == ["--quick"] else main(sys.argv[1:])
