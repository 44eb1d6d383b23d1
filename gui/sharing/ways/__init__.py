"""The ways by which guests reach the copy, one a file; a new one is a file and a line in `WAYS`."""

from __future__ import annotations

from gui.sharing.tunnel import Way
from gui.sharing.ways.cloudflare import CLOUDFLARE
from gui.sharing.ways.gradio_relay import GRADIO_RELAY
from gui.sharing.ways.own_server import OWN_SERVER

WAYS: dict[str, Way] = {
    "gradio": GRADIO_RELAY,
    "ssh": OWN_SERVER,
    "cloudflared": CLOUDFLARE,
}
"""Name → way. The first is the usual one."""
