"""Claims of the abstract and of appendices A and B: other tasks and other images."""

from __future__ import annotations

from vggstudy.claims.record import Claim
from vggstudy.claims.tables import evaluate_published
from vggstudy.paper import GENERALISATION, LOCALISATION

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
        "To localise, the last layer predicts a box: its centre, its width and its height.",
        "reported", f"{LOCALISATION.box_numbers} numbers",
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
        "Without the last layer a net describes any image by 4096 features, averaged over places, mirror image and "
        "scales, which a linear classifier can use; the net itself is not trained on.",
        "reported", f"{GENERALISATION.features} features",
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
