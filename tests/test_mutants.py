"""Errors met in the wild, put into the library one at a time: each must make a comparison with an oracle fail.

A test of the tests.  The first checks that the comparisons hold where nothing is broken.
"""

from importlib import import_module

import oracles
import pytest
import torch
from test_evaluate import MIXED, network, pictures
from torch.nn import functional as F

from vggstudy import interiors, model, views

evaluator = import_module("vggstudy.evaluate")


def agrees(config="D", view="dense", Q=(40, 51), flip=True, sizes=MIXED):
    net, images = network(config), pictures(sizes)
    ours = evaluator.evaluate(net, images, Q, view, flip).posteriors.double()
    return torch.allclose(ours, oracles.evaluate(net, images, Q, view, flip), atol=1e-6)


def logits_averaged(monkeypatch):
    """Scores, not posteriors, averaged over scales, mirror images and crops (a pull request to a tutorial)."""
    softmax = torch.Tensor.softmax
    monkeypatch.setattr(torch.Tensor, "softmax", lambda scores, dim: scores)
    wrong = evaluator.posteriors

    def late(*arguments):
        return softmax(wrong(*arguments), 1)

    monkeypatch.setattr(evaluator, "posteriors", late)


def no_relu_in_the_head(monkeypatch):
    """The fully-connected layers turned into convolutions, and ReLU forgotten between them."""

    def head(net, pooled):
        side = net.map_side
        fc6, fc7, fc8 = (net.layer(name) for name in ("fc6", "fc7", "fc8"))
        maps = F.conv2d(pooled, fc6.weight.unflatten(1, (-1, side, side)), fc6.bias)
        for layer in (fc7, fc8):
            maps = F.conv2d(maps, layer.weight[:, :, None, None], layer.bias)
        return maps

    monkeypatch.setattr(model, "head", head)


def anisotropic_resize(monkeypatch):
    """`Resize((Q, Q))`, which squeezes every image to a square."""

    def rescale(image, size):
        return F.interpolate(image[None], (size, size), mode="bilinear", antialias=True)[0]

    monkeypatch.setattr(evaluator, "rescale", rescale)


def crops_not_averaged(monkeypatch):
    """Of fifty crops the last one counts."""

    def last(net, maps, counts, stages):
        return views.crop_scores(net, maps, stages)[-1].softmax(1)

    monkeypatch.setattr(views, "_mean_over_crops", last)


def fc_reshape_order(monkeypatch):
    """The map flattened as h, w, C, where the weights expect C, h, w."""
    right = model.head

    def head(net, pooled):
        return right(net, pooled.permute(0, 2, 3, 1).reshape(pooled.shape))

    monkeypatch.setattr(model, "head", head)


def padding_of_1x1_convolutions(monkeypatch):
    """Configuration C with padding 1 in its 1x1 convolutions (the same pull request), cut back to size."""
    right = torch.nn.Conv2d.forward

    def padded(layer, x):
        if layer.kernel_size != (1, 1):
            return right(layer, x)
        return F.conv2d(x, layer.weight, layer.bias, padding=1)[:, :, : x.shape[2], : x.shape[3]]

    monkeypatch.setattr(torch.nn.Conv2d, "forward", padded)


def adaptive_pool_disguised_as_dense(monkeypatch):
    """An adaptive pool squeezes the map of a larger image into one window: any size runs, and one score comes out."""
    right = model.head

    def head(net, pooled):
        return right(net, F.adaptive_avg_pool2d(pooled, net.map_side))

    monkeypatch.setattr(model, "head", head)


def softmax_at_each_position(monkeypatch):
    """Posteriors averaged over the score map, where the paper averages scores."""
    monkeypatch.setattr(
        views, "VIEWS", views.VIEWS | {"dense": lambda net, x, _: model.score_map(net, x).softmax(1).mean((2, 3))}
    )


def crops_cut_out_of_one_pass(monkeypatch):
    """Crops read off the map of the whole image, as if zero padding did not reach inside (lecture notes)."""
    monkeypatch.setattr(interiors, "rim_boxes", lambda side, rim: ())


def unaligned_crops_shared(monkeypatch):
    """Interiors shared by crops whose corners split the windows of a max-pool."""
    monkeypatch.setattr(views, "best_stages", lambda *_: 1)


def mirror_images_forgotten(monkeypatch):
    """`flip=True` that flips upside down."""
    monkeypatch.setattr(torch.Tensor, "flip", lambda x, dim: torch.flip(x, [2 if dim == 3 else dim]))


def images_padded_to_one_size(monkeypatch):
    """Images of unequal size stacked with zeros around them."""
    right = evaluator.preprocess
    monkeypatch.setattr(evaluator, "preprocess", lambda net, images: F.pad(right(net, images), (0, 8, 0, 8)))


def rgb_fed_to_a_bgr_network(monkeypatch):
    """The channel order of the weights ignored."""
    right = model.Preprocessing.__call__
    monkeypatch.setattr(model.Preprocessing, "__call__", lambda rule, images: right(rule, images).flip(1))


def lrn_with_alpha_over_n(monkeypatch):
    """torch divides alpha by the window's size, Krizhevsky et al. do not."""

    def divided(layer, x):
        return F.local_response_norm(x, layer.size, layer.alpha / layer.size, layer.beta, layer.k)

    monkeypatch.setattr(torch.nn.LocalResponseNorm, "forward", divided)


SQUARE = ((32, 32), (70, 70))
MUTANTS = {
    logits_averaged: {},
    no_relu_in_the_head: {},
    anisotropic_resize: {},
    crops_not_averaged: {"view": "multi-crop"},
    fc_reshape_order: {"view": "centre"},
    padding_of_1x1_convolutions: {"config": "C"},
    adaptive_pool_disguised_as_dense: {},
    softmax_at_each_position: {},
    crops_cut_out_of_one_pass: {"view": "multi-crop", "Q": (64,), "sizes": SQUARE},
    unaligned_crops_shared: {"view": "multi-crop", "Q": (36,), "sizes": SQUARE},
    mirror_images_forgotten: {},
    images_padded_to_one_size: {},
    rgb_fed_to_a_bgr_network: {},
    lrn_with_alpha_over_n: {"config": "A-LRN"},
}


@pytest.fixture(autouse=True)
def forget_costs():
    """A mutant's costs are not those of the library."""
    yield
    views.best_stages.cache_clear()
    views._view_macs.cache_clear()


@pytest.mark.parametrize("where", {str(where): where for where in MUTANTS.values()}.values(), ids=str)
def test_the_unbroken_library_agrees_with_the_oracles(where):
    assert agrees(**where)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_each_mutant_is_caught(mutant, monkeypatch):
    mutant(monkeypatch)
    assert not agrees(**MUTANTS[mutant])
