"""The scale-jitter viewer, driven on a page without a kernel."""

import pytest

from vggstudy.shapes import draw
from vggstudy.widgets.scale_jitter import ScaleJitterViewer


@pytest.fixture(scope="module")
def viewer():
    return ScaleJitterViewer(draw(60, seed=2))


def said(page):
    return page.get_by_role("status").inner_text()


def chosen(page):
    box = page.locator("svg[role=img] rect.vgg-chosen")
    return [float(box.get_attribute(name)) for name in ("x", "y", "width")]


def test_the_slider_goes_through_the_crops(show, viewer):
    page = show(viewer)
    before = chosen(page), said(page)
    page.get_by_role("slider", name="Crop").focus()
    page.keyboard.press("ArrowRight")
    crop = viewer.pictures[0]["crops"][2][1]
    assert chosen(page) == [crop["left"], crop["top"], crop["side"]] != before[0]
    assert f"S = {crop['S']} px" in said(page) and f"{crop['object_share']:.1f}% of the object" in said(page)
    view = page.locator("svg[aria-label^='Crop 2']").get_attribute("viewBox")
    assert [float(part) for part in view.split()] == [crop["left"], crop["top"], crop["side"], crop["side"]]


def test_a_mirrored_crop_is_shown_mirrored(show, viewer):
    flips = [crop["flip"] for crop in viewer.pictures[0]["crops"][2]]
    page = show(viewer)
    slider = page.get_by_role("slider", name="Crop")
    for flip in (True, False):
        slider.fill(str(flips.index(flip)))
        assert page.locator(".vgg-mirrored").count() == flip
        assert ("mirrored" in said(page)) == flip


def test_the_training_scale_changes_crops_and_histogram(show, viewer):
    page = show(viewer)
    assert page.locator(".vgg-spread.vgg-chosen b").inner_text() == "S in [72; 144]"
    page.get_by_label("Training scale").select_option(label="S = 72")
    assert page.locator(".vgg-spread.vgg-chosen b").inner_text() == "S = 72" and "S = 72 px" in said(page)
    page.get_by_text("The crops of this picture as a table").click()
    assert {row.split("\t")[1] for row in page.locator("tbody").first.locator("tr").all_inner_texts()} == {"72"}


def test_another_picture_is_shown(show, viewer):
    page = show(viewer)
    before = page.locator("svg image").first.get_attribute("href"), chosen(page)
    page.get_by_role("combobox", name="Picture").select_option("2")
    assert page.locator("svg image").first.get_attribute("href") == viewer.pictures[1]["url"] != before[0]


def test_nothing_is_wider_than_a_phone(show, viewer):
    page = show(viewer)
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
