"""The ablation, the ladder and the fusion playground, driven on a page without a kernel."""

import pytest
from stored import NETS, made_ablation

from vggstudy.widgets.ablation import EvaluationAblation
from vggstudy.widgets.ladder_and_fusion import LadderAndFusion


@pytest.fixture(scope="module")
def ablation():
    return EvaluationAblation(made_ablation(), net="D-S72")


@pytest.fixture(scope="module")
def ladder():
    return LadderAndFusion(made_ablation(), "D-S72")


def said(page):
    return page.get_by_role("status").inner_text()


def heat(page):
    return page.locator(".vgg-heat tbody button").all_inner_texts()


def test_view_and_measure_change_the_heat_map(show, ablation):
    page = show(ablation)
    cells = {row["net"]: row["cells"] for row in ablation.rows}
    for view in ("dense", "multi-crop"):
        page.get_by_label("View").select_option(label=view)
        for k, measure in enumerate(("Top-1", "Top-5")):
            page.get_by_label("Colours and numbers").select_option(index=k)
            expected = [f"{cell['errors'][k]:.1f}" if cell else "–" for net in NETS for cell in cells[net][view]]
            assert heat(page) == expected
            assert f"{measure} error in %, {view}, 60 test images" in page.locator(".vgg-heat-caption").inner_text()


def test_arrows_choose_a_protocol_that_is_explained_beside_the_papers(show, ablation):
    page = show(ablation)
    page.locator(".vgg-heat button[tabindex='0']").focus()
    for key in ("ArrowLeft", "ArrowLeft"):
        page.keyboard.press(key)
    cell = ablation.rows[1]["cells"]["dense"][3]
    assert f"{cell['errors'][0]:.1f}%, interval {cell['intervals'][0][0]:.1f} to" in said(page)
    assert "26.6% and 8.6% on ImageNet (D, S = 256, Q = 224, 256, 288" in said(page)
    page.keyboard.press("ArrowUp")
    assert "A, S = 72" in said(page) and "has no such row" in said(page)
    page.get_by_label("View").select_option(label="multi-crop")
    page.locator(".vgg-heat button").last.click()
    assert "Not stored" in said(page)
    page.get_by_text("as a table").click()
    assert page.locator(".vgg-data tbody tr").count() == 12  # the jittered net has no crops


def test_the_ladder_is_that_of_the_chosen_net(show, ladder):
    page = show(ladder)
    for net, label in (("D-S72", "D, S = 72"), ("A-S72", "A, S = 72")):
        page.get_by_role("combobox", name="Net").select_option(label=label)
        shown = [row.split("\n")[:2] for row in page.locator(".vgg-rung").all_inner_texts()[1:]]
        assert shown == [[step["name"], f"{step['errors'][0]:.1f}%"] for step in ladder.ladders[net]]
    page.get_by_text("The ladder as a table").click()
    assert page.locator(".vgg-data tbody").first.locator("tr").count() == len(ladder.ladders["A-S72"])


def test_ticks_method_and_view_look_up_the_fusion(show, ladder):
    page = show(ladder)

    def expected(view, method, mask):
        return f"top-1 error {100 * ladder.subsets[view]['wrong'][method][0][mask] / 60:.1f}%"

    boxes = page.get_by_role("checkbox")
    assert "3 nets" in said(page) and expected("dense", "softmax", 7) in said(page)
    boxes.nth(1).uncheck()
    assert "2 nets" in said(page) and expected("dense", "softmax", 5) in said(page)
    assert page.locator("td.vgg-both").count() == 4
    page.get_by_label("Averaged is the").select_option(index=1)
    assert expected("dense", "scores", 5) in said(page)
    page.get_by_label("View").select_option(label="multi-crop & dense")
    assert boxes.count() == 2 and expected("multi-crop & dense", "scores", 3) in said(page)
    boxes.nth(0).focus()
    page.keyboard.press("Space")
    boxes.nth(1).click()  # the last one stays
    assert boxes.nth(1).is_checked() and expected("multi-crop & dense", "scores", 2) in said(page)
    page.get_by_text("Tables 6 and 7").click()
    assert "24.7\t7.5" in page.locator(".vgg-data tbody").last.inner_text()


def test_nothing_is_wider_than_a_phone(show, ablation, ladder):
    page = show(ablation, ladder)
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
