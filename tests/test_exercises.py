"""Coding exercises: the library's answer passes, each known slip is caught and met by its own hint."""

from __future__ import annotations

from importlib import import_module

import pytest
import torch

from vggstudy.errors import ConfigError
from vggstudy.exercises import chapters, check, find, same

EXERCISES = [
    f"{chapter}.{name}" for chapter in chapters() for name in import_module(f"vggstudy.exercises.{chapter}").EXERCISES
]


@pytest.mark.parametrize("name", EXERCISES)
def test_the_librarys_answer_is_right(name):
    exercise = find(name)
    assert len(exercise.cases) >= 2
    assert repr(check(name, exercise.answer)) == f"right in all {len(exercise.cases)} cases"


@pytest.mark.parametrize(("name", "hint"), [(name, hint) for name in EXERCISES for hint in find(name).slips])
def test_a_slip_is_met_by_its_hint(name, hint):
    verdict = check(name, find(name).slips[hint])
    assert not verdict.right and verdict.words.endswith(f"Hint: {hint}")


@pytest.mark.parametrize("name", EXERCISES)
def test_nothing_written_yet_is_not_right(name):
    assert not check(name, lambda *_: None).right


def test_what_a_function_raises_is_told():
    def mine(*_):
        raise ZeroDivisionError("by zero")

    assert "raises ZeroDivisionError: by zero" in check(EXERCISES[0], mine).words


def test_the_hidden_answer_is_not_told():
    exercise = find("small_filters.centre")
    wanted = exercise.answer(*exercise.cases[0])
    assert str(wanted) not in check("small_filters.centre", lambda *_: -123.0).words


@pytest.mark.parametrize("name", ["small_filters.center", "small_filter.centre", "small_filters", ""])
def test_an_unknown_exercise_gets_the_close_matches(name):
    with pytest.raises(ConfigError):
        check(name, abs)


@pytest.mark.parametrize(
    ("given", "wanted", "agree"),
    [
        (1, 1, True), (1, 2, False), (2, 2.0, True), (0.1 + 0.2, 0.3, True), (None, 0, False), ("a", "a", True),
        (True, 1, False), ([1, 2.0], (1, 2), True), ((1,), (1, 2), False), (torch.ones(2), torch.ones(2), True),
        (torch.ones(2), torch.ones(3), False), (torch.zeros(2), torch.ones(2), False), (1.0, torch.ones(2), False),
    ],
)  # fmt: skip
def test_results_agree_as_numbers_do(given, wanted, agree):
    assert same(given, wanted) is agree
