# SPDX-License-Identifier: ISC
"""Servers and lines that break off, alter bytes or shed connections."""

import contextlib
import itertools
import signal
import socket
import struct
import threading
import time
from datetime import datetime

import pytest

from lib import ports, proc
from lib.hawserd import stanza
from lib.servers import CHUNK, connect, echo, ping
from lib.wait import Timeout, until

class Cutter:
    """Passes a server's first bytes on and then resets the connection."""

    def __init__(self, serve, port):
        self.limit = 0
        self._target = port
        self.port = serve(self._cut).port

    def _cut(self, near):
        with connect(self._target) as far:
            there = threading.Thread(target=self._pass, args=(near, far),
                                     daemon=True)
            there.start()
            left = self.limit
            while left > 0 and (data := far.recv(left)):
                near.sendall(data)
                left -= len(data)
            near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            struct.pack("ii", 1, 0))
            near.shutdown(socket.SHUT_RD)
            there.join()

    @staticmethod
    def _pass(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                sink.sendall(data)


def cut_everywhere(hawserd, sshd, serve, step):
    """Gives the classes seen, by the number of bytes passed on, up to where
    the session is up and the server has no more to say."""
    cutter = Cutter(serve, sshd.port)
    sshd.trust_port(cutter.port)
    hawserd.write(stanza("one", sshd, f"LocalForward {ports.free()} a:1",
                         Port=cutter.port, HawserBackoff="1h 1h",
                         ServerAliveInterval=0))
    hawserd.start()
    seen = {}
    last = None

    def settled():
        """An end, and a long wait: the first retry at once is over."""
        host = hawserd.host("one")
        end = host["last_end"]
        if not end or end["at"] == last or not host["next_attempt_at"]:
            return None
        rest = datetime.fromisoformat(
            host["next_attempt_at"].replace("Z", "+00:00")).timestamp() \
            - time.time()
        return end if host["state"] == "waiting" and rest > 5 else None
    for limit in itertools.count(0, step):
        cutter.limit = limit
        if last is not None:
            code, _ = hawserd.request("POST", "/v1/hosts/one/retry")
            assert code == 200
        end = until(lambda: settled() or hawserd.host("one")["state"] == "up",
                    20, f"an end after {limit} bytes")
        if end is True:
            with contextlib.suppress(Timeout):
                end = until(settled, 0.3, "an end")
        if end is True:
            return seen
        last = end["at"]
        seen[limit] = end["class"]


def assert_classes(seen):
    """A broken line is no reason for the long waits of a person's mistake."""
    assert set(seen.values()) <= {"closed-early", "lost"}, seen
    assert seen[0] == "closed-early"
    assert max(seen) > 1000


def test_reset_in_mid_handshake(hawserd, make_sshd, serve):
    """Row 7 in short: every 50th byte of a handshake."""
    sshd = make_sshd(options=["MaxStartups 1000"])
    assert_classes(cut_everywhere(hawserd, sshd, serve, 50))


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_reset_at_every_byte_of_a_handshake(hawserd, make_sshd, serve):
    sshd = make_sshd(options=["MaxStartups 1000"])
    assert_classes(cut_everywhere(hawserd, sshd, serve, 1))


class Flipper:
    """Passes bytes on, up to the server and down from it, and alters one of
    them: the one at a place of one way, or, when told to, one of the next
    large piece of that way."""

    def __init__(self, serve, sshd, way, place=None):
        self.flip = threading.Event()
        self._target = sshd.port
        self._way, self._place = way, place
        self.port = serve(self._serve).port
        sshd.trust_port(self.port)

    def _serve(self, near):
        with connect(self._target) as far:
            far.settimeout(None)
            there = threading.Thread(target=self._pass, daemon=True,
                                     args=(near, far, self._way == "up"))
            there.start()
            self._pass(far, near, self._way == "down")
            there.join()

    def _pass(self, source, sink, is_way):
        seen = 0
        with contextlib.suppress(OSError):
            while data := bytearray(source.recv(CHUNK)):
                if is_way:
                    self._alter(data, seen)
                seen += len(data)
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def _alter(self, data, seen):
        if self._place is not None:
            if seen <= self._place < seen + len(data):
                data[self._place - seen] ^= 0x10
        elif self.flip.is_set() and len(data) > 1000:
            self.flip.clear()
            data[len(data) // 2] ^= 0x10


@pytest.mark.parametrize("cipher", ("aes128-gcm@openssh.com", "aes128-ctr"))
@pytest.mark.parametrize("way,classes", (("up", ("lost", "closed")),
                                         ("down", ("lost",))))
def test_altered_bytes(hawserd, make_sshd, serve, cipher, way, classes):
    """Row 52: the MAC finds it; a new connection at once, no bad byte."""
    sshd = make_sshd(options=[f"Ciphers {cipher}"])
    server = serve(echo)
    line = Flipper(serve, sshd, way)
    local = ports.free()
    hawserd.write(stanza("one", sshd,
                         f"LocalForward {local} localhost:{server.port}",
                         Port=line.port, HawserStable="0",
                         HawserBackoff="1s 1s"))
    hawserd.start()
    data = bytes(range(256)) * 4096
    for _ in range(2):
        pid = hawserd.wait_up("one")["pid"]
        with connect(local) as s:
            assert ping(s)
            line.flip.set()
            writer = threading.Thread(target=_send, args=(s, data),
                                      daemon=True)
            writer.start()
            got = 0
            with contextlib.suppress(OSError):
                while part := s.recv(CHUNK):
                    assert part == (data * 2)[got % len(data):][:len(part)]
                    got += len(part)
            writer.join()
            assert got < len(data)
        host = until(lambda: (h := hawserd.host("one"))["pid"] not in
                     (None, pid) and h, 5, lambda: hawserd.host("one"))
        assert host["last_end"]["class"] in classes
    assert proc.alive(hawserd.pid)


def alter_everywhere(hawserd, sshd, serve, step):
    """A host for each place of a handshake, up to where it doesn't matter.
    Gives the classes in which they end, by way and place."""
    hosts = {f"{way}{place}": Flipper(serve, sshd, way, place)
             for way in ("up", "down") for place in range(0, 2400, step)}
    hawserd.write(*(
        stanza(name, sshd, f"LocalForward {ports.free()} a:1",
               Port=line.port, ConnectTimeout=2, HawserBackoff="1h 1h")
        for name, line in hosts.items()))
    hawserd.start()
    ends = {}
    for name in hosts:
        host = hawserd.wait_state(name, "up", "waiting", "parked", timeout=60)
        end = host["last_end"]
        ends[name] = end["class"] if end else None
    return ends


def test_altered_handshake(hawserd, make_sshd, serve):
    """Row 52: nobody's key has changed, and nobody is refused."""
    sshd = make_sshd(options=["MaxStartups 1000"])
    ends = alter_everywhere(hawserd, sshd, serve, 150)
    assert {"protocol", "lost"} <= set(ends.values()) <= {
        None, "protocol", "kex", "lost", "closed", "timeout"}, ends


def _send(s, data):
    with contextlib.suppress(OSError):
        s.sendall(data)


def test_banner_that_is_no_ascii(hawserd, sshd):
    """Shown with question marks; nothing else depends on it."""
    sshd.stop()
    with open(sshd.path("config"), "ab") as f:
        f.write(b"VersionAddendum gr\xfc\xdfe\n")
    sshd.start()
    hawserd.write(stanza("one", sshd, f"LocalForward {ports.free()} a:1"))
    hawserd.start()
    assert hawserd.wait_up("one")["server"].endswith(" gr??e")


def test_crashed_worker(hawserd, sshd, serve):
    """Row 45: the signal is named, other hosts don't notice."""
    server = serve(echo)
    mine, others = ports.free(), ports.free()
    target = f"localhost:{server.port}"
    hawserd.write(stanza("one", sshd, f"LocalForward {mine} {target}"),
                  stanza("two", sshd, f"LocalForward {others} {target}"))
    hawserd.start()
    pid, two = hawserd.wait_up("one")["pid"], hawserd.wait_up("two")["pid"]
    with connect(others) as s:
        assert ping(s)
        proc.kill(pid, signal.SIGABRT)
        host = until(lambda: (h := hawserd.host("one"))["state"] == "up"
                     and h["pid"] != pid and h, 10, "a new worker")
        assert host["last_end"]["class"] == "crash"
        assert "signal 6" in host["last_end"]["text"]
        # The second crash within HawserStable has to wait.
        proc.kill(host["pid"], signal.SIGABRT)
        until(lambda: hawserd.host("one")["next_attempt_at"], 5, "a wait")
        assert ping(s)
    assert hawserd.worker_pid("two") == two


def test_many_hosts_of_one_server(hawserd, make_sshd, target):
    """One budget: forty hosts come up without the server shedding any."""
    sshd = make_sshd(options=["MaxStartups 10:100:10"])
    names = [f"host{i}" for i in range(40)]
    hawserd.write(*(stanza(name, sshd, f"LocalForward {ports.free()} "
                           f"{target}") for name in names))
    hawserd.start()
    until(lambda: all(h["state"] == "up" for h in hawserd.status()["hosts"]),
          30, lambda: [(h["name"], h["state"], h["last_end"])
                       for h in hawserd.status()["hosts"]])
    assert sshd.log.count("drop connection") == 0
    assert not any(h["last_end"] for h in hawserd.status()["hosts"])
