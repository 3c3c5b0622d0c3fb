"""Predict before reveal: each answer meets the right words, and no question can be set wrongly."""

import numpy as np
import pytest

from vggstudy.errors import ConfigError
from vggstudy.widgets.predict import Predict, bands, options


def said(value, *arguments):
    return next(band for band in bands(*arguments) if band.holds(value))


def test_a_number_is_right_within_its_tolerance_only():
    assert said(212, 212).right and not said(212.5, 212).right
    assert said(0.29, 0.3, 0.02).right and not said(0.27, 0.3, 0.02).right
    assert said(15.0, 15.47).right and not said(14.0, 15.47).right  # 5% where the key is no whole number


def test_a_misconception_is_named_and_any_other_answer_told_its_side():
    thoughts = {29: "Pools were left out.", 404: "That is fc6."}
    assert said(29, 212, 1, thoughts).feedback == "Pools were left out."
    assert said(30, 212, 1, thoughts).feedback == "Pools were left out."
    assert said(100, 212, 1, thoughts).feedback == "Too small."
    assert said(1e9, 212, 1, thoughts).feedback == "Too large."


def test_every_number_is_answered():
    spoken = bands(-3.5, 0.25, {0: "Zero."})
    assert all(any(band.holds(value) for band in spoken) for value in np.linspace(-10, 10, 401))


@pytest.mark.parametrize(
    ("arguments", "quoted"),
    [
        ((float("nan"),), "answer=nan"),
        ((3, -1), "tolerance=-1"),
        ((3, 2, {4: "near"}), "4 counts as right"),
    ],
)
def test_a_number_question_set_wrongly_is_refused(arguments, quoted):
    with pytest.raises(ConfigError, match=quoted):
        bands(*arguments)


def test_choices_know_their_key_and_the_thought_behind_a_wrong_one():
    right, wrong, plain = options(["C", "D", "E"], "C", {"D": "It has no 1x1."})
    assert (right.right, wrong.right, plain.right) == (True, False, False)
    assert wrong.feedback == "It has no 1x1."


@pytest.mark.parametrize(
    ("arguments", "quoted"),
    [
        ((["C"], "C"), "two or more"),
        ((["C", "C"], "C"), "all different"),
        ((["C", "D"], "B"), r"'B'.*allowed: C, D"),
        ((["C", "D"], "C", {"F": "?"}), r"'F'.*allowed: C, D"),
        ((["C", "D"], "C", {"C": "?"}), "'C' is the key"),
    ],
)
def test_a_choice_set_wrongly_is_refused(arguments, quoted):
    with pytest.raises(ConfigError, match=quoted):
        options(*arguments)


def test_the_widget_shows_the_key_as_a_reader_writes_it_and_hides_it_from_its_repr():
    widget = Predict("How many parameters has D?", answer=np.int64(138357544), unit="parameters")
    assert widget.key == "138,357,544"
    assert widget.committed is None
    assert repr(widget) == "Predict(question='How many parameters has D?', committed=None)"
    assert Predict("MACs?", answer=15.470264).key == "15.47"


def test_a_text_for_a_key_needs_choices():
    with pytest.raises(ConfigError, match=r"answer='D'.*choices"):
        Predict("Which?", answer="D")


def test_a_committed_answer_reaches_python():
    widget = Predict("Which?", answer="C", choices=["C", "D"])
    widget.set_state({"committed": "D"})
    assert repr(widget) == "Predict(question='Which?', committed='D')"
