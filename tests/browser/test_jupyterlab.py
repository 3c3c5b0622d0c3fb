"""Widgets in a live JupyterLab: keys stay theirs, and what the reader chooses reaches Python."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import nbformat
import pytest
from playwright.sync_api import Locator, Page, TimeoutError

pytestmark = pytest.mark.slow

CELLS = (
    "from vggstudy.widgets import ConfigurationExplorer, Predict, ReceptiveFieldBench, ScaleJitterViewer\n"
    "question = Predict('How wide?', answer=212, unit='px')\nquestion",
    "bench = ReceptiveFieldBench()\nbench",
    "explorer = ConfigurationExplorer()\nexplorer",
    "viewer = ScaleJitterViewer()\nviewer",
    "print(question, bench, explorer, viewer, sep='\\n')",
)


@contextmanager
def serve(folder: Path, cells: Iterable[str]) -> Iterator[str]:
    """Address of a notebook of these cells in a JupyterLab whose settings are its own."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "live.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {f"JUPYTER_{kind}_DIR": str(folder / ".jupyter" / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}",
         "--IdentityProvider.token=", f"--ServerApp.root_dir={folder}", "--LabApp.news_url="],
        env=os.environ | settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    try:
        _wait_for(f"http://127.0.0.1:{port}/api/status")
        yield f"http://127.0.0.1:{port}/lab/tree/live.ipynb"
    finally:
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(30)
        server.kill()


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Iterator[str]:
    with serve(tmp_path_factory.mktemp("lab"), CELLS) as address:
        yield address


def _wait_for(address: str, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            urlopen(address).close()
            return
        except URLError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def open_notebook(browser, address: str, n_cells: int) -> Page:
    """The page of a notebook whose cells are there and whose kernel answers."""
    page = browser.new_context(viewport={"width": 1300, "height": 1400}).new_page()
    page.add_locator_handler(page.locator(".jp-Dialog"), accept)
    page.goto(address)
    page.locator(".jp-Notebook .jp-Cell").nth(n_cells - 1).wait_for(timeout=60_000)
    page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").wait_for(timeout=60_000)
    return page


def accept(dialog: Locator) -> None:
    """On a busy machine JupyterLab asks about a kernel or a connection that lets it wait; do as a user does."""
    print("JupyterLab asks:", " | ".join(dialog.inner_text().splitlines()))
    dialog.locator(".jp-mod-accept").click()


def run_cell(page: Page, number: int) -> None:
    """Run a cell; JupyterLab forgets a run that is asked for before its kernel is connected, so ask until it begins."""
    cell = page.locator(".jp-Notebook .jp-Cell").nth(number)
    begun = cell.locator(".jp-InputPrompt", has_text=re.compile(r"[*0-9]"))
    for _ in range(6):
        cell.locator(".jp-InputArea-editor").click()
        page.keyboard.press("Shift+Enter")
        with suppress(TimeoutError):
            return begun.wait_for(timeout=10_000)
    raise AssertionError(f"cell {number} does not run")


def test_what_is_chosen_with_the_keyboard_reaches_python(browser, lab):
    page = open_notebook(browser, lab, len(CELLS))
    cells = page.locator(".jp-Notebook .jp-Cell")
    for number in range(4):
        run_cell(page, number)
        cells.nth(number).locator(".vgg").wait_for(timeout=60_000)

    page.get_by_label("Your prediction, px").fill("29")
    page.keyboard.press("Enter")
    assert "Too small." in page.locator(".vgg-reveal").inner_text()

    bench = page.locator(".vgg-field")
    bench.get_by_role("slider", name="Layers").focus()
    page.keyboard.press("ArrowLeft")

    explorer = page.locator(".vgg-explorer")
    stack = explorer.get_by_label("A stack of your own")
    stack.fill("conv4-64 |")
    page.keyboard.press("Enter")
    explorer.get_by_role("alert").filter(has_text="conv4-64").wait_for()
    stack.fill("conv5-64 |")
    page.keyboard.press("Enter")
    explorer.get_by_role("group", name="yours").wait_for()
    explorer.locator(".vgg-cell[tabindex='0']").focus()
    page.keyboard.press("ArrowUp")
    assert explorer.locator(".vgg-title").inner_text() == "yours · pool1 · max-pool"

    page.locator(".vgg-jitter").get_by_role("slider", name="Crop").focus()
    page.keyboard.press("ArrowRight")

    run_cell(page, 4)
    printed = cells.nth(4).locator(".jp-OutputArea-output pre")
    printed.wait_for()
    assert printed.inner_text().split("\n")[:4] == [
        "Predict(question='How wide?', committed=29)",
        "ReceptiveFieldBench(kernel=3, layers=2, channels=64, stack='')",
        "ConfigurationExplorer(config='yours', layer='pool1', compared='D', measure='parameters')",
        "ScaleJitterViewer(regime=2, picture=0, crop=1)",
    ]
    page.context.close()


MEASURED = (
    "import torch\nfrom vggstudy import vgg\nfrom vggstudy.fields import EffectiveField\n"
    "from vggstudy.initialise import initialise\nfrom vggstudy.starts import measure_starts\n"
    "from vggstudy.widgets import EffectiveReceptiveField, EvaluationAblation, LadderAndFusion, PaddingMicroscope\n"
    "from vggstudy.widgets import PreInitialisationLab, ScoreMapViewer\n"
    "net = initialise(vgg('A', num_classes=6, width=1 / 32, crop_size=64, fc_width=8), 'he')\n"
    "starts = measure_starts('E', net, torch.randn(2, 3, 64, 64), torch.arange(2))\n"
    "lab = PreInitialisationLab({'E': starts}, 'E')\nlab",
    "fields = [EffectiveField(f'pool{i}', 16 * i, 10 * i, torch.rand(16 * i, 16 * i)) for i in (1, 2, 3)]\n"
    "field = EffectiveReceptiveField({'random': fields})\nfield",
    "score_map = ScoreMapViewer(net, Q=144, scales=(64, 144))\nscore_map",
    "microscope = PaddingMicroscope(('A', 'D'))\nmicroscope",
    "ablation = EvaluationAblation()\nablation",
    "fusion = LadderAndFusion()\nfusion",
    "print(lab.layer, field.shown, score_map.cell, microscope.column, ablation.column, fusion.method, sep='\\n')",
)


def test_each_widget_of_measurements_hears_its_keys_on_a_kernel(browser, tmp_path):
    """A change that JupyterLab swallowed, or that only the page knew, would not be printed."""
    with serve(tmp_path, MEASURED) as address:
        page = open_notebook(browser, address, len(MEASURED))
        cells = page.locator(".jp-Notebook .jp-Cell")
        for number in range(len(MEASURED) - 1):
            run_cell(page, number)
            cells.nth(number).locator(".vgg").wait_for(timeout=60_000)
        for number, name in ((0, "Layer"), (1, "Layer"), (3, "Crop from the left")):
            slider = cells.nth(number).locator("label", has_text=name).get_by_role("slider")
            slider.focus()
            page.keyboard.press("ArrowLeft")
        for number, style in ((2, ".vgg-map-cell"), (4, "td button")):
            cells.nth(number).locator(f"{style}[tabindex='0']").focus()
            page.keyboard.press("ArrowRight" if number == 2 else "ArrowLeft")
        cells.nth(5).get_by_label("Averaged is the").focus()
        page.keyboard.press("ArrowDown")
        run_cell(page, len(MEASURED) - 1)
        printed = cells.nth(len(MEASURED) - 1).locator(".jp-OutputArea-output pre")
        printed.wait_for()
        assert printed.inner_text().split("\n")[:6] == ["17", "pool2", "1", "1", "4", "scores"]
        page.context.close()
