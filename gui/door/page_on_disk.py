"""A page on the disk, readable by this account alone, that leads the browser to the window.

An address that is handed to a browser stands in the list of processes, which every account on this computer can read;
the name of a file says nothing. The page also opens the window a second time, while it is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gui.door.languages import PAGES


@contextmanager
def way_in(folder: Path, port: int, address: str) -> Iterator[Path | None]:
    """Write the page, give its path, and remove it in the end.

    Args:
        folder: Where it lies.
        port: Of the window, so that several can stand side by side.
        address: With the key.

    Yields:
        Its path, or None where it cannot be written.
    """
    page = folder / f"open-{port}.html"
    try:
        page.unlink(missing_ok=True)
        page.touch(mode=0o600, exist_ok=False)
        page.write_text(PAGES.get_template("way_in.html").render(address=address), encoding="utf-8")
    except OSError:
        yield None
        return
    try:
        yield page
    finally:
        with suppress(OSError):
            page.unlink()
