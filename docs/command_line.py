"""Write docs/command-line.md from the program itself, by Typer's own documentation of a command line.

python docs/command_line.py
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "command-line.md"


def render() -> str:
    """Return the page as the program of this checkout says it."""
    command = [sys.executable, "-m", "typer", "gui.cli.main", "utils", "docs", "--name", "overread"]
    command += ["--title", "Command line"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=True)
    return f"<!-- python docs/command_line.py -->\n{done.stdout.strip()}\n"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
    print(PAGE)
