"""The names that `import vggstudy` promises are what they say, whatever was imported before."""

from importlib import import_module
from types import ModuleType

import pytest

import vggstudy


@pytest.mark.parametrize("name", vggstudy.__all__)
def test_each_public_name_is_there_twice_and_is_no_module(name):
    """A module of the same name, once loaded, would take its function's place."""
    first, second = getattr(vggstudy, name), getattr(vggstudy, name)
    assert first is second and not isinstance(first, ModuleType)


def test_modules_of_the_same_name_are_still_to_be_had():
    for name in ("train", "evaluate"):
        module = import_module(f"vggstudy.{name}")
        assert getattr(module, name) is getattr(vggstudy, name)
    from vggstudy.evaluate import PAPER_Q

    assert PAPER_Q == (256, 384, 512)


def test_an_unknown_name():
    with pytest.raises(AttributeError, match="no attribute 'accuracy'"):
        _ = vggstudy.accuracy
