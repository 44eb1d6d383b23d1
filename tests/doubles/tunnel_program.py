"""The tunnel programs for tests: each takes the arguments of the real one, prints what it prints, digs to `relay`.

Its file is copied under the program's name (Gradio's frpc, cloudflared or ssh), behind a first line that names the
interpreter. Files beside it change what it does: "relay" says where the relay is (frpc is told by its arguments),
"silent" makes it hang without a word, "said" is what it prints before it ends with an error.
"""

import contextlib
import os
import re
import socket
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).parent


def option(name: str) -> str:
    return sys.argv[sys.argv.index(name) + 1]


def pour(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    finally:
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def carry(relay: tuple[str, int], number: str, inside: tuple[str, int]) -> None:
    outside = socket.create_connection(relay)
    outside.sendall(f"JOIN {number}\n".encode())
    local = socket.create_connection(inside)
    threading.Thread(target=pour, args=(outside, local), daemon=True).start()
    pour(local, outside)


def call(relay: str) -> tuple[socket.socket, str]:
    """Return the connection to the relay and the address that it gave, empty where it refused."""
    host, _, port = relay.partition(":")
    control = socket.create_connection((host, int(port)), timeout=5)
    control.settimeout(None)
    control.sendall(b"OPEN\n")
    address = bytearray()
    while not address.endswith(b"\n") and (byte := control.recv(1)):
        address += byte
    return control, address.decode().strip() if address.startswith(b"http") else ""


def serve(control: socket.socket, relay: str, inside: tuple[str, int]) -> None:
    host, _, port = relay.partition(":")
    for order in control.makefile("r"):
        threading.Thread(
            target=carry, args=((host, int(port)), order.split()[1], inside), daemon=True
        ).start()


def frpc() -> None:
    assert sys.argv[1] == "http" and {"--uc", "--ue", "--disable_log_color"} <= set(sys.argv), sys.argv
    assert len(option("-n")) > 30 and option("--sd") == "random", sys.argv
    relay = option("--server_addr")
    try:
        control, address = call(relay)
    except OSError as error:
        print(f"login to server failed: {error}", flush=True)
        sys.exit(1)
    if not address:
        print("login to server failed: refused", flush=True)
        sys.exit(1)
    print("login to server success", flush=True)
    print(f"[double] start proxy success: {address}", flush=True)
    serve(control, relay, (option("-i"), int(option("-l"))))


def cloudflared() -> None:
    """Cloudflare gives the name; here the relay's name is told under one of trycloudflare.com."""
    assert sys.argv[1] == "tunnel" and "--no-autoupdate" in sys.argv, sys.argv
    assert Path(option("--config")).read_bytes() == b"", "a configuration of the user's was given"
    assert not [name for name in os.environ if name.startswith("TUNNEL_")], (
        "a variable of the user's was given"
    )
    inside = re.fullmatch(r"http://(127\.0\.0\.1):(\d+)", option("--url"))
    assert inside is not None, sys.argv
    relay = (HERE / "relay").read_text()
    say("INF Requesting new quick Tunnel on trycloudflare.com...")
    try:
        control, address = call(relay)
    except OSError as error:
        address, trouble = "", error
    else:
        trouble = OSError("429 Too Many Requests")
    if not address:
        say(f'ERR failed to request quick Tunnel: Post "https://api.trycloudflare.com/tunnel": {trouble}')
        sys.exit(1)
    name = re.sub(r"^http://(\w+)\..*", r"\1", address)
    say("INF +----------------------------------------------------------------------------+")
    say("INF |  Your quick Tunnel has been created! Visit it at (it may take some time):  |")
    say(f"INF |  https://{name}-double.trycloudflare.com                                   |")
    say("INF +----------------------------------------------------------------------------+")
    say("INF Registered tunnel connection connIndex=0 event=0 location=fra08 protocol=quic")
    serve(control, relay, (inside[1], int(inside[2])))


def ssh() -> None:
    options = {word.partition("=")[0]: word.partition("=")[2] for word in sys.argv if "=" in word}
    for name, value in {"StrictHostKeyChecking": "yes", "BatchMode": "yes", "ForwardAgent": "no"}.items():
        assert options[name] == value, sys.argv
    assert {"-N", "-T", "-a", "-x"} <= set(sys.argv) and sys.argv[-2] == "--", sys.argv
    outer, asked, inner, port = option("-R").split(":")
    assert (outer, inner) == ("127.0.0.1", "127.0.0.1"), sys.argv
    relay = (HERE / "relay").read_text()
    try:
        control, _address = call(relay)
    except OSError:
        print(f"ssh: connect to host {sys.argv[-1]} port 22: Connection refused", file=sys.stderr)
        sys.exit(255)
    if asked == "0":
        print(f"Allocated port 40123 for remote forward to 127.0.0.1:{port}", file=sys.stderr)
    said = f"debug1: remote forward success for: listen 127.0.0.1:{asked}, connect 127.0.0.1:{port}"
    print(said, file=sys.stderr, flush=True)
    serve(control, relay, (inner, int(port)))
    print("client_loop: send disconnect: Broken pipe", file=sys.stderr)
    sys.exit(255)


def say(words: str) -> None:
    print(f"2026-01-01T12:00:00Z {words}", file=sys.stderr, flush=True)


if (HERE / "silent").exists():
    time.sleep(600)
if (HERE / "said").exists():
    print((HERE / "said").read_text(), file=sys.stderr)
    sys.exit(255)
{"frpc": frpc, "cloudflared": cloudflared, "ssh": ssh}[Path(__file__).name.partition("_")[0]]()
