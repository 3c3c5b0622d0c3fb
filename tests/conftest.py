"""What all tests share: pictures without a screen, and a plain word for what this machine cannot run."""

from __future__ import annotations

import os

import pytest
from faults import pytest_collection_modifyitems, pytest_terminal_summary  # noqa: F401 - hooks

os.environ["MPLBACKEND"] = "Agg"


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("gpu"):
        torch = pytest.importorskip("torch")
        if not torch.cuda.is_available():
            pytest.skip("no CUDA device here")
