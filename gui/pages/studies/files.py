"""What a study gives out at signed addresses: /study/<study>/<layer>/<image>/<signature>.

    image     a case, as it is read; its address leads to nothing else of the case
    levels    its heatmap: the address is handed out with an assisted case alone

An address can be read with the session's secret only. A guest has none of this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from engine.errors import EngineError
from engine.images import image_file
from engine.saliency import levels_png
from gui.web import AppSession, explanation, is_signed, signed_address

PLACE = "study"
KEPT = {"Cache-Control": "private, max-age=86400, immutable"}
NOT_KEPT = {"Cache-Control": "no-store"}


def study_address(session: AppSession, study_id: str, layer: str, image_id: str) -> str:
    """Return the address of one layer of a case of a study."""
    return signed_address(session, PLACE, study_id, layer, image_id)


def study_route(session: AppSession) -> Route:
    """Return the route that serves the images of studies, their heatmaps and exports."""

    async def serve(request: Request) -> Response:
        study_id, layer = request.path_params["study_id"], request.path_params["layer"]
        image_id, signed = request.path_params["image_id"], request.path_params["signed"]
        named = (PLACE, study_id, layer, image_id)
        if session.read_only or layer not in LAYERS or not is_signed(session, signed, *named):
            return PlainTextResponse("There is no such image.", status_code=404, headers=NOT_KEPT)
        try:
            return await run_in_threadpool(LAYERS[layer], session, study_id, image_id)
        except EngineError as error:
            return PlainTextResponse(str(error), status_code=404, headers=NOT_KEPT)

    return Route(f"/{PLACE}/{{study_id}}/{{layer}}/{{image_id}}/{{signed}}", serve, methods=["GET"])


def _image(session: AppSession, study_id: str, image_id: str) -> Response:
    path = session.store.studies.path(image_id)
    return FileResponse(
        image_file(session.workspace.cache, path, image_id, unchanged=True),
        media_type="image/png",
        headers=KEPT,
    )


def _levels(session: AppSession, study_id: str, image_id: str) -> Response:
    run_id = session.store.studies.get(study_id).protocol.run_id
    found = explanation(session, run_id, image_id) if run_id else None
    if found is None:
        return PlainTextResponse("No heatmap was computed for this image.", status_code=404, headers=NOT_KEPT)
    return Response(levels_png(found.heatmap, scale=found.scale), media_type="image/png", headers=KEPT)


LAYERS: Mapping[str, Callable[[AppSession, str, str], Response]] = {
    "image": _image,
    "levels": _levels,
}
