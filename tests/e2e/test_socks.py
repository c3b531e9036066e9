# SPDX-License-Identifier: ISC
"""SOCKS 4, 4a and 5 as clients see them, the odd ones among them."""

import os
import socket
import threading

import pytest

from lib import ports
from lib.hawserd import stanza
from lib.servers import (connect, echo, mail, ping, read_all, read_exactly)
from lib.socks import (ASSOCIATE, BIND, HELLO, request5, v4, v4_reply, v5,
                       v5_method, v5_reply)
from lib.wait import STRETCH, Stopwatch, until

REFUSED = {"v5": 5, "v4": 0x5B}


@pytest.fixture
def socks(hawserd, sshd):
    """socks(): a connection to a DynamicForward that is up."""
    port = ports.free()
    hawserd.write(stanza("out", sshd, f"DynamicForward {port}"))
    hawserd.start()
    hawserd.wait_up("out")
    return lambda: connect(port, timeout=20)


def ended(s):
    """The other side has closed: no byte comes any more."""
    try:
        return s.recv(1) == b""
    except ConnectionResetError:
        return True


def test_every_address_form(socks, serve):
    four, six = serve(echo), serve(echo, host="::1")
    for host, server in (("127.0.0.1", four), ("localhost", four),
                         ("::1", six)):
        with socks() as s:
            assert request5(s, host, server.port) == 0
            assert ping(s)
    for host in ("127.0.0.1", "localhost"):
        for user in (b"", b"somebody"):
            with socks() as s:
                s.sendall(v4(host, four.port, user))
                assert v4_reply(s) == 0x5A
                assert ping(s)


def byte_by_byte(s, data):
    for i in range(len(data)):
        s.sendall(data[i:i + 1])


def test_byte_by_byte(socks, serve):
    server = serve(echo)
    with socks() as s:
        byte_by_byte(s, HELLO)
        assert v5_method(s) == 0
        byte_by_byte(s, v5("localhost", server.port))
        assert v5_reply(s) == 0
        assert ping(s)
    with socks() as s:
        byte_by_byte(s, v4("localhost", server.port, b"me"))
        assert v4_reply(s) == 0x5A
        assert ping(s)


def test_pipelined_with_data(socks, serve):
    """Greeting, request and the first data in one segment."""
    server = serve(echo)
    data = os.urandom(100000)
    for hello, request in ((HELLO, v5("localhost", server.port)),
                           (b"", v4("localhost", server.port))):
        with socks() as s:
            s.sendall(hello + request + data[:10])
            if hello:
                assert v5_method(s) == 0
                assert v5_reply(s) == 0
            else:
                assert v4_reply(s) == 0x5A
            assert read_exactly(s, 10) == data[:10]
            threading.Thread(target=s.sendall, args=(data,),
                             daemon=True).start()
            assert read_exactly(s, len(data)) == data


def test_server_speaks_first(socks, serve):
    server = serve(mail)
    with socks() as s:
        assert request5(s, "localhost", server.port) == 0
        assert s.recv(64) == b"* OK ready\r\n"


def test_pipelined_and_half_closed(socks, serve):
    """All that the client will ever send, and its end, before any reply."""
    server = serve(echo)
    with socks() as s:
        s.sendall(HELLO + v5("localhost", server.port) + b"all of it")
        s.shutdown(socket.SHUT_WR)
        assert v5_method(s) == 0
        assert v5_reply(s) == 0
        assert read_all(s) == b"all of it"


def test_many_methods_offered(socks, serve):
    server = serve(echo)
    with socks() as s:
        s.sendall(b"\x05\xff" + bytes(range(255, 0, -1)))
        assert v5_method(s) == 0xFF     # 255 methods, none is 0
        assert ended(s)
    with socks() as s:
        s.sendall(b"\x05\x03\x01\x02\x00")
        assert v5_method(s) == 0
        s.sendall(v5("127.0.0.1", server.port))
        assert v5_reply(s) == 0


# Refusals ---------------------------------------------------------------------

def test_refused_by_the_target(socks):
    closed = ports.free()
    with socks() as s:
        assert request5(s, "127.0.0.1", closed) == 5
        assert ended(s)
    with socks() as s:
        s.sendall(v4("127.0.0.1", closed))
        assert v4_reply(s) == 0x5B
        assert ended(s)


def test_name_that_nobody_knows(socks):
    with socks() as s:
        assert request5(s, "no-such-name.invalid", 80) == 4
        assert ended(s)
    with socks() as s:
        s.sendall(v4("no-such-name.invalid", 80))
        assert v4_reply(s) == 0x5B
        assert ended(s)


@pytest.mark.netns
def test_unreachable_network(make_ns, make_sshd, make_hawserd):
    """A server without any route says so."""
    ns = make_ns("lonely")
    sshd = make_sshd(ns=ns, port=22)
    hawserd = make_hawserd(ns=ns)
    hawserd.write(stanza("out", sshd, "DynamicForward 1080"))
    hawserd.start()
    hawserd.wait_up("out")
    with ns, connect(1080) as s:
        assert request5(s, "10.1.2.3", 80) in (3, 4)
        assert ended(s)


def test_prohibited_by_policy(hawserd, make_sshd, serve):
    server = serve(echo)
    sshd = make_sshd(options=["PermitOpen none"])
    port = ports.free()
    hawserd.write(stanza("out", sshd, f"DynamicForward {port}"))
    hawserd.start()
    hawserd.wait_up("out")
    with connect(port) as s:
        assert request5(s, "127.0.0.1", server.port) == 2
        assert ended(s)


@pytest.mark.parametrize("command", (BIND, ASSOCIATE, 0, 9, 255))
def test_other_commands(socks, command):
    with socks() as s:
        assert request5(s, "127.0.0.1", 80, command=command) == 7
        assert ended(s)


@pytest.mark.parametrize("command", (BIND, 0, 255))
def test_other_commands_of_version_4(socks, command):
    with socks() as s:
        s.sendall(v4("127.0.0.1", 80, command=command))
        assert v4_reply(s) == 0x5B
        assert ended(s)


@pytest.mark.parametrize("kind", (0, 2, 5, 255))
def test_unknown_address_type(socks, kind):
    with socks() as s:
        s.sendall(HELLO)
        assert v5_method(s) == 0
        s.sendall(bytes((5, 1, 0, kind)) + b"\x01\x02\x03\x04\x00\x50")
        assert v5_reply(s) == 8
        assert ended(s)


def test_no_acceptable_method(socks):
    for hello in (b"\x05\x00", b"\x05\x01\x02", b"\x05\x02\x01\x02"):
        with socks() as s:
            s.sendall(hello)
            assert v5_method(s) == 0xFF
            assert ended(s)


@pytest.mark.parametrize("first", (
    b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
    b"\x03\x01\x00", b"\x06\x01\x00", b"\x00", b"\xff" * 600,
), ids=("http", "tls", "v3", "v6", "nul", "ff"))
def test_not_socks(socks, first):
    with socks() as s:
        s.sendall(first)
        assert ended(s)


def test_wrong_version_in_the_request(socks):
    with socks() as s:
        s.sendall(HELLO)
        assert v5_method(s) == 0
        s.sendall(b"\x04" + v5("127.0.0.1", 80)[1:])
        while s.recv(64):
            pass


@pytest.mark.parametrize("name", (b"", b"a\0b", b"\0", b"localhost\0"))
def test_domain_that_is_no_name(socks, name):
    with socks() as s:
        assert request5(s, name, 80) == 1
        assert ended(s)


def test_port_zero(socks):
    with socks() as s:
        assert request5(s, "127.0.0.1", 0) == 1
        assert ended(s)
    with socks() as s:
        s.sendall(v4("127.0.0.1", 0))
        assert v4_reply(s) == 0x5B
        assert ended(s)


def test_longest_name_is_passed_on_intact(hawserd, sshd):
    """The server tries to look up 255 bytes: it logs the name."""
    port = ports.free()
    hawserd.write(stanza("out", sshd, f"DynamicForward {port}"))
    hawserd.start()
    hawserd.wait_up("out")
    name = ".".join(["n" * 62] * 4)[:251] + ".end"
    assert len(name) == 255
    with connect(port) as s:
        assert request5(s, name, 80) != 0
        assert ended(s)
    sshd.log.wait(name.replace(".", r"\."))


def test_user_id_of_version_4(socks, serve):
    server = serve(echo)
    with socks() as s:
        s.sendall(v4("localhost", server.port, b"u" * 512))
        assert v4_reply(s) == 0x5A
        assert ping(s)
    for size in (513, 100000):
        with socks() as s:
            try:
                s.sendall(v4("localhost", server.port, b"u" * size))
            except ConnectionError:
                continue
            assert ended(s)


# Time and numbers -------------------------------------------------------------

@pytest.mark.parametrize("first", (b"", b"\x05", HELLO, b"\x04\x01\x00"),
                         ids=("nothing", "version", "hello", "half"))
def test_silent_client(socks, first):
    with socks() as s:
        watch = Stopwatch()
        s.sendall(first)
        if first == HELLO:
            assert v5_method(s) == 0
        assert ended(s)
        assert 9 < watch.seconds < 12 * STRETCH


def test_idle_handshakes_harm_nobody(socks, serve, stack):
    """Row 39 in small: 300 who say nothing, and clients who do."""
    server = serve(echo)
    for _ in range(300):
        stack.enter_context(socks())
    for _ in range(20):
        watch = Stopwatch()
        with socks() as s:
            assert request5(s, "127.0.0.1", server.port) == 0
            assert ping(s)
        assert watch.seconds < 1 * STRETCH


def test_failures_are_counted(hawserd, sshd):
    port = ports.free()
    hawserd.write(stanza("out", sshd, f"DynamicForward {port}"))
    hawserd.start()
    hawserd.wait_up("out")
    with connect(port) as s:
        assert request5(s, "127.0.0.1", ports.free()) == 5
    with connect(port) as s:
        s.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert ended(s)

    def failed():
        found = hawserd.forward("out", f"D:{port}")
        return found["connections"]["failed"] == 2
    until(failed, 10, lambda: hawserd.host("out"))
