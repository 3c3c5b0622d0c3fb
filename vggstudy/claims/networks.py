"""Claims of sections 2.1 and 2.2: what the networks are made of, and how many weights they have."""

from __future__ import annotations

from vggstudy.analysis import count_parameters, find_layer, trace
from vggstudy.claims.evidence import Checked, Shown
from vggstudy.claims.record import Claim
from vggstudy.configs import CONFIGS, LRN, Conv, Pool
from vggstudy.paper import ARCHITECTURE, PARAMETERS_MILLIONS, REGIME, WEIGHT_LAYERS
from vggstudy.predecessors import trace_predecessor

TABLE_1 = Checked("tests/test_paper.py::test_parameters_and_configurations")


def _layer(name: str, config: str = "D"):
    return find_layer(trace(config), name)


def _kernels() -> tuple[int, ...]:
    """Sides of all filters but those of C, each once."""
    return tuple({conv.kernel for name, config in CONFIGS.items() if name != "C" for conv in config.convs})


def _pool() -> tuple[int, int]:
    """Window and stride of a max-pool, in cells of the map that it reads."""
    return _layer("pool1").kernel, _layer("pool1").stride // _layer("conv1_2").stride


def _channels() -> list[int]:
    """Of E's blocks."""
    return [block[0].channels for block in CONFIGS["E"].blocks]


def _activations(config: str) -> int:
    return sum(layer.activation_bytes for layer in trace(config))


def _fully_connected(config: str) -> tuple[int, ...]:
    return tuple(layer.shape[0] for layer in trace(config) if layer.kind == "fc")


def _overfeat() -> float:
    """Millions of parameters."""
    return sum(layer.parameters for layer in trace_predecessor("OverFeat, accurate")) / 1e6


def _kept() -> str:
    kept = all(layer.shape[1] == REGIME.crop_size for layer in trace("E")[1:3])
    return "kept" if kept else "changed"


BUILDING_BLOCKS = (
    Claim(
        "input-crop", "2.1",
        "The net sees RGB images of 224×224 pixels in training.",
        "exact", REGIME.crop_size, lambda: trace("D")[0].shape[1], " px a side",
        evidence=(Checked("tests/test_analysis.py::test_trace_agrees_with_a_built_network"),),
    ),
    Claim(
        "mean-rgb", "2.1",
        "Nothing is done to the pixels but to subtract the training set's mean RGB from each.",
        "exact", "mean only",
        evidence=(
            Checked("tests/test_model.py::test_preprocessing_subtracts_the_mean_in_the_networks_own_order"),
            Checked("tests/test_augment.py::test_every_image_weighs_the_same_in_the_mean"),
            Shown("training", "What is done to an image, and why"),
        ),
    ),
    Claim(
        "smallest-filter", "2.1",
        "3×3 is the smallest filter that knows left from right, up from down, and the centre.",
        "exact", ARCHITECTURE.kernel, lambda: next(k for k in range(1, 12) if k % 2 and k // 2 >= 1), " px a side",
        evidence=(Checked("tests/test_claims.py::test_three_pixels_are_the_fewest_with_a_neighbour_on_either_side"),),
    ),
    Claim(
        "filters-3x3", "2.1",
        "All convolutions are 3×3, in every configuration but C.",
        "exact", (ARCHITECTURE.kernel,), _kernels, " px a side",
        evidence=(TABLE_1, Shown("configurations", "Table 1 is data")),
    ),
    Claim(
        "filters-1x1", "2.1",
        "One configuration, C, has 1×1 convolutions too: three of them.",
        "exact", ARCHITECTURE.one_by_one_layers, lambda: sum(conv.kernel == 1 for conv in CONFIGS["C"].convs),
        " layers",
        evidence=(
            Checked(
                "tests/test_configs.py::"
                "test_c_differs_from_d_only_in_the_kernel_of_the_last_convolution_of_the_last_three_blocks"
            ),
            Shown("configurations", "Table 1 is data"),
        ),
    ),
    Claim(
        "stride-1", "2.1",
        "Convolutions move by one pixel.",
        "exact", ARCHITECTURE.stride, lambda: _layer("conv1_2").stride // _layer("conv1_1").stride, " px",
        evidence=(Checked("tests/test_analysis.py::test_trace_agrees_with_a_built_network"),),
    ),
    Claim(
        "padding-1", "2.1",
        "A 3×3 convolution is padded by one pixel on each side.",
        "exact", ARCHITECTURE.padding, lambda: Conv(3, 64).padding, " px",
        evidence=(Checked("tests/test_configs.py::test_padding_keeps_the_resolution"),),
    ),
    Claim(
        "resolution-kept", "2.1",
        "So convolutions keep the resolution.",
        "exact", "kept", _kept,
        evidence=(Checked("tests/test_configs.py::test_padding_keeps_the_resolution"),),
    ),
    Claim(
        "five-pools", "2.1",
        "There are five max-pools; not every convolution is followed by one.",
        "exact", ARCHITECTURE.pools, lambda: sum(isinstance(layer, Pool) for layer in CONFIGS["D"].layers),
        evidence=(Checked("tests/test_configs.py::test_every_configuration_has_five_pools_and_doubling_channels"),),
    ),
    Claim(
        "pool-2x2", "2.1",
        "A max-pool looks at 2×2 cells and moves by 2.",
        "exact", (ARCHITECTURE.pool_size, ARCHITECTURE.pool_stride), _pool, " cells (window / stride)",
        evidence=(Checked("tests/test_analysis.py::test_receptive_fields_agree_with_a_measurement_by_gradients"),),
    ),
    Claim(
        "fully-connected", "2.1",
        "Three fully-connected layers follow: 4096 channels, 4096, and one for each of the 1000 classes.",
        "exact", ARCHITECTURE.fully_connected, lambda: _fully_connected("D"), " channels",
        evidence=(
            Checked("tests/test_analysis.py::test_torchvision_publishes_the_same_counts"),
            Shown("configurations", "Parameters"),
        ),
    ),
    Claim(
        "fully-connected-same", "2.1",
        "They are the same in all networks.",
        "exact", "the same", lambda: "the same" if len(set(map(_fully_connected, CONFIGS))) == 1 else "different",
        evidence=(Checked("tests/test_analysis.py::test_parameters_round_to_table_2"),),
    ),
    Claim(
        "relu", "2.1",
        "Every hidden layer is rectified (ReLU).",
        "exact", "every one",
        evidence=(
            Checked("tests/test_model.py::test_torchvision_weights_load_strictly_and_give_equal_logits"),
            Checked("tests/test_mutants.py::test_each_mutant_is_caught[no_relu_in_the_head]"),
        ),
    ),
    Claim(
        "lrn-in-one", "2.1",
        "One network only has local response normalisation.",
        "exact", 1, lambda: sum(any(isinstance(layer, LRN) for layer in config.layers) for config in CONFIGS.values()),
        " network",
        evidence=(TABLE_1,),
    ),
    Claim(
        "lrn-constants", "2.1",
        "Its constants are those of Krizhevsky et al. (2012).",
        "exact", "those of Krizhevsky et al.",
        evidence=(
            Checked("tests/test_model.py::test_local_response_normalisation_is_krizhevskys_formula"),
            Shown("configurations", "Local response normalisation"),
        ),
    ),
    Claim(
        "lrn-memory", "2.1",
        "Local response normalisation costs memory (and time, which is not compared here).",
        "exact", "more", lambda: 100 * (_activations("A-LRN") / _activations("A") - 1), "% more activations", 0,
        agrees=lambda _, ours: ours > 0,
        evidence=(Shown("configurations", "Local response normalisation"),),
    ),
)  # fmt: skip

DEPTHS = tuple(
    Claim(
        f"layers-{name.lower()}", "2.2, Table 1",
        f"Configuration {name} has {layers} weight layers.",
        "exact", layers, lambda name=name: CONFIGS[name].weight_layers, " layers",
        evidence=(
            Checked("tests/test_configs.py::test_weight_layers_are_those_of_table_1"),
            Shown("configurations", "Table 1 is data"),
        ),
    )
    for name, layers in WEIGHT_LAYERS.items()
)  # fmt: skip

WIDTHS = (
    Claim(
        "convolutions", "2.2",
        "From A to E the convolutions grow from 8 to 16; three layers are fully connected in each.",
        "exact", tuple(WEIGHT_LAYERS[name] - len(ARCHITECTURE.fully_connected) for name in "AE"),
        lambda: tuple(len(CONFIGS[name].convs) for name in "AE"), " convolutions",
        evidence=(Checked("tests/test_configs.py::test_weight_layers_are_those_of_table_1"),),
    ),
    Claim(
        "channels-first", "2.2",
        "The first layer has 64 channels.",
        "exact", ARCHITECTURE.first_channels, lambda: _channels()[0], " channels",
        evidence=(Checked("tests/test_configs.py::test_every_configuration_has_five_pools_and_doubling_channels"),),
    ),
    Claim(
        "channels-double", "2.2",
        "After each max-pool the channels double, until they are 512.",
        "exact", ARCHITECTURE.last_channels,
        lambda: next(b for a, b in zip(_channels(), _channels()[1:], strict=False) if b != 2 * a), " channels",
        evidence=(Checked("tests/test_configs.py::test_every_configuration_has_five_pools_and_doubling_channels"),),
    ),
)  # fmt: skip

PARAMETERS = (
    *(
        Claim(
            f"parameters-{name.lower()}", "2.2, Table 2",
            f"Configuration {name} has {millions} million parameters.",
            "exact", millions, lambda name=name: count_parameters(name) / 1e6, " million", 0,
            evidence=(
                Checked(f"tests/test_analysis.py::test_parameters_round_to_table_2[{name}]"),
                Shown("configurations", "Parameters"),
            ),
        )
        for name, millions in PARAMETERS_MILLIONS.items()
    ),
    Claim(
        "overfeat-weights", "2.2",
        "The net of Sermanet et al. has 144 million weights.",
        "exact", f"{ARCHITECTURE.overfeat_millions} million",
        lambda: f"{_overfeat():.1f} million, which its authors print without decimals",
        agrees=lambda *_: int(_overfeat()) == ARCHITECTURE.overfeat_millions,
        evidence=(
            Checked("tests/test_predecessors.py::test_totals_agree_with_what_the_papers_print"),
            Shown("depth", "The price"),
        ),
    ),
    Claim(
        "parameters-not-more", "2.2",
        "Deep as they are, the nets have no more weights than a shallower net with wider layers and larger filters: "
        "that of Sermanet et al. has 144 million.",
        "exact", ARCHITECTURE.overfeat_millions, lambda: max(map(count_parameters, CONFIGS)) / 1e6, " million", 0,
        agrees=lambda paper, ours: round(ours) <= paper,
        evidence=(Checked("tests/test_analysis.py::test_fixed_values[E]"), Shown("configurations", "Parameters")),
    ),
)  # fmt: skip

CLAIMS = (*BUILDING_BLOCKS, *DEPTHS, *WIDTHS, *PARAMETERS)
