# SPDX-License-Identifier: ISC
"""Signals, the API and the command line."""

import os
import signal
import stat

import pytest

from lib import ports, proc
from lib.hawserd import run_cli, stanza
from lib.servers import connect, is_bound, ping
from lib.wait import STRETCH, Stopwatch, until


def echoes(port):
    with connect(port) as s:
        return ping(s)


# Signals ----------------------------------------------------------------------

def test_sigterm_frees_everything(hawserd, sshd, target):
    """Ports at once; clients that stay connected have 5 s."""
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
        assert watch.seconds < 2 * STRETCH
        assert ping(a) and ping(b)
        assert hawserd.wait_exit() == 0
        assert 5 <= watch.seconds < 6 * STRETCH
        with pytest.raises(ConnectionResetError):   # not a whole stream
            a.recv(1)
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


@pytest.mark.parametrize("count", (20, pytest.param(
    500, marks=(pytest.mark.long, pytest.mark.timeout(900)))))
def test_sigterm_with_a_frozen_worker(hawserd, sshd, target, count,
                                      record_property):
    """Row 49: who doesn't answer is killed; the others free their ports."""
    remotes = [ports.free() for _ in range(count)]
    names = [f"h{i}" for i in range(count)]
    hawserd.write(*(stanza(name, sshd, f"RemoteForward {remote} {target}")
                    for name, remote in zip(names, remotes)))
    watch = Stopwatch()
    hawserd.start()
    for name in names:
        hawserd.wait_up(name, timeout=300)
    record_property("up_s", watch.seconds)
    proc.kill(hawserd.worker_pid("h7"), signal.SIGSTOP)
    took = hawserd.stop()
    record_property("stop_s", took)
    assert took < 6 * STRETCH
    until(lambda: not any(map(is_bound, remotes)), 2, "the ports are free")
    assert sshd.log.count("cancel-tcpip-forward want_reply") == count - 1


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
