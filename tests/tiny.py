"""A data set and a network so small that a training takes a moment."""

from __future__ import annotations

import torch
from torch import Tensor

from vggstudy.configs import parse
from vggstudy.data import Data
from vggstudy.imageset import ImageSet
from vggstudy.initialise import initialise
from vggstudy.model import VGG, Preprocessing, vgg
from vggstudy.regime import TrainConfig

CLASSES = ("dark", "light", "striped")


def tiny_set(n: int, name: str, seed: int) -> ImageSet:
    """Noise of 10x12 pixels: dark, light, or striped."""
    noise = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % len(CLASSES)
    images = torch.randint(0, 60, (n, 3, 10, 12), generator=noise)
    images += torch.tensor([40, 160, 0])[labels].view(-1, 1, 1, 1)
    images[labels == 2, :, ::2] += 150
    pixels = images.to(torch.uint8)
    return ImageSet(lambda i: pixels[i], labels, lambda i: f"tiny/{name}/{i}", f"tiny-{name}-{n}-{seed}")


def tiny_data(train: int = 48, val: int = 18) -> Data:
    sets = (tiny_set(n, name, seed) for seed, (name, n) in enumerate([("train", train), ("val", val), ("test", 9)]))
    return Data("tiny", CLASSES, *sets)


def tiny_net(seed: int = 0, dropout: float = 0.2, **changes) -> VGG:
    spec = {"num_classes": 3, "width": 1.0, "crop_size": 8, "fc_width": 32, "dropout": dropout, **changes}
    model = initialise(vgg(parse("conv3-4 | conv3-4 |", name="tiny"), **spec), "he", seed)
    model.preprocessing = Preprocessing((110.0, 110.0, 110.0), (60.0, 60.0, 60.0))
    return model


def weights(model: VGG) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def equal(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> bool:
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


TINY = TrainConfig(S=(9, 12), batch_size=8, lr=0.02, epochs=3, device="cpu")
