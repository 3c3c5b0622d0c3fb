"""The configuration explorer, driven by keys, pointer and menus on a page without a kernel."""

import pytest

from vggstudy.widgets.configuration_explorer import ConfigurationExplorer


def facts(page):
    return page.locator(".vgg-title").inner_text(), page.locator(".vgg-facts").inner_text()


def test_the_arrow_keys_walk_through_table_1(show):
    page = show(ConfigurationExplorer(config="C", layer="conv3_2"))
    page.get_by_role("button", name="conv3_2", exact=False).and_(page.locator("[aria-current=true]")).focus()
    page.keyboard.press("ArrowDown")
    title, told = facts(page)
    assert title == "C · conv3_3 · conv1-256" and "65,792" in told
    page.keyboard.press("ArrowRight")
    assert facts(page)[0] == "D · conv3_3 · conv3-256"
    page.keyboard.press("ArrowDown")  # over the gap that E's fourth layer leaves
    assert facts(page)[0] == "D · pool3 · max-pool"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    assert facts(page)[0] == "B · conv3_2 · conv3-256"
    assert page.locator(".vgg-cell[tabindex='0']").count() == 1


def test_the_pointer_shows_a_layer_and_gives_the_chosen_one_back(show):
    page = show(ConfigurationExplorer())
    box = page.locator(".vgg-box").get_attribute("width")
    cell = page.get_by_role("group", name="E, 19").get_by_role("button", name="pool5")
    cell.hover()
    title, told = facts(page)
    assert title.startswith("E · pool5") and "268 × 268 px" in told
    assert (box, page.locator(".vgg-box").get_attribute("width")) == ("404", "268")
    page.mouse.move(0, 0)
    assert facts(page)[0].startswith("D · fc6")
    cell.click()
    page.mouse.move(0, 0)
    assert facts(page)[0].startswith("E · pool5")


def test_the_bars_follow_the_measure(show):
    page = show(ConfigurationExplorer())
    bars = {"parameters": ("fc6", "100%"), "MACs": ("conv1_2", "100%")}
    for label, (layer, width) in bars.items():
        page.get_by_label("Bars show").select_option(label=label[0].upper() + label[1:])
        bar = page.get_by_role("group", name="D, 16").get_by_role("button", name=layer).locator("i")
        assert width in bar.get_attribute("style")
    assert page.get_by_role("group", name="D, 16").locator(".vgg-head").inner_text().split() == ["D", "15.5", "G"]


def test_what_differs_is_marked_on_both_sides(show):
    page = show(ConfigurationExplorer(config="D", layer="conv4_3"))
    page.get_by_label("Mark what differs from").select_option("C")
    marked = page.locator(".vgg-differs").evaluate_all("all => all.map(each => each.getAttribute('aria-label'))")
    assert len(marked) == 6
    assert "conv4_3, conv1-512: 262,656, not in D" in marked
    assert page.locator(".vgg-detail").inner_text().endswith("≠ C has no such layer.")
    page.get_by_label("Mark what differs from").select_option("")
    assert page.locator(".vgg-differs").count() == 0


@pytest.mark.fault("T50")
def test_the_table_holds_the_numbers_and_a_foreign_name_is_text(show):
    widget = ConfigurationExplorer()
    widget.add("conv5-64 |", name="<script>document.title='bad'</script>")
    page = show(widget)
    page.get_by_text("as a table").click()
    rows = page.locator(".vgg-data tbody tr").all_inner_texts()
    assert len(rows) == 5 and "4,864" in rows[0]
    assert page.title() == "Widget" and "<script>" in page.locator(".vgg-title").inner_text()


def test_nothing_is_wider_than_a_phone(show):
    page = show(ConfigurationExplorer())
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
