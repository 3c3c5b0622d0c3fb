"""The effective receptive field, driven on a page without a kernel."""

import pytest
import torch

from vggstudy.fields import EffectiveField
from vggstudy.widgets.effective_field import EffectiveReceptiveField


@pytest.fixture
def widget():
    def fields(share):
        boxes = {"pool1": 10, "pool2": 40}
        return [EffectiveField(name, box, int(box * share), torch.rand(box, box)) for name, box in boxes.items()]

    return EffectiveReceptiveField({"random": fields(0.5), "<i>trained</i>": fields(0.8)})


def boxes(page, style):
    return [float(box.get_attribute("width")) for box in page.locator(f"rect.vgg-{style}").all()]


def test_the_slider_changes_box_map_and_effective_square(show, widget):
    page = show(widget)
    maps = [image.get_attribute("href") for image in page.locator("svg image").all()]
    assert (boxes(page, "theory"), boxes(page, "effective")) == ([40, 40], [20, 32])
    page.get_by_role("slider", name="Layer").focus()
    page.keyboard.press("ArrowLeft")
    assert (boxes(page, "theory"), boxes(page, "effective")) == ([10, 10], [5, 8])
    assert maps != [image.get_attribute("href") for image in page.locator("svg image").all()]
    assert "5 of 10 px" in page.locator("figure").first.inner_text()
    assert page.locator(".vgg-row.vgg-here").inner_text().strip() == "pool1"


def test_a_row_may_be_clicked_and_the_frame_held(show, widget):
    page = show(widget)
    page.locator(".vgg-row").first.click()
    assert boxes(page, "theory") == [10, 10]
    frames = {}
    for choice in ("fits the box", "same for all layers"):
        page.get_by_label("Frame").select_option(label=choice)
        frames[choice] = float(page.locator("figure svg").first.get_attribute("viewBox").split()[2])
    assert frames["same for all layers"] == pytest.approx(4 * frames["fits the box"])


@pytest.mark.fault("T50")
def test_names_are_text_and_the_table_holds_the_numbers(show, widget):
    page = show(widget)
    assert page.locator("figcaption").nth(1).inner_text() == "<i>trained</i>"
    page.get_by_text("as a table").click()
    assert page.locator("tbody tr").first.inner_text().split("\t") == ["pool1", "10", "5", "25.0", "8", "64.0"]


def test_nothing_is_wider_than_a_phone(show, widget):
    page = show(widget)
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
