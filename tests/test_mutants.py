"""Errors met in the wild, put into the library one at a time: each must make a comparison with an oracle fail.

A test of the tests.  The first checks that the comparisons hold where nothing is broken.  Eight of the mutants are
those of the chapter on bugs.
"""

from importlib import import_module

import oracles
import pytest
import torch
from test_evaluate import MIXED, network, pictures
from torch.nn import functional as F

from vggstudy import interiors, model, views
from vggstudy.mistakes import MISTAKES

evaluator = import_module("vggstudy.evaluate")


def agrees(config="D", view="dense", Q=(40, 51), flip=True, sizes=MIXED, training=False):
    net, images = network(config).train(training), pictures(sizes)
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


def crops_not_averaged(monkeypatch):
    """Of fifty crops the last one counts."""

    def last(net, maps, counts, stages):
        return views.crop_scores(net, maps, stages)[-1].softmax(1)

    monkeypatch.setattr(views, "_mean_over_crops", last)


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
    crops_not_averaged: {"view": "multi-crop"},
    softmax_at_each_position: {},
    crops_cut_out_of_one_pass: {"view": "multi-crop", "Q": (64,), "sizes": SQUARE},
    unaligned_crops_shared: {"view": "multi-crop", "Q": (36,), "sizes": SQUARE},
    mirror_images_forgotten: {},
    images_padded_to_one_size: {},
    rgb_fed_to_a_bgr_network: {},
    lrn_with_alpha_over_n: {"config": "A-LRN"},
}

IN_THE_BOOK = {
    "1×1 layers are padded": {"config": "C"},
    "fc6 is read in another order": {"view": "centre"},
    "pixels are scaled, the mean is not": {},
    "dropout is left on": {"training": True},
    "images are squeezed to a square": {},
    "the head lacks ReLU": {},
    "an adaptive pool stands before fc6": {},
    "scores are averaged over crops": {"view": "multi-crop"},
}


@pytest.fixture(autouse=True)
def forget_costs():
    """A mutant's costs are not those of the library."""
    yield
    views.best_stages.cache_clear()
    views._view_macs.cache_clear()


@pytest.mark.parametrize(
    "where", {str(where): where for where in [*MUTANTS.values(), *IN_THE_BOOK.values()]}.values(), ids=str
)
def test_the_unbroken_library_agrees_with_the_oracles(where):
    assert agrees(**where)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_each_mutant_is_caught(mutant, monkeypatch):
    mutant(monkeypatch)
    assert not agrees(**MUTANTS[mutant])


@pytest.mark.parametrize("name", MISTAKES)
def test_each_bug_of_the_book_is_caught(name):
    with MISTAKES[name].made():
        assert not agrees(**IN_THE_BOOK[name])
