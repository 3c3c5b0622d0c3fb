"""How large the signal is at each layer, measured: forwards the activations, backwards the gradients.

`initialise.forecast` says what is to be expected from the shapes alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from vggstudy.errors import DataError
from vggstudy.model import VGG


@dataclass(frozen=True)
class Signal:
    """One weight layer: standard deviation of its outputs before ReLU, and of the gradient of an image's loss
    with respect to them, over images, channels and positions."""

    name: str
    activation_std: float
    gradient_std: float


def measure_signals(model: VGG, images: Tensor, labels: Tensor) -> tuple[Signal, ...]:
    """Run a batch forwards and backwards, without dropout, and note how large the signal is at each layer.

    Args:
        model: The network; its parameters and their gradients are left as they are.
        images: Preprocessed, shape `(N, 3, H, W)`.
        labels: Class indices, shape `(N,)`.
    Returns:
        A record a weight layer, first to last.
    Raises:
        DataError: If there are no images, or not as many labels.

    Paper: section 3.1.  Book: initialisation.
    """
    if not len(images) or len(images) != len(labels):
        raise DataError(f"{len(images)} images and {len(labels)} labels: give as many of both, and some")
    forwards: dict[str, float] = {}
    backwards: dict[str, float] = {}

    def note(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def hook(layer: nn.Module, inputs: tuple[Tensor, ...], outputs: Tensor) -> None:
            forwards[name] = outputs.std().item()
            outputs.register_hook(lambda gradient: backwards.update({name: gradient.std().item()}))

        return hook

    handles = [layer.register_forward_hook(note(name)) for name, layer in model.weight_layers.items()]
    training = model.training
    try:
        with torch.enable_grad():
            images = images.detach().requires_grad_()
            loss = cross_entropy(model.eval()(images), labels, reduction="sum")
            torch.autograd.grad(loss, images)  # parameters gather no gradient
    finally:
        for handle in handles:
            handle.remove()
        model.train(training)
    return tuple(Signal(name, forwards[name], backwards[name]) for name in forwards)
