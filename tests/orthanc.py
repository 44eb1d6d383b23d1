"""A real archive, Debian's Orthanc with its DICOMweb plugin, started for the tests where it is installed."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

USER, PASSWORD = "ada", "hunter2"
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


class Orthanc:
    """An archive of its own on a port of this computer; it knows one user."""

    def __init__(self, folder: Path, program: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        settings = {
            "StorageDirectory": str(folder / "store"),
            "IndexDirectory": str(folder / "store"),
            "HttpPort": self.port,
            "DicomServerEnabled": False,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": True,
            "RegisteredUsers": {USER: PASSWORD},
            "Plugins": [str(PLUGIN)],
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        }
        (folder / "orthanc.json").write_text(json.dumps(settings))
        log = (folder / "log").open("wb")
        self._process = subprocess.Popen([program, str(folder / "orthanc.json")], stdout=log, stderr=log)
        for _ in range(200):
            try:
                self.get("/system")
                return
            except requests.ConnectionError:
                if self._process.poll() is not None:
                    break
                time.sleep(0.05)
        self.stop()
        raise RuntimeError((folder / "log").read_text()[-500:])

    @property
    def address(self) -> str:
        """Of its DICOMweb services, as people write it."""
        return f"dicomweb://127.0.0.1:{self.port}/dicom-web"

    def get(self, path: str) -> Any:
        """Return what its own interface answers, which is not DICOMweb."""
        answer = requests.get(f"http://127.0.0.1:{self.port}{path}", auth=(USER, PASSWORD), timeout=10)
        answer.raise_for_status()
        return answer.json()

    def put(self, file: bytes) -> None:
        """Store a file by its own interface."""
        answer = requests.post(
            f"http://127.0.0.1:{self.port}/instances", data=file, auth=(USER, PASSWORD), timeout=10
        )
        answer.raise_for_status()

    def stop(self) -> None:
        """End it, and wait for that."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def archive() -> Iterator[Orthanc]:
    """Give an archive, and remove it in the end; the test is skipped where there is none."""
    program = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin")
    if program is None or not PLUGIN.exists():
        if os.environ.get("OVERREAD_REQUIRE_ORTHANC"):
            pytest.fail("Orthanc is not installed, or its DICOMweb plugin is not")
        pytest.skip("Orthanc is not installed (Debian: apt-get install orthanc orthanc-dicomweb)")
    pytest.importorskip("dicomweb_client", reason="the extra “pacs” is not installed")
    folder = Path(tempfile.mkdtemp(prefix="overread-orthanc-"))
    try:
        server = Orthanc(folder, program)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
