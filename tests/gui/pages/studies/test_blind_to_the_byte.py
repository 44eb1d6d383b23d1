"""Blind means blind: every byte that a browser received during a blind reading is looked through."""

from __future__ import annotations

import base64
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from threading import Thread
from typing import Any

import pytest

from engine.errors import ReviewError
from engine.runs import load_explanations
from engine.saliency import levels_png
from gui.pages.review import StaleCaseError
from gui.pages.studies.reading import answer, open_study
from gui.pages.studies.rounds import Rounds
from gui.pages.studies.screens import beside
from tests.gui.pages.studies.conftest import CLASSES, Ward

Answer = dict[str, Any]


class Line:
    """A line between a browser and a window that keeps every byte from the window, as it went, not compressed."""

    def __init__(self, port: int) -> None:
        self.received = bytearray()
        self._to = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        Thread(target=self._listen, daemon=True).start()

    def leads_to(self, port: int) -> None:
        self._to = port

    def close(self) -> None:
        self._listening.close()

    def _listen(self) -> None:
        while True:
            try:
                here, _ = self._listening.accept()
            except OSError:
                return
            try:
                there = socket.create_connection(("127.0.0.1", self._to))
            except OSError:  # the window is gone
                here.close()
                continue
            Thread(target=self._carry, args=(here, there, self._plain), daemon=True).start()
            Thread(target=self._carry, args=(there, here, self._keep), daemon=True).start()

    @staticmethod
    def _carry(one: socket.socket, other: socket.socket, look: Callable[[bytes], bytes]) -> None:
        with closing(one), closing(other):
            try:
                while told := one.recv(65536):
                    other.sendall(look(told))
            except OSError:
                return

    @staticmethod
    def _plain(asked: bytes) -> bytes:
        return asked.replace(b"Accept-Encoding:", b"Not-Compressed-:")

    def _keep(self, told: bytes) -> bytes:
        self.received += told
        return told


@pytest.fixture
def lined(ward: Ward, opened: Callable[..., Any], page: Any) -> Iterator[Line]:
    """A window on the ward, with Chromium on the other end of the line."""
    window = opened(ward.session, page="studies")
    line = Line(window.port)
    ward.session.hosts.add(f"127.0.0.1:{line.port}")
    page.goto(window.address.replace(f":{window.port}", f":{line.port}"))
    yield line
    line.close()


def told_by(ward: Ward) -> dict[str, bytes]:
    """What must not be met: what the model and the others say, and the files' names (which are labels here)."""
    kept = load_explanations(ward.session.workspace.runs / ward.session.store.run_ids()[0])
    maps = [levels_png(one.heatmap, scale=one.scale) for one in kept.values()]
    needles = {
        f"share {one.probabilities[1]}": repr(one.probabilities[1]).encode() for one in ward.predictions
    }
    needles |= {f"percent {n}": b"73.%d%%" % (1 + n) for n in range(6)}
    needles |= {"a map": maps[0][60:120], "a map in base64": base64.b64encode(maps[0])[80:140]}
    return needles | {
        "a file's name": b"okapitis_",
        "a heatmap's method": b"grad-cam",
        "another's": b"BEN WAS HERE",
    }


def test_no_byte_of_a_blind_reading_tells_what_the_model_or_others_say(
    ward: Ward, lined: Line, page: Any
) -> None:
    study = ward.study()
    ben = Rounds(ward.session)
    first = open_study(ben, {"study": study.study_id, "reader": "ben", "page": "b"})
    reading = {"reading": first["reading"], "shown": first["case"]["id"], "arm": "blind"}
    answer(ben, reading | {"verdict": "read", "label": "okapitis", "comment": "BEN WAS HERE"})

    page.click("#page-studies-button")
    page.click("text=Begin reading")
    page.wait_for_selector(".st-room[data-arm=blind][data-shown]:not([data-busy])")
    page.wait_for_timeout(700)  # the guard, and whatever might be fetched ahead
    blind = bytes(lined.received)
    assert [name for name, needle in told_by(ward).items() if needle in blind] == []
    # every list of the classes holds each once; whatever else said “okapitis” would stand out
    assert blind.count(CLASSES[0].encode()) == blind.count(CLASSES[1].encode()) > 0
    assert b"image/png" in blind
    page.keyboard.press("u")
    page.wait_for_selector(".st-room[data-arm=assisted][data-map]:not([data-busy])")
    # the same look finds all of it once it may be seen: it is not blind itself
    seen = bytes(lined.received)
    found = {name.split()[0] for name, needle in told_by(ward).items() if needle in seen}
    assert {"share", "a"} <= found and b'"predicted"' in seen and b'"predicted"' not in blind
    assert b"BEN WAS HERE" not in seen


def test_other_images_of_the_patient_beside_a_blind_case_are_images_alone_to_the_byte(
    ward: Ward, lined: Line, page: Any
) -> None:
    study = ward.study(same_patient=True)
    page.click("#page-studies-button")
    page.click("text=Begin reading")
    page.wait_for_selector(".st-room[data-arm=blind][data-shown]:not([data-busy])")
    page.keyboard.press("y")
    options = page.locator("[data-at=beside-what]:visible option").all_inner_texts()
    assert options == ["nothing", "the patient’s other images"]
    page.wait_for_selector(".st-room .rv-beside[data-deep]")
    page.wait_for_timeout(700)
    blind = bytes(lined.received)
    assert [name for name, needle in told_by(ward).items() if needle in blind] == []
    assert blind.count(CLASSES[0].encode()) == blind.count(CLASSES[1].encode()) > 0
    shown = page.get_attribute(".st-room", "data-shown").split()[1]
    patients = {one.image_id: one.patient_id for one in ward.predictions}
    with closing(sqlite3.connect(ward.session.workspace.database)) as database:
        rows = database.execute(
            "SELECT image_id, prediction, map, label, others, alike FROM exposures"
        ).fetchall()
    others = [row for row in rows if row[0] != shown]
    assert {row[0] for row in others} == {
        one for one, whose in patients.items() if whose == patients[shown] and one != shown
    }
    assert {row[1:] for row in others} == {(None, None, 0, 0, 0)}
    assert study.protocol.hash != ward.study(name="without").protocol.hash


def test_what_the_protocol_does_not_show_beside_a_case_is_refused_and_leaves_no_trace(ward: Ward) -> None:
    study, rounds = ward.study(), Rounds(ward.session)
    told = open_study(rounds, {"study": study.study_id, "reader": "anna", "page": "a"})
    asked = {"reading": told["reading"], "shown": told["case"]["id"], "arm": "blind"}
    before = exposed(ward)
    for what in ("patient", "similar"):
        with pytest.raises(ReviewError, match="shows no other images"):
            beside(rounds, asked | {"what": what})
    assert exposed(ward) == before
    open_one = ward.study(name="open", same_patient=True)
    told = open_study(rounds, {"study": open_one.study_id, "reader": "ben", "page": "b"})
    with pytest.raises(StaleCaseError):
        beside(rounds, asked | {"reading": told["reading"], "shown": "0" * 64})


def exposed(ward: Ward) -> int:
    with closing(sqlite3.connect(ward.session.workspace.database)) as database:
        return int(database.execute("SELECT count(*) FROM exposures").fetchone()[0])


@pytest.mark.parametrize(
    "design", ["blind", "wash-out", "blind then assisted", "concurrent against second reader"]
)
def test_a_blind_case_is_its_image_and_the_classes_and_nothing_else(ward: Ward, design: str) -> None:
    days = {"wash_out_days": 28.0} if design == "wash-out" else {}
    study = ward.study(design, **days)
    rounds = Rounds(ward.session)
    told = open_study(rounds, {"study": study.study_id, "reader": "anna", "page": "a"})
    while told["case"] is not None and told["case"]["arm"] == "blind":
        case = told["case"]
        assert set(case) == {
            "id",
            "arm",
            "image",
            "depth",
            "classes",
            "certainty",
            "question",
            "remark",
            "read",
            "name",
        }
        assert (case["classes"], case["name"], case["remark"]) == (list(CLASSES), "", "")
        reading = {"reading": told.get("reading", told.get("was")), "shown": case["id"], "arm": "blind"}
        next_one = answer(rounds, reading | {"verdict": "unsure"})
        told = next_one | {"was": reading["reading"]}
        if told["case"] is not None and told["case"]["arm"] == "assisted":
            assert told["case"]["advice"]["predicted"] == "okapitis"
            break
