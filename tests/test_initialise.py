import pytest
import torch

from vggstudy.errors import ConfigError
from vggstudy.initialise import COPIED_LAYERS, forecast, initialise, preinitialise
from vggstudy.model import vgg

SMALL = {"num_classes": 10, "width": 1 / 4, "crop_size": 32, "fc_width": 256}


@pytest.mark.parametrize(
    ("method", "expected"), [("normal", 0.1), ("he", (2 / 1152) ** 0.5), ("glorot", (2 / 2304) ** 0.5), (0.01, 0.01)]
)
def test_standard_deviation_of_the_weights(method, expected):
    model = initialise(vgg("A", **SMALL), method)
    weight = model.layer("conv4_2").weight  # 3x3, 128 to 128 channels
    assert weight.std().item() == pytest.approx(expected, rel=0.02)
    assert abs(weight.mean().item()) < expected / 50
    assert all(not layer.bias.any() for layer in model.weight_layers.values())


def test_weights_can_be_drawn_evenly_with_the_same_deviation():
    weight = initialise(vgg("A", **SMALL), "glorot", uniform=True).layer("conv4_2").weight
    std = (2 / 2304) ** 0.5
    assert weight.std().item() == pytest.approx(std, rel=0.02)
    assert 0.99 < weight.abs().max().item() / (3**0.5 * std) <= 1


def test_the_seed_decides():
    first, again, other = (initialise(vgg("A", **SMALL), "he", seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["features.0.weight"], other["features.0.weight"])


@pytest.mark.parametrize("name", ["B", "C", "D", "E"])
def test_preinitialisation_copies_four_convolutions_and_three_fully_connected_layers(name):
    source = initialise(vgg("A", **SMALL), "he", seed=1)
    model = initialise(vgg(name, **SMALL), "he", seed=2)
    before = {name: layer.weight.clone() for name, layer in model.weight_layers.items()}
    assert preinitialise(model, source) == COPIED_LAYERS
    for label, layer in model.weight_layers.items():
        expected = source.layer(label).weight if label in COPIED_LAYERS else before[label]
        assert torch.equal(layer.weight, expected), label


def test_layers_that_differ_in_shape_keep_their_weights():
    rival = vgg("conv5-64 | conv5-128 | conv5-256 | conv5-512 | conv5-512 |", **SMALL)
    assert preinitialise(rival, vgg("A", **SMALL)) == ("fc6", "fc7", "fc8")
    with pytest.raises(ConfigError, match=r"no convolution of A fits B \(width 0.25 -> 0.125\)"):
        preinitialise(vgg("B", **{**SMALL, "width": 1 / 8, "fc_width": 32, "num_classes": 3}), vgg("A", **SMALL))


def test_kernels_of_another_size_can_be_centred():
    """A 3x3 kernel in a 5x5 one computes the same; of a 5x5 one a 3x3 layer takes the middle."""
    source = initialise(vgg("A", **SMALL), "he", seed=1)
    rival = initialise(vgg("conv5-64 | conv5-128 | conv5-256 | conv1-512 | conv5-512 |", **SMALL), "he", seed=2)
    assert preinitialise(rival, source, centre_kernels=True) == (
        "conv1_1", "conv2_1", "conv3_1", "fc6", "fc7", "fc8",
    )  # fmt: skip
    images = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(rival.features[:6](images), source.features[:6](images))
    back = initialise(vgg("A", **SMALL), "he", seed=3)
    preinitialise(back, rival, centre_kernels=True)
    assert torch.equal(back.layer("conv2_1").weight, source.layer("conv2_1").weight)


def test_an_unknown_method_is_refused():
    with pytest.raises(ConfigError, match="unknown initialisation 'hee'; did you mean he"):
        initialise(vgg("A", **SMALL), "hee")
    for std in (0, -0.1, float("nan"), float("inf")):
        with pytest.raises(ConfigError, match="a standard deviation is a number above 0"):
            initialise(vgg("A", **SMALL), std)


@pytest.mark.parametrize("method", ["normal", "he", "glorot"])
def test_the_forecast_tells_how_the_signal_grows(method):
    # Without padding's zeros and pooling's maxima the forecast is exact on average: a stack of 1x1 convolutions.
    model = initialise(vgg("conv1-256 conv1-256 conv1-256 conv1-256", num_classes=10, crop_size=8, fc_width=16), method)
    gains = {gain.name: gain for gain in forecast(model, method)}
    stds, images = {}, torch.randn(8, 3, 8, 8)
    for name in ("conv1_1", "conv1_4"):
        model.layer(name).register_forward_hook(
            lambda module, args, output, name=name: stds.__setitem__(name, output.std().item())
        )
    with torch.inference_mode():
        model(images)
    assert stds["conv1_4"] / stds["conv1_1"] == pytest.approx(
        gains["conv1_4"].cumulative / gains["conv1_1"].cumulative, rel=0.35
    )


def test_the_papers_normal_distribution_explodes_at_full_width_and_he_does_not():
    with torch.device("meta"):  # shapes are all that a forecast needs
        model = vgg("D")
    last = {method: forecast(model, method)[-1].cumulative for method in ("normal", "he")}
    assert last["normal"] > 1e6 and last["he"] == pytest.approx(2**0.5)
