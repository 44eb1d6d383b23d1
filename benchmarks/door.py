"""`python -m benchmarks.door`: what the share server does while hundreds of megabytes are pushed at it.

A real link is opened (by ssh, so that no network is needed) and attacked by raw sockets. Printed: what was answered,
after how long, how much was let in, and by how much the memory of the server's process grew at its peak.
"""

from __future__ import annotations

import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil

from engine.reading import open_store
from engine.workspace import open_workspace
from gui.sharing import Access, Share, share
from gui.web import AppSession
from tests.gui.conftest import fill, make_run

SIZE = 700_000_000
PART = bytes(1 << 16)


@contextmanager
def peak(process: psutil.Process) -> Iterator[list[float]]:
    """Give a list that holds, afterwards, the megabytes by which a process grew at most."""
    grown, over = [0.0], threading.Event()
    before = process.memory_info().rss

    def watch() -> None:
        while not over.wait(0.01):
            grown[0] = max(grown[0], (process.memory_info().rss - before) / 1e6)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield grown
    finally:
        over.set()
        watching.join()


def push(port: int, head: str, *, chunked: bool) -> tuple[str, float, float]:
    """Send a body of `SIZE`; return the answer's first line, the megabytes taken and the seconds."""
    part = b"%x\r\n%s\r\n" % (len(PART), PART) if chunked else PART
    head += "Transfer-Encoding: chunked\r\n\r\n" if chunked else f"Content-Length: {SIZE}\r\n\r\n"
    began, sent = time.perf_counter(), 0
    with socket.create_connection(("127.0.0.1", port), timeout=20) as one:
        one.sendall(head.encode())
        with suppress(BrokenPipeError, ConnectionResetError):
            while sent < SIZE:
                one.sendall(part)
                sent += len(PART)
        try:
            answer = one.recv(4096).decode(errors="replace").split("\r\n")[0]
        except ConnectionResetError:
            answer = "the connection was closed"
    return answer or "the connection was closed", sent / 1e6, time.perf_counter() - began


def attack(link: Share) -> None:
    """Attack a link and print what it did."""
    port = urlsplit(link.url).port or 0
    process = psutil.Process(link._process.pid)
    typed = {"username": link.user, "password": link.password}
    entered = httpx.post(f"{link.url}/login", data=typed)
    cookie = entered.headers["set-cookie"].partition(";")[0]
    print(f"the share server at rest: {process.memory_info().rss / 1e6:.0f} MB")
    for who, known in (("stranger", ""), ("guest", f"Cookie: {cookie}\r\n")):
        for path in ("/gradio_api/cancel", "/gradio_api/upload", "/gradio_api/component_server", "/login"):
            for chunked in (False, True):
                head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{known}"
                with peak(process) as grown:
                    answer, taken, seconds = push(port, head, chunked=chunked)
                kind = "chunked" if chunked else "length said"
                print(
                    f"{who}, POST {path}, {SIZE / 1e6:.0f} MB, {kind}: {answer}; {taken:.0f} MB left the sender in "
                    f"{seconds:.1f} s; memory +{grown[0]:.1f} MB"
                )
    with peak(process) as grown:
        half = [socket.create_connection(("127.0.0.1", port)) for _ in range(1000)]
        for one in half:
            with suppress(OSError):
                one.sendall(b"GET / HTTP/1.1\r\nHost: x")
        began = time.perf_counter()
        status = httpx.get(f"{link.url}/", headers={"Cookie": cookie}, timeout=20).status_code
        seconds = time.perf_counter() - began
        time.sleep(6)
    left = len([one for one in process.net_connections() if one.status == psutil.CONN_ESTABLISHED])
    print(
        f"1,000 half-open heads: a guest's page comes ({status}) in {seconds:.2f} s; memory +{grown[0]:.1f} MB; "
        f"{left} connections left after 6 s"
    )
    for one in half:
        one.close()


def main() -> None:
    """Open a link to some drawn films and attack it."""
    with tempfile.TemporaryDirectory() as scratch:
        workspace = open_workspace(Path(scratch) / "workspace")
        with open_store(workspace.database) as store:
            session = AppSession(workspace=workspace, store=store)
            run = make_run(workspace)
            fill(session, Path(scratch) / "films", [f"{number}.png" for number in range(6)], run=run, side=96)
            with closing(share(workspace, store, run.run_id, access=Access(minutes=10, via="ssh"))) as link:
                attack(link)


if __name__ == "__main__":
    main()
