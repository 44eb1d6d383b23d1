"""Passwords, hashed by argon2id (RFC 9106) so that whoever has the database has no password."""

from __future__ import annotations

import threading

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from engine.errors import ReviewError

SHORTEST, LONGEST = 10, 200
AT_ONCE = 2
"""Passwords that are hashed at the same moment: each takes 19 MiB and a core for a while."""
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)
_turns = threading.BoundedSemaphore(AT_ONCE)


def hashed(password: str) -> str:
    """Return what is kept of a password."""
    with _turns:
        return _HASHER.hash(password)


def is_right(password: str, kept: str) -> bool:
    """Tell whether a password is the one whose hash is kept. It takes the same time however much is right."""
    if len(password) > LONGEST:
        return False
    try:
        with _turns:
            return _HASHER.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False


def is_weaker_than_now(kept: str) -> bool:
    """Tell whether a hash was made with less work than is usual now."""
    return _HASHER.check_needs_rehash(kept)


def checked_password(password: str, name: str) -> str:
    """Return a password that may be used.

    Raises:
        ReviewError: It is too short, too long, the name, or one letter again and again.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise ReviewError(f"A password has {SHORTEST} to {LONGEST} characters", "Choose another one")
    if password.casefold().strip() == name.casefold() or len(set(password)) < 4:
        raise ReviewError("This password is too easily guessed", "Choose another one")
    return password
