import pytest
import torch
import torchvision
from torch.nn import functional as F

from vggstudy.configs import CONFIGS
from vggstudy.errors import ConfigError, DataError
from vggstudy.model import Preprocessing, head, preprocess, score_map, vgg

TORCHVISION = {"A": "vgg11", "B": "vgg13", "D": "vgg16", "E": "vgg19"}
SMALL = {"num_classes": 10, "width": 1 / 8, "crop_size": 64, "fc_width": 32}


def equal_logits(name, size):
    theirs = getattr(torchvision.models, TORCHVISION[name])(init_weights=False).eval()
    ours = vgg(name).eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    images = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert (theirs(images) - ours(images)).abs().max() < 1e-4


def test_torchvision_weights_load_strictly_and_give_equal_logits():
    equal_logits("A", 224)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["B", "D", "E"])
def test_torchvision_weights_of_the_deeper_nets(name):
    equal_logits(name, 224)


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize(("height", "width"), [(64, 64), (96, 64), (130, 161)])
def test_score_map_equals_the_classifier_on_every_window_of_the_last_map(name, height, width):
    model = vgg(name, **SMALL).eval().double()
    images = torch.randn(2, 3, height, width, dtype=torch.float64)
    with torch.inference_mode():
        scores = score_map(model, images)
        pooled = model.features(images)
        assert scores.shape == (2, 10, height // 32 - 1, width // 32 - 1)
        for row in range(scores.shape[2]):
            for column in range(scores.shape[3]):
                window = pooled[:, :, row : row + 2, column : column + 2]
                assert torch.allclose(scores[:, :, row, column], model.classifier(window.flatten(1)))
        assert torch.allclose(model(images), scores.mean((2, 3)))


def test_head_equals_the_convolution_of_section_3_2():
    model = vgg("A", num_classes=7, width=1 / 32, fc_width=24).eval()
    fc6, fc7, fc8 = (model.layer(name) for name in ("fc6", "fc7", "fc8"))
    pooled = torch.randn(1, 16, 9, 12)
    with torch.inference_mode():
        maps = F.relu(F.conv2d(pooled, fc6.weight.view(24, 16, 7, 7), fc6.bias))
        maps = F.relu(F.conv2d(maps, fc7.weight[:, :, None, None], fc7.bias))
        expected = F.conv2d(maps, fc8.weight[:, :, None, None], fc8.bias)
        assert torch.allclose(head(model, pooled), expected, atol=1e-6)


def test_side_of_the_score_map_of_the_papers_nets():
    model = vgg("A", num_classes=2, width=1 / 32, fc_width=8).eval()
    with torch.inference_mode():
        for side in (224, 256, 288, 384):
            assert score_map(model, torch.zeros(1, 3, side, side)).shape[2:] == (side // 32 - 6, side // 32 - 6)


def test_channels_last_changes_nothing():
    model = vgg("C", **SMALL).eval()
    images = torch.randn(2, 3, 96, 128)
    with torch.inference_mode():
        expected = score_map(model, images)
        got = score_map(model.to(memory_format=torch.channels_last), images.to(memory_format=torch.channels_last))
        assert torch.allclose(got, expected, atol=1e-5)


def test_ceil_mode_sees_the_last_pixels_and_agrees_at_multiples_of_the_stride():
    floor, ceil = (vgg("A", **SMALL, ceil_mode=mode).eval() for mode in (False, True))
    ceil.load_state_dict(floor.state_dict())
    with torch.inference_mode():
        whole, cut = torch.randn(1, 3, 96, 128), torch.zeros(1, 3, 80, 80)
        assert torch.equal(floor(whole), ceil(whole))
        edge = cut.clone()
        edge[..., 79, 79] = 1000.0
        assert score_map(ceil, cut).shape[2:] == (2, 2) and score_map(floor, cut).shape[2:] == (1, 1)
        assert not torch.equal(ceil(edge), ceil(cut))


def test_local_response_normalisation_is_krizhevskys_formula():
    model = vgg("A-LRN", **SMALL)
    maps = torch.randn(2, 8, 5, 5, dtype=torch.float64) * 30
    expected = torch.empty_like(maps)
    for channel in range(8):
        near = maps[:, max(0, channel - 2) : channel + 3]
        expected[:, channel] = maps[:, channel] / (2 + 1e-4 * near.square().sum(1)) ** 0.75
    assert torch.allclose(model.layer("lrn1_1")(maps), expected)


@pytest.mark.parametrize(
    "config", ["E", "conv5-16 | conv3-32 |", "conv3-16 LRN(k=1.0) |", CONFIGS["D"].without_last_pool()]
)
def test_spec_builds_the_network_again(config):
    model = vgg(config, **SMALL, ceil_mode=True)
    again = vgg(**model.spec)
    assert again.spec == model.spec and again.config == model.config
    again.load_state_dict(model.state_dict(), strict=True)


def test_layers_by_name():
    model = vgg("A-LRN", **SMALL)
    assert list(model.weight_layers)[:3] == ["conv1_1", "conv2_1", "conv3_1"] and len(model.weight_layers) == 11
    with pytest.raises(ConfigError, match="unknown layer 'conv9_1'"):
        model.layer("conv9_1")


def test_preprocessing_subtracts_the_mean_in_the_networks_own_order():
    model = vgg("A", **SMALL)
    red = torch.zeros(1, 3, 4, 4, dtype=torch.uint8)
    red[:, 0] = 200
    assert preprocess(model, red)[0, :, 0, 0].tolist() == pytest.approx([200 - 123.68, -116.779, -103.939])
    model.preprocessing = Preprocessing((1.0, 2.0, 3.0), (2.0, 2.0, 2.0), 0.5, "BGR")
    assert preprocess(model, red)[0, :, 0, 0].tolist() == [-0.5, -1.0, 48.5]


@pytest.mark.parametrize(
    "images",
    [
        torch.zeros(1, 3, 63, 64),
        torch.zeros(1, 1, 64, 64),
        torch.zeros(3, 64, 64),
        torch.zeros(1, 3, 64, 64, dtype=torch.uint8),
    ],
    ids=["too small", "one channel", "no batch", "not preprocessed"],
)
@pytest.mark.fault("T32")
def test_what_the_network_does_not_take(images):
    with pytest.raises(DataError) as error:
        score_map(vgg("A", **SMALL), images)
    assert "(N, 3, H, W)" in str(error.value) or "preprocess(model, images)" in str(error.value)


@pytest.mark.fault("T32")
def test_preprocess_takes_uint8_only():
    with pytest.raises(DataError, match="uint8 RGB"):
        preprocess(vgg("A", **SMALL), torch.zeros(1, 3, 64, 64))


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"width": -1.0}, "width=-1.0: allowed is a number above 0"),
        ({"width": float("nan")}, "width=nan"),
        ({"fc_width": 0, "num_classes": 0, "width": 0}, "num_classes=0: allowed is 1 or more; fc_width=0.*; width=0"),
        ({"dropout": 1.0}, "dropout=1.0: allowed is 0 or more, below 1"),
        ({"crop_size": 0}, "crop_size=0: configuration A needs a positive multiple of 32"),
    ],
)
def test_sizes_out_of_range_are_named(changes, message):
    with pytest.raises(ConfigError, match=message):
        vgg("A", **{**SMALL, **changes})


@pytest.mark.fault("T36")
def test_names():
    assert vgg("vgg16", **SMALL).config is CONFIGS["D"]
    with pytest.raises(ConfigError, match="did you mean VGG1"):
        vgg("vgg17")
    with pytest.raises(ConfigError, match="multiple of 32"):
        vgg("D", crop_size=100)
