"""A trained net as a describer of images it never saw: features of an inner layer under a linear classifier.

The last fully-connected layer is taken off; what is left is applied densely to the whole rescaled image, averaged over
places, over the mirror image and over several scales, and brought to unit length.  The net itself is not trained on.

Paper: appendix B.  Book: after VGG.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from vggstudy.augment import rescale
from vggstudy.cost import images_at_a_time
from vggstudy.errors import ConfigError, about, unknown
from vggstudy.evaluate import batches_by_size, evaluating, path_of, pixels_of, scales_of
from vggstudy.model import VGG, preprocess

FULLY_CONNECTED = ("fc6", "fc7")
DECAYS = (1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)  # strengths of the L2 penalty that are tried, strongest first
ITERATIONS = 60  # of L-BFGS, at most


def layers_of(model: VGG) -> tuple[str, ...]:
    """Layers whose activations can be features: the last map of each block, then fc6 and fc7."""
    return (*(f"pool{block}" for block in range(1, model.config.stride.bit_length())), *FULLY_CONNECTED)


def activations(model: VGG, images: Tensor, layers: Sequence[str] = ("fc7",)) -> dict[str, Tensor]:
    """What some layers answer to whole images, at every place.

    Args:
        model: Network in eval mode.
        images: Preprocessed, `(N, 3, H, W)`, sides of the crop size or more.
        layers: Names in `layers_of(model)`; the fully-connected ones are read as convolutions, after their ReLU.
    Returns:
        Maps `(N, C, h, w)` by layer.
    Raises:
        ConfigError: For a layer that is not there.

    Paper: section 3.2 and appendix B.
    """
    if strange := next((name for name in layers if name not in layers_of(model)), None):
        raise ConfigError(unknown("layer", strange, layers_of(model)))
    wanted = {id(model.layer(name)): name for name in layers if name not in FULLY_CONNECTED}
    maps, signal = {}, images
    for module in model.features:
        signal = module(signal)
        if id(module) in wanted:
            maps[wanted[id(module)]] = signal
    if any(name in layers for name in FULLY_CONNECTED):
        side = model.map_side
        patches = signal.unfold(2, side, 1).unfold(3, side, 1).permute(0, 2, 3, 1, 4, 5).flatten(3)
        fc6 = model.layer("fc6")(patches).relu()
        maps["fc6"], maps["fc7"] = (map.permute(0, 3, 1, 2) for map in (fc6, model.layer("fc7")(fc6).relu()))
    return {name: maps[name] for name in layers}


def describe(
    model: VGG,
    dataset: Any,
    Q: int | Sequence[int] | None = None,
    layers: Sequence[str] = ("fc7",),
    flip: bool = True,
) -> dict[str, Tensor]:
    """Features of every image of a data set, scale by scale: averaged over places and over the mirror image.

    Args:
        model: The network, on the device where it shall run.
        dataset: `len(dataset)` pairs `(image, label)`, as for `evaluate`.
        Q: Test scale or scales, as for `evaluate`.
        layers: Names in `layers_of(model)`; one pass of the network serves all of them.
        flip: Average with the mirror images.
    Returns:
        `(n, scales, C)` by layer, float32 on the CPU, of whatever length; `gather` makes descriptors of them.

    Paper: appendix B.
    """
    scales = scales_of(model, Q)
    parameter = next(model.parameters())
    found: dict[str, Tensor] = {}

    def rescaled(number: int, size: int) -> Tensor:
        image = pixels_of(dataset[number][0], path_of(dataset, number))
        with about(path_of(dataset, number)):
            return rescale(image, size)

    images = (
        (number * len(scales) + place, rescaled(number, size))
        for number in range(len(dataset))
        for place, size in enumerate(scales)
    )
    with evaluating(model):
        for rows, batch in batches_by_size(images, cache(partial(images_at_a_time, model))):
            pixels = preprocess(model, batch.to(parameter.device)).to(parameter, memory_format=torch.channels_last)
            views = (pixels, pixels.flip(3)) if flip else (pixels,)
            for view in views:
                for name, map in activations(model, view, layers).items():
                    mean = map.mean((2, 3)).float().cpu() / len(views)
                    total = found.setdefault(name, torch.zeros(len(dataset) * len(scales), mean.shape[1]))
                    total.index_add_(0, torch.tensor(rows), mean)
    # A copy that autograd accepts: tensors made in inference mode cannot be trained on.
    return {name: total.clone().unflatten(0, (-1, len(scales))) for name, total in found.items()}


def gather(averages: Tensor, how: str = "mean") -> Tensor:
    """Descriptors of unit length from features by scale.

    Args:
        averages: `(n, scales, C)`.
        how: `"mean"` over the scales, or `"stack"`: the scales one after another, so that a classifier may weigh them.
    Returns:
        `(n, C)`, or `(n, scales * C)`; an image without any activation stays zero.

    Paper: appendix B compares the two.
    """
    if how not in ("mean", "stack"):
        raise ConfigError(unknown("way to join scales", how, ("mean", "stack")))
    return unit_length(averages.mean(1) if how == "mean" else averages.flatten(1))


def unit_length(features: Tensor) -> Tensor:
    """Rows `(n, d)` divided by their Euclidean lengths."""
    return features / features.norm(dim=1, keepdim=True).clamp_min(1e-12)


def raw_pixels(dataset: Any) -> Tensor:
    """The pixels themselves as features of unit length, `(n, 3 H W)`; all images must be of one size."""
    return unit_length(torch.stack([pixels_of(dataset[i][0]).flatten().float() for i in range(len(dataset))]))


@dataclass(frozen=True)
class LinearClassifier:
    """Scores `features @ weight.T + bias`.

    Args:
        weight: `(K, d)`.
        bias: `(K,)`.
        decay: Strength of the L2 penalty it was fitted with.
    """

    weight: Tensor = field(repr=False)
    bias: Tensor = field(repr=False)
    decay: float

    def scores(self, features: Tensor) -> Tensor:
        """`(n, d) -> (n, K)`."""
        return features.to(self.weight) @ self.weight.T + self.bias

    def top1_error(self, features: Tensor, labels: Tensor) -> float:
        """Error in %."""
        return 100 * float((self.scores(features).argmax(1) != labels).double().mean())


def fit(
    features: Tensor,
    labels: Tensor,
    num_classes: int,
    decay: float,
    start: LinearClassifier | None = None,
) -> LinearClassifier:
    """Multinomial logistic regression: the least mean cross-entropy plus `decay / 2` times the squared weights.

    Args:
        features: `(n, d)`.
        labels: `(n,)`, from 0.
        num_classes: `K`.
        decay: Strength of the penalty, for features whose mean variance is 1: features of any length and kind can then
            be tried with the same strengths. Biases are free.
        start: A classifier to begin from; the objective is convex, so it changes the time, not the result.
    """
    features = features.float()
    centre = features.mean(0)
    unit = (features - centre).square().mean().sqrt().clamp_min(1e-12)
    features = (features - centre) / unit
    if start:
        weight, bias = start.weight * unit, start.bias + start.weight @ centre
    else:
        weight, bias = features.new_zeros(num_classes, features.shape[1]), features.new_zeros(num_classes)
    parameters = [weight.requires_grad_(), bias.requires_grad_()]
    solver = torch.optim.LBFGS(parameters, max_iter=ITERATIONS, line_search_fn="strong_wolfe")

    def objective() -> Tensor:
        solver.zero_grad()
        loss = cross_entropy(features @ weight.T + bias, labels) + decay / 2 * weight.square().sum()
        loss.backward()
        return loss

    solver.step(objective)
    weight = weight.detach() / unit
    return LinearClassifier(weight, bias.detach() - weight @ centre, decay)


def fit_chosen(
    train: tuple[Tensor, Tensor],
    val: tuple[Tensor, Tensor],
    num_classes: int,
    decays: Sequence[float] = DECAYS,
) -> LinearClassifier:
    """The classifier whose strength of penalty has the lowest error on the validation images.

    Args:
        train, val: Features `(n, d)` and labels `(n,)`.
        decays: Strengths to try, the strongest first; of equal errors the stronger penalty wins.
    """
    best, least, latest = None, float("inf"), None
    for decay in decays:
        latest = fit(*train, num_classes, decay, latest)
        error = latest.top1_error(*val)
        if error < least:
            best, least = latest, error
    return best


def draw_subset(labels: Tensor, n: int, seed: int) -> Tensor:
    """Numbers `(n,)` of a random subset with equally many images of each class.

    Raises:
        ConfigError: If `n` is no multiple of the number of classes, or a class has too few images.
    """
    classes = labels.unique()
    share, rest = divmod(n, len(classes))
    counts = labels.bincount()[classes]
    if rest or share > counts.min() or not share:
        raise ConfigError(
            f"{n} images of {len(classes)} classes: allowed are multiples of {len(classes)} up to "
            f"{len(classes) * int(counts.min())}"
        )
    random = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(labels), generator=random)
    return torch.cat([order[labels[order] == each][:share] for each in classes])


def learning_curve(
    features: Mapping[str, tuple[Tensor, Tensor, Tensor]],
    labels: tuple[Tensor, Tensor, Tensor],
    sizes: Sequence[int],
    draws: int = 5,
) -> list[dict[str, Any]]:
    """Test error of several kinds of features against the number of training images.

    Args:
        features: Kind -> features of the training, validation and test images, `(n, d)` each.
        labels: Of the same three.
        sizes: Numbers of training images.
        draws: Random subsets of each size; every kind sees the same ones.
    Returns:
        Records `{"features", "n", "draw", "top1_error", "decay"}`, errors in % of the test images.
    """
    train_labels, val_labels, test_labels = labels
    classes = len(train_labels.unique())
    records = []
    for n in sizes:
        for draw in range(draws):
            rows = draw_subset(train_labels, n, draw)
            for kind, (train, val, test) in features.items():
                chosen = fit_chosen((train[rows], train_labels[rows]), (val, val_labels), classes)
                error = chosen.top1_error(test, test_labels)
                records.append({"features": kind, "n": n, "draw": draw, "top1_error": error, "decay": chosen.decay})
    return records
