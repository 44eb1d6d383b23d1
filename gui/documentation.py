"""The documentation as pages on this disk, which a browser opens without a network: `overread docs`.

A release carries the site that was built with it. A checkout builds its own where the pages or what they tell of
have changed, if MkDocs is installed.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from engine.errors import EngineError

SITE = Path(__file__).parent / "site"
CHECKOUT = Path(__file__).parents[1]
CONFIGURATION = ".mkdocs.yml"
TOLD = ("docs", "engine", CONFIGURATION)  # what the site is made from


def site_of(checkout: Path = CHECKOUT, site: Path = SITE, *, say: Callable[[str], None] = print) -> Path:
    """Return the first page of the site; in a checkout whose pages have changed since, build it anew.

    Args:
        checkout: The folder that holds the program; of an installed release it has no configuration of MkDocs.
        site: Where the built site lies.
        say: Is told a sentence on the way.

    Raises:
        EngineError: There is no site and none can be built.
    """
    page = site / "index.html"
    if not (checkout / CONFIGURATION).is_file():
        if not page.is_file():
            raise EngineError(
                "This installation came without its documentation", "Read docs/ in the repository instead"
            )
        return page
    if page.is_file() and page.stat().st_mtime >= _changed(checkout):
        return page
    if importlib.util.find_spec("mkdocs") is None:
        if page.is_file():
            say(
                "The pages have changed since this site was built; MkDocs, which builds it, is not installed."
            )
            return page
        raise EngineError(
            "The documentation of this checkout is not built, and MkDocs, which builds it, is not installed",
            'Install it with python -m pip install -c constraints.txt -e ".[docs]", or read docs/ as it is',
        )
    say("Building the documentation; it takes some seconds.")
    _build(checkout, site)
    return page


def _build(checkout: Path, site: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "-f", CONFIGURATION, "-d", str(site)],
        cwd=checkout,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise EngineError(
            f"The documentation could not be built ({said[-1].strip() if said else 'MkDocs gave no reason'})",
            f"See all of it with mkdocs build -f {CONFIGURATION}, or read docs/ as it is",
        )


def _changed(checkout: Path) -> float:
    """Return when anything that the site is made from changed last."""
    places = [checkout / name for name in TOLD]
    files = [path for place in places for path in (place.rglob("*") if place.is_dir() else [place])]
    return max(path.stat().st_mtime for path in files if path.is_file() and "__pycache__" not in path.parts)
