"""Accounts: passwords nobody can read back, sessions that end, and no telling who has an account."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.errors import ReviewError
from engine.reading.accounts import passwords
from engine.reading.accounts.accounts import IDLE, LONGEST_SESSION, Accounts
from engine.reading.people import Reader
from engine.reading.store import Store, open_store
from tests.readers import with_readers

RIGHT = "correct horse battery"


class Clock:
    def __init__(self) -> None:
        self.moment = datetime(2026, 1, 1, 8, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def later(self, **more: float) -> None:
        self.moment += timedelta(**more)


@pytest.fixture
def store(database: Path | str) -> Iterator[Store]:
    with open_store(database) as opened:
        yield with_readers(opened)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts(store: Store, clock: Clock) -> Accounts:
    made = store.accounts
    made.now = clock
    made.set_password("Ada", RIGHT)
    return made


def who(accounts: Accounts, token: str | None) -> str | None:
    found = accounts.signed_in(token or "")
    return None if found is None else found.name


def test_who_has_the_database_has_no_password_and_no_session(accounts: Accounts, store: Store) -> None:
    token = accounts.sign_in("Ada", RIGHT)
    assert who(accounts, token) == "Ada" and token is not None
    with store._database.read() as connection:
        kept = str(connection.exec_driver_sql("SELECT * FROM accounts").all())
        kept += str(connection.exec_driver_sql("SELECT * FROM web_sessions").all())
    assert "$argon2id$v=19$m=19456,t=2,p=1$" in kept
    assert RIGHT not in kept and token not in kept
    assert who(accounts, "") is who(accounts, token[:-1]) is who(accounts, token + "x") is None


@pytest.mark.parametrize(
    ("name", "password"),
    [("Ada", "wrong"), ("Ada", ""), ("Ben", RIGHT), ("Nobody", RIGHT), ("", ""), ("Ada", "x" * 10**6)],
)
def test_nobody_comes_in_by_another_name_or_password(accounts: Accounts, name: str, password: str) -> None:
    assert accounts.sign_in(name, password) is None


def test_how_long_it_takes_does_not_tell_who_has_an_account(accounts: Accounts) -> None:
    taken: dict[str, list[float]] = {"Ada": [], "Nobody": []}
    for _ in range(7):
        for name, times in taken.items():
            began = time.thread_time()
            accounts.sign_in(name, "a wrong password")
            times.append(time.thread_time() - began)
    ada, nobody = (statistics.median(times) for times in taken.values())
    assert 0.5 < ada / nobody < 2


def test_a_session_ends_when_nobody_is_there_and_after_a_working_day(
    accounts: Accounts, clock: Clock
) -> None:
    token = accounts.sign_in("Ada", RIGHT)
    clock.later(minutes=IDLE.total_seconds() / 60 - 1)
    assert who(accounts, token) == "Ada"  # and is seen now
    clock.later(minutes=IDLE.total_seconds() / 60 - 1)
    assert who(accounts, token) == "Ada"
    clock.later(minutes=IDLE.total_seconds() / 60 + 1)
    assert who(accounts, token) is None
    token = accounts.sign_in("Ada", RIGHT)
    for _ in range(int(LONGEST_SESSION / timedelta(minutes=30))):
        assert who(accounts, token) == "Ada"
        clock.later(minutes=30)
    clock.later(minutes=1)
    assert who(accounts, token) is None


def test_signing_out_ends_one_session_or_all_and_a_new_password_ends_all(accounts: Accounts) -> None:
    here, there = accounts.sign_in("Ada", RIGHT), accounts.sign_in("Ada", RIGHT)
    assert accounts.all()[0].signed_in == 2
    accounts.sign_out(here or "")
    assert (who(accounts, here), who(accounts, there)) == (None, "Ada")
    accounts.sign_out_everywhere("Ada")
    assert who(accounts, there) is None
    there = accounts.sign_in("Ada", RIGHT)
    accounts.set_password("Ada", RIGHT + " 2")
    assert who(accounts, there) is None and accounts.sign_in("Ada", RIGHT) is None
    assert who(accounts, accounts.sign_in("Ada", RIGHT + " 2")) == "Ada"


def test_a_disabled_account_is_shut_at_once_and_opens_by_the_same_password(accounts: Accounts) -> None:
    token = accounts.sign_in("Ada", RIGHT)
    accounts.disable("Ada")
    assert who(accounts, token) is None and accounts.sign_in("Ada", RIGHT) is None
    accounts.disable("Ada", disabled=False)
    assert who(accounts, token) is None  # and its old sessions stay ended
    assert who(accounts, accounts.sign_in("Ada", RIGHT)) == "Ada"
    with pytest.raises(ReviewError, match="Ben has no account"):
        accounts.disable("Ben")


@pytest.mark.parametrize("password", ["", "short", "x" * 201, "aaaaaaaaaaaaaa", "abcabcabcabc"])
def test_a_password_that_is_easily_guessed_is_refused(accounts: Accounts, password: str) -> None:
    with pytest.raises(ReviewError, match="password"):
        accounts.set_password("Ada", password)
    assert accounts.sign_in("Ada", RIGHT)


def test_a_hash_made_with_less_work_is_made_again_when_its_owner_signs_in(
    accounts: Accounts, store: Store
) -> None:
    weak = passwords.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(RIGHT)
    with store._database.write() as connection:
        connection.exec_driver_sql(f"UPDATE accounts SET password = '{weak}'")
    assert accounts.sign_in("Ada", RIGHT)
    with store._database.read() as connection:
        kept = connection.exec_driver_sql("SELECT password FROM accounts").scalar_one()
    assert not passwords.is_weaker_than_now(kept) and passwords.is_right(RIGHT, kept)


def test_a_person_of_two_spellings_signs_in_by_either_and_is_one(accounts: Accounts, store: Store) -> None:
    store.join_readers("Ben", "Ada")
    assert who(accounts, accounts.sign_in("Ben", RIGHT)) == "Ada"


@pytest.mark.parametrize(
    ("seconds_idle", "inside"), [(IDLE.total_seconds(), True), (IDLE.total_seconds() + 1, False)]
)
def test_a_session_lasts_to_the_last_second_that_nobody_is_there(
    accounts: Accounts, clock: Clock, seconds_idle: float, inside: bool
) -> None:
    token = accounts.sign_in("Ada", RIGHT)
    clock.later(seconds=seconds_idle)
    assert accounts.all()[0].signed_in == inside
    assert (who(accounts, token) == "Ada") is inside


def test_a_session_lasts_to_the_last_second_of_a_working_day_and_is_forgotten_after_it(
    accounts: Accounts, store: Store, clock: Clock
) -> None:
    def kept() -> list[tuple[str, str]]:
        with store._database.read() as connection:
            found = connection.exec_driver_sql("SELECT began, seen FROM web_sessions ORDER BY began").all()
        return [(row[0], row[1]) for row in found]

    began, token = clock.moment, accounts.sign_in("Ada", RIGHT)
    clock.later(seconds=60)
    assert who(accounts, token) == "Ada" and kept() == [(began.isoformat(), began.isoformat())]
    clock.later(seconds=1)  # more than a minute: it is written down that somebody is there
    assert who(accounts, token) == "Ada" and kept() == [(began.isoformat(), clock.moment.isoformat())]
    while clock.moment < began + LONGEST_SESSION:
        clock.moment = min(clock.moment + timedelta(minutes=59), began + LONGEST_SESSION)
        assert who(accounts, token) == "Ada"
    accounts.sign_in("Ada", RIGHT)
    assert len(kept()) == 2
    clock.later(seconds=1)
    assert who(accounts, token) is None and accounts.all()[0].signed_in == 1
    accounts.sign_in("Ada", RIGHT)
    assert [one for one, _ in kept()] == [
        (began + LONGEST_SESSION).isoformat(),
        (began + LONGEST_SESSION + timedelta(seconds=1)).isoformat(),
    ]


def test_accounts_are_listed_by_name_with_who_may_do_what(accounts: Accounts, store: Store) -> None:
    for name in ("Zoe", "cleo"):
        store.add_reader(Reader(reader_id="", name=name, role="administrator"))
        accounts.set_password(name, RIGHT)
    accounts.sign_in("cleo", RIGHT)
    told = [(one.reader.name, one.disabled, one.signed_in) for one in accounts.all()]
    assert told == [("Ada", False, 0), ("cleo", False, 1), ("Zoe", False, 0)]
    assert {one.changed for one in accounts.all()} == {accounts.now().isoformat()}
    assert accounts.administrators() == 2
    accounts.disable("Zoe")
    assert accounts.administrators() == 1 and [one.disabled for one in accounts.all()] == [False, False, True]
    accounts.disable("cleo")
    assert accounts.administrators() == 0


def test_what_a_browser_keeps_cannot_be_guessed_and_may_be_anything(accounts: Accounts) -> None:
    tokens = {accounts.sign_in("Ada", RIGHT) for _ in range(2)}
    assert len(tokens) == 2 and {len(token or "") for token in tokens} == {43}  # 32 bytes
    assert accounts.signed_in("\udcff") is None
    accounts.sign_out("\udcff")


@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        ("abcd567890", ""), ("abcd56789", "has 10 to 200 characters"),
        ("abcd" * 50, ""), ("abcd" * 50 + "a", "has 10 to 200 characters"),
        ("abcdabcdab", ""), ("abcabcabcd", ""), ("abcabcabca", "too easily guessed"),
        (" ADA BYRON of Ward 7 ", "too easily guessed"), ("ada byron of ward 7", "too easily guessed"),
    ],
)  # fmt: skip
def test_a_password_is_of_ten_to_two_hundred_characters_of_four_kinds_and_not_the_name(
    password: str, sentence: str
) -> None:
    if sentence:
        with pytest.raises(ReviewError, match=sentence):
            passwords.checked_password(password, "Ada Byron of Ward 7")
    else:
        assert passwords.checked_password(password, "Ada Byron of Ward 7") == password


def test_the_longest_password_is_right_and_what_is_no_hash_never_is() -> None:
    longest = "abcd" * 50
    kept = passwords.hashed(longest)
    assert passwords.is_right(longest, kept) and not passwords.is_right(longest[:-1], kept)
    too_long = passwords.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(longest + "a")
    assert not passwords.is_right(longest + "a", too_long), "it is not even looked at"
    assert not passwords.is_right(longest, "none")


def test_no_more_than_two_passwords_are_hashed_at_the_same_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    real, now, most, lock = passwords._HASHER, [0], [0], threading.Lock()

    class Counted:
        def hash(self, password: str) -> str:
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            try:
                return real.hash(password)
            finally:
                with lock:
                    now[0] -= 1

    monkeypatch.setattr(passwords, "_HASHER", Counted())
    with ThreadPoolExecutor(6) as threads:
        kept = list(threads.map(passwords.hashed, [RIGHT] * 8))
    assert most[0] == 2 and len(set(kept)) == 8
