"""Where a training begins: a network made for a data set, and what it takes over from a trained one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vggstudy.checkpoint import load_checkpoint
from vggstudy.colour import colour_pca, mean_rgb
from vggstudy.configs import Config
from vggstudy.errors import CheckpointError
from vggstudy.imageset import Data, training_images
from vggstudy.initialise import initialise, preinitialise
from vggstudy.model import VGG, Preprocessing, vgg


def fresh_net(
    config: str | Config,
    data: Data,
    method: str | float = "glorot",
    seed: int = 0,
    unit_variance: bool = False,
    **net: Any,
) -> VGG:
    """A network with new weights, as many classes as the data, and the preprocessing of the training images.

    Args:
        config: Name, stack, or `Config`.
        data: Its classes and the colours of its training images count.
        method: Of initialisation, as for `initialise`.
        seed: Of the weights.
        unit_variance: Whether pixels are also divided by their standard deviation, which He's initialisation supposes;
            the paper subtracts the mean and does nothing else.
        net: Further arguments of `vgg`.
    Raises:
        DataError: If the data have no training images.

    Paper: sections 2.1 and 3.1.
    """
    images = training_images(data)
    model = initialise(vgg(config, len(data.classes), **net), method, seed)
    std = 255 * float(colour_pca(images).values.mean() ** 0.5) if unit_variance else 1.0
    model.preprocessing = Preprocessing(mean_rgb(images), (std, std, std))
    return model


def start_from(model: VGG, path: str | Path, centre_kernels: bool = False) -> tuple[str, ...]:
    """Take over from a trained network, in place: all weights and the preprocessing if it is of the same
    configuration, whatever the scale of its images and its last max-pool; else the layers that the paper copies.

    Args:
        model: The network that is to be trained.
        path: Checkpoint or run directory of the trained one.
        centre_kernels: As for `preinitialise`.
    Returns:
        Names of the layers that were taken over.
    Raises:
        CheckpointError: If it is of the same configuration but of another size, or cannot be read.
        ConfigError: If it is of another configuration and no layer fits.

    Paper: section 3.1.
    """
    source = load_checkpoint(path)
    if source.config.without_last_pool().layers != model.config.without_last_pool().layers:
        return preinitialise(model, source, centre_kernels)
    sizes = ("num_classes", "width", "fc_width", "map_side")
    changes = ((name, getattr(source, name), getattr(model, name)) for name in sizes)
    if differing := [f"{name} {had} -> {wanted}" for name, had, wanted in changes if had != wanted]:
        raise CheckpointError(
            f"{path}: does not fit ({', '.join(differing)}); train with the options it was trained with"
        )
    model.load_state_dict(source.state_dict())
    model.preprocessing = source.preprocessing
    return tuple(model.weight_layers)
