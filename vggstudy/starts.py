"""Every way to begin, side by side: what the signal does in a net under each initialisation, and what was foretold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vggstudy.configs import Config, find_config

if TYPE_CHECKING:
    from torch import Tensor

    from vggstudy.model import VGG

FROM_A = "from A"


@dataclass(frozen=True)
class Start:
    """One way to begin, layer by layer.

    `activation_std` and `gradient_std` are measured as in `layer_signals`; `forecast` foretells the activations from
    the shapes alone, `paper_forecast` those at the paper's width, and both are empty for pre-initialisation; `copied`
    names the layers taken from the trained net.
    """

    method: str
    layers: tuple[str, ...]
    activation_std: tuple[float, ...]
    gradient_std: tuple[float, ...]
    forecast: tuple[float, ...] = ()
    paper_forecast: tuple[float, ...] = ()
    copied: tuple[str, ...] = ()


def measure_starts(
    config: str | Config, source: VGG, images: Tensor, labels: Tensor, seed: int = 0
) -> tuple[Start, ...]:
    """Build a configuration as wide as a trained net A, begin it in each way, and run a batch through it.

    Args:
        config: The configuration.
        source: The trained net A.  From it the deeper nets are pre-initialised; their other layers begin as He has it.
        images: Preprocessed, shape `(N, 3, H, W)`, sides at least the crop size in pixels.
        labels: Class indices, shape `(N,)`.
        seed: Of the draw of weights.
    Returns:
        A record for each of `initialise.METHODS`, and, unless `source` has this configuration, for pre-initialisation.

    Paper: section 3.1.  Book: initialisation.
    """
    import torch

    from vggstudy.initialise import METHODS, forecast, initialise, preinitialise
    from vggstudy.layer_signals import measure_signals
    from vggstudy.model import vgg

    config = find_config(config)
    if source.config.stride < config.stride:
        config = config.without_last_pool()
    model = vgg(**source.spec | {"config": config, "name": None})
    with torch.device("meta"):  # shapes only
        papers = vgg(find_config(config))
    pixels = images.square().mean().sqrt().item()

    def measured(method: str, **record) -> Start:
        signals = measure_signals(model, images, labels)
        names, activations, gradients = zip(
            *((each.name, each.activation_std, each.gradient_std) for each in signals), strict=True
        )
        return Start(method, names, activations, gradients, **record)

    starts = []
    for method in METHODS:
        initialise(model, method, seed)
        foretold, papers_foretold = (
            tuple(pixels * gain.cumulative for gain in forecast(net, method)) for net in (model, papers)
        )
        starts.append(measured(method, forecast=foretold, paper_forecast=papers_foretold))
    if config.name != source.config.name:
        initialise(model, "he", seed)
        copied = preinitialise(model, source)
        starts.append(measured(FROM_A, copied=copied))
    return tuple(starts)
