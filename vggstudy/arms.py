"""The small-scale replication as data: which nets are trained, from what, for how long.  No torch.

Most arms see the made images in crops of 32 pixels, at an eighth of the paper's width and without the last max-pool.
What they spend is counted in multiply-accumulates, pre-training included: the *budget* is that of so many passes of net
A over the training images, and a net that costs twice as much an image makes half the passes.  A few arms follow the
paper's rule instead, by which every net makes as many passes, whatever they cost; some of these see larger crops.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vggstudy.analysis import count_macs
from vggstudy.configs import find_config
from vggstudy.regime import SMALL_NET, Scale
from vggstudy.scales import scale_text

CROP = 32  # pixels
LARGE_CROP = 64  # the shipped nets', 3.5 times smaller than the paper's; all five max-pools have room
SCALES = {CROP: 40, LARGE_CROP: 72}  # crop -> the single training scale that goes with it
CLASSES = 20
BUDGET = 16  # passes of A
BUDGETS = (8, 16, 32)  # for the nets whose rank is followed as the budget grows
PRETRAINED = 1 / 3  # of the budget goes to the net A from which a deeper one starts
FINE_TUNED = 6  # passes of A at another S, on top of the budget of the net that it starts from
SEEDS = (0, 1, 2, 3, 4)
PILOT_SEED = 100  # of the runs that choose the learning rate; none of SEEDS

FROM_RANDOM = (0.005, 0.01, 0.02)  # learning rates that are tried first
FROM_A = (0.005, 0.01, 0.02)
FINE_TUNING = (0.002, 0.005, 0.01)

# Rivals with the receptive fields of B and D: each stack of 3x3 layers is one layer (section 4.1, section 2.3).
RIVAL_5 = "conv5-64 | conv5-128 | conv5-256 | conv5-512 | conv5-512 |"
RIVAL_7 = "conv5-64 | conv5-128 | conv7-256 | conv7-512 | conv7-512 |"


@dataclass(frozen=True)
class Arm:
    """One way to train a net.

    Args:
        config: A letter of the paper, or a stack.
        budget: Multiply-accumulates to spend, in passes of A over the training images; those of `parent` count.
            Under `equal_passes` the passes to make.
        S: Training scale in pixels, or the range that is jittered over.
        parent: The arm whose net it starts from; its rate and its seed go with it.
        rates: Learning rates of which a pilot run chooses one.
        equal_passes: Whether passes are counted, not what they cost (section 3.1: 74 epochs for each net).
        crop: Side of the crops, pixels.
    """

    config: str
    budget: float = BUDGET
    S: Scale = SCALES[CROP]
    parent: Arm | None = None
    rates: tuple[float, ...] = FROM_RANDOM
    equal_passes: bool = False
    crop: int = CROP

    @property
    def macs(self) -> int:
        """Multiply-accumulates of a forward pass of one crop."""
        return macs(self.config, self.crop)

    @property
    def Q(self) -> int:
        """Test scale at which all nets of its crop are compared, pixels."""
        return SCALES[self.crop]

    @property
    def epochs(self) -> int:
        """Passes over the training images: as many as the budget has left, at least one."""
        if self.equal_passes:
            return round(self.budget)
        left = self.budget * macs("A", self.crop) - (self.parent.spent if self.parent else 0)
        return max(1, round(left / self.macs))

    @property
    def spent(self) -> int:
        """Multiply-accumulates of the forward passes over one training image, pre-training included."""
        return self.epochs * self.macs + (self.parent.spent if self.parent else 0)

    @property
    def fine_tuned(self) -> bool:
        """Whether it goes on with a net of its own configuration."""
        return self.parent is not None and self.parent.config == self.config

    @property
    def label(self) -> str:
        """Of the net, whatever its budget: `B`, `D from A`, `D after A`, `A at S=40:64`, `A in large crops`."""
        return self._name + (" in large crops" if self.crop == LARGE_CROP else "")

    @property
    def _name(self) -> str:
        name = {RIVAL_5: "B with 5×5", RIVAL_7: "D with 7×7"}.get(self.config, self.config)
        if self.parent is None:
            return f"{name} from random" if self.equal_passes else name
        if not self.fine_tuned:
            return f"{name} {'after' if self.equal_passes else 'from'} A"
        return f"{name} at S={scale_text(self.S)}"

    @property
    def key(self) -> str:
        """Of the arm, in file names too."""
        words = f"{self.label}@{self.budget:g}".replace("×", "x").replace(":", "-").replace("S=", "S")
        return words.replace(" ", "_")


def macs(config: str, crop: int = CROP) -> int:
    """Multiply-accumulates of a forward pass of one crop."""
    net = {key: SMALL_NET[key] for key in ("width", "fc_width")}
    layers = find_config(config)
    layers = layers if crop == LARGE_CROP else layers.without_last_pool()
    return count_macs(layers, crop_size=crop, num_classes=CLASSES, **net)


def alone(config: str, crop: int = CROP) -> Callable[[float], Arm]:
    """Arms that begin at random weights, by budget."""
    return lambda budget: Arm(config, budget, SCALES[crop], crop=crop)


def from_a(config: str) -> Callable[[float], Arm]:
    """Arms of which a part of the budget trains the net A that they are pre-initialised from."""
    return lambda budget: Arm(config, budget, parent=Arm("A", max(1, round(budget * PRETRAINED))), rates=FROM_A)


def after_a(config: str, crop: int = CROP) -> Callable[[float], Arm]:
    """Arms by the paper's rule: as many passes as net A had, from the net A that had them (section 3.1)."""
    shallow = alone("A", crop)
    return lambda passes: Arm(config, passes, SCALES[crop], shallow(passes), FROM_A, equal_passes=True, crop=crop)


def from_random(config: str) -> Callable[[float], Arm]:
    """Arms that begin at random weights, with the passes that an arm `after_a` and its net A make together."""
    return lambda passes: Arm(config, 2 * passes, equal_passes=True)


def half_as_often(kind: Callable[[float], Arm]) -> Callable[[float], Arm]:
    """The same arms with half the passes, as a larger crop costs more."""
    return lambda budget: kind(budget / 2)


def at_scale(S: Scale) -> Callable[[float], Arm]:
    """Arms that go on with a trained net A at another training scale."""
    return lambda budget: Arm("A", budget + FINE_TUNED, S, Arm("A", budget), FINE_TUNING)


# Label -> the arm of that net for a budget.
KINDS: dict[str, Callable[[float], Arm]] = {
    kind(BUDGET).label: kind
    for kind in (
        *map(alone, ("A", "A-LRN", "B", "C", "D", "E", RIVAL_5, RIVAL_7)),
        *map(from_a, ("B", "C", "D", "E")),
        *map(at_scale, (40, 64, (40, 64))),
    )
}

# The same for the arms by the paper's rule, which cost more than the budget.
EQUAL_PASSES: dict[str, Callable[[float], Arm]] = {
    kind(BUDGET).label: kind
    for kind in (
        *map(after_a, ("B", "C", "D", "E")),
        *map(from_random, ("B", "D")),
        *map(half_as_often, (alone("A", LARGE_CROP), *(after_a(config, LARGE_CROP) for config in "BD"))),
    )
}

BY_LABEL = KINDS | EQUAL_PASSES

# Nets that are followed over all of BUDGETS.
FOLLOWED = ("A", "B", "D from A")


def arms() -> dict[str, Arm]:
    """Every arm by its key: those of the main budget first, by either rule, then the other budgets."""
    main = [kind(BUDGET) for kind in BY_LABEL.values()]
    others = [KINDS[label](budget) for budget in BUDGETS if budget != BUDGET for label in FOLLOWED]
    going_on = BY_LABEL["A in large crops"](2 * BUDGET)
    return {arm.key: arm for arm in (*main, *others, going_on)}
