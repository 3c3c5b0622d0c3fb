"""The study's evaluations, stored: posteriors of every shipped net at every test scale and in every view.

Each *part* is one net, one test scale and one view.  Sets of scales, both views together and fusion are means of parts,
as the paper has it, so that every protocol of its Tables 3 to 6 can be put together without a network.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from vggstudy.atomic import replace_text, replacing
from vggstudy.data import load_data
from vggstudy.errors import ConfigError, DataError, unknown
from vggstudy.evaluate import both_views, evaluate
from vggstudy.evaluation import Evaluation, fuse
from vggstudy.imageset import ImageSet, take
from vggstudy.ladder import Rung
from vggstudy.nets import RECIPES, RESULTS, load_net, shipped, weights_file
from vggstudy.paper import TABLE_3, TABLE_4, TABLE_5, VIEWS, Result
from vggstudy.regime import Scale

IMAGES = 1000
QUANTA = 65535  # posteriors are stored in 16 bits

# Test scales 3.5 times smaller than the paper's: Tables 3, 4 and 5.
PAPER_SCALES = {64: 224, 72: 256, 80: 288, 96: 352, 108: 384, 120: 416, 144: 512}
Q_SETS: dict[Scale, tuple[int, ...]] = {72: (64, 72, 80), 108: (96, 108, 120), (72, 144): (72, 108, 144)}


@dataclass(frozen=True)
class Part:
    """One net at one test scale in one view, and what it cost: MACs an image, and seconds for all images."""

    net: str
    Q: int
    view: str
    flip: bool
    weights: str = ""
    macs: int = 0
    seconds: float = 0.0

    @property
    def key(self) -> str:
        return f"{self.net}/{self.Q}/{self.view}{'/flip' if self.flip else ''}"


def parts_of(net: str) -> Iterator[Part]:
    """What is stored of a net: the centre crop and dense at all scales, crops at the scales that suit its S."""
    for Q in PAPER_SCALES:
        yield Part(net, Q, "centre", flip=False)
        yield Part(net, Q, "dense", flip=True)
    own = Q_SETS[RECIPES[net].S]
    yield Part(net, own[1], "dense", flip=False)
    for Q in own:
        yield Part(net, Q, "multi-crop", flip=True)


@dataclass(frozen=True, eq=False)
class Ablation:
    """Stored posteriors.

    Args:
        data: Name of the images.
        labels: Their classes, int `(n,)`.
        parts: Key -> part.
        posteriors: Key -> uint16 `(n, K)`, in parts of 65,535.
    """

    data: str
    labels: NDArray[np.int64] = field(repr=False)
    parts: Mapping[str, Part] = field(default_factory=dict, repr=False)
    posteriors: Mapping[str, NDArray[np.uint16]] = field(default_factory=dict, repr=False)

    @property
    def nets(self) -> tuple[str, ...]:
        """Nets of which anything is stored, in the order of the study."""
        there = {part.net for part in self.parts.values()}
        return tuple(name for name in RECIPES if name in there)

    def evaluation(self, net: str, Q: int | Sequence[int], view: str, flip: bool = True) -> Evaluation | None:
        """The evaluation of a net under a protocol, or None where a part of it is not stored.

        Args:
            net: Name of a shipped net.
            Q: Test scale or scales, pixels.
            view: A name in `paper.VIEWS`; the centre crop is stored without its mirror image.
            flip: Whether dense evaluation is averaged with the mirror image.
        Raises:
            ConfigError: For an unknown net or view.
        """
        if net not in RECIPES:
            raise ConfigError(unknown("trained net", net, RECIPES))
        if view not in VIEWS:
            raise ConfigError(unknown("view", view, VIEWS))
        if view == "multi-crop & dense":
            pair = [self.evaluation(net, Q, each) for each in ("multi-crop", "dense")]
            return both_views(*pair) if all(pair) else None
        scales = (Q,) if isinstance(Q, int) else tuple(Q)
        flip = flip and view != "centre"
        keys = [Part(net, scale, view, flip).key for scale in scales]
        if not all(key in self.parts for key in keys):
            return None
        n = len(self.labels)
        return Evaluation(
            torch.from_numpy(np.mean([self.posteriors[key] / QUANTA for key in keys], 0, dtype=np.float32)),
            torch.from_numpy(self.labels),
            tuple(f"{self.data}/{i}" for i in range(n)),
            protocol=f"{net} {view} Q={','.join(map(str, scales))}{' flip' if flip else ''}",
            macs=n * sum(self.parts[key].macs for key in keys),
            seconds=sum(self.parts[key].seconds for key in keys),
        )

    def with_part(self, part: Part, posteriors: NDArray[np.float32]) -> Ablation:
        """With one more part, or a newer one."""
        quanta = (posteriors.astype(np.float64) * QUANTA).round().astype(np.uint16)
        return Ablation(self.data, self.labels, {**self.parts, part.key: part}, {**self.posteriors, part.key: quanta})

    def save(self, folder: Path = RESULTS) -> None:
        """Write `ablation.npz` and, for the eye, `ablation.json`; each is whole or not there."""
        record = {
            "command": ["vggstudy", "study", "--ablation"],
            "data": self.data,
            "images": len(self.labels),
            "device": f"{platform.machine()} CPU, torch {torch.__version__}",
            "seconds": round(sum(part.seconds for part in self.parts.values())),
            "parts": [asdict(part) for part in self.parts.values()],
        }
        text = json.dumps(record, indent=1) + "\n"
        replace_text(folder / "ablation.json", text)
        with replacing(folder / "ablation.npz") as part, part.open("wb") as file:
            np.savez_compressed(file, record=np.array(text), labels=self.labels, **self.posteriors)

    @classmethod
    def load(cls, folder: Path = RESULTS) -> Ablation:
        """Read what `save` wrote.

        Raises:
            DataError: If it is missing or damaged.
        """
        path = folder / "ablation.npz"
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            record = json.loads(str(arrays.pop("record")))
            parts = [Part(**each) for each in record["parts"]]
            return cls(record["data"], arrays.pop("labels"), {part.key: part for part in parts}, arrays)
        except FileNotFoundError:
            raise DataError(f"no such file: {path}; make it with `vggstudy study --ablation`") from None
        except Exception as error:
            raise DataError(f"{path} cannot be read ({error}); make it again: `vggstudy study --ablation`") from None


def measure(names: Iterable[str] | None = None, folder: Path = RESULTS, n: int = IMAGES) -> Iterator[Part]:
    """Evaluate what is missing, or older than the weights, and store each part as soon as it is known.

    Args:
        names: Nets; all that are shipped if left out.
        folder: Where the results lie.
        n: Test images.
    Yields:
        The new parts; cheap views come first.
    """
    test = take(load_data("shapes").test, n)
    names = shipped() if names is None else tuple(names)
    prints = {name: sha256(weights_file(name).read_bytes()).hexdigest()[:16] for name in names}
    stored = _stored(folder, test)
    wanted = sorted((part for name in names for part in parts_of(name)), key=lambda part: part.view == "multi-crop")
    for part in wanted:
        if part.key in stored.parts and stored.parts[part.key].weights == prints[part.net]:
            continue
        seen = evaluate(load_net(part.net), test, part.Q, part.view, part.flip)
        part = Part(
            part.net, part.Q, part.view, part.flip, prints[part.net], seen.macs // len(seen), round(seen.seconds, 1)
        )
        stored = stored.with_part(part, seen.posteriors.numpy())
        stored.save(folder)
        yield part


def _stored(folder: Path, test: ImageSet) -> Ablation:
    empty = Ablation(test.name, test.labels.numpy())
    if not (folder / "ablation.npz").exists():
        return empty
    stored = Ablation.load(folder)
    return stored if stored.data == test.name else empty


def paper_result(net: str, Q: int | Sequence[int], view: str) -> Result | None:
    """The row of Tables 3 to 5 that a protocol corresponds to, all scales 3.5 times larger; None if there is none.

    Paper: Tables 3, 4 and 5.
    """
    recipe = RECIPES[net]
    S = tuple(PAPER_SCALES[each] for each in recipe.S) if isinstance(recipe.S, tuple) else PAPER_SCALES[recipe.S]
    scales = tuple(PAPER_SCALES[each] for each in ((Q,) if isinstance(Q, int) else Q))
    rows = (*TABLE_3, *TABLE_4, *TABLE_5)
    return next((row for row in rows if (row.config, row.S, row.Q, row.view) == (recipe.config, S, scales, view)), None)


def stored_ladder(ablation: Ablation, net: str, others: Sequence[str] = ()) -> tuple[Rung, ...]:
    """The evaluation ladder of `vggstudy.ladder`, from stored parts, as far as they go.

    Paper: sections 4.1 to 4.4.  Book: the evaluation ladder.
    """

    def both(name: str) -> Evaluation | None:
        return ablation.evaluation(name, Q_SETS[RECIPES[name].S], "multi-crop & dense")

    scales = Q_SETS[RECIPES[net].S]
    steps = {
        "centre crop": ablation.evaluation(net, scales[1], "centre"),
        "dense": ablation.evaluation(net, scales[1], "dense", flip=False),
        "+ flip": ablation.evaluation(net, scales[1], "dense"),
        "+ scales": ablation.evaluation(net, scales, "dense"),
        "multi-crop": ablation.evaluation(net, scales, "multi-crop"),
        "crops & dense": both(net),
    }
    seen = [each for name in (net, *others) if (each := both(name))]
    if others and len(seen) == 1 + len(others):
        steps["fusion"] = fuse(seen)
    rungs: list[Rung] = []
    for name, evaluation in steps.items():
        if evaluation:
            gain = evaluation.gain_over(rungs[-1].evaluation) if rungs else None
            rungs.append(Rung(name, evaluation, gain))
    return tuple(rungs)
