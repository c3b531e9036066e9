# SPDX-License-Identifier: ISC
"""Reload: what changed is made so, and nothing else is touched. What clients
notice of it is in test_moves.py."""

import contextlib
import hashlib
import os
import signal
import socket
import threading

import pytest

from lib import ports, proc
from lib.clients import Stream
from lib.hawserd import stanza
from lib.servers import (connect, http, is_bound, listening, ping, read_all)
from lib.wait import STRETCH, Stopwatch, until


def echoes(port):
    with connect(port) as s:
        return ping(s)


# What changes -----------------------------------------------------------------

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
        code, body = hawserd.request("POST", "/v1/reload")
        assert code == 422 and where in body["error"]
        done = hawserd.cli("reload")
        assert done.returncode == 1
        assert where in done.stderr
        hawserd.write(text)
        assert hawserd.hup()["error"] is None
        assert ping(s)
    assert hawserd.worker_pid("one") == pid


def lasting(host):
    """What a reload that doesn't change the host must leave as it is."""
    return host["pid"], host["since"], host["server"], [
        (f["id"], f["state"], f["since"], f["connections"]["total"])
        for f in host["forwards"]]


def test_reload_without_a_change(hawserd, sshd, target):
    """Nothing is touched: neither pids nor counters nor the time of up."""
    local, remote = ports.free(), ports.free()
    hawserd.write(stanza("one", sshd, f"LocalForward {local} {target}",
                         f"RemoteForward {remote} {target}"))
    hawserd.start()
    hawserd.wait_up("one")
    hawserd.wait_forward("one", f"R:{remote}", "verified")
    generation = hawserd.status()["config"]["generation"]
    with connect(local) as s:
        assert ping(s)
        hawserd.wait_forward("one", f"L:{local}", "verified")
        before = hawserd.host("one")
        done = hawserd.cli("reload")
        assert done.stdout == "hosts: 1 kept\n", done.stderr
        assert ping(s)
        after = hawserd.host("one")
    assert lasting(after) == lasting(before)
    assert after["uptime_s"] >= before["uptime_s"]
    assert hawserd.status()["config"]["generation"] == generation + 1


def one_of_many(hawserd, sshd, target, count, record_property):
    """One host of count is changed in each way, and the others are as they
    were."""
    at = [ports.free() for _ in range(count)]
    mine, names = count // 2, [f"h{i}" for i in range(count)]

    def write(*forwards, **options):
        hawserd.write(*(
            stanza(names[i], sshd, f"LocalForward {at[i]} {target}", *(
                forwards if i == mine else ()), HawserBackoff="100ms 1s",
                **(options if i == mine else {})) for i in range(count)),
            rested=True)
    write()
    hawserd.start()
    for name in names:
        hawserd.wait_up(name, timeout=120)
    others = names[:mine] + names[mine + 1:]
    before = [lasting(hawserd.host(name)) for name in others]
    streams = [Stream(at[0]), Stream(at[-1])]
    for what, change in (
            ("changed", lambda: write(f"DynamicForward {ports.free()}")),
            ("replaced", lambda: write(Compression="yes"))):
        change()
        watch = Stopwatch()
        assert hawserd.reload()[what] == 1
        record_property(f"{what}_ms", watch.seconds * 1000)
    hawserd.wait_up(names[mine])
    for s in streams:
        assert s.finish() > 0
    after = [lasting(hawserd.host(name)) for name in others]
    for was, now in zip(before, after):
        assert was[:2] == now[:2]
    # Those that were not even used:
    assert before[1:-1] == after[1:-1]


def test_one_of_twenty_changed(hawserd, sshd, target, record_property):
    one_of_many(hawserd, sshd, target, 20, record_property)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_one_of_five_hundred_changed(hawserd, sshd, target, record_property):
    """Row 32."""
    one_of_many(hawserd, sshd, target, 500, record_property)


def test_a_long_download_outlives_changes(hawserd, sshd, serve):
    """A LIVE change beside it, and a REPLACE of its own link."""
    steps = [os.urandom(4 << 20) for _ in range(3)]
    go = [threading.Event() for _ in steps]

    def download(conn):
        for event, part in zip(go, steps):
            event.wait(30)
            conn.sendall(part)
    port, more = ports.free(), ports.free()
    forward = f"LocalForward {port} 127.0.0.1:{serve(download).port}"
    hawserd.write(stanza("one", sshd, forward))
    hawserd.start()
    pid = hawserd.wait_up("one")["pid"]
    got, digest = 0, hashlib.sha256()
    with connect(port) as s:
        for i, change in enumerate((
                lambda: hawserd.write(stanza(
                    "one", sshd, forward, f"DynamicForward {more}")),
                lambda: hawserd.write(stanza(
                    "one", sshd, forward, Compression="yes")),
                lambda: None)):
            go[i].set()
            while got < (i + 1) * len(steps[0]) - 1:
                data = s.recv(1 << 20)
                assert data
                digest.update(data)
                got += len(data)
            change()
            hawserd.reload()
            if i == 1:
                until(lambda: hawserd.wait_up("one")["pid"] != pid, 10,
                      "the new link is up")
        digest.update(read_all(s))
    assert digest.digest() == hashlib.sha256(b"".join(steps)).digest()
    assert not proc.wait_gone([pid], 10)


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
