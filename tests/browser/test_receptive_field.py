"""The bench of section 2.3 on the printed page: no kernel, no network."""

from __future__ import annotations

import pytest


@pytest.fixture
def bench(visit):
    return visit("book/small_filters").locator(".vgg-field")


def weights(bench):
    return bench.locator(".vgg-line").first.locator("span").all_inner_texts()


def squares(bench):
    return bench.locator(".vgg-first .vgg-edge").count()


def test_the_numbers_of_the_paper_are_shown_first(bench):
    assert weights(bench) == ["27 C² = 110,592", "49 C² = 200,704"]
    assert squares(bench) == 3


def test_the_arrow_keys_grow_the_stack(bench):
    bench.get_by_role("slider", name="Layers").focus()
    bench.page.keyboard.press("ArrowRight")
    assert weights(bench) == ["36 C² = 147,456", "81 C² = 331,776"]
    assert squares(bench) == 4
    assert "conv9-64 sees 9×9 cells" in bench.locator(".vgg-second svg").get_attribute("aria-label")


def test_filters_and_channels_change_the_numbers(bench):
    bench.get_by_label("Filters").select_option("5×5")
    assert weights(bench) == ["75 C² = 307,200", "169 C² = 692,224"]
    bench.get_by_label("Channels C").select_option("256")
    assert weights(bench) == ["75 C² = 4,915,200", "169 C² = 11,075,584"]
    assert "56×56 map" in bench.get_by_role("status").inner_text()


def test_a_bar_is_as_long_as_its_number(bench):
    bars = bench.locator(".vgg-line").first.locator("i")
    lengths = [bar.evaluate("(bar) => bar.getBoundingClientRect().width") for bar in bars.all()]
    assert lengths[0] / lengths[1] == pytest.approx(27 / 49, abs=0.01)


def test_the_table_holds_every_number(bench):
    bench.locator("summary").click()
    table = bench.get_by_role("table").inner_text()
    for text in ("110,592", "200,704", "5,549,064,192", "7×7"):
        assert text in table


def test_the_stack_of_ones_own_waits_for_a_kernel(bench):
    assert not bench.locator("form").is_visible()
