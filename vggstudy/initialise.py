"""How weights begin: the paper's normal distribution, Glorot, He, and pre-initialisation from a shallower net."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, prod, sqrt

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from vggstudy.errors import ConfigError, unknown
from vggstudy.model import VGG

# Standard deviation of a layer's weights, from its fan-in and fan-out.
METHODS: dict[str, Callable[[int, int], float]] = {
    "normal": lambda fan_in, fan_out: 0.1,  # variance 0.01 (section 3.1)
    "glorot": lambda fan_in, fan_out: sqrt(2 / (fan_in + fan_out)),
    "he": lambda fan_in, fan_out: sqrt(2 / fan_in),
}


def weight_std(layer: nn.Conv2d | nn.Linear, method: str | float) -> float:
    """Standard deviation that `method` gives the weights of `layer`; a number is one, the same for every layer.

    Raises:
        ConfigError: If the method is neither one of `METHODS` nor a number above 0.
    """
    if not isinstance(method, str):
        if not 0 < method < inf:
            raise ConfigError(f"initialisation {method}: a standard deviation is a number above 0")
        return float(method)
    if method not in METHODS:
        raise ConfigError(unknown("initialisation", method, METHODS))
    outputs, _, *kernel = layer.weight.shape
    area = prod(kernel)
    return METHODS[method](layer.weight.shape[1] * area, outputs * area)


def normal_draw(shape: torch.Size, generator: torch.Generator) -> Tensor:
    """Numbers of mean 0 and standard deviation 1."""
    return torch.randn(shape, generator=generator)


def even_draw(shape: torch.Size, generator: torch.Generator) -> Tensor:
    """The same, evenly distributed."""
    return (torch.rand(shape, generator=generator) - 0.5) * sqrt(12)


@torch.no_grad()
def initialise(model: VGG, method: str | float = "glorot", seed: int = 0, uniform: bool = False) -> VGG:
    """Draw all weights afresh, in place; biases become zero.

    Args:
        model: The network.
        method: `"glorot"` (Glorot and Bengio 2010, which the authors recommend in a later note) and `"he"` (He et al.
            2015) are normal distributions scaled by the fans; `"normal"` is the paper's N(0, variance 0.01), under
            which nets of the full width overflow; a number is a standard deviation of all weights.
        seed: Of the draw; the same on every device.
        uniform: Whether the weights are drawn evenly, with the same standard deviation, rather than from a normal
            distribution.
    Returns:
        The same model.

    Paper: section 3.1.  Book: initialisation.
    """
    generator = torch.Generator().manual_seed(seed)
    unit_draw = even_draw if uniform else normal_draw
    for layer in model.weight_layers.values():
        draw = unit_draw(layer.weight.shape, generator)
        layer.weight.copy_(draw * weight_std(layer, method))
        layer.bias.zero_()
    return model


# The layers of A that the paper copies: its first four convolutions and all fully-connected layers.
COPIED_LAYERS = ("conv1_1", "conv2_1", "conv3_1", "conv3_2", "fc6", "fc7", "fc8")


@torch.no_grad()
def preinitialise(model: VGG, source: VGG, centre_kernels: bool = False) -> tuple[str, ...]:
    """Copy the first four convolutions and the fully-connected layers of net A into a deeper net, in place.

    Layers are matched by name (`conv3_2` to `conv3_2`): that is where the shapes agree in Table 1.  A layer whose
    shape differs, such as a 5x5 rival of a 3x3 or another number of classes, keeps its own weights.

    Args:
        model: The deeper network, already initialised.
        source: The trained net A.
        centre_kernels: Whether a kernel of another size is copied too: in the middle of a larger one, zeros around
            it, so that the layer computes the same; or of a larger one the middle.  The paper has no such case.
    Returns:
        Names of the copied layers.
    Raises:
        ConfigError: If no layer fits, or the widths differ.

    Paper: section 3.1.  Book: initialisation.
    """
    if model.width != source.width:
        raise ConfigError(
            f"no convolution of {source.config.name} fits {model.config.name} (width {source.width:g} -> "
            f"{model.width:g}): give the deeper net the same width"
        )
    targets, sources = model.weight_layers, source.weight_layers
    copied = {}
    for name in COPIED_LAYERS:
        if name in targets and name in sources:
            target, weight = targets[name].weight, sources[name].weight
            if centre_kernels and target.ndim == 4:
                weight = centred(weight, target.shape[-1])
            if weight.shape == target.shape:
                copied[name] = weight
    if not copied:
        raise ConfigError(f"no layer of {source.config.name} fits {model.config.name}: their kernels differ")
    for name, weight in copied.items():
        targets[name].weight.copy_(weight)
        targets[name].bias.copy_(sources[name].bias)
    return tuple(copied)


def centred(weight: Tensor, side: int) -> Tensor:
    """Kernels `(outputs, inputs, K, K)` brought to another odd `side`, with zeros around them or without their rim."""
    return pad(weight, 4 * [(side - weight.shape[-1]) // 2])


@dataclass(frozen=True)
class Gain:
    """Forecast for one layer: `std_ratio` is the standard deviation of its outputs before ReLU over that of its inputs
    before theirs; `cumulative` is the product from the first layer to this one."""

    name: str
    std_ratio: float
    cumulative: float


def forecast(model: VGG, method: str | float = "glorot") -> tuple[Gain, ...]:
    """How the size of the signal grows or fades with depth under an initialisation, without running the net.

    ReLU halves the second moment, so that a layer multiplies the standard deviation by `std * sqrt(fan_in / 2)` (He et
    al. 2015, section 2.2).  The first layer sees the image, not a ReLU.  Zero padding and max-pooling are left out.

    Args:
        model: Gives the shapes only.
        method: As for `initialise`.

    Paper: section 3.1.  Book: initialisation.
    """
    gains, cumulative = [], 1.0
    for index, (name, layer) in enumerate(model.weight_layers.items()):
        fan_in = layer.weight[0].numel()
        ratio = weight_std(layer, method) * sqrt(fan_in / (2 if index else 1))
        cumulative *= ratio
        gains.append(Gain(name, ratio, cumulative))
    return tuple(gains)
