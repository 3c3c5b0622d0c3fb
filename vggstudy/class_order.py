"""Which score belongs to which class: labels of a data set counted as the network counts its classes.

Networks for ImageNet give their scores in the order of the WordNet ids, whoever published them.  A wrong order is the
quietest of faults: everything runs, and every image is wrong.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from vggstudy.errors import DataError
from vggstudy.imagenet import IMAGENETTE_CLASSES, imagenet_classes
from vggstudy.imageset import Data, ImageSet
from vggstudy.model import VGG

_WORDNET_IDS = {name: wordnet_id for wordnet_id, name in IMAGENETTE_CLASSES.items()}


def classes_of(model: VGG) -> tuple[str, ...]:
    """Names of the network's classes: its own, those of ImageNet for 1,000 classes without names, else none."""
    return model.classes or (imagenet_classes() if model.num_classes == 1000 else ())


def in_order_of(model: VGG, data: Data, images: ImageSet) -> ImageSet:
    """Some images of a data set, their labels counted as the network's scores are.

    Classes are matched by name, or WordNet id, so that a data set may hold some of the network's classes only, such as
    Imagenette for a network of ImageNet.  Where neither has names that the other knows, nothing is changed or refused
    but another number of classes.

    Raises:
        DataError: If the data set has a class that the network has not.
    """
    theirs = classes_of(model)
    ours = data.classes if set(data.classes) <= set(theirs) else tuple(_WORDNET_IDS.get(c, c) for c in data.classes)
    if ours == theirs or (not theirs and len(ours) == model.num_classes):
        return images
    if stray := next((name for name in ours if name not in theirs), None):
        raise DataError(
            f"{data.name} has {len(ours)} classes, among them {stray!r}; the network has {model.num_classes}, "
            f"{', '.join(theirs[:3]) or 'without names'} …: evaluate it on the classes that it was trained on"
        )
    position = {name: index for index, name in enumerate(theirs)}
    return replace(images, labels=torch.tensor([position[name] for name in ours])[images.labels])
