"""A bundle is started where there is no network: real wheels, the real launcher, a network namespace of its own.

The wheels are Overread's and the few that its command line stands on; the whole of it, gigabytes, is made by hand
(docs/installing.md).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from engine.errors import EngineError
from gui.cli.main import main
from gui.installing import pack
from gui.installing.bundling.gathering import own_wheel, pip

ROOT = Path(__file__).parents[4]
COMMAND_LINE = (
    "annotated-doc", "annotated-types", "filelock", "lazy-loader", "orjson", "packaging", "pydantic", "pydantic-core",
    "shellingham", "typer", "typing-extensions", "typing-inspection",
)  # fmt: skip
REQUIRED = os.environ.get("OVERREAD_REQUIRE_BUNDLE")


def without_network() -> tuple[str, ...]:
    """The words before a command that give it a network of its own, in which nothing is."""
    for words in (("unshare", "-n"), ("unshare", "-rn")):
        if shutil.which("unshare") and subprocess.run([*words, "true"], capture_output=True).returncode == 0:
            return words
    pytest.skip(
        "unshare may not make a network namespace here"
    )  # a right of the machine, which nothing installs


@pytest.fixture(scope="module")
def zipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of Overread and of what its command line imports."""
    folder = tmp_path_factory.mktemp("bundle")
    wheels = folder / "wheels"
    try:
        own_wheel(wheels)
        pinned = str(ROOT / "constraints.txt")
        pip("wheel", "--no-deps", "--constraint", pinned, "--wheel-dir", str(wheels), *COMMAND_LINE)
    except EngineError as error:
        if REQUIRED:
            raise
        pytest.skip(f"wheels cannot be had here: {error}")
    found = pack(wheels, folder / "to take along.zip")
    assert len(found) == len(COMMAND_LINE) + 1 and list(wheels.iterdir()) == []
    return folder / "to take along.zip"


@pytest.fixture
def unpacked(zipped: Path, tmp_path: Path) -> Path:
    subprocess.run(
        [sys.executable, "-m", "zipfile", "-e", str(zipped), str(tmp_path / "it's here")], check=True
    )
    (folder,) = (tmp_path / "it's here").iterdir()
    return folder


def start(folder: Path, *words: str, before: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Start the launcher as a person does, with settings of pip that would lead astray."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHON")}
    misled = {**kept, "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_REQUIRE_VIRTUALENV": "0"}
    return subprocess.run(
        [*before, "sh", str(folder / "overread.sh"), *words],
        capture_output=True, text=True, timeout=120, cwd="/", env={**misled, "PYTHON": sys.executable},
    )  # fmt: skip


@pytest.mark.skipif(os.name != "posix", reason="its launcher is one for sh")
def test_a_bundle_makes_its_environment_and_starts_the_program_without_a_network(unpacked: Path) -> None:
    alone = without_network()
    first = start(unpacked, "version", before=alone)
    assert first.returncode == 0, first.stderr
    assert first.stdout.strip() == "0.1.0" and "Making an environment" in first.stderr
    again = start(unpacked, "version", before=alone)
    assert (again.stdout, again.stderr) == (first.stdout, "")
    where = "import gui; print(gui.__file__)"
    python = str(unpacked / "environment" / "bin" / "python")
    lies = subprocess.run([python, "-P", "-c", where], capture_output=True, text=True, cwd="/", env={})
    assert Path(lies.stdout.strip()).is_relative_to(unpacked)


@pytest.mark.skipif(os.name != "posix", reason="its launcher is one for sh")
@pytest.mark.parametrize("name", ["wheels/typer-*.whl", "requirements.txt", "sbom.cdx.json"])
def test_a_file_that_was_changed_on_the_way_is_named_and_nothing_is_installed(
    unpacked: Path, name: str
) -> None:
    (changed,) = unpacked.glob(name)
    changed.write_bytes(changed.read_bytes() + b"planted")
    refused = start(unpacked, "version")
    assert refused.returncode == 1 and "is not as it was when the bundle was made" in refused.stderr
    assert f"{changed.name}: FAILED" in refused.stderr and "OK" not in refused.stderr
    assert not (unpacked / "environment").exists()


@pytest.mark.skipif(os.name != "posix", reason="its launcher is one for sh")
def test_a_computer_without_the_python_of_the_bundle_is_told_which_it_needs(
    unpacked: Path, tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "dirname").symlink_to(str(shutil.which("dirname")))
    said = subprocess.run(
        ["/bin/sh", str(unpacked / "overread.sh")],
        capture_output=True,
        text=True,
        env={"PATH": str(tmp_path / "bin")},
    )
    assert said.returncode == 1 and f"needs Python 3.{sys.version_info[1]}" in said.stderr


def test_the_checksums_are_those_of_the_files_and_the_materials_are_what_their_schema_says(
    zipped: Path,
) -> None:
    with zipfile.ZipFile(zipped) as opened:
        files = {name.split("/", 1)[1]: opened.read(name) for name in opened.namelist()}
        assert {name.split("/", 1)[0] for name in opened.namelist()} == {"to take along"}
    sums = dict(reversed(line.split("  ", 1)) for line in files["SHA256SUMS"].decode().splitlines())
    assert sums == {
        name: hashlib.sha256(data).hexdigest() for name, data in files.items() if name != "SHA256SUMS"
    }
    text = files["sbom.cdx.json"].decode()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    parts = [bill["metadata"]["component"], *bill["components"]]
    told = {each["hashes"][0]["content"] for each in parts}
    assert told == {digest for name, digest in sums.items() if name.startswith("wheels/")}
    assert bill["metadata"]["component"]["name"] == "overread" and all(each["licenses"] for each in parts)
    asks = {each["ref"]: each.get("dependsOn", []) for each in bill["dependencies"]}
    assert any(each.startswith("typer==") for each in asks["overread==0.1.0"])
    assert not any(
        str(ROOT).encode() in data for name, data in files.items() if not name.startswith("wheels/")
    )


def test_what_a_bundle_cannot_be_made_of_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(EngineError, match="installed without one"):
        own_wheel(tmp_path, tmp_path)
    (tmp_path / "packaging-1-py3-none-any.whl").write_bytes(b"no zip")
    with pytest.raises(EngineError, match="is no wheel"):
        pack(tmp_path, tmp_path / "out.zip")
    assert main(["bundle", "--extra", "poems", "--out", str(tmp_path / "x.zip")]) == 1
    assert "no extra “poems”" in capsys.readouterr().err and not (tmp_path / "x.zip").exists()
    (tmp_path / "file").touch()
    cases = {
        tmp_path: "is a folder, not a file",
        tmp_path / "file" / "x" / "y.zip": f"{tmp_path}/file is not a folder",
    }
    if sys.platform == "linux":
        cases[Path("/proc/x.zip")] = "is not there"  # a folder that takes no files
    for out, sentence in cases.items():
        assert main(["bundle", "--out", str(out)]) == 1
        said = capsys.readouterr().err
        assert sentence in said and "Gathering" not in said, said  # before anything is downloaded
