# SPDX-License-Identifier: ISC
"""Bytes: in both directions, in either order of ending, under rekeys, beside
a reader that doesn't read."""

import hashlib
import os
import random
import resource
import signal
import socket
import statistics
import struct
import threading
import time

import pytest

from lib import ports, proc
from lib.hawserd import stanza
from lib.servers import (connect, digest_then_reply, echo, mail, ping,
                         read_all, read_exactly)
from lib.wait import SANITIZED, STRETCH, Stopwatch, until

MIB = 1024 * 1024
WAYS = ("local", "remote", "dynamic")


def tunnel(hawserd, sshd, server, way, **options):
    """Starts a tunnel to server; gives a function that connects."""
    port = ports.free()
    target = f"127.0.0.1:{server.port}"
    line = {"local": f"LocalForward {port} {target}",
            "remote": f"RemoteForward {port} {target}",
            "dynamic": f"DynamicForward {port}"}[way]
    hawserd.write(stanza("host", sshd, line, **options))
    hawserd.start()
    hawserd.wait_forward("host", f"{way[0].upper()}:{port}")

    def client():
        s = connect(port, timeout=60)
        if way == "dynamic":
            s.sendall(b"\x05\x01\x00\x05\x01\x00\x01"
                      + socket.inet_aton("127.0.0.1")
                      + struct.pack(">H", server.port))
            assert read_exactly(s, 12)[3] == 0
        return s
    return client


def noise(seed, size):
    return random.Random(seed).randbytes(size)


@pytest.mark.parametrize("way", WAYS)
def test_client_ends_first(hawserd, sshd, serve, way):
    """The reply comes only after the client's half has ended."""
    server = serve(digest_then_reply)
    client = tunnel(hawserd, sshd, server, way)
    for size in (0, 1, 3 * MIB + 17):
        data = noise(size, size)
        with client() as s:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            reply = read_all(s)
        assert reply == struct.pack(">Q", size) \
            + hashlib.sha256(data).digest()


def test_first_client_says_nothing(hawserd, sshd, serve):
    """Its end of stream is not taken for that of a client who has gone: its
    worker finds both at once, the connection and its half-close."""
    client = tunnel(hawserd, sshd, serve(digest_then_reply), "local")
    worker = hawserd.worker_pid("host")
    proc.kill(worker, signal.SIGSTOP)
    with client() as s:
        s.shutdown(socket.SHUT_WR)
        proc.kill(worker, signal.SIGCONT)
        assert read_all(s) == bytes(8) + hashlib.sha256(b"").digest()


@pytest.mark.parametrize("way", WAYS)
def test_server_ends_first(hawserd, sshd, serve, way):
    """The client goes on sending after it has seen the server's end."""
    data = noise("server", 3 * MIB + 5)
    received, done = [], threading.Event()

    def speak_then_listen(conn):
        conn.sendall(data)
        conn.shutdown(socket.SHUT_WR)
        received.append(read_all(conn))
        done.set()
    client = tunnel(hawserd, sshd, serve(speak_then_listen), way)
    answer = noise("client", 2 * MIB + 9)
    with client() as s:
        assert read_all(s) == data
        s.sendall(answer)
        s.shutdown(socket.SHUT_WR)
        assert done.wait(30 * STRETCH)
    assert received == [answer]


@pytest.mark.parametrize("way", WAYS)
def test_end_of_one_side_reaches_the_other(hawserd, sshd, serve, way):
    """A client that is gone, not only half: the server's side ends."""
    ended = threading.Event()

    def until_end(conn):
        conn.sendall(b"hello")
        conn.recv(1)
        ended.set()
    client = tunnel(hawserd, sshd, serve(until_end), way)
    with client() as s:
        assert read_exactly(s, 5) == b"hello"
    assert ended.wait(10 * STRETCH)


def test_counters(hawserd, sshd, serve):
    server = serve(echo)
    client = tunnel(hawserd, sshd, server, "local")
    with client() as s:
        assert ping(s, b"x" * 1000)

        def counted():
            f = hawserd.host("host")["forwards"][0]
            return f["connections"]["open"] == 1 \
                and f["bytes"] == {"in": 1000, "out": 1000}
        until(counted, 10, lambda: hawserd.host("host")["forwards"])
    until(lambda: hawserd.host("host")["forwards"][0]["connections"]
          == {"open": 0, "total": 1, "failed": 0}, 10,
          lambda: hawserd.host("host")["forwards"])


# Rekeys -----------------------------------------------------------------------

def streams_both_ways(client, count, size):
    """count echo connections, each size bytes there and back at once."""
    errors = []

    def one(seed):
        try:
            with client() as s:
                data = noise(seed, size)
                writer = threading.Thread(target=s.sendall, args=(data,),
                                          daemon=True)
                writer.start()
                got = hashlib.sha256(read_exactly(s, size)).digest()
                writer.join()
                assert got == hashlib.sha256(data).digest(), "altered"
        except Exception as error:  # whatever broke it is the finding
            errors.append(f"stream {seed}: {error!r}")
    threads = [threading.Thread(target=one, args=(i,), daemon=True)
               for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors


def rekeys_under_load(hawserd, make_sshd, serve, way, wanted):
    """Rounds of 64 streams until the server has asked for wanted rekeys. One
    that stalls runs into the clients' timeout."""
    sshd = make_sshd(options=["RekeyLimit 256K"])
    client = tunnel(hawserd, sshd, serve(echo), way)
    worker = hawserd.worker_pid("host")
    rekeys = 0
    while rekeys < wanted:
        streams_both_ways(client, 64, MIB // 2)
        # The first keys are logged, too.
        before, rekeys = rekeys, sshd.log.count("rekey out after") - 1
        assert rekeys > before
    assert hawserd.worker_pid("host") == worker
    return rekeys


@pytest.mark.parametrize("way", ("local", "remote"))
def test_rekeys_under_load(hawserd, make_sshd, serve, way):
    rekeys_under_load(hawserd, make_sshd, serve, way, 60)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("way", ("local", "remote"))
def test_a_thousand_rekeys(hawserd, make_sshd, serve, way):
    rekeys_under_load(hawserd, make_sshd, serve, way, 1000)


# A slow reader ----------------------------------------------------------------

class Gated:
    """A server that doesn't read until it is told to."""

    def __init__(self):
        self.open = threading.Event()
        self.digest = hashlib.sha256()
        self.total = 0
        self.done = threading.Event()

    def __call__(self, conn):
        self.open.wait()
        while part := conn.recv(256 * 1024):
            self.digest.update(part)
            self.total += len(part)
        self.done.set()


def seconds_for(client, size):
    """Echo of size bytes on a connection of its own."""
    watch = Stopwatch()
    streams_both_ways(client, 1, size)
    return watch.seconds


def stalled_writer(s, size, digest):
    """Sends size bytes from a thread; gives it."""
    chunk = noise("stall", MIB)

    def run():
        for _ in range(size // MIB):
            digest.update(chunk)
            s.sendall(chunk)
        s.shutdown(socket.SHUT_WR)
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def wait_stalled(s):
    """Until the kernel takes no more from this writer: the queue of unsent
    bytes stays the same."""
    last = [None, 0]

    def same():
        import fcntl
        import termios
        queued = struct.unpack("i", fcntl.ioctl(
            s.fileno(), termios.TIOCOUTQ, b"\0" * 4))[0]
        if queued == last[0] and queued > 0:
            last[1] += 1
        else:
            last[:] = queued, 0
        return last[1] >= 20
    until(same, 30, "the writer is stalled", interval=0.02)


def slow_reader(hawserd, sshd, serve, size, others_size):
    gate = Gated()
    slow, fast = serve(gate), serve(echo)
    slow_port, fast_port = ports.free(), ports.free()
    hawserd.write(stanza(
        "host", sshd, f"LocalForward {slow_port} localhost:{slow.port}",
        f"LocalForward {fast_port} localhost:{fast.port}"))
    hawserd.start()
    hawserd.wait_up("host")

    def client():
        return connect(fast_port, timeout=60)
    seconds_for(client, others_size)
    alone = seconds_for(client, others_size)
    worker = hawserd.worker_pid("host")
    before = proc.rss(worker)

    sent = hashlib.sha256()
    with connect(slow_port, timeout=None) as s:
        writer = stalled_writer(s, size, sent)
        wait_stalled(s)
        beside = seconds_for(client, others_size)
        grown = proc.rss(worker) - before
        gate.open.set()
        assert gate.done.wait(300)
        writer.join()
    assert gate.total == size
    assert gate.digest.digest() == sent.digest()
    assert grown < (64 if SANITIZED else 16) * MIB, f"{grown} bytes"
    assert beside < 2 * alone + 0.2, f"{alone} s alone, {beside} s beside"
    return grown


@pytest.mark.alone
@pytest.mark.parametrize("way", WAYS)
def test_a_greeting_is_prompt(hawserd, sshd, serve, way):
    """It is the second small packet in a row: sshd keeps it back until the
    first is acknowledged, which takes a kernel 40 ms if nobody hurries it."""
    client = tunnel(hawserd, sshd, serve(mail), way)
    took = []
    for _ in range(20):
        watch = Stopwatch()
        with client() as s:
            assert s.recv(64) == b"* OK ready\r\n"
            took.append(watch.seconds)
    assert statistics.median(took) < 0.02 * STRETCH, took


@pytest.mark.alone
def test_an_answer_in_parts_is_prompt(hawserd, sshd, serve):
    """Of which each is a small packet, and nothing goes the other way."""
    def answer(conn):
        while conn.recv(3):
            for part in (b"head", b"body", b"tail"):
                conn.sendall(part)
                time.sleep(0.001)   # or they were one packet
    client = tunnel(hawserd, sshd, serve(answer), "local")
    took = []
    with client() as s:
        for _ in range(20):
            watch = Stopwatch()
            s.sendall(b"get")
            assert read_exactly(s, 12) == b"headbodytail"
            took.append(watch.seconds)
    assert statistics.median(took) < 0.02 * STRETCH, took


@pytest.mark.alone
def test_slow_reader_at_the_far_side(hawserd, sshd, serve, record_property):
    record_property("rss_growth", slow_reader(
        hawserd, sshd, serve, 256 * MIB, (8 if SANITIZED else 32) * MIB))


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.timeout(900)
def test_slow_reader_of_a_gibibyte(hawserd, sshd, serve):
    slow_reader(hawserd, sshd, serve, 1024 * MIB, 64 * MIB)


@pytest.mark.alone
def test_slow_reader_at_the_near_side(hawserd, sshd, serve, record_property):
    """The far side sends, the local client doesn't read."""
    size = 256 * MIB
    chunk = noise("stall", MIB)

    def source(conn):
        for _ in range(size // MIB):
            conn.sendall(chunk)
    slow, fast = serve(source), serve(echo)
    slow_port, fast_port = ports.free(), ports.free()
    hawserd.write(stanza(
        "host", sshd, f"LocalForward {slow_port} localhost:{slow.port}",
        f"LocalForward {fast_port} localhost:{fast.port}"))
    hawserd.start()
    hawserd.wait_up("host")

    def client():
        return connect(fast_port, timeout=60)
    others = (8 if SANITIZED else 32) * MIB
    seconds_for(client, others)
    alone = seconds_for(client, others)
    worker = hawserd.worker_pid("host")
    before = proc.rss(worker)
    with connect(slow_port, timeout=60) as s:
        read_exactly(s, MIB)
        beside = seconds_for(client, others)
        grown = proc.rss(worker) - before
        digest, total = hashlib.sha256(chunk), MIB
        while part := s.recv(256 * 1024):
            digest.update(part)
            total += len(part)
    assert total == size
    assert digest.digest() == hashlib.sha256(chunk * (size // MIB)).digest()
    record_property("rss_growth", grown)
    assert grown < (64 if SANITIZED else 16) * MIB, f"{grown} bytes"
    assert beside < 2 * alone + 0.2, f"{alone} s alone, {beside} s beside"


@pytest.mark.skipif(os.getuid() != 0, reason="a worker's descriptors are "
                    "shown to root alone")
def test_many_connections_come_and_go(hawserd, sshd, serve):
    """Ids and descriptors are given back: 500 connections, ten at a time."""
    client = tunnel(hawserd, sshd, serve(echo), "local")
    worker = hawserd.worker_pid("host")
    folder = f"/proc/{worker}/fd"
    before = len(os.listdir(folder))
    for round_ in range(50):
        clients = [client() for _ in range(10)]
        for i, s in enumerate(clients):
            assert ping(s, b"%d/%d" % (round_, i))
        for s in clients:
            s.close()
    until(lambda: len(os.listdir(folder)) <= before, 10,
          "descriptors are given back")
    assert hawserd.worker_pid("host") == worker


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.timeout(600)
def test_ten_thousand_connections(hawserd, make_sshd, serve, request,
                                  record_property):
    """At one forward: their memory is small, and others don't notice."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    request.addfinalizer(
        lambda: resource.setrlimit(resource.RLIMIT_NOFILE, before))
    # Both ends of the tunnel are descriptors of this process.
    count = min(10_000, (before[1] - 500) // 2)
    record_property("connections", count)
    sshd = make_sshd()
    crowd, quiet = serve(echo), serve(echo)
    many, other = ports.free(), ports.free()
    hawserd.write(stanza("vps", sshd, f"LocalForward {many} "
                         f"127.0.0.1:{crowd.port}", f"LocalForward {other} "
                         f"127.0.0.1:{quiet.port}"))
    hawserd.start()
    worker = hawserd.wait_up("vps")["pid"]
    with connect(other) as s:
        assert ping(s)
        memory = proc.rss(worker)
        clients = []
        for _ in range(count):
            clients.append(connect(many))
            assert ping(clients[-1])
        each = (proc.rss(worker) - memory) / count
        record_property("rss_each", each)
        watch = Stopwatch()
        for _ in range(100):
            assert ping(s)
        # sshd looks at all of its channels each time.
        record_property("echo_ms", watch.seconds * 10)
        for c in clients:
            c.close()
        assert ping(s)
    assert each < (16384 if SANITIZED else 2048), f"{each} bytes"
    assert hawserd.worker_pid("vps") == worker
