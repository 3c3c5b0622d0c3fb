"""Launch buttons lead to the repository's own address, and are left out where it has none."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def launch():
    return SimpleNamespace(**runpy.run_path(str(ROOT / "book" / "_ext" / "launch.py")))


@pytest.mark.parametrize(
    ("remote", "page"),
    [
        ("https://github.com/someone/vgg-study.git\n", "https://github.com/someone/vgg-study"),
        ("https://github.com/someone/vgg.study/", "https://github.com/someone/vgg.study"),
        ("git@github.com:someone/vgg-study.git", "https://github.com/someone/vgg-study"),
        ("/somewhere/vgg-study.git", None),
        ("https://example.org/someone/vgg-study", None),
        ("", None),
    ],
)
def test_the_address_is_read_off_the_remote(launch, remote, page):
    assert launch.address(remote) == page


def test_without_an_address_there_are_no_buttons(launch):
    assert launch.theme_options("") == {}
    assert set(launch.theme_options("git@github.com:a/b.git")["launch_buttons"]) >= {"binderhub_url", "colab_url"}


def test_a_folder_without_git_has_no_origin(launch, tmp_path):
    assert launch.origin(tmp_path) == ""


def test_binder_installs_what_the_book_was_made_with():
    lines = (ROOT / ".binder" / "requirements.txt").read_text().split("\n")
    assert lines[:2] == ["-r ../requirements.txt", "."]
