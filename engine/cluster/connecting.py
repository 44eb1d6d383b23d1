"""A Ray of this computer's own, or the cluster at an address, for as long as some work lasts.

Ray is imported when work is to go there and not before. It reports nothing to its makers, opens no dashboard, and on
this computer listens on 127.0.0.1 alone.
"""

from __future__ import annotations

import logging
import os
import re
import socket
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from engine.errors import ClusterError, EngineError

HERE = "ray"  # a Ray of this computer's own
PREFIX = "ray://"
PATIENCE = 5.0  # seconds until an address that does not answer is given up
STORE_BYTES = 256 << 20  # of Ray on this computer: what travels are records and heatmaps, pixels stay on disk
AT_ONE_PATH = (
    "Keep the workspace and the images on a disk that every computer of the cluster has at the same path"
)
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # else Ray listens on every interface, whatever address it is given
    "RAY_ENABLE_AUTO_CONNECT": "0",  # else what is asked after a loss starts a Ray of this computer's own
}
TOKEN = Path(".ray") / "auth_token"  # in the home, where Ray puts the one it made


@dataclass(frozen=True, slots=True)
class Machines:
    """What there is to work with.

    Attributes:
        cpus: Of all machines together.
        gpus: Likewise.
    """

    cpus: int
    gpus: int

    def share(self, workers: int | None) -> tuple[int, dict[str, float]]:
        """Return how many workers there are, and what each of them gets.

        Args:
            workers: As many as were asked for; None means one a GPU, or one a core where there is no GPU.

        Raises:
            ClusterError: There are not so many cores or GPUs.
        """
        number = workers or self.gpus or self.cpus
        most = self.gpus or self.cpus
        if number > most:
            raise ClusterError(
                f"{number} workers were asked for, and the cluster has {most} {'GPUs' if self.gpus else 'cores'}",
                f"Set --workers to {most} or less",
            )
        each = {"num_cpus": float(max(1, self.cpus // number))}
        return number, each | ({"num_gpus": float(self.gpus // number)} if self.gpus else {})


def check_address(on: str) -> None:
    """Refuse what is no address of a cluster, before any work is begun.

    Raises:
        ClusterError: It is none.
    """
    if on != HERE and re.fullmatch(r"ray://[^\s/:]+:[0-9]{1,5}", on) is None:
        raise ClusterError(
            f"“{on}” does not say where to work",
            "Write --on ray for the cores of this computer, or --on ray://HOST:10001 for a cluster",
        )


@contextmanager
def connected(on: str) -> Iterator[Machines]:
    """Have a cluster for as long as the context lasts; one that this process has already is used for “ray”, and stays.

    Args:
        on: "ray", or "ray://HOST:PORT" of a cluster's client server.

    Raises:
        ClusterError: Ray is not installed, there is no such cluster, or it ended in the middle of the work.
    """
    check_address(on)
    ray = _ray()
    if on == HERE and ray.is_initialized():
        yield _machines(ray)
        return
    with TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as files:
        _begin(ray, on, files)
        try:
            yield _machines(ray)
        except Exception as error:  # where the connection is lost, Ray raises a bare Exception, among others
            if on == HERE or ray.util.client.ray.is_connected():
                raise
            raise ClusterError(
                f"The Ray cluster at {on} was lost while it worked ({cause_of(error)})",
                "Start it again; `overread resume` then continues a training from its last checkpoint, and any other "
                "command has to be given again",
            ) from error
        finally:
            ray.shutdown()


def _begin(ray: Any, on: str, files: str) -> None:
    try:
        if on == HERE:
            start(ray, files)
        else:
            _answers(on)
            _join(ray, on)
    except Exception as error:  # Ray raises what its parts raise, of no one kind; the cause goes along
        first = cause_of(error)
        if on == HERE:
            raise ClusterError(
                f"Ray cannot be started on this computer ({first})", "Work without --on"
            ) from error
        raise ClusterError(
            f"The Ray cluster at {on} cannot be reached ({first})",
            "Check that it runs, that its address is right, that it has the same version of Ray as this computer, and, "
            "where it asks for a token, that you have the same one (~/.ray/auth_token)",
        ) from error


def _ray() -> Any:
    tell(os.environ)  # before the import, which reads it
    try:
        import ray
    except ModuleNotFoundError as error:
        raise ClusterError(
            f"Working on a cluster needs the package {error.name}, which is not installed",
            "pip install 'overread[ray]'",
        ) from error
    return ray


def tell(environment: MutableMapping[str, str]) -> None:
    """Write into an environment what Ray is to be told: to be quiet, and to show the token that a person has.

    A head that is started where a token lies asks for it, and Ray's client shows it only where it is told to.
    """
    environment.update(QUIET)
    named = environment.get("RAY_AUTH_TOKEN") or environment.get("RAY_AUTH_TOKEN_PATH")
    if named or (Path.home() / TOKEN).is_file():
        environment.setdefault("RAY_AUTH_MODE", "token")


def start(ray: Any, files: str, *, cpus: int | None = None) -> None:
    """Start a Ray of this computer's own; on a computer that is busy, again.

    Args:
        ray: The package.
        files: A folder for its files; a short path, for sockets lie in it.
        cpus: Cores that it may use; None means all.
    """
    for more in (2, 1, 0):
        try:
            ray.init(
                address="local",
                num_cpus=cpus,
                include_dashboard=False,
                object_store_memory=STORE_BYTES,
                _temp_dir=files,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
            return
        except Exception as error:  # Ray raises this very class, after half a minute that cannot be set
            if not more or "timed out" not in str(error):
                raise
            ray.shutdown()


def _join(ray: Any, on: str) -> None:
    """Connect to a cluster's client server; again, once, where it did not start the process that serves us in time.

    That process is forked from one of many threads, which on a busy computer fails now and then, and of a cluster
    that was started a moment ago comes late.
    """
    try:
        ray.init(on, log_to_driver=False, logging_level=logging.ERROR)
    except ConnectionError:
        ray.shutdown()
        ray.init(on, log_to_driver=False, logging_level=logging.ERROR)


def cause_of(error: Exception) -> str:
    """Say in one line why: without Python's number of it, and of what quotes the server its last line, the cause."""
    lines = (getattr(error, "strerror", None) or str(error)).strip().splitlines() or [type(error).__name__]
    return (lines[0] if not lines[0].endswith(":") else f"{lines[0]} {lines[-1].strip()}").rstrip(": .")


def _answers(on: str) -> None:
    """Raise OSError where nothing listens: Ray itself would try for half a minute."""
    host, _, port = on.removeprefix(PREFIX).rpartition(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE):
        pass


def _machines(ray: Any) -> Machines:
    there = ray.cluster_resources()
    return Machines(cpus=int(there.get("CPU", 1)), gpus=int(there.get("GPU", 0)))


@contextmanager
def in_our_words(what: str) -> Iterator[None]:
    """Say what Ray raises as an `EngineError`: a worker's own as it was, the end of a worker as a sentence.

    Args:
        what: The worker was to do.
    """
    from ray.exceptions import RayError, RayTaskError

    try:
        yield
    except RayTaskError as error:
        if isinstance(error.cause, EngineError):
            raise error.cause from error
        if isinstance(error.cause, MemoryError):
            raise _ended(what, "it ran out of memory") from error
        if isinstance(error.cause, ModuleNotFoundError):
            raise ClusterError(
                f"A computer of the cluster lacks the package {error.cause.name}",
                "Install the same version of Overread on every computer of the cluster",
            ) from error
        raise
    except RayError as error:
        raise _ended(what, str(error).strip().partition("\n")[0].rstrip(".")) from error


def _ended(what: str, why: str) -> ClusterError:
    return ClusterError(
        f"The workers ended again and again while they were to {what} ({why})",
        "Ask for fewer --workers, so that each has more memory; what is finished is kept",
    )
