"""Every page of the built book: complete, offline, without an error, readable on a phone and for a screen reader."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
AXE = Path(__file__).parent / "assets" / "axe.min.js"

TOC = yaml.safe_load((ROOT / "_toc.yml").read_text())
PAGES = [TOC["root"], *(entry["file"] for part in TOC["parts"] for entry in part["chapters"])]

UNSEEN = "() => [...document.images].filter((image) => !image.naturalWidth).map((image) => image.src)"
WIDTHS = "() => [document.documentElement.scrollWidth, innerWidth]"
SERIOUS = """async () => {
  const found = await axe.run(document, { resultTypes: ["violations"] });
  return found.violations
    .filter(({ impact }) => ["serious", "critical"].includes(impact))
    .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`);
}"""

every_page = pytest.mark.parametrize("name", PAGES)


@every_page
@pytest.mark.fault("T47")
def test_a_page_is_whole_and_asks_no_other_host(visit, name):
    page = visit(name)
    assert page.locator("main h1:visible").count() == 1
    page.wait_for_load_state("networkidle")
    assert page.evaluate(UNSEEN) == []


@every_page
def test_a_page_opens_from_the_disk(page, site, name):
    page.goto((site / f"{name}.html").as_uri(), wait_until="networkidle")
    assert page.locator("main h1:visible").count() == 1


@every_page
def test_a_phone_does_not_scroll_sideways(page, visit, name):
    page.set_viewport_size({"width": 390, "height": 844})
    content, screen = visit(name).evaluate(WIDTHS)
    assert content <= screen


@every_page
@pytest.mark.fault("T48")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(page, visit, name, scheme):
    page.emulate_media(color_scheme=scheme)
    visit(name)
    assert page.evaluate("() => document.documentElement.dataset.theme") == scheme
    page.add_script_tag(path=AXE)
    assert page.evaluate(SERIOUS) == []


@every_page
def test_each_picture_says_what_it_shows(visit, name):
    texts = visit(name).locator("main img").evaluate_all("(images) => images.map((image) => image.alt)")
    assert [text for text in texts if not text or re.search(r"[0-9a-f]{16}|\.png", text)] == []


def test_search_finds_a_word_of_the_glossary(page, address):
    page.goto(f"{address}/search.html?q=jittering")
    page.locator('#search-results li a[href*="book/glossary.html"]').first.wait_for()


@pytest.mark.parametrize("name", ["small_filters", "glossary", "study_aids"])
def test_search_finds_the_receptive_field_where_it_is_explained(page, address, name):
    page.goto(f"{address}/search.html?q=receptive+field")
    page.locator(f'#search-results li a[href*="book/{name}.html"]').first.wait_for()


def test_a_formula_is_typeset_without_the_network(visit):
    assert visit("book/glossary").locator("mjx-container").count() > 0


@pytest.mark.fault("T47")
def test_without_scripts_a_page_still_tells_its_story(browser, address):
    """A widget is preceded by a figure that says the same."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/book/small_filters.html")
    assert page.locator("main img:visible").count() > 0
    assert "Question." in page.inner_text("main")
    context.close()
