"""What was made of a page or drawn once for a check of a bundle is not made again: tests change one file at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

import pytest

from engine.report.exports.png import png_figures
from engine.report.held import drawings, paper


@pytest.fixture(scope="session", autouse=True)
def made_once() -> Iterator[None]:
    known: dict[str, bytes] = {}

    def draw(drawn: Mapping[str, str]) -> dict[str, bytes]:
        new = {svg: svg for svg in drawn.values() if svg not in known}
        known.update(png_figures(new))
        return {name: known[svg] for name, svg in drawn.items()}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawings, "png_figures", draw)
        patch.setattr(paper, "pdf_of", lru_cache(8)(paper.pdf_of))
        patch.setattr(paper, "word_of", lru_cache(8)(paper.word_of))
        yield
