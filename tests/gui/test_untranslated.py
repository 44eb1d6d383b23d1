"""Every word of a finished page comes from the catalogue: in a language whose every sentence stands in brackets, no
Latin letter stands outside them but in what is data.

A page is finished when it is on the list and passes. What is data, or not ours to say, is in `bdi`, between isolates,
or in an element with `lang=en` or `translate=no`. The language is written from right to left, where names are isolated,
and is one that Gradio speaks: of another, Gradio calls the whole page English.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

from engine import language, retelling
from engine.records import Run
from engine.workspace import Workspace, open_workspace
from gui import languages
from gui.web.session import AppSession, open_session
from tests.gui.axe import OPEN_ALL
from tests.test_language_catalogues import extracted

PSEUDO = "fa"
FINISHED = {
    "review": ".rv[data-shown]:not([data-busy])",
    "data": "#data-images .or-picture",
    "train": "#train-facts table",
    "studies": ".sd-main:visible",
    "report": "#report-drawings-0 svg",
    "share": "#share-consent",
}
"""Tabs whose every word is in the catalogues, and what is there when they stand."""

OUTSIDE = r"""(roots) => {
  const DRAWN = '.hidden, .progress-text, [data-at=map-method] option, [data-at=legend-method]';
  const DATA = DRAWN + ', bdi, [lang=en], [translate=no], script, style, code, kbd, noscript, select option[lang]';
  const found = new Set();
  const bare = (text, depth = 0) => {
    let rest = '';
    for (const letter of text) {
      if (letter === '⟦') depth++;
      else if (letter === '⟧') depth--;
      else if (depth <= 0) rest += letter;
    }
    return [rest.replace(/\u2068[^\u2069]*\u2069/g, ''), Math.max(0, depth)];
  };
  const told = (text, where) => { if (/[A-Za-z]{2,}/.test(text)) found.add(`${where}: ${text.trim()}`); };
  for (const root of roots.flatMap((one) => [...document.querySelectorAll(one)])) {
    for (const one of [root, ...root.querySelectorAll('*')]) {
      if (one.closest(DATA)) continue;
      for (const name of ['aria-label', 'title', 'placeholder', 'alt', 'aria-valuetext', 'aria-roledescription']) {
        if (one.hasAttribute(name)) told(bare(one.getAttribute(name))[0], `${one.tagName}[${name}]`);
      }
    }
    const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    let block = null, depth = 0, rest = '';
    while (walk.nextNode()) {
      const at = walk.currentNode.parentElement;
      if (at.closest(DATA)) continue;
      const near = at.closest('p, div, li, td, th, button, label, option, h1, h2, h3, h4, summary, figcaption, span');
      if (near !== block && depth === 0) block = near;
      [rest, depth] = bare(walk.currentNode.data, depth);
      told(rest, at.tagName + (at.className ? '.' + at.className : ''));
    }
  }
  return [...found];
}"""


def bracketed(folder: Path) -> None:
    """Write the catalogue of a language that nobody speaks: every sentence in brackets."""
    catalogue = Catalog(locale=PSEUDO)
    for one in extracted():
        forms = tuple(f"⟦{each}⟧" for each in one[:2]) if isinstance(one, tuple) else f"⟦{one}⟧"
        catalogue.add(one[:2] if isinstance(one, tuple) else one, forms)
    with (folder / f"{PSEUDO}.po").open("wb") as file:
        write_po(file, catalogue)


@pytest.fixture
def spoken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def forget() -> None:
        for kept in (
            language.languages,
            language.catalogue,
            language._read,
            retelling._templates,
            retelling._retell,
            languages._script,
            languages._seal,
        ):
            kept.cache_clear()

    bracketed(tmp_path)
    monkeypatch.setattr(language, "CATALOGUES", tmp_path)
    monkeypatch.setattr(retelling, "CATALOGUES", tmp_path)
    forget()
    yield
    monkeypatch.undo()
    forget()


@pytest.fixture
def own(trained: tuple[Workspace, Run], tmp_path: Path) -> Iterator[AppSession]:
    shutil.copytree(trained[0].root, tmp_path / "workspace")
    session = open_session(open_workspace(tmp_path / "workspace"), reader="eve")
    yield session
    session.store.close()


@pytest.mark.browser
def test_no_word_of_a_finished_page_is_outside_the_catalogue(
    spoken: None, own: AppSession, page: Any, opened: Callable[..., Any]
) -> None:
    window = opened(own)
    page.context.add_cookies([{"name": "overread_language", "value": PSEUDO, "url": window.url}])
    page.goto(window.url)
    wrong: dict[str, list[str]] = {}
    for tab, there in FINISHED.items():
        page.click(f"#page-{tab}-button")
        page.wait_for_selector(there)
        for number in range(
            page.locator(f"#page-{tab} .rp-part").count()
        ):  # each is drawn when it is come to
            page.locator(".rp-part").nth(number).scroll_into_view_if_needed()
            page.wait_for_selector(f".rp-part >> nth={number} >> .rp-body:not(:has(.or-skeleton))")
        page.evaluate(OPEN_ALL)
        assert page.locator(f"#page-{tab}").inner_text().count("⟦") > 3, f"{tab} is not in the language"
        # a tab's own panel, and what stands around all of them
        wrong[tab] = page.evaluate(OUTSIDE, [f"#page-{tab}", "#pages > .tab-wrapper", "#language", "#guide"])
    assert page.evaluate("document.documentElement.lang") == PSEUDO, "Everything would count as English"
    assert not any(wrong.values()), wrong
