"""Frozen features under a linear classifier (`vggstudy.transfer`), on tiny nets and planted rules."""

from __future__ import annotations

import pytest
import torch
from tiny import tiny_data, tiny_net

from vggstudy.augment import rescale
from vggstudy.errors import ConfigError, DataError
from vggstudy.imageset import ImageSet
from vggstudy.model import head, preprocess
from vggstudy.transfer import (
    activations,
    describe,
    draw_subset,
    fit,
    fit_chosen,
    gather,
    layers_of,
    learning_curve,
    raw_pixels,
    unit_length,
)

LAYERS = ("pool1", "pool2", "fc6", "fc7")


def mirrored(images: ImageSet) -> ImageSet:
    return ImageSet(lambda i: images.read(i).flip(2), images.labels, images.path, f"{images.name}-mirrored")


def test_the_layers_are_the_last_map_of_each_block_and_two_fully_connected():
    assert layers_of(tiny_net()) == LAYERS


def test_activations_are_those_of_the_network_layer_by_layer():
    net = tiny_net().eval()
    pixels = preprocess(net, tiny_data().train[0][0][None])
    found = activations(net, pixels, LAYERS)
    assert torch.equal(found["pool2"], net.features(pixels))
    assert torch.equal(found["pool1"], net.features[:3](pixels))
    # fc8 of fc7 at every place is the score map: fc6 and fc7 stand where dense evaluation has them.
    scores = net.layer("fc8")(found["fc7"].permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    assert torch.allclose(scores, head(net, net.features(pixels)), atol=1e-5)
    assert min(map_.min() for map_ in found.values()) >= 0  # after the ReLU


def test_features_by_hand_at_two_scales():
    net, images = tiny_net().eval(), tiny_data().val
    found = describe(net, images, (12, 16), ("pool1", "fc7"))
    for place, Q in enumerate((12, 16)):
        pixels = preprocess(net, rescale(images[3][0], Q)[None])
        with torch.no_grad():
            views = [activations(net, view, ("pool1", "fc7")) for view in (pixels, pixels.flip(3))]
        for layer in ("pool1", "fc7"):
            by_hand = sum(view[layer].mean((2, 3)) for view in views) / 2
            assert torch.allclose(found[layer][3, place], by_hand[0], atol=1e-5)


def test_a_photograph_and_its_mirror_image_have_the_same_features():
    net, images = tiny_net(), tiny_data().val
    plain, turned = (describe(net, each, 12)["fc7"] for each in (images, mirrored(images)))
    assert torch.allclose(plain, turned, atol=1e-5)
    plain, turned = (describe(net, each, 12, flip=False)["fc7"] for each in (images, mirrored(images)))
    assert not torch.allclose(plain, turned, atol=1e-3)


def test_a_sliver_is_named():
    images = [tiny_data().val[0], (torch.zeros(3, 1, 2_000_000, dtype=torch.uint8), 0)]
    with pytest.raises(DataError, match=r"^image 1: 2000000x1 pixels become 24000000x12 at S = 12"):
        describe(tiny_net(), images, 12)


def test_the_network_is_left_as_it_was():
    net = tiny_net().train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    describe(net, tiny_data().val, 12)
    assert net.training and all(torch.equal(before[name], value) for name, value in net.state_dict().items())


def test_descriptors_have_unit_length_and_the_scales_are_averaged_or_stacked():
    averages = torch.rand(5, 3, 4, generator=torch.Generator().manual_seed(0))
    mean, stack = gather(averages), gather(averages, "stack")
    assert mean.shape == (5, 4) and stack.shape == (5, 12)
    for descriptor in (mean, stack):
        assert torch.allclose(descriptor.norm(dim=1), torch.ones(5))
    summed = averages[:, 0] + averages[:, 1] + averages[:, 2]
    assert torch.allclose(mean, summed / summed.norm(dim=1, keepdim=True))
    assert torch.allclose(stack[:, 4:8] * averages.flatten(1).norm(dim=1, keepdim=True), averages[:, 1])


def test_a_silent_image_stays_zero():
    assert torch.equal(unit_length(torch.zeros(1, 3)), torch.zeros(1, 3))


def test_pixels_as_features():
    same_size = tiny_data().val
    features = raw_pixels(same_size)
    assert features.shape == (len(same_size), 3 * 10 * 12)
    assert torch.allclose(features.norm(dim=1), torch.ones(len(same_size)))


def planted(n: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Points of the plane, labelled by the nearest of three directions, far from the origin and long in one way."""
    random = torch.Generator().manual_seed(seed)
    points = torch.randn(n, 2, generator=random)
    directions = torch.tensor([[1.0, 0.0], [-0.5, 0.87], [-0.5, -0.87]])
    return points * torch.tensor([3.0, 0.6]) + 20, (points @ directions.T).argmax(1)


def test_the_classifier_recovers_a_planted_rule():
    features, labels = planted(600, 0)
    classifier = fit(features, labels, 3, decay=1e-4)
    assert classifier.top1_error(*planted(600, 1)) < 2
    assert fit(features, labels, 3, decay=100.0).top1_error(*planted(600, 1)) > 10


def test_the_optimum_has_no_gradient():
    features, labels = planted(300, 2)
    classifier = fit(features, labels, 3, decay=0.1)
    # In the units in which the penalty is counted: centred, of mean variance 1.
    centred = features - features.mean(0)
    unit = centred.square().mean().sqrt()
    weight = (classifier.weight * unit).requires_grad_()
    bias = (classifier.bias + classifier.weight @ features.mean(0)).requires_grad_()
    loss = torch.nn.functional.cross_entropy(centred / unit @ weight.T + bias, labels)
    (loss + 0.1 / 2 * weight.square().sum()).backward()
    assert max(weight.grad.abs().max(), bias.grad.abs().max()) < 2e-3


def test_the_length_of_all_features_together_changes_nothing():
    features, labels = planted(300, 3)
    one, other = fit(features, labels, 3, 0.01), fit(1000 * features, labels, 3, 0.01)
    assert torch.allclose(one.scores(features), other.scores(1000 * features), atol=0.02)


def test_where_it_begins_changes_nothing():
    features, labels = planted(300, 4)
    begun = fit(features, labels, 3, 0.1, start=fit(features, labels, 3, 1.0))
    assert torch.allclose(begun.scores(features), fit(features, labels, 3, 0.1).scores(features), atol=0.02)


def test_the_strength_is_chosen_on_the_validation_images():
    """Noise in many features: without a penalty it is learnt by heart."""
    random = torch.Generator().manual_seed(0)
    labels = torch.arange(60) % 2
    features = torch.randn(60, 50, generator=random)
    features[:, 0] += 1.5 * labels
    train, val = (features[:20], labels[:20]), (features[20:], labels[20:])
    chosen = fit_chosen(train, val, 2, decays=(10.0, 1.0, 1e-1, 1e-5))
    errors = {decay: fit(*train, 2, decay).top1_error(*val) for decay in (10.0, 1.0, 1e-1, 1e-5)}
    assert errors[chosen.decay] == min(errors.values())


def test_of_equal_errors_the_stronger_penalty_wins():
    features, labels = planted(200, 5)
    assert fit_chosen((features, labels), (features[:1], labels[:1]), 3, (1e-1, 1e-2, 1e-3)).decay == 1e-1


def test_a_subset_is_balanced_and_repeatable():
    labels = torch.arange(10).repeat_interleave(20)
    rows = draw_subset(labels, 50, seed=1)
    assert torch.equal(labels[rows].bincount(), torch.full((10,), 5)) and len(rows.unique()) == 50
    assert torch.equal(rows, draw_subset(labels, 50, seed=1))
    assert not torch.equal(rows, draw_subset(labels, 50, seed=2))


@pytest.mark.parametrize("n", [0, 15, 210])
def test_a_subset_that_cannot_be_balanced_is_refused(n):
    with pytest.raises(ConfigError, match="allowed are multiples of 10 up to 200"):
        draw_subset(torch.arange(10).repeat_interleave(20), n, 0)


def test_strange_layers_and_ways_are_refused():
    net = tiny_net()
    with pytest.raises(ConfigError, match="unknown layer 'pool3'"):
        describe(net, tiny_data().val, 12, ("pool3",))
    with pytest.raises(ConfigError, match="max"):
        gather(torch.ones(1, 1, 1), "max")


def test_every_kind_of_features_sees_the_same_subsets_and_the_test_is_apart():
    features, labels = planted(300, 6)
    random = torch.Generator().manual_seed(0)
    kinds = {"told": features, "nothing": torch.randn(300, 2, generator=random)}
    parts = {kind: (each[:100], each[100:200], each[200:]) for kind, each in kinds.items()}
    records = learning_curve(parts, (labels[:100], labels[100:200], labels[200:]), sizes=(30, 60), draws=2)
    assert len(records) == 2 * 2 * 2
    told = [record["top1_error"] for record in records if record["features"] == "told"]
    nothing = [record["top1_error"] for record in records if record["features"] == "nothing"]
    assert max(told) < 20 < 50 < min(nothing)
