"""Measured signals: what the hooks see is what the layers put out, and the forecast foretells it."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from vggstudy import vgg
from vggstudy.errors import DataError
from vggstudy.initialise import forecast, initialise
from vggstudy.layer_signals import measure_signals


def net(method="he", width=1 / 8):
    model = vgg("A", num_classes=20, width=width, crop_size=32, fc_width=128)
    return initialise(model, method, seed=1)


def batch(n=8):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n, 3, 32, 32, generator=generator), torch.arange(n)


def test_a_layer_is_measured_before_relu_and_the_last_gradient_is_softmax_minus_one_hot():
    model, (images, labels) = net(), batch()
    first, *_, last = measure_signals(model, images, labels)
    with torch.no_grad():
        assert first.activation_std == pytest.approx(model.layer("conv1_1")(images).std().item(), rel=1e-5)
    scores = model.eval()(images).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(cross_entropy(scores, labels, reduction="sum"), scores)
    assert (last.name, last.activation_std) == ("fc8", pytest.approx(scores.std().item(), rel=1e-4))
    assert last.gradient_std == pytest.approx(gradient.std().item(), rel=1e-4)


def test_one_images_loss_counts_whatever_the_size_of_the_batch():
    model, (images, labels) = net(), batch(4)
    small = measure_signals(model, images, labels)
    large = measure_signals(model, images.repeat(5, 1, 1, 1), labels.repeat(5))
    for one, other in zip(small, large, strict=True):
        assert one.gradient_std == pytest.approx(other.gradient_std, rel=0.02)


def test_measuring_leaves_the_model_as_it_was():
    model, (images, labels) = net().train(), batch()
    measure_signals(model, images, labels)
    assert model.training
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not any(layer._forward_hooks for layer in model.weight_layers.values())


@pytest.mark.parametrize("method", ["he", "glorot", "normal"])
def test_the_forecast_foretells_what_is_measured(method):
    model, (images, labels) = net(method, width=1 / 2), batch()
    signals, gains = measure_signals(model, images, labels), forecast(model, method)
    for signal, gain in zip(signals, gains, strict=True):
        # zero padding lowers, max-pooling raises the size: neither is in the forecast
        assert 0.2 < signal.activation_std / gain.cumulative < 8, signal.name


def test_images_without_labels_are_refused():
    images, labels = batch()
    with pytest.raises(DataError, match="8 images and 3 labels"):
        measure_signals(net(), images, labels[:3])
