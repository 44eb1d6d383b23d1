"""What the doctor says is what this computer has: made worse on purpose, each is said with its remedy."""

from __future__ import annotations

import http.server
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from engine.errors import EngineError
from gui import listening
from gui.installing import examine, update_said
from gui.installing.checking import computer, packages
from gui.installing.checking.examining import CHECKS
from gui.installing.desktop import entry_for, place, started


def looked(name: str, root: Path) -> object:
    return CHECKS[name](name, root)


def test_each_check_is_a_sentence_and_what_is_not_good_has_a_remedy(tmp_path: Path) -> None:
    checks = examine(tmp_path)
    assert [each.name for each in checks][: len(CHECKS)] == list(CHECKS)
    assert all(each.found and (each.good or each.remedy) for each in checks)
    assert {"extra onnx", "extra pacs", "extra postgresql"} <= {each.name for each in checks}
    assert not any(each.name.removeprefix("extra ") in packages.FOR_DEVELOPERS for each in checks)


def test_a_package_that_is_missing_or_of_another_version_is_named() -> None:
    asked = [
        f"numpy=={version('numpy')}",
        "numpy<1",
        "no-such-thing>=2",
        'pywin32; sys_platform == "win32"',
    ]
    missing = packages.lacking(asked[:3])
    assert missing == [f"numpy {version('numpy')} is not <1", "no-such-thing is not installed"]
    assert (packages.lacking(asked[3:]) == []) == (sys.platform != "win32")


def test_an_installation_without_a_checkout_knows_what_it_asks_for_and_which_extras_are_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "overread-9.dist-info").mkdir()
    (tmp_path / "overread-9.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: overread\nVersion: 9\nProvides-Extra: odd\nProvides-Extra: even\n"
        'Requires-Dist: numpy>=1\nRequires-Dist: other; sys_platform == "plan9"\n'
        'Requires-Dist: no-such-thing>=1; extra == "odd"\nRequires-Dist: numpy>=1; extra == "even"\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(packages, "CHECKOUT", tmp_path)
    assert packages.asked_for() == (("numpy>=1",), {"odd": ("no-such-thing>=1",), "even": ("numpy>=1",)})
    odd, even = (packages.extra(f"extra {name}", tmp_path) for name in ("odd", "even"))
    assert (odd.good, odd.found) == (False, "no-such-thing is not installed") and even.good


def test_the_size_of_a_package_is_that_of_its_files_on_the_disk() -> None:
    from importlib.metadata import distribution

    told = distribution("packaging")
    listed = [each for each in told.files or () if each.size]
    assert packages.size_of(told) == sum(Path(str(each.locate())).stat().st_size for each in listed) > 100_000


def test_a_full_disk_and_a_taken_port_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(computer.shutil, "disk_usage", lambda path: usage._replace(free=10**6))
    full = computer.disk("disk", tmp_path)
    assert not full.good and full.needed and full.found.startswith("0.0 GiB free")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        usual = taken.getsockname()[1]
        for module in (computer, listening):
            monkeypatch.setattr(module, "FIRST_PORT", usual)
        assert f"{usual} is in use" in computer.port("port", tmp_path).found


def test_a_menu_that_starts_another_installation_is_told_from_one_that_starts_this(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(computer.sys, "platform", "linux")
    assert not computer.menu("menu", tmp_path).good
    place(entry_for("linux", started(None)))
    assert computer.menu("menu", tmp_path).found == "Overread is in it"
    place(entry_for("linux", ["/elsewhere/python", "-m", "gui"]))
    other = computer.menu("menu", tmp_path)
    assert "another installation" in other.found and not other.good and not other.needed


# ---------------------------------------------------------------------------------------------- what is newer


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An index of packages on this computer, as pip is told of it; gives the folder of its Overread."""
    folder = tmp_path / "simple" / "overread"
    folder.mkdir(parents=True)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *told: object) -> None:
            super().__init__(*told, directory=str(tmp_path))  # type: ignore[arg-type]

        def log_message(self, *told: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    (tmp_path / "pip.conf").write_text(
        f"[global]\nindex-url = http://127.0.0.1:{server.server_port}/simple/\n"
    )
    yield folder
    server.shutdown()
    server.server_close()


def test_a_newer_version_is_told_from_where_pip_finds_its_packages(shop: Path) -> None:
    (shop / "overread-999.0-py3-none-any.whl").touch()
    assert update_said().startswith("999.0 can be had")
    for wheel in shop.iterdir():
        wheel.rename(shop / "overread-0.0.1-py3-none-any.whl")
    assert update_said().endswith("nothing newer can be had") or "not installed as a package" in update_said()


def test_without_a_network_or_such_a_package_one_sentence_is_said(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(EngineError, match="has no Overread"):
        update_said()
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple/")
    with pytest.raises(EngineError, match="cannot be reached"):
        update_said()
    monkeypatch.setattr(subprocess, "run", _slow)
    with pytest.raises(EngineError, match="did not answer within"):
        update_said()


def _slow(*told: object, **kept: object) -> None:
    raise subprocess.TimeoutExpired("pip", 15)
