"""Pictures of every page for people to look at, in light, dark and at phone width.

    python tests/browser/shots.py [PAGE ...]      # such as book/intro; default: all

They are put into _build/shots.
"""

from __future__ import annotations

import sys
from pathlib import Path

import yaml
from conftest import CHROMIUM, FLAGS, wait_until_drawn
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[2]
OUT = ROOT / "_build" / "shots"
LOOKS = {"light": ("light", 1280), "dark": ("dark", 1280), "phone": ("light", 390)}


def all_pages() -> list[str]:
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    return [toc["root"], *(entry["file"] for part in toc["parts"] for entry in part["chapters"])]


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for name in sys.argv[1:] or all_pages():
            for look, (scheme, width) in LOOKS.items():
                page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 900})
                page.goto((ROOT / "_build" / "html" / f"{name}.html").as_uri())
                wait_until_drawn(page)
                path = OUT / f"{Path(name).name}-{look}.png"
                page.screenshot(path=path, full_page=True)
                page.close()
                print(path.relative_to(ROOT))
        browser.close()


if __name__ == "__main__":
    main()
