"""The training curves: replayed where there is no kernel, and driven for real in JupyterLab."""

from __future__ import annotations

import math
import re

import pytest
from playwright.sync_api import expect
from test_jupyterlab import open_notebook, run_cell, serve

from vggstudy.widgets import LiveCurves


def made(n: int, loss) -> list[dict]:
    """Records of a run whose rate falls at step 301, validated each 50 steps."""
    return [
        {
            "step": step, "epoch": step / 50, "loss": loss(step), "lr": 0.02 if step <= 300 else 0.002,
            "images_per_second": 500.0, "val_loss": loss(step) if step % 50 == 0 else None,
            "val_top1_error": 60 - step / 10 if step % 50 == 0 else None,
            "val_top5_error": 6 - step / 100 if step % 50 == 0 else None,
        }
        for step in range(1, n + 1)
    ]  # fmt: skip


@pytest.fixture
def replay(show):
    late, never = made(500, lambda step: 2 / step if step > 250 else 2.3), made(500, lambda step: math.log(10))
    return show(LiveCurves.replay({"A": late, "D <b>random</b>": never}, num_classes=10)).locator(".vgg-live-curves")


def value(widget, series, run=0):
    return float(widget.locator(f"tr[data-series={series}] td").nth(run).inner_text().replace(",", ""))


def test_the_page_says_that_the_run_is_recorded(replay):
    assert replay.get_by_role("status").inner_text() == "Recorded run"
    assert replay.get_by_role("button", name="Start").count() == 0
    assert replay.get_by_role("slider").get_attribute("aria-valuetext") == "step 500"
    assert value(replay, "val_top1_error") == 10


def test_the_scrubber_goes_back_in_time(replay):
    slider = replay.get_by_role("slider")
    slider.focus()
    slider.page.keyboard.press("Home")
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"step \d\d?$"))
    assert value(replay, "loss") == 2.3
    assert replay.locator("tr[data-series=val_loss]").count() == 0  # no validation yet
    assert replay.locator(".vgg-drop").count() == 0
    for _ in range(100):
        slider.page.keyboard.press("ArrowRight")
    expect(replay.locator("tr[data-series=lr] td").first).to_have_text("0.002")
    assert replay.locator(".vgg-drop").count() == 6  # two runs, three charts


def test_play_runs_to_the_end_and_can_be_held(replay):
    play = replay.get_by_role("button")
    play.click()
    expect(play).to_have_text("❚❚ Hold")
    expect(replay.get_by_role("slider")).not_to_have_attribute("aria-valuetext", "step 500")
    play.click()
    expect(play).to_have_text("▶ Play")
    play.click()
    expect(replay.get_by_role("slider")).to_have_attribute("aria-valuetext", "step 500", timeout=20_000)
    expect(play).to_have_text("▶ Play")


def test_a_run_that_is_stuck_is_marked_with_a_way_out_once_it_is(replay):
    advice = replay.locator(".vgg-advice")
    assert "section 3.1" in advice.inner_text() and advice.inner_text().startswith("D <b>random</b>:")
    assert replay.locator(".vgg-stuck").count() == 2  # A was, for a while
    assert replay.get_by_text("ln 10 = 2.303").count() == 1
    replay.get_by_role("slider").focus()
    replay.page.keyboard.press("Home")
    expect(advice).to_be_hidden()


def test_every_validation_stands_in_the_table(replay):
    replay.get_by_text("Validations as a table").click()
    rows = replay.locator("details tbody tr")
    assert rows.count() == 20 and rows.nth(9).inner_text().split("\t") == ["A", "500", "0.004", "10", "1"]


def test_a_run_that_could_be_started_waits_for_a_kernel(show):
    widget = show(LiveCurves(lambda stop: iter(()), "A")).locator(".vgg-live-curves")
    assert "No run yet" in widget.get_by_role("status").inner_text()
    for name in ("Start", "Pause", "Resume", "Stop"):
        assert widget.get_by_role("button", name=name).is_disabled()


def test_the_chapter_replays_its_own_run(visit):
    live = visit("book/training").locator(".vgg-live-curves").first
    assert live.get_by_role("status").inner_text().startswith("Recorded run")
    assert live.get_by_role("button", name="Start").is_disabled()
    error = value(live, "val_top1_error")
    live.get_by_role("slider").focus()
    for _ in range(40):
        live.page.keyboard.press("ArrowLeft")
    expect(live.locator("tr[data-series=val_top1_error] td")).not_to_have_text(f"{error:g}")


CELLS = (
    """import time
from vggstudy.widgets import LiveCurves

def steps(stop):
    for step in range(1, 100_000):
        time.sleep(0.01)
        yield {"step": step, "epoch": step / 100, "loss": 2 / step, "lr": 0.01, "images_per_second": 100.0}

live = LiveCurves(steps, "A", num_classes=10)
live""",
    "print(live.status, live.names)",
    "live.run()",
    "print(live.status, live.names)",
)


@pytest.mark.slow
def test_the_buttons_hold_a_run_in_a_live_notebook(browser, tmp_path):
    with serve(tmp_path, CELLS) as address:
        page = open_notebook(browser, address, len(CELLS))
        cells = page.locator(".jp-Notebook .jp-Cell")
        run_cell(page, 0)
        live = page.locator(".vgg-live-curves")
        status, slider = live.get_by_role("status"), live.get_by_role("slider")
        press = {name: live.get_by_role("button", name=name) for name in ("Start", "Pause", "Resume", "Stop")}

        def step():
            return int(re.sub(r"\D", "", slider.get_attribute("aria-valuetext")))

        expect(press["Start"]).to_be_enabled(timeout=60_000)
        assert press["Pause"].is_disabled() and press["Stop"].is_disabled()

        press["Start"].click()
        expect(status).to_have_text("running")
        page.wait_for_function("() => document.querySelectorAll('.vgg-curve').length > 0")

        press["Pause"].click()
        expect(status).to_have_text("paused")
        page.wait_for_timeout(500)
        held = step()
        page.wait_for_timeout(700)
        assert step() == held > 0

        press["Resume"].click()
        expect(status).to_have_text("running")
        page.wait_for_timeout(1200)
        assert step() > held

        press["Stop"].click()
        expect(status).to_have_text("stopped", timeout=2000)

        press["Start"].click()
        expect(live.locator(".vgg-legend")).to_contain_text("A (2)")
        press["Stop"].click()
        expect(status).to_have_text("stopped", timeout=2000)

        run_cell(page, 1)
        expect(cells.nth(1).locator(".jp-OutputArea-output pre")).to_have_text("stopped ['A', 'A (2)']")

        run_cell(page, 2)  # blocks in the cell
        expect(status).to_have_text("running")
        page.get_by_role("button", name=re.compile("Interrupt the kernel")).click()
        expect(status).to_have_text("stopped", timeout=5000)
        run_cell(page, 3)
        expect(cells.nth(3).locator(".jp-OutputArea-output pre")).to_have_text("stopped ['A', 'A (2)', 'A (3)']")
        page.context.close()
