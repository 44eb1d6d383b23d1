"""The one page of a reader who was invited to a study: a few words and the reading screen, and no list of anything.

Study and reader are the window's own (`gui.web.Invited`), whatever a page may ask for.
"""

from __future__ import annotations

from gui.pages.studies.page import place_room
from gui.pages.studies.rounds import Rounds
from gui.web import AppSession, static_pane


def build(session: AppSession) -> None:
    """Place the page inside the current `gr.Blocks`."""
    static_pane("gui.pages.studies.invited_pane", "invited", ["invited.js"], elem_id="studies-desk")
    place_room(Rounds(session))
