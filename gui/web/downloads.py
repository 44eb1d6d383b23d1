"""A file that a handler has written reaches the browser."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

TAKE_FILE = """(file) => {
  if (!file?.url) return;
  const link = document.createElement('a');
  link.href = file.url;
  link.download = file.orig_name ?? '';
  link.click();
}"""
"""For `.success(None, component, None, js=TAKE_FILE)`: the browser saves what a handler put into a hidden component.

By what was handed over: the component's own button may still hold nothing, or the file before.
"""


def new_folder(kind: str) -> Path:
    """Make a folder for files that a browser is given, in Gradio's own, which is private and swept daily.

    That one lies in the cache, which may be deleted at any time.

    Args:
        kind: What the folder's name begins with.
    """
    place = os.environ.get("GRADIO_TEMP_DIR")
    if place:
        Path(place).mkdir(mode=0o700, parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=f"{kind}-", dir=place))
