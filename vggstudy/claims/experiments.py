"""Claims of section 4, its findings in words; the rows of its tables are in `tables`."""

from __future__ import annotations

import json
from pathlib import Path

from vggstudy.analysis import receptive_field
from vggstudy.arms import RIVAL_5
from vggstudy.claims.evidence import Checked, Compared, Shown
from vggstudy.claims.record import Claim
from vggstudy.claims.tables import errors, evaluate_published, fuse_commands
from vggstudy.claims.verdicts import (
    by_both_rules,
    combined,
    comparison,
    far_scales,
    papers_gain,
    provided,
    wider_range,
)
from vggstudy.configs import CONFIGS, parse
from vggstudy.paper import (
    DATASET,
    JITTER,
    PROTOCOL,
    REGIME,
    SHALLOW_NET_EXCESS,
    SUMMARY,
    TABLE_4,
    TABLE_5,
    TABLE_6,
    TABLE_7,
)
from vggstudy.regime import TrainConfig

WORDNET_IDS = Path(__file__).parents[1] / "datasets" / "imagenet-wordnet-ids.json"
SHALLOW = parse(RIVAL_5, name="B with 5×5")
BEST = min(TABLE_4, key=lambda row: (row.top1_error, row.top5_error))
SMALL_SCALE = Shown("scales", "The same differences at small scale")
RIVALS = {row.method: row for row in TABLE_7}


def _default_Q() -> tuple[int, ...]:
    from vggstudy.evaluate import PAPER_Q

    return PAPER_Q


def _lead() -> float:
    single = next(row for row in TABLE_7 if row.method.startswith("VGG (1 net"))
    return RIVALS["GoogLeNet (1 net)"].test_top5_error - single.test_top5_error


DATA = (
    Claim(
        "classes", "4",
        "ILSVRC-2012 has 1000 classes.",
        "exact", DATASET.classes, lambda: len(json.loads(WORDNET_IDS.read_text(encoding="utf-8"))), " classes",
        evidence=(Checked("tests/test_data_folders.py::test_imagenet_in_class_folders"),),
    ),
    Claim(
        "training-images", "4",
        "It has 1.3 million images to train on; so have 370 thousand updates of 256 in 74 epochs.",
        "exact", DATASET.training_millions, lambda: REGIME.iterations * REGIME.batch_size / REGIME.epochs / 1e6,
        " million", 1,
        evidence=(Shown("training", "How long"),),
    ),
    Claim(
        "other-images", "4",
        "It has 50 thousand images for validation, and 100 thousand for the test, whose classes are held back.",
        "reported", f"{DATASET.validation_images:,} and {DATASET.test_images:,}",
    ),
    Claim(
        "top-1", "4",
        "Top-1 error is the share of images whose class is not the first guess.",
        "exact", "share of images",
        evidence=(Checked("tests/test_evaluate.py::test_error_rates"),),
    ),
    Claim(
        "top-5", "4",
        "Top-5 error, by which ILSVRC ranks, is the share whose class is not among the first five guesses.",
        "exact", "share of images",
        evidence=(
            Checked("tests/test_evaluate.py::test_error_rates"),
            Checked("tests/test_evaluate.py::test_a_constant_network_is_not_praised"),
        ),
    ),
)  # fmt: skip

ONE_SCALE = (
    Claim(
        "Q-of-fixed-S", "4.1",
        "Nets of a fixed S are tested at Q = S.",
        "exact", REGIME.single_scales, lambda: tuple(TrainConfig(S=S).val_Q for S in REGIME.single_scales), " px",
        evidence=(Checked("tests/test_paper.py::test_tables_3_and_4"),),
    ),
    Claim(
        "Q-of-jittered-S", "4.1",
        "Nets of a jittered S are tested in the middle of its range.",
        "exact", sum(REGIME.jitter) // 2, lambda: TrainConfig(S=REGIME.jitter).val_Q, " px",
        evidence=(Checked("tests/test_paper.py::test_tables_3_and_4"),),
    ),
    Claim(
        "lrn-no-gain", "4.1",
        "Local response normalisation does not improve on A without it.",
        comparison("lrn"), papers_gain("lrn"),
        evidence=(Compared("lrn"), SMALL_SCALE),
    ),
    Claim(
        "depth-helps", "4.1",
        "The error falls with depth, from A's 11 layers to E's 19.",
        by_both_rules(**{letter.upper(): f"depth-{letter}" for letter in "bcde"}),
        "; ".join(f"{letter.upper()}: {papers_gain(f'depth-{letter}')}" for letter in "bcde"),
        evidence=(*(Compared(f"depth-{letter}-passes") for letter in "bcde"), SMALL_SCALE),
    ),
    Claim(
        "c-and-d-as-deep", "4.1",
        "C is as deep as D.",
        "exact", (16, 16), lambda: tuple(CONFIGS[name].weight_layers for name in "CD"), " layers",
        evidence=(Checked("tests/test_configs.py::test_weight_layers_are_those_of_table_1"),),
    ),
    Claim(
        "c-beats-b", "4.1",
        "Additional non-linearity helps: C is better than B.",
        by_both_rules(C="one-by-one"), papers_gain("one-by-one"),
        evidence=(Compared("one-by-one-passes"), Compared("one-by-one"), Shown("one_by_one", "The paper's comparison")),
    ),
    Claim(
        "d-beats-c", "4.1",
        "Spatial context helps too: D is better than C.",
        by_both_rules(D="context"), papers_gain("context"),
        evidence=(Compared("context-passes"), Compared("context"), Shown("one_by_one", "The paper's comparison")),
    ),
    Claim(
        "saturation", "4.1",
        "At 19 layers the error has saturated; larger data sets might need deeper nets.",
        provided(
            "depth-d-passes", by_both_rules(E="saturation"), "But D is not better than A here: nothing has saturated"
        ),
        papers_gain("saturation"),
        evidence=(Compared("saturation-passes"), Compared("saturation"), SMALL_SCALE),
    ),
    Claim(
        "shallow-net", "4.1",
        "A shallow net, B with one 5×5 layer for each pair of 3×3, has five convolutions.",
        "exact", 5, lambda: len(SHALLOW.convs), " convolutions",
        evidence=(Shown("small_filters", "The experiment: a shallow rival of B"),),
    ),
    Claim(
        "shallow-field", "4.1",
        "It sees as much as B.",
        "exact", "as much", lambda: f"{receptive_field(SHALLOW)} px, B {receptive_field('B')} px at pool5",
        agrees=lambda *_: receptive_field(SHALLOW) == receptive_field("B"),
        evidence=(Shown("small_filters", "The experiment: a shallow rival of B"),),
    ),
    Claim(
        "shallow-error", "4.1",
        f"Its top-1 error was {SHALLOW_NET_EXCESS:g} points higher than B's, on a centre crop: deep nets of small "
        "filters are better than shallow ones of large filters.",
        comparison("small-filters"), papers_gain("small-filters"),
        evidence=(Compared("small-filters"), Shown("small_filters", "The experiment: a shallow rival of B")),
    ),
    Claim(
        "jitter-helps", "4.1",
        "Jittering S in training is much better than a fixed S, even at a single test scale.",
        combined(than_the_small_S="jitter", than_the_large_S="jitter-large"),
        f"D: {papers_gain('jitter')}; {papers_gain('jitter-large')}",
        evidence=(Compared("jitter"), Compared("jitter-large"), Shown("image_size", "Three trained nets")),
    ),
)  # fmt: skip

SEVERAL_SCALES = (
    Claim(
        "far-scales", "4.2",
        "A test scale far from the training scale costs performance.",
        far_scales, "drops",
        evidence=(
            Checked("tests/test_nets.py::test_a_net_reaches_the_error_on_its_card"),
            Shown("scales", "Error against Q"),
        ),
    ),
    Claim(
        "wider-range", "4.2",
        "A net of jittered S can be tested over a wider range of scales.",
        wider_range, "wider",
        evidence=(
            Checked("tests/test_nets.py::test_a_net_reaches_the_error_on_its_card"),
            Shown("scales", "Error against Q"),
        ),
    ),
    Claim(
        "Q-around-S", "4.2",
        "Nets of a fixed S are tested at three scales: S and 32 pixels to either side.",
        "exact", tuple(REGIME.single_scales[0] + step * PROTOCOL.Q_step for step in (-1, 0, 1)),
        lambda: {row.S: row.Q for row in TABLE_4}[REGIME.single_scales[0]], " px at S = 256",
        evidence=(Checked("tests/test_paper.py::test_tables_3_and_4"),),
    ),
    Claim(
        "Q-over-range", "4.2",
        "Nets of jittered S are tested at both ends and the middle of the range.",
        "exact", (JITTER[0], sum(JITTER) // 2, JITTER[1]), _default_Q, " px",
        evidence=(Checked("tests/test_evaluate.py::test_default_scales"),),
    ),
    Claim(
        "scales-help", "4.2",
        "Averaging over several test scales is better than a single one.",
        combined(jittered_S="scales", fixed_S="scales-fixed"),
        f"D: {papers_gain('scales')}; {papers_gain('scales-fixed')}",
        evidence=(Compared("scales"), Compared("scales-fixed"), SMALL_SCALE),
    ),
    Claim(
        "best-single-net", "4.2, Table 4",
        "The best single net, on the validation images, is tested densely over three scales.",
        "imagenet", errors(BEST.top1_error, BEST.top5_error),
        evidence=(evaluate_published("D", "table4"), evaluate_published("E", "table4")),
    ),
    Claim(
        "e-on-test", "4.2",
        f"On the test set E has a top-5 error of {SUMMARY.single_E_error}%.",
        "reported", f"{SUMMARY.single_E_error}%",
    ),
)  # fmt: skip

VIEWS = (
    Claim(
        "crops-help", "4.3",
        "Crops do slightly better than dense evaluation.",
        comparison("crops"), papers_gain("crops"),
        evidence=(Compared("crops"), Shown("multi_crop", "The ladder")),
    ),
    Claim(
        "both-help", "4.3",
        "The two together are better than either: they are complementary.",
        combined(than_dense="both-dense", than_crops="both-crops"),
        f"D: {papers_gain('both-dense')}; {papers_gain('both-crops')}",
        evidence=(Compared("both-dense"), Compared("both-crops"), Shown("multi_crop", "The ladder")),
    ),
)  # fmt: skip

FUSION = (
    Claim(
        "fusion-helps", "4.4",
        "Averaging the posteriors of several nets improves the result.",
        comparison("fusion"), papers_gain("fusion"),
        evidence=(
            Compared("fusion"), Checked("tests/test_evaluate.py::test_fusion_is_the_mean_of_posteriors"),
            Shown("fusion", "The mean of posteriors"),
        ),
    ),
    Claim(
        "submission", "4.4",
        f"The submission averaged {SUMMARY.submission_nets} nets, of which the jittered D was fine-tuned in its "
        f"fully-connected layers only; its test error was {SUMMARY.submission_error}%.",
        "reported", f"{SUMMARY.submission_nets} nets, {SUMMARY.submission_error}%",
    ),
    Claim(
        "two-beat-seven", "4.4, Table 6",
        "Two nets of jittered S do better than the seven, dense.",
        "imagenet", f"{TABLE_6[1].top1_error}% instead of {TABLE_6[0].top1_error}% (top-1)",
        evidence=(*fuse_commands(TABLE_6[1]), *fuse_commands(TABLE_6[0])),
    ),
    Claim(
        "two-nets-on-test", "4.4",
        f"With crops and dense together, the two reach {SUMMARY.two_nets_error}% on the test set.",
        "reported", f"{SUMMARY.two_nets_error}%",
    ),
    Claim(
        "best-single-with-crops", "4.4",
        "With crops and dense together, E is the best single net.",
        "imagenet", f"{min(row.top5_error for row in TABLE_5)}% (top-5)",
        evidence=(evaluate_published("E", "table5"),),
    ),
)  # fmt: skip

STATE_OF_THE_ART = (
    Claim(
        "second-place", "4.5",
        "The submission came second in the classification task of ILSVRC-2014.",
        "reported", f"place {SUMMARY.place}, {SUMMARY.submission_error}%",
    ),
    Claim(
        "near-the-winner", "4.5",
        "Two nets come close to the winner, GoogLeNet with seven.",
        "reported", f"{SUMMARY.two_nets_error}% against {RIVALS['GoogLeNet (7 nets)'].test_top5_error}%",
    ),
    Claim(
        "clarifai", "4.5",
        "They are far ahead of the winner of 2013, Clarifai, with outside data and without.",
        "reported", f"{SUMMARY.clarifai_outside_data}% and {SUMMARY.clarifai}%",
    ),
    Claim(
        "best-single", "4.5",
        "Of all single nets, it is the best on the test set.",
        "exact", SUMMARY.single_net_error,
        lambda: min(r.test_top5_error for r in TABLE_7 if "1 net" in r.method and r.test_top5_error), "%", 1,
        evidence=(Checked("tests/test_paper.py::test_table_7"), Shown("fusion", "The state of the art, 2014")),
    ),
    Claim(
        "ahead-of-googlenet", "4.5",
        f"It is {SUMMARY.lead_over_googlenet} points ahead of a single GoogLeNet.",
        "exact", SUMMARY.lead_over_googlenet, _lead, " points", 1,
        evidence=(Checked("tests/test_paper.py::test_table_7"), Shown("fusion", "The state of the art, 2014")),
    ),
    Claim(
        "classical", "4.5",
        "The architecture is the classical one of LeCun et al. (1989), made much deeper.",
        "reported", "deeper",
    ),
)  # fmt: skip

CLAIMS = (*DATA, *ONE_SCALE, *SEVERAL_SCALES, *VIEWS, *FUSION, *STATE_OF_THE_ART)
