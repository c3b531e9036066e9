# SPDX-License-Identifier: ISC
"""Who comes through a forward: the events of single connections."""

import os
import socket
import subprocess

import pytest

from lib import ports, proc
from lib.hawserd import stanza
from lib.servers import connect, echo, http, ping, read_all
from lib.socks import request5
from lib.wait import until


@pytest.fixture
def visits(follow):
    """visits(a port that leads to an echo service): listens, and the workers
    that are up have been told that somebody does."""
    def begin(port):
        seen = follow("--connections")

        def told():
            with connect(port) as s:
                ping(s)
            return any(e.get("to") == "closed" for e in seen.events)
        until(told, 10, "the worker tells of connections")
        return seen
    return begin


def name_of(s):
    host, port = s.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def visit(seen, s, target):
    """s pings and leaves: gives both events."""
    who = name_of(s)
    assert ping(s)
    opened = seen.wait_event(event="connection", originator=who, to="open")
    assert opened["target"] == target
    assert opened["bytes"] is opened["duration_ms"] is opened["text"] is None
    s.close()
    closed = seen.wait_event(event="connection", connection=opened[
        "connection"], worker=opened["worker"], to="closed")
    assert closed["originator"] == who and closed["target"] == target
    assert closed["bytes"]["in"] == closed["bytes"]["out"] > 0
    assert closed["duration_ms"] >= 0
    assert closed["forward"] == opened["forward"]
    return opened


def test_every_kind_of_forward(hawserd, sshd, serve, visits, workdir):
    """The originator is the client's own address, the target what it got."""
    server = serve(echo)
    target = f"127.0.0.1:{server.port}"
    local, remote, dynamic, back, web = (ports.free() for _ in range(5))
    path = os.path.join(workdir, "here")
    hawserd.write(stanza("vps", sshd, f"LocalForward {local} {target}",
                         f"LocalForward {path} {target}",
                         f"RemoteForward {remote} {target}",
                         f"DynamicForward {dynamic}",
                         f"RemoteForward {back}",
                         f"RemoteForward {web} "
                         f"127.0.0.1:{serve(http(b'hello')).port}"))
    hawserd.start()
    hawserd.wait_up("vps")
    seen = visits(local)
    pid = hawserd.worker_pid("vps")
    for port, host, letter in ((local, "127.0.0.1", "L"),
                               (local, "::1", "L"),
                               (remote, "127.0.0.1", "R"),
                               (remote, "::1", "R")):
        opened = visit(seen, connect(port, host), target)
        assert opened["forward"] == f"{letter}:{port}"
        assert opened["host"] == "vps" and opened["worker"] == pid
    for port, letter in ((dynamic, "D"), (back, "R")):
        s = connect(port)
        assert request5(s, "127.0.0.1", server.port) == 0
        assert visit(seen, s, target)["forward"] == f"{letter}:{port}"
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)
        assert ping(s)
    opened = seen.wait_event(event="connection", forward=f"L:{path}",
                             to="open")
    assert opened["originator"] is None
    curl = subprocess.run(["curl", "-sS", "-w", " %{local_port}",
                           f"http://127.0.0.1:{web}/"], check=True,
                          capture_output=True, text=True, timeout=20)
    said, mine = curl.stdout.split()
    assert said == "hello"
    seen.wait_event(event="connection", originator=f"127.0.0.1:{mine}",
                    forward=f"R:{web}", to="closed")
    numbers = [e["connection"] for e in seen.events if e.get("to") == "open"]
    assert sorted(set(numbers)) == sorted(numbers)


def test_those_that_fail(hawserd, sshd, visits, serve):
    server = serve(echo)
    dead = ports.free()
    local, good, remote, dynamic = (ports.free() for _ in range(4))
    hawserd.write(stanza("vps", sshd, f"LocalForward {local} 127.0.0.1:{dead}",
                         f"LocalForward {good} 127.0.0.1:{server.port}",
                         f"RemoteForward {remote} 127.0.0.1:{dead}",
                         f"DynamicForward {dynamic}", HawserVerify="no"))
    hawserd.start()
    hawserd.wait_forward("vps", f"R:{remote}")
    seen = visits(good)
    for port in (local, remote, dynamic):
        with connect(port) as s:
            who = name_of(s)
            if port == dynamic:
                assert request5(s, "127.0.0.1", dead) == 5
            else:
                assert read_all(s) == b""
        failed = seen.wait_event(event="connection", originator=who,
                                 to="failed")
        assert failed["target"] == f"127.0.0.1:{dead}"
        assert "efused" in failed["text"]


def test_other_workers(hawserd, sshd, visits, serve):
    """After a reconnect, and of a replacement beside the one it replaces."""
    target = f"127.0.0.1:{serve(echo).port}"
    local = ports.free()
    forward = f"LocalForward {local} {target}"
    hawserd.write(stanza("vps", sshd, forward))
    hawserd.start()
    first = hawserd.wait_up("vps")["pid"]
    seen = visits(local)
    proc.kill(first)
    seen.wait_event(event="end", host="vps")
    opened = visit(seen, connect(local), target)
    second = opened["worker"]
    assert second not in (first, None)
    with connect(local) as old:
        assert ping(old)
        hawserd.write(stanza("vps", sshd, forward, Compression="yes"))
        hawserd.hup()
        until(lambda: hawserd.worker_pid("vps") != second, 15,
              "it is replaced")
        assert visit(seen, connect(local), target)["worker"] \
            == hawserd.worker_pid("vps")
        assert ping(old)
        who = name_of(old)
    closed = seen.wait_event(event="connection", originator=who, to="closed")
    assert closed["worker"] == second


def test_only_while_somebody_listens(hawserd, sshd, visits, follow, start,
                                     serve):
    target = f"127.0.0.1:{serve(echo).port}"
    local = ports.free()
    hawserd.write(stanza("vps", sshd, f"LocalForward {local} {target}"))
    hawserd.start()
    hawserd.wait_up("vps")
    others, people = follow(), start("events", "--connections")
    seen = visits(local)

    def shown():
        with connect(local) as s:
            ping(s)
            who = name_of(s)
        return seen.wait_event(originator=who, to="closed") and any(
            f"  vps  L:{local}  open: from {who} to {target}" in line
            for line in people.lines)
    until(shown, 10, lambda: people.lines)
    for command in (seen, people):
        command.stop()
    with connect(local) as s:
        assert ping(s)
    assert {e["event"] for e in others.events} == {"hello"}
