"""Cloudflare's quick tunnel, by the program `cloudflared` where it is installed: no account, a new address each time.

The program is given an empty configuration and none of the user's variables: a named tunnel that somebody has set up
for another purpose is neither used nor changed. It does not update itself. Where the connection is lost, it
connects again by itself; when it ends, the link ends.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from engine.language import N_, _, number
from gui.sharing.program import Program, ProgramEndedError
from gui.sharing.tunnel import Order, Tunnel, Way, no_tunnel

PROGRAM = "cloudflared"
ADDRESS = r"https://(?!api\.)[a-z0-9-]+\.trycloudflare\.com"
CONNECTED = r"Registered tunnel connection|Connection [0-9a-f-]+ registered"


def missing() -> str:
    """Say that the program is not installed."""
    return "" if shutil.which(PROGRAM) else _("the program cloudflared is not installed")


def command(port: int, configuration: Path) -> list[str]:
    """Return what is run."""
    return [
        PROGRAM,
        "tunnel",
        "--no-autoupdate",
        "--config",
        str(configuration),
        "--metrics",
        "127.0.0.1:0",
        "--url",
        f"http://127.0.0.1:{port}",
    ]


class QuickTunnel(Tunnel):
    """A tunnel that lives as long as its program."""

    def __init__(self, url: str, program: Program) -> None:
        super().__init__(url)
        self._program = program

    @property
    def pid(self) -> int:
        """Of the program."""
        return self._program.pid

    @property
    def open(self) -> bool:
        """Whether the program runs."""
        return self._program.running

    def close(self) -> None:
        """End the program."""
        self._program.end()


def dig(order: Order) -> Tunnel:
    """Start the program and wait for its address.

    Raises:
        ShareError: It is not installed, is refused, or does not answer in time.
    """
    if lacking := missing():
        raise no_tunnel(lacking, _("Install it from Cloudflare's site"))
    descriptor, name = tempfile.mkstemp(prefix="overread-cloudflared-", suffix=".yml")  # empty
    os.close(descriptor)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TUNNEL_")}
    try:
        program = Program(command(order.port, Path(name)), environment)
        try:
            url = program.wait_for(ADDRESS, CONNECTED, timeout=order.timeout)[0]
        except BaseException as error:
            program.end()
            if isinstance(error, ProgramEndedError):
                raise no_tunnel(
                    _("cloudflared could not open a tunnel"), _("Check the internet connection")
                ) from error
            if isinstance(error, TimeoutError):
                raise no_tunnel(
                    _("Cloudflare did not answer within {timeout} seconds").format(
                        timeout=number(order.timeout)
                    ),
                    _("Check the internet connection"),
                ) from error
            raise
    finally:
        Path(name).unlink(missing_ok=True)
    return QuickTunnel(url, program)


CLOUDFLARE = Way(
    title=N_("Public link through Cloudflare (trycloudflare.com)"),
    operator=lambda server: _("servers of Cloudflare, Inc. (trycloudflare.com)"),
    missing=missing,
    dig=dig,
)
