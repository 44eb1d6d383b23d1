"""Promises of the reports of a study, and of the run whose cases it settled, in Persian and in Hebrew: the same
numbers, no English but names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pikepdf
import pytest
from selectolax.lexbor import LexborHTMLParser

from engine.language import ENGLISH, right_to_left, speaking
from engine.reading import Store, StudyAnswer, open_store
from engine.reading.sittings import Shown
from engine.recipes import RECIPES
from engine.report import build_report, consensus_of_studies, export_report, export_study, report_study
from engine.report.printed.page import numbers_on
from engine.workspace import open_workspace
from tests.engine.reading.test_store import RUN
from tests.engine.report.study.scripted import NOW, films, protocol, read_all, script, scripted_store
from tests.engine.report.study.test_study_report import unsure_on
from tests.engine.report.test_other_languages import CODES, english, numerals, visible

SEEN = (
    Shown(image_id=""),
    Shown(image_id="", prediction=False, map="grad-cam"),
    Shown(image_id="", prediction=False, label=True),
    Shown(image_id="", prediction=False, others=True),
    Shown(image_id="", prediction=False, similar=True),
)
PREDICTED = [replace(each, part="test") for each in films(32)]
TRAINED = replace(RUN, recipe=RECIPES["default"])
NAMES = (
    *("normal", "opacity", "pneumonia", "chest films", "UTC", "Hillis", "Rockette", "AUC", "Cov"),
    *(
        "Scripted verdicts of known error rate",
        "readers are better with the model",
        RECIPES["default"].source,
    ),
)


def settled(store: Store) -> str:
    """Have a study read after all that must not be seen was, changed, and settled in part; return its id."""
    names = scripted_store(store, cases=30)
    told = protocol(names, wrong_advice=0.1, consensus="adjudicated", adjudicator="Cleo")
    study_id = store.studies.create(told).study_id
    elsewhere = store.begin_sitting(RUN.run_id, names[0])
    for task, shown in zip(store.studies.upcoming(study_id, names[0], k=len(SEEN)), SEEN, strict=True):
        store.expose(elsewhere, replace(shown, image_id=task.image_id))
    for place, name in enumerate(names):
        read_all(store, study_id, name, unsure_on({12}) if place else script(1))
    protocol_now = store.studies.get(study_id).protocol
    store.studies.change(study_id, replace(protocol_now, endpoint="as before"), "said shorter")
    sitting = store.studies.begin(study_id, "Cleo")
    task = store.studies.next(study_id, "Cleo", now=NOW)
    assert task is not None
    store.studies.dispute(sitting, task.image_id)
    answer = StudyAnswer(
        study_id=study_id, image_id=task.image_id, arm=task.arm, verdict="read", label="normal", certainty=4.0,
        seconds=3.0, comment="by the second film",
    )  # fmt: skip
    store.studies.answer(answer, sitting, now=NOW)
    store.studies.end(sitting)
    store.studies.close(study_id)
    return study_id


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Folders of files, by language: of a study, and of the run whose cases it settled."""
    workspace = open_workspace(tmp_path_factory.mktemp("study") / "workspace")
    folders, of_run = {}, {}
    with open_store(workspace.database) as store:
        report = report_study(workspace, store, settled(store))
        for code in (ENGLISH, *CODES):
            with speaking(code):
                consensus = consensus_of_studies(store, TRAINED, PREDICTED)
                of_run[code] = build_report(TRAINED, PREDICTED, history=(), settled=consensus)
    for code in (ENGLISH, *CODES):
        formats = ("html", "json") if code == ENGLISH else ("html", "json", "pdf", "docx")
        folders[code] = tmp_path_factory.mktemp(code)
        export_study(report, folders[code], formats=formats, told=code)
        export_report(
            of_run[ENGLISH], folders[code], picture=lambda _: None, heatmap=lambda _: None, formats=("html", "json"),
            told=None if code == ENGLISH else (code, of_run[code]),
        )  # fmt: skip
    return folders


def page(written: Mapping[str, Path], code: str, name: str = "study") -> str:
    return (written[code] / f"{name}.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("name", ["study", "report"])
def test_no_sentence_of_ours_is_in_english(written: Mapping[str, Path], code: str, name: str) -> None:
    tree = LexborHTMLParser(page(written, code, name))
    root, body = tree.root, tree.body
    assert root is not None and body is not None
    assert root.attributes["lang"] == code
    assert (root.attributes.get("dir") == "rtl") == right_to_left(code)
    left = [said for said in visible(body) if english(said, NAMES)]
    assert not left


def test_the_study_of_these_pages_has_what_is_said_of_few(written: Mapping[str, Path]) -> None:
    study, report = (page(written, ENGLISH, name) for name in ("study", "report"))
    assert "others&#39; readings in 1" in study and "Reason: said shorter" in study
    assert "Votes a case" in report and "Adjudicated" in report and "1 unsure, 0 not diagnostic" in report


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("name", ["study", "report"])
def test_the_numbers_are_those_of_the_english_page_under_the_same_ids(
    written: Mapping[str, Path], code: str, name: str
) -> None:
    ours, theirs = (numbers_on(page(written, each, name)) for each in (code, ENGLISH))
    assert ours.keys() == theirs.keys() and len(ours) > 150
    for place, said in theirs.items():
        assert Counter(numerals(ours[place])) == Counter(numerals(said)), (place, said, ours[place])


@pytest.mark.parametrize("code", CODES)
def test_the_pdf_is_in_the_language_and_json_is_not(written: Mapping[str, Path], code: str) -> None:
    with pikepdf.open(written[code] / "study.pdf") as pdf:
        assert str(pdf.Root.Lang).startswith(code)
    assert (written[code] / "study.docx").read_bytes().startswith(b"PK")
    for name in ("study.json", "report.json"):
        assert (written[code] / name).read_bytes() == (written[ENGLISH] / name).read_bytes()
