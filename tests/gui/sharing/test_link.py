"""Guests see a nameless copy behind a password, can change nothing, and are shut out when the time is over."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import psutil
import pytest
from PIL import Image, PngImagePlugin

from engine.errors import ReviewError, ShareError
from engine.reading.store import open_store
from engine.records import Review, Verdict
from engine.runs.heatmaps import load_explanations
from engine.workspace import open_workspace
from gui.guest_app import WRONG_TRIES, WRONG_TRIES_A_MINUTE, Doorkeeper
from gui.pages.share.page import Desk, view
from gui.sharing.deidentified_copy import RUN_ID, make_copy
from gui.sharing.link import Access, Share, share
from gui.web.session import open_session
from tests.chromium import ARGUMENTS, CHROMIUM, PATIENCE
from tests.doubles.relay import Relay
from tests.gui.conftest import Room, fill, make_run
from tests.gui.sharing.conftest import install_double
from tests.readers import with_readers

SECRETS = (
    "Jane_Doe",
    "Sanatorium",
    "P000",
    "born 1950",
    "told by phone",
    "20260101-120000-abcd",
    "jones-net",
    "St Elsewhere",
)


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """Twelve films whose names, folders, metadata and reviews all say whose they are."""
    root = tmp_path_factory.mktemp("ward")
    session = open_session(open_workspace(root / "workspace"), reader="Dr Jones")
    run = make_run(session.workspace)
    run = replace(run, dataset_name="St Elsewhere", recipe=replace(run.recipe, name="jones-net"))
    names = [f"Jane_Doe_{number:02d}.png" for number in range(12)]
    info = PngImagePlugin.PngInfo()
    info.add_text("Patient", "Jane_Doe born 1950")
    cases = fill(session, root / "Sanatorium", names, run=run, side=96, info=info)
    with_readers(session.store, "Dr Jones").add_review(
        Review(
            run_id=run.run_id,
            image_id=cases[0].image_id,
            reader="Dr Jones",
            verdict=Verdict.UNSURE,
            label=None,
            comment="told by phone",
        )
    )
    yield Room(session=session, run=run, predictions=cases)
    session.store.close()


# -------------------------------------------------------------------------------------------------- the copy


def test_nothing_in_the_copy_says_whose_it_is(ward: Room, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    copy = make_copy(ward.session.workspace, ward.session.store, ward.run.run_id, None, folder)
    identities = [*SECRETS, *(case.image_id for case in ward.predictions)]
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) == 12 + 2  # films, database, heatmaps: and nothing else, no checkpoint, no cache
    for path in files:
        inside = path.read_bytes() + str(path.relative_to(folder)).encode()
        assert not [word for word in identities if word.encode() in inside], path
    assert not set(load_explanations(copy.runs / RUN_ID)) & {case.image_id for case in ward.predictions}
    assert folder.stat().st_mode & 0o077 == 0 or sys.platform == "win32"


def test_the_copy_shows_the_same_pixels_predictions_and_heatmaps(ward: Room, tmp_path: Path) -> None:
    copy = make_copy(ward.session.workspace, ward.session.store, ward.run.run_id, None, tmp_path / "copy")
    originals = {Image.open(case.path).tobytes(): case for case in ward.predictions}
    before = load_explanations(ward.run.folder)
    after = load_explanations(copy.runs / RUN_ID)
    with open_store(copy.database) as store:
        cases = store.predictions(RUN_ID)
        assert store.run(RUN_ID).threshold == ward.run.threshold and store.reviews(RUN_ID) == []
    assert len(cases) == 12
    for case in cases:
        original = originals.pop(Image.open(case.path).tobytes())
        assert (case.probabilities, case.predicted) == (original.probabilities, original.predicted)
        assert case.label is None and case.patient_id == case.image_id != original.image_id
        assert Image.open(case.path).info == {}
        assert np.array_equal(after[case.image_id].heatmap, before[original.image_id].heatmap)


def test_chosen_cases_and_labels_go_along_only_when_asked_for(ward: Room, tmp_path: Path) -> None:
    chosen = [case.image_id for case in ward.predictions[:3]]
    ask = (ward.session.workspace, ward.session.store, ward.run.run_id)
    with open_store(make_copy(*ask, chosen, tmp_path / "three", labels=True).database) as store:
        cases = store.predictions(RUN_ID)
        assert sorted(case.probabilities for case in cases) == sorted(
            case.probabilities for case in ward.predictions[:3]
        )
        assert {case.label for case in cases} == {case.label for case in ward.predictions[:3]}
    with open_store(make_copy(*ask, None, tmp_path / "five", cases=5).database) as store:
        assert len(store.predictions(RUN_ID)) == 5


def test_nothing_to_share_and_unknown_cases_are_said(ward: Room, tmp_path: Path) -> None:
    ask = (ward.session.workspace, ward.session.store, ward.run.run_id)
    with pytest.raises(ShareError, match="no cases to share"):
        make_copy(*ask, [], tmp_path / "copy")
    with pytest.raises(ReviewError, match="has no case"):
        make_copy(*ask, ["0" * 64], tmp_path / "copy")


def test_a_film_that_is_gone_is_left_out(room: Room, tmp_path: Path) -> None:
    ask = (room.session.workspace, room.session.store, room.run.run_id)
    room.predictions[0].path.unlink()
    with open_store(make_copy(*ask, None, tmp_path / "copy").database) as store:
        assert len(store.predictions(RUN_ID)) == 11
    for case in room.predictions[1:]:
        case.path.unlink()
    with pytest.raises(ShareError, match="None of the chosen images"):
        make_copy(*ask, None, tmp_path / "none")


# -------------------------------------------------------------------------------------------------- the door


def test_the_door_opens_to_the_right_name_and_password_alone() -> None:
    door = Doorkeeper("guest", "right")
    assert door("guest", "right")
    for wrong in (
        ("guest", "wrong"),
        ("guest", ""),
        ("other", "right"),
        ("", "guest\nright"),
        ("guest", "ﮎ"),
    ):
        assert not Doorkeeper("guest", "right")(*wrong)


def test_who_guesses_is_slowed_down_and_ends_the_link() -> None:
    now = [0.0]
    door = Doorkeeper("guest", "right", clock=lambda: now[0])
    assert [door("guest", f"try {number}") for number in range(5)] == [False] * 5
    assert not door("guest", "right")  # too late for now, even with the right one
    assert (
        "tried 5 times" in door.lock_out and f"After {WRONG_TRIES}" in door.lock_out
    )  # the owner learns of it
    now[0] = 61.0
    assert door("guest", "right") and not door.besieged
    for _ in range(WRONG_TRIES):
        door("guest", "wrong")
        now[0] += 61
    assert door.besieged


# -------------------------------------------------------------------------------------------------- the link


@dataclass
class Link:
    share: Share
    relay: Relay

    @property
    def host(self) -> str:
        return urlsplit(self.share.url).netloc

    def fetch(self, path: str, data: dict[str, str] | None = None, **headers: str) -> tuple[int, str]:
        """Ask through the relay, as a browser elsewhere would; without cookies."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.relay.port}{path}",
            data=urllib.parse.urlencode(data).encode() if data is not None else None,
            headers={"Host": self.host, **headers},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, response.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")


def copies() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("overread-share-*"))


def wait_until(true: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(scope="module")
def link(ward: Room, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Link]:
    """One link through a real reverse tunnel on loopback, for every test that does not end it."""
    if sys.platform == "win32":
        pytest.skip("the double of the tunnel program needs a first line that names the interpreter")
    with pytest.MonkeyPatch.context() as patch, Relay() as relay:
        patch.setenv("HF_HOME", str(tmp_path_factory.mktemp("hf")))
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("tmp")))
        patch.setattr(tempfile, "tempdir", None)
        install_double(Path(os.environ["HF_HOME"]))
        opened = share(
            ward.session.workspace,
            ward.session.store,
            ward.run.run_id,
            access=Access(minutes=10, server=relay.server),
        )
        yield Link(opened, relay)
        opened.close()


@pytest.fixture
def guest(browser: Any, link: Link) -> Iterator[Any]:
    """A page in a Chromium for which every name under share.test is the relay."""
    path = next((found for found in CHROMIUM if Path(found).exists()), None)
    rules = "--host-resolver-rules=MAP *.share.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    chromium = browser.browser_type.launch(executable_path=path, args=[*ARGUMENTS, rules])
    page = chromium.new_page()
    page.set_default_timeout(PATIENCE)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.asked = asked
    yield page
    chromium.close()
    elsewhere = {urlsplit(url).netloc for url in asked if urlsplit(url).scheme not in ("data", "blob")}
    assert elsewhere == {link.host}


def log_in(page: Any, link: Link, password: str) -> None:
    page.goto(link.share.url)
    page.get_by_label("User").fill(link.share.user)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


@pytest.mark.browser
def test_a_guest_with_the_password_sees_films_and_can_change_nothing(guest: Any, link: Link) -> None:
    log_in(guest, link, link.share.password)
    film = guest.locator(".rv-image")
    film.wait_for(state="visible")
    guest.wait_for_function("document.querySelector('.rv-image').naturalWidth === 96")
    guest.wait_for_function("document.querySelector('.rv-heat').hasAttribute('data-painted')")
    assert "case " in guest.locator("[data-at=corner-name]").inner_text()
    assert guest.locator("[data-do=agree], [data-do=overrule], [data-do=unsure]").count() == 0
    assert guest.get_by_role("tab").count() <= 1  # no Data, no Train, no Report
    words = guest.locator("body").inner_text() + guest.content()
    assert not [secret for secret in SECRETS if secret in words]
    before = film.get_attribute("src")
    guest.keyboard.press("a")
    guest.keyboard.press("ArrowRight")
    guest.wait_for_function(
        "(old) => document.querySelector('.rv-image').getAttribute('src') !== old", arg=before
    )
    told = guest.evaluate(
        """async () => (await fetch(document.querySelector('.rv-image').src)).headers.get('content-type')"""
    )
    assert told == "image/png"
    with open_store(link_database(link)) as store:
        assert store.reviews(RUN_ID) == []


def link_database(link: Link) -> Path:
    return link.share._folder / "overread.db"


@pytest.mark.browser
def test_a_wrong_password_is_refused_in_the_browser(guest: Any, link: Link) -> None:
    log_in(guest, link, "wrong")
    guest.get_by_text("This user and password do not open it").wait_for()
    assert guest.locator(".rv-image").count() == 0


def test_without_the_password_nothing_of_the_cases_is_told(link: Link) -> None:
    status, page = link.fetch("/", Accept="text/html")
    assert status == 401 and "without names" in page
    assert not [word for word in (*SECRETS, "pneumonia", "Shared cases", "/image/") if word in page]
    assert link.fetch("/config")[0] == 401
    for path in ("/gradio_api/component_server", "/gradio_api/queue/join"):
        assert link.fetch(path, data={})[0] == 401
    database = link_database(link)
    with open_store(database) as store:
        case = store.predictions(RUN_ID)[0]
    for layer in ("image", "heatmap", "thumbnail"):
        assert link.fetch(f"/image/{RUN_ID}/{case.image_id}/{layer}/{'0' * 32}")[0] == 401
    assert link.fetch(f"/gradio_api/file={database}")[0] == 401


def test_server_functions_need_a_login(link: Link) -> None:
    body = json.dumps(
        {"data": [{}], "component_id": 1, "fn_name": "open_reading", "session_hash": "abc"}
    ).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{link.relay.port}/gradio_api/component_server",
        data=body,
        headers={"Host": link.host, "Content-Type": "application/json"},
    )
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(request, timeout=60)


def test_a_logged_in_guest_cannot_store_a_verdict_by_hand(link: Link) -> None:
    client = httpx.Client(
        base_url=f"http://127.0.0.1:{link.relay.port}", headers={"Host": link.host}, timeout=60
    )
    entered = client.post("/login", data={"username": link.share.user, "password": link.share.password})
    assert entered.status_code == 303
    client.headers["Cookie"] = entered.headers["set-cookie"].partition(";")[0]
    page = client.get("/").text
    config, _ = json.JSONDecoder().raw_decode(page, page.index("{", page.index("window.gradio_config")))
    pane = next(one["id"] for one in config["components"] if one["props"].get("elem_id") == "reading")

    def call(name: str, asked: dict[str, Any]) -> dict[str, Any]:
        body = {"data": [asked], "component_id": pane, "fn_name": name, "session_hash": "abc"}
        told: dict[str, Any] = client.post("/gradio_api/component_server", json=body).json()
        return told

    opened = call("open_reading", {})
    assert opened["ok"] and opened["case"]["predicted"]
    refused = call(
        "decide",
        {
            "reading": opened["reading"],
            "shown": opened["case"]["id"],
            "predicted": opened["case"]["predicted"],
            "verdict": "agree",
        },
    )
    assert not refused["ok"] and "Guests" in refused["problem"]


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}],
)
def test_other_hosts_and_origins_are_turned_away(link: Link, headers: dict[str, str]) -> None:
    if "Host" in headers:  # straight to the port, as a rebound name would
        link.relay.tunnels[headers["Host"]] = link.relay.tunnels[link.host]
    try:
        assert link.fetch("/config", **headers)[0] == 403
    finally:
        link.relay.tunnels.pop("evil.example", None)


def test_the_owner_is_told_of_wrong_passwords_on_the_page_and_in_the_terminal(
    ward: Room, alone: Path, caplog: pytest.LogCaptureFixture
) -> None:
    opened = share(
        ward.session.workspace, ward.session.store, ward.run.run_id, access=Access(minutes=10, via="ssh")
    )
    try:
        body = urllib.parse.urlencode({"username": opened.user, "password": "wrong"}).encode()
        for _ in range(WRONG_TRIES_A_MINUTE):
            with pytest.raises(urllib.error.HTTPError):
                urllib.request.urlopen(urllib.request.Request(f"{opened.url}/login", data=body), timeout=60)
        wait_until(lambda: opened.note)
        assert re.match(r"Wrong passwords were tried 5 times: no one is let in until \d\d:\d\d", opened.note)
        assert [record.getMessage() for record in caplog.records if record.name == "overread.share"] == [
            opened.note
        ]
        desk = Desk(ward.session)
        desk.link = opened
        assert opened.note in view(desk)[4]
    finally:
        opened.close()


def test_the_password_is_strong_and_in_no_process_list(link: Link) -> None:
    assert len(link.share.password.replace("-", "")) == 16
    commands = " ".join(" ".join(one.info["cmdline"] or []) for one in psutil.process_iter(["cmdline"]))
    assert link.share.password not in commands and link.share.user not in commands


def test_the_copy_is_readable_by_its_owner_alone(link: Link) -> None:
    assert link.share._folder.stat().st_mode & 0o077 == 0


def test_when_the_process_for_guests_is_killed_its_tunnel_and_copy_go_too(ward: Room, link: Link) -> None:
    """Last of the tests on `link`: it ends it."""
    process, folder, tunnel = link.share._process, link.share._folder, link.share._tunnel
    assert tunnel is not None and alive(tunnel.pid) and folder.exists()
    process.kill()
    wait_until(lambda: not alive(tunnel.pid) and not folder.exists())
    assert not link.share.is_open


# --------------------------------------------------------------------------------------------------- its end


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files of this test's own."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.slow
def test_a_link_closes_by_itself_and_leaves_nothing(ward: Room, alone: Path) -> None:
    ask = (ward.session.workspace, ward.session.store, ward.run.run_id)
    opened = share(*ask, access=Access(minutes=6 / 60, via="ssh"))
    port = urlsplit(opened.url).port
    assert opened.command == f"ssh -N -R 127.0.0.1:{port}:127.0.0.1:{port} you@your-server"
    assert opened.is_open and len(copies()) == 1
    assert 0 < opened.expires_at.timestamp() - time.time() <= 6
    told = httpx.get(opened.url, headers={"Accept": "text/html"}, timeout=60)
    assert told.status_code == 401 and 0 < float(told.headers["overread-closes-in"]) < 6
    wait_until(lambda: not opened.is_open and not copies())
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(opened.url, timeout=2)
    assert opened.note == "The link has ended: its time is over."
    opened.close()  # closing what has ended is no error


PARENT = """
import os, signal, sys
from engine.workspace import open_workspace
from gui.web.session import open_session
from gui.sharing.link import Access, share
session = open_session(open_workspace(__import__("pathlib").Path(sys.argv[1])))
opened = share(session.workspace, session.store, session.store.run_ids()[0], access=Access(via="ssh"))
print(opened._process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_link_closes_when_the_program_that_opened_it_is_killed(ward: Room, alone: Path) -> None:
    root = Path(__file__).parents[3]
    ran = subprocess.run(
        [sys.executable, "-c", PARENT, str(ward.session.workspace.root)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert ran.returncode == -signal.SIGKILL
    child = int(ran.stdout)
    wait_until(lambda: not alive(child) and not copies())


BOTH_KILLED = """
import os, signal, sys
from engine.workspace import open_workspace
from gui.web.session import open_session
from gui.sharing.link import Access, share
session = open_session(open_workspace(__import__("pathlib").Path(sys.argv[1])))
access = Access(via="gradio", server=sys.argv[2])
opened = share(session.workspace, session.store, session.store.run_ids()[0], access=access)
assert opened._tunnel.is_running()
print(opened._process.pid, opened._tunnel.pid, flush=True)
os.kill(opened._process.pid, signal.SIGSTOP)  # it shall not notice that its owner is gone
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_nothing_of_a_link_stays_when_both_its_processes_are_killed(
    ward: Room, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(alone / "hf"))
    install_double(alone / "hf")
    root = Path(__file__).parents[3]
    with Relay() as relay:
        ran = subprocess.run(
            [sys.executable, "-c", BOTH_KILLED, str(ward.session.workspace.root), str(relay.server)],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert ran.returncode == -signal.SIGKILL
        guests, tunnel = map(int, ran.stdout.split())
        assert alive(guests) and alive(tunnel) and len(copies()) == 1
        os.kill(guests, signal.SIGKILL)
        wait_until(lambda: not alive(guests) and not alive(tunnel) and not copies())


@pytest.mark.slow
def test_without_a_tunnel_one_sentence_is_said_in_time_and_nothing_is_left(
    ward: Room, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody listens; and somebody listens but the tunnel program never comes to an end with it."""
    ask = (ward.session.workspace, ward.session.store, ward.run.run_id)
    began = time.monotonic()
    with pytest.raises(ShareError, match=r"No link can be had.*cannot be reached.*another way"):
        share(*ask, access=Access(server="127.0.0.1:9"))
    assert time.monotonic() - began < 60
    if sys.platform != "win32":
        monkeypatch.setenv("HF_HOME", str(alone / "hf"))
        install_double(alone / "hf")
        with Relay(mute=True) as relay, pytest.raises(ShareError, match=r"did not answer within 2 seconds"):
            share(*ask, access=Access(server=relay.server, timeout=2))
    assert copies() == set()
    assert not [
        one
        for one in psutil.Process().children()
        if alive(one.pid) and "gui.sharing.link" in str(one.cmdline())
    ]
    assert ward.session.store.run_ids() == [ward.run.run_id]  # the local window goes on


@pytest.mark.parametrize("minutes", [0, -1, 24 * 60, float("nan")])
def test_a_link_without_an_end_is_refused(ward: Room, minutes: float) -> None:
    with pytest.raises(ShareError, match="cannot live"):
        share(ward.session.workspace, ward.session.store, ward.run.run_id, access=Access(minutes=minutes))
