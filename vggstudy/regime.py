"""The training regime as a frozen record whose defaults are the paper's (section 3.1).  No torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, asdict, dataclass, fields, replace
from difflib import get_close_matches
from typing import Any

from vggstudy.errors import ConfigError
from vggstudy.paper import REGIME

Scale = int | tuple[int, int]


@dataclass(frozen=True)
class TrainConfig:
    """How a network is trained.  The defaults are the paper's; what the paper leaves open is in
    `open_points`.

    Images
        S: Training scale, the smaller side of the rescaled image, in pixels; `(S_min, S_max)` jitters it.
        S_drawn: `"integers"` or `"continuous"`: how a jittered S is drawn.
        interpolation: `"bilinear"` or `"bicubic"`, both antialiased.
        flip: Whether half of the crops are mirrored.
        colour_std: Standard deviation of the colour shift, in units of the principal components' own.
        Q: Test scale of the validation crops, in pixels; `None` takes S, or the middle of its range.

    Descent
        batch_size: Images an update, over all processes together.
        micro_batch: Images a forward pass and process; `None` takes them all.  A smaller one accumulates
            gradients, and needs less memory for the same update, up to rounding.
        lr: Learning rate at the start.
        momentum: Of stochastic gradient descent.
        weight_decay: L2 penalty.
        decay_biases: Whether it is on biases too.
        clip: Largest norm of the whole gradient; `None` does not clip.

    Schedule
        epochs: Passes over the training images, at most.
        schedule: `"plateau"` divides the rate when the validation error has stopped improving; `"steps"`
            divides it at given fractions of the run.
        drops: Divisions of the rate on a plateau; at the next plateau training stops.
        factor: What the rate is multiplied by at a division.
        patience: Validations without improvement that make a plateau.
        plateau_on: `"top1"` or `"top5"`: the validation error that is meant.
        drop_at: Fractions of the run at which `"steps"` divides.
        warm_up: Fraction of the run over which `"steps"` raises the rate to `lr`.

    Run
        seed: Of the order, the augmentation and dropout.
        validate_every: Updates between validations; `None` for the end of each epoch.
        save_every: Updates between checkpoints; `None` for the end of each epoch.
        keep: Newest checkpoints that stay, the best one apart.
        workers: Threads that prepare images; 0 prepares each batch when it is needed; `None` for 1 on a GPU, else 0.
        augment_on: `"host"`, or `"device"`: where images are rescaled and cropped.  They are decoded on the host.
        device: `"auto"`, `"cpu"`, `"cuda"`, ...
        precision: `"auto"` (bfloat16 on a CUDA device, else float32), `"float32"` or `"bfloat16"`.
        compile: Whether the network is compiled first (`torch.compile`).
        deterministic: Whether operations that differ from run to run on a GPU are refused.

    Raises:
        ConfigError: Naming every field that is out of range, with its value and what is allowed.

    Paper: section 3.1.  Book: training.
    """

    S: Scale = REGIME.single_scales[0]
    S_drawn: str = "integers"
    interpolation: str = "bilinear"
    flip: bool = True
    colour_std: float = 0.1
    Q: int | None = None
    batch_size: int = REGIME.batch_size
    micro_batch: int | None = None
    lr: float = REGIME.learning_rate
    momentum: float = REGIME.momentum
    weight_decay: float = REGIME.weight_decay
    decay_biases: bool = True
    clip: float | None = None
    epochs: int = REGIME.epochs
    schedule: str = "plateau"
    drops: int = REGIME.learning_rate_drops
    factor: float = REGIME.learning_rate_factor
    patience: int = 3
    plateau_on: str = "top1"
    drop_at: tuple[float, ...] = (0.6, 0.85)
    warm_up: float = 0.0
    seed: int = 0
    validate_every: int | None = None
    save_every: int | None = None
    keep: int = 3
    workers: int | None = None
    augment_on: str = "host"
    device: str = "auto"
    precision: str = "auto"
    compile: bool = False
    deterministic: bool = False

    def __new__(cls, *_: Any, **values: Any) -> TrainConfig:
        if not values.keys() <= RULES.keys():  # Python's own error would name one of them, and no neighbour
            raise ConfigError("; ".join(problems(values)))
        return super().__new__(cls)

    def __post_init__(self) -> None:
        for name in ("S", "drop_at"):  # JSON knows lists only
            if isinstance(value := getattr(self, name), list):
                object.__setattr__(self, name, tuple(value))
        if found := problems(asdict(self)):
            raise ConfigError("; ".join(found))

    @property
    def S_range(self) -> tuple[int, int]:
        """`(S_min, S_max)` in pixels, equal where S is fixed."""
        return self.S if isinstance(self.S, tuple) else (self.S, self.S)

    @property
    def val_Q(self) -> int:
        """Test scale of the validation crops, in pixels."""
        return self.Q if self.Q is not None else sum(self.S_range) // 2


@dataclass(frozen=True)
class Rule:
    """What a field may hold: a test, and the same in words."""

    holds: Callable[[Any], bool]
    allowed: str


def _whole(value: Any, low: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= low


def _real(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _scale(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return len(value) == 2 and all(_whole(side, 1) for side in value) and value[0] <= value[1]
    return _whole(value, 1)


def _one_of(*names: str) -> Rule:
    return Rule(lambda value: value in names, " or ".join(names))


def _or_none(rule: Rule) -> Rule:
    return Rule(lambda value: value is None or rule.holds(value), f"{rule.allowed}, or none")


WHOLE = Rule(lambda value: _whole(value, 0), "a whole number, 0 or more")
POSITIVE_WHOLE = Rule(lambda value: _whole(value, 1), "a whole number, 1 or more")
POSITIVE = Rule(lambda value: _real(value) and value > 0, "a number above 0")
NOT_NEGATIVE = Rule(lambda value: _real(value) and value >= 0, "a number, 0 or more")
BELOW_ONE = Rule(lambda value: _real(value) and 0 <= value < 1, "0 or more, below 1")
SWITCH = Rule(lambda value: isinstance(value, bool), "true or false")

RULES: dict[str, Rule] = {
    "S": Rule(_scale, "pixels, such as 256, or a rising range of them, such as 256:512"),
    "S_drawn": _one_of("integers", "continuous"),
    "interpolation": _one_of("bilinear", "bicubic"),
    "flip": SWITCH,
    "colour_std": NOT_NEGATIVE,
    "Q": _or_none(POSITIVE_WHOLE),
    "batch_size": POSITIVE_WHOLE,
    "micro_batch": _or_none(POSITIVE_WHOLE),
    "lr": POSITIVE,
    "momentum": BELOW_ONE,
    "weight_decay": NOT_NEGATIVE,
    "decay_biases": SWITCH,
    "clip": _or_none(POSITIVE),
    "epochs": POSITIVE_WHOLE,
    "schedule": _one_of("plateau", "steps"),
    "drops": WHOLE,
    "factor": Rule(lambda value: _real(value) and 0 < value < 1, "above 0, below 1"),
    "patience": POSITIVE_WHOLE,
    "plateau_on": _one_of("top1", "top5"),
    "drop_at": Rule(
        lambda value: (
            isinstance(value, tuple | list)
            and all(_real(at) and 0 < at < 1 for at in value)
            and list(value) == sorted(value)
        ),
        "rising fractions between 0 and 1",
    ),
    "warm_up": BELOW_ONE,
    "seed": Rule(lambda value: _whole(value, 0) and value < 2**63, "a whole number, 0 to 2^63 - 1"),
    "validate_every": _or_none(POSITIVE_WHOLE),
    "save_every": _or_none(POSITIVE_WHOLE),
    "keep": POSITIVE_WHOLE,
    "workers": _or_none(WHOLE),
    "augment_on": _one_of("host", "device"),
    "device": Rule(lambda value: isinstance(value, str) and value != "", "auto, cpu, cuda, cuda:1, ..."),
    "precision": _one_of("auto", "float32", "bfloat16"),
    "compile": SWITCH,
    "deterministic": SWITCH,
}


def problems(values: Mapping[str, Any], crop_size: int | None = None) -> list[str]:
    """Everything that is wrong with settings, a phrase for each: key, value, what is allowed.

    Args:
        values: Settings by the names of `TrainConfig`'s fields; a field that is missing keeps its default.
        crop_size: Side of the network's crop in pixels, which S and Q must hold.
    """
    found = [_unknown(name, RULES) for name in values if name not in RULES]
    bad = [name for name, value in values.items() if name in RULES and not RULES[name].holds(value)]
    found += [f"{name} = {values[name]!r}: allowed is {RULES[name].allowed}" for name in bad]
    if crop_size is not None:
        for name in ("S", "Q"):
            value = values.get(name)
            smallest = value[0] if isinstance(value, tuple | list) and value else value
            if name not in bad and smallest is not None and smallest < crop_size:
                found.append(f"{name} = {value!r}: allowed is {crop_size} or more, the side of the network's crop")
    return found


def _unknown(name: str, allowed: Iterable[str]) -> str:
    lowered = {option.lower(): option for option in allowed}
    near = get_close_matches(name.lower(), lowered, n=1)
    return f"{name} is no setting" + (f" (did you mean {lowered[near[0]]}?)" if near else "")


def settings(values: Mapping[str, Any], crop_size: int | None = None, base: TrainConfig | None = None) -> TrainConfig:
    """A regime from settings by name, on top of `base` (default: the paper's).

    Raises:
        ConfigError: Naming every bad setting at once, with the nearest name for one that does not exist.
    """
    base = base or TrainConfig()
    if found := problems({**asdict(base), **values}, crop_size):
        raise ConfigError("; ".join(found))
    return replace(base, **values)


DEFAULTS: dict[str, Any] = {field.name: field.default for field in fields(TrainConfig) if field.default is not MISSING}

# The regime scaled down to crops of 32 pixels, for the made images and Fashion-MNIST: minutes on a CPU.
SMALL = TrainConfig(
    S=40, batch_size=32, lr=0.02, clip=5.0, epochs=12, schedule="steps", drop_at=(0.6, 0.85), warm_up=0.05
)  # fmt: skip

# Clothing fills its photographs of 28 pixels: a crop of them shows a part only.
SMALL_FASHION = replace(SMALL, S=32, epochs=5)

# The networks that go with it, as keywords of `vgg`.
SMALL_NET: dict[str, Any] = {"width": 1 / 8, "fc_width": 128, "dropout": 0.0, "ceil_mode": True}


def small_crop(S: Scale) -> int:
    """Side of the crop that goes with a small training scale, in pixels.

    From S = 64 on it is 64, the paper's 224 divided by 3.5, for which all five max-pools have room.  Below it
    is 32, and the configuration goes without its last max-pool, so that fc6 still has more than one cell to
    look at.
    """
    return 64 if min(S if isinstance(S, tuple) else (S,)) >= 64 else 32
