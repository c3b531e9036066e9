# SPDX-License-Identifier: ISC
"""Nobody waits for a stranger: what one client's destination does is not felt
by the others."""

import socket
import statistics

import pytest

from lib import netns, ports
from lib.hawserd import stanza
from lib.servers import connect, echo, ping
from lib.socks import HELLO, request5, v5, v5_method
from lib.wait import STRETCH, Stopwatch

HOLE = "10.78.1.2"


def open_times(port, server, count):
    """Seconds of count SOCKS connections, each to its first echo, in order."""
    times = []
    for _ in range(count):
        watch = Stopwatch()
        with connect(port) as s:
            assert request5(s, "127.0.0.1", server.port) == 0
            assert ping(s)
        times.append(watch.seconds)
    return sorted(times)


@pytest.mark.netns
@pytest.mark.alone
def test_black_holed_destinations(make_ns, make_sshd, make_hawserd, serve,
                                  record_property):
    """8 clients wait for what never answers: the others' opens take as long as
    before. The strict ratio is a figure of the benchmarks."""
    here, there = make_ns("here"), make_ns("there")
    netns.cable(here, "10.78.1.1", there, HOLE)
    here.black_hole(HOLE)
    with here:
        sshd = make_sshd(ns=here)
        server = serve(echo)
        hawserd = make_hawserd(ns=here)
        port = ports.free()
        hawserd.write(stanza("out", sshd, f"DynamicForward {port}"))
        hawserd.start()
        hawserd.wait_up("out")
        open_times(port, server, 20)
        before = open_times(port, server, 200)
        waiting = []
        for _ in range(8):
            s = connect(port)
            s.sendall(HELLO)
            assert v5_method(s) == 0
            s.sendall(v5(HOLE, 80))
            waiting.append(s)
        during = open_times(port, server, 200)
        for s in waiting:
            s.setblocking(False)
            with pytest.raises(BlockingIOError):
                s.recv(1)       # it still waits
            s.close()
    for name, times in (("before", before), ("during", during)):
        record_property(f"{name}_p50_ms", statistics.median(times) * 1e3)
        record_property(f"{name}_p99_ms", times[197] * 1e3)
    assert statistics.median(during) < \
        1.5 * statistics.median(before) + 0.005 * STRETCH


def test_refused_destination_is_no_burden(hawserd, sshd, serve):
    """Opens that fail at once, many at a time, between others that work."""
    server = serve(echo)
    nobody, port = ports.free(), ports.free()
    hawserd.write(stanza("out", sshd, f"DynamicForward {port}"))
    hawserd.start()
    hawserd.wait_up("out")
    clients = []
    for i in range(64):
        s = connect(port)
        s.sendall(HELLO + v5("127.0.0.1", nobody if i % 2 else server.port))
        clients.append(s)
    for i, s in enumerate(clients):
        assert v5_method(s) == 0
        reply = s.recv(10, socket.MSG_WAITALL)
        assert reply[1] == (5 if i % 2 else 0)
        if i % 2 == 0:
            assert ping(s)
        s.close()
