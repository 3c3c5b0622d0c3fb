"""Every row of Tables 3 to 7 as a claim, with the commands that would measure it on ImageNet."""

from __future__ import annotations

import re

from vggstudy.claims.evidence import Evidence, Runs
from vggstudy.claims.record import Claim
from vggstudy.paper import JITTER, TABLE_3, TABLE_4, TABLE_5, TABLE_6, TABLE_7, Fusion, Result, Rival, Scale
from vggstudy.recipes import recipe
from vggstudy.scales import scale_name, scale_text

DATA = "imagenet:data/imagenet"
PUBLISHED = ("D", "E")  # of jittered S; their authors gave them away
UNIT = "% (top-1 / top-5)"


def errors(*values: float | None) -> str:
    """Top-1 and top-5 error, and that on the test set where there is one, as a row of a table gives them."""
    return " / ".join("–" if value is None else f"{value:.1f}" for value in values) + "%"


def _slug(text: str) -> str:
    return "-".join(re.findall(r"[a-z0-9]+", text.lower()))


def run_directory(config: str, S: Scale) -> str:
    """Where `vggstudy recipe` puts a net."""
    return f"runs/{recipe(config, S)[-1].name}"


def train(config: str, S: Scale) -> Runs:
    """The chain of trainings that leads to a net."""
    return Runs(f"vggstudy recipe {config} --S {scale_text(S)} --data {DATA} --run")


def evaluate_published(config: str, table: str) -> Runs:
    """The rows of a table for the weights that the authors published."""
    return Runs(f"vggstudy evaluate {config} --weights oxford --data {DATA} --protocol {table}")


def commands(row: Result, table: str) -> tuple[Evidence, ...]:
    """How a row of Tables 3 to 5 is measured; where the authors published the weights, without training."""
    if row.S == JITTER and row.config in PUBLISHED:
        return (evaluate_published(row.config, table),)
    evaluate = f"vggstudy evaluate {run_directory(row.config, row.S)} --data {DATA} --protocol {table}"
    return (train(row.config, row.S), Runs(evaluate))


def _member(name: str) -> tuple[str, Scale, str]:
    """Configuration, S and the test scales of a net of Table 6, which writes `D/[256;512]/256,384,512`."""
    config, S, Q = name.split("/")
    bounds = tuple(map(int, re.findall(r"\d+", S)))
    return config, bounds if len(bounds) > 1 else bounds[0], Q


def fuse_commands(row: Fusion) -> tuple[Evidence, ...]:
    """One evaluation for each net, then the mean of the posteriors that they kept."""
    runs, files = [], []
    for config, S, Q in map(_member, row.models):
        net = f"{config} --weights oxford" if S == JITTER else run_directory(config, S)
        files.append(f"{recipe(config, S)[-1].name}.npz")
        runs.append(f'vggstudy evaluate {net} --data {DATA} --Q {Q} --view "{row.view}" --save {files[-1]}')
    return tuple(map(Runs, [*runs, f"vggstudy fuse {' '.join(files)}"]))


def _row(row: Result, number: int) -> Claim:
    """A row of Tables 3 to 5."""
    name = f"table{number}-{_slug(f'{row.config} {scale_name(row.S)}')}"
    text = f"{row.config}, trained at S = {scale_name(row.S)}, tested at Q = {', '.join(map(str, row.Q))}"
    if number == 5:
        name, text = f"table{number}-{_slug(f'{row.config} {row.view}')}", f"{text}, {row.view}"
    paper = errors(row.top1_error, row.top5_error)
    return Claim(name, row.section, f"{text}.", "imagenet", paper, evidence=commands(row, f"table{number}"))


def _fusion(row: Fusion, number: int) -> Claim:
    nets = ", ".join(f"{config} ({scale_name(S)})" for config, S, _ in map(_member, row.models))
    text = f"{len(row.models)} nets, {row.view} ({row.when}): {nets}."
    paper = errors(row.top1_error, row.top5_error, row.test_top5_error)
    return Claim(f"table6-row-{number}", "4.4, Table 6", text, "imagenet", paper, evidence=fuse_commands(row))


def _rival(row: Rival) -> Claim:
    """A row of Table 7: other people's nets cannot be had, ours stand in the tables before."""
    name, paper = f"table7-{_slug(row.method)}", errors(row.top1_error, row.top5_error, row.test_top5_error)
    ours = next((fusion for fusion in TABLE_6 if fusion.top1_error == row.top1_error), None)
    if not row.method.startswith("VGG"):
        return Claim(name, "4.5, Table 7", f"{row.method}.", "reported", paper)
    how = fuse_commands(ours) if ours else (evaluate_published("E", "table5"),)
    return Claim(name, "4.5, Table 7", f"{row.method}.", "imagenet", paper, evidence=how)


BY_TABLE: dict[int, tuple[Claim, ...]] = {
    3: tuple(_row(row, 3) for row in TABLE_3),
    4: tuple(_row(row, 4) for row in TABLE_4),
    5: tuple(_row(row, 5) for row in TABLE_5),
    6: tuple(_fusion(row, number) for number, row in enumerate(TABLE_6, 1)),
    7: tuple(map(_rival, TABLE_7)),
}
CLAIMS = tuple(claim for claims in BY_TABLE.values() for claim in claims)
