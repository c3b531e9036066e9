# SPDX-License-Identifier: ISC
"""Signals, reload, the API and the command line."""

import contextlib
import os
import signal
import socket
import stat
import threading

import pytest

from lib import ports, proc
from lib.hawserd import run_cli, stanza
from lib.servers import (connect, http, is_bound, listening, ping,
                         read_all)
from lib.wait import STRETCH, Stopwatch, until


def echoes(port):
    with connect(port) as s:
        return ping(s)


# Reload -----------------------------------------------------------------------

def test_host_added(hawserd, sshd, target):
    first, second = ports.free(), ports.free()
    one = stanza("one", sshd, f"LocalForward {first} {target}")
    hawserd.write(one)
    hawserd.start()
    pid = hawserd.wait_up("one")["pid"]
    with connect(first) as s:
        assert ping(s)
        hawserd.write(one, stanza("two", sshd,
                                  f"LocalForward {second} {target}"))
        config = hawserd.hup()
        assert config["error"] is None
        hawserd.wait_up("two")
        assert echoes(second)
        assert ping(s)
    assert hawserd.worker_pid("one") == pid


def test_host_removed(hawserd, sshd, target):
    """Its listener is gone at once; its open connections may finish."""
    first, second = ports.free(), ports.free()
    remote = ports.free()
    one = stanza("one", sshd, f"LocalForward {first} {target}")
    hawserd.write(one, stanza("two", sshd, f"LocalForward {second} {target}",
                              f"RemoteForward {remote} {target}"))
    hawserd.start()
    pid = hawserd.wait_up("one")["pid"]
    gone = hawserd.wait_up("two")["pid"]
    with connect(first) as keeps, connect(second) as old:
        assert ping(keeps)
        assert ping(old)
        hawserd.write(one)
        assert hawserd.hup()["error"] is None
        until(lambda: not is_bound(second), 5, "the listener is closed")
        until(lambda: not is_bound(remote), 5, "the remote port is free")
        assert ping(old)
        assert ping(keeps)
        old.close()
        assert not proc.wait_gone([gone], 10)
        assert ping(keeps)
    assert hawserd.worker_pid("one") == pid
    until(lambda: hawserd.host("two") is None, 5, "the host is gone")


def test_the_last_bytes_of_a_drain_arrive(hawserd, sshd, serve):
    """The worker that drains hangs up only when the server has passed on
    what it was given last, however slow the target is."""
    size, go, got = 1900 * 1024, threading.Event(), []

    def slow_reader(conn):
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        conn.sendall(b"hello")
        conn.shutdown(socket.SHUT_WR)
        go.wait(30)
        total = 0
        while part := conn.recv(65536):
            total += len(part)
        got.append(total)

    first, second = ports.free(), ports.free()
    one = stanza("one", sshd, f"LocalForward {first} a:1")
    two = stanza("two", sshd, f"LocalForward {second} "
                 f"127.0.0.1:{serve(slow_reader).port}")
    hawserd.write(one, two)
    hawserd.start()
    gone = hawserd.wait_up("two")["pid"]
    with connect(second) as s:
        assert read_all(s) == b"hello"
        hawserd.write(one)
        hawserd.hup()
        s.sendall(b"x" * size)
        s.shutdown(socket.SHUT_WR)
        proc.wait_gone([gone], 1)
        go.set()
        until(lambda: got, 20, "the target has read to the end")
    assert got == [size]
    assert not proc.wait_gone([gone], 10)


def test_drain_has_an_end(hawserd, sshd, target):
    first, second = ports.free(), ports.free()
    one = stanza("one", sshd, f"LocalForward {first} {target}")
    hawserd.write(one, stanza("two", sshd, f"LocalForward {second} {target}",
                              HawserDrain="1s"))
    hawserd.start()
    hawserd.wait_up("one")
    gone = hawserd.wait_up("two")["pid"]
    with connect(second) as old:
        assert ping(old)
        hawserd.write(one)
        hawserd.hup()
        assert not proc.wait_gone([gone], 5)
        assert old.recv(1) == b""


def test_forward_added_and_removed(hawserd, sshd, target):
    """On the live connection: the worker and its connections stay."""
    keeps, goes, comes = ports.free(), ports.free(), ports.free()
    remote_goes, remote_comes = ports.free(), ports.free()
    hawserd.write(stanza("one", sshd, f"LocalForward {keeps} {target}",
                         f"LocalForward {goes} {target}",
                         f"RemoteForward {remote_goes} {target}"))
    hawserd.start()
    pid = hawserd.wait_up("one")["pid"]
    hawserd.wait_forward("one", f"R:{remote_goes}")
    with connect(keeps) as s, connect(goes) as old:
        assert ping(s)
        assert ping(old)
        hawserd.write(stanza("one", sshd, f"LocalForward {keeps} {target}",
                             f"LocalForward {comes} {target}",
                             f"RemoteForward {remote_comes} {target}"))
        assert hawserd.hup()["error"] is None
        hawserd.wait_forward("one", f"L:{comes}")
        hawserd.wait_forward("one", f"R:{remote_comes}")
        assert echoes(comes)
        assert echoes(remote_comes)
        until(lambda: not is_bound(goes) and not is_bound(remote_goes), 5,
              "the removed forwards' ports are free")
        assert ping(s)
        assert ping(old)
    assert hawserd.worker_pid("one") == pid
    assert [f["id"] for f in hawserd.host("one")["forwards"]] == [
        f"L:{keeps}", f"L:{comes}", f"R:{remote_comes}"]


def test_port_moves_between_hosts(hawserd, sshd, serve):
    """Every client is served by the one or the other."""
    servers = [serve(http(b"one")), serve(http(b"two"))]
    port, keeps = ports.free(), [ports.free(), ports.free()]
    got, stop = [], threading.Event()

    def write(*forwards):
        hawserd.write(*[
            stanza(name, sshd, f"LocalForward {own} a:1", *lines)
            for name, own, lines in zip(("one", "two"), keeps, forwards)])

    def knock():
        while not stop.is_set():
            try:
                with connect(port) as s:
                    s.sendall(b"GET / HTTP/1.0\r\n\r\n")
                    got.append(s.makefile("rb").read()[-3:])
            except OSError as e:
                got.append(e)
    lines = [f"LocalForward {port} localhost:{s.port}" for s in servers]
    write([], [lines[1]])
    hawserd.start()
    hawserd.wait_up("one")
    hawserd.wait_up("two")
    client = threading.Thread(target=knock)
    client.start()
    try:
        for i in range(4):
            write(*([[lines[0]], []] if i % 2 == 0 else [[], [lines[1]]]))
            assert hawserd.hup()["error"] is None
            hawserd.wait_up("one")
            hawserd.wait_up("two")
    finally:
        stop.set()
        client.join()
    assert set(got) == {b"one", b"two"}
    assert not hawserd.log.count("bind-failed")


def test_target_changed(hawserd, sshd, serve):
    old, new = serve(http(b"old")), serve(http(b"new"))
    local, remote = ports.free(), ports.free()

    def write(server):
        hawserd.write(stanza(
            "one", sshd, f"LocalForward {local} localhost:{server.port}",
            f"RemoteForward {remote} localhost:{server.port}"))

    def fetch(port):
        with connect(port) as s:
            s.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return s.makefile("rb").read()[-3:]
    write(old)
    hawserd.start()
    hawserd.wait_up("one")
    hawserd.wait_forward("one", f"R:{remote}")
    assert fetch(local) == fetch(remote) == b"old"
    write(new)
    assert hawserd.hup()["error"] is None
    hawserd.wait_up("one")
    until(lambda: listening(local) and fetch(local) == b"new", 5, "new")

    def is_moved():
        # sshd resets who knocks while it closes the old listener.
        with contextlib.suppress(ConnectionError):
            return listening(remote) and fetch(remote) == b"new"
    until(is_moved, 10, "new")


def test_pings_changed(hawserd, sshd, target):
    """On the live connection: a silence is noticed by the new limit."""
    local = ports.free()

    def write(**options):
        hawserd.write(stanza("one", sshd, f"LocalForward {local} {target}",
                             **options))
    write(ServerAliveInterval="1h")
    hawserd.start()
    pid = hawserd.wait_up("one")["pid"]
    frozen = sshd.freeze()
    write(ServerAliveInterval=1, ServerAliveCountMax=2)
    watch = Stopwatch()
    assert hawserd.hup()["error"] is None
    assert hawserd.worker_pid("one") == pid
    end = until(lambda: hawserd.host("one")["last_end"], 10, "it is lost")
    took = watch.seconds
    sshd.thaw(frozen)
    assert end["class"] == "lost"
    # The reload itself lets the files rest first.
    assert took <= 1 * 2 + 1 + 0.5 + 0.5 * STRETCH


def test_log_changed(hawserd, sshd, target):
    """Also that of workers that run."""
    hawserd.write(stanza("one", sshd, f"LocalForward {ports.free()} "
                         f"{target}", ServerAliveInterval=1))
    hawserd.start()
    pid = hawserd.wait_up("one")["pid"]
    ini = os.path.join(hawserd.conf, "hawser.ini")
    with open(ini, "w", encoding="utf-8") as f:
        f.write("[supervisor]\nlog_format = json\n")
    os.chmod(ini, 0o600)
    hawserd.hup()
    frozen = sshd.freeze()
    hawserd.log.wait('"level":"warn","who":"worker one".*silent')
    sshd.thaw(frozen)
    hawserd.log.wait('"level":"info","who":"worker one".*answers again')
    assert hawserd.worker_pid("one") == pid


def test_connection_changed(hawserd, make_sshd, target):
    """Another server: a new worker takes over; who is connected finishes."""
    old, new = make_sshd(), make_sshd()
    local, other = ports.free(), ports.free()
    rest = stanza("other", old, f"LocalForward {other} {target}")
    hawserd.write(stanza("one", old, f"LocalForward {local} {target}"), rest)
    hawserd.start()
    before = hawserd.wait_up("one")["pid"]
    other_pid = hawserd.wait_up("other")["pid"]
    with connect(local) as s:
        assert ping(s)
        hawserd.write(stanza("one", new, f"LocalForward {local} {target}"),
                      rest)
        assert hawserd.hup()["error"] is None
        until(lambda: (h := hawserd.host("one"))["state"] == "up"
              and h["pid"] != before, 10, "the new worker is up")
        assert echoes(local)
        assert new.sessions()
        assert ping(s)
    assert not proc.wait_gone([before], 10)
    assert hawserd.worker_pid("other") == other_pid


def test_a_replacement_that_fails(hawserd, sshd, target):
    """The old link stays; the same failure is one line of the log."""
    local, nobody = ports.free(), ports.free()

    def write(port):
        hawserd.write(stanza("one", sshd, f"LocalForward {local} {target}",
                             Port=port, HawserBackoff="50ms 50ms"))
    write(sshd.port)
    hawserd.start()
    pid = hawserd.wait_up("one")["pid"]
    failed = "{} +hawserd: the new link failed.*class=refused"
    for _ in range(2):
        mark = hawserd.log.mark()
        write(nobody)
        hawserd.hup()
        hawserd.log.wait(failed.format("debug") + ".*tries=4", since=mark)
        assert hawserd.log.count(failed.format("warn"), since=mark) == 1
        assert hawserd.worker_pid("one") == pid
        assert echoes(local)
        write(sshd.port)
        hawserd.hup()
        hawserd.log.wait("the link was replaced.*tries=1", since=mark)
        pid = hawserd.wait_up("one")["pid"]


def test_bad_file_changes_nothing(hawserd, sshd, target):
    local = ports.free()
    text = stanza("one", sshd, f"LocalForward {local} {target}")
    path = hawserd.write(text)
    hawserd.start()
    pid = hawserd.wait_up("one")["pid"]
    lines = text.count("\n")
    with connect(local) as s:
        assert ping(s)
        hawserd.write(text + "Host two\n\tLocalForward 70000 a:1\n")
        mark = hawserd.log.mark()
        error = hawserd.hup()["error"]
        where = f"{path}:{lines + 2}"
        assert where in error and "70000" in error
        hawserd.log.wait(f"{where}.*70000", since=mark)
        assert ping(s)
        assert [h["name"] for h in hawserd.status()["hosts"]] == ["one"]
        done = hawserd.cli("reload")
        assert done.returncode in (1, 4)
        assert where in done.stdout + done.stderr
        hawserd.write(text)
        assert hawserd.hup()["error"] is None
        assert ping(s)
    assert hawserd.worker_pid("one") == pid


def test_reload_without_a_change(hawserd, sshd, target):
    local, remote = ports.free(), ports.free()
    hawserd.write(stanza("one", sshd, f"LocalForward {local} {target}",
                         f"RemoteForward {remote} {target}"))
    hawserd.start()
    pid = hawserd.wait_up("one")["pid"]
    generation = hawserd.status()["config"]["generation"]
    with connect(local) as s:
        done = hawserd.cli("reload")
        assert done.returncode == 0, done.stderr
        assert ping(s)
    assert hawserd.status()["config"]["generation"] >= generation
    assert hawserd.worker_pid("one") == pid


def test_reload_dry_run(hawserd, sshd, target):
    """It says what would change, per host and forward, and changes nothing."""
    a, b, c = ports.free(), ports.free(), ports.free()
    one = stanza("one", sshd, f"LocalForward {a} {target}")
    hawserd.write(one, stanza("two", sshd, f"LocalForward {b} {target}"))
    hawserd.start()
    hawserd.wait_up("one")
    hawserd.wait_up("two")
    before = hawserd.status()["config"]
    assert hawserd.cli("reload", "--dry-run").stdout == "hosts: 2 kept\n"
    hawserd.write(one, f"\tDynamicForward {c}\n",
                  stanza("three", sshd, f"LocalForward {b} {target}"))
    done = hawserd.cli("reload", "-n")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ("remove   two\n"
                           f"live     one: add D:{c}\n"
                           "add      three\n"
                           "hosts: 1 added, 1 removed, 1 changed\n")
    code, body = hawserd.request("POST", "/v1/reload?dry_run=1")
    assert code == 200 and body["dry_run"] is True
    assert [(s["name"], s["action"]) for s in body["plan"]] == [
        ("two", "remove"), ("one", "live"), ("three", "add")]
    assert body["plan"][1]["forwards"] == [{"id": f"D:{c}", "action": "add"}]
    with open(hawserd.write(one), "a", encoding="utf-8") as f:
        f.write("Prot 22\n")
    done = hawserd.cli("reload", "--dry-run")
    assert done.returncode == 1 and "prot" in done.stderr.lower()
    assert hawserd.request("POST", "/v1/reload?dry_run=yes")[0] == 400
    assert hawserd.status()["config"] == before
    assert hawserd.host("two")["state"] == "up"


# Half-written files (row 31) --------------------------------------------------

def test_a_file_that_became_empty_removes_nothing(hawserd, sshd, target):
    local, other = ports.free(), ports.free()
    path = hawserd.write(stanza("one", sshd, f"LocalForward {local} {target}"))
    hawserd.write(stanza("two", sshd, f"LocalForward {other} {target}"),
                  name="20.conf")
    hawserd.start()
    pids = [hawserd.wait_up(n)["pid"] for n in ("one", "two")]
    for text in ("", "# nothing\n", "Host one\n\tHostName x\n"):
        hawserd.write(text)
        for extra in ((), ("--dry-run",)):
            done = hawserd.cli("reload", *extra)
            assert done.returncode == 1 and done.stdout == ""
            assert path in done.stderr and "--force" in done.stderr
        assert path in hawserd.status()["config"]["error"]
    assert [hawserd.worker_pid(n) for n in ("one", "two")] == pids
    # A file that is removed is meant.
    os.remove(os.path.join(hawserd.conf, "conf.d", "20.conf"))
    hawserd.write(stanza("one", sshd, f"LocalForward {local} {target}"))
    assert hawserd.hup()["error"] is None
    assert hawserd.host("two") is None
    assert hawserd.worker_pid("one") == pids[0]
    hawserd.write("")
    done = hawserd.cli("reload", "--force")
    assert done.returncode == 0 and "1 removed" in done.stdout
    assert hawserd.host("one") is None


def test_a_file_written_byte_by_byte(hawserd, sshd, target):
    """Row 31: a reload after each byte, and no part of it comes in force."""
    local, other = ports.free(), ports.free()
    old = stanza("one", sshd, f"LocalForward {local} {target}",
                 f"LocalForward {other} {target}") \
        + stanza("two", sshd, f"DynamicForward {ports.free()}")
    path = hawserd.write(old)
    hawserd.start()
    pids = [hawserd.wait_up(n)["pid"] for n in ("one", "two")]
    generation = hawserd.status()["config"]["generation"]
    with connect(local) as s, open(path, "wb", buffering=0) as f:
        for byte in old.encode():
            f.write(bytes((byte,)))
            hawserd.signal(signal.SIGHUP)
        assert ping(s)
        done = hawserd.cli("reload")
        assert done.stdout == "hosts: 2 kept\n", done.stderr
        assert ping(s)
    assert [hawserd.worker_pid(n) for n in ("one", "two")] == pids
    assert hawserd.status()["config"]["generation"] <= generation + 2
    for forbidden in ("removed=1", "changed=1", "replaced=1",
                      "a forward is removed"):
        assert forbidden not in hawserd.log.text()


def test_storm_of_reloads(hawserd, sshd, target):
    """Row 29 in small: nothing unchanged is touched, nobody refused."""
    local = ports.free()
    hawserd.write(stanza("one", sshd, f"LocalForward {local} {target}"))
    hawserd.start()
    pid = hawserd.wait_up("one")["pid"]
    stop = threading.Event()

    def storm():
        while not stop.is_set():
            hawserd.signal(signal.SIGHUP)
            stop.wait(0.01)
    thread = threading.Thread(target=storm, daemon=True)
    thread.start()
    try:
        with connect(local) as s:
            for _ in range(200):
                assert echoes(local)
                assert ping(s)
    finally:
        stop.set()
        thread.join()
    assert hawserd.worker_pid("one") == pid
    assert hawserd.status()["config"]["error"] is None


# Signals ----------------------------------------------------------------------

def test_sigterm_frees_everything(hawserd, sshd, target):
    """Within 5 s, although a client stays connected; remote ports too."""
    local, remotes = ports.free(), [ports.free() for _ in range(3)]
    hawserd.write(stanza("one", sshd, f"LocalForward {local} {target}",
                         *(f"RemoteForward {r} {target}" for r in remotes)))
    hawserd.start()
    hawserd.wait_up("one")
    for remote in remotes:
        hawserd.wait_forward("one", f"R:{remote}")
    with connect(local) as a, connect(remotes[0]) as b:
        assert ping(a) and ping(b)
        watch = Stopwatch()
        hawserd.signal(signal.SIGTERM)
        until(lambda: not any(map(is_bound, remotes)), 5,
              "the remote ports are free")
        assert not is_bound(local)
        assert hawserd.wait_exit() == 0
        assert watch.seconds < 5 + 2 * STRETCH
    sshd.log.wait("cancel-tcpip-forward")
    assert not os.path.exists(hawserd.socket)


def test_sigterm_without_connections_is_quick(hawserd, sshd, target):
    hawserd.write(stanza("one", sshd, f"RemoteForward {ports.free()} "
                         f"{target}"))
    hawserd.start()
    hawserd.wait_up("one")
    assert hawserd.stop() < 1 * STRETCH


def test_sigint_stops_too(hawserd, sshd):
    hawserd.write(stanza("one", sshd, f"LocalForward {ports.free()} a:1"))
    hawserd.start()
    hawserd.wait_up("one")
    hawserd.signal(signal.SIGINT)
    assert hawserd.wait_exit() == 0


def test_sigterm_while_connecting(hawserd, sshd, serve):
    """A server that accepts and says nothing."""
    silent = serve(lambda conn: conn.recv(1000) and conn.recv(1))
    hawserd.write(stanza("one", sshd, f"LocalForward {ports.free()} a:1",
                         Port=silent.port))
    hawserd.start()
    hawserd.wait_state("one", "connecting")
    assert hawserd.stop() < 5 + STRETCH


def test_sigterm_with_a_frozen_worker(hawserd, sshd, target):
    """Who doesn't answer is killed; the others free their ports."""
    remote = ports.free()
    hawserd.write(stanza("one", sshd, f"LocalForward {ports.free()} a:1"),
                  stanza("two", sshd, f"RemoteForward {remote} {target}"))
    hawserd.start()
    frozen = hawserd.wait_up("one")["pid"]
    hawserd.wait_forward("two", f"R:{remote}")
    proc.kill(frozen, signal.SIGSTOP)
    assert hawserd.stop() < 5 + 2 * STRETCH
    sshd.log.wait("cancel-tcpip-forward")


@pytest.mark.parametrize("how", ("signal", "retry"))
def test_retry_now(hawserd, sshd, target, how):
    """The next attempt lies an hour ahead, or is made at once."""
    local = ports.free()
    sshd.stop()
    hawserd.write(stanza("one", sshd, f"LocalForward {local} {target}",
                         HawserBackoff="1h 1h"))
    hawserd.start()
    host = hawserd.wait_ended("one")
    assert host["last_end"]["class"] == "refused"
    assert host["next_attempt_at"]
    sshd.start()
    if how == "signal":
        hawserd.signal(signal.SIGUSR1)
    else:
        done = hawserd.cli("retry", "one")
        assert done.returncode == 0, done.stderr
    hawserd.wait_up("one", timeout=5)
    assert echoes(local)


# API and command line ---------------------------------------------------------

def test_status(hawserd, sshd, target):
    local, remote, dynamic = ports.free(), ports.free(), ports.free()
    hawserd.write(stanza("one", sshd, f"LocalForward {local} {target}",
                         f"RemoteForward {remote} {target}",
                         f"DynamicForward {dynamic}",
                         ServerAliveInterval=1))
    hawserd.start()
    hawserd.wait_up("one")
    until(lambda: hawserd.host("one")["rtt_ms"], 5, "a round trip is known")
    status = hawserd.status()
    assert status["version"]
    assert status["config"]["generation"] >= 1
    assert status["config"]["error"] is None
    host = status["hosts"][0]
    assert host["name"] == "one" and host["state"] == "up"
    assert host["phase"] is None and host["parked"] is None
    assert host["next_attempt_at"] is None
    assert 0 < host["rtt_ms"] < 1000
    assert host["workers"][0]["pid"] == host["pid"]
    assert proc.name(host["pid"]).startswith("hawser-worker")
    kinds = {f["id"]: f["kind"] for f in host["forwards"]}
    assert kinds == {f"L:{local}": "local", f"R:{remote}": "remote",
                     f"D:{dynamic}": "dynamic"}
    one = hawserd.forward("one", f"L:{local}")
    assert one["target"] == target and one["listen"].endswith(str(local))


def test_api_manners(hawserd, sshd):
    hawserd.write(stanza("one", sshd, f"LocalForward {ports.free()} a:1"))
    hawserd.start()
    mode = stat.S_IMODE(os.stat(hawserd.socket).st_mode)
    assert mode == 0o600
    assert hawserd.request("GET", "/v1/hosts/one")[0] == 200
    assert hawserd.request("GET", "/v1/hosts/nobody")[0] == 404
    assert hawserd.request("GET", "/nowhere")[0] == 404
    assert hawserd.request("DELETE", "/v1/status")[0] == 405
    assert hawserd.request("POST", "/v1/hosts/nobody/retry")[0] == 404


def test_up_and_down(hawserd, sshd, target):
    local, other = ports.free(), ports.free()
    hawserd.write(stanza("one", sshd, f"LocalForward {local} {target}"),
                  stanza("two", sshd, f"LocalForward {other} {target}"))
    hawserd.start()
    pid = hawserd.wait_up("one")["pid"]
    two = hawserd.wait_up("two")["pid"]
    assert hawserd.cli("down", "one").returncode == 0
    hawserd.wait_state("one", "disabled")
    assert not proc.wait_gone([pid], 10)
    until(lambda: not is_bound(local), 5, "the listener is closed")
    done = hawserd.cli("status", "one")
    assert done.returncode == 1 and "disabled" in done.stdout
    assert hawserd.cli("up", "one").returncode == 0
    hawserd.wait_up("one")
    assert echoes(local)
    assert hawserd.worker_pid("two") == two


def test_disabled_by_its_stanza(hawserd, sshd, target):
    local = ports.free()
    hawserd.write(stanza("one", sshd, f"LocalForward {local} {target}",
                         HawserEnabled="no"),
                  stanza("two", sshd, f"LocalForward {ports.free()} a:1"))
    hawserd.start()
    hawserd.wait_up("two")
    host = hawserd.host("one")
    assert host is None or host["state"] == "disabled"
    assert not is_bound(local)


def test_status_on_the_command_line(hawserd, sshd, target):
    local = ports.free()
    hawserd.write(stanza("one", sshd, f"LocalForward {local} {target}"))
    hawserd.start()
    hawserd.wait_up("one")
    done = hawserd.cli("status")
    assert done.returncode == 0, done.stderr
    assert "one" in done.stdout and "up" in done.stdout
    assert str(local) in done.stdout
    assert "\x1b" not in done.stdout
    import json
    done = hawserd.cli("status", "--json")
    assert json.loads(done.stdout)["hosts"][0]["state"] == "up"
    explicit = run_cli("--socket", hawserd.socket, "status")
    assert explicit.returncode == 0
    assert hawserd.cli("status", "nobody").returncode != 0
    assert hawserd.cli("retry", "nobody").returncode != 0


def test_status_says_no_when_something_is_down(hawserd, sshd):
    sshd.stop()
    hawserd.write(stanza("one", sshd, f"LocalForward {ports.free()} a:1",
                         HawserBackoff="1h 1h"))
    hawserd.start()
    hawserd.wait_ended("one")
    done = hawserd.cli("status")
    assert done.returncode == 1
    assert "waiting" in done.stdout and "refused" in done.stdout


def test_exit_codes(hawserd):
    done = hawserd.cli("status")
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert hawserd.cli("no-such-command").returncode == 2
    assert hawserd.cli().returncode == 2
    assert hawserd.cli("status", "--no-such-option").returncode == 2


@pytest.mark.parametrize("program", ("hawser", "hawserd"))
def test_version_and_help(program):
    import subprocess
    from lib.hawserd import program as path
    for option in ("--version", "--help"):
        done = subprocess.run([path(program), option], capture_output=True,
                              text=True, check=False, timeout=10)
        assert done.returncode == 0
        assert program in done.stdout and not done.stderr
    done = subprocess.run([path(program), "--no-such-option"],
                          capture_output=True, text=True, check=False,
                          timeout=10)
    assert done.returncode == 2
    assert done.stderr and not done.stdout
