"""Claims of the abstract and of appendices A and B: other tasks and other images."""

from __future__ import annotations

from vggstudy.analysis import find_layer, trace
from vggstudy.claims.evidence import Checked
from vggstudy.claims.record import Claim
from vggstudy.claims.tables import evaluate_published
from vggstudy.paper import DATASET, GENERALISATION, LOCALISATION


def _box_numbers() -> int:
    import torch

    from vggstudy.localisation import to_centres

    return to_centres(torch.zeros(1, 4)).shape[-1]


def _overlap() -> float:
    from vggstudy.localisation import CORRECT

    return CORRECT


ABSTRACT = (
    Claim(
        "models-published", "1",
        "The two best models were made public.",
        "imagenet", "D and E",
        evidence=(evaluate_published("D", "table4"), evaluate_published("E", "table4")),
    ),
)  # fmt: skip

LOCALISING = (
    Claim(
        "box", "A",
        "To localise, the last layer predicts a box instead of scores: its centre, its width and its height.",
        "exact", LOCALISATION.box_numbers, _box_numbers, " numbers",
        evidence=(
            Checked("tests/test_localisation.py::test_the_papers_four_numbers_and_back"),
            Checked("tests/test_localisation.py::test_one_box_for_all_classes_is_four_numbers_and_recovers_the_rule"),
        ),
    ),
    Claim(
        "boxes-of-all-classes", "A",
        "Or a box for each of the 1000 classes.",
        "exact", LOCALISATION.box_numbers_of_each_class, lambda: DATASET.classes * _box_numbers(), " numbers",
        evidence=(
            Checked(
                "tests/test_localisation.py::"
                "test_a_box_of_each_class_is_four_times_the_classes_and_recovers_what_one_cannot"
            ),
        ),
    ),
    Claim(
        "box-overlap", "A",
        "A box is right if its intersection with the true one is more than half of their union.",
        "exact", LOCALISATION.overlap, _overlap,
        evidence=(Checked("tests/test_localisation.py::test_overlap_by_hand"),),
    ),
    Claim(
        "box-of-each-class", "A",
        "A box for each class is better than one for all of them.",
        "reported", f"{LOCALISATION.per_class_regression}% instead of {LOCALISATION.single_class_regression}%",
    ),
    Claim(
        "box-all-layers", "A",
        "Fine-tuning all layers is better than the first two fully-connected ones alone.",
        "reported", f"{LOCALISATION.all_layers}% instead of {LOCALISATION.per_class_regression}%",
    ),
    Claim(
        "localisation-won", "A",
        f"With {LOCALISATION.test}% the team won the localisation task of ILSVRC-2014, before GoogLeNet.",
        "reported", f"{LOCALISATION.test}% against {LOCALISATION.googlenet_test}%",
    ),
)  # fmt: skip

GENERALISING = (
    Claim(
        "features", "B",
        "Without its last layer a net describes any image by 4096 features, averaged over places and the mirror image.",
        "exact", GENERALISATION.features, lambda: find_layer(trace("D"), "fc7").shape[0], " features",
        evidence=(
            Checked("tests/test_transfer.py::test_features_by_hand_at_two_scales"),
            Checked("tests/test_transfer.py::test_a_photograph_and_its_mirror_image_have_the_same_features"),
        ),
    ),
    Claim(
        "features-joined", "B",
        "Features of several scales are averaged or stacked, and brought to unit length.",
        "exact", "averaged or stacked",
        evidence=(
            Checked("tests/test_transfer.py::test_descriptors_have_unit_length_and_the_scales_are_averaged_or_stacked"),
        ),
    ),
    Claim(
        "features-fixed", "B",
        "A linear classifier learns on them; the net itself is not trained on.",
        "exact", "fixed",
        evidence=(
            Checked("tests/test_transfer.py::test_the_network_is_left_as_it_was"),
            Checked("tests/test_transfer.py::test_the_classifier_recovers_a_planted_rule"),
        ),
    ),
    Claim(
        "voc-2007", "B",
        "D and E together, on VOC-2007 (mean average precision).",
        "reported", f"{GENERALISATION.voc_2007}%",
    ),
    Claim(
        "voc-2012", "B",
        "D and E together, on VOC-2012 (mean average precision).",
        "reported", f"{GENERALISATION.voc_2012}%",
    ),
    Claim(
        "caltech-101", "B",
        "D and E together, on Caltech-101 (mean class recall).",
        "reported", f"{GENERALISATION.caltech_101}%",
    ),
    Claim(
        "caltech-256", "B",
        "D and E together, on Caltech-256 (mean class recall).",
        "reported", f"{GENERALISATION.caltech_256}%",
    ),
    Claim(
        "actions", "B",
        "D and E together, on the actions of VOC-2012, image and box (mean average precision).",
        "reported", f"{GENERALISATION.actions}%",
    ),
)  # fmt: skip

CLAIMS = (*ABSTRACT, *LOCALISING, *GENERALISING)
