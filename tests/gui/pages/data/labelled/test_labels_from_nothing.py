"""What becomes of a study of images without labels on the Data page: a version of their labels, and by whom."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.data import index_folder, save_index
from engine.errors import ReviewError
from engine.reading import Reader
from engine.records import Index
from gui.pages.data.labelled.pane import make_of_study, told, use
from gui.pages.studies.reading import answer, open_study
from gui.pages.studies.rounds import Rounds
from gui.web.session import AppSession
from tests.gui.conftest import draw_film

FILMS = 16


def truth_of(image: Path) -> str:
    return "opacity" if int(image.stem) % 2 else "normal"


@pytest.fixture
def films(session: AppSession, tmp_path: Path) -> Index:
    """Sixteen images without a label, and two readers."""
    (tmp_path / "films").mkdir()
    for number in range(FILMS):
        draw_film(tmp_path / "films" / f"{number:02d}.png", number, side=64, opacity=bool(number % 2))
    index = index_folder(tmp_path / "films", near_duplicates=False)
    save_index(session.workspace, index)
    for name in ("Dr Test", "Ben"):
        if session.store.find_reader(name) is None:
            session.store.add_reader(Reader(reader_id="", name=name))
    return index


def read_as(session: AppSession, study_id: str, name: str, truth: dict[str, str], *, wrong: str) -> None:
    """Give every answer of a reader through the functions that the page calls; one of them otherwise."""
    rounds = Rounds(session)
    seen = open_study(rounds, {"study": study_id, "reader": name, "page": "theirs"})
    reading = seen["reading"]
    while (case := seen["case"]) is not None:
        label = truth[case["id"]]
        said = {"normal": "opacity", "opacity": "normal"}[label] if case["id"] == wrong else label
        sent = {"reading": reading, "shown": case["id"], "arm": case["arm"], "verdict": "read", "label": said}
        seen = answer(rounds, sent)


def test_labels_are_made_of_a_study_that_is_read_and_guests_make_none(
    session: AppSession, films: Index
) -> None:
    from engine.reading import Protocol

    truth = {one.image_id: truth_of(one.path) for one in films.samples}
    ben = session.store.find_reader("Ben")
    assert ben is not None
    study = session.store.studies.create(
        Protocol(
            name="alone",
            design="annotation",
            dataset_id=films.dataset_id,
            readers=(ben.reader_id,),
            classes=("normal", "opacity"),
        ),
        samples=films.samples,
    )
    with pytest.raises(ReviewError, match="still being read"):
        make_of_study(session, films.dataset_id, study.study_id)
    read_as(session, study.study_id, "Ben", truth, wrong="")
    said, versions, choice, *_ = make_of_study(session, films.dataset_id, study.study_id)
    assert "The next training uses labels v2" in said and "v2 · in use" in versions and choice.value == 2
    *_, offered, button = told(session, films.dataset_id)
    assert not offered.visible and not button.visible  # nothing is in it that v2 has not
    assert "labels v2 were made of it" in told(session, films.dataset_id)[4]
    said, versions, *_ = use(session, films.dataset_id, 1)
    assert "labels v1" in said and "v1 · in use" in versions
    guest = replace(session, read_only=True)
    for work in (use, make_of_study):
        with pytest.raises(ReviewError, match="Guests"):
            work(guest, films.dataset_id, 2)  # type: ignore[arg-type]
