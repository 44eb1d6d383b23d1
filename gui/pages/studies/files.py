"""What a study gives out at signed addresses: the images of its cases, and all of its readings as a zip.

    /study-image/<study>/<image>/<signature>    a case as it is read
    /study-depth/<study>/<image>/<signature>    the same in the depth of its file; nothing else of a case has an address
    /study-export/<study>/<signature>           for whoever makes studies
    /study-report/<study>/<format>/<signature>  likewise: its report in one of its formats

An address can be read with the session's secret only. A guest has none of this.
"""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from engine.errors import EngineError, ImageError, ReviewError
from engine.images import kept_film_levels, kept_image
from engine.language import ENGLISH, _, language, name_of, speaking
from engine.retelling import retold
from gui.web import AppSession, is_signed, signed_address, sizes_of_images

FOR_PEOPLE = ("html", "pdf", "docx")
"""Formats that a window in another language than English gives in its own as well."""
IMAGE, DEPTH, EXPORT, REPORT = "study-image", "study-depth", "study-export", "study-report"
KEPT = {"Cache-Control": "private, max-age=86400, immutable"}
NOT_KEPT = {"Cache-Control": "no-store"}


def name_outside(session: AppSession, image_id: str) -> str:
    """Return what the browser calls an image: its id, or another name where the window is for somebody invited."""
    return session.invited.name_of(image_id) if session.invited else image_id


def _named_inside(session: AppSession, name: str) -> str:
    return session.invited.image_named(name) if session.invited else name


def image_address(session: AppSession, study_id: str, image_id: str) -> str:
    """Return where the image of a case is."""
    return signed_address(session, IMAGE, study_id, name_outside(session, image_id))


def depth_address(session: AppSession, study_id: str, image_id: str) -> str:
    """Return where the image of a case is in the depth of its file."""
    return signed_address(session, DEPTH, study_id, name_outside(session, image_id))


def export_address(session: AppSession, study_id: str) -> str:
    """Return where all readings of a study are, as a zip."""
    return signed_address(session, EXPORT, study_id)


def report_addresses(session: AppSession, study_id: str) -> list[tuple[str, str]]:
    """Return where the report of a study is, by format: words for a link, and its address."""
    from engine.report import STUDY_FORMATS  # the window opens seconds sooner without it

    told = [(link_words(kind), signed_address(session, REPORT, study_id, kind)) for kind in STUDY_FORMATS]
    if (code := language()) == ENGLISH:
        return told
    return told + [
        (
            _("{report}, in {language}").format(report=link_words(kind), language=name_of(code)),
            signed_address(session, REPORT, study_id, f"{kind}.{code}"),
        )
        for kind in FOR_PEOPLE
    ]


def link_words(kind: str) -> str:
    """Return what a link to a study's report in a format says."""
    return {
        "html": _("Report as HTML"),
        "pdf": _("Report as PDF"),
        "docx": _("Report for Word"),
        "csv": _("Tables of the report (CSV)"),
        "parquet": _("Tables of the report (Parquet)"),
        "json": _("Report as JSON"),
        "imrmc": _("Readings for iMRMC and MRMCaov"),
        "bundle": _("Report as a checkable bundle (ZIP)"),
    }.get(kind, kind)


def study_routes(session: AppSession) -> list[Route]:
    """Return the routes that serve the images and the readings of studies."""
    return [
        _route(session, IMAGE, ("study_id", "image_id"), _image),
        _route(session, DEPTH, ("study_id", "image_id"), _depth),
        _route(session, EXPORT, ("study_id",), _export),
        _route(session, REPORT, ("study_id", "kind"), _report),
    ]


def _route(session: AppSession, place: str, parts: tuple[str, ...], give: Callable[..., Response]) -> Route:
    async def serve(request: Request) -> Response:
        named = [request.path_params[part] for part in parts]
        if session.read_only or not is_signed(session, request.path_params["signed"], place, *named):
            return PlainTextResponse(_("There is no such file."), status_code=404, headers=NOT_KEPT)
        try:
            return await run_in_threadpool(give, session, *named)
        except EngineError as error:
            return PlainTextResponse(retold(error), status_code=404, headers=NOT_KEPT)

    return Route(
        "/".join(["", place, *(f"{{{part}}}" for part in (*parts, "signed"))]), serve, methods=["GET"]
    )


def _path(session: AppSession, study_id: str, image_id: str) -> Path:
    """Return where an image lies: of a case, or of another image of its patient among the cases of the study's run."""
    try:
        return session.store.studies.path(image_id)
    except ReviewError:
        run_id = session.store.studies.get(study_id).protocol.run_id
        if run_id is None:
            raise
        return session.store.case(run_id, image_id).path


def _image(session: AppSession, study_id: str, image_id: str) -> Response:
    image_id = _named_inside(session, image_id)
    path = _path(session, study_id, image_id)
    with _nameless():
        made = kept_image(session.workspace.cache, path, image_id, unchanged=True)
    return Response(made, media_type="image/png", headers=KEPT)


def _depth(session: AppSession, study_id: str, image_id: str) -> Response:
    image_id = _named_inside(session, image_id)
    path = _path(session, study_id, image_id)
    with _nameless():
        packed = kept_film_levels(session.workspace.cache, path, image_id, unchanged=True)
    return Response(packed, media_type="application/octet-stream", headers=KEPT)


@contextmanager
def _nameless() -> Iterator[None]:
    """Say of an image that cannot be shown nothing that names its file: a file's name may be a label."""
    try:
        yield
    except ImageError as error:
        raise ImageError(
            _("The image of this case cannot be shown: its file was moved or changed, or cannot be read"),
            _("The Data page finds images that were moved; meanwhile go to another case by its number (N)"),
        ) from error


def _report(session: AppSession, study_id: str, kind: str) -> Response:
    kind, _dot, code = kind.partition(".")
    with speaking(ENGLISH), tempfile.TemporaryDirectory() as folder:  # what goes out into files is English
        from engine.report import export_study, report_study

        report = report_study(
            session.workspace, session.store, study_id
        )  # its address is given once all is read
        made = export_study(report, Path(folder), formats=[kind], told=code or ENGLISH)
        written = [*made[kind].values()]
        if len(written) == 1:
            name, content = (
                f"study-{study_id[:8]}{f'-{code}' if code else ''}{written[0].suffix}",
                written[0].read_bytes(),
            )
        else:
            name, content = f"study-{study_id[:8]}-{kind}.zip", _packed(written)
    named = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="application/octet-stream", headers=NOT_KEPT | named)


def _regions(session: AppSession, study_id: str) -> dict[str, bytes]:
    """Return what was drawn in the answers that stand, as COCO and as masks."""
    from engine.report import region_files

    store = session.store
    people = {each.reader_id: each.name for each in store.people()}
    answers = [each for each in store.studies.answers(study_id) if each.regions]
    drawn = [
        (each.image_id, f"{people.get(each.reader, each.reader)}, {each.arm}", each.regions)
        for each in answers
    ]
    paths = {each.image_id: store.studies.path(each.image_id) for each in answers}
    return region_files(drawn, sizes_of_images(session, store.studies.get(study_id).protocol.run_id, paths))


def _packed(files: Sequence[Path], more: Mapping[str, bytes] = MappingProxyType({})) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.name)
        for name, content in more.items():
            archive.writestr(name, content)
    return packed.getvalue()


def _export(session: AppSession, study_id: str) -> Response:
    with speaking(ENGLISH), tempfile.TemporaryDirectory() as folder:
        written = session.store.studies.export(study_id, Path(folder))
        packed = _packed(written, _regions(session, study_id))
    named = {"Content-Disposition": f'attachment; filename="study-{study_id[:8]}.zip"'}
    return Response(packed, media_type="application/zip", headers=NOT_KEPT | named)
