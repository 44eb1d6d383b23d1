"""Promises of engine.pacs to whoever asks a server that is slow, away, lying or hostile: one sentence, nothing lost."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from engine.data import index_data
from engine.errors import DataError
from engine.pacs import address_of
from engine.pacs.http import Limits
from engine.pacs.pulling import Pulled, pull
from tests.engine.pacs.films import ROOT, radiograph, uid

JSON = "application/dicom+json"
FIRST = (201, 202, 203, 204)
QUICK = Limits(
    bytes=1 << 20, seconds=1.0, silence=0.5
)  # of what never comes alone: what is to come may be late
PATIENT = replace(QUICK, seconds=60.0, silence=20.0)
Act = Callable[["Handler"], None]


class Server(ThreadingHTTPServer):
    """Has four films of four patients; `instead` answers for the paths that end as its keys do."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.instead: dict[str, Act] = {}
        self.asked: list[str] = []
        self.token = ""

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hang up."""


class Handler(BaseHTTPRequestHandler):
    """Speaks as much DICOMweb as is asked of it."""

    server: Server

    def log_message(self, *told: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.asked.append(path)
        for end, act in self.server.instead.items():
            if path.endswith(end):
                return act(self)
        if self.server.token and self.headers.get("Authorization") != f"Bearer {self.server.token}":
            return self.send(b"", "text/plain", status=401)
        if path.endswith("/studies"):
            return self.send_json([study(number) for number in FIRST] if "offset=0" in self.path else [])
        if path.endswith("/series"):
            return self.send_json(
                [{**value("0020000E", path.split("/")[-2] + ".1"), **value("00080060", "DX")}]
            )
        number = int(path.split("/")[3].rpartition(".")[2])
        if path.endswith("/instances"):
            return self.send_json([value("00080018", uid(number))])
        return self.send_film(radiograph(number))

    def send_json(self, answer: object) -> None:
        self.send(json.dumps(answer).encode(), JSON)

    def send_film(self, film: bytes) -> None:
        body = b"--x\r\nContent-Type: application/dicom\r\n\r\n" + film + b"\r\n--x--"
        self.send(body, 'multipart/related; type="application/dicom"; boundary=x')

    def send(self, body: bytes, kind: str, *, status: int = 200, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)


def value(tag: str, said: str) -> dict[str, object]:
    return {tag: {"vr": "LO", "Value": [said]}}


def study(number: int) -> dict[str, object]:
    return {**value("0020000D", f"{ROOT}.{number}"), **value("00100020", f"MRN-{number}")}


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as serving:
        threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield serving
        serving.shutdown()


def pulled(server: Server, into: Path, question: str = "", limits: Limits = PATIENT) -> Pulled:
    return pull(address_of(f"dicomweb://127.0.0.1:{server.server_port}/pacs?{question}"), into, limits=limits)


def films_in(folder: Path) -> list[str]:
    return sorted(file.stem for file in folder.rglob("*.dcm"))


# ------------------------------------------------------------------------------------------- answers to questions


def drip(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", JSON)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(1200):
        handler.wfile.write(b" ")
        time.sleep(0.05)


def drip_headers(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    for _ in range(1200):
        handler.wfile.write(b"x")
        time.sleep(0.05)


def endless(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", JSON)
    handler.end_headers()
    while True:
        handler.wfile.write(b"[" * 65536)


def elsewhere(handler: Handler) -> None:
    handler.send_response(302)
    handler.send_header("Location", f"http://127.0.0.1:{handler.server.server_port}/stolen")
    handler.end_headers()


def hang_up(handler: Handler) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)


QUESTIONS: dict[str, tuple[Act, str]] = {
    "a page for people": (
        lambda h: h.send(b"<html>", "text/html"),
        "sent text/html where DICOM JSON was asked for",
    ),
    "no JSON": (lambda h: h.send(b"[{", JSON), "speaks no DICOMweb there"),
    "JSON of something else": (lambda h: h.send_json([1, "a"]), "speaks no DICOMweb there"),
    "JSON without end": (lambda h: h.send(b"[" * 200_000, JSON), "speaks no DICOMweb there"),
    "no UIDs": (lambda h: h.send_json([{}]), "speaks no DICOMweb there"),
    "UIDs that lead elsewhere": (
        lambda h: h.send_json([value("0020000D", "../../etc/passwd")]),
        "speaks no DICOMweb there",
    ),
    "too much": (endless, "more than 1 MB in one answer"),
    "a drip": (drip, "did not answer in time"),
    "a drip of headers": (drip_headers, "did not answer in time"),
    "silence": (lambda h: time.sleep(60), "did not answer in time"),
    "less than it says": (lambda h: h.send(b"[]", JSON, length=99), "less than it said"),
    "nothing": (hang_up, "cannot be reached, or broke off"),
    "another address": (elsewhere, "sends us to another address"),
    "an error": (lambda h: h.send(b"", "text/plain", status=500), "answered 500"),
    "too busy": (lambda h: h.send(b"", "text/plain", status=503), "is too busy"),
}


@pytest.mark.parametrize("what", QUESTIONS)
def test_an_answer_that_is_none_is_one_sentence_in_good_time(
    server: Server, tmp_path: Path, what: str
) -> None:
    act, sentence = QUESTIONS[what]
    server.instead["/studies"] = act
    began = time.monotonic()
    with pytest.raises(DataError, match=sentence) as refusal:
        pulled(server, tmp_path, limits=QUICK if "in time" in sentence else PATIENT)
    assert time.monotonic() - began < 20  # of a minute
    assert "\n" not in str(refusal.value) and "/stolen" not in server.asked
    assert films_in(tmp_path) == []


def test_a_server_that_is_away_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(DataError, match=f"127.0.0.1:{port} cannot be reached"):
        pull(address_of(f"dicomweb://127.0.0.1:{port}"), tmp_path)


def test_a_server_that_passes_over_a_filter_brings_no_other_patient(server: Server, tmp_path: Path) -> None:
    found = pulled(server, tmp_path, "patient=MRN-203")
    assert films_in(found.folder) == [uid(203)]


# -------------------------------------------------------------------------------------------- one image among others

IMAGES: dict[str, tuple[Act, str]] = {
    "a page for people": (
        lambda h: h.send(b"<html>", "text/html"),
        "text/html where a DICOM file was asked for",
    ),
    "no DICOM": (lambda h: h.send_film(b"not at all"), "what came is no DICOM file"),
    "another image": (lambda h: h.send_film(radiograph(299)), "another image came"),
    "several frames": (lambda h: h.send_film(radiograph(202, NumberOfFrames="7")), "7 frames"),
    "no pixels": (lambda h: h.send_film(radiograph(202, PixelData=None)), "holds no pixels"),
    "silence": (lambda h: time.sleep(60), "did not answer in time"),
    "too much": (endless, "more than 1 MB"),
    "less than it says": (
        lambda h: h.send(b"--x", "multipart/related; boundary=x", length=99),
        "less than it said",
    ),
    "it is gone": (lambda h: h.send(b"", "text/plain", status=404), "answered 404"),
}


@pytest.mark.parametrize("what", IMAGES)
def test_an_image_that_does_not_come_is_listed_and_the_others_come(
    server: Server, tmp_path: Path, what: str
) -> None:
    act, why = IMAGES[what]
    server.instead[uid(202)] = act
    found = pulled(server, tmp_path, limits=replace(PATIENT, silence=3.0) if "in time" in why else PATIENT)
    assert films_in(found.folder) == [uid(201), uid(203), uid(204)]
    assert [(one.image, why in one.why) for one in found.left_out] == [(uid(202), True)]
    assert uid(202) in (tmp_path / "left-out.csv").read_text("utf-8-sig")
    server.instead.clear()
    assert pulled(server, tmp_path).new == 1


def test_a_study_without_images_is_listed(server: Server, tmp_path: Path) -> None:
    server.instead[f"{ROOT}.202/series"] = lambda h: h.send_json([])
    found = pulled(server, tmp_path)
    assert [(one.study, one.why) for one in found.left_out] == [(f"{ROOT}.202", "the study has no images")]


def test_pixels_that_end_too_early_are_listed_by_the_index(server: Server, tmp_path: Path) -> None:
    film = radiograph(202)
    server.instead[uid(202)] = lambda h: h.send_film(film[:-1000])
    found = pulled(server, tmp_path)
    index = index_data(found.folder)
    assert [sample.path.stem for sample in index.samples] == [uid(201), uid(203), uid(204)]
    assert found.left_out or uid(202) in " ".join(issue.message for issue in index.issues)


@pytest.mark.parametrize("how", ["the token expired", "it went away", "it answers nothing more"])
def test_what_came_before_a_server_was_lost_is_kept_and_not_fetched_again(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    secret = tmp_path / "token"
    secret.write_text("first-token\n")
    monkeypatch.setenv("OVERREAD_DICOMWEB_TOKEN_FILE", str(secret))
    server.token = "first-token"
    into = tmp_path / "into"

    def expire(handler: Handler) -> None:
        server.instead.clear()
        server.token = "second-token"
        handler.send_film(radiograph(202))

    if how == "the token expired":
        server.instead[uid(202)] = expire
        sentence = r"refuses us \(401\).*when 2 of 4 images had come.*only what is missing"
    else:
        act = hang_up if how == "it went away" else (lambda h: h.send(b"", "text/plain", status=503))
        for number in FIRST[1:]:
            server.instead[uid(number)] = act
        sentence = "when 1 of 4 images had come"
    with pytest.raises(DataError, match=sentence) as refusal:
        pulled(server, into)
    assert "first-token" not in str(refusal.value)
    had = films_in(into)
    server.instead.clear()
    secret.write_text(server.token)
    server.asked.clear()
    found = pulled(server, into)
    assert films_in(into) == [uid(number) for number in FIRST] and found.new == 4 - len(had)
    assert not any(path.endswith(had[0]) for path in server.asked)
    written = b"".join(file.read_bytes() for file in into.rglob("*") if file.is_file())
    assert b"-token" not in written


# --------------------------------------------------------------------------------------------------- the address


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("dicomweb://ada:hunter2@pacs/dicom-web", "with a user or password in it"),
        ("dicomweb://", "not the address|names no"),
        ("dicomweb:///dicom-web", "not the address|names no"),
        ("dicomweb://pacs:99999/", "cannot be read"),
        ("dicomweb://pacs/x?color=red", "not asked by “color”"),
        ("dicomweb://pacs/x?date=yesterday", "neither a day nor two"),
        ("dicomweb://pacs/x?date=20240101-20240231", "neither a day nor two"),
        ("dicomweb://pacs/x?study=../..", "no StudyInstanceUID"),
        ("dicomweb://pacs/x?limit=-1", "no number of studies"),
        ("dicomweb+ftp://pacs/x", "not the address"),
    ],
)
def test_an_address_that_cannot_be_meant_is_one_sentence_without_its_secrets(
    written: str, sentence: str
) -> None:
    with pytest.raises(DataError, match=sentence) as refusal:
        address_of(written)
    assert "hunter2" not in str(refusal.value)


def test_an_address_is_understood_as_people_write_it() -> None:
    plain = address_of("dicomweb://pacs:8042/dicom-web?modality=dx&date=2024-01-01..2024-12-31")
    assert plain.url == "http://pacs:8042/dicom-web"
    assert plain.filters == {"Modality": "DX", "StudyDate": "20240101-20241231"}
    same = address_of("dicomweb:/pacs:8042/dicom-web/?StudyDate=20240101-20241231&Modality=DX")
    assert same.key == plain.key and address_of("dicomweb+https://pacs/x").url == "https://pacs/x"


def test_the_packages_are_asked_for_where_they_are_missing(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; sys.modules['dicomweb_client'] = None\n"
        "from engine.pacs import address_of, bring; from engine.workspace import Workspace\n"
        "bring(Workspace(Path(sys.argv[1])), address_of('dicomweb://127.0.0.1:1/x'))"
    )
    said = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True)
    assert "pip install 'overread[pacs]'" in said.stderr
