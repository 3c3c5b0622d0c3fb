"""The frame of the repository: what README promises, what Makefile does, what is shipped and under which licence."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile
from itertools import chain
from pathlib import Path

import anywidget
import pytest
import yaml
from packaging.requirements import Requirement

import vggstudy
from vggstudy.__main__ import parser
from vggstudy.configs import CONFIGS

ROOT = Path(__file__).parents[1]
OFFLINE = ROOT / "book" / "_static" / "offline"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

# README's commands that this file does not run -> who does.
RUN_ELSEWHERE = {
    "make book": ".ci/run",
    "make test": ".ci/run",
    "make lab": "tests/browser/test_jupyterlab.py",
    "make execute": "tests/test_execute.py",
    "make study-quick": ".ci/run",
    "make study": "takes hours; `make study-quick` runs each of its commands for a part",
    ". .venv/bin/activate": "the shell's own",
}


def commands():
    """The lines after `$` of README's console blocks."""
    blocks = re.findall(r"```console\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.S)
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]


def test_each_command_of_the_readme_is_run_here_or_elsewhere():
    assert [line for line in commands() if not line.startswith("vggstudy ") and line not in RUN_ELSEWHERE] == []
    ci = (ROOT / ".ci" / "run").read_text()
    assert all(re.search(rf"^{line}\b", ci, flags=re.M) for line, who in RUN_ELSEWHERE.items() if who == ".ci/run")
    assert all((ROOT / who).exists() for who in RUN_ELSEWHERE.values() if who.endswith(".py"))


def recipe_of(target):
    """The commands of a target of the Makefile."""
    return re.search(rf"^{target}:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), flags=re.M)[1].splitlines()


def test_the_quick_study_runs_every_command_of_the_whole_one():
    assert [line.removesuffix(" --quick") for line in recipe_of("study-quick")] == recipe_of("study")
    assert all(line.endswith(" --quick") for line in recipe_of("study-quick"))


@pytest.mark.parametrize("path", sorted((ROOT / "examples").iterdir()), ids=lambda path: path.name)
def test_the_command_line_understands_the_examples(path):
    """Each `vggstudy` or `-m vggstudy` of a file, shell variables and all."""
    text = path.read_text().replace("\\\n", " ").replace('"$@"', "--S 256 --init-from runs/A-256")
    lines = re.findall(r"(?:-m vggstudy|`vggstudy) ((?:train|recipe) [^`\n]+)", text)
    assert lines
    for line in lines:
        args = parser().parse_args(shlex.split(line))
        if args.command == "train":
            assert (args.config in CONFIGS or args.config == "$config") and args.resume and args.out


def test_the_readme_says_what_is_in_each_folder():
    listed = set(re.findall(r"^\| `(\w+)/` \|", (ROOT / "README.md").read_text(), flags=re.M))
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("not a clone: nothing tells which folders belong to the repository")
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    folders = {line.partition("/")[0] for line in tracked.splitlines() if "/" in line}
    assert listed == {name for name in folders if not name.startswith(".")}


@pytest.mark.slow
def test_the_command_lines_of_the_readme_run_one_after_another(tmp_path):
    """As they stand, but for one epoch instead of twelve."""
    lines = [line for line in commands() if line.startswith("vggstudy ")]
    assert any("train" in line for line in lines) and any("evaluate" in line for line in lines)
    for line in lines:
        words = shlex.split(line.replace("--epochs 12", "--epochs 1"))
        done = subprocess.run([sys.executable, "-m", *words], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, f"{line}\n{done.stderr}"


def test_the_python_of_the_readme_says_what_the_library_says():
    text = (ROOT / "README.md").read_text()
    assert f"# {vggstudy.receptive_field('D', at='pool5')} pixels" in text
    assert f"# {vggstudy.count_parameters('D'):,}" in text


def test_every_target_of_the_makefile_is_a_word_and_known():
    text = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.+)$", text, flags=re.M)[1].split()
    assert {"venv", "book", "test", "lab", "execute", "study", "clean"} <= set(phony)
    assert all(re.search(rf"^{word}:", text, flags=re.M) for word in phony)


def steps_of_venv(folder):
    """What `make venv` would do in a copy of the repository's frame, whatever the make around the tests was told."""
    told = ("MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS", "VENV")
    around = {name: value for name, value in os.environ.items() if name not in told}
    done = subprocess.run(["make", "-n", "venv"], cwd=folder, env=around, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.skipif(not shutil.which("make"), reason="no make here")
def test_make_venv_does_nothing_until_a_requirement_changes(tmp_path):
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    stamp = re.search(r"touch (\S+)", steps_of_venv(tmp_path))[1]
    (tmp_path / stamp).parent.mkdir(parents=True)
    (tmp_path / stamp).touch()
    assert "pip" not in steps_of_venv(tmp_path)
    with (tmp_path / "requirements.txt").open("a") as file:
        file.write("# changed\n")
    assert "pip" in steps_of_venv(tmp_path)


def requirements():
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return {line.name: line for line in (Requirement(text) for text in lines if text and not text.startswith("#"))}


def test_the_pinned_versions_are_within_the_librarys_ranges():
    pinned = requirements()
    for text in [*PROJECT["dependencies"], *chain(*PROJECT["optional-dependencies"].values())]:
        wanted = Requirement(text)
        version = str(pinned[wanted.name].specifier).removeprefix("==")
        assert wanted.specifier.contains(version), f"requirements.txt pins {wanted.name} {version}, outside {text}"


def test_the_tests_run_in_the_environment_that_is_written_down():
    for name, requirement in requirements().items():
        assert requirement.specifier.contains(importlib.metadata.version(name)), requirement


def test_versions_agree():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == PROJECT["version"] == vggstudy.__version__
    assert citation["license"] == PROJECT["license"] == "MIT"
    assert (ROOT / "LICENSE").read_text().startswith("MIT License")


def test_the_books_copy_of_anywidget_is_the_installed_one():
    """After an upgrade the pages would speak another protocol than the kernel."""
    installed = Path(anywidget.__file__).parent / "nbextension" / "index.js"
    assert (OFFLINE / "widgets" / "anywidget.js").read_bytes() == installed.read_bytes()


def test_each_foreign_script_has_its_licence_beside_it():
    readme = (OFFLINE / "README.md").read_text()
    for name in ("mathjax", "requirejs", "jupyter-widgets", "anywidget"):
        assert name in readme
        assert len((OFFLINE / "licences" / f"{name}-LICENSE.txt").read_text()) > 500
    known = {"boot.js", "require.js", "embed-amd.js", "anywidget.js"}
    assert {path.name for path in (OFFLINE / "widgets").glob("*.js")} == known


def test_the_readmes_picture_is_there_and_light():
    picture = re.search(r"!\[.{20,}\]\((\S+\.png)\)", (ROOT / "README.md").read_text())
    assert (ROOT / picture[1]).stat().st_size < 300_000


@pytest.mark.slow
def test_an_installed_package_holds_every_file_it_reads(tmp_path):
    """Installed in place, a file that the package data forget is found all the same."""
    source = tmp_path / "source"
    shutil.copytree(ROOT / "vggstudy", source / "vggstudy", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--wheel-dir", tmp_path, source], check=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        packed = set(wheel.namelist())
    there = {str(path.relative_to(source)) for path in (source / "vggstudy").rglob("*") if path.is_file()}
    assert there <= packed


def test_no_two_test_files_share_a_name():
    """One run of pytest could not collect both."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))
