"""Where a window listens: host, port, and by which names browsers may call it.

A window without accounts is for this computer alone, and listens nowhere else.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import sys
from collections.abc import Iterable

import psutil

from engine.errors import EngineError
from gui.door import local_hosts

ADDRESS = "127.0.0.1"
FIRST_PORT, LAST_PORT = 7860, 7959


def is_this_computer_alone(host: str) -> bool:
    """Tell whether a host is reached from this computer alone.

    Raises:
        EngineError: There is no such host.
    """
    return all(ipaddress.ip_address(each).is_loopback for _, each in _addresses(host))


def check_alone(host: str) -> None:
    """Refuse a host at which strangers could reach a window without accounts.

    Raises:
        EngineError: They could, or there is no such host.
    """
    if not is_this_computer_alone(host):
        raise EngineError(
            f"At {host} other computers could reach these pages, and no one would be asked who they are",
            "Add --auth, with an account for each reader (overread accounts add NAME), or leave --host out",
        )


def url_of(host: str, port: int) -> str:
    """Return where a browser on this computer finds a window."""
    return f"http://{ADDRESS if host == ADDRESS else reached_at(host)}:{port}"


def hosts_of(host: str, port: int) -> frozenset[str]:
    """Return what browsers may send as Host: this computer's names and addresses where they can be reached."""
    if is_this_computer_alone(host):
        return local_hosts(port)
    own: Iterable[str] = [address for _, address in _addresses(host)]
    if any(ipaddress.ip_address(each).is_unspecified for each in own):
        cards = psutil.net_if_addrs().values()
        own = [
            one.address for card in cards for one in card if one.family in (socket.AF_INET, socket.AF_INET6)
        ]
    names = {*(each.partition("%")[0] for each in own), socket.gethostname(), socket.getfqdn(), host}
    return local_hosts(port) | {f"{_in_address(name)}:{port}".lower() for name in names}


def reached_at(host: str) -> str:
    """Return the name by which a browser on this computer reaches a host, as an address is written."""
    _, address = _addresses(host)[0]
    return ADDRESS if ipaddress.ip_address(address).is_unspecified else _in_address(address)


def choose_port(wanted: int | None, host: str = ADDRESS) -> int:
    """Return the port to serve on.

    Args:
        wanted: The one asked for; None takes the first free one from 7860, or any.
        host: Where.

    Raises:
        EngineError: The one asked for is in use or may not be used.
    """
    if wanted is not None:
        return _try(host, wanted)
    for port in range(FIRST_PORT, LAST_PORT + 1):
        try:
            return _try(host, port)
        except EngineError:
            continue
    return _try(host, 0)


def bound(host: str, port: int) -> socket.socket:
    """Return a socket that listens at a port, which its owner closes; who connects waits.

    Raises:
        EngineError: It is in use or may not be used.
    """
    remedy = "Choose another with --port, or leave it out to get a free one"
    family, address = _addresses(host)[0]
    probe = socket.socket(family)
    if sys.platform != "win32":  # a port let go a moment ago is free; Windows means something else by it
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind((address, port))
        probe.listen()  # two may bind one port; one may listen
        return probe
    except OverflowError as error:
        probe.close()
        raise EngineError(f"{port} is not a port: they run from 1 to 65535", remedy) from error
    except OSError as error:
        probe.close()
        if error.errno == errno.EADDRNOTAVAIL:
            raise EngineError(
                f"{host} is no address of this computer", "Give one of its own, or 0.0.0.0 for all"
            ) from error
        reason = "may not be used by you" if error.errno == errno.EACCES else "is in use by another program"
        raise EngineError(f"Port {port} {reason}", remedy) from error


def _try(host: str, port: int) -> int:
    """Bind and let go."""
    with bound(host, port) as probe:
        return int(probe.getsockname()[1]) if port == 0 else port


def _addresses(host: str) -> list[tuple[socket.AddressFamily, str]]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise EngineError(
            f"There is no host “{host}”", "Give 127.0.0.1, 0.0.0.0 or an address of this computer"
        ) from error
    return [(family, str(address[0])) for family, _, _, _, address in found]


def _in_address(name: str) -> str:
    return f"[{name}]" if ":" in name else name
