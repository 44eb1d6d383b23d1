"""Share: open a link for guests after a plain warning, see when it ends, close it.

`build(session)` places the panel inside the current `gr.Blocks`. A window has one link at a time.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from threading import Lock
from typing import Any

import gradio as gr

from engine.errors import ShareError
from engine.report import counted
from gui.sharing import LONGEST_MINUTES, MOST_CASES, USUAL_CASES, WAYS, Share, share
from gui.web import AppSession, shown

WARNING = (
    "Guests see a **copy** of some cases: images, predictions and heatmaps, without names, dates, file names, "
    "comments or verdicts. They can look but cannot change anything. What is visible *in* an image stays there: "
    "**a name burned into an image is not removed.**"
)
CONSENT = (
    "I am allowed to show these images to the people I give the link to, and to send them through the computers "
    "named above; no image has a name burned in"
)
NO_LINK = "No link is open."

View = tuple[Any, ...]  # link, user, password, command, state, open button, close button, timer


class Desk:
    """The one link that a window may have open."""

    def __init__(self, session: AppSession) -> None:
        self.session = session
        self.link: Share | None = None
        self.turn = Lock()


def run_choices(session: AppSession) -> list[tuple[str, str]]:
    """Return (words, run id) of every run that has cases."""
    return [
        (
            f"{run.dataset_name} · {run.recipe_name} · {run.created:%d %b %Y} · {counted(run.cases, 'case')}",
            run.run_id,
        )
        for run in session.store.runs()
        if run.cases
    ]


def ways() -> list[tuple[str, str]]:
    """Return (words, key of `WAYS`) of the ways that this computer has."""
    return [(way.title, name) for name, way in WAYS.items() if not way.missing()]


def passage(way: str, server: str) -> str:
    """Say whose computers the images would pass through, before anybody consents to it."""
    lacking = [f"{one.title}: {one.missing()}." for one in WAYS.values() if one.missing()]
    return " ".join(
        [f"The images will pass through **{WAYS[way].operator(server.strip() or None)}**.", *lacking]
    )


def choose(way: str, server: str) -> View:
    """Return what the panel shows of a way: its operator, its own fields, and a consent not given yet."""
    return (
        passage(way, server),
        gr.update(visible=bool(WAYS[way].server), info=WAYS[way].server),
        gr.update(visible=bool(WAYS[way].address), info=WAYS[way].address),
        gr.update(value=False),
    )


def open_link(
    desk: Desk,
    run_id: str | None,
    cases: float,
    minutes: float,
    labels: bool,
    way: str,
    server: str,
    address: str,
    consent: bool,
) -> View:
    """Open a link and show it.

    Raises:
        ShareError: There was no consent, a link is open already, or none can be had.
    """
    if not consent:
        raise ShareError("Nothing was shared", "Read the warning and tick the box below it first")
    if not run_id:
        raise ShareError("There is no run to share", "Train a model, then open this page again")
    with desk.turn:
        if desk.link is not None and desk.link.is_open:
            raise ShareError("A link is already open", "Close it first")
        session = desk.session
        desk.link = share(
            session.workspace,
            session.store,
            run_id,
            minutes=minutes,
            cases=int(cases),
            labels=labels,
            via=way,
            server=(WAYS[way].server and server.strip()) or None,
            address=(WAYS[way].address and address.strip()) or None,
        )
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
        state = NO_LINK if link is None else link.note or "The link has ended."
        facts: list[Any] = [gr.update(value="", visible=False) for _ in range(4)]
    else:
        left = max(0, round((link.expires_at - (now or datetime.now(UTC))).total_seconds() / 60))
        state = (
            f"The link is open and closes automatically in {left or 'less than 1'} min, "
            f"at {link.expires_at.astimezone():%H:%M}, or when Overread ends. "
            "Send the password separately from the link."
        )
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


def looked_at(desk: Desk) -> View:
    """Return what the panel shows when the page is loaded: the runs of now, and the link if one is open."""
    choices = run_choices(desk.session)
    return gr.update(choices=choices, value=choices[0][1] if choices else None), *view(desk)


def build(session: AppSession) -> None:
    """Place and wire the panel inside the current `gr.Blocks`; nothing in a guest's window."""
    if session.read_only:
        return
    desk = Desk(session)
    gr.Markdown(WARNING)
    with gr.Row():
        run = gr.Dropdown(label="Run", choices=[], scale=3, elem_id="share-run")
        cases = gr.Slider(
            1,
            MOST_CASES,
            value=USUAL_CASES,
            step=1,
            label="Cases (a random sample: of the test part, if there is one)",
        )
        minutes = gr.Slider(5, LONGEST_MINUTES, value=60, step=5, label="Closes after (minutes)")
    with gr.Row():
        way = gr.Radio(ways(), value=ways()[0][1], label="How guests connect", elem_id="share-way")
        usual = WAYS[ways()[0][1]]
        server = gr.Textbox(
            label="Your own server", info=usual.server, visible=bool(usual.server), elem_id="share-server"
        )
        address = gr.Textbox(
            label="Address that guests open",
            info=usual.address,
            visible=bool(usual.address),
            elem_id="share-address",
        )
        labels = gr.Checkbox(False, label="Show guests the labels that came with the data")
    operator = gr.Markdown(passage(ways()[0][1], ""), elem_id="share-operator")
    consent = gr.Checkbox(False, label=CONSENT, elem_id="share-consent")
    with gr.Row():
        opening = gr.Button("Open a link", variant="primary", elem_id="share-open")
        closing = gr.Button("Close the link", variant="stop", interactive=False, elem_id="share-close")
    state = gr.Markdown(NO_LINK, elem_id="share-state")
    facts = [
        gr.Textbox(label=label, visible=False, interactive=False, buttons=["copy"], elem_id=f"share-{name}")
        for name, label in (
            ("url", "Link"),
            ("user", "User"),
            ("password", "Password"),
            ("command", "Run this command on this computer; guests then open the link on that server"),
        )
    ]
    timer = gr.Timer(5.0, active=False)
    outputs = [*facts, state, opening, closing, timer]
    hidden: dict[str, Any] = {"api_visibility": "undocumented"}
    opening.click(
        shown(partial(open_link, desk)),
        [run, cases, minutes, labels, way, server, address, consent],
        outputs,
        concurrency_limit=1,
        trigger_mode="once",
        **hidden,
    )
    gr.on(
        [way.change, server.change],
        choose,
        [way, server],
        [operator, server, address, consent],
        queue=False,
        show_progress="hidden",
        **hidden,
    )
    closing.click(shown(partial(close_link, desk)), None, outputs, **hidden)
    gr.on(fn=shown(partial(looked_at, desk)), outputs=[run, *outputs], **hidden)
    timer.tick(partial(view, desk), None, outputs, queue=False, show_progress="hidden", **hidden)
