"""The pre-initialisation lab, driven on a page without a kernel."""

from vggstudy.starts import FROM_A, Start
from vggstudy.widgets.preinitialisation import PreInitialisationLab


def lab(**traits):
    def start(method, size, **record):
        return Start(method, ("conv1_1", "conv1_2", "fc6"), (1.0, size, size**2), (0.1, 0.2, 0.3), **record)

    foretold = {"forecast": (1.0, 2.0, 4.0), "paper_forecast": (1.0, 3.0, 9.0)}
    deep = (start("normal", 7.0, **foretold), start(FROM_A, 0.5, copied=("conv1_1", "fc6")))
    return PreInitialisationLab({"A": (start("normal", 5.0, **foretold),), "D": deep}, **traits)


def legend(page):
    return page.locator(".vgg-legend").inner_text().split("\n")


def test_the_slider_reads_out_each_layer(show):
    page = show(lab())
    slider = page.get_by_role("slider")
    assert slider.get_attribute("aria-valuetext") == "fc6"
    slider.focus()
    page.keyboard.press("ArrowLeft")
    assert "7" in legend(page) and "forecast 2" in legend(page) and "0.5" in legend(page)
    assert "conv1_2 is drawn afresh" in page.locator(".vgg-said").inner_text()
    page.keyboard.press("Home")
    assert "conv1_1 is copied" in page.locator(".vgg-said").inner_text()


def test_the_pointer_reads_out_a_layer(show):
    page = show(lab())
    page.locator(".vgg-hit").nth(1).hover()
    assert page.get_by_role("slider").get_attribute("aria-valuetext") == "conv1_2"


def test_configuration_and_view_change_the_lines(show):
    page = show(lab())
    curves = page.locator("svg[role=img] .vgg-curve")
    assert curves.count() == 3 and page.locator(".vgg-copied").count() == 2
    page.get_by_role("combobox", name="Configuration").select_option("A")
    assert curves.count() == 2 and page.locator(".vgg-copied").count() == 0 and "25" in legend(page)
    page.get_by_label("Standard deviation of").select_option(label="Gradients of the loss")
    assert curves.count() == 1 and "0.3" in legend(page)
    page.get_by_label("Standard deviation of").select_option(index=2)
    assert "forecast 9" in legend(page)


def test_the_table_holds_the_numbers_and_stays_open(show):
    page = show(lab())
    page.get_by_text("as a table").click()
    assert page.locator("tbody tr").nth(1).inner_text().split("\t") == ["conv1_2", "7", "2", "0.5", "no"]
    page.get_by_role("combobox", name="Configuration").select_option("A")
    assert page.locator("tbody tr").nth(1).inner_text().split("\t") == ["conv1_2", "5", "2", "no"]


def test_nothing_is_wider_than_a_phone(show):
    page = show(lab())
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
