# SPDX-License-Identifier: ISC
"""Remote forwards that tell the truth: proved without use, and what the server
made of the address that was asked for."""

import socket

import pytest

from lib import netns, ports, proc
from lib.hawserd import stanza
from lib.servers import Server, connect, echo, ping, read_exactly
from lib.wait import until

GREETING = b"220 mail.example.net ready\r\n"


def greet(conn):
    """A server that speaks first, then echoes."""
    conn.sendall(GREETING)
    echo(conn)


@pytest.fixture
def home(serve):
    """The service at home."""
    return serve(echo)


@pytest.fixture
def start(hawserd, make_sshd, home):
    """start(listen, *sshd_config, **keywords): the forward's port, id."""
    def begin(listen, *options, target=None, **keywords):
        port = ports.free()
        sshd = make_sshd(options=options)
        listen = listen.format(port=port)
        hawserd.write(stanza(
            "vps", sshd, f"RemoteForward {listen} "
            f"{target or f'127.0.0.1:{home.port}'}", **keywords))
        hawserd.start()
        return port, f"R:{listen}"
    return begin


def judged(hawserd, forward):
    """The forward once a proof has told where it listens."""
    def told():
        found = hawserd.forward("vps", forward)
        return found if found["bound"] or found["state"] == "unprovable" \
            else None
    hawserd.wait_forward("vps", forward)
    return until(told, 15, lambda: str(hawserd.forward("vps", forward)))


def test_idle_forward_is_proved(hawserd, start, home):
    port, forward = start("{port}")
    found = hawserd.wait_forward("vps", forward, "verified")
    assert found["bound"] == [f"127.0.0.1:{port}", f"[::1]:{port}"]
    assert found["detail"] is None
    assert found["proof_ms"] > 0
    assert found["verified_at"] is not None
    assert found["last_ok_at"] is None          # nobody used it
    assert found["connections"]["total"] == 0
    assert home.accepted == 0                   # nor was the service asked


@pytest.mark.parametrize("listen, options, state, addresses, words", (
    ("*:{port}", ["GatewayPorts no"], "up", ("127.0.0.1", "[::1]"),
     "bound to loopback only: the server's sshd_config has GatewayPorts no; "
     'set "GatewayPorts clientspecified"'),
    ("*:{port}", ["GatewayPorts clientspecified"], "verified",
     ("0.0.0.0", "[::]"), None),
    ("{port}", ["GatewayPorts yes"], "up", ("0.0.0.0", "[::]"),
     "bound to every address of the server, not to loopback alone: the "
     "server's sshd_config has GatewayPorts yes"),
    ("{port}", ["AddressFamily inet"], "verified", ("127.0.0.1",),
     "IPv4 only: nothing listens on [::1]:"),
    ("127.0.0.3:{port}", ["GatewayPorts clientspecified"], "verified",
     ("127.0.0.3",), None),
    ("127.0.0.3:{port}", ["GatewayPorts no"], "up", ("127.0.0.1",),
     "bound to 127.0.0.1, not to 127.0.0.3"),
), ids=("loopback-only", "all", "exposed", "one-family", "address",
        "other-address"))
def test_bind_truth(hawserd, start, listen, options, state, addresses, words):
    port, forward = start(listen, *options)
    found = judged(hawserd, forward)
    assert found["state"] == state
    assert found["bound"] == [f"{a}:{port}" for a in addresses]
    if words is None:
        assert found["detail"] is None
    else:
        assert found["detail"].startswith(words)
    if state == "up":
        assert hawserd.log.count("a forward is not as it was asked for") == 1


@pytest.mark.netns
def test_an_address_in_another_spelling(make_ns, make_sshd, make_hawserd,
                                        serve):
    """Its clients on the server come from there, in sshd's spelling."""
    ns = make_ns("there")
    netns.run("ip", "-n", ns.name, "address", "add", "fd00:78::1/128", "dev",
              "lo")
    with ns:
        home = serve(echo)
        sshd = make_sshd(ns=ns, options=["GatewayPorts clientspecified"])
        hawserd = make_hawserd(ns=ns)
        port = ports.free()
        forward = f"R:[FD00:78:0::1]:{port}"
        hawserd.write(stanza("vps", sshd, f"RemoteForward {forward[2:]} "
                             f"127.0.0.1:{home.port}"))
        hawserd.start()
        found = judged(hawserd, forward)
    assert found["state"] == "verified", found
    assert found["bound"] == [f"[FD00:78:0::1]:{port}"]
    assert home.accepted == 0


@pytest.mark.parametrize("handler", (greet, echo), ids=("greets", "echoes"))
def test_somebody_else_answers(hawserd, make_sshd, home, serve, handler):
    """sshd says yes if it gets one of both families."""
    stranger = serve(handler, host="::1", port=ports.free())
    sshd = make_sshd()
    hawserd.write(stanza("vps", sshd, f"RemoteForward {stranger.port} "
                         f"127.0.0.1:{home.port}"))
    hawserd.start()
    forward = f"R:{stranger.port}"
    found = until(lambda: hawserd.forward("vps", forward)["detail"], 15,
                  "the stranger is told of")
    assert found == (f"another program answers at [::1]:{stranger.port} on "
                     "the server: clients there do not reach us")
    assert hawserd.forward("vps", forward)["state"] == "up"


@pytest.mark.parametrize("option", ("PermitOpen none",
                                    "AllowTcpForwarding remote"))
def test_unprovable(hawserd, start, option):
    port, forward = start("{port}", option)
    found = hawserd.wait_forward("vps", forward, "unprovable")
    assert "does not let us connect to it" in found["detail"]
    assert hawserd.host("vps")["state"] == "up"
    with connect(port) as s:
        assert ping(s)
    found = hawserd.wait_forward("vps", forward, "verified")
    assert found["detail"] is None


def test_a_refusal_is_asked_for_once(hawserd, make_sshd, home):
    """sshd logs an error for each."""
    sshd, port = make_sshd(), ports.free()
    hawserd.write(stanza("vps", sshd, f"RemoteForward {port} "
                         f"127.0.0.1:{home.port}", HawserVerify="20ms"))
    hawserd.start()
    seen = set()
    for _ in range(4):
        until(lambda: hawserd.forward("vps", f"R:{port}")["proof_ms"]
              not in seen, 10, "another proof")
        seen.add(hawserd.forward("vps", f"R:{port}")["proof_ms"])
    assert sshd.log.count(f"connect_to 127.0.0.2 port {port}: failed") == 1


def test_unix_socket(hawserd, sshd, home, workdir):
    path = f"{workdir}/there"
    hawserd.write(stanza("vps", sshd, f"RemoteForward {path} "
                         f"127.0.0.1:{home.port}"))
    hawserd.start()
    found = hawserd.wait_forward("vps", f"R:{path}", "verified")
    assert found["bound"] == [path]
    assert home.accepted == 0


def test_chosen_port(hawserd, start, stack):
    """The server's choice is shown, and asked for again after an outage, as
    long as nobody else has it."""
    def chosen(pid):
        until(lambda: hawserd.host("vps")["pid"] not in (None, pid), 15, "a "
              "new connection")
        found = hawserd.wait_forward("vps", forward, "verified")
        hosts, numbers = zip(*(b.rsplit(":", 1) for b in found["bound"]))
        assert hosts == ("127.0.0.1", "[::1]")
        assert len(set(numbers)) == 1
        return int(numbers[0])
    _, forward = start("0")
    first = chosen(None)
    pid = hawserd.worker_pid("vps")
    proc.kill(pid)
    assert chosen(pid) == first
    pid = hawserd.worker_pid("vps")
    hawserd.cli("down", "vps")
    hawserd.wait_state("vps", "disabled")
    until(lambda: not hawserd.host("vps")["workers"], 10, "the worker ended")
    taken = [Server(echo, host=host, port=first)
             for host in ("127.0.0.1", "::1")]
    for server in taken:
        stack.callback(server.stop)
    hawserd.cli("up", "vps")
    assert chosen(pid) != first


def test_never_without_hawserverify(hawserd, start, home):
    _, forward = start("{port}", HawserVerify="no")
    found = hawserd.wait_forward("vps", forward, "up")
    hawserd.hup()
    assert hawserd.forward("vps", forward) == found | {
        "state": "up", "bound": [], "proof_ms": None}
    assert "direct-tcpip" not in hawserd.log.text()


def test_proofs_disturb_nobody(hawserd, start, serve):
    """Clients on the server itself, while one proof follows the other: each
    gets its own bytes, one that waits for the service gets them soon, and the
    service sees no byte of a proof."""
    mail = serve(greet)
    port, forward = start("{port}", target=f"127.0.0.1:{mail.port}",
                          HawserVerify="20ms")
    hawserd.wait_forward("vps", forward, "verified")
    before = hawserd.forward("vps", forward)["verified_at"]
    clients = 0
    beginnings = (b"", b"h", b"hawser-proof ", b"hawser-proof 0123", b"EHLO")
    while clients < 100:
        text = beginnings[clients % len(beginnings)]
        clients += 1
        with connect(port) as s:
            s.settimeout(5)
            s.sendall(text)
            assert read_exactly(s, len(GREETING)) == GREETING
            assert read_exactly(s, len(text)) == text
            if clients % 2:
                s.shutdown(socket.SHUT_WR)
                assert s.recv(1) == b""
    until(lambda: hawserd.forward("vps", forward)["verified_at"] != before,
          10, "another proof")
    assert mail.accepted == clients
    until(lambda: hawserd.forward("vps", forward)["connections"]["total"]
          == clients, 10, "all are counted, and no proof")


def test_target_down_is_not_hidden(hawserd, make_sshd):
    """The way works, its end does not: that is what counts."""
    nobody, port = ports.free(), ports.free()
    hawserd.write(stanza("vps", make_sshd(), f"RemoteForward {port} "
                         f"127.0.0.1:{nobody}", HawserVerify="50ms"))
    hawserd.start()
    forward = f"R:{port}"
    hawserd.wait_forward("vps", forward, "verified")
    with connect(port) as s:
        assert s.recv(1) == b""
    found = hawserd.wait_forward("vps", forward, "target-down")
    assert found["bound"] != []     # it listens as before
    server = Server(echo, port=nobody)
    try:
        with connect(port) as s:
            assert ping(s)
        hawserd.wait_forward("vps", forward, "verified")
    finally:
        server.stop()
