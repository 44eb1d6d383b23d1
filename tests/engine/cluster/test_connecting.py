"""Where the work may go, and what is said when it cannot go there."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from engine.cluster.connecting import cause_of, check_address, connected, tell
from engine.errors import ClusterError


@given(st.from_regex(r"(ray://)?[\w.]{0,9}(:\w{0,6})?", fullmatch=True))
def test_an_address_is_ray_or_a_host_and_a_port(text: str) -> None:
    host, colon, port = text.removeprefix("ray://").rpartition(":")
    good = text == "ray" or (
        text.startswith("ray://") and host and colon and port.isascii() and port.isdigit() and len(port) <= 5
    )
    if good:
        check_address(text)
    else:
        with pytest.raises(ClusterError, match="does not say where to work"):
            check_address(text)


def test_a_cluster_that_is_away_is_said_within_seconds(ray_cluster: None) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and listens not
        began = time.monotonic()
        with (
            pytest.raises(ClusterError, match=r"cannot be reached \((?!\[Errno).*Check that it runs"),
            connected(f"ray://127.0.0.1:{taken.getsockname()[1]}"),
        ):
            pass
    assert time.monotonic() - began < 60


def test_why_a_cluster_cannot_be_reached_is_its_cause_and_not_the_words_before_it() -> None:
    server = "Initialization failure from server:\nTraceback (most recent call last):\n  …\nValueError: no such node\n"
    assert (
        cause_of(ConnectionAbortedError(server))
        == "Initialization failure from server: ValueError: no such node"
    )
    assert cause_of(ConnectionRefusedError(111, "Connection refused")) == "Connection refused"
    assert cause_of(TimeoutError()) == "TimeoutError"


@pytest.mark.parametrize(
    ("known", "mode"),
    [
        ({}, None),
        ({"RAY_AUTH_TOKEN": "secret"}, "token"),
        ({"RAY_AUTH_TOKEN_PATH": "/mine"}, "token"),
        ({"RAY_AUTH_TOKEN": "secret", "RAY_AUTH_MODE": "disabled"}, "disabled"),
    ],
)
def test_who_has_a_token_shows_it_unless_they_said_otherwise(
    known: dict[str, str], mode: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for lies_at_home in (False, True):
        told = dict(known)
        tell(told)
        assert told.get("RAY_AUTH_MODE") == (mode or ("token" if lies_at_home else None))
        (tmp_path / ".ray").mkdir(exist_ok=True)
        (tmp_path / ".ray" / "auth_token").write_text("secret")


def test_nothing_of_ray_is_imported_where_no_cluster_is_asked_for() -> None:
    code = """
import sys, engine.cluster, engine.jobs.here, gui.cli.main, engine.pipeline, engine.jobs.work, engine.experiments.search
[getattr(engine.cluster, name) for name in engine.cluster.__all__]
engine.cluster.check_address("ray")
assert not [name for name in sys.modules if name.partition(".")[0] == "ray"]
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
