"""Images, heatmaps and thumbnails at signed addresses: /image/<run>/<case>/<layer>/<signature>.

An address can be read only with the session's secret, carries no file name, and its answer never changes
while the server runs, so the browser may keep it: the next case is already decoded when the reader asks for
it. To add a layer, write a function and put it into `LAYERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from engine.data import load_split
from engine.errors import EngineError, ReviewError
from engine.images import decode, kept_film_levels, kept_image, kept_thumbnail
from engine.language import _
from engine.records import PARTS, Explanation, Sample
from engine.retelling import retold
from engine.runs import load_explanations, sizes_of_run
from engine.saliency import heatmap_png, levels_png
from gui.web.session import AppSession
from gui.web.signed_addresses import is_signed, signed_address

KEPT = {"Cache-Control": "private, max-age=86400, immutable"}
NOT_KEPT = {"Cache-Control": "no-store"}


@lru_cache(maxsize=4)
def _explanations(folder: Path, stamp: int) -> Mapping[str, Explanation]:
    """Read a run's heatmaps once; `stamp` (the file's time) makes a rewritten file be read anew."""
    return load_explanations(folder)


def explanation(session: AppSession, run_id: str, image_id: str) -> Explanation | None:
    """Return why the machine said what it said of a case, or None where no heatmap was computed."""
    folder = session.workspace.runs / run_id
    try:
        stamp = (folder / "heatmaps.npz").stat().st_mtime_ns
    except FileNotFoundError:
        return None
    except OSError:  # reading it says what is wrong
        stamp = 0
    return _explanations(folder, stamp).get(image_id)


@lru_cache(maxsize=2)
def _samples(split: Path, stamp: int) -> Mapping[str, Sample]:
    """Read a run's split once; `stamp` (the file's time) makes a changed file be read anew."""
    found = load_split(split)
    return {sample.image_id: sample for part in PARTS for sample in found.part(part)}


def samples_of_run(session: AppSession, run_id: str) -> Mapping[str, Sample]:
    """Return the images that a run was made with, by their ids.

    Raises:
        EngineError: They are not known any more.
    """
    split = session.workspace.runs / run_id / "split.csv"
    return _samples(split, split.stat().st_mtime_ns if split.exists() else 0)


def sizes_of_images(
    session: AppSession, run_id: str | None, paths: Mapping[str, Path]
) -> dict[str, tuple[int, int]]:
    """Return width and height of images by id: as their run knows them, else as their files say.

    Args:
        session: The open window.
        run_id: That predicted them; None where none did.
        paths: Where they lie, by id; those that cannot be read are left out.
    """
    known: Mapping[str, tuple[int, int]] = {}
    with suppress(EngineError):  # a run's split or sizes that are gone: the files say the same
        known = sizes_of_run(session.workspace.runs / run_id) if run_id else {}
    sizes = {image_id: known[image_id] for image_id in paths if image_id in known}
    for image_id in paths.keys() - sizes.keys():
        with suppress(EngineError):
            sizes[image_id] = decode(paths[image_id]).image.size
    return sizes


def _path(session: AppSession, run_id: str, image_id: str) -> Path:
    """Return where an image lies: of a case, or of one that the run was trained with."""
    try:
        return session.store.case(run_id, image_id).path
    except ReviewError:
        known = samples_of_run(session, run_id)
        if image_id not in known:
            raise
        return known[image_id].path


def _image(session: AppSession, run_id: str, image_id: str) -> Response:
    path = _path(session, run_id, image_id)
    # An image that is not the one the machine read must not be judged; a guest's copy has ids that say nothing.
    picture = kept_image(session.workspace.cache, path, image_id, unchanged=not session.read_only)
    return Response(picture, media_type="image/png", headers=KEPT)


def _depth(session: AppSession, run_id: str, image_id: str) -> Response:
    path = _path(session, run_id, image_id)
    packed = kept_film_levels(session.workspace.cache, path, image_id, unchanged=not session.read_only)
    return Response(packed, media_type="application/octet-stream", headers=KEPT)


def _thumbnail(session: AppSession, run_id: str, image_id: str) -> Response:
    path = session.store.case(run_id, image_id).path
    made = kept_thumbnail(session.workspace.cache, path, image_id)
    return Response(made, media_type="image/jpeg", headers=KEPT)


def _map(session: AppSession, run_id: str, image_id: str, *, draw: Callable[..., bytes]) -> Response:
    found = explanation(session, run_id, image_id)
    if found is None:
        return PlainTextResponse(
            _("No heatmap was computed for this image."), status_code=404, headers=NOT_KEPT
        )
    return Response(draw(found.heatmap, scale=found.scale), media_type="image/png", headers=KEPT)


LAYERS: dict[str, Callable[[AppSession, str, str], Response]] = {
    "image": _image,
    "depth": _depth,
    "thumbnail": _thumbnail,
    "heatmap": partial(_map, draw=heatmap_png),
    "levels": partial(_map, draw=levels_png),
}


def image_url(session: AppSession, run_id: str, image_id: str, layer: str = "image") -> str:
    """Return the address of one layer of one case.

    Args:
        session: Whose secret signs it.
        run_id: The run the case belongs to.
        image_id: The case.
        layer: A key of `LAYERS`.
    """
    return signed_address(session, "image", run_id, image_id, layer)


def image_route(session: AppSession) -> Route:
    """Return the route that serves every layer of every case of the session's workspace."""

    async def serve(request: Request) -> Response:
        run_id, image_id = request.path_params["run_id"], request.path_params["image_id"]
        layer, signed = request.path_params["layer"], request.path_params["signed"]
        if layer not in LAYERS or not is_signed(session, signed, "image", run_id, image_id, layer):
            return PlainTextResponse(_("There is no such image."), status_code=404, headers=NOT_KEPT)
        try:
            return await run_in_threadpool(LAYERS[layer], session, run_id, image_id)
        except EngineError as error:
            # a guest is not told where the owner's files lie
            told = _("This image cannot be shown.") if session.read_only else retold(error)
            return PlainTextResponse(told, status_code=404, headers=NOT_KEPT)

    return Route("/image/{run_id}/{image_id}/{layer}/{signed}", serve, methods=["GET"])
