"""Predict, driven on a page without a kernel."""

import pytest

from vggstudy.widgets.predict import Predict


def number(**texts):
    thoughts = {29: "Pools forgotten."}
    return Predict("How wide is the field?", answer=212, unit="px", misconceptions=thoughts, **texts)


def test_nothing_is_told_before_the_reader_commits(show):
    page = show(number(explanation="Each pool doubles the step."))
    assert "212" not in page.inner_text("main")
    assert "doubles" not in page.inner_text("main")
    page.get_by_role("button", name="Commit").click()  # without a number
    assert "212" not in page.inner_text("main")
    assert page.evaluate("document.activeElement.type") == "number"


@pytest.mark.parametrize(
    ("typed", "verdict", "words"),
    [
        ("212", "Right", ""),
        ("29", "Not so", "Pools forgotten."),
        ("-3", "Not so", "Too small."),
        ("1e3", "Not so", "Too large."),
    ],
)
def test_a_number_is_met_by_its_feedback_and_then_the_key(show, typed, verdict, words):
    page = show(number(explanation="Each pool doubles the step."))
    page.get_by_label("Your prediction, px").fill(typed)
    page.keyboard.press("Enter")
    said = page.get_by_role("status").inner_text()
    assert verdict in said and words in said and "212 px" in said and "doubles" in said
    assert page.get_by_label("Your prediction, px").is_disabled()


def test_the_reader_may_try_again_with_the_keyboard_alone(show):
    page = show(number())
    page.get_by_label("Your prediction, px").fill("29")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")  # the focus is on Try again
    assert "212" not in page.inner_text("main")
    page.keyboard.press("Control+A")
    page.keyboard.type("212")
    page.keyboard.press("Enter")
    assert "Right" in page.get_by_role("status").inner_text()


@pytest.mark.fault("T50")
def test_choices_of_two_questions_do_not_mix_and_markup_is_text(show):
    bad = "<script>document.title = 'bad'</script><b>D</b>"
    one = Predict("Which has 1x1?", answer="C", choices=["B", "C", bad], misconceptions={"B": "It has 3x3."})
    page = show(one, Predict("Which is deepest?", answer="E", choices=["D", "E"]))
    page.get_by_label("B", exact=True).check()
    page.get_by_label("E", exact=True).check()
    for button in page.get_by_role("button", name="Commit").all()[::-1]:
        button.click()
    first, second = (status.inner_text() for status in page.get_by_role("status").all())
    assert "Not so" in first and "It has 3x3." in first and "C" in first
    assert "Right" in second and "E" in second
    assert page.title() == "Widget" and page.get_by_label(bad).count() == 1
