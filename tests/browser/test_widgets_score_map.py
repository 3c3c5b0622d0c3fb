"""The score-map viewer and the padding microscope, driven on a page without a kernel."""

from itertools import pairwise

import pytest
import torch

from vggstudy.configs import find_config
from vggstudy.initialise import initialise
from vggstudy.model import vgg
from vggstudy.widgets.padding_microscope import PaddingMicroscope
from vggstudy.widgets.score_map import ScoreMapViewer


@pytest.fixture(scope="module")
def viewer():
    stack = find_config("A").without_last_pool()
    net = initialise(vgg(stack, num_classes=6, width=1 / 16, crop_size=32, fc_width=16, ceil_mode=True), "he")
    net.classes = tuple(f"<i>{k}</i>" for k in range(6))
    generator = torch.Generator().manual_seed(0)
    images = {
        f"noise {i}": torch.randint(256, (3, 40, 40 + 20 * i), dtype=torch.uint8, generator=generator) for i in (0, 1)
    }
    return ScoreMapViewer(net, images, scales=(32, 48, 64), Q=48)


@pytest.fixture(scope="module")
def microscope():
    return PaddingMicroscope(("A", "D"))


def said(page):
    return page.get_by_role("status").inner_text()


def box(page, style):
    found = page.locator(f".vgg-scoremap-dense rect.vgg-map-{style}")
    return [float(found.get_attribute(name)) for name in ("x", "y", "width")]


def labels(page):
    return [cell.get_attribute("aria-label") for cell in page.locator(".vgg-map-cell").all()]


def test_arrows_move_the_receptive_field(show, viewer):
    page = show(viewer)
    geometry = viewer.pictures[1]["geometries"][1]
    page.locator(".vgg-map-cell[tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert box(page, "field") == [geometry["lefts"][1], geometry["tops"][1], geometry["field"]]
    assert box(page, "window") == [16, 16, 32]
    position = len(geometry["xs"]) + 1
    scores = viewer.pictures[1]["seen"][1][0]
    assert f"Position {position + 1} of {len(scores['scores'][0])}" in said(page)
    assert f"score {scores['scores'][viewer.klass][position]:.1f}" in said(page)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")  # the edge holds
    assert box(page, "field")[0] == geometry["lefts"][0]


def test_the_pointer_looks_without_choosing(show, viewer):
    page = show(viewer)
    before = box(page, "field")
    page.locator(".vgg-map-cell").nth(3).hover()
    assert box(page, "field") != before
    page.mouse.move(1, 1)
    assert box(page, "field") == before


def test_scale_class_map_mirror_and_picture_change_the_map(show, viewer):
    page = show(viewer)
    seen = [labels(page)]
    page.get_by_role("combobox", name="Map of").select_option(index=1)
    seen.append(labels(page))
    page.get_by_role("combobox", name="Class").select_option(index=4)
    seen.append(labels(page))
    page.get_by_role("combobox", name="Picture is").select_option(label="mirrored")
    seen.append(labels(page))
    assert page.locator(".vgg-scoremap-dense image").get_attribute("transform") is not None
    page.get_by_role("slider", name="Test scale").fill("2")
    seen.append(labels(page))
    page.get_by_role("combobox", name="Picture", exact=True).select_option(index=0)
    seen.append(labels(page))
    assert all(first != second for first, second in pairwise(seen))
    assert len(seen[-1]) == len(viewer.pictures[0]["seen"][2][1]["scores"][0])
    assert page.locator(".vgg-scoremap-grid > div").count() == 25
    row = page.locator(".vgg-scoremap-row.vgg-here").inner_text().split("\n")
    now = viewer.pictures[0]["seen"][2][1]
    assert row == [viewer.pictures[0]["classes"][4], f"{now['mean'][4]:.2f}",
                   f"{now['dense'][4]:.1f}%", f"{now['multi'][4]:.1f}%"]  # fmt: skip


def test_the_tables_hold_the_map_and_the_crops(show, viewer):
    page = show(viewer)
    page.get_by_text("The map as a table").click()
    page.get_by_text("The crops as a table").click()
    seen, klass = viewer.pictures[1]["seen"][1][0], viewer.klass
    rows = [body.locator("tr").all_inner_texts() for body in page.locator("tbody").all()]
    assert [float(row.split("\t")[1]) for row in rows[0]] == list(seen["scores"][klass])
    assert [float(row.split("\t")[3]) for row in rows[1]] == list(seen["crops"][klass])


def test_the_crop_slides_and_the_configuration_changes(show, microscope):
    page = show(microscope)
    title = page.locator("figcaption").nth(1)
    assert "1 of 49 equal" in title.inner_text() and page.locator("button.vgg-equal").count() == 1
    page.get_by_label("Configuration").select_option(index=0)
    assert "9 of 49 equal" in title.inner_text()
    page.get_by_role("slider", name="from the left").fill("0")
    assert "15 of 49 equal" in title.inner_text()
    page.get_by_role("slider", name="from the top").fill("4")
    assert page.locator("button.vgg-equal").count() == 25
    crop = page.locator("rect.vgg-padding-crop")
    assert (crop.get_attribute("x"), crop.get_attribute("y")) == ("0", "128")


def test_a_cell_is_explained_under_focus_and_pointer(show, microscope):
    page = show(microscope)
    assert "it equals" in said(page)
    page.locator(".vgg-padding-cells [tabindex='0']").focus()
    page.keyboard.press("ArrowUp")
    difference = microscope.nets[1]["crops"][12]["differences"][17]
    assert f"off by {difference:.2f}%" in said(page)
    field = page.locator("rect.vgg-padding-field")
    assert float(field.get_attribute("y")) == 64 + microscope.nets[1]["edges"][2]
    page.locator(".vgg-padding-cells button").first.hover()
    assert "Row 1, column 1" in said(page)
    page.get_by_text("All crops as a table").click()
    assert page.locator("tbody tr").nth(12).inner_text().startswith("64, 64\t1 of 49")


def test_nothing_is_wider_than_a_phone(show, viewer, microscope):
    page = show(viewer, microscope)
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
