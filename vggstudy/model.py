"""The networks: one builder walks a configuration; the dense form uses the same parameters.

State-dict keys are torchvision's (`features.N`, `classifier.0/3/6`), so weights pass between the two libraries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vggstudy.analysis import check_sizes, scaled_channels
from vggstudy.configs import CONFIGS, LRN, Config, Conv, Layer, Pool, find_config
from vggstudy.errors import ConfigError, DataError, unknown


@dataclass(frozen=True)
class Preprocessing:
    """What is done to uint8 RGB pixels before the first layer: `(scale * pixels - mean) / std`, channels in `order`.

    The default is the paper's: the mean RGB of ILSVRC-2012's training images is subtracted, nothing else (section 2.1).
    `mean` and `std` are in the network's own channel order and units.
    """

    mean: tuple[float, float, float] = (123.68, 116.779, 103.939)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    scale: float = 1.0
    order: str = "RGB"

    def __post_init__(self) -> None:
        if self.order not in ("RGB", "BGR"):
            raise ConfigError(unknown("channel order", self.order, ("RGB", "BGR")))

    def __call__(self, images: Tensor) -> Tensor:
        """Pixels `(N, 3, H, W)` in 0-255, RGB, any dtype -> float32 of the same shape."""
        pixels = images.float() if self.order == "RGB" else images.flip(1).float()
        mean, std = (torch.tensor(values, device=images.device).view(3, 1, 1) for values in (self.mean, self.std))
        return (pixels * self.scale - mean) / std


class Dropout(nn.Dropout):
    """Dropout that a trainer may draw beforehand, so that an image is treated alike however its batch is divided.

    `kept`, if set, multiplies the outputs `(N, outputs)` in training: 0 where one is dropped, else 1 / (1 - p).
    """

    kept: Tensor | None = None

    def forward(self, outputs: Tensor) -> Tensor:
        """`(N, outputs)` -> the same shape."""
        return super().forward(outputs) if self.kept is None or not self.training else outputs * self.kept


class VGG(nn.Module):
    """A configuration of Table 1, or any stack in its notation, with three fully-connected layers.

    Args:
        config: The convolutional stack.
        num_classes: Outputs of the last layer, `K`.
        width: Factor on the channels of each convolution (1: the paper's net).
        crop_size: Side of the training crop in pixels, a multiple of the stack's stride.
        fc_width: Outputs of the first two fully-connected layers.
        dropout: Probability with which an output of these two is dropped in training.
        ceil_mode: Whether pooling keeps partial windows at the right and bottom border, as Caffe does; it makes a
            difference only for sides that are no multiple of the stride.

    `preprocessing`, the names of the `classes` and the training scale `S` (pixels) travel with the weights; the last
    two are empty until a checkpoint is loaded.  Paper: sections 2.1, 2.2, 3.1 and 3.2.
    """

    def __init__(
        self,
        config: Config,
        num_classes: int = 1000,
        width: float = 1.0,
        crop_size: int = 224,
        fc_width: int = 4096,
        dropout: float = 0.5,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        check_sizes(width, num_classes=num_classes, fc_width=fc_width)
        if not 0 <= dropout < 1:
            raise ConfigError(f"dropout={dropout}: allowed is 0 or more, below 1")
        if crop_size < config.stride or crop_size % config.stride:
            raise ConfigError(
                f"crop_size={crop_size}: configuration {config.name} needs a positive multiple of {config.stride}"
            )
        self.config, self.num_classes, self.width = config, num_classes, width
        self.crop_size, self.fc_width, self.dropout, self.ceil_mode = crop_size, fc_width, dropout, ceil_mode
        self.preprocessing = Preprocessing()
        self.classes: tuple[str, ...] = ()
        self.S: int | tuple[int, int] | None = None
        modules: list[nn.Module] = []
        self._position: dict[str, int] = {}  # of each named layer in `features`
        channels = 3
        for name, layer in config.named_layers():
            self._position[name] = len(modules)
            modules += _modules(layer, channels, width, ceil_mode)
            if isinstance(layer, Conv):
                channels = scaled_channels(layer.channels, width)
        self.features = nn.Sequential(*modules)
        self.classifier = nn.Sequential(
            nn.Linear(channels * self.map_side**2, fc_width), nn.ReLU(inplace=True), Dropout(dropout),
            nn.Linear(fc_width, fc_width), nn.ReLU(inplace=True), Dropout(dropout),
            nn.Linear(fc_width, num_classes),
        )  # fmt: skip

    @property
    def stride(self) -> int:
        """Input pixels between two positions of the score map."""
        return self.config.stride

    @property
    def map_side(self) -> int:
        """Side of the last feature map at the crop size, in cells: 7 for the paper's 224 pixels."""
        return self.crop_size // self.stride

    @property
    def spec(self) -> dict[str, Any]:
        """The arguments of `vgg` that build this network again, ready for JSON."""
        in_table_1 = self.config == CONFIGS.get(self.config.name)
        return {
            "config": self.config.name if in_table_1 else self.config.notation,
            "name": self.config.name,
            "num_classes": self.num_classes,
            "width": self.width,
            "crop_size": self.crop_size,
            "fc_width": self.fc_width,
            "dropout": self.dropout,
            "ceil_mode": self.ceil_mode,
        }

    def layer(self, name: str) -> nn.Module:
        """The layer of that name: `conv3_2`, `pool5`, `lrn1_1`, `fc6`, `fc7` or `fc8`."""
        linear = {"fc6": 0, "fc7": 3, "fc8": 6}
        if name in linear:
            return self.classifier[linear[name]]
        if name not in self._position:
            raise ConfigError(unknown("layer", name, [*self._position, *linear]))
        return self.features[self._position[name]]

    @property
    def weight_layers(self) -> dict[str, nn.Conv2d | nn.Linear]:
        """Convolutions and fully-connected layers by name, first to last."""
        names = [*(name for name in self._position if name.startswith("conv")), "fc6", "fc7", "fc8"]
        return {name: self.layer(name) for name in names}

    def forward(self, images: Tensor) -> Tensor:
        """Class scores `(N, K)` of preprocessed images `(N, 3, H, W)`: the spatial average of the score map.

        At the crop size there is one position, and this is the plain classifier.
        """
        return score_map(self, images).mean((2, 3))


def _modules(layer: Layer, channels: int, width: float, ceil_mode: bool) -> list[nn.Module]:
    match layer:
        case Conv():
            outputs = scaled_channels(layer.channels, width)
            return [nn.Conv2d(channels, outputs, layer.kernel, padding=layer.padding), nn.ReLU(inplace=True)]
        case Pool():
            return [nn.MaxPool2d(2, 2, ceil_mode=ceil_mode)]
        case LRN():
            # torch divides alpha by the size; the formula of Krizhevsky et al. does not.
            return [nn.LocalResponseNorm(layer.size, layer.alpha * layer.size, layer.beta, layer.k)]


def vgg(
    config: str | Config = "D",
    num_classes: int = 1000,
    width: float = 1.0,
    crop_size: int = 224,
    fc_width: int = 4096,
    dropout: float = 0.5,
    ceil_mode: bool = False,
    weights: Any = None,
    name: str | None = None,
) -> VGG:
    """Build a network by the name of its configuration.

    Args:
        config: `"A"`, `"A-LRN"`, `"B"`, `"C"`, `"D"`, `"E"`, another usual name such as `"vgg16"`, a stack in the
            paper's notation, or a `Config`.
        num_classes, width, crop_size, fc_width, dropout, ceil_mode: As in `VGG`.
        weights: What `vggstudy.weights.load_weights` takes; `None` leaves torch's initialisation.
        name: What to call a stack given in the paper's notation.
    Raises:
        ConfigError: For a name that is not known (with close matches), a crop that does not fit, or a number that is
            out of range.
        WeightsError: For weights that cannot be had or do not fit.

    Paper: section 2.2, Table 1.  Book: configurations.
    """
    config = find_config(config)
    if name is not None:
        config = Config(name, config.layers)
    model = VGG(config, num_classes, width, crop_size, fc_width, dropout, ceil_mode)
    if weights is not None:
        from vggstudy.weights import load_weights

        load_weights(model, weights)
    return model


def preprocess(model: VGG, images: Tensor) -> Tensor:
    """What this model is fed: its own mean, order and scale applied to uint8 RGB.

    Args:
        model: The network, whose `preprocessing` came with its weights.
        images: uint8 RGB, shape `(N, 3, H, W)`.
    Returns:
        float32, same shape.
    Raises:
        DataError: If `images` has another dtype or shape.

    Paper: section 2.1.
    """
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != 3:
        raise DataError(
            f"preprocess takes uint8 RGB images of shape (N, 3, H, W), not {images.dtype} {tuple(images.shape)}"
        )
    return model.preprocessing(images)


def score_map(model: VGG, images: Tensor) -> Tensor:
    """Class scores at every position of an uncropped image (dense evaluation).

    Args:
        model: Network, in eval mode unless dropout is wanted.
        images: Preprocessed, shape `(N, 3, H, W)`, `H` and `W` at least the crop size in pixels.
    Returns:
        Unnormalised scores, shape `(N, K, h, w)`; for the paper's nets `h = H // 32 - 6`.
    Raises:
        DataError: If `images` is not floating point, has not 3 channels, or a side is under the crop size.

    Paper: section 3.2.  Book: dense evaluation.
    """
    if images.ndim != 4 or images.shape[1] != 3 or min(images.shape[2:]) < model.crop_size:
        raise DataError(
            f"the network takes images of shape (N, 3, H, W) with sides of {model.crop_size} pixels or more, "
            f"not {tuple(images.shape)}"
        )
    if not images.is_floating_point():
        raise DataError(f"the network takes preprocessed images, not {images.dtype}: call preprocess(model, images)")
    return head(model, model.features(images))


def head(model: VGG, pooled: Tensor) -> Tensor:
    """The fully-connected layers at every position of the last feature map.

    fc6 as a `map_side` x `map_side` convolution re-lays its weights at each call; gathering the patches (im2row) and
    multiplying by the same `nn.Linear` weight does not.

    Args:
        pooled: Last feature map, shape `(N, C, H', W')`.
    Returns:
        Scores, shape `(N, K, h, w)` with `h = H' - map_side + 1`.
    """
    side = model.map_side
    patches = pooled.unfold(2, side, 1).unfold(3, side, 1)  # (N, C, h, w, side, side)
    batch, _, height, width = patches.shape[:4]
    rows = patches.permute(0, 2, 3, 1, 4, 5).reshape(batch * height * width, -1)
    return model.classifier(rows).view(batch, height, width, -1).permute(0, 3, 1, 2)
