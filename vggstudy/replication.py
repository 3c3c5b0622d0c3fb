"""The paper's comparisons at small scale: every arm trained on every seed by the command line, tested, and stored.

First a pilot run for each learning rate of each net, on a seed of its own and half of the budget; the validation error
chooses.  Then the arms, whose nets are tested on images that neither the descent nor that choice has seen.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from vggstudy.arms import BUDGET, BY_LABEL, CROP, KINDS, PILOT_SEED, SEEDS, Arm, arms
from vggstudy.atomic import replace_text
from vggstudy.nets import RESULTS
from vggstudy.regime import SMALL
from vggstudy.runs import read_metrics, seconds_of
from vggstudy.scales import scale_text

FILE = "replication.json"
CROP_IMAGES = 1000  # of them, in the views that cost fifty crops an image

# Test scales around the training scale, as in Tables 3 and 4; nets that go on at another S are tested at all of them.
SETS = {"small": (32, 40, 48), "large": (56, 64, 72), "jittered": (40, 52, 64)}
CROPPED = ("A", "D from A")


class Replication:
    """The stored results, and the runs that are still to be made.

    Args:
        folder: Where `replication.json` lies.
        runs: Where the run directories lie; what is there is not trained again.
        half: Budget of the pilot runs, in passes of net A.
    """

    def __init__(self, folder: Path = RESULTS, runs: Path = Path("runs/replication"), half: float = BUDGET / 2) -> None:
        self.path, self.runs, self.half = folder / FILE, runs, half
        self.record: dict[str, Any] = {"pilots": {}, "runs": {}}
        if self.path.exists():
            self.record = json.loads(self.path.read_text(encoding="utf-8"))

    def measure(self, wanted: Iterable[Arm] | None = None, seeds: Sequence[int] = SEEDS) -> Iterator[str]:
        """Make what is missing, and store each result as soon as it is known.

        Args:
            wanted: The arms; all of them if left out.
            seeds: Of the runs.
        Yields:
            A line for each new result.
        """
        wanted = list(arms().values() if wanted is None else wanted)
        for label in dict.fromkeys(arm.label for arm in wanted):
            yield from self._pilot(label)
        for seed in seeds:
            for arm in wanted:
                if f"{arm.key}/{seed}" not in self.record["runs"]:
                    run = self.record["runs"][f"{arm.key}/{seed}"] = self._run(arm, seed)
                    self._save()
                    error = run["test"][f"dense {arm.Q}"]
                    yield f"{arm.key}, seed {seed}: {error:.1f}% top-1 error ({run['seconds']} s)"

            if line := self._fuse(seed):
                yield line

    def rate(self, label: str) -> float:
        """The learning rate with the least validation error in the pilot runs; the smaller one of equals."""
        tried = self.record["pilots"][label]
        return min(map(float, tried), key=lambda rate: (tried[f"{rate:g}"], rate))

    def _pilot(self, label: str) -> Iterator[str]:
        for rate in BY_LABEL[label](self.half).rates:
            yield from self._try(label, rate)
        while rate := self._beyond(label):
            yield from self._try(label, rate)

    def _try(self, label: str, rate: float) -> Iterator[str]:
        tried = self.record["pilots"].setdefault(label, {})
        if f"{rate:g}" not in tried:
            run = self._train(BY_LABEL[label](self.half), PILOT_SEED, rate)
            tried[f"{rate:g}"] = read_metrics(run)[-1]["val_top1_error"]
            self._save()
            yield f"pilot of {label}: {rate:g} gives {tried[f'{rate:g}']:.1f}% of the validation draw"

    def _beyond(self, label: str) -> float | None:
        """The next rate where the best of those tried is the least or the largest of them."""
        best, tried = self.rate(label), sorted(map(float, self.record["pilots"][label]))
        return {tried[0]: best / 2, tried[-1]: 2 * best}.get(best)

    def command(self, arm: Arm, seed: int, rate: float) -> list[str]:
        """The command line that trains an arm, from the word `train` on."""
        options = {
            "--data": "shapes", "--S": scale_text(arm.S), "--crop-size": arm.crop, "--epochs": arm.epochs,
            "--lr": f"{rate:g}", "--seed": seed, "--device": "cpu", "--keep": 1, "--out": self._place(arm, seed, rate),
        }  # fmt: skip
        if arm.parent:
            options["--init-from"] = self._place(arm.parent, seed, self.rate(arm.parent.label))
        return ["train", arm.config, *(str(word) for pair in options.items() for word in pair), "--resume"]

    def _place(self, arm: Arm, seed: int, rate: float) -> Path:
        return self.runs / f"{arm.key}-{rate:g}-{seed}"

    def _train(self, arm: Arm, seed: int, rate: float) -> Path:
        if arm.parent:
            self._train(arm.parent, seed, self.rate(arm.parent.label))
        place = self._place(arm, seed, rate)
        if not (place / "finished").exists():
            command = [sys.executable, "-m", "vggstudy", *self.command(arm, seed, rate)]
            subprocess.run(command, check=True, capture_output=True)
            (place / "finished").touch()
        return place

    def _run(self, arm: Arm, seed: int) -> dict[str, Any]:
        rate = self.rate(arm.label)
        place = self._train(arm, seed, rate)
        steps = read_metrics(place)
        return {
            "command": " ".join(["vggstudy", *self.command(arm, seed, rate)]),
            "lr": rate,
            "epochs": arm.epochs,
            "macs": arm.spent,
            "seconds": round(seconds_of(steps, SMALL.batch_size)),
            "val_top1_error": steps[-1]["val_top1_error"],
            "test": self._test(place, arm),
        }

    def _fuse(self, seed: int) -> str | None:
        """The two nets that the validation draw likes best, together and the better one alone (section 4.4)."""
        from vggstudy.evaluation import Evaluation, fuse

        arms = [kind(BUDGET) for kind in KINDS.values() if not kind(BUDGET).fine_tuned]
        runs = {arm: self.record["runs"].get(f"{arm.key}/{seed}") for arm in arms}
        if f"fusion/{seed}" in self.record["runs"] or not all(runs.values()):
            return None
        best = sorted(arms, key=lambda arm: runs[arm]["val_top1_error"])[:2]
        alone, other = (Evaluation.load(self._place(arm, seed, runs[arm]["lr"]) / "dense-small.npz") for arm in best)
        test = {"best single": alone.top1_error, "fused": fuse([alone, other]).top1_error}
        self.record["runs"][f"fusion/{seed}"] = {
            "nets": [arm.key for arm in best],
            "test": {name: round(error, 3) for name, error in test.items()},
        }
        self._save()
        return f"{' and '.join(arm.label for arm in best)}, seed {seed}: {test['fused']:.1f}% together"

    def _save(self) -> None:
        about = {"command": "vggstudy study --replication", "device": f"{platform.machine()} CPU"}
        replace_text(self.path, json.dumps(about | self.record, indent=1, ensure_ascii=False) + "\n")

    def _test(self, place: Path, arm: Arm) -> dict[str, float]:
        """Top-1 errors in % by protocol."""
        from vggstudy.checkpoint import load_checkpoint
        from vggstudy.data import load_data
        from vggstudy.evaluate import both_views, evaluate, fuse
        from vggstudy.imageset import take

        model, test = load_checkpoint(place), load_data("shapes").test
        if arm.crop != CROP:
            return {f"dense {arm.Q}": round(evaluate(model, test, arm.Q).top1_error, 3)}
        sets = SETS if arm.fine_tuned else {"small": SETS["small"]}
        seen = {f"dense {Q}": evaluate(model, test, Q) for Q in sorted({Q for scales in sets.values() for Q in scales})}
        for name, scales in sets.items():
            seen[f"dense {name}"] = fuse([seen[f"dense {Q}"] for Q in scales])
        seen["centre 40"] = evaluate(model, test, 40, "centre", flip=False)
        seen["dense 40 unflipped"] = evaluate(model, test, 40, flip=False)
        if arm.label in CROPPED and arm.budget == BUDGET:
            part, scales = take(test, CROP_IMAGES), SETS["small"]
            crops, dense = evaluate(model, part, scales, "multi-crop"), evaluate(model, part, scales)
            seen |= {"first dense": dense, "first multi-crop": crops, "first both": both_views(crops, dense)}
        seen["dense small"].save(place / "dense-small.npz")
        return {name: round(evaluation.top1_error, 3) for name, evaluation in seen.items()}
