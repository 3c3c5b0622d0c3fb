"""Learning-rate schedules as frozen records: asked for the rate, told the validation error.  No torch."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vggstudy.regime import TrainConfig


@dataclass(frozen=True)
class Plateau:
    """The paper's rule: divide the rate when the validation error stops improving, `drops` times, then stop.

    `waited` counts validations since the lowest error, `best` in %; an error that is not a number is no
    improvement.

    Paper: section 3.1.  Book: training.
    """

    rate: float
    factor: float
    patience: int
    drops_left: int
    best: float = float("inf")
    waited: int = 0
    finished: bool = False

    def lr(self, step: int) -> float:
        """The rate of update `step` (1 is the first)."""
        return self.rate

    def after(self, error: float) -> Plateau:
        """The schedule once a validation has shown this error in %."""
        if error < self.best:
            return replace(self, best=error, waited=0)
        if self.waited + 1 < self.patience:
            return replace(self, waited=self.waited + 1)
        if self.drops_left == 0:
            return replace(self, waited=self.waited + 1, finished=True)
        return replace(self, rate=self.rate * self.factor, drops_left=self.drops_left - 1, waited=0)


@dataclass(frozen=True)
class Steps:
    """Warm-up, then drops at fractions of the run: the schedule of the small regime."""

    rate: float
    factor: float
    drop_at: tuple[float, ...]
    warm_up: float
    total: int
    finished: bool = False

    def lr(self, step: int) -> float:
        """The rate of update `step` (1 is the first)."""
        warm = round(self.warm_up * self.total)
        if step <= warm:
            return self.rate * step / warm
        return self.rate * self.factor ** sum(step > at * self.total for at in self.drop_at)

    def after(self, error: float) -> Steps:
        """Itself: the errors change nothing."""
        return self


Schedule = Plateau | Steps


def schedule(config: TrainConfig, total: int) -> Schedule:
    """The schedule that a regime asks for, over `total` updates."""
    if config.schedule == "plateau":
        return Plateau(config.lr, config.factor, config.patience, config.drops)
    return Steps(config.lr, config.factor, config.drop_at, config.warm_up, total)
