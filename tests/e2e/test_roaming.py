# SPDX-License-Identifier: ISC
"""The client's address changes, and the server keeps the dead session with its
remote port: FAULTS, row 8. Beside autossh, in the same run."""

import contextlib
import json
import os
import shutil
import subprocess
import threading
import time

import pytest

from lib import netns, ports
from lib.hawserd import stanza
from lib.servers import connect, echo, is_bound, ping
from lib.wait import STRETCH, until

HOME, VPS = "10.79.1.1", "10.79.1.2"


class Share:
    """How much of the time connections through a port pass bytes: one after
    the other, each for half a second at most, pause seconds apart."""

    def __init__(self, ns, port, host, pause):
        self._ns, self._port, self._host = ns, port, host
        self._pause = pause
        self.good = 0.0
        self.total = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        with self._ns:
            while not self._stop.is_set():
                begin = time.monotonic()
                works = False
                with contextlib.suppress(OSError, EOFError), \
                        connect(self._port, self._host, timeout=0.5) as s:
                    works = ping(s)
                self._stop.wait(self._pause)
                took = time.monotonic() - begin
                self.total += took
                self.good += took if works else 0

    def finish(self):
        self._stop.set()
        self._thread.join()
        return round(self.good / self.total, 3)


def drop_present_connections(vps):
    """The server's packets of every connection that is there now come from and
    go to nobody any more; new ones work."""
    with vps:
        found = subprocess.run(
            ["ss", "-Htn", "state", "established", "sport", "=", ":22"],
            check=True, capture_output=True, text=True).stdout
        peers = [line.split()[3].rsplit(":", 1)[1]
                 for line in found.splitlines()]
        assert peers
        netns.run("nft", "-f", "-", text=f"""
            table inet gone {{
                chain in {{
                    type filter hook input priority 0;
                    ip saddr {HOME} tcp sport {{ {', '.join(peers)} }} drop
                }}
                chain out {{
                    type filter hook output priority 0;
                    ip daddr {HOME} tcp dport {{ {', '.join(peers)} }} drop
                }}
            }}""")


def start_autossh(stack, home, sshd, server, exits):
    """autossh with both forwards; gives their ports."""
    local, remote = ports.free(), ports.free()
    command = sshd.ssh("-N", "-o", "ServerAliveInterval=1",
                       "-o", "ServerAliveCountMax=2",
                       "-o", f"ExitOnForwardFailure={exits}",
                       "-L", f"{local}:127.0.0.1:{server.port}",
                       "-R", f"{remote}:127.0.0.1:{server.port}")
    command[0:1] = ["autossh", "-M", "0"]
    with home:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=os.environ | {"AUTOSSH_GATETIME": "0"})

    def end():
        process.terminate()
        process.wait()
    stack.callback(end)
    with home:
        until(lambda: is_bound(local), 10, "autossh listens")
    return local, remote


def roam(make_ns, make_sshd, make_hawserd, serve, stack, seconds, rivals):
    """Shares of local and remote forwards after the change, by name."""
    home, vps = make_ns("home"), make_ns("vps")
    netns.cable(home, HOME, vps, VPS)
    # The server notices dead sessions in 2 s, but only while they are idle:
    # who knocks at their remote ports more often keeps them alive.
    sshd = make_sshd(address=VPS, port=22, ns=vps, options=[
        "ClientAliveInterval 1", "ClientAliveCountMax 2"])
    servers = {}
    for ns in (home, vps):
        with ns:
            servers[ns] = serve(echo, port=7000)
    hawserd = make_hawserd(ns=home)
    hawserd.write(stanza(
        "vps", sshd, "LocalForward 4001 127.0.0.1:7000",
        "RemoteForward 4002 127.0.0.1:7000",
        ServerAliveInterval=1, ServerAliveCountMax=2))
    hawserd.start()
    hawserd.wait_up("vps")
    hawserd.wait_forward("vps", "R:4002", "verified")
    tested = {"hawser": (4001, 4002)}
    for exits in rivals:
        tested[f"autossh, ExitOnForwardFailure {exits}"] = start_autossh(
            stack, home, sshd, servers[vps], exits)
    for _, remote in tested.values():
        with vps:
            until(lambda p=remote: is_bound(p), 10, "the server listens")
    drop_present_connections(vps)
    shares = {name: (Share(home, local, "127.0.0.1", 0.05),
                     Share(vps, remote, "127.0.0.1", 3))
              for name, (local, remote) in tested.items()}
    # A share of time takes that time.
    threading.Event().wait(seconds)
    states = hawserd.forward("vps", "R:4002")
    return {name: [s.finish() for s in both]
            for name, both in shares.items()}, states


@pytest.mark.netns
def test_address_changes(make_ns, make_sshd, make_hawserd, serve, stack,
                         record_property):
    found, remote = roam(make_ns, make_sshd, make_hawserd, serve, stack,
                         14 * STRETCH, ())
    record_property("shares", json.dumps(found))
    # Noticed within 3 s; the port is asked for again within the session.
    assert found["hawser"][0] > 0.6
    assert found["hawser"][1] > 0
    assert remote["state"] == "verified"


@pytest.mark.netns
@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.skipif(not shutil.which("autossh"), reason="no autossh")
def test_address_changes_beside_autossh(make_ns, make_sshd, make_hawserd,
                                        serve, stack, record_property):
    found, _ = roam(make_ns, make_sshd, make_hawserd, serve, stack, 100,
                    ("yes", "no"))
    print(json.dumps(found, indent=1))
    record_property("shares", json.dumps(found))
    others = [v for name, v in found.items() if name != "hawser"]
    assert found["hawser"][0] >= max(o[0] for o in others) - 0.05
    assert found["hawser"][1] >= max(o[1] for o in others) - 0.05
