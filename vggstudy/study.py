"""Making the shipped nets: train, evaluate on the test draw, write weights and card."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from vggstudy.atomic import replace_text
from vggstudy.checkpoint import load_checkpoint, save_checkpoint
from vggstudy.data import Data, load_data
from vggstudy.evaluate import evaluate
from vggstudy.model import VGG
from vggstudy.nets import FOLDER, RECIPES, Recipe
from vggstudy.runs import read_config, read_metrics, seconds_of
from vggstudy.scales import scale_text

SEED = 0
TEST_SCALES = (64, 72, 80, 96, 108, 144)
TEST_IMAGES = 1000
CURVE_POINTS = 200  # of the recorded run


def command(recipe: Recipe, runs: Path) -> list[str]:
    """The command line that trains a net, from the word `train` on."""
    options = {
        "--data": "shapes",
        "--S": scale_text(recipe.S),
        "--epochs": recipe.epochs,
        "--lr": recipe.lr,
        "--seed": SEED,
        "--keep": 1,
        "--out": runs / recipe.name,
    }
    if recipe.parent:
        options["--init-from"] = runs / recipe.parent
    return ["train", recipe.config, *(str(word) for pair in options.items() for word in pair)]


def study(names: list[str], runs: Path, folder: Path = FOLDER, epochs: int | None = None) -> Iterator[dict[str, Any]]:
    """Train the nets of these names and those that they start from, and publish each; runs that are there go on.

    Args:
        names: Of `RECIPES`.
        runs: Where the run directories lie.
        folder: Where weights and cards are written.
        epochs: Instead of each recipe's own, for a quick look.
    Returns:
        The cards.
    """
    data = load_data("shapes", test=TEST_IMAGES)
    for recipe in _with_parents(names):
        recipe = replace(recipe, epochs=epochs or recipe.epochs)
        subprocess.run([sys.executable, "-m", "vggstudy", *command(recipe, runs), "--resume"], check=True)
        yield publish(recipe, runs, data, folder)


def _with_parents(names: list[str]) -> list[Recipe]:
    wanted = set(names)
    for recipe in reversed(RECIPES.values()):
        if recipe.name in wanted and recipe.parent:
            wanted.add(recipe.parent)
    return [recipe for recipe in RECIPES.values() if recipe.name in wanted]


def publish(recipe: Recipe, runs: Path, data: Data, folder: Path = FOLDER) -> dict[str, Any]:
    """Write `<name>.safetensors` and `<name>.json` of a finished run; the card is returned."""
    run = runs / recipe.name
    model = load_checkpoint(run)
    steps, record = read_metrics(run), read_config(run)
    regime = record["train"]
    written = save_checkpoint(folder / f"{recipe.name}.safetensors", model, classes=data.classes)
    card = {
        "name": recipe.name,
        "command": ["vggstudy", *command(recipe, Path("runs/study"))],
        "regime": regime,
        "net": model.spec,
        "data": f"shapes: {len(data.train):,} training, {len(data.val):,} validation, {len(data.test):,} test images",
        "licence": "MIT, as the library; the images are made by it",
        "device": trained_on(record),
        "seconds": round(seconds_of(steps, regime["batch_size"])),
        "bytes": written.stat().st_size,
        "val_top1_error": next(
            step["val_top1_error"] for step in reversed(steps) if step.get("val_top1_error") is not None
        ),
        "test_top1_error": {str(Q): error(model, data, Q) for Q in TEST_SCALES},
        "curve": curve(steps),
    }
    replace_text(written.with_suffix(".json"), json.dumps(card, indent=1) + "\n")
    return card


def trained_on(record: Mapping[str, Any]) -> str:
    """What trained the net of a run, by the run's own record; a CPU is this machine's."""
    device, processes, threads = record["device"], record.get("processes", 1), torch.get_num_threads()
    if device == "cpu":
        device = f"{platform.machine()} CPU, {threads} thread{'s' if threads > 1 else ''}"
    together = f", {processes} processes" if processes > 1 else ""
    return f"{device}{together}, torch {record['torch']}"


def error(model: VGG, data: Data, Q: int) -> float:
    """Top-1 error in % on the test draw, dense and flipped, at one scale."""
    return round(evaluate(model, data.test, Q).top1_error, 2)


def curve(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The recorded run, thinned to about `CURVE_POINTS` steps; validations stay."""
    every = max(1, len(steps) // CURVE_POINTS)
    return [
        {
            key: round(value, 5) if isinstance(value, float) else value
            for key, value in step.items()
            if value is not None
        }
        for step in steps
        if step["step"] % every == 0 or step.get("val_top1_error") is not None
    ]
