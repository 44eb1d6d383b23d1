"""The versions of a data set's labels as HTML: lineage, and the images that each changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.labels import LabelChange, StudyOffer, changes_of, drafted_words, kept_words, made_from_words
from engine.language import _, counted, isolated, moment, ngettext, number
from engine.records import Index, LabelVersion, Sample, in_words
from engine.retelling import retold
from gui.web import AppSession, markup

MOST_SHOWN = 60
"""Images that a version changed, shown with their pictures."""


def versions_table(session: AppSession, known: Sequence[LabelVersion], used: int) -> str:
    """Return the versions of the labels, each with its parent, source, date, and what it changed and did not settle."""
    rows = [
        (
            _("v{number} · in use").format(number=version.number)
            if version.number == used
            else f"v{version.number}",
            f"v{version.parent}" if version.parent else "–",
            _from(session, version),
            _("{n} of {total}").format(n=number(version.changed), total=number(version.images))
            if version.parent
            else "–",
            "; ".join(map(retold, kept_words(version.kept))) or "–",
            number(len(version.locked)) if version.locked else "–",
            moment(version.created.astimezone(), "%d %b %Y %H:%M") if version.created else "–",
        )
        for version in known
    ]
    headers = (
        _("version"),
        _("parent"),
        _("source"),
        _("labels changed"),
        _("not settled"),
        _("locked test cases"),
        _("made"),
    )
    return markup.box("wide", [markup.table(headers, rows, numbers=False)])


def _from(session: AppSession, version: LabelVersion) -> str:
    made_from = made_from_words(session.store, version)
    source = retold(version.source)
    return f"{source}: {retold(in_words(version.readers))}, {retold(made_from)}" if made_from else source


def changed_images(
    session: AppSession,
    index: Index,
    known: Sequence[LabelVersion],
    picture: Callable[[Sample], markup.Picture],
) -> str:
    """Return, folded away, the images whose label each version changed, the newest version first."""
    changes = changes_of(session.store, index)
    return markup.joined(
        markup.folded(
            ngettext(
                "{version}: {count} label changed from {parent}",
                "{version}: {count} labels changed from {parent}",
                len(changed),
            ).format(version=f"v{version.number}", count=number(len(changed)), parent=f"v{version.parent}"),
            [
                markup.pictures(_captioned(picture(one.sample), one) for one in changed[:MOST_SHOWN]),
                markup.remark(_rest(version, len(changed))) if len(changed) > MOST_SHOWN else "",
            ],
        )
        for version in reversed(known)
        if (changed := changes.get(version.number))
    )


def _captioned(picture: markup.Picture, one: LabelChange) -> markup.Picture:
    before, after = (name if name is not None else _("no label") for name in (one.before, one.after))
    change = _("{before} → {after}").format(before=isolated(before), after=isolated(after))
    return markup.Picture(
        source=picture.source,
        about=picture.about,
        caption=f"{picture.caption}\n{change}\n{counted(one.answers, 'answer')}",
    )


def _rest(version: LabelVersion, changed: int) -> str:
    return _(
        "{count} more are not shown. Whoever runs Overread can write all into a table: {command}"
    ).format(
        count=number(changed - MOST_SHOWN),
        command=f"overread labels export DATASET --version v{version.number} --out labels.csv",
    )


def offers(found: Sequence[StudyOffer]) -> str:
    """Say what studies of these images would change in the labels, or why they cannot yet."""
    return markup.joined(
        markup.note(f"{isolated(one.study.name)}: {_said(one)}", tone="mild" if one.trouble else "plain")
        for one in found
    )


def _said(one: StudyOffer) -> str:
    if one.trouble:
        return retold(one.trouble)
    if one.draft is None:
        return _(
            "still being read. Its consensus can become labels when everybody has read every case, or it is closed."
        )
    if one.made is not None:
        return _("labels {version} were made of it.").format(version=f"v{one.made}")
    words = retold(f"{drafted_words(one.draft)}.")
    return words if one.draft.changed else f"{words} " + _("The newest labels say the same already.")
