"""The window: the pages in clinical order, and the server that shows them on this computer alone.

    session.open_session(workspace) -> AppSession
    build_app(session) -> gr.Blocks         Data · Train · Review · Studies · Report · Share
    start(session) -> Window                serving in the background, until Window.close()
    serving.serve(workspace)                both, until Ctrl-C, with something to see before Gradio is loaded

To add a page, write its module with a `build(session)` and add a line to `PAGES`. A page is imported when it is
placed: a window for guests has one of them, and starts without what the others need.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

import gradio as gr

from engine.language import _
from gui.door import (
    BackgroundServer,
    Entrance,
    Guard,
    Key,
    Members,
    OwnRoute,
    Public,
    Room,
    language_menu,
    menu_script,
    openings_of,
)
from gui.languages import Pages, words_route
from gui.listening import ADDRESS, bound, check_alone, choose_port, hosts_of, url_of
from gui.mounting import keep_to_ourselves, mounted, name_now, together, who_route
from gui.pages.data import MOST_BYTES, picture_route, take_route
from gui.pages.studies import study_routes
from gui.web import (
    ADMINISTRATOR,
    INVITED,
    ROLES,
    ROLES_OF_PAGES,
    ROUTES,
    AppSession,
    image_route,
    keep_to,
    markup,
    may,
    rights_of,
    static_pane,
    web_file,
)


@dataclass(frozen=True, kw_only=True)
class Page:
    """One tab.

    Attributes:
        called: Returns what stands on the tab, in the language that is spoken.
        module: Its `build(session)` places the page inside the current `gr.Blocks`.
        for_guests: Whether a read-only window has it.
    """

    called: Callable[[], str]
    module: str
    for_guests: bool = False

    @property
    def title(self) -> str:
        """On the tab."""
        return self.called()


PAGES: dict[str, Page] = {
    "data": Page(called=lambda: _("Data"), module="gui.pages.data.page"),
    "train": Page(called=lambda: _("Train"), module="gui.pages.train.page"),
    "review": Page(called=lambda: _("Review"), module="gui.pages.review.page", for_guests=True),
    "studies": Page(called=lambda: _("Studies"), module="gui.pages.studies.page"),
    "report": Page(called=lambda: _("Report"), module="gui.pages.report.page"),
    "share": Page(called=lambda: _("Share"), module="gui.pages.share.page"),
}
FOR_INVITED = {"reading": Page(called=lambda: _("Reading"), module="gui.pages.studies.invited")}
"""All that a window has for a reader who was invited to a study."""

# Gradio's own colours fail AA on the primary and the stop button, on quiet text and in empty fields.
THEME = gr.themes.Default(
    primary_hue="sky",
    neutral_hue="slate",
    radius_size="md",
    font=["system-ui", "Segoe UI", "Liberation Sans", "sans-serif"],
    font_mono=["ui-monospace", "DejaVu Sans Mono", "monospace"],
).set(
    button_primary_background_fill="*primary_700",
    button_primary_background_fill_hover="*primary_800",
    button_primary_background_fill_dark="*primary_700",
    button_primary_background_fill_hover_dark="*primary_800",
    button_primary_text_color="white",
    button_cancel_background_fill="#b91c1c",
    button_cancel_background_fill_dark="#b91c1c",
    button_cancel_background_fill_hover="#991b1b",
    button_cancel_background_fill_hover_dark="#991b1b",
    body_text_color_subdued="*neutral_600",
    body_text_color_subdued_dark="*neutral_300",
    input_placeholder_color="*neutral_500",
    input_placeholder_color_dark="*neutral_400",
    block_info_text_color="*neutral_600",
    block_info_text_color_dark="*neutral_300",
)
SCRIPTS = ("here.js", "known.js", "fields.js")
STYLES = ("pages.css", "digits.css")
# Not as Gradio's css, which rewrites selectors and leaves out what is for a medium.
HEAD = (
    "<style>\n"
    + "".join(map(web_file, STYLES))
    + "</style><script>\n"
    + "".join(map(web_file, SCRIPTS))
    + "</script>"
)


LOOK = {"theme": THEME, "head": HEAD}


def import_pages() -> None:
    """Import every page now: whoever has seconds to spare before the window opens spends them here."""
    for page in PAGES.values():
        import_module(page.module)


def build_app(
    session: AppSession, *, page: str = "review", run_id: str | None = None, role: str = ADMINISTRATOR
) -> gr.Blocks:
    """Place every page that a role has.

    Args:
        session: The open window.
        page: A key of `PAGES`: the tab that is open first.
        run_id: The run that the review page begins with; None means the newest.
        role: Whose pages; without accounts whoever is let in has all.
    """
    pages = {
        name: one
        for name, one in (FOR_INVITED if session.invited else PAGES).items()
        if (one.for_guests or not session.read_only) and may(role, ROLES_OF_PAGES, name)
    }

    def place() -> None:
        ends = f"Object.assign(window.overread, {json.dumps({'away': _away(session, role), 'over': _over(session)})});"
        gr.HTML(language_menu(), js_on_load=f"{menu_script()}\n{ends}", padding=False, elem_id="language")
        if not (session.read_only or session.invited):
            static_pane("gui.web", "guide", ["guide.js"], elem_id="guide")
        usual = "reading" if session.invited else "review"
        with gr.Tabs(selected=page if page in pages else usual, elem_id="pages"):
            for name, one in pages.items():
                with gr.Tab(one.title, id=name, elem_id=f"page-{name}"):
                    gr.HTML(markup.page_title(one.title), padding=False)
                    build = import_module(one.module).build
                    if name == "review":
                        build(session, run_id)
                    else:
                        build(session)

    return Pages(
        place, title="Overread", analytics_enabled=False, delete_cache=(3600, 86400), fill_width=True
    )


def _away(session: AppSession, role: str) -> str:
    """Return what somebody can do where no answer comes, who has no program to look after; empty for who has one."""
    if role in ROLES and role != ADMINISTRATOR:
        return _(
            "Overread is not responding, or the connection is broken. Try again in a minute; if that does not help, "
            "tell your administrator."
        )
    if session.invited or session.read_only:
        return _(
            "The link has ended, or the connection is broken. Whoever sent you the link can open it again."
        )
    return ""


def _over(session: AppSession) -> str:
    """Return what somebody is told whose link's time is over; the page knows at what time that was."""
    if session.invited:
        return _(
            "The time of this link ran out at {time}. What you had answered by then is stored. Whoever sent you the "
            "link can send another."
        )
    return _("The time of this link ran out at {time}. Whoever sent you the link can send another.")


@dataclass(frozen=True, kw_only=True)
class Window:
    """A running server.

    Attributes:
        url: Where it is, for the browser on this computer.
        address: What a person opens: with the key where the window has one.
        port: On 127.0.0.1.
        session: What it shows.
        app: The pages.
        guard: Who is let in, and what answers.
        further: The pages of other roles, where readers sign in.
    """

    url: str
    address: str
    port: int
    session: AppSession
    app: gr.Blocks
    guard: Guard
    further: tuple[gr.Blocks, ...] = ()

    def close(self) -> None:
        """End the server, and the sittings that are open; training goes on in its own process."""
        for app in self.further:
            app.close(verbose=False)
        self.app.close(verbose=False)
        for end in self.session.endings:
            end()
        self.session.endings.clear()
        self.session.explaining.close()


def start(
    session: AppSession,
    *,
    port: int | None = None,
    page: str = "review",
    run_id: str | None = None,
    entrance: Entrance | None = None,
    host: str = ADDRESS,
    public: Public | None = None,
    listening: socket.socket | None = None,
) -> Window:
    """Serve the pages in the background: to this computer alone, or to whoever has an account.

    Args:
        session: The open window.
        port: The port to use; None takes the first free one from 7860.
        page: The tab that is open first.
        run_id: The run that the review page begins with.
        entrance: How somebody is let in; None means by a new key.
        host: Where to listen.
        public: The address by which the window is reached through a proxy.
        listening: Where it listens, bound already; None binds `port` at `host`.

    Raises:
        EngineError: The port is in use or may not be used, or strangers could reach a window without accounts.
    """
    entrance, public = entrance or Key(), public or Public()
    members = isinstance(entrance, Members)
    if not members:
        check_alone(host)
    invited = session.invited
    session = replace(
        session, prefix=public.prefix, signed_in=(lambda: invited.reader) if invited else name_now
    )
    files = keep_to_ourselves(session.workspace)
    listening = listening or bound(host, choose_port(port, host))
    number = int(listening.getsockname()[1])
    hosts = hosts_of(host, number) | ({public.host} if public.host else set())
    alone = INVITED if invited else ""
    made = {} if members else {alone: _room(session, files, page=page, run_id=run_id, role=alone)}
    for role in ROLES if members else ():
        alike = next((one for one in made if rights_of(one) == rights_of(role)), None)
        made[role] = made[alike] if alike else _room(session, files, page=page, run_id=run_id, role=role)
    app, first = next(iter(made.values()))
    further = {id(one): one for one, _ in made.values() if one is not app}
    guard = Guard(
        together([room for _, room in made.values()]),
        hosts=lambda: hosts | {host.lower() for host in session.hosts},
        entrance=entrance,
        openings=first.openings,
        cookie=f"overread-{number}",
        rooms={role: room for role, (_, room) in made.items()} if members else None,
        public=public,
    )
    app.server = BackgroundServer(guard, listening)  # type: ignore[assignment]  # Gradio knows its own alone
    app.is_running = True  # so that `close` ends the queue, the streams and the server
    url = url_of(host, number)
    address = public.url or url + (entrance.query if isinstance(entrance, Key) else "")
    return Window(
        url=url,
        address=address,
        port=number,
        session=session,
        app=app,
        guard=guard,
        further=tuple(further.values()),
    )


def _room(
    session: AppSession, files: Path, *, page: str, run_id: str | None, role: str = ""
) -> tuple[gr.Blocks, Room]:
    """Return the pages, and what answers, of a role; of a window without accounts where there is none."""
    if role == "guest":
        session = replace(session, read_only=True)
    app = build_app(session, page=page, run_id=run_id, role=role or ADMINISTRATOR)
    own = [one for one in own_routes(session) if one.for_guests or not session.read_only]
    if role:
        keep_to(role, app, session.signed_in)
        own = [one for one in (*own, who_route()) if may(role, ROUTES, one.route.path)]
    return app, Room(
        mounted(app, own, LOOK, prefix=session.prefix, accounts=role in ROLES), openings_of(app, own, files)
    )


def own_routes(session: AppSession) -> list[OwnRoute]:
    """Return every route of ours: to add one, add a line."""
    return [
        OwnRoute(route=image_route(session), for_guests=True),
        OwnRoute(route=picture_route(session)),
        *(OwnRoute(route=route) for route in study_routes(session)),
        OwnRoute(route=take_route(session), largest_body=MOST_BYTES),
        words_route(),
    ]
