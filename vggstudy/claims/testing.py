"""Claims of sections 3.2 and 3.3: how a trained network is tested, and on which machines."""

from __future__ import annotations

from math import prod

from vggstudy.analysis import count_macs, find_layer, receptive_field, trace
from vggstudy.budget import implied_link
from vggstudy.claims.evidence import Checked, Shown
from vggstudy.claims.record import Claim
from vggstudy.paper import HARDWARE, PROTOCOL, REGIME

CROPS_ORACLE = Checked("tests/test_views.py::test_each_view_of_each_configuration_is_the_oracles")
WEEK = 7 * 24 * 3600  # seconds


def _grid() -> int:
    from vggstudy.views import GRID

    return GRID


def _crops(scales: int = 1) -> int:
    return _grid() ** 2 * PROTOCOL.flips * scales


def _dense_kernels() -> tuple[int, ...]:
    return tuple(layer.kernel for layer in trace("D") if layer.kind == "fc")


def dense_macs(Q: int, config: str = "D") -> int:
    """Multiply-accumulates of one dense pass over a square image of Q pixels."""
    convolutions = sum(layer.macs for layer in trace(config, crop_size=Q) if layer.kind == "conv")
    positions = (Q // 32 - 6) ** 2
    return convolutions + positions * sum(layer.macs for layer in trace(config) if layer.kind == "fc")


def _crops_against_dense() -> float:
    Q = REGIME.single_scales[1]
    return _grid() ** 2 * count_macs("D") / dense_macs(Q)


def _whole_protocol() -> float:
    """Crops against dense, over three scales; both with their mirror images."""
    scales = (256, 384, 512)
    return _crops(3) * count_macs("D") / (PROTOCOL.flips * sum(map(dense_macs, scales)))


def _map_cells() -> tuple[int, int]:
    """Cells of D's last map that its zero padding cannot reach, and all of them."""
    side, cells = REGIME.crop_size, find_layer(trace("D"), "pool5")
    boxes = [cells.box(row, column) for row in range(cells.shape[1]) for column in range(cells.shape[2])]
    free = sum(min(left, top) >= 0 and max(right, bottom) <= side for left, top, right, bottom in boxes)
    return free, prod(cells.shape[1:])


def _images_a_second() -> tuple[float, float]:
    images = REGIME.iterations * REGIME.batch_size
    return tuple(images / (weeks * WEEK) for weeks in reversed(HARDWARE.weeks))


CLAIMS = (
    Claim(
        "test-rescale", "3.2",
        "A test image is rescaled isotropically, its smallest side to Q, which need not equal S.",
        "exact", "isotropically",
        evidence=(
            Checked("tests/test_augment.py::test_rescale_is_isotropic"),
            Checked("tests/test_mutants.py::test_each_mutant_is_caught[anisotropic_resize]"),
        ),
    ),
    Claim(
        "dense-kernels", "3.2",
        "The first fully-connected layer is read as a 7×7 convolution, the other two as 1×1.",
        "exact", PROTOCOL.dense_kernels, _dense_kernels, " px a side",
        evidence=(
            Checked("tests/test_model.py::test_head_equals_the_convolution_of_section_3_2"),
            Shown("dense", "Why the size is fixed, and how it becomes free"),
        ),
    ),
    Claim(
        "whole-image", "3.2",
        "The net is then applied to the whole image, uncropped, and gives a map with a channel for each class, whose "
        "size depends on the image.",
        "exact", "whole image",
        evidence=(
            Checked("tests/test_model.py::test_score_map_equals_the_classifier_on_every_window_of_the_last_map"),
            Checked("tests/test_model.py::test_side_of_the_score_map_of_the_papers_nets"),
            Shown("dense", "How large the map is"),
        ),
    ),
    Claim(
        "spatial-average", "3.2",
        "The map of class scores is averaged over its places.",
        "exact", "averaged",
        evidence=(
            Checked("tests/test_evaluate.py::test_posteriors_are_the_oracles"),
            Checked("tests/test_views.py::test_the_mean_score_map_is_that_of_timms_pooled_head"),
            Shown("dense", "Average the scores, then the soft-max"),
        ),
    ),
    Claim(
        "flip-average", "3.2",
        "Posteriors of the image and of its mirror image are averaged.",
        "exact", "averaged",
        evidence=(Checked("tests/test_views.py::test_posteriors_of_mirror_images_are_averaged"),),
    ),
    Claim(
        "crops-cost", "3.2",
        "Many crops are less efficient than one dense pass: the net is computed again for each.",
        "exact", "less efficient", _crops_against_dense, " times the MACs (25 crops, D, Q = 384)", 1,
        agrees=lambda _, ours: ours > 1,
        evidence=(
            Checked("tests/test_views.py::test_macs_are_those_of_table_1"),
            Shown("dense", "What it costs"),
            Shown("benchmarks", "Many crops, each exactly, at a fraction of the price"),
        ),
    ),
    Claim(
        "padding-differs", "3.2",
        "Crops and the dense pass differ at the borders: maps of a crop are padded with zeros, those of the whole "
        "image with what lies beside the crop.",
        "exact", "different",
        lambda: "{} of {} cells of D's last map lie free of a crop's padding".format(*_map_cells()),
        agrees=lambda *_: _map_cells() == (1, 49),
        evidence=(
            Checked("tests/test_interiors.py::test_inside_the_rim_a_crop_is_the_image_and_in_the_rim_it_is_not"),
            Checked(
                "tests/test_widget_padding_microscope.py::"
                "test_only_the_centre_of_49_cells_is_equal_inside_the_picture"
            ),
            Shown("multi_crop", "Why the two differ"),
        ),
    ),
    Claim(
        "more-context", "3.2",
        "So the dense pass captures more context: its receptive field is larger than a crop.",
        "exact", "larger", lambda: receptive_field("D", at="fc6"), " px at fc6 of D, where a crop has 224",
        agrees=lambda _, ours: ours > REGIME.crop_size,
        evidence=(
            Checked("tests/test_analysis.py::test_fixed_values[D]"),
            Shown("dense", "Where a position looks"),
        ),
    ),
    Claim(
        "crops-a-scale", "3.2",
        "Multi-crop evaluation takes 50 crops a scale: a regular 5×5 grid and its mirror images.",
        "exact", PROTOCOL.crops, _crops, " crops",
        evidence=(CROPS_ORACLE, Shown("multi_crop", "Crops: the net as it was trained")),
    ),
    Claim(
        "crops-three-scales", "3.2",
        "Over three scales these are 150.",
        "exact", PROTOCOL.crops_of_three_scales, lambda: _crops(3), " crops",
        evidence=(CROPS_ORACLE,),
    ),
    Claim(
        "crops-of-googlenet", "3.2",
        "Szegedy et al. used 144 crops over four scales, which is comparable.",
        "reported", f"{PROTOCOL.googlenet_crops} crops",
    ),
    Claim(
        "crops-not-worth-it", "3.2",
        "The authors believe that in practice the gain of crops is not worth their time.",
        "reported", "not worth it", _whole_protocol, " times the MACs of dense (D, three scales)", 1,
        evidence=(Shown("multi_crop", "What it costs"),),
    ),
    Claim(
        "caffe", "3.3",
        "The code was derived from Caffe, branched off in December 2013, and extended to several GPUs and to whole "
        "images.",
        "reported", "Caffe",
    ),
    Claim(
        "data-parallel", "3.3",
        "A batch is divided among the GPUs and their gradients are averaged, so the result is that of a single GPU.",
        "exact", "the same result",
        evidence=(
            Checked("tests/test_distributed.py::test_two_processes_equal_one_with_the_same_global_batch"),
            Shown("cost", "A check against the paper"),
        ),
    ),
    Claim(
        "speed-up", "3.3",
        f"Four GPUs in one computer were {HARDWARE.speed_up} times as fast as one.",
        "reported", f"{HARDWARE.speed_up} times",
        lambda: f"{implied_link() / 1e9:.1f} GB/s between the GPUs would explain it",
        evidence=(
            Checked("tests/test_budget.py::test_the_implied_link_gives_back_the_paper_s_speed_up"),
            Shown("cost", "A check against the paper"),
        ),
    ),
    Claim(
        "weeks", "3.3",
        "A net took two to three weeks on four Titan Black.",
        "reported", f"{HARDWARE.weeks[0]} to {HARDWARE.weeks[1]} weeks",
        lambda: "which is {:.0f} to {:.0f} images a second".format(*_images_a_second()),
        evidence=(
            Checked("tests/test_budget.py::test_the_paper_s_machine_takes_the_paper_s_time"),
            Shown("cost", "A check against the paper"),
        ),
    ),
)  # fmt: skip
