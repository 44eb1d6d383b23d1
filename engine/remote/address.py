"""The address of a store of files, as fsspec has them: s3://bucket/folder, gcs://bucket/folder, sftp://host/folder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import SplitResult, urlsplit

from engine.errors import DataError
from engine.language import N_

EXAMPLES = "s3://bucket/images, gcs://bucket/images or sftp://user@host:22/data/images"
_SAME = {"gs": "gcs", "ssh": "sftp", "s3a": "s3"}
SCHEMES = ("s3", "gcs", "sftp", "memory")
"""What is fetched from; `memory` is fsspec's store inside this process, for programs in Python."""
_START = re.compile(rf"({'|'.join([*SCHEMES, *_SAME])}):/{{1,2}}(?=[^/])", re.IGNORECASE)
_BUCKET = re.compile(r"[\w.-]{1,255}")
_HOST = re.compile(r"[\w.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]")
WHO = {
    "s3": N_("Set $AWS_ACCESS_KEY_ID and $AWS_SECRET_ACCESS_KEY, or $AWS_PROFILE"),
    "gcs": N_("Set $GOOGLE_APPLICATION_CREDENTIALS"),
    "sftp": N_("Add your key to the ssh agent, or set $FSSPEC_SFTP_USERNAME and $FSSPEC_SFTP_PASSWORD"),
    "memory": "",
}
"""Where each says who asks; as a half of a sentence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Store:
    """A folder or file of a store.

    Attributes:
        scheme: One of `SCHEMES`.
        place: Bucket, or host of a server.
        port: Of a server; 0 for the usual one.
        user: Whom a server is asked as, where the address says so; never a password.
        path: In the bucket or on the server, without a slash at its end.
    """

    scheme: str
    place: str
    path: str
    port: int = 0
    user: str = ""

    @property
    def host(self) -> str:
        """The store, for people."""
        return f"{self.scheme}://{self.place}{f':{self.port}' if self.port else ''}"

    @property
    def url(self) -> str:
        """The whole address."""
        return f"{self.host}/{self.path.lstrip('/')}"

    @property
    def inside(self) -> str:
        """How fsspec calls the folder or file."""
        if self.scheme == "sftp":
            return self.path
        return f"{'/' if self.scheme == 'memory' else ''}{self.place}/{self.path}".rstrip("/")

    @property
    def name(self) -> str:
        """What to call the images, as a folder can be called."""
        last = self.path.rpartition("/")[2] or self.place
        return re.sub(r"[^\w.+-]+", " ", last)[:80].strip(" .") or self.scheme

    @property
    def key(self) -> str:
        """Sixteen hexadecimal digits, equal for equal addresses."""
        return sha256(f"{self.url}\n{self.user}".encode()).hexdigest()[:16]


def is_store(text: str) -> bool:
    """Return whether a text is meant as an address of a store; a path that lost one of its slashes is too."""
    return _START.match(text.strip()) is not None


def store_of(text: str) -> Store:
    """Read an address.

    Raises:
        DataError: It is none, or holds a password.
    """
    text = text.strip()
    start = _START.match(text)
    if start is None:
        raise DataError("That is not the address of a store of images", f"Write it as {EXAMPLES}")
    scheme = start[1].lower()
    scheme = _SAME.get(scheme, scheme)
    authority, _, path = text[start.end() :].partition("/")
    user, at, place = authority.rpartition("@")
    if at and (scheme != "sftp" or ":" in user or not re.fullmatch(r"[\w.+-]+", user)):
        # not said which: it would stand in the terminal's history and in logs
        raise DataError(
            "An address with a password or key in it is not taken",
            ". ".join(filter(None, [N_("Leave it out"), WHO[scheme]])),
        )
    place, port = _server(place) if scheme == "sftp" else (place, 0)
    if not place or "\0" in path or (scheme != "sftp" and _BUCKET.fullmatch(place) is None):
        raise _unreadable()
    parts = [part for part in path.split("/") if part]
    if ".." in parts or not "".join(parts).isprintable():
        raise _unreadable()
    whole = "/".join(parts)
    return Store(
        scheme=scheme, place=place, port=port, user=user, path=f"/{whole}" if scheme == "sftp" else whole
    )


def _server(authority: str) -> tuple[str, int]:
    try:
        parts: SplitResult = urlsplit(f"//{authority}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _unreadable() from error
    shown = f"[{host}]" if host and ":" in host else host or ""
    if _HOST.fullmatch(shown) is None:
        raise _unreadable()
    return shown, port or 0


def _unreadable() -> DataError:
    return DataError("The address of the store of images cannot be read", f"Write it as {EXAMPLES}")
