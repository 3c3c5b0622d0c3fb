"""`vggstudy train`: one network, one data set, one regime; also under torchrun."""

from __future__ import annotations

import argparse
import sys
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from vggstudy.configs import find_config
from vggstudy.errors import ConfigError, unknown
from vggstudy.regime import SMALL, SMALL_FASHION, SMALL_NET, TrainConfig, problems, settings, small_crop
from vggstudy.runs import run_path
from vggstudy.signals import under_torchrun

if TYPE_CHECKING:
    from pathlib import Path

    from vggstudy.data import Data
    from vggstudy.model import VGG

HELP = "train a network by the paper's regime, or by the same scaled down to small images"

SMALL_DATA = {"shapes": SMALL, "fashion-mnist": SMALL_FASHION, "fashion-mnist-small": SMALL_FASHION}
"""Data sets for which the small regime is the default."""

OWN = ("imagefolder", "imagenet")
"""Data sets that nobody may hand out: they lie where the user put them."""


def scale(text: str) -> int | tuple[int, ...]:
    """`40`, or `32:64` for a range."""
    numbers = tuple(int(part) for part in text.split(":"))
    return numbers[0] if len(numbers) == 1 else numbers


def fractions(text: str) -> tuple[float, ...]:
    """`0.6,0.85`."""
    return tuple(float(part) for part in text.split(",") if part)


def initialisation(text: str) -> str | float:
    """The name of a method, or `0.01`."""
    if text in INITIALISATIONS:
        return text
    try:
        return float(text)
    except ValueError:
        reason = unknown("initialisation", text, INITIALISATIONS)
        raise argparse.ArgumentTypeError(f"{reason}, or a standard deviation") from None


def leniently(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    """Leaves a text that `kind` cannot read as it is: all bad settings are then told at once, with what is allowed."""

    def read(text: str) -> Any:
        try:
            return kind(text)
        except ValueError:
            return text

    return read


# Options that set a field of TrainConfig: how they are read, and what they say.
SETTINGS: dict[str, tuple[Any, str]] = {
    "S": (
        scale,
        "training scale: smaller side of the rescaled image in pixels, or a range such as 256:512",
    ),
    "S_drawn": (str, "how a jittered S is drawn: integers or continuous"),
    "interpolation": (str, "bilinear or bicubic"),
    "colour_std": (float, "standard deviation of the colour shift, 0 for none"),
    "Q": (int, "test scale of the validation crops, pixels"),
    "batch_size": (int, "images an update, over all processes together"),
    "micro_batch": (int, "images a forward pass; fewer need less memory, with the same result"),
    "lr": (float, "learning rate"),
    "momentum": (float, "momentum"),
    "weight_decay": (float, "L2 penalty"),
    "clip": (float, "largest norm of the gradient, or none"),
    "epochs": (int, "passes over the training images, at most"),
    "schedule": (str, "plateau (the paper's) or steps"),
    "drops": (int, "divisions of the rate on a plateau before training stops"),
    "factor": (float, "what the rate is multiplied by at a division"),
    "patience": (int, "validations without improvement that make a plateau"),
    "plateau_on": (str, "top1 (the default) or top5: the validation error that is meant"),
    "drop_at": (fractions, "fractions of the run at which steps divides the rate, such as 0.6,0.85"),
    "warm_up": (float, "fraction of the run over which steps raises the rate"),
    "seed": (int, "seed of the initial weights, the order, the augmentation and dropout"),
    "validate_every": (int, "updates between validations (default: an epoch)"),
    "save_every": (int, "updates between checkpoints (default: an epoch)"),
    "keep": (int, "newest checkpoints that stay"),
    "workers": (int, "threads that prepare images (default: 1 on a GPU, else 0)"),
    "augment_on": (str, "host or device: where images are rescaled and cropped"),
    "device": (str, "auto, cpu, cuda, cuda:1, ..."),
    "precision": (str, "auto, float32 or bfloat16"),
}
SWITCHES = {
    "flip": "mirror half of the crops",
    "decay_biases": "the L2 penalty is on biases too",
    "compile": "compile the network first",
    "deterministic": "refuse operations whose result differs from run to run",
}
NET: dict[str, tuple[Any, str]] = {
    "width": (float, "factor on the channels of each convolution"),
    "crop_size": (int, "side of the crop, pixels"),
    "fc_width": (int, "outputs of the first two fully-connected layers"),
    "dropout": (float, "dropout in the fully-connected layers"),
}
INITIALISATIONS = ("glorot", "he", "normal")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "config",
        metavar="CONFIG",
        help="A, A-LRN, B, C, D, E, vgg16, or a stack such as 'conv5-64 | conv3-128 |'",
    )
    add = parser.add_argument
    add("--data", required=True, metavar="SPEC",
        help="shapes, fashion-mnist[:ROOT], imagefolder:ROOT, imagenette:ROOT or imagenet:ROOT")  # fmt: skip
    add("--on-error", choices=("raise", "skip"), default="raise", help="what to do with a damaged photograph: skip "
        "reads every file once before it begins (default: raise)")  # fmt: skip
    add("--download", action="store_true", help="fetch the data if they are not there and free to fetch")
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--out", metavar="DIR", help="run directory for metrics and checkpoints")
    place.add_argument("--name", metavar="NAME", help="short for --out runs/NAME")
    add("--resume", action="store_true", help="go on with the run in the run directory, or begin it")
    add("--tensorboard", action="store_true", help="write the metrics for TensorBoard too, if it is installed")
    add("--init-from", metavar="FILE", help="checkpoint or run directory to start from: all weights of the "
        "same configuration, or the layers that the paper copies into a deeper one")  # fmt: skip
    add("--centre-kernels", action="store_true", help="copy kernels of another size too, in the middle of larger ones")
    add(
        "--initialise",
        type=initialisation,
        metavar="METHOD",
        help="how other weights begin: glorot, he, normal (the paper's variance of 0.01, too much at full width), or a "
        "standard deviation such as 0.01 (default: glorot; small: he)",
    )
    add(
        "--regime",
        choices=("paper", "small"),
        help="which defaults (default: small for shapes and fashion-mnist)",
    )
    add(
        "--pool5",
        action=argparse.BooleanOptionalAction,
        help="the last max-pool (default: where it leaves fc6 more than one cell)",
    )
    add("--ceil-mode", action=argparse.BooleanOptionalAction, help="whether pooling keeps partial windows")
    net = parser.add_argument_group("network")
    regime = parser.add_argument_group("regime (defaults: the paper's, section 3.1)")
    for name, (kind, text) in NET.items():
        net.add_argument(option(name), dest=name, type=kind, metavar=name.upper(), help=text)
    for name, (kind, text) in SETTINGS.items():
        regime.add_argument(option(name), dest=name, type=leniently(kind), metavar=name.upper(), help=text)
    for name, text in SWITCHES.items():
        regime.add_argument(option(name), action=argparse.BooleanOptionalAction, help=text)


def option(name: str) -> str:
    """How a setting is called on the command line."""
    return f"--{name.replace('_', '-')}"


def run(args: argparse.Namespace) -> int:
    find_config(args.config)  # refused before the data are looked through, which may take minutes
    small = (args.regime or ("small" if source(args.data) in SMALL_DATA else "paper")) == "small"
    net, config = regime_of(args, small)
    out = run_path(args.name) if args.name is not None else args.out
    check_options(args, out)
    tensorboard = out if args.tensorboard else None

    from vggstudy.batches import updates_per_epoch
    from vggstudy.commands.reporting import ending, follow, warnings_as_lines
    from vggstudy.data import load_data
    from vggstudy.distributed import is_first
    from vggstudy.signals import StopRequest
    from vggstudy.train import train

    largest_S = max(config.S_range[1], config.val_Q)
    skipping = {"on_error": "skip", "largest_S": largest_S} if args.on_error == "skip" else {}
    data = load_data(args.data, download=args.download, **skipping)
    if is_first():
        print(*(f"vggstudy: skipped {reason}\n" for reason in data.skipped), sep="", end="", file=sys.stderr)
    model = build(args, net, data, config.seed, small)
    note = {"command": ["vggstudy", *sys.argv[1:]], "init_from": args.init_from}
    with StopRequest() as stop, warnings_as_lines():
        begin = partial(take_over, args) if args.init_from else None
        steps = train(model, data, config, out=out, resume=args.resume, begin=begin, stop=stop, note=note)
        if not is_first():
            deque(steps, maxlen=0)
            return stop.exit_status
        last = follow(steps, total=config.epochs * updates_per_epoch(data.train, config), tensorboard=tensorboard)
    if line := ending(last, out, stop):
        print(f"vggstudy: {line}", file=sys.stderr)
    return stop.exit_status


def check_options(args: argparse.Namespace, out: str | Path | None) -> None:
    """Refuse options that need another one, or exclude it."""
    if out is not None and not str(out):
        raise ConfigError("--out is empty: give a directory, such as runs/a")
    for name in ("resume", "tensorboard"):
        if getattr(args, name) and out is None:
            raise ConfigError(f"--{name} needs a run directory: give --out or --name as well")
    if args.centre_kernels and not args.init_from:
        raise ConfigError("--centre-kernels says how layers are copied: give --init-from as well")
    if args.on_error == "skip" and source(args.data) in SMALL_DATA:
        raise ConfigError(f"--on-error skip is for photographs in files, not for {source(args.data)}: leave it out")
    if args.download and source(args.data) in OWN:
        raise ConfigError(f"--download: {source(args.data)} cannot be fetched, it lies where you put it: leave it out")
    if args.download and under_torchrun():
        raise ConfigError("--download is for one process: fetch the data without torchrun first")


def regime_of(args: argparse.Namespace, small: bool) -> tuple[dict[str, Any], TrainConfig]:
    """Keywords of the network, and the regime, that the options ask for."""
    given = {name: value for name, value in vars(args).items() if value is not None}
    base = SMALL_DATA.get(source(args.data), SMALL) if small else TrainConfig()
    S = base.S if problems({"S": args.S}) else args.S  # one that cannot be is refused below, with all that cannot
    net = SMALL_NET | {"crop_size": small_crop(S)} if small else {}
    net |= {name: given[name] for name in (*NET, "ceil_mode") if name in given}
    chosen = {name: given[name] for name in (*SETTINGS, *SWITCHES) if name in given}
    chosen |= {name: None for name, value in chosen.items() if value == "none"}
    return net, settings(chosen, net.get("crop_size", 224), base)


def source(data: str) -> str:
    """The kind of data set that `--data` names: what stands before the colon."""
    return data.partition(":")[0]


def build(args: argparse.Namespace, net: dict[str, Any], data: Data, seed: int, small: bool) -> VGG:
    """The network with new weights."""
    from vggstudy.fresh import fresh_net

    config = find_config(args.config)
    pool5 = args.pool5 if args.pool5 is not None else net.get("crop_size", 224) >= 2 * config.stride
    if not pool5:
        config = config.without_last_pool()
    method = ("he" if small else "glorot") if args.initialise is None else args.initialise
    return fresh_net(config, data, method, seed, unit_variance=small, **net)


def take_over(args: argparse.Namespace, model: VGG) -> None:
    """Weights of the net that `--init-from` names."""
    from vggstudy.distributed import is_first
    from vggstudy.fresh import start_from

    taken = start_from(model, args.init_from, args.centre_kernels)
    if is_first():
        print(f"vggstudy: from {args.init_from}: {', '.join(taken)}", file=sys.stderr)
