# SPDX-License-Identifier: ISC
"""hawser-worker alone, against a real sshd: its facts, its orders, its end."""

import contextlib
import os
import queue
import resource
import socket
import struct
import subprocess
import threading

import pytest

from lib import ports, proc, servers, socks
from lib.servers import Server, connect, echo, http, mail
from lib.socks import v4, v4_reply, v5, v5_method, v5_reply
from lib.wait import STRETCH, Stopwatch, until
from lib.worker import Forward, tcp


@pytest.fixture
def worker(make_worker, sshd):
    return make_worker(sshd).up()


def curl(*arguments):
    done = subprocess.run(["curl", "-sS", "-m", str(20 * STRETCH),
                           *arguments], capture_output=True, timeout=90)
    assert done.returncode == 0, done.stderr
    return done.stdout


# The straight line ----------------------------------------------------------

def test_phases_and_stop(worker):
    assert worker.phases() == ["start", "resolve", "connect", "banner",
                               "kex", "auth", "up"]
    worker.send("stop")
    assert worker.end()["class"] == "stopped"


def test_another_version(make_worker):
    """Whatever it doesn't know of the other's record."""
    end = make_worker(version="0.0.9", hostname=None).start().end()
    assert end["class"] == "crash"
    assert "hawserd is of version 0.0.9" in end["text"]
    assert "restart hawserd" in end["text"]


def test_settings_change_on_the_link(make_worker, sshd, stack):
    """The pings', and with them the kernel's patience; the log's level."""
    link = stack.enter_context(connect(sshd.port))
    link.settimeout(None)
    worker = make_worker(sshd, link=link, alive_interval_s=3600,
                         alive_count_max=1000, log_level=1).up()

    def patience():
        return link.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    assert patience() == 2**31 - 1
    settings = {"alive_interval_s": 0, "alive_count_max": 3,
                "log_level": 3, "log_json": True}
    worker.send("set", settings)
    until(lambda: patience() == 0, 5, "no patience of our own")
    worker.send("set", {**settings, "alive_interval_s": -1})
    worker.log.wait('"level":"error".*alive_interval_s')
    worker.wait("rtt")
    frozen = sshd.freeze()
    watch = Stopwatch()
    worker.send("set", {**settings, "alive_interval_s": 1,
                        "alive_count_max": 2})
    until(lambda: patience() == 3000, 5, "the pings' patience")
    end = worker.end()
    sshd.thaw(frozen)
    assert end["class"] == "lost"
    assert watch.seconds < 1 * 2 + 1 + 0.5 * STRETCH


def test_a_link_is_given(make_worker, sshd, stack):
    link = stack.enter_context(connect(sshd.port))
    link.settimeout(None)
    worker = make_worker(sshd, link=link).up()
    assert "connect" not in worker.phases()


def test_refused(make_worker):
    end = make_worker(port=ports.free()).start().end()
    assert end["class"] == "refused"
    assert "127.0.0.1" in end["text"]


def test_name_not_resolved(make_worker):
    end = make_worker(hostname="no-such-host.invalid").start().end()
    assert end["class"] == "resolve"


def test_hung_up_before_banner(make_worker, serve):
    server = serve(lambda conn: None)
    end = make_worker(port=server.port).start().end()
    assert end["class"] == "closed-early"


def test_silent_server_times_out(make_worker, serve):
    server = serve(lambda conn: conn.recv(1 << 16) and conn.recv(1))
    end = make_worker(port=server.port, connect_timeout_s=1).start().end()
    assert end["class"] == "timeout"
    assert "banner" in end["text"]


def test_not_ssh(make_worker, serve):
    server = serve(lambda conn: conn.sendall(b"SSH-1.5-old\r\n") or
                   conn.recv(1 << 16))
    end = make_worker(port=server.port).start().end()
    assert end["class"] == "protocol"


def test_no_common_algorithm(make_worker, make_sshd):
    sshd = make_sshd(options=["Ciphers aes256-cbc"])
    end = make_worker(sshd).start().end()
    assert end["class"] == "kex"
    assert "aes256-cbc" in end["text"]


def test_unknown_host_key(make_worker, sshd):
    sshd.write_known_hosts([])
    worker = make_worker(sshd).start()
    end = worker.end()
    assert end["class"] == "hostkey"
    assert end["host_key"]["type"] == "ssh-ed25519"
    assert end["host_key"]["verdict"] == "unknown"
    assert end["host_key"]["fingerprint"].startswith("SHA256:")
    assert "auth" not in worker.phases()


def test_key_refused(make_worker, sshd):
    with open(sshd.path("authorized_keys"), "w", encoding="ascii"):
        pass
    end = make_worker(sshd).start().end()
    assert end["class"] == "auth"


@pytest.mark.parametrize("kind", ("ecdsa", "rsa"))
def test_key_types(make_worker, sshd, kind):
    make_worker(sshd, identity_files=[getattr(sshd.keys, kind)]).up()


def test_killed_with_its_supervisor(worker):
    worker.sock.close()
    assert worker.process.wait(2 * STRETCH) == 0


# Local forwards -------------------------------------------------------------

def test_local(worker, serve):
    server = serve(http(b"x" * 100000))
    forward = worker.listen("local", tcp("127.0.0.1", server.port))
    body = curl(f"http://127.0.0.1:{forward.port}/")
    assert body == b"x" * 100000
    counters = worker.counters(forward, open=0, total=1)
    assert counters["failed"] == 0
    assert counters["in"] > 100000
    assert counters["out"] > 0


def test_server_speaks_first(worker, serve):
    server = serve(mail)
    forward = worker.listen("local", tcp("localhost", server.port))
    with connect(forward.port) as s:
        assert servers.read_exactly(s, 12) == b"* OK ready\r\n"
        s.sendall(b"a NOOP\r\n")
        assert servers.read_exactly(s, 11) == b"a OK NOOP\r\n"


def test_local_to_a_unix_socket(worker, workdir, stack):
    path = os.path.join(workdir, "s")
    listener = stack.enter_context(socket.socket(socket.AF_UNIX))
    listener.bind(path)
    listener.listen()
    forward = worker.listen("local", {"path": path})
    with connect(forward.port) as s:
        there, _ = listener.accept()
        with there:
            there.sendall(b"hello")
            assert servers.read_exactly(s, 5) == b"hello"


def test_local_target_down_and_back(worker):
    port = ports.free()
    forward = worker.listen("local", tcp("127.0.0.1", port))
    with connect(forward.port) as s:
        assert s.recv(1) == b""
    fact = worker.wait("forward", id=forward.id, state="target-down")
    assert f"127.0.0.1:{port}" in fact["detail"]
    server = Server(echo, port=port)
    try:
        with connect(forward.port) as s:
            assert servers.ping(s)
            worker.wait("forward", id=forward.id, state="up")
    finally:
        server.stop()


def test_local_not_permitted(make_worker, make_sshd):
    worker = make_worker(make_sshd(options=["PermitOpen none"])).up()
    forward = worker.listen("local", tcp("127.0.0.1", 9))
    with connect(forward.port) as s:
        assert s.recv(1) == b""
    fact = worker.wait("forward", id=forward.id, state="denied")
    assert "PermitOpen" in fact["detail"]


@pytest.mark.parametrize("kind", ("local", "remote"))
def test_half_close_both_orders(worker, serve, kind):
    """Each side in turn says all it has and shuts, then reads to the end."""
    big = os.urandom(3_000_000)
    heard = queue.Queue()

    def reply_after_eof(conn):
        data = servers.read_all(conn)
        conn.sendall(data[::-1])

    def speak_then_listen(conn):
        conn.sendall(big)
        conn.shutdown(socket.SHUT_WR)
        heard.put(servers.read_all(conn))

    for handler, first in ((reply_after_eof, True),
                           (speak_then_listen, False)):
        server = serve(handler)
        if kind == "local":
            port = worker.listen("local",
                                 tcp("127.0.0.1", server.port)).port
        else:
            port = worker.forward(tcp("127.0.0.1", 0),
                                  tcp("127.0.0.1", server.port))[1]["port"]
            worker.send("cancel", {"id": "R:127.0.0.1:0"})
            worker.wait("forward", state="down")
            port = worker.forward(tcp("127.0.0.1", 0),
                                  tcp("127.0.0.1", server.port))[1]["port"]
        with connect(port) as s:
            if first:
                s.sendall(big)
                s.shutdown(socket.SHUT_WR)
                assert servers.read_all(s) == big[::-1]
            else:
                assert servers.read_all(s) == big
                s.sendall(b"done")
        if not first:
            assert heard.get(timeout=30) == b"done"
        if kind == "remote":
            worker.send("cancel", {"id": "R:127.0.0.1:0"})
            worker.wait("forward", state="down")


def test_a_half_closed_client_gets_its_answer(worker, serve):
    """One that sends nothing at all, but is no longer in a backlog from an
    outage, is served: it may have come to listen."""
    server = serve(lambda conn: conn.sendall(b"news") and conn.recv(1))
    forward = worker.listen("local", tcp("127.0.0.1", server.port))
    with connect(forward.port) as s:
        assert servers.read_exactly(s, 4) == b"news"
    with connect(forward.port) as s:
        s.shutdown(socket.SHUT_WR)
        assert servers.read_all(s) == b"news"


def test_reset_reaches_the_target(worker, serve):
    ended = threading.Event()

    def handler(conn):
        try:
            while conn.recv(1 << 16):
                pass
        finally:
            ended.set()

    server = serve(handler)
    forward = worker.listen("local", tcp("127.0.0.1", server.port))
    with connect(forward.port) as s:
        s.sendall(b"x")
        worker.counters(forward, open=1)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                     struct.pack("ii", 1, 0))
    assert ended.wait(10)
    worker.counters(forward, open=0)


def test_clients_that_left_the_backlog_are_not_opened(make_worker, sshd,
                                                      serve):
    server = serve(echo)
    worker = make_worker(sshd)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        port = listener.getsockname()[1]
        for _ in range(20):
            connect(port).close()
        stays = connect(port)
        worker.up()
        body = {"id": "L:x", "kind": "local",
                "listen": tcp("127.0.0.1", port),
                "target": tcp("127.0.0.1", server.port)}
        worker.send("listen", body, [listener])
        with stays:
            assert servers.ping(stays)
    assert server.accepted == 1


def test_many_at_once(worker, serve):
    server = serve(echo)
    forward = worker.listen("local", tcp("127.0.0.1", server.port))
    with contextlib.ExitStack() as opened:
        clients = [opened.enter_context(connect(forward.port))
                   for _ in range(300)]
        for i, s in enumerate(clients):
            s.sendall(b"%08d" % i)
        for i, s in enumerate(clients):
            assert servers.read_exactly(s, 8) == b"%08d" % i
        worker.counters(forward, open=300, total=300)
    worker.counters(forward, open=0)


def test_descriptors_run_out(make_worker, sshd, serve):
    server = serve(echo)
    worker = make_worker(sshd).up()
    resource.prlimit(worker.pid, resource.RLIMIT_NOFILE, (64, 64))
    forward = worker.listen("local", tcp("127.0.0.1", server.port))
    with contextlib.ExitStack() as opened:
        clients = [opened.enter_context(connect(forward.port))
                   for _ in range(80)]
        worker.log.wait("no more connections")
        before = proc.cpu_seconds(worker.pid)
        watch = Stopwatch()
        for s in clients[:3]:
            s.close()
        threading.Event().wait(2.5)
        assert proc.cpu_seconds(worker.pid) - before <= 0.1 * watch.seconds
        assert worker.log.count("no more connections") == 1
    with connect(forward.port) as s:
        assert servers.ping(s)
    worker.log.wait("accepted again")
    assert worker.log.count("no more connections") == 1


def test_no_descriptor_for_a_listener(worker, serve):
    """An order that brings it is answered all the same, and may come again."""
    server = serve(echo)
    forward = worker.listen("local", tcp("127.0.0.1", server.port))
    with connect(forward.port) as s:
        assert servers.ping(s)
        used = {int(n) for n in os.listdir(f"/proc/{worker.pid}/fd")}
        full = next(n for n in range(1000) if n not in used)
        limits = resource.prlimit(worker.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(worker.pid, resource.RLIMIT_NOFILE,
                         (full, limits[1]))
        with socket.create_server(("127.0.0.1", 0)) as other:
            lent = Forward("local", tcp(*other.getsockname()),
                           tcp("127.0.0.1", server.port), [other])
            worker.send("listen", lent.body, lent.sockets)
            told = worker.wait("forward", id=lent.id)
            assert told["state"] == "bind-failed"
            assert "Too many open files" in told["detail"]
            resource.prlimit(worker.pid, resource.RLIMIT_NOFILE, limits)
            worker.lend(lent)
            with connect(lent.port) as t:
                assert servers.ping(t)


def test_a_lent_socket_is_shut_down(worker):
    """By one who has it, too: nobody can come, but nothing spins."""
    forward = worker.listen("local", tcp("127.0.0.1", 9))
    forward.sockets[0].shutdown(socket.SHUT_RDWR)
    worker.log.wait("no more connections.*Invalid argument")
    before = proc.cpu_seconds(worker.pid)
    threading.Event().wait(1.2)
    assert proc.cpu_seconds(worker.pid) - before <= 0.1


def test_cancel_leaves_connections(worker, serve):
    server = serve(echo)
    forward = worker.listen("local", tcp("127.0.0.1", server.port))
    with connect(forward.port) as s:
        assert servers.ping(s)
        worker.send("cancel", {"id": forward.id})
        worker.wait("forward", id=forward.id, state="down")
        forward.close()
        assert not servers.listening(forward.port)
        assert servers.ping(s)


# Dynamic forwards -----------------------------------------------------------

def test_socks_by_curl(worker, serve):
    server = serve(http(b"hello"))
    forward = worker.listen("dynamic")
    proxy = f"127.0.0.1:{forward.port}"
    # A name for those that leave it to the proxy: what curl itself makes of
    # "localhost" differs between its versions.
    for option, host in (("--socks5", "127.0.0.1"),
                         ("--socks5-hostname", "localhost"),
                         ("--socks4", "127.0.0.1"),
                         ("--socks4a", "localhost")):
        assert curl(option, proxy,
                    f"http://{host}:{server.port}/") == b"hello"


def test_socks_answers(worker, serve):
    server = serve(echo)
    closed = ports.free()
    forward = worker.listen("dynamic")

    with connect(forward.port) as s:
        s.sendall(socks.HELLO + v5("127.0.0.1", server.port) + b"ahead")
        assert v5_method(s) == 0 and v5_reply(s) == 0
        assert servers.read_exactly(s, 5) == b"ahead"
    with connect(forward.port) as s:
        s.sendall(socks.HELLO + v5("127.0.0.1", closed))
        assert v5_method(s) == 0 and v5_reply(s) == 5
        assert s.recv(1) == b""
    with connect(forward.port) as s:
        s.sendall(v4("127.0.0.1", closed))
        assert v4_reply(s) == 0x5b
    with connect(forward.port) as s:
        for byte in v4("localhost", server.port, user=b"me"):
            s.sendall(bytes([byte]))
        assert v4_reply(s) == 0x5a
        assert servers.ping(s)
    with connect(forward.port) as s:
        s.sendall(socks.HELLO + v5("::1", 1, command=socks.BIND) + b"x" * 99)
        assert v5_method(s) == 0 and v5_reply(s) == 7
        assert s.recv(1) == b""
    with connect(forward.port) as s:
        s.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert s.recv(1) == b""


def test_socks_policy(make_worker, make_sshd):
    worker = make_worker(make_sshd(options=["PermitOpen none"])).up()
    forward = worker.listen("dynamic")
    with connect(forward.port) as s:
        s.sendall(socks.HELLO + v5("127.0.0.1", 9))
        assert v5_method(s) == 0 and v5_reply(s) == 2


def test_socks_crowd_does_not_keep_clients_out(worker, serve):
    server = serve(echo)
    forward = worker.listen("dynamic")
    with contextlib.ExitStack() as opened:
        for _ in range(700):
            opened.enter_context(connect(forward.port))
        with connect(forward.port) as s:
            s.sendall(socks.HELLO + v5("127.0.0.1", server.port))
            assert v5_method(s) == 0 and v5_reply(s) == 0
            assert servers.ping(s)


def test_socks_deadline(worker):
    forward = worker.listen("dynamic")
    watch = Stopwatch()
    with connect(forward.port) as s:
        s.sendall(b"\5")
        assert s.recv(1) == b""
    assert 9 < watch.seconds < 12 * STRETCH


# Remote forwards ------------------------------------------------------------

def test_remote(worker, serve):
    server = serve(http(b"hello"))
    forward, fact = worker.forward(tcp(None, ports.free()),
                                   tcp("localhost", server.port))
    assert (fact["state"], fact["port"]) == ("up", forward.port)
    assert curl(f"http://127.0.0.1:{forward.port}/") == b"hello"
    worker.counters(forward, open=0, total=1)
    # Ordered again, it only says so again; another target is obeyed.
    other = serve(http(b"other"))
    forward.body["target"] = tcp("127.0.0.1", other.port)
    worker.send("forward", forward.body)
    worker.wait("forward", id=forward.id, state="up")
    assert curl(f"http://127.0.0.1:{forward.port}/") == b"other"


def test_remote_cancel_frees_the_port(worker, serve):
    server = serve(echo)
    target = tcp("127.0.0.1", server.port)
    forward, _ = worker.forward(tcp("*", ports.free()), target)
    with connect(forward.port) as s:
        assert servers.ping(s)
        worker.send("cancel", {"id": forward.id})
        worker.send("forward", forward.body)
        worker.wait("forward", id=forward.id, state="down")
        worker.wait("forward", id=forward.id, state="up")
        worker.send("cancel", {"id": forward.id})
        worker.wait("forward", id=forward.id, state="down")
        assert not servers.is_bound(forward.port)
        assert servers.ping(s)


def test_remote_target_down_and_back(worker):
    target = ports.free()
    forward, _ = worker.forward(tcp("localhost", ports.free()),
                                tcp("localhost", target))
    with connect(forward.port) as s:
        assert s.recv(1) == b""
    fact = worker.wait("forward", id=forward.id, state="target-down")
    assert f"localhost:{target} refused" in fact["detail"]
    server = Server(echo, port=target)
    try:
        with connect(forward.port) as s:
            assert servers.ping(s)
        worker.wait("forward", id=forward.id, state="up")
    finally:
        server.stop()


def test_remote_target_by_name(worker, serve):
    server = serve(echo)
    forward, _ = worker.forward(tcp("localhost", ports.free()),
                                tcp("some.example", server.port))
    with connect(forward.port) as s:
        asked = worker.wait("resolve", name="some.example")
        worker.send("addresses", {"req": asked["req"],
                                  "addresses": ["127.0.0.1"]})
        assert servers.ping(s)
    with connect(forward.port) as s:
        asked = worker.wait("resolve", name="some.example")
        worker.send("addresses", {"req": asked["req"], "addresses": [],
                                  "error": "no such name"})
        assert s.recv(1) == b""
    fact = worker.wait("forward", id=forward.id, state="target-down")
    assert "no such name" in fact["detail"]


def test_remote_target_on_the_other_family(worker, serve):
    server = serve(echo, host="::1")
    forward, _ = worker.forward(tcp("localhost", ports.free()),
                                tcp("localhost", server.port))
    with connect(forward.port) as s:
        assert servers.ping(s)


def test_remote_target_is_a_unix_socket(worker, workdir, stack):
    path = os.path.join(workdir, "s")
    forward, _ = worker.forward(tcp("localhost", ports.free()),
                                {"path": path})
    with connect(forward.port) as s:
        assert s.recv(1) == b""
    fact = worker.wait("forward", id=forward.id, state="target-down")
    assert path in fact["detail"]
    listener = stack.enter_context(socket.socket(socket.AF_UNIX))
    listener.bind(path)
    listener.listen()
    big = os.urandom(3_000_000)
    with connect(forward.port) as s:
        there, _ = listener.accept()
        with there:
            there.sendall(b"hello")
            assert servers.read_exactly(s, 5) == b"hello"
            pour = threading.Thread(target=lambda: (
                there.sendall(big), there.shutdown(socket.SHUT_WR)))
            pour.start()
            assert servers.read_all(s) == big
            pour.join()


def test_remote_held_then_free(worker, serve):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        server = serve(echo)
        forward, fact = worker.forward(tcp("127.0.0.1", port),
                                       tcp("127.0.0.1", server.port))
        assert fact["state"] == "held"
        probe, _ = holder.accept()
        probe.close()
        # The next refusal is not looked into again.
        worker.send("forward", forward.body)
        assert worker.wait("forward", id=forward.id)["state"] == "held"
        holder.setblocking(False)
        with pytest.raises(BlockingIOError):
            holder.accept()
    worker.send("forward", forward.body)
    until(lambda: worker.wait("forward", id=forward.id)["state"] == "up"
          or worker.send("forward", forward.body), 5, "up", 0.1)


def test_ends_in_the_middle_of_a_proof(worker, sshd, serve):
    """The supervisor is gone while a proof and a look at a held port are
    under way: both go with the connection."""
    server = serve(echo)
    forward, _ = worker.forward(tcp("127.0.0.1", ports.free()),
                                tcp("127.0.0.1", server.port))
    with socket.create_server(("127.0.0.1", 0)) as holder:
        held = Forward("remote", tcp("127.0.0.1", holder.getsockname()[1]),
                       tcp("127.0.0.1", server.port))
        worker.send("forward", held.body)
        look, _ = holder.accept()   # a greeting is waited for
        sshd.freeze()
        worker.send("prove", {"id": forward.id})
        worker.sock.close()
        assert worker.process.wait(5 * STRETCH) == 0
        look.close()


def test_remote_denied(make_worker, make_sshd):
    worker = make_worker(make_sshd(options=["PermitListen none"])).up()
    _, fact = worker.forward(tcp("localhost", ports.free()),
                             tcp("127.0.0.1", 9))
    assert fact["state"] == "denied"
    assert "PermitListen" in fact["detail"]


def talk(path):
    """A client of the Unix socket."""
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20 * STRETCH)
    s.connect(path)
    return s


def test_remote_unix_socket(make_worker, make_sshd, serve, workdir):
    worker = make_worker(
        make_sshd(options=["StreamLocalBindUnlink yes"])).up()
    path = os.path.join(workdir, "there")
    server = serve(echo)
    forward, fact = worker.forward({"path": path},
                                   tcp("127.0.0.1", server.port))
    assert fact["state"] == "up" and "port" not in fact
    with talk(path) as s:
        assert servers.ping(s)
        worker.send("cancel", {"id": forward.id})
        worker.wait("forward", id=forward.id, state="down")
        with pytest.raises(OSError):
            talk(path)
        assert servers.ping(s)
    # What is left of the file is in nobody's way.
    _, fact = worker.forward({"path": path}, tcp("127.0.0.1", server.port))
    assert fact["state"] == "up"
    with talk(path) as s:
        assert servers.ping(s)


def test_remote_unix_socket_refused(worker, serve, workdir, stack):
    path = os.path.join(workdir, "there")
    server = serve(echo)
    holder = stack.enter_context(socket.socket(socket.AF_UNIX))
    holder.bind(path)
    holder.listen()
    forward, fact = worker.forward({"path": path},
                                   tcp("127.0.0.1", server.port))
    assert fact["state"] == "held" and path in fact["detail"]
    assert "StreamLocalBindUnlink yes" in fact["detail"]
    holder.close()
    os.unlink(path)
    worker.send("forward", forward.body)
    worker.wait("forward", id=forward.id, state="up")
    # A file that nobody listens on, which sshd does not replace by itself.
    stale = os.path.join(workdir, "stale")
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(stale)
    _, fact = worker.forward({"path": stale}, tcp("127.0.0.1", server.port))
    assert fact["state"] == "denied"
    assert "StreamLocalBindUnlink yes" in fact["detail"]


def test_remote_dynamic(worker, serve):
    server = serve(http(b"hello"))
    forward, fact = worker.forward(tcp("localhost", ports.free()))
    assert fact["state"] == "up"
    proxy = f"127.0.0.1:{forward.port}"
    for option in ("--socks5", "--socks4"):
        assert curl(option, proxy,
                    f"http://127.0.0.1:{server.port}/") == b"hello"
    assert curl("--socks5-hostname", proxy,
                f"http://localhost:{server.port}/") == b"hello"
    with connect(forward.port) as s:
        s.sendall(socks.HELLO + v5("127.0.0.1", ports.free()))
        assert v5_method(s) == 0 and v5_reply(s) == 5
        assert s.recv(1) == b""
    echoing = serve(echo)
    with connect(forward.port) as s:
        for byte in socks.HELLO + v5("127.0.0.1", echoing.port) + b"ahead":
            s.sendall(bytes([byte]))
        assert v5_method(s) == 0 and v5_reply(s) == 0
        assert servers.read_exactly(s, 5) == b"ahead"


# Ends -----------------------------------------------------------------------

def test_session_killed(worker, sshd, serve):
    server = serve(echo)
    forward = worker.listen("local", tcp("127.0.0.1", server.port))
    with connect(forward.port) as s:
        assert servers.ping(s)
        sshd.kill_sessions()
        assert worker.end()["class"] == "lost"
        # A stream that was cut must not look like a whole one.
        with pytest.raises(ConnectionResetError):
            s.recv(1)


def test_ping_measures(worker):
    assert worker.wait("rtt")["us"] > 0


def test_frozen_session_is_lost(make_worker, sshd, serve):
    """interval x count + 1 s; new clients wait meanwhile."""
    worker = make_worker(sshd, alive_interval_s=1, alive_count_max=3).up()
    worker.wait("rtt")
    server = serve(echo)
    forward = worker.listen("local", tcp("127.0.0.1", server.port))
    watch = Stopwatch()
    sshd.freeze()
    worker.log.wait("silent")
    with connect(forward.port):
        end = worker.end()
        assert end["class"] == "lost"
        assert "has not answered for" in end["text"]
        assert 3 <= watch.seconds < 5 * STRETCH
    totals = [f["total"] for f in worker.facts if f["m"] == "fact.counters"]
    assert not any(totals)


def test_thawed_session_goes_on(make_worker, sshd, serve):
    worker = make_worker(sshd, alive_interval_s=1, alive_count_max=30).up()
    server = serve(echo)
    forward = worker.listen("local", tcp("127.0.0.1", server.port))
    frozen = sshd.freeze()
    worker.log.wait("silent")
    with connect(forward.port) as s:
        sshd.thaw(frozen)
        assert servers.ping(s)


def test_drain(worker, serve):
    server = serve(echo)
    local = worker.listen("local", tcp("127.0.0.1", server.port))
    remote, _ = worker.forward(tcp("localhost", ports.free()),
                               tcp("127.0.0.1", server.port))
    with connect(local.port) as a, connect(remote.port) as b:
        assert servers.ping(a) and servers.ping(b)
        worker.send("drain")
        until(lambda: not servers.is_bound(remote.port), 5, "cancelled")
        assert servers.ping(a) and servers.ping(b)
        a.close()
        assert servers.ping(b)
    end = worker.end()
    assert end["class"] == "stopped"


def test_stop_frees_ports_and_says_goodbye(worker, sshd, serve):
    server = serve(echo)
    remote, _ = worker.forward(tcp("localhost", ports.free()),
                               tcp("127.0.0.1", server.port))
    worker.send("stop")
    watch = Stopwatch()
    assert worker.end()["class"] == "stopped"
    assert watch.seconds < 2 * STRETCH
    assert not servers.is_bound(remote.port)
    sshd.log.wait("disconnect")


def test_stop_lets_connections_end(worker, serve):
    """What is open goes on, and the end of the last one is ours."""
    server = serve(echo)
    local = worker.listen("local", tcp("127.0.0.1", server.port))
    remote, _ = worker.forward(tcp("localhost", ports.free()),
                               tcp("127.0.0.1", server.port))
    with connect(local.port) as a, connect(remote.port) as b:
        assert servers.ping(a) and servers.ping(b)
        worker.send("stop")
        watch = Stopwatch()
        until(lambda: not servers.is_bound(remote.port), 5, "cancelled")
        assert servers.ping(a) and servers.ping(b)
        a.close()
        assert servers.ping(b)
    assert worker.end()["text"] == "stopped as ordered"
    assert watch.seconds < 4 * STRETCH


# Back-pressure --------------------------------------------------------------

@pytest.mark.parametrize("kind", ("local", "remote"))
def test_slow_reader_holds_back_only_itself(worker, serve, kind):
    total = 64 << 20

    def pour(conn):
        block = bytes(1 << 20)
        for _ in range(total >> 20):
            conn.sendall(block)

    source = serve(pour)
    other = serve(echo)
    target = tcp("127.0.0.1", source.port)
    if kind == "local":
        port = worker.listen("local", target).port
    else:
        port = worker.forward(tcp("localhost", ports.free()),
                              target)[0].port
    fast = worker.listen("local", tcp("127.0.0.1", other.port))
    with connect(port) as slow, connect(fast.port) as s:
        servers.read_exactly(slow, 1)
        for _ in range(200):
            assert servers.ping(s, b"x" * 1000)
        assert proc.rss(worker.pid) < (40 << 20) * STRETCH * STRETCH
        rest = 0
        while part := slow.recv(1 << 20):
            rest += len(part)
        assert rest == total - 1


def test_upload_is_whole(worker, serve):
    server = serve(servers.digest_then_reply)
    forward = worker.listen("local", tcp("127.0.0.1", server.port))
    total = 200 << 20
    block = os.urandom(1 << 20)
    with connect(forward.port) as s:
        for _ in range(total >> 20):
            s.sendall(block)
        s.shutdown(socket.SHUT_WR)
        reply = servers.read_all(s)
    assert struct.unpack(">Q", reply[:8])[0] == total
