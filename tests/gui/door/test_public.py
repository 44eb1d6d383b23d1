"""The public address: what it says, and what is believed of a proxy."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import EngineError
from gui.door.public import Public, public_address


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("https://Hospital.example/overread/", "https://hospital.example/overread/"),
        ("https://hospital.example:443", "https://hospital.example/"),
        ("http://10.0.0.5:8080/a/b", "http://10.0.0.5:8080/a/b/"),
        ("https://[fe80::1]:8443/", "https://[fe80::1]:8443/"),
    ],
)
def test_an_address_is_taken_as_people_write_it(written: str, url: str) -> None:
    assert public_address(written).url == url


@pytest.mark.parametrize(
    "written",
    [
        "",
        "hospital.example",
        "ftp://hospital.example/",
        "https://",
        "https://h:port/",
        "https://h/?x=1",
        "https://h/#x",
        "https://ada:pw@h/",
        "https://h//x",
        'https://h/"><script>',
        "https://h/a b",
        "javascript:alert(1)",
    ],
)
def test_what_is_no_address_of_a_page_is_refused(written: str) -> None:
    with pytest.raises(EngineError, match="no address of a page"):
        public_address(written)


def seen(public: Public, path: str = "/", **headers: str) -> dict[str, Any]:
    encoded = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "path": path, "raw_path": path.encode(), "headers": encoded}
    return dict(public.received(scope | {"scheme": "http", "client": ("127.0.0.1", 5)}))


def test_nothing_that_anybody_may_write_is_believed() -> None:
    told = {"x_forwarded_for": "1.2.3.4", "x_forwarded_host": "evil.example", "x_forwarded_proto": "https"}
    told |= {
        "forwarded": "for=1.2.3.4;host=evil.example",
        "x_real_ip": "1.2.3.4",
        "X-Forwarded_Prefix": "/evil",
    }
    for public in (Public(), public_address("https://h/overread")):
        got = seen(public, host="other", **told)
        assert [name for name, _ in got["headers"]] == [b"host"]
        assert (got["scheme"], got["client"]) == ("http", ("127.0.0.1", 5))


def test_of_a_proxy_that_is_trusted_its_own_word_is_believed_and_no_more() -> None:
    public = public_address("https://h/overread/", trusts_proxy=True)
    got = seen(public, "/overread/assets/x", host="H", x_forwarded_for="9.9.9.9, 8.8.8.8")
    assert got["client"] == (
        "8.8.8.8",
        0,
    )  # the proxy wrote the last; whoever asked may have written the others
    assert (got["scheme"], got["path"], got["raw_path"]) == ("https", "/assets/x", b"/assets/x")


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ("/overread", "/"),
        ("/overread/", "/"),
        ("/overread/x", "/x"),
        ("/x", "/x"),
        ("/overreadx", "/overreadx"),
    ],
)
def test_a_proxy_may_take_the_prefix_off_or_leave_it(asked: str, path: str) -> None:
    assert seen(public_address("https://h/overread/"), asked)["path"] == path
