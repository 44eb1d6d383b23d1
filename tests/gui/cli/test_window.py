"""The link for guests from the command line: who carries the images is named before anybody consents."""

from __future__ import annotations

import io

import pytest

from engine.errors import ShareError
from gui.cli.readings.share import agreed
from gui.sharing import WAYS


@pytest.mark.parametrize(("way", "server"), [*((way, None) for way in WAYS), ("ssh", "you@bastion")])
def test_the_operator_is_named_before_consent_and_nothing_is_shared_without_it(
    way: str, server: str | None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))  # no terminal: nobody has read anything
    assert not agreed(False, way, server, "cases")
    told = capsys.readouterr().err
    assert told.index(WAYS[way].operator(server)) < told.index("add --yes")
    assert agreed(True, way, server, "cases")
    assert WAYS[way].operator(server) in capsys.readouterr().err


def test_an_unknown_way_is_answered_with_those_there_are() -> None:
    with pytest.raises(ShareError, match=r"no way “pigeon”.*Choose one of: gradio, ssh, cloudflared"):
        agreed(True, "pigeon", None, "cases")
