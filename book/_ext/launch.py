"""Sphinx extension: buttons that open a chapter on Binder or Colab, where the book knows its own public address.

The address is that of the git remote `origin` if it is on GitHub, or the environment variable `REPOSITORY`.  A button
that leads nowhere is worse than none, so a copy without an address has none.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config

GITHUB = re.compile(r"(?:https://github\.com/|git@github\.com:)(?P<name>[\w.-]+/[\w.-]+?)(?:\.git)?/?")
BUTTONS = {
    "binderhub_url": "https://mybinder.org",
    "colab_url": "https://colab.research.google.com",
    "notebook_interface": "jupyterlab",
}


def address(remote: str) -> str | None:
    """The page of a repository on GitHub from the address of a remote; `None` for any other."""
    match = GITHUB.fullmatch(remote.strip())
    return f"https://github.com/{match['name']}" if match else None


def origin(folder: Path) -> str:
    """Where `origin` of the repository in `folder` lies; empty if there is none."""
    command = ["git", "-C", str(folder), "remote", "get-url", "origin"]
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout
    except OSError:  # no git here
        return ""


def theme_options(remote: str) -> dict[str, object]:
    """What the theme needs for its launch buttons."""
    url = address(remote)
    return {"repository_url": url, "repository_branch": "main", "launch_buttons": BUTTONS} if url else {}


def add_buttons(app: Sphinx, config: Config) -> None:
    remote = os.environ.get("REPOSITORY") or origin(Path(app.srcdir))
    config.html_theme_options = {**config.html_theme_options, **theme_options(remote)}


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("config-inited", add_buttons)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
