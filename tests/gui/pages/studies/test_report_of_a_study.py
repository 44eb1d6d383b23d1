"""The report of a study in the pages: it is there once it can lead nobody, and it is the one that the files hold."""

from __future__ import annotations

import json

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from engine.errors import ReviewError
from engine.language import speaking
from engine.report import STUDY_FORMATS, kept_answers, study_folder
from gui.pages.studies.desk import show_study
from gui.pages.studies.files import study_routes
from gui.pages.studies.reporting import show_report, write_study_item
from gui.pages.studies.rounds import Rounds
from tests.gui.pages.studies.conftest import Ward


def test_a_report_waits_until_all_is_read_or_the_study_is_closed(ward: Ward) -> None:
    rounds, study = Rounds(ward.session), ward.study()
    asked = {"study": study.study_id, "reader": "anna"}
    assert show_study(rounds, asked)["reports"] == []
    with pytest.raises(ReviewError, match="still being read"):
        show_report(rounds, asked)
    ward.session.store.studies.close(study.study_id)
    told = show_report(rounds, asked)
    assert "<h1>Study: pilot</h1>" in told["page"] and "<script" not in told["page"]
    assert "STARD 2015" in told["checklists"]
    client = TestClient(Starlette(routes=study_routes(ward.session)))
    links = dict(show_study(rounds, asked)["reports"])
    assert not links.keys() & STUDY_FORMATS.keys(), "each format has words"
    document = json.loads(client.get(links["Report as JSON"]).content)
    assert (
        document["name"] == "pilot" and len(client.get(links["Readings for iMRMC and MRMCaov"]).content) > 100
    )
    assert client.get(links["Report as JSON"].replace("/json/", "/html/")).status_code == 404
    with speaking("fa"):
        persian = [address for _, address in show_study(rounds, asked)["reports"] if "/html.fa/" in address]
        assert 'lang="fa"' in show_report(rounds, asked)["page"]
    assert '<html lang="fa" dir="rtl">' in client.get(persian[0]).text


def test_what_is_written_to_a_studys_checklist_is_kept_with_the_study_under_its_writers_name(
    ward: Ward,
) -> None:
    rounds, study = Rounds(ward.session), ward.study()
    asked = {
        "study": study.study_id,
        "reader": "anna",
        "checklist": "stard2015",
        "item": "30",
        "text": "None.",
    }
    assert "CLAIM 2024 item 44" in write_study_item(rounds, asked)["said"]
    (kept,) = kept_answers(study_folder(ward.session.workspace, study.study_id))
    assert (kept.text, kept.by) == ("None.", "anna")
    ward.session.store.studies.close(study.study_id)
    assert "written by <bdi>anna</bdi>" in show_report(rounds, asked)["checklists"]
