"""The bugs of the book: each is what it is said to be, shows nothing by its name, and leaves no trace.

That each is caught is tested in test_mutants.py.
"""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import nbformat
import pytest
import torch

from vggstudy.evaluate import evaluate
from vggstudy.mistakes import MISTAKES
from vggstudy.model import vgg
from vggstudy.nets import load_net

CHAPTER = Path(__file__).parents[1] / "book" / "spot_the_bug.ipynb"


@pytest.fixture(params=MISTAKES)
def mistake(request):
    return MISTAKES[request.param]


def test_there_are_eight():
    assert len(MISTAKES) == 8


def test_it_takes_what_the_right_function_takes(mistake):
    names = [list(inspect.signature(each).parameters) for each in (mistake.broken, mistake.right)]
    assert len(names[0]) == len(names[1])
    assert mistake.broken.__name__ == mistake.place.split(".")[-1]


def test_its_source_can_be_read_and_holds_the_line(mistake):
    ast.parse(mistake.source)
    assert mistake.source.count(mistake.line) == 1
    assert "#" not in mistake.source and max(map(len, mistake.source.splitlines())) <= 88


def test_it_is_there_only_while_it_is_made(mistake):
    right = mistake.right
    with pytest.raises(ZeroDivisionError), mistake.made():
        assert mistake.right is mistake.broken
        raise ZeroDivisionError
    assert mistake.right is right


def test_the_chapter_shows_and_solves_each(mistake):
    prose = "\n".join(
        cell.source for cell in nbformat.read(CHAPTER, as_version=4).cells if cell.cell_type == "markdown"
    )
    assert prose.count(f"`{mistake.line}`") == 1


def test_padded_1x1_layers_let_the_maps_of_c_grow_and_of_no_other():
    with torch.device("meta"):
        crop = torch.empty(1, 3, 224, 224)
        with MISTAKES["1×1 layers are padded"].made():
            sides = {name: vgg(name).features(crop).shape[-1] for name in ("A-LRN", "C", "D")}
        assert vgg("C").features(crop).shape[-1] == 7
    assert sides == {"A-LRN": 7, "C": 8, "D": 7}


def test_a_square_image_is_not_squeezed():
    image = torch.randint(256, (3, 50, 50), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    squeezed = MISTAKES["images are squeezed to a square"]
    assert torch.equal(squeezed.broken(image, 72), squeezed.right(image, 72))


def test_scores_averaged_over_one_crop_are_its_posteriors():
    """Where all crops coincide there is nothing to average."""
    net, image = load_net("A-S72"), torch.full((3, 64, 64), 128, dtype=torch.uint8)
    bug = MISTAKES["scores are averaged over crops"]
    right = evaluate(net, [(image, 0)], 64, "multi-crop", flip=False).posteriors
    with bug.made():
        broken = evaluate(net, [(image, 0)], 64, "multi-crop", flip=False).posteriors
    assert torch.allclose(right, broken, atol=1e-5)
