"""Class score maps lie on the picture to the pixel."""

import re

import pytest
import torch
from PIL import Image

from vggstudy.configs import find_config
from vggstudy.errors import ConfigError, DataError
from vggstudy.initialise import initialise
from vggstudy.model import Preprocessing, preprocess, score_map, vgg
from vggstudy.score_maps import class_score_map


def network(config="D", crop_size=32, **net):
    return initialise(vgg(config, num_classes=8, width=1 / 32, crop_size=crop_size, fc_width=6, **net), "he").eval()


def every_pixel_counts(model):
    """Weights with which any bright pixel raises every score that sees it, and nothing else does."""
    for layer in model.weight_layers.values():
        torch.nn.init.uniform_(layer.weight, 0.5, 1.5)
        layer.weight.data /= layer.weight[0].numel() ** 0.5
    model.preprocessing = Preprocessing(mean=(0.0, 0.0, 0.0))
    return model.double()


@pytest.mark.parametrize("config", ["A", "C"])
@pytest.mark.parametrize("ceil_mode", [False, True])
def test_a_planted_pixel_is_seen_by_just_the_boxes_that_hold_it(config, ceil_mode):
    model = every_pixel_counts(network(find_config(config).without_last_pool(), ceil_mode=ceil_mode))
    Q, width = 200, 230
    whole = class_score_map(model, torch.zeros(3, Q, width, dtype=torch.uint8), Q, softmax=False)
    rows, columns = whole.scores.shape[1:]
    left, top, right, bottom = whole.box(5, 6)
    corners = [
        (left, top),
        (right - 1, bottom - 1),
        (left - 1, top),
        (left, bottom),
        (right, top),
        (0, 0),
        (width - 1, Q - 1),
    ]
    for x, y in corners:
        if not (0 <= x < width and 0 <= y < Q):
            continue
        image = torch.zeros(3, Q, width, dtype=torch.uint8)
        image[:, y, x] = 255
        seen = class_score_map(model, image, Q, softmax=False).scores[0] > 0
        boxes = [[whole.box(row, column) for column in range(columns)] for row in range(rows)]
        holds = torch.tensor([[box[0] <= x < box[2] and box[1] <= y < box[3] for box in line] for line in boxes])
        assert torch.equal(seen, holds), (x, y)


def test_geometry_of_vgg_16():
    from vggstudy.analysis import trace
    from vggstudy.score_maps import ClassScoreMap

    there = ClassScoreMap(torch.zeros(1, 6, 8), (0,), torch.zeros(3, 384, 460), 224, trace("D")[-1])
    left, top, right, bottom = there.box(1, 2)
    assert (right - left, bottom - top) == (404, 404)
    assert there.window(1, 2) == (64, 32, 288, 256)
    assert there.centre(1, 2) == (176, 144)


def test_an_object_is_found_where_it_was_put():
    """The score of a class that likes red is highest where the window's middle is nearest to the red square."""
    model = every_pixel_counts(network(find_config("conv3-8 | conv3-8 |"), crop_size=32))
    model.layer("conv1_1").weight.data[:, 1:] = 0
    image = torch.zeros(3, 120, 150, dtype=torch.uint8)
    image[0, 40:60, 92:112] = 255
    there = class_score_map(model, image, 120, classes=3, softmax=False)
    best = int(there.scores[0].argmax())
    x, y = there.centre(*divmod(best, there.scores.shape[2]))
    assert abs(x - 102) <= 16 and abs(y - 50) <= 16


def test_one_class_the_top_five_and_soft_max():
    model = network()
    image = torch.randint(256, (3, 50, 60), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    expected = score_map(model, preprocess(model, image[None])).detach()[0]
    five = class_score_map(model, image, 50)
    assert five.classes == tuple(expected.mean((1, 2)).topk(5).indices.tolist())
    assert torch.allclose(five.scores, expected.softmax(0)[list(five.classes)])
    one = class_score_map(model, image, 50, classes=3, softmax=False)
    assert one.classes == (3,) and torch.allclose(one.scores[0], expected[3])
    assert torch.equal(five.picture, image)
    with pytest.raises(ConfigError, match="class 8: the network tells 8 classes apart"):
        class_score_map(model, image, 50, classes=8)


@pytest.mark.fault("T32")
def test_any_image_that_the_evaluator_takes_and_no_other():
    image = torch.randint(256, (3, 50, 60), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    as_pil = Image.fromarray(image.permute(1, 2, 0).numpy())
    assert torch.equal(class_score_map(network(), image, 50).scores, class_score_map(network(), as_pil, 50).scores)
    for wrong, named in ((image / 255, "float32"), (image[:1], "(1, 50, 60)"), (image.numpy(), "ndarray")):
        with pytest.raises(DataError, match=re.escape(named)):
            class_score_map(network(), wrong, 50)


def test_the_default_scale_is_the_evaluators():
    image = torch.zeros(3, 50, 60, dtype=torch.uint8)
    assert class_score_map(network(), image).picture.shape == (3, 40, 48)
