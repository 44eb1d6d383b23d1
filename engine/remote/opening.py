"""A store opened by fsspec, with every wait bounded; and whatever it raises as one sentence.

Who asks stands where each library looks for it: the environment, its own files, or the ssh agent. Nothing of that is
kept, and no text of a library is passed on, since it may hold a key or a signed address.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import fsspec
from fsspec.asyn import sync
from fsspec.callbacks import Callback

from engine.errors import DataError, EngineError
from engine.pacs import Limits, ServerLost, ServerTrouble, within
from engine.remote.address import WHO, Store
from engine.storage import DISK_FULL

_CONNECTING = 10.0
_NEEDS = {"s3": "remote", "sftp": "remote", "gcs": "gcs"}
_REFUSED = frozenset(
    {
        "PermissionError",
        "NoCredentialsError",
        "PartialCredentialsError",
        "CredentialRetrievalError",
        "ProfileNotFound",
        "TokenRetrievalError",
        "UnauthorizedSSOTokenError",
        "AuthenticationException",
        "PasswordRequiredException",
        "DefaultCredentialsError",
        "RefreshError",
    }
)
_TALK = ("botocore", "aiobotocore", "s3fs", "gcsfs", "google", "paramiko", "fsspec")
_EXPIRED = ("TokenRefreshRequired", "InvalidToken", "ExpiredToken")
_SLOW = frozenset({"TimeoutError", "ConnectTimeoutError", "ReadTimeoutError", "FSTimeoutError"})
_BROKEN = frozenset(
    {
        "OSError",
        "EOFError",
        "SSHException",
        "BotoCoreError",
        "HTTPClientError",
        "ClientError",
        "ClientPayloadError",
    }
)


class TooMuch(Exception):  # noqa: N818  never seen outside: it becomes a sentence
    """More came than may."""


class _Bounded(Callback):  # type: ignore[misc]
    """Counts what came of a file, and ends it where it is too much or takes too long."""

    def __init__(self, most: int, seconds: float) -> None:
        super().__init__()
        self._most, self._end = most, time.monotonic() + seconds

    def relative_update(self, inc: int = 1) -> None:
        self.absolute_update(self.value + inc)

    def absolute_update(self, value: int) -> None:
        self.value = value
        if value > self._most:
            raise TooMuch
        if time.monotonic() > self._end:
            raise TimeoutError


class OpenStore:
    """A store that was opened.

    Args:
        store: Which.
        limits: What listing it, and fetching a file, may take.
    """

    def __init__(self, store: Store, limits: Limits) -> None:
        self.store, self._limits = store, limits
        _hush()
        with told(store):
            self._fs: Any = within(
                3 * _CONNECTING, lambda: fsspec.filesystem(store.scheme, **_options(store, limits))
            )
            if store.scheme == "sftp":
                self._fs.ftp.get_channel().settimeout(limits.silence)
            elif store.scheme == "s3":
                self._fs.retries = 2
                sync(
                    self._fs.loop, self._fs.set_session, timeout=6 * _CONNECTING
                )  # reads files: no question yet

    @property
    def at_once(self) -> int:
        """How many files are fetched at a time."""
        return 8 if self._fs.async_impl else 1

    def close(self) -> None:
        """Hang up; whatever is still asked for ends."""
        with suppress(Exception):
            if client := getattr(self._fs, "client", None):
                client.close()

    def listed(self, closed: Callable[[OSError], None]) -> dict[str, dict[str, Any]]:
        """Return every file under the store's path, by the name that fsspec has for it, with what is said of it.

        Args:
            closed: Called with the error of each folder that cannot be listed.

        Raises:
            ServerTrouble: They cannot be had.
        """
        inside = self.store.inside
        with told(self.store):
            if self._fs.async_impl:
                found = sync(self._fs.loop, self._fs._find, inside, detail=True, timeout=self._limits.seconds)
            else:
                found = self._within(lambda: self._fs.find(inside, detail=True, on_error=closed))
            if set(found) == {inside} and not found[inside]:  # how it says that this is one file
                found = {inside: self.said_of(inside)}
            return {str(name): dict(said) for name, said in found.items()}

    def said_of(self, name: str) -> dict[str, Any]:
        """Return what is said of one file, of a link's end rather than the link."""
        with told(self.store, "" if name == self.store.inside else name):
            if self._fs.async_impl:
                return dict(sync(self._fs.loop, self._fs._info, name, timeout=self._limits.silence))
            return dict(self._within(lambda: self._fs.info(name)))

    def fetch(self, name: str, into: Path, size: int) -> None:
        """Write a file of the store to this computer, within the limits.

        Raises:
            ServerTrouble: It did not come, or not as it was said to be.
        """
        # 100 kB a second is slow; slower than that is a drip
        seconds = 2 * self._limits.silence + size / 1e5
        bound = _Bounded(max(size, 1), seconds)
        with told(self.store, name):
            if self._fs.async_impl:
                more = {"max_concurrency": 1} if self.store.scheme == "s3" else {}
                sync(
                    self._fs.loop,
                    self._fs._get_file,
                    name,
                    str(into),
                    callback=bound,
                    timeout=seconds,
                    **more,
                )
            elif self.store.scheme == "sftp":
                get = self._fs.ftp.get
                self._within(
                    lambda: get(name, str(into), callback=lambda done, of: bound.absolute_update(done)),
                    seconds,
                )
            else:
                self._within(lambda: self._fs.get_file(name, str(into), callback=bound), seconds)
            came = into.stat().st_size
        if came != size:
            raise ServerTrouble(
                f"{self.store.host} sent {came:,} bytes where it had said {size:,}",
                "Try again later; what came already is kept",
            )

    def _within(self, work: Callable[[], Any], seconds: float = 0.0) -> Any:
        try:
            return within(seconds or self._limits.seconds, work)
        except TimeoutError:
            self.close()  # the thread that was left alone ends
            raise


def _hush() -> None:
    """Keep what the libraries log to themselves: we say it in a sentence, and theirs may hold a key."""
    for name in _TALK:
        logger = logging.getLogger(name)
        logger.propagate = False
        if not logger.handlers:  # else Python prints what nobody takes
            logger.addHandler(logging.NullHandler())


def _options(store: Store, limits: Limits) -> dict[str, Any]:
    fsspec.config.set_conf_env(fsspec.config.conf)  # as the environment is now
    options: dict[str, Any] = {"skip_instance_cache": True}
    if store.scheme == "s3":
        waits = {"connect_timeout": min(_CONNECTING, limits.silence), "read_timeout": limits.silence}
        options["config_kwargs"] = {**waits, "retries": {"max_attempts": 1}}
        if not _who_for_s3():
            options["anon"] = True
    elif store.scheme == "sftp":
        from engine.remote.known_hosts import KnownHosts

        wait = min(_CONNECTING, limits.silence)
        options |= {"host": store.place.strip("[]"), "host_key_policy": KnownHosts()}
        options |= {"timeout": wait, "banner_timeout": wait, "auth_timeout": wait, "channel_timeout": wait}
        options |= {"port": store.port} if store.port else {}
        options |= {"username": store.user} if store.user else {}
    return options


def _who_for_s3() -> bool:
    """Return whether anything says who asks; a public bucket is read without."""
    import botocore.session

    return (
        bool(os.environ.get("FSSPEC_S3_KEY")) or botocore.session.get_session().get_credentials() is not None
    )


@contextmanager
def told(store: Store, name: str = "") -> Iterator[None]:
    """Say in a sentence whatever goes wrong with a store, or with a file of it.

    Raises:
        ServerTrouble: It did.
        DataError: What is asked for is not there, or a package is not.
    """
    try:
        yield
    except EngineError:
        raise
    except ImportError as error:
        needed = _NEEDS.get(store.scheme, "remote")
        raise DataError(
            f"{store.scheme}:// needs the package {_package(error, store.scheme)}, which is not installed",
            "Have it installed",
            option=f"python -m pip install 'overread[{needed}]'",
        ) from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno in DISK_FULL:
            raise
        trouble = _trouble(error, store, name)
        if trouble is None:
            raise
        raise trouble from None  # its text may hold a key


def _package(error: ImportError, scheme: str) -> str:
    return {"s3": "s3fs", "gcs": "gcsfs", "sftp": "paramiko"}.get(scheme, error.name or "fsspec")


def _trouble(error: Exception, store: Store, name: str) -> DataError | None:
    """Return the sentence for what a library raised; None where that is a defect."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    under = {kind.__name__ for kind in type(error.__cause__).__mro__}
    said = f"{error} {error.__cause__ or ''}"
    if isinstance(error, TooMuch):
        return ServerTrouble(
            f"{store.host} sent more than it had said", "Try again later; what came already is kept"
        )
    if kinds & {"UnknownHost", "BadHostKeyException"}:
        return ServerLost(
            f"{store.host} is not known by that key, so that another computer may be answering",
            "Have the fingerprint of its key compared with what its keeper says, and the key written to "
            "~/.ssh/known_hosts",
            option=f"ssh {store.place.strip('[]')}{f' -p {store.port}' if store.port else ''}, once, does both",
        )
    if kinds & _REFUSED or any(word in said for word in _EXPIRED):
        return ServerTrouble(
            f"{store.host} refuses us: no credentials, wrong ones, or such that have expired",
            f"{WHO[store.scheme]}, and say it again: what came is kept",
        )
    if "FileNotFoundError" in kinds:
        return ServerTrouble(f"{name or store.url} is not there", "Check the address for typing errors")
    if kinds & _SLOW:
        slow = ServerLost if store.scheme == "sftp" else ServerTrouble  # its answers come in their order
        return slow(f"{store.host} did not answer in time", "Try again later; what came already is kept")
    if (kinds | under) & {
        "ResponseParserError",
        "ParseError",
        "JSONDecodeError",
        "MessageOrderError",
        "UnicodeError",
    }:
        return _speaks_otherwise(store)
    if kinds & _BROKEN:
        return ServerTrouble(
            f"{store.host} cannot be reached, broke off, or speaks something else",
            "Check the address, and that the server runs",
        )
    if kinds & {"ValueError", "KeyError"}:
        return _speaks_otherwise(store)
    return None


def _speaks_otherwise(store: Store) -> ServerTrouble:
    return ServerTrouble(
        f"What answers at {store.host} speaks something else", "Check the address, and the endpoint"
    )
