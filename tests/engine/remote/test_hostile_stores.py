"""Promises of engine.remote to whoever asks a store that is slow, away, lying or hostile: one sentence, no loss."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.errors import DataError
from tests.engine.remote.test_fetching import PATIENT, QUICK, fetched, names_in
from tests.stores import SECRET, Buckets, Files, files

LIST = "?"
MORE = b"<?xml version='1.0'?><ListBucketResult>"


def hang_up(door: Any) -> None:
    door.connection.shutdown(socket.SHUT_RDWR)


QUESTIONS: dict[str, tuple[str, Callable[[Any], None], str]] = {
    "credentials that have expired": (
        LIST,
        lambda d: d.refuse("ExpiredToken", 400),
        "refuses us: no credentials",
    ),
    "a token that is none": (LIST, lambda d: d.refuse("InvalidToken", 400), "refuses us: no credentials"),
    "wrong credentials": (
        LIST,
        lambda d: d.refuse("SignatureDoesNotMatch", 403),
        "refuses us: no credentials",
    ),
    "no bucket": (LIST, lambda d: d.refuse("NoSuchBucket", 404), "s3://hospital/hostile is not there"),
    "an error": (LIST, lambda d: d.refuse("InternalError", 500), "cannot be reached, broke off"),
    "a page for people": (LIST, lambda d: d.say(b"<html><p>Sign in"), "or speaks something else"),
    "something else": (LIST, lambda d: d.say(b"\x00\x01"), "speaks something else"),
    "silence": (LIST, lambda d: time.sleep(6), "did not answer in time"),
    "a drip": (LIST, lambda d: d.say(MORE * 20, seconds=12), "did not answer in time"),
    "nothing": (LIST, hang_up, "cannot be reached, broke off"),
    "a film that ends early": (".png", lambda d: d.say(b"x", length=9), "cannot be reached, broke off"),
    "a film of another size": (".png", lambda d: d.say(b"x"), "sent 1 bytes where it had said 9"),
    "a film that is too long": (".png", lambda d: d.say(b"x" * 99), "sent more than it had said"),
    "a film that drips": (".png", lambda d: d.say(b"123456789", seconds=12), "did not answer in time"),
}


@pytest.mark.parametrize("what", QUESTIONS)
def test_an_answer_that_is_none_is_one_sentence_in_good_time(s3: Buckets, tmp_path: Path, what: str) -> None:
    s3.put("hospital", "hostile/film.png", b"123456789")
    end, act, sentence = QUESTIONS[what]
    s3.front.instead[end] = act
    began = time.monotonic()
    with pytest.raises(DataError, match=sentence) as refused:
        fetched("s3://hospital/hostile", tmp_path, QUICK if "in time" in sentence else PATIENT)
    assert time.monotonic() - began < 30 and SECRET not in str(refused.value)  # of 200: a loaded machine
    assert not [name for name in names_in(tmp_path) if name.endswith(".png") or ".fetching" in name]


def test_credentials_that_end_in_the_middle_lose_nothing(s3: Buckets, tmp_path: Path) -> None:
    for number in range(12):
        s3.put("hospital", f"middle/{number:02}.png", b"%d" % number)
    for number in range(8, 12):
        s3.front.instead[f"/{number:02}.png"] = lambda door: door.refuse("ExpiredToken", 400)
    with pytest.raises(
        DataError, match=r"have expired, when 8 of 12 files had come\. Set \$AWS.*only what is missing"
    ):
        fetched("s3://hospital/middle", tmp_path)
    s3.front.instead.clear()
    s3.front.asked.clear()
    here = fetched("s3://hospital/middle", tmp_path)
    assert here.new == 4 and len(s3.front.asked) == 5 and len(names_in(here.path)) == 12


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Files]:
    folder = tmp_path / "there" / "films"
    folder.mkdir(parents=True)
    for number in range(5):
        (folder / f"{number}.png").write_bytes(b"%d" % number * 10)
    with files(folder.parent) as shown:
        shown.know(tmp_path, monkeypatch)
        yield shown


def test_an_sftp_server_that_falls_silent_breaks_off_or_lies_is_one_sentence_and_is_gone_on_with(
    server: Files, tmp_path: Path
) -> None:
    reads = 0

    async def third_is_silent() -> None:
        nonlocal reads
        reads += 1
        if reads > 2:
            await asyncio.sleep(5)

    server.on_read = third_is_silent
    with pytest.raises(DataError, match=r"did not answer in time, when \d of 5 files had come"):
        fetched(server.address("films"), tmp_path / "into", QUICK)

    async def breaks_off() -> None:
        raise ConnectionResetError

    server.on_read, before = breaks_off, names_in(tmp_path / "into")
    with pytest.raises(DataError, match="or speaks something else, when"):
        fetched(server.address("films"), tmp_path / "into")
    assert names_in(tmp_path / "into") == before
    server.on_read, server.more = None, 7
    with pytest.raises(DataError, match=r"sent 10 bytes where it had said 17|broke off"):
        fetched(server.address("films"), tmp_path / "into")
    server.more = 0
    here = fetched(server.address("films"), tmp_path / "into")
    assert {one.name: one.read_bytes() for one in here.path.iterdir()} == {
        f"{number}.png": b"%d" % number * 10 for number in range(5)
    }


def test_a_store_that_is_away_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    for address in (f"sftp://127.0.0.1:{port}/x", "s3://bucket/x"):
        with pytest.raises(DataError, match="cannot be reached, broke off"):
            fetched(address, tmp_path)
