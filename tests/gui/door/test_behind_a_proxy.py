"""Behind nginx, which ends TLS and serves the window below /overread/: in a browser, from signing in to signing out."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.workspace import open_workspace
from gui.door import public_address
from gui.mounting import members_of
from gui.web.session import open_session
from tests.chromium import PATIENCE
from tests.gui.conftest import Traffic, fill, free_port, make_run
from tests.gui.door.test_members import PASSWORD, with_accounts

EXAMPLE = Path(__file__).parents[3] / "docs" / "guide" / "nginx.conf"
ON_SCREEN = ".rv[data-shown]:not([data-busy]):not([data-guard])"


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[Callable[[int, int], None]]:
    """Start nginx with the example of the guide; only ports and certificate are others."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None or shutil.which("openssl") is None:
        if os.environ.get("OVERREAD_REQUIRE_NGINX"):
            pytest.fail("nginx and openssl are needed")
        pytest.skip("nginx is not installed")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*made, *names, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    started: list[subprocess.Popen[bytes]] = []

    def start(public: int, window: int) -> None:
        server = EXAMPLE.read_text(encoding="utf-8")
        for said, here in {
            "listen 443 ssl": f"listen 127.0.0.1:{public} ssl",
            "hospital.example": "localhost",
            "/etc/ssl/hospital.pem": str(certificate),
            "/etc/ssl/hospital.key": str(key),
            "127.0.0.1:7860": f"127.0.0.1:{window}",
        }.items():
            assert said in server
            server = server.replace(said, here)
        whole = f"daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log; events {{}}\nhttp {{ access_log off; "
        whole += "".join(
            f"{name}_temp_path {tmp_path}/{name}; "
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (tmp_path / "nginx.conf").write_text(f"{whole}\n{server}\n}}")
        started.append(subprocess.Popen([program, "-c", tmp_path / "nginx.conf", "-p", tmp_path]))
        until = time.monotonic() + 60
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            assert time.monotonic() < until and started[-1].poll() is None
            time.sleep(0.05)

    yield start
    for process in started:
        process.terminate()
        process.wait(60)


@pytest.mark.browser
def test_a_reader_signs_in_reads_and_signs_out_below_a_prefix_and_over_tls(
    nginx: Callable[[int, int], None],
    browser: Any,
    traffic: Traffic,
    tmp_path: Path,
    opened: Callable[..., Any],
) -> None:
    session = with_accounts(open_session(open_workspace(tmp_path / "workspace")))
    run = make_run(session.workspace)
    fill(session, tmp_path / "films", [f"{number}.png" for number in range(4)], run=run, side=96)
    port = free_port()
    public = public_address(f"https://localhost:{port}/overread/", trusts_proxy=True)
    window = opened(session, entrance=members_of(session, public), public=public)
    nginx(port, window.port)
    assert window.address == public.url

    context = browser.new_context(ignore_https_errors=True, viewport={"width": 1366, "height": 768})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(public.url)
    page.get_by_label("Name").fill("Ben")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    assert "do not open it" in page.get_by_role("alert").inner_text()
    page.get_by_label("Name").fill("Ben")
    page.get_by_label("Password").fill(PASSWORD)
    traffic.watch(page)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_selector(ON_SCREEN)
    assert page.url.partition("?")[0] == public.url
    assert page.locator("#signed-in").inner_text().startswith("Ben (reader)")
    assert page.locator(".rv select[data-at=reader]").is_disabled()
    first = page.locator(".rv").get_attribute("data-shown")
    assert page.evaluate("document.querySelector('.rv-image').naturalWidth") == 96
    page.keyboard.press("Digit1")
    page.wait_for_selector(f".rv[data-shown]:not([data-busy]):not([data-shown='{first}'])")
    (cookie,) = context.cookies()
    assert (cookie["path"], cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (
        "/overread",
        True,
        True,
        "Strict",
    )
    asked = [url for url in traffic.requests if url.startswith("http")]
    assert asked and all(url.startswith(public.url) for url in asked)
    assert (traffic.errors, traffic.refused) == ([], [])
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.get_by_label("Password").wait_for()
    assert context.cookies() == []
    context.close()
    assert [one.reader for one in session.store.reviews(run.run_id)] == ["Ben"]

    # what nobody vouches for: another host, and an address that a client makes up
    trusted = ssl.create_default_context(cafile=tmp_path / "certificate.pem")
    with httpx.Client(base_url=public.url, verify=trusted) as client:
        assert client.get("", headers={"x-forwarded-host": "evil.example"}).status_code == 401
        made_up = {"x-forwarded-for": "9.9.9.9"}
        for _ in range(6):
            client.post("login", data={"username": "Jo", "password": "x"}, headers=made_up)
        told = client.post("login", data={"username": "Jo", "password": PASSWORD}, headers=made_up)
        assert "Too many wrong passwords" in told.text
    throttle = window.guard.entrance._throttle
    assert throttle.wait("Jo", "127.0.0.1") and not throttle.wait("Jo", "9.9.9.9")
    session.store.close()


@pytest.mark.browser
def test_signing_in_needs_no_script(browser: Any, tmp_path: Path, opened: Callable[..., Any]) -> None:
    session = with_accounts(open_session(open_workspace(tmp_path / "workspace")))
    window = opened(session, entrance=members_of(session, None))
    context = browser.new_context(java_script_enabled=False)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(f"{window.url}/anything")
    page.get_by_label("Name").press_sequentially("Ada")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{window.url}/")
    assert len(context.cookies()) == 1
    context.close()
    session.store.close()
