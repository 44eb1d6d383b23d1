"""Whether a newer version can be had, asked only when somebody asks; by pip, which knows where its packages come from.

Proxies, certificates and passwords are pip's own, from its configuration.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version

from engine.errors import EngineError

SECONDS = 15
_FOUND = re.compile(r"^overread \(([^)\s]+)\)", re.MULTILINE)


def update_said() -> str:
    """Return in a sentence whether a newer version can be had.

    Raises:
        EngineError: There is no pip to ask by, or where packages come from does not answer, or does not have Overread.
    """
    if importlib.util.find_spec("pip") is None:
        raise EngineError(
            "There is no pip in this environment to ask by",
            "Update with what installed it: uv tool upgrade overread",
        )
    asked = [sys.executable, "-m", "pip", "-vv", "--no-input", "--disable-pip-version-check", "--retries", "0",
             "--timeout", "5", "index", "versions", "--pre", "overread"]  # fmt: skip
    try:
        done = subprocess.run(asked, capture_output=True, text=True, timeout=SECONDS, errors="replace")
    except subprocess.TimeoutExpired as error:
        raise EngineError(
            f"Where packages come from did not answer within {SECONDS} s",
            "Try again later; nothing here needs it",
        ) from error
    newest = _FOUND.search(done.stdout)
    if newest is None:
        away = re.search(
            r"Could not fetch URL .*(connection|SSL|timed out|timeout)", done.stdout + done.stderr
        )
        raise EngineError(
            "Where packages come from cannot be reached"
            if away
            else "Where packages come from has no Overread",
            "Nothing here needs it; ask whoever gave you this version",
        )
    return _compared(newest[1])


def _compared(newest: str) -> str:
    from packaging.version import Version

    try:
        here = version("overread")
    except PackageNotFoundError:
        return f"{newest} can be had; this Overread is not installed as a package"
    if Version(newest) > Version(here):
        return f"{newest} can be had, this is {here}: python -m pip install --upgrade overread"
    return f"This is {here}, and nothing newer can be had"
