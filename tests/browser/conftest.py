"""Debian's Chromium without a network: a page that asks for another host, or fails inside, fails its test."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).parents[2]
SITE = ROOT / "_build" / "html"
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run", "--disable-dev-shm-usage",
]  # fmt: skip

# What ipywidgets' script says of itself at each start.
CHATTER = "strict mode: use allowUnionTypes"

# Not an async function: Playwright would take the promise itself for a yes.
DRAWN = """() => {
  const views = document.querySelectorAll('script[type="application/vnd.jupyter.widget-view+json"]');
  const drawn = ".widget-subarea:has(.vgg > *, .widget-inline-hbox)";
  return [...views].every((view) => view.previousElementSibling?.matches(drawn));
}"""


def wait_until_drawn(page) -> None:
    """Wait for the mathematics and the widgets of a page of the book."""
    page.evaluate("async () => { await window.MathJax?.startup?.promise; }")
    page.wait_for_function(DRAWN)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="no Chromium here: install Debian's chromium or set CHROMIUM"))


@pytest.fixture(scope="session")
def browser() -> Iterator:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser) -> Iterator:
    """A page whose errors, missing files and requests to other hosts fail the test at its end."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    faults: list[str] = []

    def at_home(route) -> None:
        url = urlsplit(route.request.url)
        if url.scheme in ("file", "data", "blob") or url.hostname == "127.0.0.1":
            return route.continue_()
        faults.append(f"request to another host: {route.request.url}")
        return route.abort()

    def said(message) -> None:
        if message.type in ("error", "warning") and CHATTER not in message.text:
            faults.append(f"console: {message.text}")

    page.route("**/*", at_home)
    page.on("console", said)
    page.on("pageerror", lambda error: faults.append(f"page error: {error}"))
    page.on("response", lambda response: response.status >= 400 and faults.append(f"{response.status}: {response.url}"))
    yield page
    context.close()
    assert faults == []


@pytest.fixture
def show(page, tmp_path) -> Callable:
    """Open a page of these widgets, with no kernel, and wait until they are drawn."""
    from standalone import write_page

    def open_page(*widgets, theme: str = "light"):
        page.goto(write_page(tmp_path, *widgets, theme=theme).as_uri())
        page.locator(".vgg").nth(len(widgets) - 1).wait_for()
        return page

    return open_page


@pytest.fixture(scope="session")
def site() -> Path:
    """The built book; it is built if it is not there."""
    if not (SITE / "index.html").exists():
        command = [Path(sys.executable).parent / "jupyter-book", "build", ".", "-W", "-n", "--keep-going"]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return SITE


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """Where the book is served on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def visit(page, address) -> Callable:
    """Open a page of the book, `visit("book/glossary")`, and wait until mathematics and widgets are drawn."""

    def open_page(name: str):
        page.goto(f"{address}/{name}.html")
        wait_until_drawn(page)
        return page

    return open_page
