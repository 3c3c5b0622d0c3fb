"""Rows `widgets` and `book`: how heavy the pages are, how soon they react, how long they take to make and to check.

They need the sources of the book; `widgets` also needs the built book and a Chromium.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from vggstudy.bench.records import Comparison, Goal, Measurement, Row, Setting, Spread
from vggstudy.errors import ConfigError

ROOT = Path(__file__).parents[2]
SITE = ROOT / "_build" / "html"

PAGE_BYTES = 2_000_000  # of one page's HTML, widget state included
FRAME = 1 / 60  # seconds
QUICK_PAGES = 2  # that a quick run opens; it weighs all
CHAPTER_SECONDS, BOOK_SECONDS = 60.0, 600.0  # to run and compare one chapter, and all of them

BROWSER = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]

DRAWN = """() => [...document.querySelectorAll('script[type="application/vnd.jupyter.widget-view+json"]')]
  .every(view => view.previousElementSibling?.matches(".widget-subarea:not(:empty)"))"""

# Move a slider: seconds until its widget has changed and is laid out anew, and since the page's start.
REACT = """slider => new Promise((resolve, reject) => {
  setTimeout(() => reject(new Error(`${slider.closest(".vgg").className}: a slider changes nothing`)), 5000);
  const root = slider.closest(".vgg");
  const began = performance.now();
  new MutationObserver((_, observer) => {
    observer.disconnect();
    root.getBoundingClientRect();
    const now = performance.now();
    resolve([(now - began) / 1000, now / 1000]);
  }).observe(root, {subtree: true, childList: true, attributes: true, characterData: true});
  slider.value = Number(slider.value) < Number(slider.max) ? Number(slider.value) + 1 : Number(slider.value) - 1;
  slider.dispatchEvent(new Event("input", {bubbles: true}));
})"""


def limit(name: str, allowed: float, found: Sequence[float], setting: Setting) -> Comparison:
    """A limit as a comparison: how often what was found, at its worst, fits into what is allowed."""
    return Comparison(name, Spread.of(allowed / value for value in found), Goal(1.0, 1.0, 1.0).on(setting))


def skipped(job: str, why: str) -> list[Measurement]:
    return [Measurement(job, (), skipped={"all": why})]


def measure_widgets(setting: Setting) -> Sequence[Measurement]:
    job = "pages of the built book: weight, and reaction of their widgets in Chromium"
    setting.say(f"  {job}")
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    pages = sorted((SITE / "book").glob("*.html"))
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return skipped(job, "playwright is not installed")
    if not pages or chromium is None:
        return skipped(job, "no built book: run `make book`" if chromium else "no Chromium: set CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=BROWSER)
        visits = [visit(browser, page) for page in pages[: QUICK_PAGES if setting.quick else None]]
        browser.close()
    reactions = [seconds for page in visits for seconds in page["reaction_seconds"]]
    comparisons = [limit("2 MB, heaviest page", PAGE_BYTES, [max(page.stat().st_size for page in pages)], setting)]
    if reactions:
        comparisons.append(limit("a frame of 1/60 s, slowest widget", FRAME, [max(reactions)], setting))
    return [Measurement(job, tuple(comparisons), details={"pages": visits})]


def visit(browser: Any, path: Path) -> dict[str, Any]:
    """Weight of a page and of what it loads, bytes; seconds in which each slider acts, the best of 5."""
    page = browser.new_page()
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    page.goto(path.as_uri(), wait_until="load")
    page.wait_for_function(DRAWN)
    reactions, first = [], None
    for slider in page.locator(".vgg").locator("input[type=range]:visible:enabled").all():
        if not slider.evaluate("slider => Number(slider.max) > Number(slider.min)"):
            continue  # it has but one position
        times = [slider.evaluate(REACT) for _ in range(5)]
        first = first if first is not None else times[0][1]
        reactions.append(min(seconds for seconds, _ in times))
    files = {Path(url.removeprefix("file://").split("?")[0]) for url in loaded if url.startswith("file://")}
    page.close()
    return {
        "page": path.stem,
        "html_bytes": path.stat().st_size,
        "loaded_bytes": sum(file.stat().st_size for file in files if file.is_file()),
        "reaction_seconds": reactions,
        "first_reaction_seconds": first,
    }


def measure_book(setting: Setting) -> Sequence[Measurement]:
    job = "the book: built from stored outputs; every chapter run again and compared"
    setting.say(f"  {job}")
    chapters = sorted((ROOT / "book").glob("*.ipynb"))
    if not chapters:
        return skipped(job, "the sources of the book are not here")
    if setting.quick:
        return skipped(job, "takes minutes: leave out --quick")
    with TemporaryDirectory() as folder:
        build = seconds_of(["jupyter_book.cli.main", "build", str(ROOT), "--path-output", folder, "--builder", "html"])
    compare = ["pytest", "-q", "--nbval", "--nbval-sanitize-with", "tests/nbval.cfg", "-p", "no:cacheprovider"]
    times = {chapter.stem: seconds_of([*compare, str(chapter.relative_to(ROOT))]) for chapter in chapters}
    slowest, whole = max(times.values()), sum(times.values())
    comparisons = (
        limit("60 s, slowest chapter", CHAPTER_SECONDS, [slowest], setting),
        limit("10 minutes, all chapters", BOOK_SECONDS, [whole], setting),
    )
    return [Measurement(job, comparisons, details={"build_seconds": build, "chapter_seconds": times})]


def seconds_of(module: Sequence[str]) -> float:
    """Run a Python module in the checkout.

    Raises:
        ConfigError: If it fails, which is not what is to be timed.
    """
    start = perf_counter()
    command = [sys.executable, "-m", *module]
    if subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL).returncode:
        raise ConfigError(f"python -m {' '.join(module)} fails: mend that first, then measure")
    return perf_counter() - start


widgets = Row("widgets", "pages are light, and a widget reacts within a frame", measure_widgets)
book = Row("book", "chapters run, and are compared, in the time that a reader has", measure_book)
