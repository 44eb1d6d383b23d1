"""The process of one experiment: `python -m engine.experiments.asked FOLDER`, started by `control`."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from types import FrameType

import psutil

from engine import jobs
from engine.errors import EngineError
from engine.experiments.asked.control import experiment_status
from engine.experiments.asked.files import CANCEL_FILE, LOG_FILE, load_asked, save_found, write_status
from engine.experiments.asked.work import KINDS, Progress, StopAskedError
from engine.workspace import open_workspace


def main(folder: Path) -> int:
    """Do what was asked for, and say how it ended: 0 when it is done or was stopped, 1 when it failed."""
    me = psutil.Process()
    progress = Progress(
        folder, replace(experiment_status(folder), pid=me.pid, process_started=jobs.began(me))
    )

    def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
        (folder / CANCEL_FILE).touch()

    signal.signal(signal.SIGTERM, ask_to_stop)
    code = 1
    try:
        progress.say("Loading the data")
        asked = load_asked(folder)
        save_found(folder, KINDS[asked.kind](open_workspace(asked.workspace), asked, progress))
        ended = replace(progress.now, state="done", message="Done.", done=progress.now.total)
        code = 0
    except StopAskedError:
        ended = replace(progress.now, state="stopped", message="It was stopped; what is trained is kept.")
        code = 0
    except EngineError as error:
        ended = replace(progress.now, state="failed", message=error.kept)
    except BaseException as error:
        what = f"Overread itself went wrong here ({type(error).__name__}: {error})."
        write_status(
            folder,
            replace(progress.now, state="failed", message=f"{what} {LOG_FILE} in its folder says where."),
        )
        raise  # the log gets the trace
    write_status(folder, ended)
    return code


if __name__ == "__main__":
    if hasattr(os, "nice"):  # below the window, as a training is
        os.nice(5)
    sys.exit(main(Path(sys.argv[1])))
