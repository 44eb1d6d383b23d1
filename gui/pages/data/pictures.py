"""The images of a data set at signed addresses: /data-image/<data set>/<image>/<layer>/<signature>.

    thumbnail   a small picture, made when it is first asked for
    image       the large one
    about       JSON for the large view: what is known of the image and what was done to its pixels

An image is named by its sha256, or, where it is in no sample because a check left it out, by its place among the
data issues. A guest has none of this.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from engine.data import ids_of, load_index
from engine.errors import DataError, EngineError
from engine.images import decode, kept_image, kept_thumbnail, read_bytes, read_unchanged
from engine.language import _, isolated, number
from engine.records import Index, Sample
from engine.retelling import retold
from engine.workspace import Workspace
from gui.web import AppSession, is_signed, markup, signed_address

PLACE = "data-image"
KEPT = {"Cache-Control": "private, max-age=86400, immutable"}
NOT_KEPT = {"Cache-Control": "no-store"}


def picture_of(session: AppSession, index: Index, image: str, path: Path) -> markup.Picture:
    """Return an image for a grid, with the addresses of its picture and of its large view.

    Args:
        session: Whose addresses.
        index: The data set.
        image: `image_id` of a sample, or `issue_image`.
        path: Of the file, whose name stands under it.
    """

    def address(layer: str) -> str:
        return signed_address(session, PLACE, index.dataset_id, image, layer)

    return markup.Picture(source=address("thumbnail"), caption=isolated(path.name), about=address("about"))


def issue_image(issue: int, path: int) -> str:
    """Name the image at `index.issues[issue].paths[path]`."""
    return f"issue-{issue}-{path}"


def picture_route(session: AppSession) -> Route:
    """Return the route that serves every layer of every image of the workspace's data sets."""

    async def serve(request: Request) -> Response:
        dataset_id, image = request.path_params["dataset_id"], request.path_params["image"]
        layer, signed = request.path_params["layer"], request.path_params["signed"]
        if (
            session.read_only
            or layer not in LAYERS
            or not is_signed(session, signed, PLACE, dataset_id, image, layer)
        ):
            return PlainTextResponse(_("There is no such image."), status_code=404, headers=NOT_KEPT)
        try:
            return await run_in_threadpool(LAYERS[layer], session, dataset_id, image)
        except EngineError as error:
            return PlainTextResponse(retold(error), status_code=404, headers=NOT_KEPT)

    return Route(f"/{PLACE}/{{dataset_id}}/{{image}}/{{layer}}/{{signed}}", serve, methods=["GET"])


# ------------------------------------------------------------------------------------------------ the layers


def _thumbnail(session: AppSession, dataset_id: str, image: str) -> Response:
    path, sample = _find(session.workspace, dataset_id, image)
    identity = sample.image_id if sample else sha256(read_bytes(path)).hexdigest()
    made = kept_thumbnail(session.workspace.cache, path, identity)
    return Response(made, media_type="image/jpeg", headers=KEPT)


def _image(session: AppSession, dataset_id: str, image: str) -> Response:
    path, sample = _find(session.workspace, dataset_id, image)
    identity = sample.image_id if sample else sha256(read_bytes(path)).hexdigest()
    made = kept_image(session.workspace.cache, path, identity, unchanged=True)
    return Response(made, media_type="image/png", headers=KEPT)


def _about(session: AppSession, dataset_id: str, image: str) -> Response:
    path, sample = _find(session.workspace, dataset_id, image)
    index = _index(session.workspace, dataset_id)[0]
    data = read_unchanged(path, sample.image_id) if sample else read_bytes(path)
    facts = [*facts_of(index, path, sample), *pixel_facts(path, data), *issue_facts(index, path)]
    address = signed_address(session, PLACE, dataset_id, image, "image")
    return JSONResponse({"name": path.name, "image": address, "facts": facts}, headers=NOT_KEPT)


LAYERS: dict[str, Callable[[AppSession, str, str], Response]] = {
    "thumbnail": _thumbnail,
    "image": _image,
    "about": _about,
}


# ------------------------------------------------------------------------------------------ what is told of it


def facts_of(index: Index, path: Path, sample: Sample | None) -> list[tuple[str, str]]:
    """Return what the data set says of an image: (what, value), in words."""
    base = index.root if index.root.is_dir() else index.root.parent
    inside = path.parent.relative_to(base) if path.is_relative_to(base) else path.parent
    facts = [(_("Folder"), str(inside))] if inside != Path() else []
    if sample is None:
        facts.append((_("In the data set"), _("no: a check left it out")))
    else:
        named = sample.patient_id != sample.image_id
        facts += [
            (_("Label"), sample.label if sample.label is not None else _("none")),
            (_("Patient"), sample.patient_id if named else _("not named")),
            (_("Part"), markup.part_title(sample.part)),
        ]
        facts += sample.meta.items()
    return facts


def pixel_facts(path: Path, data: bytes) -> list[tuple[str, str]]:
    """Return an image's size and what was done to its pixels: (what, value), in words."""
    decoded = decode(path, data=data)
    steps = ", ".join(map(retold, decoded.steps)) or _("shown as they stand in the file")
    return [
        (
            _("Size"),
            _("{width} × {height} pixels").format(width=number(decoded.width), height=number(decoded.height)),
        ),
        (_("Pixels"), f"{steps[:1].upper()}{steps[1:]}"),
        *(
            (_("Noticed"), retold(f"{remark.message[:1].upper()}{remark.message[1:]}"))
            for remark in decoded.remarks
        ),
    ]


def issue_facts(index: Index, path: Path) -> list[tuple[str, str]]:
    """Return the data issues that concern an image: (what, value), in words."""
    return [(_("Data issue"), retold(issue.message)) for issue in index.issues if path in issue.paths]


# ----------------------------------------------------------------------------------------------- where it lies


def _find(workspace: Workspace, dataset_id: str, image: str) -> tuple[Path, Sample | None]:
    """Return an image's file, and its sample where it is in one.

    Raises:
        DataError: The data set is not there, or was read again and holds no such image any more.
    """
    index, rows = _index(workspace, dataset_id)
    if (row := rows.get(image)) is not None:
        sample = index.samples[row]
        return sample.path, sample
    place = re.fullmatch(r"issue-(\d{1,9})-(\d{1,9})", image)
    try:
        if place:
            path = index.issues[int(place[1])].paths[int(place[2])]
            return path, next((one for one in index.samples if one.path == path), None)
    except IndexError:
        pass  # said below
    raise DataError(
        _("The data set was read again and no longer contains this image"), _("Open the data set again")
    )


def _index(workspace: Workspace, dataset_id: str) -> tuple[Index, Mapping[str, int]]:
    try:
        stamp = (workspace.datasets / dataset_id / "index.json").stat().st_mtime_ns
    except OSError:
        stamp = 0  # `load_index` says what is wrong
    return _read_index(workspace, dataset_id, stamp)


@lru_cache(maxsize=2)
def _read_index(workspace: Workspace, dataset_id: str, stamp: int) -> tuple[Index, Mapping[str, int]]:
    """Read a data set once for all of its pictures; `stamp` (the file's time) makes a new one be read anew."""
    index = load_index(workspace, dataset_id)
    return index, {image_id: row for row, image_id in enumerate(ids_of(index.samples))}
