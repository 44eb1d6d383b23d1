"""What a server's failures mean to a person, by their SQLSTATE, which is the same in every language and version."""

from __future__ import annotations

import re
from collections.abc import Mapping

from engine.language import N_

AWAY = (
    N_("The database server is not responding ({name})"),
    N_("Check its address, that it is running, and the network"),
)
TRY_AGAIN = (
    N_("The database server is busy or is being restarted ({name})"),
    N_("Wait a moment and try again"),
)
# The beginning of a SQLSTATE → what is wrong, and what to do. The longest that fits counts.
SENTENCES: Mapping[str, tuple[str, str]] = {
    "08": AWAY,
    "57P": TRY_AGAIN,
    "53300": (
        N_("The database server takes no further connections ({name})"),
        N_("Close other programs that use it, or raise its max_connections"),
    ),
    "53100": (
        N_(
            "The disk of the database server is full, so nothing more can be stored; what was stored before is "
            "kept ({name})"
        ),
        N_("Free some space there and try again"),
    ),
    "53": (
        N_("The database server has no room or memory left ({name})"),
        N_("Ask whoever runs it, and try again"),
    ),
    "28": (
        N_("The database server does not let this user in ({name})"),
        N_(
            "Check user and password in the database URL, and that pg_hba.conf lets them in from this computer"
        ),
    ),
    "3D": (
        N_("The database server has no database of that name ({name})"),
        N_("Make it (createdb NAME), or correct the name in the database URL"),
    ),
    "42501": (
        N_("This user of the database server may not do that ({name})"),
        N_(
            "Let the user that the database URL names own the database, or give it the right to make tables in it"
        ),
    ),
    "25006": (
        N_("The database server may only be read: it is a copy of another, or was made read-only ({name})"),
        N_("Name the server that may be written to in the database URL"),
    ),
    "40": TRY_AGAIN,
    "55P03": (
        N_("The database is locked by another program ({name})"),
        N_("Wait until it has ended and try again"),
    ),
    "58": (N_("The disk of the database server failed ({name})"), N_("Ask whoever runs it, and try again")),
}
# A server that refuses a connection says why in words alone: its driver has no SQLSTATE at that moment.
REFUSALS: tuple[tuple[str, str], ...] = (
    (r'database "[^"]*" does not exist', "3D"),
    (r"authentication failed|role \"[^\"]*\" does not exist|pg_hba\.conf|no password supplied", "28"),
    (r"too many (clients|connections)|remaining connection slots", "53300"),
    (r"starting up|shutting down|not yet accepting|recovery mode", "57P"),
)


def sentences_of(error: BaseException | None) -> tuple[str, str] | None:
    """Return what is wrong and what to do; None for a defect of ours."""
    kinds = [kind.__name__ for kind in type(error).__mro__]
    state = getattr(error, "sqlstate", None) or ""
    for length in range(len(state), 0, -1):
        if state[:length] in SENTENCES:
            return SENTENCES[state[:length]]
    if "OperationalError" not in kinds:
        return None
    said = next((known for words, known in REFUSALS if re.search(words, str(error))), "08")
    return SENTENCES[said]
