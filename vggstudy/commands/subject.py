"""What the evaluating commands share: which networks are looked at, and on which images."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from vggstudy.errors import ConfigError

if TYPE_CHECKING:
    from vggstudy.imageset import ImageSet
    from vggstudy.model import VGG


def add_subject(parser: argparse.ArgumentParser, nets: str | None = None, most: int | None = None) -> None:
    """The options that say what is evaluated on what.

    Args:
        parser: Of the command.
        nets: argparse's `nargs` of the networks.
        most: Images that are looked at where no other number is asked for.
    """
    parser.set_defaults(most=most)
    parser.add_argument(
        "net",
        nargs=nets,
        metavar="NET",
        help="checkpoint, run directory, shipped net such as D-S72, or configuration with --weights",
    )
    parser.add_argument("--weights", help="torchvision, oxford, keras, VGG16_Weights.IMAGENET1K_V1, or a file")
    parser.add_argument(
        "--data",
        required=True,
        help="shapes, fashion-mnist[:ROOT], imagefolder:ROOT, imagenette:ROOT, imagenet:ROOT",
    )
    parser.add_argument("--download", action="store_true", help="fetch the data if they are free to fetch")
    parser.add_argument("--split", default="test", choices=("val", "test"), help="default: test")
    default = f" (default: {most}, or all)" if most else ""
    parser.add_argument(
        "--limit", type=whole_number(1), metavar="N", help=f"only N images, spread over the classes{default}"
    )
    parser.add_argument(
        "--on-error", default="raise", choices=("raise", "skip"), help="what to do with a damaged image"
    )
    parser.add_argument(
        "--workers", type=whole_number(0), default=0, help="threads that read images ahead (default: 0)"
    )
    parser.add_argument("--device", default="auto", help="cpu or cuda (default: cuda where there is one)")


def options(args: argparse.Namespace) -> dict[str, Any]:
    """Keywords of `evaluate` that say how, not what."""
    return {"on_error": args.on_error, "workers": args.workers, "progress": meter()}


def whole_number(least: int) -> Callable[[str], int]:
    """Reads a whole number that is not below `least`."""

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r}: allowed is a whole number, {least} or more")
        return int(text)

    return read


def scales(text: str) -> tuple[int, ...]:
    """Test scales from `256,384,512`."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: scales are whole numbers of pixels such as 256,384,512") from None


def subject(args: argparse.Namespace) -> tuple[list[VGG], ImageSet]:
    """The networks on their device, and the images, labelled as all of them count their classes."""
    from vggstudy.class_order import in_order_of
    from vggstudy.data import load_data
    from vggstudy.distributed import find_device
    from vggstudy.imageset import take
    from vggstudy.weights import find_network

    names = [args.net] if isinstance(args.net, str) else args.net
    device = find_device(args.device)
    models = [find_network(name, args.weights).to(device) for name in names]
    data = load_data(args.data, download=args.download)
    images = getattr(data, args.split)
    images = take(images, min(args.most, len(images)) if args.most and args.limit is None else args.limit)
    labelled = [in_order_of(model, data, images) for model in models]
    for name, each in zip(names, labelled, strict=True):
        if not each.labels.equal(labelled[0].labels):
            raise ConfigError(f"{names[0]} and {name} count their classes in another order: they cannot be fused")
    return models, labelled[0]


def meter() -> Callable[[Iterable], Iterable]:
    """Wraps the numbers of the images, so that a terminal shows how far they are."""
    from tqdm import tqdm

    return partial(tqdm, unit="image", leave=False, disable=not sys.stderr.isatty())
