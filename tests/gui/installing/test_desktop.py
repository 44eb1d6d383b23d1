"""An entry in a menu starts this program, whatever its path is called, by another's reading of it."""

from __future__ import annotations

import json
import os
import plistlib
import shutil
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from PIL import Image

from engine.errors import EngineError
from gui.cli.main import main
from gui.installing import SYSTEMS, entry_for, place, remove

ODD = "odd $HOME `id` \\ \"q\" %f 'é' ’ ;&|"
ARGUMENTS = st.lists(st.text(st.characters(min_codepoint=32, exclude_categories=("Cs", "Cc"))), max_size=3)
needs_desktop = pytest.mark.skipif(
    not (shutil.which("gio") and shutil.which("desktop-file-validate"))
    and not os.environ.get("OVERREAD_REQUIRE_DESKTOP"),
    reason="GLib's gio or desktop-file-validate is not installed (Debian: libglib2.0-bin, desktop-file-utils)",
)


def recorder(path: Path) -> Path:
    """A program that writes down what it was called with, and is called oddly itself."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"#!{sys.executable}\nimport json, sys, pathlib\n"
        "pathlib.Path(sys.argv[0] + '.new').write_text(json.dumps(sys.argv[1:]))\n"
        "pathlib.Path(sys.argv[0] + '.new').rename(sys.argv[0] + '.told')\n"
    )
    path.chmod(0o755)
    return path


def told(program: Path) -> list[str]:
    written, until = Path(f"{program}.told"), time.monotonic() + 60
    while not written.exists():
        assert time.monotonic() < until, "the entry did not start its program"
        time.sleep(0.02)
    return list(json.loads(written.read_text()))


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that runs what it is given, where GLib looks for one, and where macOS's `open` would be."""
    (tmp_path / "bin").mkdir()
    for name, rest in (("xdg-terminal-exec", '"$@"'), ("xterm", 'shift; exec "$@"'), ("open", '"$3"')):
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{rest}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")


@needs_desktop
@pytest.mark.skipif(sys.platform != "linux", reason="a menu of Linux")
@pytest.mark.usefixtures("terminal")
def test_an_entry_for_linux_is_valid_and_starts_its_program_with_its_arguments_as_they_are(
    tmp_path: Path,
) -> None:
    program = recorder(tmp_path / ODD / "python")
    arguments = ["-m", "gui", ODD, "", "%", "\\$", "a=b"]
    desktop, image = place(entry_for("linux", [str(program), *arguments]), tmp_path / "share")
    said = subprocess.run(["desktop-file-validate", str(desktop)], capture_output=True, text=True)
    assert (said.returncode, said.stdout) == (0, ""), said.stdout
    subprocess.run(["gio", "launch", str(desktop)], check=True, timeout=60)
    assert told(program) == arguments
    assert Image.open(image).size == (256, 256) and desktop.stat().st_mode & 0o111


@pytest.mark.skipif(os.name != "posix", reason="a script for sh")
@pytest.mark.usefixtures("terminal")
def test_an_application_for_macos_is_described_and_opens_its_script_in_a_terminal(tmp_path: Path) -> None:
    program = recorder(tmp_path / ODD / "python")
    entry = entry_for("macos", [str(program), "-m", ODD])
    place(entry, tmp_path / "Applications")
    contents = tmp_path / "Applications" / "Overread.app" / "Contents"
    described = plistlib.loads((contents / "Info.plist").read_bytes())
    subprocess.run([contents / "MacOS" / described["CFBundleExecutable"]], check=True, timeout=60)
    assert told(program) == ["-m", ODD]
    assert (contents / "Resources" / f"{described['CFBundleIconFile']}.icns").read_bytes()[:4] == b"icns"
    assert (
        len(remove(entry, tmp_path / "Applications")) == 4
        and not (tmp_path / "Applications" / "Overread.app").exists()
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(arguments=ARGUMENTS)
def test_a_script_for_windows_names_its_program_in_quotes_in_which_nothing_is_replaced(
    arguments: list[str],
) -> None:
    entry = entry_for("windows", [r"C:\Users\O’Brien\py thon.exe", *arguments])
    script = next(data for name, data in entry.files.items() if name.suffix == ".ps1")
    assert script.startswith(b"\xef\xbb\xbf") and script.count(b"\n") == script.count(b"\r\n")
    lines = dict(
        line.strip().split(" = ", 1) for line in script.decode("utf-8-sig").split("\r\n") if " = " in line
    )
    assert lines["$shortcut.TargetPath"] == r"'C:\Users\O’’Brien\py thon.exe'"
    inside = lines["$shortcut.Arguments"][1:-1]
    for quote in "'‘’‚‛":
        inside = inside.replace(quote * 2, "")
    assert not any(quote in inside for quote in "'‘’‚‛")
    assert (
        Image.open(BytesIO(entry.files[next(name for name in entry.files if name.suffix == ".ico")])).format
        == "ICO"
    )


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_path_that_no_menu_can_hold_is_refused(system: str) -> None:
    with pytest.raises(EngineError, match="line break"):
        entry_for(system, ["/usr/bin/python", "a\nExec=rm"])


def test_the_command_writes_for_any_system_says_what_was_tried_and_takes_it_away_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for system in SYSTEMS:
        typed = [
            "desktop",
            "--system",
            system,
            "--out",
            str(tmp_path / system),
            "-w",
            str(tmp_path / "works"),
        ]
        assert main(typed) == 0
        printed = capsys.readouterr()
        files = [Path(line) for line in printed.out.splitlines()]
        assert all(path.is_file() for path in files) and "What was tried of it: " in printed.err
        assert any(str(tmp_path / "works").encode() in path.read_bytes() for path in files)
        assert main([*typed, "--remove"]) == 0 and not any(path.exists() for path in files)
        assert main([*typed, "--remove"]) == 0 and "nothing to remove" in capsys.readouterr().err
    assert main(["desktop", "--system", "plan9"]) == 1
    assert "Choose one of: linux, windows, macos" in capsys.readouterr().err
