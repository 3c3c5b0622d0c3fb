"""Claims of section 3.1: how the networks are trained."""

from __future__ import annotations

from vggstudy.budget import IMAGENET_IMAGES
from vggstudy.claims.evidence import Checked, Compared, Runs, Shown, Stored
from vggstudy.claims.record import Claim
from vggstudy.claims.verdicts import a_learns, a_stall, by_both_rules, epochs_of_small_filters
from vggstudy.paper import REGIME
from vggstudy.recipes import recipe
from vggstudy.regime import TrainConfig, problems

IMAGENET = "imagenet:data/imagenet"
UPDATE = Checked("tests/test_train.py::test_one_update_is_momentum_descent_with_weight_decay")
PLATEAU = Checked("tests/test_train.py::test_plateau_divides_three_times_and_stops")
DEFAULTS = Checked("tests/test_train.py::test_the_defaults_are_the_papers")
CHAIN = Checked("tests/test_recipes.py::test_the_jittered_net_goes_through_A_256_and_384")
LARGE, JITTERED = REGIME.single_scales[1], REGIME.jitter


def _copied() -> tuple[int, int]:
    """Convolutions and fully-connected layers that a deeper net takes from A."""
    from vggstudy.initialise import COPIED_LAYERS

    convolutions = sum(name.startswith("conv") for name in COPIED_LAYERS)
    return convolutions, len(COPIED_LAYERS) - convolutions


def _variance() -> float:
    from vggstudy.initialise import METHODS

    return METHODS["normal"](1, 1) ** 2


def _dropout() -> float:
    import torch

    from vggstudy.model import vgg

    with torch.device("meta"):
        return vgg("A").dropout


def _smallest_S() -> int:
    return next(S for S in range(1, 257) if not problems({"S": S}, REGIME.crop_size))


DESCENT = (
    Claim(
        "objective", "3.1",
        "The objective is multinomial logistic regression: the cross-entropy of the soft-max.",
        "exact", "cross-entropy of the soft-max",
        evidence=(UPDATE, Shown("training", "The objective")),
    ),
    Claim(
        "batch-size", "3.1",
        "Mini-batches have 256 images.",
        "exact", REGIME.batch_size, lambda: TrainConfig().batch_size, " images",
        evidence=(DEFAULTS, Checked("tests/test_train.py::test_accumulated_micro_batches_make_the_same_update")),
    ),
    Claim(
        "momentum", "3.1",
        "Momentum is 0.9.",
        "exact", REGIME.momentum, lambda: TrainConfig().momentum,
        evidence=(UPDATE, Shown("training", "The descent")),
    ),
    Claim(
        "weight-decay", "3.1",
        "Weight decay, an L2 penalty, is 5·10⁻⁴.",
        "exact", REGIME.weight_decay, lambda: TrainConfig().weight_decay,
        evidence=(UPDATE, Shown("training", "Dropout and weight decay")),
    ),
    Claim(
        "dropout", "3.1",
        "The first two fully-connected layers are trained with a dropout of 0.5.",
        "exact", REGIME.dropout, _dropout,
        evidence=(
            Checked("tests/test_train.py::test_dropout_is_off_in_validation_and_on_in_training"),
            Shown("training", "Dropout and weight decay"),
        ),
    ),
    Claim(
        "learning-rate", "3.1",
        "The learning rate begins at 10⁻².",
        "exact", REGIME.learning_rate, lambda: TrainConfig().lr,
        evidence=(DEFAULTS,),
    ),
    Claim(
        "plateau", "3.1",
        "It is divided by 10 when the validation error stops improving.",
        "exact", REGIME.learning_rate_factor, lambda: TrainConfig().factor, " times the rate",
        evidence=(PLATEAU, Shown("training", "When to divide the rate")),
    ),
    Claim(
        "three-drops", "3.1",
        "That happened three times in all.",
        "exact", REGIME.learning_rate_drops, lambda: TrainConfig().drops, " divisions",
        evidence=(PLATEAU, Shown("training", "When to divide the rate")),
    ),
    Claim(
        "iterations", "3.1",
        "Training stopped after 370 thousand updates, which are 74 epochs.",
        "exact", REGIME.iterations / 1000,
        lambda: round(TrainConfig().epochs * IMAGENET_IMAGES / REGIME.batch_size, -4) / 1000, " thousand updates", 0,
        evidence=(Checked("tests/test_budget.py::test_hours_on_one_gpu_are_arithmetic"), Shown("training", "How long")),
    ),
    Claim(
        "fewer-epochs", "3.1",
        "Deeper and with more parameters, the nets needed fewer epochs than that of Krizhevsky et al. (who report "
        "roughly 90 passes).",
        "reported", f"{REGIME.epochs} epochs",
        evidence=(Shown("training", "How long"),),
    ),
    Claim(
        "implicit-regularisation", "3.1",
        "A conjecture: one reason is that depth and small filters regularise.",
        epochs_of_small_filters, "conjectured",
        evidence=(Stored("filter_size.json", "settings", "B, 3×3"), Shown("training", "How long")),
    ),
    Claim(
        "pre-initialisation", "3.1",
        "A conjecture: the other reason is that some layers began from a trained net.",
        by_both_rules(B="start-b", D="start-d"), "conjectured",
        evidence=(
            *(Compared(f"start-{letter}{rule}") for rule in ("-passes", "") for letter in "bd"),
            Shown("initialisation", "Does it learn?"),
        ),
    ),
)  # fmt: skip

STARTS = (
    Claim(
        "bad-starts-stall", "3.1",
        "A bad initialisation can stall learning in deep nets.",
        a_stall, "can stall",
        evidence=(
            Stored("start.json", "settings", "D, random"),
            Stored("start.json", "settings", "D, from A"),
            Shown("training", "When nothing is learnt"),
            Shown("initialisation", "Does it learn?"),
        ),
    ),
    Claim(
        "a-from-random", "3.1",
        "A is shallow enough to be trained from random weights.",
        a_learns, "trained",
        evidence=(Stored("start.json", "settings", "A"), Shown("initialisation", "Does it learn?")),
    ),
    Claim(
        "copied-layers", "3.1",
        "Deeper nets begin with A's first four convolutions and its three fully-connected layers; the layers between "
        "begin at random.",
        "exact", (REGIME.copied_convolutions, REGIME.copied_fully_connected), _copied, " layers",
        evidence=(
            Checked(
                "tests/test_initialise.py::"
                "test_preinitialisation_copies_four_convolutions_and_three_fully_connected_layers"
            ),
            Shown("initialisation", "Pre-initialisation"),
        ),
    ),
    Claim(
        "copied-layers-learn", "3.1",
        "The copied layers learn on at the full learning rate.",
        "exact", REGIME.learning_rate, lambda: recipe("D")[-1].lr,
        evidence=(
            Checked("tests/test_recipes.py::test_the_commands_are_understood_by_train_and_are_the_papers_regime"),
            Checked("tests/test_train_command.py::test_a_deeper_net_starts_from_the_layers_of_A"),
        ),
    ),
    Claim(
        "random-weights", "3.1",
        "Random weights come from a normal distribution of mean 0 and variance 10⁻².",
        "exact", REGIME.initial_variance, _variance, " (variance)", 2,
        evidence=(
            Checked("tests/test_initialise.py::test_standard_deviation_of_the_weights[normal-0.1]"),
            Shown("initialisation", "What one layer does to the signal"),
        ),
    ),
    Claim(
        "zero-biases", "3.1",
        "Biases begin at zero.",
        "exact", "zero",
        evidence=(Checked("tests/test_initialise.py::test_standard_deviation_of_the_weights"),),
    ),
    Claim(
        "glorot", "3.1",
        "Found after submission: with the random weights of Glorot and Bengio no pre-training is needed.",
        "imagenet", "not needed",
        evidence=(
            Runs(f"vggstudy train D --data {IMAGENET} --S 256 --initialise glorot --out runs/D-256-glorot"),
            Shown("initialisation", "Does it learn?"),
        ),
    ),
)  # fmt: skip

IMAGES = (
    Claim(
        "random-crops", "3.1",
        "Each update sees one random crop of each of its images.",
        "exact", "one crop",
        evidence=(
            Checked("tests/test_augment.py::test_crops_are_cut_from_the_image_at_every_place"),
            Checked("tests/test_augment.py::test_a_crop_depends_on_seed_epoch_and_image_only"),
        ),
    ),
    Claim(
        "random-flips", "3.1",
        "Crops are mirrored at random.",
        "exact", "at random",
        evidence=(
            Checked("tests/test_augment.py::test_half_of_the_crops_are_flipped_left_to_right"),
            Shown("training", "What is done to an image, and why"),
        ),
    ),
    Claim(
        "colour-shift", "3.1",
        "Their colours are shifted at random, as by Krizhevsky et al.",
        "exact", "as by Krizhevsky et al.",
        evidence=(
            Checked("tests/test_augment.py::test_colour_shift_is_vectors_times_alpha_times_values"),
            Checked("tests/test_augment.py::test_colour_shift_has_the_spread_that_was_asked_for"),
        ),
    ),
    Claim(
        "isotropic", "3.1",
        "Images are rescaled isotropically, their smallest side to S.",
        "exact", "isotropically",
        evidence=(
            Checked("tests/test_augment.py::test_rescale_is_isotropic"),
            Shown("image_size", "Rescaled isotropically"),
        ),
    ),
    Claim(
        "smallest-S", "3.1",
        "S can be anything from 224 pixels on, where the crop spans the whole smallest side.",
        "exact", REGIME.crop_size, _smallest_S, " px",
        evidence=(Checked("tests/test_train_command.py::test_what_cannot_be_is_refused_in_one_line"),),
    ),
    Claim(
        "large-S-small-part", "3.1",
        "At an S far above 224 the crop shows a small part of the image.",
        "exact", "small part", lambda: 100 * (REGIME.crop_size / REGIME.jitter[1]) ** 2,
        "% of a square image at S = 512", 0, agrees=lambda _, ours: ours < 25,
        evidence=(Shown("image_size", "What the crop sees"),),
    ),
    Claim(
        "single-scales", "3.1",
        "Single-scale nets were trained at S = 256 and S = 384.",
        "exact", REGIME.single_scales, lambda: tuple(stage.S for stage in recipe("D", LARGE)[1:]), " px",
        evidence=(CHAIN,),
    ),
    Claim(
        "S-384-start", "3.1",
        "The net at S = 384 began from that at S = 256, at a learning rate of 10⁻³.",
        "exact", REGIME.finetune_learning_rate, lambda: recipe("D", LARGE)[-1].lr,
        evidence=(CHAIN,),
    ),
    Claim(
        "jitter-range", "3.1",
        "Multi-scale training draws S for each image from [256; 512].",
        "exact", REGIME.jitter, lambda: recipe("D", JITTERED)[-1].S, " px",
        evidence=(
            Checked("tests/test_augment.py::test_S_is_drawn_evenly_up_to_both_ends"),
            Checked("tests/test_augment.py::test_each_image_draws_its_own_S"),
            Shown("image_size", "Jittering: S is drawn for each image"),
        ),
    ),
    Claim(
        "jitter-start", "3.1",
        "Multi-scale nets were fine-tuned, in all layers, from the net of the same configuration at S = 384.",
        "exact", "D-384", lambda: recipe("D", JITTERED)[-1].init_from,
        evidence=(CHAIN, Checked("tests/test_train_command.py::test_init_from_takes_weights_only")),
    ),
)  # fmt: skip

CLAIMS = (*DESCENT, *STARTS, *IMAGES)
