"""Files that the browser sends, one request a file, kept as the tree they came in: PUT /take/<batch>/<signature>?path=.

A batch is one drop or one choice. Its files lie in the workspace under `uploads/<when>/`; a mark beside them says
that they were not indexed yet, and a batch that nobody came back for is removed after a day. Nothing of a request is
trusted: the address must be ours, the path must stay inside, bytes are counted while they come.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from engine.data import is_archive, is_table, stem, unpack
from engine.errors import DataError, WorkspaceError
from engine.language import _, isolated, number
from engine.retelling import retold
from engine.storage import check_room, storage_error
from engine.workspace import Workspace
from gui.web import AppSession, is_signed, signed_address

PLACE = "take"
UNREAD = ".unread"
MOST_FILES = 2_000_000
MOST_BYTES = 500 * 1024**3
KEPT_FREE = 512 * 1024**2
"""Bytes of the disk that an upload never takes: the database and the cache need room too."""
ABANDONED_SECONDS = 24 * 3600
_BLOCK = 1024 * 1024
_BATCH = re.compile(r"[0-9_-]{19}_[0-9a-f]{6}")  # as `begin` names them
_NOT_ON_WINDOWS = frozenset('<>:"|?*')
_NAME_AT_FAULT = (errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EINVAL, errno.EILSEQ)


def begin(session: AppSession, tops: Sequence[str], files: int, size: int) -> dict[str, Any]:
    """Make ready for a batch.

    Args:
        session: The window.
        tops: What was dropped or chosen: names of the files and folders at the top.
        files: How many files will come.
        size: Their bytes, in all.

    Returns:
        `batch`, its name; `address`, where its files are sent; `prefix`, what stands before each path: one thing
        keeps its own name, several stand together in a folder.

    Raises:
        DataError: A guest asks, there is nothing to send, or more than may be sent at once.
        WorkspaceError: There is no room for it on the disk, or the workspace cannot be written to.
    """
    refuse_guests(session)
    if not tops or files < 1:
        raise DataError(
            _("There are no files in what was dropped"), _("Choose files, or a folder that contains files")
        )
    if files > MOST_FILES or size > MOST_BYTES:
        raise DataError(
            _("{count} files of {size} GB are more than can be sent through the browser").format(
                count=number(files), size=number(size / 1e9)
            ),
            _("Put them into a folder on the computer where Overread runs, and name that folder"),
        )
    uploads = session.workspace.uploads
    _remove_abandoned(uploads)
    remedy = _("Free some space, or import fewer files at once")
    check_room(_("These files need"), size + KEPT_FREE, session.workspace.root, remedy)
    when = f"{time.strftime('%Y-%m-%d_%H-%M-%S')}_{secrets.token_hex(3)}"
    try:
        (uploads / when).mkdir(mode=0o700, parents=True)
        (uploads / when / UNREAD).touch()
    except OSError as error:
        raise storage_error(error, uploads) from error
    prefix = "" if len(tops) == 1 else f"{len(tops):,} uploaded files and folders/"
    return {"batch": when, "address": signed_address(session, PLACE, when), "prefix": prefix}


def tree_of(workspace: Workspace, batch: str) -> Path:
    """Return what came in a batch, to be indexed: a table, an archive, or a folder.

    Raises:
        DataError: Nothing came, or it was removed.
    """
    folder = _folder(workspace, batch)
    came = [path for path in folder.iterdir() if path.name != UNREAD] if folder.is_dir() else []
    if len(came) != 1:
        raise DataError(_("The files that were sent are no longer there"), _("Send them again"))
    tree = came[0]
    return tree if tree.is_dir() or is_table(tree) or is_archive(tree) else folder


def open_archives(tree: Path, progress: Callable[[int], None] | None = None) -> list[str]:
    """Unpack the archives that were sent together with other things, each into a folder of its name.

    Args:
        tree: What came.
        progress: See `unpack`.

    Returns:
        Why one of them could not be, in a sentence each; it stays as it is.
    """
    refused = []
    for archive in sorted(tree.iterdir()):
        if archive.is_dir() or not is_archive(archive):
            continue
        try:
            unpacked = unpack(archive, tree, progress=progress)
        except DataError as error:
            refused.append(retold(error))
            continue
        archive.unlink()
        named = tree / stem(archive)
        if not named.exists():
            unpacked.rename(named)
    return refused


def keep(workspace: Workspace, batch: str) -> None:
    """Say that a batch was indexed: its files stay."""
    (_folder(workspace, batch) / UNREAD).unlink(missing_ok=True)


def discard(workspace: Workspace, batch: str) -> None:
    """Remove a batch, unless it was indexed."""
    folder = _folder(workspace, batch)
    if (folder / UNREAD).is_file():
        shutil.rmtree(folder, ignore_errors=True)


def refuse_guests(session: AppSession) -> None:
    """Raise where this window is for looking only.

    Raises:
        DataError: It is.
    """
    if session.read_only:
        raise DataError(
            _("This window is read-only"), _("Import data on the computer that holds the workspace")
        )


def _folder(workspace: Workspace, batch: str) -> Path:
    if not _BATCH.fullmatch(batch):
        raise DataError(
            _("The page sent the name of no upload"), _("Reload the page and send the files again")
        )
    return workspace.uploads / batch


def _remove_abandoned(uploads: Path) -> None:
    for mark in uploads.glob(f"*/{UNREAD}"):
        try:
            if time.time() - mark.stat().st_mtime > ABANDONED_SECONDS:
                shutil.rmtree(mark.parent, ignore_errors=True)
        except OSError:
            continue  # another window was quicker


# -------------------------------------------------------------------------------------------------- the route


def take_route(session: AppSession) -> Route:
    """Return the route that takes one file: 204 when it is kept, otherwise why not, in a sentence.

    400 and 409 are said of one file, and the others may go on; 403, 404, 413 and 507 end the batch.
    """

    async def take(request: Request) -> Response:
        when, signed = request.path_params["when"], request.path_params["signed"]
        folder = session.workspace.uploads / when
        if session.read_only or not is_signed(session, signed, PLACE, when):
            return PlainTextResponse(_("Files cannot be sent here."), status_code=403)
        if not (folder / UNREAD).is_file():
            return PlainTextResponse(_("The upload was cancelled. Send the files again."), status_code=404)
        try:
            return await _receive(request, target_of(folder, request.query_params.get("path", "")))
        except DataError as error:
            return PlainTextResponse(retold(error), status_code=400)
        except WorkspaceError as error:
            return PlainTextResponse(retold(error), status_code=507)

    return Route(f"/{PLACE}/{{when}}/{{signed}}", take, methods=["PUT"])


def target_of(folder: Path, written: str) -> Path:
    """Return where a file goes.

    Args:
        folder: Of the batch.
        written: Its path in the batch as the browser sends it, with /.

    Raises:
        DataError: It would leave the folder, or is no name that a file can have.
    """
    parts = written.split("/")
    if (
        "\\" in written
        or any(ord(sign) < 32 or 127 <= ord(sign) < 160 for sign in written)
        or any(part in ("", ".", "..", UNREAD) or len(part.encode()) > 255 for part in parts)
        or (os.name == "nt" and (_NOT_ON_WINDOWS & set(written) or any(part[-1] in ". " for part in parts)))
    ):
        raise _unkeepable(written)
    return folder.joinpath(*parts)


async def _receive(request: Request, target: Path) -> Response:
    """Write a request's body to a new file; nothing is left of one that does not come whole."""
    declared = request.headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared) > MOST_BYTES:
        return _too_large(target)
    try:
        stream = await run_in_threadpool(_create, target, int(declared))
    except FileExistsError:
        return PlainTextResponse(
            _("{name} came twice; the first one was kept.").format(name=isolated(target.name)),
            status_code=409,
        )
    count, whole = 0, False
    try:
        block = bytearray()
        async for chunk in request.stream():
            block += chunk
            count += len(chunk)
            if count > MOST_BYTES:
                return _too_large(target)
            if len(block) >= _BLOCK:
                await run_in_threadpool(_write, stream, target, bytes(block))
                block.clear()
        await run_in_threadpool(_write, stream, target, bytes(block))
        whole = True
        return Response(status_code=204)
    except ClientDisconnect:
        return Response(status_code=400)
    finally:
        stream.close()
        if not whole:
            target.unlink(missing_ok=True)


def _too_large(target: Path) -> Response:
    said = _("{name} is too large to be sent.").format(name=isolated(target.name))
    return PlainTextResponse(said, status_code=413)


def _create(target: Path, size: int) -> BinaryIO:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _check(target, size)
        return target.open("xb", buffering=0)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno in _NAME_AT_FAULT:
            raise _unkeepable(target.name) from error
        raise storage_error(error, target) from error


def _write(stream: BinaryIO, target: Path, block: bytes) -> None:
    _check(target, len(block))
    try:
        stream.write(block)
    except OSError as error:
        raise storage_error(error, target) from error


def _check(target: Path, size: int) -> None:
    what = _("{name} needs").format(name=isolated(target.name))
    check_room(what, size + KEPT_FREE, target.parent, _("Free some space and send it again"))


def _unkeepable(written: str) -> DataError:
    shown = "".join(sign if sign.isprintable() else "�" for sign in written)[-80:]
    return DataError(
        _("“{name}” is not a name that can be kept").format(name=isolated(shown)),
        _("Rename it and send it again"),
    )
