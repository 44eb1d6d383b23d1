"""Whoever ends a command, by Ctrl-C, SIGTERM or a closed terminal, sees no trace and finds nothing half-written."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from engine.jobs import control as jobs
from engine.recipes import keep_own
from engine.records import Run
from engine.workspace import Workspace, open_workspace
from tests.tiny import TINY_RECIPE, draw_films

ROOT = Path(__file__).parents[3]

if sys.platform == "win32":
    pytest.skip("Windows has other signals", allow_module_level=True)


def begin(
    workspace: Path, *words: str, start: str = "from gui.__main__ import main"
) -> subprocess.Popen[str]:
    """Start `overread` without a terminal, and return when its first line has run."""
    process = subprocess.Popen(
        [sys.executable, "-c", f"{start}; print('begun', flush=True); raise SystemExit(main())", *words],
        cwd=ROOT,
        env={**os.environ, "OVERREAD_WORKSPACE": str(workspace), "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Tests that were started in the background may have been told to ignore them, and would pass that on.
        preexec_fn=lambda: [signal.signal(number, signal.SIG_DFL) for number in ENDS],  # type: ignore[arg-type,return-value]
    )
    assert process.stdout is not None and process.stdout.readline() == "begun\n"
    return process


ENDS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """A workspace with a recipe that trains quickly, in which no training is left behind."""
    opened = open_workspace(tmp_path / "workspace")
    keep_own(opened, TINY_RECIPE)
    yield opened
    for now in jobs.list_jobs(opened):
        if now.pid and psutil.pid_exists(now.pid):
            psutil.Process(now.pid).kill()


def wait_for_line(process: subprocess.Popen[str], beginning: str) -> str:
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(beginning):
            return line
    raise AssertionError(f"it never said {beginning}")


def wait_until(true: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


@pytest.mark.parametrize("number", ENDS)
def test_a_training_in_the_foreground_ends_with_its_command_which_says_so(
    number: signal.Signals, films: Path, workspace: Workspace
) -> None:
    process = begin(workspace.root, "train", str(films), "--recipe", "tiny", "--epochs", "10000")
    wait_for_line(process, "Run ")
    (folder,) = workspace.runs.iterdir()
    time.sleep(0.5)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == ENDS[number] and "Traceback" not in said
    assert f"overread resume {folder.name}" in said
    stopped = "The training has stopped" in said
    assert stopped or "The training is still stopping" in said  # and what it says is true
    assert not stopped or jobs.status(folder).state == "stopped"
    wait_until(lambda: jobs.status(folder).state == "stopped")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_training_that_another_command_started_goes_on_and_is_said_to(
    number: signal.Signals, films: Path, workspace: Workspace
) -> None:
    words = ("train", str(films), "--recipe", "tiny", "--epochs", "10000", "--background")
    assert begin(workspace.root, *words).wait(60) == 0
    process = begin(workspace.root, "watch", "latest")
    time.sleep(2.0)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == ENDS[number] and "Traceback" not in said
    assert "continues in the background" in said or said == ""  # before it had begun to watch
    assert jobs.list_jobs(workspace)[0].working


def test_a_training_whose_command_ends_before_it_watches_is_said_to_go_on(
    films: Path, workspace: Workspace
) -> None:
    """The moment between the start and the watching: nobody has been told of the run yet."""
    start = (
        "import gui.__main__, gui.cli.train as train, os, signal; main = gui.__main__.main; "
        "train.say = lambda words: os.kill(os.getpid(), signal.SIGTERM)"
    )
    words = ("train", str(films), "--recipe", "tiny", "--epochs", "10000")
    process = begin(workspace.root, *words, start=start)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 143 and "Traceback" not in said
    assert "continues in the background" in said and jobs.list_jobs(workspace)[0].working


@pytest.mark.parametrize("number", ENDS)
def test_a_signal_that_comes_while_an_object_is_cleared_away_ends_the_command_all_the_same(
    number: signal.Signals, tmp_path: Path
) -> None:
    """Python can only print what is raised in a finaliser: the command would go on for ever."""
    start = (
        "import gui.cli.main as command, os, threading\nfrom gui.__main__ import main\n"
        f"class Dropped:\n    def __del__(self): os.kill(os.getpid(), {int(number)})\n"
        "def run():\n    Dropped()\n    threading.Event().wait()\n"
        "command.main = run\nNone"
    )
    process = begin(tmp_path, start=start)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (ENDS[number], "")


def test_a_library_that_logs_that_it_was_interrupted_prints_nothing_and_other_trouble_is_printed(
    tmp_path: Path,
) -> None:
    """As a database's does that closes a connection at that moment."""
    start = (
        "import gui.cli.main as command, logging, os\nfrom gui.__main__ import main\n"
        "def run():\n"
        "    logging.getLogger('a.library').warning('trouble of its own')\n"
        "    try:\n        os.kill(os.getpid(), 15)\n"
        "    except BaseException:\n"
        "        logging.getLogger('a.library').error('Exception closing', exc_info=True)\n        raise\n"
        "command.main = run\nNone"
    )
    process = begin(tmp_path, start=start)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (143, "trouble of its own\n")


def test_an_interruption_that_a_library_swallows_while_the_window_opens_ends_it_all_the_same(
    tmp_path: Path,
) -> None:
    start = (
        "import os, gui.app\nreal = gui.app.start\n"
        "def start(*given, **named):\n"
        "    try:\n        os.kill(os.getpid(), 2)\n"
        "    except BaseException:\n        pass\n"
        "    return real(*given, **named)\n"
        "gui.app.start = start\nfrom gui.__main__ import main"
    )
    process = begin(tmp_path, "gui", "--no-browser", start=start)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "")


MOMENTS = (0.02, 0.3, 1.0, 2.5)  # seconds: while it is loaded, while it works, while it writes
COMMANDS = (
    "index {films}",
    "predict latest {films}",
    "report latest --out {out}",
    "explain latest --out {out}",
    "validate latest {foreign} --same lungs=normal --out {out}",
    "compare {films} tiny --seeds 2 --epochs 2 --out {out}",
    "demo --no-gui --json",
    "doctor",
    "gui --no-browser",
)


PAGES = tuple({f"{name}.{kind}" for kind in ("html", "csv", "json")} for name in ("external", "comparison"))


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_ctrl_c_at_any_moment_prints_no_trace_and_leaves_nothing_half_written(
    command: str, trained: tuple[Workspace, Run], films: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(trained[0].root, tmp_path / "copy")
    keep_own(open_workspace(tmp_path / "copy"), TINY_RECIPE)
    foreign = draw_films(tmp_path / "foreign", patients=8, seed=11)
    (foreign / "normal").rename(foreign / "lungs")
    for moment in MOMENTS:
        process = begin(tmp_path / "copy", *command.format(films=films, foreign=foreign, out=out).split())
        time.sleep(moment)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        # Ended by the signal itself: the command was over, and Python was closing down.
        assert process.returncode in (0, 130, -signal.SIGINT), (moment, process.returncode, said)
        assert "Traceback" not in said and "Exception ignored" not in said, (moment, said)
        half = [
            path
            for path in tmp_path.rglob("*")
            if path.name.startswith((".writing-", ".making-", ".unpacking-"))
        ]
        assert half == []
        for path in tmp_path.rglob("*.json"):
            json.loads(path.read_text())
        written = {path.name for path in out.iterdir()} if out.exists() else set()
        for whole in (
            {"report.html", "report.json", "cases.csv"},
            *PAGES,
        ):  # all of what belongs together, or none
            assert not written & whole or whole <= written


def ended_by(number: signal.Signals, process: subprocess.Popen[str], *also: int) -> str:
    """Send a signal, and return what was said until the end; `also`: other exit codes that are right."""
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode in (ENDS[number], -number, *also), said
    assert "Traceback" not in said and "Exception ignored" not in said, said
    return said


SLOWLY = """
import time
from engine.data.sources import archives
from gui.__main__ import main
write = archives._Unpacking._write_member
def slowly(*given):
    time.sleep(0.01)  # a thousand times
    return write(*given)
archives._Unpacking._write_member = slowly
None"""


@pytest.mark.slow
@pytest.mark.parametrize(("number", "wait"), list(zip(ENDS, (0.0, 0.1, 0.3), strict=True)))
def test_an_archive_that_is_being_unpacked_leaves_nothing_half(
    number: signal.Signals, wait: float, workspace: Workspace, tmp_path: Path
) -> None:
    films = draw_films(tmp_path / "films", patients=1, side=64)
    (film,) = list(films.rglob("*.png"))[:1]
    archive = tmp_path / "many.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for count in range(1000):
            packed.writestr(
                f"{('normal', 'opacity')[count % 2]}/{count}.png",
                film.read_bytes() + bytes([count % 256]) * count,
            )

    def unpacking() -> list[Path]:
        return [one for one in workspace.root.rglob(".unpacking-*") if one.is_dir()]

    process = begin(workspace.root, "index", str(archive), start=SLOWLY)
    wait_until(lambda: unpacking() or process.poll() is not None)
    assert unpacking(), "it was over before it could be ended"
    time.sleep(wait)
    ended_by(number, process)
    assert unpacking() == [] and list(workspace.root.rglob(".writing-*")) == []
    assert not list(workspace.datasets.glob("*/index.json"))
    if (
        number == signal.SIGINT
    ):  # nothing is left of any: one is enough to show that it can be brought all the same
        assert begin(workspace.root, "index", str(archive)).wait(120) == 0


@pytest.mark.slow
@pytest.mark.parametrize(("number", "wait"), list(zip(ENDS, (0.5, 0.0, 3.0), strict=True)))
def test_a_link_that_is_being_opened_leaves_nothing(
    number: signal.Signals,
    wait: float,
    trained: tuple[Workspace, Run],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While the copy is made, while the second process starts, while it serves."""
    if shutil.which("ssh") is None:
        pytest.skip("ssh is not installed")
    shutil.copytree(trained[0].root, tmp_path / "copy")
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))

    def copies() -> list[Path]:
        return list((tmp_path / "tmp").glob("overread-share-*"))

    def guests() -> list[str]:
        lines = [" ".join(one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"])]
        return [line for line in lines if str(tmp_path / "tmp") in line]

    process = begin(tmp_path / "copy", "gui", "--no-browser", "--via", "ssh", "--yes")
    wait_until(copies)
    time.sleep(wait)
    ended_by(number, process, 0)  # a link that stands already is closed in the usual way
    wait_until(lambda: not copies() and not guests())
