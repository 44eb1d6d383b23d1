"""Figures as PNG at 300 dots an inch, drawn from the very SVG that the page shows."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

DPI = 300
PAGE = "#set page(width: auto, height: auto, margin: 0pt, fill: white)\n"


def png_figures(drawings: Mapping[str, str]) -> dict[str, bytes]:
    """Return SVG drawings as PNG: name → bytes, with nothing beside the pixels but their density.

    Args:
        drawings: Name → SVG with its text as text; the fonts are those that come with matplotlib.
    """
    if not drawings:
        return {}
    import typst
    from matplotlib import get_data_path

    with tempfile.TemporaryDirectory() as folder:
        for number, svg in enumerate(drawings.values()):
            (Path(folder) / f"{number}.svg").write_text(svg, encoding="utf-8")
        pages = "#pagebreak()\n".join(f'#image("{number}.svg")\n' for number in range(len(drawings)))
        source = Path(folder) / "figures.typ"
        source.write_text(PAGE + pages, encoding="utf-8")
        made: Any = typst.compile(
            source,
            root=Path(folder),
            font_paths=[Path(get_data_path()) / "fonts" / "ttf"],
            ignore_system_fonts=True,
            format="png",
            ppi=DPI,
        )
    found: Sequence[bytes] = (
        [made] if isinstance(made, bytes) else made
    )  # a list where there are several pages
    return {name: _with_density(page) for name, page in zip(drawings, found, strict=True)}


def _with_density(png: bytes) -> bytes:
    """Say how many pixels an inch has, which journals ask for, and typst does not say."""
    stream = io.BytesIO()
    with Image.open(io.BytesIO(png)) as image:
        image.convert("RGB").save(stream, "PNG", dpi=(DPI, DPI), optimize=False)
    return stream.getvalue()
