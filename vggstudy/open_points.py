"""What the paper leaves open: our choice, the other readings, and the switch to them.  Data only, no torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class OpenPoint:
    """One thing that a reader must decide to run the paper again.

    Args:
        question: What is not said.
        section: Where one would look for it.
        choice: What is done here by default.
        alternatives: Other readings, met in the wild or as plausible.
        switch: How to take one of them; empty where there is none.
    """

    question: str
    section: str
    choice: str
    alternatives: tuple[str, ...]
    switch: str = ""


OPEN_POINTS = (
    OpenPoint(
        "How random weights begin: at full width the variance of 0.01 overflows",
        "3.1",
        "Glorot and Bengio's normal distribution, which a note of the paper recommends",
        ("a variance of 0.01, the paper's words", "0.01 as the standard deviation, as Krizhevsky et al. have it"),
        "--initialise",
    ),
    OpenPoint(
        "How images are interpolated when they are rescaled",
        "3.1",
        "bilinear, antialiased",
        ("bicubic, antialiased",),
        "TrainConfig(interpolation=...)",
    ),
    OpenPoint(
        "Whether a jittered S is a whole number of pixels",
        "3.1",
        "each whole number equally likely",
        ("a real number, rounded",),
        "TrainConfig(S_drawn=...)",
    ),
    OpenPoint(
        "The size of the RGB colour shift",
        "3.1",
        "Krizhevsky et al.: standard deviation 0.1, eigenvalues of pixels between 0 and 1",
        ("none", "another standard deviation"),
        "TrainConfig(colour_std=...)",
    ),
    OpenPoint(
        "Over which pixels the principal components are taken",
        "3.1",
        "those of the training set at hand",
        ("ImageNet's, typed in",),
    ),
    OpenPoint(
        "The constants of local response normalisation",
        "2.1",
        "Krizhevsky et al.: size 5, alpha 1e-4 on the sum, beta 0.75, k 2",
        ("alpha divided by the size (torch, Caffe)", "k = 1 (Caffe's default)"),
        "vgg('conv3-64 LRN(k=1) conv3-128')",
    ),
    OpenPoint(
        "When the validation error has stopped improving",
        "3.1",
        "3 validations without a lower top-1 error, one an epoch",
        ("more patience", "top-5 error", "by eye, as was usual"),
        "TrainConfig(patience=..., plateau_on=..., validate_every=...)",
    ),
    OpenPoint(
        "When training stops after the third division",
        "3.1",
        "at the next plateau, or after 74 epochs, the paper's number",
        ("after 370,000 iterations exactly",),
        "TrainConfig(epochs=..., drops=...)",
    ),
    OpenPoint(
        "On what the validation error is computed while training",
        "3.1",
        "centre crops at Q = S, or at the middle of the jittered range",
        ("dense evaluation", "another Q"),
        "TrainConfig(Q=...)",
    ),
    OpenPoint(
        "Which layers of A are copied where kernels or places differ",
        "3.1",
        "those of the same name and shape: conv1_1, conv2_1, conv3_1, conv3_2, fc6 to fc8",
        (
            "a kernel of another size too, in the middle of the larger one",
            "the first four convolutions of the deeper net in order, most of which have another shape",
        ),
        "preinitialise(centre_kernels=True)",
    ),
    OpenPoint("Whether A-LRN is pre-initialised", "3.1", "no: it is as deep as A", ("from A",), "--init-from"),
    OpenPoint("The learning rate of the jittered nets", "3.1", "1e-3, as for S = 384", ("1e-2",), "--lr"),
    OpenPoint(
        "Whether the momentum is kept when a net starts from another", "3.1", "no: it starts from zero", ("yes",)
    ),
    OpenPoint(
        "Whether biases decay",
        "3.1",
        "yes, as the weights",
        ("no (and at twice the rate, in Caffe's usual files)",),
        "TrainConfig(decay_biases=False)",
    ),
    OpenPoint(
        "The images left over when an epoch does not fill its last batch",
        "3.1",
        "they wait for another epoch's order",
        ("a smaller batch", "a batch filled from the next epoch"),
    ),
    OpenPoint(
        "Glorot and Bengio's distribution",
        "3.1",
        "normal",
        ("uniform",),
        "initialise(uniform=True)",
    ),
    OpenPoint(
        "What is averaged over a score map",
        "3.2",
        "class scores, then soft-max",
        ("soft-max at each position, then the average",),
    ),
    OpenPoint(
        "What becomes of the border when a side is no multiple of 32",
        "3.2",
        "dropped, as torch's pooling does",
        ("kept as a partial window, as Caffe does",),
        "vgg(ceil_mode=True)",
    ),
    OpenPoint(
        "How the 5x5 grid of crops falls on whole pixels",
        "3.2",
        "rounded down to multiples of 8, so that crops share their first layers (the short side's lie there anyway)",
        ("rounded down to whole pixels",),
        "evaluate(exact_grid=True)",
    ),
)
