"""A department: who signs in, what each role may do, and that nobody acts under another's name."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Semaphore
from typing import Any

import gradio as gr
import httpx
import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from engine.reading import Reader
from engine.records import READER_ROLES
from engine.workspace import open_workspace
from gui.app import PAGES, Window, own_routes, start
from gui.calling import AT_ONCE, calling_routes
from gui.cli.main import main
from gui.door.members import FRESH_SECONDS
from gui.door.throttle import TRIES_OF_NAME_AND_ADDRESS
from gui.listening import hosts_of, is_this_computer_alone
from gui.mounting import members_of
from gui.web.roles import FUNCTIONS, ROLES_OF_PAGES, ROUTES
from gui.web.session import AppSession, open_session
from tests.gui.conftest import Room, fill, free_port, make_run
from tests.gui.door.test_routes import routes_of

PASSWORD = "correct horse battery"
PEOPLE = {"Ada": "administrator", "Jo": "adjudicator", "Ben": "reader", "Cleo": "reader", "Gus": "guest"}


def with_accounts(session: AppSession) -> AppSession:
    for name, role in PEOPLE.items():
        session.store.add_reader(Reader(reader_id="", name=name, role=role))
        session.store.accounts.set_password(name, PASSWORD)
    return session


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Window, Room]]:
    """A window of a department, with six films to read."""
    folder = tmp_path_factory.mktemp("ward")
    session = with_accounts(open_session(open_workspace(folder / "workspace")))
    run = make_run(session.workspace)
    predictions = fill(session, folder / "films", [f"{n}.png" for n in range(6)], run=run, side=64)
    window = start(session, entrance=members_of(session, None), port=free_port())
    yield window, Room(session=session, run=run, predictions=predictions)
    window.close()
    session.store.close()


@contextmanager
def signed_in(window: Window, name: str, password: str = PASSWORD) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=window.url, timeout=60) as client:
        typed = {"username": name, "password": password}
        assert client.post("/login", data=typed).status_code == 303
        yield client


def pages_of(window: Window, role: str) -> gr.Blocks:
    """Return the built pages that a role gets."""
    room = window.guard.rooms[role]
    return next(one for one in (window.app, *window.further) if one.app is room.app.routes[-1].app)  # type: ignore[attr-defined]


def functions_of(pages: gr.Blocks) -> Iterator[tuple[int, str]]:
    for number, block in pages.blocks.items():
        for function in getattr(block, "server_fns", ()):
            yield number, function.__name__


def call(client: httpx.Client, component: int, function: str, /, **asked: Any) -> httpx.Response:
    sent = {"component_id": component, "fn_name": function, "session_hash": "x", "data": asked}
    return client.post("/gradio_api/component_server", json=sent)


def is_not_there(client: httpx.Client, component: int, function: str) -> bool:
    sent = {"component_id": component, "fn_name": function, "session_hash": "x", "data": {}}
    once = {"connection": "close"}  # Gradio breaks the connection off where a page has no such component
    try:
        return client.post("/gradio_api/component_server", json=sent, headers=once).status_code >= 400
    except httpx.TransportError:
        return True


class Asking:
    """A page of the window as its script has it."""

    def __init__(self, window: Window, client: httpx.Client, role: str) -> None:
        self._client = client
        self._component = {name: number for number, name in functions_of(pages_of(window, role))}

    def __call__(self, handler: str, /, **asked: Any) -> dict[str, Any]:
        return dict(call(self._client, self._component[handler], handler, **asked).json())


def test_every_page_function_event_and_route_has_a_rule(ward: tuple[Window, Room]) -> None:
    """What has none is the administrator's alone; say whose it is in gui/web/roles.py."""
    window, _ = ward
    assert set(PAGES) == {name for name in ROLES_OF_PAGES if name in PAGES} and set(PAGES) <= set(
        ROLES_OF_PAGES
    )
    everything = pages_of(window, "administrator")
    called_on_shared_pages = {
        name
        for role in READER_ROLES
        if role != "administrator"
        for _, name in functions_of(pages_of(window, role))
    }
    assert called_on_shared_pages <= set(FUNCTIONS)
    assert {one.route.path for one in own_routes(window.session)} <= set(ROUTES)
    for role in READER_ROLES:
        if role == "administrator":
            continue
        events = [one for one in pages_of(window, role).fns.values() if one.fn is not None]
        assert events == [], (
            f"A page of a {role} has Gradio events: they wait in a queue, where nobody is known"
        )
    assert any(one.fn is not None for one in everything.fns.values())


@pytest.mark.parametrize("name", PEOPLE)
def test_each_role_has_its_pages_and_routes_and_nothing_else(ward: tuple[Window, Room], name: str) -> None:
    window, role = ward[0], PEOPLE[name]
    wanted = {page for page in PAGES if role in ROLES_OF_PAGES[page]}
    with signed_in(window, name) as client:
        page = client.get("/", headers={"accept": "text/html"}).text
        assert {one for one in PAGES if f'"page-{one}"' in page} == wanted
        assert client.get("/who").json() == {"name": name, "role": role}
        own = {one.route.path: one.route for one in own_routes(window.session)}
        for path, route in own.items():
            for method in route.methods or ():
                status = client.request(method, path.replace("{", "").replace("}", "")).status_code
                answered_by_route = role in ROUTES.get(path, ("administrator",))
                there = any(o.path == path for o in window.guard.rooms[role].openings.all)
                assert there == answered_by_route and status in (403, 404)  # no signature of ours is on it
        for path in ("/gradio_api/queue/join", "/gradio_api/upload"):
            assert (client.post(path, json={}).status_code == 404) == (role != "administrator"), path


@pytest.mark.parametrize("name", ["Jo", "Ben", "Gus"])
def test_what_a_role_may_not_call_is_refused_by_the_server(ward: tuple[Window, Room], name: str) -> None:
    window, room = ward
    role, before = PEOPLE[name], room.session.store.head()
    with signed_in(window, name) as client:
        for component, function in functions_of(pages_of(window, role)):
            if role not in FUNCTIONS[function]:
                told = call(client, component, function, name="Mallory", folder="/").json()
                assert not told["ok"] and told["kind"] == "ReviewError", function
        for component, function in functions_of(
            pages_of(window, "administrator")
        ):  # of pages that are not theirs
            if component not in pages_of(window, role).blocks:
                assert is_not_there(client, component, function)
        for event in pages_of(window, "administrator").fns.values():
            sent = {"fn_index": event._id, "data": [None] * len(event.inputs), "session_hash": "x"}
            assert client.post("/gradio_api/queue/join", json=sent).status_code == 404
            assert client.post("/gradio_api/run/predict", json=sent).status_code == 404
    assert room.session.store.head() == before


def test_whatever_a_page_may_call_answers_in_a_department_too(ward: tuple[Window, Room]) -> None:
    """Each function with a question that names nothing: it says what is wrong with it, or answers."""
    window, _ = ward
    for name, role in PEOPLE.items():
        with signed_in(window, name) as client:
            for component, function in functions_of(pages_of(window, role)):
                told = call(client, component, function)
                assert told.status_code == 200 and isinstance(told.json()["ok"], bool), function
                assert "Unexpected error" not in told.text, function


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", 400),
        (b"\xff", 400),
        (b"[]", 400),
        (b"[" * 100_000, 400),
        (b'{"component_id": true, "fn_name": "decide"}', 400),
        (b'{"component_id": [1], "fn_name": "decide"}', 400),
        (b'{"component_id": 1, "fn_name": null}', 400),
        (b'{"component_id": 1000000, "fn_name": "decide"}', 404),
        (b'{"component_id": 1, "fn_name": "get_config"}', 404),
        (b'{"component_id": 1, "fn_name": "__init__"}', 404),
        (b'--x\r\ncontent-disposition: form-data; name="component_id"\r\n\r\n1\r\n--x--', 400),
    ],
)
def test_what_no_page_sends_calls_nothing(ward: tuple[Window, Room], sent: bytes, status: int) -> None:
    with signed_in(ward[0], "Ben") as client:
        assert client.post("/gradio_api/component_server", content=sent).status_code == status


def test_what_is_no_number_is_null_for_the_page_and_the_request_comes_along_where_it_is_asked_for() -> None:
    def measures(asked: Any = None) -> dict[str, Any]:
        return {
            "asked": asked,
            "numbers": [float("nan"), float("inf"), 0.5],
            3: Path("a/b"),
            "n": np.int64(4),
        }

    def sees(asked: Any, request: gr.Request) -> dict[str, Any]:
        return {"host": request.headers["host"]}

    with gr.Blocks() as pages:
        pane = gr.HTML(server_functions=[measures, sees])
    client = TestClient(Starlette(routes=calling_routes(pages)))
    told = call(client, pane._id, "measures", given=[1, "é"])
    assert told.json() == {"asked": {"given": [1, "é"]}, "numbers": [None, None, 0.5], "3": "a/b", "n": 4}
    assert told.headers["cache-control"] == "no-store"
    assert call(client, pane._id, "sees").json() == {"host": "testserver"}


def test_calls_of_one_function_are_answered_in_turn_and_keep_no_other_waiting() -> None:
    begun, over = Semaphore(0), Event()

    def takes_long(asked: Any = None) -> dict[str, Any]:
        begun.release()
        return {"over": over.wait(60)}

    def is_quick(asked: Any = None) -> dict[str, Any]:
        return {"further": begun.acquire(timeout=0.1)}

    with gr.Blocks() as pages:
        pane = gr.HTML(server_functions=[takes_long, is_quick])
    with (
        TestClient(Starlette(routes=calling_routes(pages))) as client,
        ThreadPoolExecutor(AT_ONCE + 1) as threads,
    ):
        asked = [threads.submit(call, client, pane._id, "takes_long") for _ in range(AT_ONCE + 1)]
        assert all(begun.acquire(timeout=60) for _ in range(AT_ONCE))
        assert call(client, pane._id, "is_quick").json() == {"further": False}
        over.set()
        assert all(one.result().json() == {"over": True} for one in asked)


def test_a_reader_reads_under_their_own_name_whatever_the_page_says(ward: tuple[Window, Room]) -> None:
    window, room = ward
    with signed_in(window, "Ben") as ben, signed_in(window, "Cleo") as cleo:
        ask, others = Asking(window, ben, "reader"), Asking(window, cleo, "reader")
        opened = ask("open_reading", reader="Cleo", run=room.run.run_id)
        assert opened["reader"] == "Ben"
        assert [one["value"] for one in opened["choices"]["reader"]] == ["Ben"]  # nobody else is named
        case = opened["case"]
        said = {"shown": case["id"], "predicted": case["predicted"], "verdict": "agree", "reader": "Cleo"}
        assert ask("decide", reading=opened["reading"], **said)["ok"]
        stolen = others("decide", reading=opened["reading"], **said)
        assert not stolen["ok"] and "opened by somebody else" in stolen["problem"]
        assert not others("save_reader", name="Ben", new=True)["ok"]
    reviews = room.session.store.reviews(room.run.run_id)
    assert {one.reader for one in reviews} == {"Ben"}
    with signed_in(window, "Gus") as guest:
        looking = Asking(window, guest, "guest")
        opened = looking("open_reading")
        assert opened["case"]["before"] is None and opened["choices"]["reader"] == []
        told = looking("decide", reading=opened["reading"], shown=opened["case"]["id"], verdict="unsure")
        assert not told["ok"]
    assert len(room.session.store.reviews(room.run.run_id)) == len(reviews)


def test_who_is_signed_out_disabled_or_of_another_role_is_so_within_seconds(
    ward: tuple[Window, Room],
) -> None:
    window, room = ward
    members, now = window.guard.entrance, [0.0]
    members._clock = lambda: now[0]  # type: ignore[union-attr]
    with signed_in(window, "Cleo") as here, signed_in(window, "Cleo") as there:
        assert here.get("/who").status_code == there.get("/who").status_code == 200
        assert here.post("/logout").status_code == 303
        assert (here.get("/who").status_code, there.get("/who").status_code) == (401, 200)
    with signed_in(window, "Cleo") as here, signed_in(window, "Cleo") as there:
        assert here.post("/logout-everywhere").status_code == 303
        assert here.get("/who").status_code == there.get("/who").status_code == 401
    with signed_in(window, "Cleo") as client:
        assert client.get("/who").status_code == 200
        cleo = room.session.store.find_reader("Cleo")
        assert cleo is not None
        room.session.store.accounts.disable("Cleo")
        now[0] += FRESH_SECONDS
        assert client.get("/who").status_code == 401
        typed = {"username": "Cleo", "password": PASSWORD}
        assert client.post("/login", data=typed).status_code == 401
    room.session.store.accounts.disable("Cleo", disabled=False)


def test_a_stranger_is_told_the_same_everywhere_and_guessing_is_slowed(ward: tuple[Window, Room]) -> None:
    window, _ = ward
    with httpx.Client(base_url=window.url, timeout=60, headers={"accept": "text/html"}) as client:
        paths = {
            path.replace("{", "").replace("}", "") for _, path in routes_of(window.guard.rooms["guest"].app)
        }
        told = {(answer.status_code, answer.text) for path in paths for answer in [client.get(path)]}
        ((status, text),) = told
        assert status == 401 and "Sign in to Overread" in text and "Ada" not in text
        wrong = [
            client.post("/login", data={"username": name, "password": "x"}).text for name in ("Jo", "Nobody")
        ]
        assert wrong[0] == wrong[1]  # nothing tells who has an account
        for _ in range(TRIES_OF_NAME_AND_ADDRESS):
            client.post("/login", data={"username": "Jo", "password": "guess"})
        answer = client.post("/login", data={"username": "Jo", "password": PASSWORD})
        assert answer.status_code == 401 and "Too many wrong passwords" in answer.text
        assert client.post("/login", data={"username": "Gus", "password": PASSWORD}).status_code == 303
        evil = {"origin": "https://evil.example"}
        assert (
            client.post("/logout", headers=evil).status_code == 403 and client.get("/who").status_code == 200
        )


def test_a_window_without_accounts_listens_to_this_computer_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OVERREAD_WORKSPACE", str(tmp_path))
    for host in ("0.0.0.0", "::", "10.255.255.1"):
        assert main(["gui", "--no-browser", "--host", host]) == 1
        assert "Add --auth" in capsys.readouterr().err
    assert main(["gui", "--no-browser", "--auth", "--host", "0.0.0.0"]) == 1
    assert "overread accounts add NAME --role administrator" in capsys.readouterr().err
    assert main(["gui", "--no-browser", "--host", "no-such-host.invalid"]) == 1
    assert "There is no host" in capsys.readouterr().err
    assert all(map(is_this_computer_alone, ("127.0.0.1", "127.0.0.2", "::1", "localhost")))
    assert hosts_of("127.0.0.1", 7860) < hosts_of("0.0.0.0", 7860)


def test_an_administrator_is_made_on_the_command_line_and_everything_else_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OVERREAD_WORKSPACE", str(tmp_path / "workspace"))
    secret = tmp_path / "secret"
    secret.write_text(PASSWORD + "\n")
    give = ["--password-file", str(secret)]
    assert main(["accounts", "add", "Ada", "--role", "administrator", *give]) == 0
    assert main(["accounts", "add", "Ben", *give]) == 0
    session = open_session(open_workspace())
    accounts = session.store.accounts
    assert [(each.reader.name, each.reader.role) for each in accounts.all()] == [
        ("Ada", "administrator"),
        ("Ben", "reader"),
    ]
    assert accounts.administrators() == 1 and accounts.sign_in("Ben", PASSWORD)
    assert main(["accounts", "role", "Ben", "adjudicator"]) == 0
    assert main(["accounts", "disable", "Ada"]) == 0 and accounts.administrators() == 0
    assert main(["accounts", "enable", "Ada"]) == 0
    assert main(["accounts", "sign-out", "Ben"]) == 0
    secret.write_text("too short")
    assert main(["accounts", "password", "Ben", *give]) == 1
    for wrong in (
        ["password", "Nobody", *give],
        ["role", "Ben", "boss"],
        ["disable", "Nobody"],
        ["add", "Cleo"],
    ):
        assert main(["accounts", *wrong]) == 1
    capsys.readouterr()
    assert main(["accounts", "list", "--json"]) == 0
    told = capsys.readouterr().out
    assert '"adjudicator"' in told and "argon2" not in told and PASSWORD not in told
    session.store.close()
