"""HTTP to a server that may be slow, gone, lying or hostile: bounded in bytes and in time, and never sent elsewhere.

The libraries' own time-out is that of each single read: a server that sends a byte a second holds them for ever, and
one that never stops fills the memory. Here a whole answer has a deadline and a size.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
from requests.auth import AuthBase, HTTPBasicAuth
from urllib3.exceptions import HTTPError as TransportError, TimeoutError as TransportTimeout

from engine.errors import DataError
from engine.pacs.bounds import Limits, ServerLost, ServerTrouble, within
from engine.storage import read_regular

TOKEN, TOKEN_FILE = "OVERREAD_DICOMWEB_TOKEN", "OVERREAD_DICOMWEB_TOKEN_FILE"
USER, PASSWORD = "OVERREAD_DICOMWEB_USER", "OVERREAD_DICOMWEB_PASSWORD"
_CHUNK = 1 << 20


class _Token(AuthBase):
    """A token that is read again for each request where it stands in a file: others may renew it."""

    def __init__(self, read: Callable[[], str]) -> None:
        self._read = read

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._read()}"
        return request


def credentials() -> AuthBase | None:
    """Return what the environment says we are: a token, a file with one, or a user and password; None for nobody.

    Raises:
        DataError: A token cannot be read, or a user comes without a password.
    """
    if os.environ.get(TOKEN_FILE, "").strip():
        path = Path(os.environ[TOKEN_FILE].strip())
        _token_in(path)
        return _Token(lambda: _token_in(path))
    if token := os.environ.get(TOKEN, "").strip():
        return _Token(lambda: _one_line(token, f"${TOKEN}"))
    user, password = os.environ.get(USER, ""), os.environ.get(PASSWORD)
    if user and password is None:
        raise DataError(
            f"${USER} is set, and ${PASSWORD} is not", f"Set ${PASSWORD} too, or ${TOKEN} instead"
        )
    return HTTPBasicAuth(user.encode(), (password or "").encode()) if user else None


def _token_in(path: Path) -> str:
    try:
        text = read_regular(path.expanduser(), 1 << 16).decode()
    except (OSError, RuntimeError, ValueError) as error:
        raise DataError(
            f"The token in {path}, which ${TOKEN_FILE} names, cannot be read", "Check that the file is there"
        ) from error
    return _one_line(text.strip(), str(path))


def _one_line(token: str, where: str) -> str:
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise DataError(f"{where} holds no token", "Put the token alone into it, in one line")
    return token


class BoundedSession(requests.Session):
    """A session whose every answer is read whole within limits, or refused in a sentence.

    Args:
        host: The server, for sentences.
        auth: Who asks.
        limits: What an answer may take.
    """

    def __init__(self, host: str, auth: AuthBase | None, limits: Limits) -> None:
        super().__init__()
        self.auth, self._host, self._limits = auth, host, limits
        self.headers["Accept-Encoding"] = "identity"

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send one request and read its answer; whatever goes wrong is a `ServerTrouble`."""
        options |= {"stream": True, "allow_redirects": False}
        options["timeout"] = (min(10.0, self._limits.silence), self._limits.silence)
        end = time.monotonic() + self._limits.seconds
        send = super().send
        if request.url and "%2A" in request.url:  # a wildcard, which Orthanc does not know when it is escaped
            request.url = request.url.replace("%2A", "*")

        def ask() -> requests.Response:
            response = send(request, **options)
            try:
                response._content = self._body(response, end)
                response._content_consumed = True
            finally:
                response.close()
            return response

        try:
            response = within(self._limits.seconds + 1, ask)
        except (requests.Timeout, TransportTimeout, TimeoutError) as error:
            raise ServerTrouble(
                f"{self._host} did not answer in time", "Try again later; what came already is kept"
            ) from error
        except requests.exceptions.SSLError as error:
            raise ServerLost(
                f"The certificate of {self._host} is not trusted, or it does not speak TLS there",
                "Name the hospital's certificate in $REQUESTS_CA_BUNDLE, or write dicomweb:// for a server without TLS",
            ) from error
        except requests.exceptions.ContentDecodingError as error:
            raise self._odd("an answer that cannot be unpacked") from error
        except (requests.exceptions.ChunkedEncodingError, TransportError) as error:
            raise self._odd("less than it said, and broke off") from error
        except (requests.RequestException, OSError) as error:
            raise ServerLost(
                f"{self._host} cannot be reached, or broke off", "Check the address, and that the server runs"
            ) from error
        self._check(request, response)
        return response

    def _body(self, response: requests.Response, end: float) -> bytes:
        body = bytearray()
        while piece := response.raw.read1(_CHUNK, decode_content=True):
            body += piece
            if len(body) > self._limits.bytes:
                raise self._odd(f"more than {self._limits.bytes / 1e6:,.0f} MB in one answer")
            if time.monotonic() > end:
                raise TimeoutError
        told = response.headers.get("Content-Length", "")
        if told.isdigit() and int(told) != len(body) and "Content-Encoding" not in response.headers:
            raise self._odd("less than it said, and broke off")
        return bytes(body)

    def _check(self, request: requests.PreparedRequest, response: requests.Response) -> None:
        status = response.status_code
        if status in (401, 403):
            raise ServerLost(
                f"{self._host} refuses us ({status}): no credentials, wrong ones, or a token that has expired",
                f"Set ${TOKEN}, ${TOKEN_FILE}, or ${USER} and ${PASSWORD}, and say it again: what came is kept",
            )
        if 300 <= status < 400:
            raise ServerLost(
                f"{self._host} sends us to another address, which is not followed",
                "Write the address of the DICOMweb services themselves",
            )
        if status in (429, 502, 503, 504):
            raise ServerTrouble(
                f"{self._host} is too busy ({status})", "Try again later; what came already is kept"
            )
        if status >= 400:
            raise ServerTrouble(
                f"{self._host} answered {status}", "Check the path in the address: Orthanc's is /dicom-web"
            )
        wanted = request.headers.get("Accept", "")
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        fits = "json" in kind if "json" in wanted else kind in ("multipart/related", "application/dicom")
        if request.method == "GET" and response.content and not fits:
            asked = "DICOM JSON" if "json" in wanted else "a DICOM file"
            raise self._odd(f"{_shown(kind) or 'something of no kind'} where {asked} was asked for")

    def _odd(self, what: str) -> ServerTrouble:
        return ServerTrouble(
            f"{self._host} sent {what}",
            "Check that the address is that of DICOMweb services, and ask its keeper",
        )


def _shown(kind: str) -> str:
    return "".join(one for one in kind[:40] if one.isprintable())
