"""What the library needs of a system: it runs on macOS and Windows too, which lack some of what Linux has."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from vggstudy.bench.machine import machine
from vggstudy.distributed import cpu_has_bfloat16, find_dtype
from vggstudy.errors import ConfigError

PACKAGE = Path(__file__).parents[1] / "vggstudy"
SOURCES = {str(path.relative_to(PACKAGE)): path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py"))}

POSIX_ONLY = r"os\.(kill|fork|statvfs|getuid|geteuid|sched_\w+|uname|getpgid|killpg|nice|sysconf|getloadavg)\b"


@pytest.mark.parametrize("module", ["vggstudy", "vggstudy.train", "vggstudy.rundirectory"])
def test_a_system_without_fcntl_can_import(module):
    code = f"import sys; sys.modules['fcntl'] = None; import {module}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_nothing_is_called_that_only_posix_has():
    code = {name: ast.unparse(ast.parse(text)) for name, text in SOURCES.items()}  # without comments
    assert {name: found for name, text in code.items() if (found := re.findall(POSIX_ONLY, text))} == {}


def test_text_is_read_and_written_as_utf_8():
    """Windows takes another encoding where none is said."""
    calls = [
        (name, node)
        for name, text in SOURCES.items() for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("read_text", "write_text")
    ]  # fmt: skip
    silent = [(name, call) for name, call in calls if "encoding" not in {word.arg for word in call.keywords}]
    assert calls and [f"{name}: {ast.unparse(call)}" for name, call in silent] == []


def test_a_torch_without_onednn_has_no_bfloat16_on_the_cpu(monkeypatch):
    """As on Macs, where the question whether this processor computes in it is not even known."""

    def missing():
        raise AttributeError("'_OpNamespace' 'mkldnn' object has no attribute '_is_mkldnn_bf16_supported'")

    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", missing)
    assert not cpu_has_bfloat16()
    assert machine("cpu")["bfloat16"] is False
    with pytest.raises(ConfigError, match="does not compute in it; allowed here is float32"):
        find_dtype("bfloat16", torch.device("cpu"))


@pytest.mark.parametrize("has", [True, False])
def test_bfloat16_on_the_cpu_is_what_onednn_says(monkeypatch, has):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: has)
    assert cpu_has_bfloat16() is has


def test_bfloat16_is_asked_for_in_one_place():
    assert [name for name, text in SOURCES.items() if "_is_mkldnn_bf16_supported" in text] == ["distributed.py"]
