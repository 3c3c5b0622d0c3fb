"""What the paper reports: its tables and its training regime as typed records.  Data only.

K. Simonyan, A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015,
arXiv:1409.1556v6.  Errors are in % on the ILSVRC-2012 validation set unless a field says test.  Nothing here is
computed, and nothing that the library computes is typed in anywhere else.
"""

from __future__ import annotations

from dataclasses import dataclass

Scale = int | tuple[int, int]  # S, or the range [S_min; S_max] of scale jittering, pixels


@dataclass(frozen=True)
class Regime:
    """Training, section 3.1."""

    batch_size: int = 256
    momentum: float = 0.9
    weight_decay: float = 5e-4
    dropout: float = 0.5
    learning_rate: float = 1e-2
    learning_rate_drops: int = 3
    learning_rate_factor: float = 0.1
    iterations: int = 370_000
    epochs: int = 74
    crop_size: int = 224
    initial_variance: float = 1e-2
    copied_convolutions: int = 4
    copied_fully_connected: int = 3
    single_scales: tuple[int, int] = (256, 384)
    finetune_learning_rate: float = 1e-3
    jitter: tuple[int, int] = (256, 512)


@dataclass(frozen=True)
class Hardware:
    """Implementation, section 3.3."""

    gpus: int = 4
    speed_up: float = 3.75
    weeks: tuple[int, int] = (2, 3)


VIEWS = ("centre", "dense", "multi-crop", "multi-crop & dense")
"""What the network sees of a test image: its central crop, which the paper has no table of, or as in Tables 3 to 6."""


@dataclass(frozen=True)
class Result:
    """One net of Tables 3 to 5: its configuration, training scale S, test scales Q in pixels, view, and errors in %."""

    config: str
    S: Scale
    Q: tuple[int, ...]
    top1_error: float
    top5_error: float
    view: str = "dense"
    section: str = ""


@dataclass(frozen=True)
class Fusion:
    """One row of Table 6: the nets as `config/S/Q`, and errors in %."""

    models: tuple[str, ...]
    view: str
    when: str
    top1_error: float
    top5_error: float
    test_top5_error: float | None


@dataclass(frozen=True)
class Rival:
    """One row of Table 7, errors in %; `None` where the table has a dash."""

    method: str
    top1_error: float | None
    top5_error: float | None
    test_top5_error: float | None


REGIME = Regime()
HARDWARE = Hardware()
JITTER = REGIME.jitter

WEIGHT_LAYERS = {"A": 11, "A-LRN": 11, "B": 13, "C": 16, "D": 16, "E": 19}  # Table 1
PARAMETERS_MILLIONS = {"A": 133, "A-LRN": 133, "B": 133, "C": 134, "D": 138, "E": 144}  # Table 2
SHALLOW_NET_EXCESS = 7.0  # percentage points of top-1 error of the 5x5 rival over B, centre crop (section 4.1)
ONE_7X7_EXCESS = 81  # per cent more weights in one 7x7 layer than in three 3x3 layers (section 2.3)

TABLE_3 = tuple(
    Result(config, S, (Q,), top1, top5, section="4.1, Table 3")
    for config, S, Q, top1, top5 in (
        ("A", 256, 256, 29.6, 10.4),
        ("A-LRN", 256, 256, 29.7, 10.5),
        ("B", 256, 256, 28.7, 9.9),
        ("C", 256, 256, 28.1, 9.4),
        ("C", 384, 384, 28.1, 9.3),
        ("C", JITTER, 384, 27.3, 8.8),
        ("D", 256, 256, 27.0, 8.8),
        ("D", 384, 384, 26.8, 8.7),
        ("D", JITTER, 384, 25.6, 8.1),
        ("E", 256, 256, 27.3, 9.0),
        ("E", 384, 384, 26.9, 8.7),
        ("E", JITTER, 384, 25.5, 8.0),
    )
)

TABLE_4 = tuple(
    Result(config, S, Q, top1, top5, section="4.2, Table 4")
    for config, S, Q, top1, top5 in (
        ("B", 256, (224, 256, 288), 28.2, 9.6),
        ("C", 256, (224, 256, 288), 27.7, 9.2),
        ("C", 384, (352, 384, 416), 27.8, 9.2),
        ("C", JITTER, (256, 384, 512), 26.3, 8.2),
        ("D", 256, (224, 256, 288), 26.6, 8.6),
        ("D", 384, (352, 384, 416), 26.5, 8.6),
        ("D", JITTER, (256, 384, 512), 24.8, 7.5),
        ("E", 256, (224, 256, 288), 26.9, 8.7),
        ("E", 384, (352, 384, 416), 26.7, 8.6),
        ("E", JITTER, (256, 384, 512), 24.8, 7.5),
    )
)

TABLE_5 = tuple(
    Result(config, JITTER, (256, 384, 512), top1, top5, view, section="4.3, Table 5")
    for config, view, top1, top5 in (
        ("D", "dense", 24.8, 7.5),
        ("D", "multi-crop", 24.6, 7.5),
        ("D", "multi-crop & dense", 24.4, 7.2),
        ("E", "dense", 24.8, 7.5),
        ("E", "multi-crop", 24.6, 7.4),
        ("E", "multi-crop & dense", 24.4, 7.1),
    )
)

_SUBMISSION = (
    "D/256/224,256,288", "D/384/352,384,416", "D/[256;512]/256,384,512", "C/256/224,256,288",
    "C/384/352,384,416", "E/256/224,256,288", "E/384/352,384,416",
)  # fmt: skip
_TWO_BEST = ("D/[256;512]/256,384,512", "E/[256;512]/256,384,512")

TABLE_6 = (
    Fusion(_SUBMISSION, "dense", "ILSVRC submission", 24.7, 7.5, 7.3),
    Fusion(_TWO_BEST, "dense", "post-submission", 24.0, 7.1, 7.0),
    Fusion(_TWO_BEST, "multi-crop", "post-submission", 23.9, 7.2, None),
    Fusion(_TWO_BEST, "multi-crop & dense", "post-submission", 23.7, 6.8, 6.8),
)

TABLE_7 = (
    Rival("VGG (2 nets, multi-crop & dense)", 23.7, 6.8, 6.8),
    Rival("VGG (1 net, multi-crop & dense)", 24.4, 7.1, 7.0),
    Rival("VGG (ILSVRC submission, 7 nets, dense)", 24.7, 7.5, 7.3),
    Rival("GoogLeNet (1 net)", None, 7.9, 7.9),
    Rival("GoogLeNet (7 nets)", None, 6.7, 6.7),
    Rival("MSRA (11 nets)", None, None, 8.1),
    Rival("MSRA (1 net)", 27.9, 9.1, 9.1),
    Rival("Clarifai (multiple nets)", None, None, 11.7),
    Rival("Clarifai (1 net)", None, None, 12.5),
    Rival("Zeiler & Fergus (6 nets)", 36.0, 14.7, 14.8),
    Rival("Zeiler & Fergus (1 net)", 37.5, 16.0, 16.1),
    Rival("OverFeat (7 nets)", 34.0, 13.2, 13.6),
    Rival("OverFeat (1 net)", 35.7, 14.2, None),
    Rival("Krizhevsky et al. (5 nets)", 38.1, 16.4, 16.4),
    Rival("Krizhevsky et al. (1 net)", 40.7, 18.2, None),
)


# What the text says beside its tables.


@dataclass(frozen=True)
class Architecture:
    """What all configurations share, and what small filters save (sections 2.1 to 2.3)."""

    kernel: int = 3
    stride: int = 1
    padding: int = 1
    pools: int = 5
    pool_size: int = 2
    pool_stride: int = 2
    fully_connected: tuple[int, int, int] = (4096, 4096, 1000)
    first_channels: int = 64
    last_channels: int = 512
    one_by_one_layers: int = 3  # in C (section 4.1)
    fields: tuple[int, int] = (5, 7)  # pixels, of two and of three 3x3 layers
    weights: tuple[int, int] = (27, 49)  # times C squared, of three 3x3 layers and of one 7x7 layer
    overfeat_millions: int = 144  # weights of Sermanet et al., 2014 (section 2.2)


@dataclass(frozen=True)
class Protocol:
    """How a trained net is tested (sections 3.2, 4.1 and 4.2)."""

    dense_kernels: tuple[int, int, int] = (7, 1, 1)  # of fc6 to fc8, read as convolutions
    grid: int = 5
    flips: int = 2
    crops: int = 50  # a scale
    crops_of_three_scales: int = 150
    googlenet_crops: int = 144  # over 4 scales
    Q_step: int = 32  # pixels around a fixed S


@dataclass(frozen=True)
class Dataset:
    """ILSVRC-2012 (section 4)."""

    classes: int = 1000
    training_millions: float = 1.3
    validation_images: int = 50_000
    test_images: int = 100_000


@dataclass(frozen=True)
class Summary:
    """Single results that sections 4.2 to 4.5 put into words; errors in %, on the test set."""

    place: int = 2  # in the classification task of ILSVRC-2014
    submission_nets: int = 7
    submission_error: float = 7.3
    two_nets_error: float = 6.8
    single_E_error: float = 7.3  # dense, several scales (section 4.2)
    single_net_error: float = 7.0
    lead_over_googlenet: float = 0.9  # percentage points, single nets
    clarifai_outside_data: float = 11.2
    clarifai: float = 11.7


@dataclass(frozen=True)
class Localisation:
    """Appendix A: errors in %, of net D on one central crop with the class given; `test` of ILSVRC-2014 entries."""

    box_numbers: int = 4
    box_numbers_of_each_class: int = 4000
    overlap: float = 0.5  # above which a box is right
    single_class_regression: float = 36.4  # fc6 and fc7 fine-tuned
    per_class_regression: float = 34.3
    all_layers: float = 33.1  # per-class regression, all layers fine-tuned
    test: float = 25.3
    googlenet_test: float = 26.7
    place: int = 1


@dataclass(frozen=True)
class Generalisation:
    """Appendix B: features of D and E under a linear SVM; mean average precision or mean class recall, in %."""

    features: int = 4096
    voc_2007: float = 89.7
    voc_2012: float = 89.3
    caltech_101: float = 92.7
    caltech_256: float = 86.2
    actions: float = 84.0  # VOC-2012, image and bounding box


ARCHITECTURE = Architecture()
PROTOCOL = Protocol()
DATASET = Dataset()
SUMMARY = Summary()
LOCALISATION = Localisation()
GENERALISATION = Generalisation()


# What another paper made of these nets: Long, Shelhamer and Darrell, 2015.


@dataclass(frozen=True)
class Segmentation:
    """A row of their Table 2, on a part of PASCAL VOC 2011's validation set, and what their published net cuts off.

    Args:
        stride: Pixels between two scores.
        pixel_error: 100 less the pixel agreement, in %.
        mean_iou: Mean intersection over union, in %.
        crops: Cells cut off the top and left of pool3, of pool4 and of the last map, as far as they are used.
    """

    stride: int
    pixel_error: float
    mean_iou: float
    crops: tuple[int, ...]


SEGMENTATION = (
    Segmentation(32, 10.9, 59.4, (19,)),
    Segmentation(16, 10.0, 62.4, (5, 27)),
    Segmentation(8, 9.7, 62.7, (9, 5, 31)),
)
SEGMENTATION_PADDING = 100  # pixels around the picture, at conv1_1
