"""Each view against its oracle, on random narrow networks and odd sizes."""

import oracles
import pytest
import torch
import torchvision

from vggstudy import views
from vggstudy.configs import CONFIGS, find_config
from vggstudy.cost import count_macs
from vggstudy.errors import ConfigError, DataError
from vggstudy.initialise import initialise
from vggstudy.model import score_map, vgg
from vggstudy.views import VIEWS, alignment, grid_corners, posteriors, view_macs

OTHERS = ["conv5-16 LRN conv3-24 | conv7-16 | conv1-24 conv3-16 |", "conv3-16 |"]
NARROW = {"num_classes": 6, "width": 1 / 32, "fc_width": 12}


def network(config, crop_size=64, **net):
    torch.manual_seed(1)
    model = initialise(vgg(config, crop_size=crop_size, **(NARROW | net)), "he").eval().double()
    for layer in model.weight_layers.values():  # biases are seen in the padding
        torch.nn.init.normal_(layer.bias, std=0.3)
    return model


def pictures(height, width, n=2):
    return 2 * torch.randn(n, 3, height, width, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def agrees(model, images, view, exact_grid=False):
    """Whether the library and the oracle give the same posteriors."""
    with torch.inference_mode():
        ours = posteriors(model, images, view, flip=False, exact_grid=exact_grid)
        step = 1 if exact_grid else 2 ** max(0, (model.crop_size // 28).bit_length() - 1)
        return torch.allclose(ours, oracles.view(view, model, images, step), rtol=0, atol=1e-12)


def test_each_view_goes_by_its_name():
    assert {
        "centre": views.centre,
        "dense": views.dense,
        "multi-crop": views.multi_crop,
        "multi-crop & dense": views.multi_crop_and_dense,
    } == VIEWS


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("config", [*CONFIGS, *OTHERS])
def test_each_view_of_each_configuration_is_the_oracles(config, view):
    assert agrees(network(config), pictures(64 + 13, 64 + 38), view)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("size", [(32, 32), (40, 40), (40, 45), (71, 48)])
def test_the_small_regime_is_the_oracles(size, ceil_mode, view):
    model = network(find_config("D").without_last_pool(), 32, width=1 / 16, ceil_mode=ceil_mode)
    assert agrees(model, pictures(*size), view)


@pytest.mark.parametrize("config", ["A-LRN", "C"])
@pytest.mark.parametrize("exact_grid", [False, True])
def test_crops_that_share_three_stages_are_the_oracles(config, exact_grid):
    """Crops of 224 pixels lie on multiples of 8, unless the grid is to be exact."""
    model = network(config, 224, width=1 / 64)
    assert agrees(model, pictures(224 + 32, 224 + 90, n=1), "multi-crop & dense", exact_grid)


def test_posteriors_of_mirror_images_are_averaged():
    model, images = network("A"), pictures(70, 90)
    with torch.inference_mode():
        both = posteriors(model, images, "dense")
        assert torch.allclose(both, (oracles.dense(model, images) + oracles.dense(model, images.flip(3))) / 2)


@pytest.mark.parametrize(("name", "theirs"), [("A", "vgg11"), ("B", "vgg13"), ("D", "vgg16"), ("E", "vgg19")])
def test_the_centre_crop_is_torchvisions(name, theirs):
    """torchvision's features on a narrow stack would not load; its classes take our modules instead."""
    model = network(name, 64)
    theirs = torchvision.models.VGG(model.features, num_classes=6, init_weights=False).eval()
    theirs.avgpool, theirs.classifier = torch.nn.Identity(), model.classifier
    images = pictures(75, 91)
    crop = torchvision.transforms.CenterCrop(64)(images)
    with torch.inference_mode():
        assert torch.allclose(posteriors(model, images, "centre", flip=False), theirs(crop).softmax(1))


def test_the_mean_score_map_is_that_of_timms_pooled_head():
    timm = pytest.importorskip("timm.models.vgg")
    model = network("A", 224, width=1 / 64).float()
    theirs = timm.ConvMlp(8, 12, 7, drop_rate=0.0).eval()
    fc6, fc7, fc8 = (model.layer(name) for name in ("fc6", "fc7", "fc8"))
    theirs.fc1.weight.data, theirs.fc1.bias.data = fc6.weight.view(12, 8, 7, 7), fc6.bias
    theirs.fc2.weight.data, theirs.fc2.bias.data = fc7.weight[:, :, None, None], fc7.bias
    images = pictures(288, 330, n=1).float()
    with torch.inference_mode():
        pooled = theirs(model.features(images)).mean((2, 3))
        assert torch.allclose(score_map(model, images).mean((2, 3)), fc8(pooled), atol=1e-5)


@pytest.mark.parametrize("Q", [224, 256, 288, 352, 384, 416, 448, 480, 512])
def test_the_papers_grids_lie_on_multiples_of_eight_by_themselves(Q):
    assert grid_corners(Q, Q, 224) == grid_corners(Q, Q, 224, exact=True)


def test_a_long_side_is_moved_by_less_than_the_alignment():
    moved, exact = (grid_corners(256, 341, 224, exact) for exact in (False, True))
    assert all(0 <= left - other < 8 and left % 1 == 0 for (_, other), (_, left) in zip(moved, exact, strict=True))
    assert {left for _, left in moved} == {0, 24, 56, 80, 112}
    assert [alignment(crop) for crop in (16, 32, 56, 64, 112, 224)] == [1, 1, 2, 2, 4, 8]


def test_equal_crops_are_computed_once():
    model = network("A", 224, width=1 / 64)
    assert view_macs(model, 224, 224, "multi-crop", flip=False) == view_macs(model, 224, 224, "centre", False)


def test_macs_are_those_of_table_1():
    for name in ("A", "C"):
        model = vgg(name, 1000)
        assert view_macs(model, 224, 224, "dense", flip=False) == {"A": 7_609_090_048, "C": 11_770_888_192}[name]
        assert view_macs(model, 224, 224, "dense", flip=True) == 2 * view_macs(model, 224, 224, "centre", False)


def test_sharing_saves_what_performance_promises():
    """VGG-16 at Q=384: naive crops cost 1.7 times the shared ones and more."""
    model = vgg("D")
    naive = 25 * view_macs(model, 224, 224, "centre", flip=False)
    assert naive / view_macs(model, 384, 384, "multi-crop", flip=False) > 1.7
    both = view_macs(model, 384, 384, "multi-crop & dense", False)
    dense, crops = (view_macs(model, 384, 384, view, False) for view in ("dense", "multi-crop"))
    assert both < crops + 0.5 * dense  # dense evaluation begins where the crops stop sharing


def test_count_macs_counts_products():
    with torch.device("meta"):
        assert count_macs(lambda: torch.nn.Linear(7, 5)(torch.empty(3, 7))) == 105


def test_what_no_view_takes():
    with pytest.raises(DataError, match="smaller than the crop of 64"):
        posteriors(network("A"), pictures(63, 80), "dense")
    with pytest.raises(ConfigError, match="did you mean multi-crop"):
        posteriors(network("A"), pictures(64, 80), "multicrop")
