"""Claims of section 2.3: why filters are small, and what others did."""

from __future__ import annotations

from itertools import pairwise

from vggstudy.analysis import receptive_field, trace
from vggstudy.claims.evidence import Checked, Compared, Shown
from vggstudy.claims.record import Claim
from vggstudy.claims.verdicts import comparison, papers_gain
from vggstudy.configs import CONFIGS, Conv, parse
from vggstudy.paper import ARCHITECTURE, ONE_7X7_EXCESS
from vggstudy.predecessors import PREDECESSORS

CHANNELS = 64
AGAINST_7X7 = Checked("tests/test_analysis.py::test_three_3x3_layers_against_one_7x7")
PRICE = (
    Checked("tests/test_widget_receptive_field.py::test_three_layers_of_three_have_27_c_squared_weights_against_49"),
    Shown("small_filters", "The price"),
)


def _field(depth: int) -> int:
    stack = parse(" ".join([f"conv3-{CHANNELS}"] * depth))
    return receptive_field(stack, at=f"conv1_{depth}", crop_size=32)


def _weights(stack: str) -> int:
    """Of a stack with as many channels in as out, biases left out, in units of the square of the channels."""
    layers = trace(parse(f"conv1-{CHANNELS} {stack}"), crop_size=32)
    convolutions = [layer for layer in layers if layer.kind == "conv"][1:]
    return sum(layer.parameters - CHANNELS for layer in convolutions) // CHANNELS**2


def _three() -> int:
    return _weights(" ".join([f"conv3-{CHANNELS}"] * 3))


def _one() -> int:
    return _weights(f"conv7-{CHANNELS}")


def _channels_kept() -> str:
    """Whether each 1x1 layer of C has as many channels as the layer before it."""
    layers = CONFIGS["C"].layers
    pairs = [(a, b) for a, b in pairwise(layers) if isinstance(b, Conv) and b.kernel == 1]
    return "as many" if all(before.channels == one.channels for before, one in pairs) else "not as many"


def _first_layers() -> str:
    """Filters of the nets that the paper names, each once."""
    nets = (PREDECESSORS[name] for name in ("AlexNet", "ZFNet", "OverFeat, accurate"))
    first = (net.convolutions[0] for net in nets)
    return "; ".join(dict.fromkeys(f"{layer.kernel}×{layer.kernel} at stride {layer.stride}" for layer in first))


CLAIMS = (
    Claim(
        "earlier-filters", "2.3",
        "Earlier nets began with 11×11 filters at stride 4 (Krizhevsky et al.) or 7×7 at stride 2 (Zeiler and Fergus; "
        "Sermanet et al.).",
        "exact", "11×11 at stride 4; 7×7 at stride 2", _first_layers,
        evidence=(
            Checked("tests/test_predecessors.py::test_the_first_layers_are_those_that_the_paper_names"),
            Shown("depth", "The first layer"),
        ),
    ),
    Claim(
        "two-3x3", "2.3",
        "Two 3×3 layers in a row see 5×5 pixels.",
        "exact", ARCHITECTURE.fields[0], lambda: _field(2), " px a side",
        evidence=(
            Checked("tests/test_widget_receptive_field.py::test_the_receptive_field_grows_by_the_kernel_less_one"),
            Shown("small_filters", "The view"),
        ),
    ),
    Claim(
        "three-3x3", "2.3",
        "Three of them see 7×7 pixels.",
        "exact", ARCHITECTURE.fields[1], lambda: _field(3), " px a side",
        evidence=(AGAINST_7X7, Shown("small_filters", "The view")),
    ),
    Claim(
        "weights-of-three", "2.3",
        f"Three 3×3 layers with C channels in and out have {ARCHITECTURE.weights[0]} C² weights.",
        "exact", ARCHITECTURE.weights[0], _three, " C²",
        evidence=PRICE,
    ),
    Claim(
        "weights-of-one", "2.3",
        f"One 7×7 layer has {ARCHITECTURE.weights[1]} C².",
        "exact", ARCHITECTURE.weights[1], _one, " C²",
        evidence=PRICE,
    ),
    Claim(
        "weights-excess", "2.3",
        f"That is {ONE_7X7_EXCESS}% more.",
        "exact", ONE_7X7_EXCESS, lambda: 100 * (_one() / _three() - 1), "% more", 0,
        evidence=(AGAINST_7X7, Shown("small_filters", "The price")),
    ),
    Claim(
        "decomposition", "2.3",
        "The stack is a 7×7 filter that must factor through 3×3 ones, with non-linearity in between: without it, the "
        "layers fold into one filter.",
        "exact", "a 7×7 filter, factored",
        evidence=(Shown("small_filters", "Decisive: what the ReLU between the layers does"),),
    ),
    Claim(
        "more-discriminative", "2.3",
        "Three rectified layers instead of one make the decision more discriminative.",
        comparison("small-filters-7"), papers_gain("small-filters-7"),
        evidence=(
            Compared("small-filters-7"),
            Shown("small_filters", "Decisive: what the ReLU between the layers does"),
        ),
    ),
    Claim(
        "one-by-one-field", "2.3",
        "1×1 layers add non-linearity and leave receptive fields as they are: C sees what B sees.",
        "exact", "unchanged", lambda: f"B {receptive_field('B')} px, C {receptive_field('C')} px at pool5",
        agrees=lambda *_: receptive_field("B") == receptive_field("C"),
        evidence=(
            Checked("tests/test_analysis.py::test_receptive_fields_agree_with_a_measurement_by_gradients[C]"),
            Shown("one_by_one", "The field stays as it was"),
        ),
    ),
    Claim(
        "one-by-one-channels", "2.3",
        "A 1×1 layer of C is a projection onto a space of as many dimensions, then rectified.",
        "exact", "as many", _channels_kept,
        evidence=(
            Checked(
                "tests/test_configs.py::"
                "test_c_differs_from_d_only_in_the_kernel_of_the_last_convolution_of_the_last_three_blocks"
            ),
            Shown("one_by_one", "One matrix, at every position"),
        ),
    ),
    Claim(
        "ciresan", "2.3",
        "Cireşan et al. used small filters before, in nets far less deep, and not on ILSVRC.",
        "reported", "less deep",
    ),
    Claim(
        "goodfellow", "2.3",
        "Goodfellow et al. used 11 weight layers to read street numbers, and found that depth helps.",
        "reported", "11 weight layers",
    ),
    Claim(
        "googlenet", "2.3",
        "GoogLeNet was made independently and is alike in depth (22 weight layers) and in its small filters (1×1, "
        "3×3, 5×5); its topology is more complex, and it shrinks the maps earlier.",
        "reported", "22 weight layers",
    ),
)  # fmt: skip
