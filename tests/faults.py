"""A plugin: at the end of a test run, the table of the faults that were provoked, and whether we held.

A test says which faults it provokes by `@pytest.mark.fault("T07")`, with as many numbers as it covers; one that draws
at random says its seed by `record_property("seed", seed)`.
"""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

FAULTS = {
    "T01": "stopped anywhere, resumed: equal to the bit",
    "T02": "the same with dropout and mixed precision on a GPU, and on two processes",
    "T03": "killed at random moments: at most one interval lost",
    "T04": "SIGTERM: step finished, saved, exit 143",
    "T05": "SIGINT: saved, exit 130; in a notebook the next cell runs",
    "T06": "disk full: previous checkpoint whole, bytes named",
    "T07": "damaged checkpoint: named, the one before is taken",
    "T08": "malicious pickle: refused, nothing ran",
    "T09": "resumed otherwise: the differing fields, old -> new",
    "T10": "resuming a finished run, or with a longer schedule",
    "T11": "the K newest checkpoints and the best stay",
    "T12": "two processes in one run directory",
    "T13": "checkpoint of a newer format",
    "T14": "output directory that cannot be written",
    "T15": "loss not finite",
    "T16": "pixel that is no number: its image named",
    "T17": "stall at ln K: the paper's remedy",
    "T18": "validation error that is no number",
    "T20": "deterministic: two runs equal",
    "T21": "out of memory: an estimate, and memory freed",
    "T22": "file that is no image",
    "T23": "image of an unusual kind",
    "T24": "folders in disorder",
    "T25": "classes differ",
    "T27": "archive missing, partial or altered",
    "T29": "archive that would write elsewhere",
    "T30": "worker that fails",
    "T32": "input of the wrong shape",
    "T33": "top-k over the number of classes",
    "T34": "short last batch and padding",
    "T35": "bad settings: all at once, nearest names",
    "T36": "unknown configuration or weights",
    "T37": "run name that leads elsewhere",
    "T38": "every --help under a second",
    "T39": "widget callback that raises",
    "T40": "training thread that raises",
    "T41": "stop, double start, closing while running",
    "T42": "kernel interrupted or restarted",
    "T43": "widget cells run again and again",
    "T44": "slider dragged during a busy cell",
    "T45": "chapters on a CPU without network",
    "T46": "broken chapter: the build fails",
    "T47": "built site without network",
    "T48": "accessibility",
    "T50": "names with markup shown escaped",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for mark in item.iter_markers("fault"):
            for number in mark.args:
                if number not in FAULTS:
                    raise pytest.UsageError(f"{item.nodeid}: no fault is called {number!r}")
                item.user_properties.append(("fault", number))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    seeds: dict[str, list[str]] = defaultdict(list)
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            properties = getattr(report, "user_properties", ())
            for number in (value for name, value in properties if name == "fault"):
                seen[number][outcome] += 1
                seeds[number] += [f"seed {value}" for name, value in properties if name == "seed"]
    if not seen:
        return
    terminalreporter.section("faults provoked")
    for number in sorted(seen):
        outcomes = ", ".join([*(f"{count} {outcome}" for outcome, count in seen[number].items()), *seeds[number]])
        bad = seen[number]["failed"] or seen[number]["error"]
        terminalreporter.write_line(f"{number}  {FAULTS[number]:74} {outcomes}", red=bool(bad), green=not bad)
