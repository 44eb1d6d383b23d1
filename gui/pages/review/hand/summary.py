"""What a reader did since the page was opened: how many answers, how fast, which were very fast; all of it exported."""

from __future__ import annotations

import base64
import io
import zipfile
from collections import Counter
from collections.abc import Mapping
from statistics import median
from typing import Any

from engine.errors import ReviewError
from engine.language import _, isolated, ngettext, number, short_number
from engine.reading import reading_files
from engine.records import Verdict
from engine.report import region_files
from gui.pages.review.blinded import refuse_blinded
from gui.pages.review.hand.finding import MAY_SEE_OTHERS
from gui.pages.review.reading_session import Desk, Reading
from gui.web import AppSession, sizes_of_images

VERY_FAST = 1.0  # seconds; no film is read in less


def _said() -> dict[Verdict, str]:
    return {
        Verdict.AGREE: _("agreed"),
        Verdict.OVERRULE: _("overruled"),
        Verdict.UNSURE: _("unsure"),
        Verdict.NOT_DIAGNOSTIC: _("not diagnostic"),
    }


def summary_of(desk: Desk, reading: Reading) -> dict[str, Any] | None:
    """Return the summary of the sitting; None where nothing was answered in it."""
    if reading.sitting is None:
        return None
    store = desk.session.store
    reviews = store.reviews(reading.run_id, reader=reading.reader, sitting=reading.sitting)
    if not reviews:
        return None
    last = {review.image_id: review for review in reviews}.values()
    words, said = _said(), Counter(review.verdict for review in last)
    fast = [review for review in last if review.seconds < VERY_FAST]
    return {
        "lines": [
            ngettext(
                "{count} case answered since this page was opened, in {seconds} s at the median.",
                "{count} cases answered since this page was opened, in {seconds} s at the median.",
                len(last),
            ).format(count=number(len(last)), seconds=number(median(review.seconds for review in last), 1)),
            "; ".join(f"{number(said[verdict])} {word}" for verdict, word in words.items() if said[verdict])
            + ".",
        ],
        "fast": ngettext(
            "{count} answer came in less than {seconds} s. Look again:",
            "{count} answers came in less than {seconds} s. Look again:",
            len(fast),
        ).format(count=number(len(fast)), seconds=short_number(VERY_FAST))
        if fast
        else "",
        "cases": [
            {
                "id": review.image_id,
                "title": _("{file} · {verdict} in {seconds} s").format(
                    file=isolated(store.case(reading.run_id, review.image_id).path.name),
                    verdict=words[review.verdict],
                    seconds=number(review.seconds, 1),
                ),
            }
            for review in fast
        ],
    }


def summarise(desk: Desk, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Say what was done in this sitting, and end it: going on begins another."""
    reading = desk.reading(asked)
    told = summary_of(desk, reading)
    desk.sittings.end(reading.page)
    return {"summary": told, "reader": reading.reader}


def export_readings(desk: Desk, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return every row of what was said of a run's cases as CSV, with what each column holds, in a zip.

    What was drawn in the answers that stand is in it as COCO and as masks.

    A reader gets their own rows; who may see others' answers gets all.
    """
    session, reading = desk.session, desk.reading(asked)
    if session.read_only:
        raise ReviewError(_("Guests cannot take readings along"), _("Ask the owner for them"))
    refuse_blinded(desk, reading)
    known = session.store.find_reader(reading.reader)
    every = known is not None and known.role in MAY_SEE_OTHERS
    rows = session.store.readings(reading.run_id, reader=None if every else reading.reader)
    name = f"readings-{reading.run_id}"
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, content in reading_files(rows, name).items():
            archive.writestr(file, content)
        for file, packed in _regions(session, reading, every=every).items():
            archive.writestr(file, packed)
    exported = {"count": number(len(rows)), "reader": isolated(reading.reader)}
    of_all = ngettext(
        "{count} row exported: every reader's.", "{count} rows exported: every reader's.", len(rows)
    )
    of_one = ngettext(
        "{count} row exported: those of {reader}.", "{count} rows exported: those of {reader}.", len(rows)
    )
    return {
        "file": f"{name}.zip",
        "content": base64.b64encode(kept.getvalue()).decode(),
        "said": of_all.format(**exported)
        if every
        else f"{of_one.format(**exported)} {_('An adjudicator or administrator exports those of every reader.')}",
    }


def _regions(session: AppSession, reading: Reading, *, every: bool) -> dict[str, bytes]:
    store, run_id = session.store, reading.run_id
    reviews = store.reviews(run_id, reader=None if every else reading.reader, latest=True)
    drawn = [(one.image_id, one.reader, one.regions) for one in reviews if one.regions]
    paths = {image_id: store.case(run_id, image_id).path for image_id in {one[0] for one in drawn}}
    return region_files(drawn, sizes_of_images(session, run_id, paths))
