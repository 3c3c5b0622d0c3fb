"""`vggstudy configs`: Tables 1 and 2 recomputed, or the trace of one configuration."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from vggstudy.analysis import LayerTrace, count_macs, count_parameters, receptive_field, trace
from vggstudy.configs import CONFIGS, Config, find_config
from vggstudy.paper import PARAMETERS_MILLIONS

HELP = "print Tables 1 and 2 recomputed, or the layers of one configuration"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="A, A-LRN, B, C, D, E, vgg16, or a stack such as 'conv5-64 | conv3-128 |'",
    )
    parser.add_argument("--crop-size", type=int, default=224, help="side of the square input, pixels (default: 224)")
    parser.add_argument("--classes", type=int, default=1000, help="outputs of fc8 (default: 1000)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> None:
    net = {"crop_size": args.crop_size, "num_classes": args.classes}
    if args.name is None:
        rows = [_summary(config, net) for config in CONFIGS.values()]
        print(json.dumps(rows, indent=2) if args.json else _table_2(rows))
        return
    config = find_config(args.name)
    layers = trace(config, **net)
    if args.json:
        rows = [{**asdict(layer), "activation_bytes": layer.activation_bytes} for layer in layers]
        print(json.dumps({**_summary(config, net), "layers": rows}, indent=2))
    else:
        print(_trace_table(config, layers, _summary(config, net)))


def _summary(config: Config, net: dict[str, int]) -> dict[str, object]:
    layers = trace(config, **net)
    last_map = layers[-4].name  # what fc6 reads
    return {
        "config": config.name,
        "notation": config.notation,
        "weight_layers": config.weight_layers,
        "parameters": count_parameters(config, **net),
        "macs": count_macs(config, **net),
        "last_map": last_map,
        "receptive_field": receptive_field(config, at=last_map, **net),
    }


def _table_2(rows: list[dict]) -> str:
    lines = [f"{'':6} {'weight layers':>13} {'parameters':>12} {'paper':>6} {'GMACs':>7} {'RF pool5':>9}"]
    for row in rows:
        lines.append(
            f"{row['config']:6} {row['weight_layers']:13} {row['parameters']:12,} "
            f"{PARAMETERS_MILLIONS[row['config']]:5}M {row['macs'] / 1e9:7.3f} {row['receptive_field']:6} px"
        )
    table_1 = [f"{row['config']:6} {row['notation']}" for row in rows]
    return "\n".join(["Table 1", *table_1, "", "Table 2 (paper: reported, in millions)", *lines])


def _trace_table(config: Config, layers: tuple[LayerTrace, ...], summary: dict) -> str:
    head = f"{'layer':9} {'output':>15} {'parameters':>12} {'MMACs':>9} {'kB':>8} "
    head += f"{'RF px':>6} {'stride':>6} {'offset':>6}"
    lines = [f"{config.name}: {config.notation}", "", head]
    for layer in layers:
        shape = "x".join(map(str, layer.shape))
        lines.append(
            f"{layer.name:9} {shape:>15} {layer.parameters:12,} {layer.macs / 1e6:9,.1f} "
            f"{layer.activation_bytes / 1e3:8,.0f} "
            f"{layer.receptive_field:6} {layer.stride:6} {layer.offset:6}"
        )
    lines += ["", f"{summary['weight_layers']} weight layers, {summary['parameters']:,} parameters, "
              f"{summary['macs'] / 1e9:.3f} GMACs (FLOPs = 2 MACs), "
              f"receptive field {summary['receptive_field']} px after {summary['last_map']}"]  # fmt: skip
    return "\n".join(lines)
