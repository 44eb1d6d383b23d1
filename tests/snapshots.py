"""Text that a program says in odd situations, kept beside the test so that a person can read it line by line.

After a change of wording write all of them again with one command, then read what changed:

    python -m tests.snapshots
    git diff '*/snapshots/*.txt'
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path

RENEW = "OVERREAD_RENEW_SNAPSHOTS"
HERE = Path(__file__).parent


class Spoken(HTMLParser):
    """HTML as lines: what is read, what stands for a picture, one line a row of a table."""

    BLOCKS = frozenset(
        {
            "div", "p", "li", "tr", "h1", "h2", "h3", "h4", "caption", "dt", "figure", "figcaption", "footer", "nav",
            "summary", "details",
        }
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.now: list[str] = []
        self.skipped = 0

    def end(self) -> None:
        """Finish a line."""
        line = " ".join("".join(self.now).split()).removesuffix(" |")
        if line:
            self.lines.append(line)
        self.now = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag in ("style", "svg"):
            self.skipped += 1
        if tag in self.BLOCKS:
            self.end()
        if tag == "svg":
            self.lines.append(f"[figure: {said['aria-label']}]")
        if tag == "img" and said["alt"]:
            self.lines.append(f"[image: {said['alt']}]")
        if tag in ("br", "span"):
            self.now.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("style", "svg"):
            self.skipped -= 1
        if tag in ("td", "th"):
            self.now.append(" | ")
        if tag == "dt":
            self.now.append(": ")
        if tag == "dd" or tag in self.BLOCKS - {"dt"}:
            self.end()

    def handle_data(self, data: str) -> None:
        if not self.skipped:
            self.now.append(data)


def lines_of_html(html: str) -> list[str]:
    """Return what HTML says, line by line."""
    spoken = Spoken()
    spoken.feed(html)
    spoken.end()
    return spoken.lines


def differences(plain: Sequence[str], other: Sequence[str]) -> list[str]:
    """Return the lines that come (+) and those that go (-) between a plain text and another."""
    return [f"+ {line}" for line in other if line not in plain] + [
        f"- {line}" for line in plain if line not in other
    ]


def one_text(situations: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the lines of several situations under their names."""
    return [line for name, lines in situations.items() for line in ("", f"=== {name}", *lines)][1:]


def hold_against(kept: Path, lines: Iterable[str]) -> None:
    """Fail unless the text is the kept one; where renewing is asked for, keep it first."""
    text = "\n".join(lines) + "\n"
    if os.environ.get(RENEW):
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(text, encoding="utf-8")
    assert text == kept.read_text(encoding="utf-8"), (
        "read the difference; tests/snapshots.py says how to renew"
    )


def main() -> int:
    """Write every snapshot again."""
    tests = [
        str(path) for path in sorted(HERE.rglob("test_*.py")) if "hold_against(" in path.read_text("utf-8")
    ]
    command = [sys.executable, "-m", "pytest", "-q", *tests]
    return subprocess.run(command, env={**os.environ, RENEW: "1"}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
