"""What goes wrong in training, and the remedy, in words."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

from vggstudy.analysis import trace
from vggstudy.model import VGG
from vggstudy.progress import Step

STALL = 0.02
"""A loss within this share of ln K, the loss of a network that knows nothing, has not moved."""

EARLY = 10
"""Up to this step a loss that is not finite may be the fault of the first weights."""

AGAIN = "and start from the weights of the last checkpoint (--init-from)"


@dataclass
class Stall:
    """Watches for a loss that stays at ln K, and says so once.

    Paper: section 3.1 ("bad initialisation can stall learning").
    """

    num_classes: int
    loss: float = 0.0  # sum since the last question
    steps: int = 0
    questions: int = 0
    told: bool = False

    def saw(self, loss: float) -> None:
        """Take note of the loss of a step, nats."""
        self.loss, self.steps = self.loss + loss, self.steps + 1

    def warning(self, step: Step) -> str | None:
        """At a validation, but not at the first: a warning, if the mean loss since the last one is still ln
        K."""
        mean = self.loss / self.steps
        self.loss, self.steps, self.questions = 0.0, 0, self.questions + 1
        ceiling = log(self.num_classes)
        if self.told or self.questions == 1 or abs(mean - ceiling) > STALL * ceiling:
            return None
        self.told = True
        return (
            f"step {step.step}: the loss is {mean:.3f}, still ln {self.num_classes} = {ceiling:.3f}, that of "
            "guessing; the paper's remedy is to pre-initialise from a trained net A (--init-from), or lower "
            f"the rate ({step.lr:g})"
        )


def not_finite(step: Step) -> str:
    """The loss is infinite or no number; within the first steps the weights themselves may have been too large."""
    begin = "or begin with smaller weights (--initialise glorot)"
    again = begin if step.step <= EARLY else AGAIN
    return (
        f"step {step.step}: the loss is {step.loss} at learning rate {step.lr:g}; lower the rate or set clip, {again}"
    )


def not_finite_weights(step: int) -> str:
    """A checkpoint is due and the weights are no numbers."""
    return f"step {step}: weights are not finite and are not saved; lower the rate or set clip, {AGAIN}"


def out_of_memory(model: VGG, batch: int) -> str:
    """Memory was full in an update.

    Args:
        model: The network.
        batch: Images of a forward pass.
    """
    layers = trace(model.config, model.crop_size, model.num_classes, model.width, model.fc_width)
    each = sum(layer.activation_bytes for layer in layers)
    advice = (
        f"set micro_batch = {batch // 2} (the same result in less memory)" if batch > 1 else "use a smaller network"
    )
    return (
        f"out of memory: a batch of {batch:,} images of {model.crop_size} px keeps about "
        f"{batch * each / 1e9:.2f} GB of activations ({each / 1e6:.1f} MB an image in float32); {advice}"
    )


def out_of_memory_aside(doing: str, images: int) -> str:
    """Memory was full beside the updates, where no gradients are kept."""
    return f"out of memory while {images:,} images at a time were {doing}; set micro_batch or fewer workers"
