"""Which servers are known: those whose keys stand in ~/.ssh/known_hosts, as for ssh itself.

fsspec's own way is to believe whatever key a server shows, and whoever answers in its place would be told the password.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import paramiko

_SYSTEM = Path("/etc/ssh/ssh_known_hosts")


class UnknownHost(paramiko.SSHException):  # type: ignore[misc]
    """A server shows a key that is not known."""


class KnownHosts(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
    """Believes a server that shows a key it is known by, and no other."""

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        """Pass over a key that is known.

        Raises:
            UnknownHost: It is not.
        """
        known = paramiko.HostKeys()
        for file in (_SYSTEM, Path.home() / ".ssh" / "known_hosts"):
            with suppress(OSError):
                known.load(str(file))
        if not known.check(hostname, key):
            raise UnknownHost(hostname)
