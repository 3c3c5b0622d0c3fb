import pytest
import torch
import torchvision
from torch import nn

from vggstudy.analysis import count_macs, count_parameters, find_layer, receptive_field, trace
from vggstudy.configs import CONFIGS, Conv, parse
from vggstudy.errors import ConfigError
from vggstudy.model import vgg
from vggstudy.paper import ONE_7X7_EXCESS, PARAMETERS_MILLIONS

PARAMETERS = {
    "A": 132_863_336,
    "A-LRN": 132_863_336,
    "B": 133_047_848,
    "C": 133_638_952,
    "D": 138_357_544,
    "E": 143_667_240,
}
GIGA_MACS = {"A": 7.609, "A-LRN": 7.609, "B": 11.308, "C": 11.771, "D": 15.470, "E": 19.632}
FIELDS = {"A": (150, 342), "A-LRN": (150, 342), "B": (156, 348), "C": (156, 348), "D": (212, 404), "E": (268, 460)}


@pytest.mark.parametrize("name", CONFIGS)
def test_fixed_values(name):
    assert count_parameters(name) == PARAMETERS[name]
    assert round(count_macs(name) / 1e9, 3) == GIGA_MACS[name]
    assert (receptive_field(name), receptive_field(name, at="fc6")) == FIELDS[name]


@pytest.mark.parametrize("name", CONFIGS)
def test_parameters_round_to_table_2(name):
    assert round(count_parameters(name) / 1e6) == PARAMETERS_MILLIONS[name]


@pytest.mark.parametrize(
    ("name", "enum"), [("A", "VGG11_Weights"), ("B", "VGG13_Weights"), ("D", "VGG16_Weights"), ("E", "VGG19_Weights")]
)
def test_torchvision_publishes_the_same_counts(name, enum):
    meta = getattr(torchvision.models, enum).IMAGENET1K_V1.meta
    assert count_parameters(name) == meta["num_params"]
    assert count_macs(name) / 1e9 == pytest.approx(meta["_ops"], abs=0.01)


@pytest.mark.parametrize("name", [*CONFIGS, "conv5-8 | conv7-8 conv1-4 | conv3-16"])
def test_trace_agrees_with_a_built_network(name):
    net = {"crop_size": 64, "num_classes": 10, "width": 1 / 16, "fc_width": 24}
    model = vgg(name, **net).eval()
    layers = trace(name, **net)
    assert sum(layer.parameters for layer in layers) == sum(p.numel() for p in model.parameters())
    shapes = {}
    for layer in layers[1:]:
        model.layer(layer.name).register_forward_hook(
            lambda module, args, output, name=layer.name: shapes.__setitem__(name, tuple(output.shape[1:]))
        )
    with torch.no_grad():
        model(torch.zeros(1, 3, 64, 64))
    for layer in layers[1:]:
        assert shapes[layer.name] == (layer.shape[:1] if layer.kind == "fc" else layer.shape), layer.name


def linear_twin(name):
    """One channel a layer, all weights positive, averages for maxima: the gradient of a cell then covers its field."""
    modules, places = [], {}
    for label, layer in CONFIGS[name].named_layers():
        if isinstance(layer, Conv):
            conv = nn.Conv2d(1, 1, layer.kernel, padding=layer.padding, bias=False, dtype=torch.float64)
            nn.init.constant_(conv.weight, 1 / layer.kernel**2)
            modules.append(conv)
        elif label.startswith("pool"):
            modules.append(nn.AvgPool2d(2))
        places[label] = len(modules)
    return nn.Sequential(*modules), places


@pytest.mark.parametrize("name", CONFIGS)
def test_receptive_fields_agree_with_a_measurement_by_gradients(name):
    twin, places = linear_twin(name)
    for label in ("conv2_1", "pool3", "conv5_2", "pool5", "fc6"):
        image = torch.ones(1, 1, 640, 640, dtype=torch.float64, requires_grad=True)
        features = twin[: places["pool5" if label == "fc6" else label]](image)
        row, column = features.shape[2] // 2 - 3, features.shape[3] // 2 - 2
        cell = features[0, 0, row : row + 7, column : column + 7] if label == "fc6" else features[0, 0, row, column]
        cell.sum().backward()
        rows, columns = image.grad[0, 0].nonzero().unbind(1)
        measured = (columns.min().item(), rows.min().item(), columns.max().item() + 1, rows.max().item() + 1)
        assert find_layer(trace(name), label).box(row, column) == measured, label


def test_three_3x3_layers_against_one_7x7():
    stack, single = parse("conv3-64 conv3-64 conv3-64"), parse("conv7-64")
    net = {"crop_size": 32}
    assert receptive_field(stack, at="conv1_3", **net) == receptive_field(single, at="conv1_1", **net) == 7
    weights = {3: 3 * 9, 7: 49}
    assert round(100 * (weights[7] / weights[3] - 1)) == ONE_7X7_EXCESS


def test_activation_bytes_of_the_convolutions_of_d():
    layers = {layer.name: layer for layer in trace("D")}
    assert layers["conv1_1"].activation_bytes == 64 * 224 * 224 * 4
    assert layers["fc8"].activation_bytes == 4000


def test_too_small_a_crop_no_classes_and_an_unknown_layer_are_refused():
    with pytest.raises(ConfigError, match="num_classes=0: allowed is 1 or more"):
        count_parameters("D", num_classes=0)
    with pytest.raises(ConfigError, match="crop_size=31"):
        trace("D", crop_size=31)
    with pytest.raises(ConfigError, match="did you mean"):
        receptive_field("D", at="pool6")
