# SPDX-License-Identifier: ISC
"""Remote forwards: what the service learns of its clients, where those that are
served SOCKS may go, and how a port is freed that somebody holds."""

import socket
import struct
import subprocess

import pytest

from lib import ports
from lib.hawserd import stanza
from lib.servers import connect, echo, is_bound, ping, read_exactly
from lib.socks import request5, v4, v4_reply
from lib.wait import until

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


@pytest.fixture
def headers(serve):
    """An echo service that expects version 1 or 2; .seen are the headers."""
    seen = []

    def handler(conn):
        first = read_exactly(conn, 12)
        if first == SIGNATURE:
            rest = read_exactly(conn, 4)
            rest += read_exactly(conn, struct.unpack(">H", rest[2:])[0])
        else:
            rest = b""
            while not rest.endswith(b"\r\n"):
                rest += read_exactly(conn, 1)
        seen.append(first + rest)
        echo(conn)
    server = serve(handler)
    server.seen = seen
    return server


def test_version_1(hawserd, sshd, headers):
    port = ports.free()
    hawserd.write(stanza("vps", sshd, f"RemoteForward {port} "
                         f"127.0.0.1:{headers.port}",
                         HawserProxyProtocol="v1"))
    hawserd.start()
    hawserd.wait_forward("vps", f"R:{port}")
    with connect(port) as s:
        assert ping(s)
        mine = s.getsockname()[1]
    assert headers.seen == [f"PROXY TCP4 127.0.0.1 0.0.0.0 {mine} {port}\r\n"
                            .encode()]
    until(lambda: f"from=127.0.0.1 port={mine}" in hawserd.log.text(), 10,
          "the log names the client")


def test_version_2(hawserd, sshd, headers):
    """Also while proofs hold connections, and for IPv6."""
    port = ports.free()
    hawserd.write(stanza("vps", sshd, f"RemoteForward {port} "
                         f"127.0.0.1:{headers.port}",
                         HawserProxyProtocol="v2", HawserVerify="10ms"))
    hawserd.start()
    hawserd.wait_forward("vps", f"R:{port}", "verified")
    for _ in range(20):
        with connect(port, "::1") as s:
            assert ping(s)
            mine = s.getsockname()[1]
        assert headers.seen.pop() == SIGNATURE + b"\x21\x21\0\x24" + \
            socket.inet_pton(socket.AF_INET6, "::1") + bytes(16) + \
            struct.pack(">HH", mine, port)
    assert not headers.seen


def test_unix_socket_has_no_client_address(hawserd, sshd, headers, workdir):
    path = f"{workdir}/there"
    hawserd.write(stanza("vps", sshd, f"RemoteForward {path} "
                         f"127.0.0.1:{headers.port}",
                         HawserProxyProtocol="v1"))
    hawserd.start()
    hawserd.wait_forward("vps", f"R:{path}", "verified")
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)
        assert ping(s)
    assert headers.seen == [b"PROXY UNKNOWN\r\n"]


def test_permit_remote_open(hawserd, sshd, serve):
    allowed, other = serve(echo), serve(echo)
    port = ports.free()
    hawserd.write(stanza("vps", sshd, f"RemoteForward {port}",
                         PermitRemoteOpen=f"127.0.0.1:{allowed.port} "
                         "[::1]:*"))
    hawserd.start()
    hawserd.wait_forward("vps", f"R:{port}")
    with connect(port) as s:
        assert request5(s, "127.0.0.1", allowed.port) == 0
        assert ping(s)
    for host in ("127.0.0.1", "localhost"):
        with connect(port) as s:
            assert request5(s, host, other.port) == 2
            assert s.recv(1) == b""
    with connect(port) as s:
        s.sendall(v4("127.0.0.1", other.port))
        assert v4_reply(s) == 0x5B
    # Allowed, but nobody is there.
    with connect(port) as s:
        assert request5(s, "::1", ports.free()) == 5
    assert other.accepted == 0


def test_permit_nothing(hawserd, sshd, serve):
    server = serve(echo)
    port = ports.free()
    hawserd.write(stanza("vps", sshd, f"RemoteForward {port}",
                         PermitRemoteOpen="none"))
    hawserd.start()
    hawserd.wait_forward("vps", f"R:{port}")
    with connect(port) as s:
        assert request5(s, "127.0.0.1", server.port) == 2


def hold(stack, port):
    """A process on the server that has the port."""
    holder = subprocess.Popen(["nc", "-lk", "127.0.0.1", str(port)],
                              stdin=subprocess.DEVNULL)

    def end():
        holder.kill()
        holder.wait()
    stack.callback(end)
    until(lambda: is_bound(port), 10, "nc listens")
    return holder


@pytest.mark.parametrize("command, works", (
    ("fuser -k -n tcp %P", True), ("echo no %%P; exit 3", False),
    ("none", False)))
def test_takeover(hawserd, sshd, serve, stack, command, works):
    """Whoever holds the port there is ended by a command of ours."""
    port = ports.free()
    holder = hold(stack, port)
    home = serve(echo)
    hawserd.write(stanza("vps", sshd, f"RemoteForward 127.0.0.1:{port} "
                         f"127.0.0.1:{home.port}", HawserTakeover=command))
    hawserd.start()
    forward = f"R:127.0.0.1:{port}"
    if works:
        assert holder.wait(20) != 0
        hawserd.wait_forward("vps", forward, "verified")
        assert hawserd.log.count("HawserTakeover has run") == 1
        with connect(port) as s:
            assert ping(s)
        return
    hawserd.wait_forward("vps", forward, "held")
    if command == "none":
        assert "HawserTakeover" not in hawserd.log.text()
    else:
        until(lambda: 'status=3 why="it ended" output="no %P'
              in hawserd.log.text(), 10, "the failure is told")
        # Once a minute, however often the port is asked for.
        until(lambda: sshd.log.count("forward to port|tcpip-forward listen")
              >= 3, 15, "the port is asked for again and again")
        assert hawserd.log.count("HawserTakeover runs") == 1
    assert holder.poll() is None


def test_holder_says_who_it_is(hawserd, sshd, serve):
    """Looked at once: later only the port is asked for."""
    there = serve(lambda c: (c.sendall(b"SSH-2.0-old\x1b[1m\r\nmore"), echo(c)))
    hawserd.write(stanza("vps", sshd, f"RemoteForward 127.0.0.1:{there.port} "
                         "127.0.0.1:9"))
    hawserd.start()
    found = hawserd.wait_forward("vps", f"R:127.0.0.1:{there.port}", "held")
    assert found["detail"].endswith('(it answers "SSH-2.0-old?[1m")')
    until(lambda: sshd.log.count("forward to port|tcpip-forward listen") >= 3,
          15, "the port is asked for again and again")
    assert there.accepted == 1
