"""What a browser is given is written where the program may write at any time, also after the cache was deleted."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gui.web import new_folder

ROOT = Path(__file__).parents[3]


def test_a_cache_that_was_deleted_while_the_window_is_open_stops_no_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads = tmp_path / "cache" / "uploads"
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(uploads))
    first = new_folder("report")
    shutil.rmtree(tmp_path / "cache")
    again = new_folder("report")
    assert first.parent == again.parent == uploads and again.is_dir() and again != first
    assert uploads.stat().st_mode & 0o077 == again.stat().st_mode & 0o077 == 0


def test_pages_write_downloads_nowhere_else() -> None:
    pages = [*(ROOT / "gui" / "pages").rglob("*.py")]
    assert len(pages) > 50 and not [path for path in pages if "mkdtemp" in path.read_text(encoding="utf-8")]
