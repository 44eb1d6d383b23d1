"""Addresses that only this window hands out: each ends in a signature over what it names.

Every route of our own asks `is_signed` before it does anything, so that there is one place where an address is
let in or refused. The secret is new with every start: old addresses die with the process.
"""

from __future__ import annotations

import hmac
import json
from hashlib import sha256
from urllib.parse import quote

from gui.web.session import AppSession


def signed_address(session: AppSession, *parts: str) -> str:
    """Return the address /part/part/…/signature, each part quoted, as a browser asks for it."""
    return f"{session.prefix}/" + "/".join(
        [*(quote(part, safe="") for part in parts), signature(session.secret, *parts)]
    )


def is_signed(session: AppSession, signed: str, *parts: str) -> bool:
    """Tell whether a signature is this session's over these parts; takes the same time however much is right."""
    # compared as bytes: compare_digest refuses text that is not ASCII
    return hmac.compare_digest(signature(session.secret, *parts).encode(), signed.encode())


def signature(secret: bytes, *parts: str) -> str:
    """Return 32 hexadecimal digits over the parts, whose borders count: ("a", "bc") is not ("ab", "c")."""
    return hmac.new(secret, json.dumps(parts).encode(), sha256).hexdigest()[:32]
