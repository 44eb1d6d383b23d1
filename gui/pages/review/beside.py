"""What stands beside a case: other images of its patient, or the training images that are most like it.

What of it is on the screen is written down before it is sent: of another image of the patient that it was seen, and
nothing else of it; of similar images that they were, and their labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.errors import ReviewError
from engine.language import _, isolated, ngettext, number as count
from engine.reading import OfPatient, OtherImage, Shown
from engine.records import Sample
from engine.runs import Alike, load_alike, nearest
from gui.pages.review.blinded import refuse_blinded
from gui.pages.review.maps import addresses, heatmap_of
from gui.pages.review.reading_session import Desk, Reading, StaleCaseError, text
from gui.web import AppSession, image_url, markup, samples_of_run

PATIENT, SIMILAR = "patient", "similar"
MOST_OTHERS = 50


def may_beside(session: AppSession) -> list[str]:
    """Return what may be asked for; guests see the cases that were shared with them, and no others."""
    return [] if session.read_only else [PATIENT, SIMILAR]


def beside(desk: Desk, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the images that stand beside the case on the screen, and what is said of them.

    Raises:
        StaleCaseError: Another case was handed out since.
        ReviewError: A guest asks, or the case has no answer of the reader yet.
        RunError: What the run keeps of its images is damaged.
    """
    reading, shown, what = desk.reading(asked), text(asked, "shown"), text(asked, "what")
    refuse_blinded(desk, reading)
    if what not in may_beside(desk.session):
        raise ReviewError(_("This cannot be shown beside a case"), _("Reload the page"))
    with reading.turn:
        if not shown or shown != reading.held:
            raise StaleCaseError(_("The screen shows a different case by now"), _("Ask again"))
        return (_of_patient if what == PATIENT else _similar)(desk, reading, shown)


def _of_patient(desk: Desk, reading: Reading, shown: str) -> dict[str, Any]:
    found = desk.session.store.of_patient(reading.run_id, shown)
    others = found.others[:MOST_OTHERS]
    for other in others:
        desk.sittings.expose(reading.sitting, Shown(image_id=other.image_id, prediction=False))
    places = [addresses(desk.session, reading.run_id, other.image_id) for other in others]
    return {
        "all": [
            {
                "image": place["image"],
                "depth": place["depth"],
                "title": title_of(other, number) + _part(other),
            }
            for number, (place, other) in enumerate(zip(places, others, strict=True), start=1)
        ],
        "said": said_of(found, len(others)),
    }


def title_of(other: OtherImage, at: int) -> str:
    """Name another image of a patient: its number, and when it was taken."""
    when = {"before": _("before"), "same day": _("same day"), "after": _("later"), "": _("date not known")}
    return f"{count(at)}: {' · '.join(filter(None, (other.moment, when[other.when])))}"


def _part(other: OtherImage) -> str:
    return f" · {markup.part_title(other.part)}" if other.part and other.part != "test" else ""


def said_of(found: OfPatient, shown: int) -> str:
    """Say what is known of the patient's other images, and why their order is not where it is not."""
    if not found.known:
        return _(
            "The data do not say whose image this is, so that other images of the patient are not known."
        )
    if not found.others:
        return _("There is no other image of this patient.")
    if not found.dated:
        order = _(
            "The data do not say when this image was taken, so that which of them are prior is not known."
        )
    else:
        priors = sum(other.when == "before" for other in found.others)
        of_them = ngettext("{count} prior image.", "{count} prior images.", priors).format(
            count=count(priors)
        )
        order = _("This image: {moment}.").format(moment=isolated(found.moment)) + " "
        order += of_them if priors else _("There is no prior image.")
    others = ngettext("{count} other image.", "{count} other images.", len(found.others))
    said = [others.format(count=count(len(found.others))), order]
    if shown < len(found.others):
        said.append(_("The first {count} are listed.").format(count=count(shown)))
    return " ".join(said)


def _similar(desk: Desk, reading: Reading, shown: str) -> dict[str, Any]:
    session, store = desk.session, desk.session.store
    if not store.reviews(reading.run_id, reader=reading.reader, image_id=shown, latest=True):
        raise ReviewError(
            _("Similar training images are shown after your answer, so that their labels do not lead it"),
            _("Answer the case, then come back to it (←)"),
        )
    folder = session.workspace.runs / reading.run_id
    alike = _alike(folder, _stamp(folder / "alike.npz"))
    if alike is None:
        return {"all": [], "said": _why_none_kept(reading)}
    found = nearest(alike, shown, hidden=store.studies.to_read_blind(reading.reader))
    if found is None:
        return {"all": [], "said": _("Similar images are known for images of the run's own data alone.")}
    samples = samples_of_run(session, reading.run_id)
    heat, _why = heatmap_of(session, reading.run_id, shown)
    exposed = Shown(image_id=shown, map=heat.method if heat else None, similar=True)
    desk.sittings.expose(reading.sitting, exposed)
    for one in found:
        desk.sittings.expose(reading.sitting, Shown(image_id=one.image_id, prediction=False, label=True))
    return {
        "all": [
            {
                "image": image_url(session, reading.run_id, one.image_id),
                "depth": image_url(session, reading.run_id, one.image_id, "depth"),
                "title": f"{number}: {_label(samples.get(one.image_id))} · {one.words}",
            }
            for number, one in enumerate(found, start=1)
        ],
        "said": ngettext(
            "The {count} training image nearest in what the network sees, with the label in the data. "
            "Nearness says nothing of why.",
            "The {count} training images nearest in what the network sees, with the label in the data. "
            "Nearness says nothing of why.",
            len(found),
        ).format(count=count(len(found)))
        if found
        else _("There is no training image of another patient."),
    }


def _label(sample: Sample | None) -> str:
    return sample.label if sample and sample.label else _("no label")


def _why_none_kept(reading: Reading) -> str:
    return _(
        "For this run no features of its images are kept: it was made by an earlier version, of several folds, or its "
        "predictions were supplied. For a run of one model, whoever runs Overread can make them: {command}"
    ).format(command=isolated(f"overread shift {reading.run_id} --again"))


@lru_cache(maxsize=2)
def _alike(folder: Path, stamp: int) -> Alike | None:
    """Read a run's features once; `stamp` (the file's time) makes a changed file be read anew."""
    return load_alike(folder)


def _stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
