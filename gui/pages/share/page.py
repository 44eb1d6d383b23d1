"""Share: open a link for guests, or for a reader of a study, after a plain warning; see when it ends; close it.

`build(session)` places the panel inside the current `gr.Blocks`. A window has one link at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from threading import Lock
from typing import Any

import gradio as gr

from engine.errors import ShareError
from engine.language import N_, _, moment, ngettext, number
from engine.reading import QUEUES
from gui.pages.share.wishes import Wish, opened_for, reader_choices, run_choices, study_choices
from gui.sharing import LONGEST_MINUTES, MOST_CASES, USUAL_CASES, WAYS, Access, Share
from gui.web import AppSession, arrival, shown

WARNING = N_(
    "Guests see a **copy** of some cases: images, predictions and heatmaps, without names, dates, file names, "
    "comments or verdicts. They can look but cannot change anything. What is visible *in* an image stays there: "
    "**a name burned into an image is not removed.**"
)
CONSENT = N_(
    "I am allowed to show these images to the people I give the link to, and to send them through the computers "
    "named above; no image has a name burned in"
)
INVITATION = N_(
    "One reader by name reads a study of yours: its images and classes and, where and when its protocol says so, "
    "predictions, heatmaps and, for an adjudicator, the readers' anonymous answers. Nothing else of this workspace is "
    "there. Answers are stored here at once, under the reader's name, with what had been on the screen. What is "
    "visible *in* an image stays there: **a name burned into an image is not removed.**"
)
INVITATION_CONSENT = N_(
    "I am allowed to have these images read by this reader, and to send them through the computers named above; no "
    "image has a name burned in"
)
KINDS = {"look": N_("look at cases"), "read": N_("read a study, as a reader by name")}
WARNINGS = {"look": WARNING, "read": INVITATION}
CONSENTS = {"look": CONSENT, "read": INVITATION_CONSENT}
CHOICES = {"random": N_("at random"), "queue": N_("the first of a queue"), "named": N_("by hand")}
FACTS = (
    ("url", N_("Link")),
    ("user", N_("User")),
    ("password", N_("Password")),
    ("command", N_("Run this command on this computer; guests then open the link on that server")),
)
NO_LINK = N_("No link is open.")

View = tuple[Any, ...]  # link, user, password, command, state, open button, close button, timer


class Desk:
    """The one link that a window may have open."""

    def __init__(self, session: AppSession) -> None:
        self.session = session
        self.link: Share | None = None
        self.turn = Lock()


def ways() -> list[tuple[str, str]]:
    """Return (words, key of `WAYS`) of the ways that this computer has."""
    return [(_(way.title), name) for name, way in WAYS.items() if not way.missing()]


def passage(way: str, server: str) -> str:
    """Say whose computers the images would pass through, before anybody consents to it."""
    lacking = [f"{_(one.title)}: {one.missing()}." for one in WAYS.values() if one.missing()]
    told = _("The images will pass through **{operator}**.")
    return " ".join([told.format(operator=WAYS[way].operator(server.strip() or None)), *lacking])


def choose(way: str, server: str) -> View:
    """Return what the panel shows of a way: its operator, its own fields, and a consent not given yet."""
    return (
        passage(way, server),
        gr.update(visible=bool(WAYS[way].server), info=_(WAYS[way].server)),
        gr.update(visible=bool(WAYS[way].address), info=_(WAYS[way].address)),
        gr.update(value=False),
    )


def open_link(desk: Desk, wish: Wish) -> View:
    """Open a link and show it.

    Raises:
        ShareError: There was no consent, a link is open already, or none can be had.
    """
    if not wish.consent:
        raise ShareError(_("Nothing was shared"), _("Read the warning and tick the box below it first"))
    way = WAYS[wish.way]
    access = Access(
        minutes=wish.minutes,
        via=wish.way,
        server=(way.server and wish.server.strip()) or None,
        address=(way.address and wish.address.strip()) or None,
    )
    with desk.turn:
        if desk.link is not None and desk.link.is_open:
            raise ShareError(_("A link is already open"), _("Close it first"))
        desk.link = opened_for(desk.session, wish, access)
    return view(desk)


def close_link(desk: Desk) -> View:
    """Close the link, if one is open."""
    with desk.turn:
        if desk.link is not None:
            desk.link.close()
            desk.link = None
    return view(desk)


def view(desk: Desk, now: datetime | None = None) -> View:
    """Return what the panel shows of the link."""
    link = desk.link
    is_open = link is not None and link.is_open
    if link is None or not is_open:
        state = _(NO_LINK) if link is None else link.note or _("The link has ended.")
        facts: list[Any] = [gr.update(value="", visible=False) for _ in range(4)]
    else:
        left = max(0, round((link.expires_at - (now or datetime.now(UTC))).total_seconds() / 60))
        state = (
            ngettext(
                "The link is open and closes automatically in {minutes} min, at {time}, or when Overread ends.",
                "The link is open and closes automatically in {minutes} min, at {time}, or when Overread ends.",
                left,
            )
            if left
            else _(
                "The link is open and closes automatically in less than 1 min, at {time}, or when Overread ends."
            )
        ).format(minutes=number(left), time=moment(link.expires_at.astimezone(), "%H:%M"))
        state += " " + _("Send the password separately from the link.")
        state += f" **{link.note}**" if link.note else ""
        values = (link.url, link.user, link.password, link.command)
        facts = [gr.update(value=value, visible=bool(value)) for value in values]
    return (
        *facts,
        state,
        gr.update(interactive=not is_open),
        gr.update(interactive=is_open),
        gr.Timer(active=is_open),
    )


def offered(session: AppSession, study_id: str | None) -> Any:
    """Return the list of whom may be invited to a study."""
    names = reader_choices(session, study_id)
    return gr.update(choices=names, value=names[0] if names else None)


def looked_at(
    desk: Desk, run: str | None = None, study: str | None = None, reader: str | None = None
) -> View:
    """Return what the panel shows when it is come to: the runs and studies of now, and the link if one is open.

    What was chosen before stays, where there still is such a run, study and reader.
    """
    runs, studies = run_choices(desk.session), study_choices(desk.session)
    read = _kept(study, [one for _words, one in studies])
    names = reader_choices(desk.session, read)
    return (
        gr.update(choices=runs, value=_kept(run, [one for _words, one in runs])),
        gr.update(choices=studies, value=read),
        gr.update(choices=names, value=_kept(reader, names)),
        *view(desk),
    )


def _kept(chosen: str | None, offered: Sequence[str]) -> str | None:
    return chosen if chosen in offered else next(iter(offered), None)


def kind_chosen(kind: str) -> View:
    """Return what the panel shows of a kind of link: its warning, its own fields, and a consent not given yet."""
    return (
        _(WARNINGS[kind]),
        *(gr.update(visible=kind == one) for one in KINDS),
        gr.update(value=False, label=_(CONSENTS[kind])),
    )


def choosing_chosen(choosing: str) -> View:
    """Return which fields a way of choosing cases has."""
    return tuple(
        gr.update(visible=choosing in those)
        for those in (("random", "queue"), ("random",), ("queue",), ("named",))
    )


def build(session: AppSession) -> None:
    """Place and wire the panel inside the current `gr.Blocks`; nothing in a guest's window."""
    if session.read_only:
        return
    desk, come_to = Desk(session), arrival()
    kind = gr.Radio(
        [(_(words), one) for one, words in KINDS.items()],
        value="look",
        label=_("What guests do"),
        elem_id="share-kind",
    )
    warning = gr.Markdown(_(WARNING))
    fields: dict[str, Any] = {"kind": kind}
    with gr.Group() as looking:
        _place_looking(fields)
    with gr.Group(visible=False) as reading, gr.Row():
        fields["study"] = gr.Dropdown(label=_("Study"), choices=[], elem_id="share-study")
        fields["reader"] = gr.Dropdown(label=_("Reader"), choices=[], elem_id="share-reader")
    fields["minutes"] = gr.Slider(5, LONGEST_MINUTES, value=60, step=5, label=_("Closes after (minutes)"))
    _place_ways(fields)
    operator = gr.Markdown(passage(ways()[0][1], ""), elem_id="share-operator")
    consent = fields["consent"] = gr.Checkbox(False, label=_(CONSENT), elem_id="share-consent")
    with gr.Row():
        opening = gr.Button(_("Open a link"), variant="primary", elem_id="share-open")
        closing = gr.Button(_("Close the link"), variant="stop", interactive=False, elem_id="share-close")
    state = gr.Markdown(_(NO_LINK), elem_id="share-state")
    facts = [
        gr.Textbox(
            label=_(label), visible=False, interactive=False, buttons=["copy"], elem_id=f"share-{name}"
        )
        for name, label in FACTS
    ]
    timer = gr.Timer(5.0, active=False)
    outputs = [*facts, state, opening, closing, timer]
    hidden: dict[str, Any] = {"api_visibility": "undocumented"}
    at_once: dict[str, Any] = {"queue": False, "show_progress": "hidden"} | hidden

    def wished(*values: Any) -> View:
        return open_link(desk, Wish(**dict(zip(fields, values, strict=True))))

    opening.click(
        shown(wished), [*fields.values()], outputs, concurrency_limit=1, trigger_mode="once", **hidden
    )
    kind.change(kind_chosen, kind, [warning, looking, reading, consent], **at_once)
    fields["choosing"].change(
        choosing_chosen,
        fields["choosing"],
        [fields[one] for one in ("cases", "seed", "queue", "named")],
        **at_once,
    )
    fields["study"].input(partial(offered, session), fields["study"], fields["reader"], **at_once)
    where = [fields["way"], fields["server"], fields["address"]]
    gr.on([where[0].change, where[1].change], choose, where[:2], [operator, *where[1:], consent], **at_once)
    closing.click(shown(partial(close_link, desk)), None, outputs, **hidden)
    lists = [fields["run_id"], fields["study"], fields["reader"]]
    come_to(
        shown(partial(looked_at, desk)),
        lists,
        [*lists, *outputs],
        api_name="share_open",
        show_progress="hidden",
        **hidden,
    )
    timer.tick(partial(view, desk), None, outputs, **at_once)


def _place_looking(fields: dict[str, Any]) -> None:
    """Place what is asked of a link to look at cases."""
    with gr.Row():
        fields["run_id"] = gr.Dropdown(
            label=_("Run"), choices=[], scale=3, min_width=280, elem_id="share-run"
        )
        fields["choosing"] = gr.Radio(
            [(_(words), one) for one, words in CHOICES.items()],
            value="random",
            label=_("Which cases"),
            elem_id="share-choosing",
        )
    with gr.Row():
        fields["cases"] = gr.Slider(
            1,
            MOST_CASES,
            value=USUAL_CASES,
            step=1,
            label=_("Cases (a random sample: of the test part, if there is one)"),
            min_width=280,
        )
        fields["seed"] = gr.Number(
            0,
            label=_("Seed"),
            precision=0,
            minimum=0,
            info=_("The same seed draws the same cases."),
            elem_id="share-seed",
        )
        fields["queue"] = gr.Dropdown(
            [(_(queue.title or name), name) for name, queue in QUEUES.items()],
            value=next(iter(QUEUES)),
            label=_("Queue (as it is for you; its first cases are shown)"),
            visible=False,
            elem_id="share-queue",
        )
        fields["named"] = gr.Textbox(
            label=_("Cases: file names or ids, each on a line"), lines=4, visible=False, elem_id="share-named"
        )
    fields["labels"] = gr.Checkbox(False, label=_("Show guests the labels that came with the data"))


def _place_ways(fields: dict[str, Any]) -> None:
    """Place what is asked of how guests connect."""
    usual = WAYS[ways()[0][1]]
    with gr.Row():
        fields["way"] = gr.Radio(
            ways(), value=ways()[0][1], label=_("How guests connect"), elem_id="share-way", min_width=280
        )
        fields["server"] = gr.Textbox(
            label=_("Your own server"),
            info=_(usual.server),
            visible=bool(usual.server),
            elem_id="share-server",
        )
        fields["address"] = gr.Textbox(
            label=_("Address that guests open"),
            info=_(usual.address),
            visible=bool(usual.address),
            elem_id="share-address",
        )
