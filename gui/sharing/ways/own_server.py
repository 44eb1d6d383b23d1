"""A server of one's own, by `ssh -R`: nobody else is in between.

With a server named, ssh is run here, kept up, and ended with the link; without one, the command is told. ssh asks
nothing: a host whose key is not known is refused, and so is one that wants a password. No agent, no display and no
other connection goes along. Only programs on the server reach the port that opens there: people who work on it, or the
web server that passes it on under the address given. The server chooses the port, unless one is named
(`you@your-server,8088`).
"""

from __future__ import annotations

import re
import shutil
import threading
import time
from contextvars import copy_context
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from engine.errors import ShareError
from engine.language import N_, _, isolated
from gui.sharing.program import Program, ProgramEndedError
from gui.sharing.tunnel import Order, Tunnel, Way, no_tunnel

PROGRAM = "ssh"
SERVER = re.compile(r"(?P<destination>(ssh://)?[\w.@%+\[\]:][\w.@%+\[\]:-]*)(,(?P<port>\d{1,5}))?", re.ASCII)
OPTIONS = {
    "BatchMode": "yes",  # never asks
    "StrictHostKeyChecking": "yes",
    "ExitOnForwardFailure": "yes",
    "ServerAliveInterval": "15",
    "ServerAliveCountMax": "3",
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "PermitLocalCommand": "no",
    "ControlMaster": "no",
    "ControlPath": "none",  # a connection that others share would outlive the link
    "RequestTTY": "no",
}
ANY_PORT = 0
UP = r"remote forward success for:"
UP_SOMEWHERE = r"Allocated port (\d+) for remote forward"
LONGEST_OUTAGE = 300.0  # seconds without a connection after which the link ends
LONGEST_PAUSE = 15.0  # seconds between two tries

# What ssh says → what is wrong, and what to do.
REASONS = {
    "HOST IDENTIFICATION HAS CHANGED|Host key verification failed|host key is known": (
        N_("the host key of {server} is not among those that ssh knows"),
        N_(
            "Connect once with `ssh {server}` and compare its fingerprint with the one that its administrator tells"
        ),
    ),
    "Permission denied|Too many authentication failures": (
        N_("{server} does not let you in without a password"),
        N_("Set up a key for it, and load it with ssh-add where it has a passphrase"),
    ),
    "remote port forwarding failed|remote forward failure": (
        N_("{server} does not open {port}: it is in use there, or forwarding is not allowed"),
        N_("Ask its administrator, or close what uses the port"),
    ),
    "Could not resolve hostname": (N_("there is no server named {server}"), N_("Check its name")),
    "Connection refused|timed out|No route to host|unreachable|Connection closed|Connection reset": (
        N_("{server} cannot be reached by ssh"),
        N_("Check the network and that the server is running"),
    ),
}


def ssh_command(port: int | str) -> str:
    """Return the command that lets colleagues in through a server of one's own, without any third party."""
    return f"ssh -N -R 127.0.0.1:{port}:127.0.0.1:{port} you@your-server"


@dataclass(frozen=True, kw_only=True)
class Forward:
    """A port of the server that leads to one of ours.

    Attributes:
        destination: As ssh takes it.
        outside: The port there, or `ANY_PORT`.
        inside: The port here.
        timeout: Seconds to connect.
    """

    destination: str
    outside: int
    inside: int
    timeout: float


def command(forward: Forward) -> list[str]:
    """Return what is run."""
    settings = {**OPTIONS, "ConnectTimeout": str(max(1, round(forward.timeout)))}
    options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    ports = f"127.0.0.1:{forward.outside}:127.0.0.1:{forward.inside}"
    return [PROGRAM, "-v", "-N", "-T", "-a", "-x", *options, "-R", ports, "--", forward.destination]


def connect(forward: Forward) -> tuple[Program, int]:
    """Run ssh until the port is open on the server; return the program and the port there.

    Raises:
        ShareError: With what ssh says against it.
    """
    program = Program(command(forward))
    try:
        up = UP_SOMEWHERE if forward.outside == ANY_PORT else UP
        (found,) = program.wait_for(
            up, timeout=forward.timeout + 2
        )  # ssh itself says first what it waited for
    except BaseException as error:
        program.end()
        if isinstance(error, ProgramEndedError | TimeoutError):
            said = "timed out" if isinstance(error, TimeoutError) else str(error)
            raise _refused(said, forward) from error
        raise
    return program, int(found) if forward.outside == ANY_PORT else forward.outside


def _refused(said: str, forward: Forward) -> ShareError:
    for pattern, (reason, remedy) in REASONS.items():
        if re.search(pattern, said):
            named = {
                "server": forward.destination,
                "port": _("port {number}").format(number=forward.outside) if forward.outside else _("a port"),
            }
            return no_tunnel(_(reason).format(**named), _(remedy).format(**named))
    last = next((line for line in reversed(said.splitlines()) if not line.startswith("debug1:")), "nothing")
    return no_tunnel(
        _("ssh to {destination} ended and said: {last}").format(
            destination=forward.destination, last=isolated(last.strip())
        ),
        _("Try `ssh {destination}` by hand").format(destination=forward.destination),
    )


class SshTunnel(Tunnel):
    """A connection that is made again where it is lost, until it is closed or nobody answers for long."""

    def __init__(self, url: str, program: Program, forward: Forward) -> None:
        super().__init__(url)
        self._program = program
        self._forward = forward
        self._closing = threading.Event()
        self._lost = False
        keep = copy_context().run  # what it notes is in the language of whoever opened the link
        self._keeper = threading.Thread(target=keep, args=(self._keep,), daemon=True, name="ssh")
        self._keeper.start()

    @property
    def pid(self) -> int:
        """Of ssh."""
        return self._program.pid

    @property
    def open(self) -> bool:
        """Whether ssh runs, or is to run again."""
        return not self._lost

    def close(self) -> None:
        """End ssh, and let it not begin again."""
        self._closing.set()
        self._program.end()
        self._keeper.join()
        self._program.end()  # one that was just beginning

    def _keep(self) -> None:
        while not self._closing.is_set():
            self._program.wait()
            if not self._closing.is_set() and not self._reconnect():
                self._lost = not self._closing.is_set()
                return

    def _reconnect(self) -> bool:
        lost_at, pause = time.monotonic(), 1.0
        told = _("The connection to {server} was lost; ssh is trying again.")
        self.note = told.format(server=isolated(self._forward.destination))
        while time.monotonic() - lost_at < LONGEST_OUTAGE and not self._closing.wait(pause):
            try:
                self._program = connect(self._forward)[0]
            except ShareError as error:
                self.note = _("{problem}; ssh is trying again.").format(problem=error.problem)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                self.note = ""
                return True
        return False


def dig(order: Order) -> Tunnel:
    """Run ssh, or tell the command where no server is named.

    Raises:
        ShareError: The server or the address is none, or ssh gets nowhere.
    """
    if order.address:
        _check_address(order.address)
    if order.server is None:
        here = order.address or f"http://127.0.0.1:{order.port}"
        return Tunnel(here, command=ssh_command(order.port))
    server = SERVER.fullmatch(order.server)
    if server is None:
        raise ShareError(
            _("“{server}” is no server").format(server=isolated(order.server)),
            _("Write it as ssh takes it: you@your-server"),
        )
    if lacking := missing():
        raise no_tunnel(lacking, _("Install OpenSSH's client"))
    forward = Forward(
        destination=server["destination"],
        outside=int(server["port"] or ANY_PORT),
        inside=order.port,
        timeout=order.timeout,
    )
    program, outside = connect(forward)
    url = order.address or f"http://127.0.0.1:{outside}"
    return SshTunnel(url, program, replace(forward, outside=outside))  # guests know the port: it stays


def _check_address(address: str) -> None:
    """Refuse what guests' passwords would go to in the clear.

    Raises:
        ShareError: It is no https address, nor one of the server itself.
    """
    named = urlsplit(address)
    local = named.hostname in ("127.0.0.1", "localhost")
    if not named.hostname or not (named.scheme == "https" or (named.scheme == "http" and local)):
        raise ShareError(
            _("“{address}” is no safe address for guests").format(address=isolated(address)),
            _("Give the https address under which your server passes it on"),
        )


def missing() -> str:
    """Say that ssh is not installed; the command can be told all the same."""
    return "" if shutil.which(PROGRAM) else _("the program ssh is not installed")


OWN_SERVER = Way(
    title=N_("A server of your own, by ssh"),
    operator=lambda server: (
        _("{server}, and no third party").format(server=isolated(server))
        if server
        else _("the server that you name in the command, and no third party")
    ),
    missing=missing,
    dig=dig,
    server=N_("you@your-server, as ssh takes it; without one, the command to run is shown"),
    address=N_("where your server passes it on: https://…"),
)
