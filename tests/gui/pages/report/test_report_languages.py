"""The Report page speaks the visitor's language; what it hands out as files is in English."""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Iterator
from gettext import NullTranslations
from html.parser import HTMLParser
from pathlib import Path

import pytest

from engine import language
from engine.language import languages, speaking
from engine.records import Run
from engine.report import REFERENCE_STANDARDS, Report
from engine.workspace import Workspace, open_workspace
from gui.pages.report.asked import report_part
from gui.pages.report.page import show
from gui.pages.report.parts import PARTS, titles
from gui.pages.report.sections import about, cases, drawings, headline, said
from gui.pages.report.taking import export
from gui.web.session import AppSession, open_session
from tests.engine.report.test_snapshots import situations
from tests.gui.conftest import Room

BOTH = list(REFERENCE_STANDARDS)
OTHERS = [code for code in languages() if code != "en"]
DATA = re.compile(r"\b(?:v\d+|doi:\S+|arXiv:\S+|sex|age|site)\b")
VOID = {"br", "img", "input", "path", "i"}


class Bracketing(NullTranslations):
    """A language whose every sentence is the English one in brackets."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"


BRACKETING = Bracketing()
A_SENTENCE = "[a-z]{2,} [a-z]{2,} [a-z]{2,}"
A_NAME = re.compile(f"\u2068(?![^\u2068\u2069]*{A_SENTENCE})[^\u2068\u2069]*\u2069")
HEBREW = re.compile("[\u05d0-\u05ea]")
"""What was told again, by templates of which the bracketing knows nothing: it may name a command."""


class Untold(HTMLParser):
    """The texts of HTML that are neither said by a catalogue, nor names, nor marked as English."""

    def __init__(self) -> None:
        super().__init__()
        self.silent: list[str] = []
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag not in VOID and (self.silent or told.get("lang") == "en" or tag in ("bdi", "style")):
            self.silent.append(tag)
        if not self.silent:
            for name in ("alt", "aria-label", "title"):
                self.handle_data(told.get(name) or "")

    def handle_endtag(self, tag: str) -> None:
        if self.silent and self.silent[-1] == tag:
            self.silent.pop()

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.found.append(data)


def untold(html: str, names: list[str]) -> list[str]:
    reader = Untold()
    reader.feed(html)
    bare = "\n".join(reader.found)
    while (inner := re.sub(r"⟦[^⟦⟧]*⟧", "", bare)) != bare:
        bare = inner
    for name in sorted(names, key=len, reverse=True):
        bare = bare.replace(name, "")
    bare = A_NAME.sub("", bare)
    return [
        line
        for line in bare.splitlines()
        if re.search(A_SENTENCE if HEBREW.search(line) else "[A-Za-z]{2}", DATA.sub("", line))
    ]


@pytest.fixture
def bracketed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(language, "catalogue", lambda code: BRACKETING)
    with speaking("he"):
        yield


@pytest.fixture(scope="module")
def session(trained: tuple[Workspace, Run], tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppSession]:
    folder = tmp_path_factory.mktemp("spoken") / "workspace"
    shutil.copytree(trained[0].root, folder)
    with_run = open_session(open_workspace(folder), reader="Dr Test")
    yield with_run
    with_run.store.close()


def names_in(report: Report) -> list[str]:
    return [
        *report.classes,
        report.run.run_id,
        report.run.dataset_name,
        *(each.case_id for each in report.cases),
    ]


@pytest.mark.usefixtures("bracketed")
@pytest.mark.parametrize("name", situations())
def test_no_sentence_of_the_report_is_left_in_english_unmarked(session: AppSession, name: str) -> None:
    report = situations()[name]()
    told = {
        "headline": headline(report, BOTH),
        "cases": cases(session, report, BOTH, heat=True),
        "about": about(report),
    }
    told |= {f"said {at}": said(one) for at, one in enumerate(report.against)}
    told |= {f"drawings {at}": drawings(report, one) for at, one in enumerate(report.against)}
    left = {where: found for where, html in told.items() if (found := untold(html, names_in(report)))}
    assert not left


def test_a_figure_whose_name_is_in_latin_letters_turns_nothing_around_in_its_tile() -> None:
    with speaking("fa"):
        told = headline(situations()["no reader"](), BOTH)
    assert "\u2068AUROC\u2069" in told


@pytest.mark.usefixtures("bracketed")
def test_every_part_of_the_page_is_said_by_the_catalogue_or_marked_as_english(
    session: AppSession, trained: tuple[Workspace, Run]
) -> None:
    run = trained[1]
    asked = {"run": run.run_id, "part": "test", "standards": BOTH}
    names = [*run.classes, run.run_id, run.dataset_name]
    left = {
        name: found
        for name in PARTS
        if (found := untold(str(report_part(session, {**asked, "name": name})["html"]), names))
    }
    assert not left
    assert all(title.startswith("⟦") for _name, title in titles())


@pytest.mark.parametrize("code", OTHERS)
def test_a_page_without_a_run_speaks_the_language(room: Room, code: str) -> None:
    with speaking("en"):
        english = show(room.session, None, "test", BOTH)[0]
    with speaking(code):
        told = show(room.session, None, "test", BOTH)[0]
    assert told != english and "No finished run" not in told


def contents(path: Path) -> dict[str, bytes]:
    if path.suffix != ".zip":
        return {path.name: path.read_bytes()}
    with zipfile.ZipFile(path) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


@pytest.mark.parametrize("kind", ["json", "csv", "html"])
def test_files_are_in_english_whatever_the_page_is_in(
    session: AppSession, trained: tuple[Workspace, Run], kind: str
) -> None:
    run = trained[1].run_id
    english = contents(Path(export(session, kind, run, "test")))
    for code in OTHERS:
        with speaking(code):
            report_part(session, {"run": run, "part": "test", "standards": BOTH, "name": "performance"})
            assert contents(Path(export(session, kind, run, "test"))) == english
