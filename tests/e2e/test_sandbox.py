# SPDX-License-Identifier: ISC
"""What a worker can't do any more once it hears from the network."""

import ctypes
import os
import re
import shutil
import signal

import pytest

from lib import ports
from lib.hawserd import stanza
from lib.servers import connect, echo, ping
from lib.wait import SANITIZED, until
from lib.worker import tcp

LANDLOCK_CREATE_RULESET = 444
NOWHERE = {"any_port": False, "unix": False, "ports": []}

sandboxed = pytest.mark.skipif(
    SANITIZED, reason="a sanitized worker runs without a sandbox")


def landlock_version():
    return ctypes.CDLL(None).syscall(LANDLOCK_CREATE_RULESET, None, 0, 1)


def confines_ports():
    return landlock_version() >= 4


def process_status(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return dict(line.split(":\t", 1) for line in f.read().splitlines())


def echoes(port):
    with connect(port) as s:
        return ping(s)


def test_status_names_it(hawserd, sshd):
    hawserd.write(stanza("one", sshd, f"LocalForward {ports.free()} a:1"))
    hawserd.start()
    host = hawserd.wait_up("one")
    kernel = process_status(host["pid"])
    parts = [name for name, is_on in (
        ("seccomp", kernel["Seccomp"].strip() == "2"),
        ("landlock", landlock_version() >= 1 and not SANITIZED)) if is_on]
    assert host["workers"][0]["sandbox"] == ("+".join(parts) or "none")
    assert bool(parts) != SANITIZED
    assert kernel["NoNewPrivs"].strip() == "1"


def test_its_violation_is_a_crash(hawserd, sshd):
    hawserd.write(stanza("one", sshd, f"LocalForward {ports.free()} a:1"))
    hawserd.start()
    pid = hawserd.wait_up("one")["pid"]
    os.kill(pid, signal.SIGSYS)
    hawserd.log.wait("class=crash.*SIGSYS.*sandbox")
    end = until(lambda: hawserd.host("one")["last_end"], 5, "an end")
    assert end["class"] == "crash"
    assert "SIGSYS" in end["text"] and "phase up" in end["text"]


@sandboxed
@pytest.mark.skipif(not shutil.which("strace") or os.getuid() != 0,
                    reason="needs strace and root")
def test_no_file_is_looked_for(make_worker, sshd, serve, workdir):
    """From the banner to the end, with a client in both directions."""
    trace = os.path.join(workdir, "trace")
    worker = make_worker(sshd, under=("strace", "-D", "-o", trace)).up()
    echo_port = serve(echo).port
    local = worker.listen("local", tcp("localhost", echo_port))
    remote, fact = worker.forward(tcp(None, ports.free()),
                                  tcp("localhost", echo_port))
    assert fact["state"] == "up"
    assert echoes(local.port)
    assert echoes(remote.port)
    worker.send("stop")
    worker.end()
    with open(trace, encoding="utf-8", errors="replace") as f:
        text = f.read()
    inside = text[text.index("landlock_restrict_self"):]
    assert "exit_group" in inside
    assert not re.findall(r"^\w*(?:open|stat|access|readlink)\w*\(.*", inside,
                          re.M)


@sandboxed
def test_no_target_is_reached(make_worker, sshd, target):
    """A worker that was to reach nothing is asked to all the same."""
    if not confines_ports():
        pytest.skip("this kernel doesn't confine TCP")
    worker = make_worker(sshd, targets=NOWHERE).up()
    assert not worker.facts[-1]["targets"]["any_port"]
    host, port = target.split(":")
    remote, fact = worker.forward(tcp(None, ports.free()),
                                  tcp(host, int(port)))
    assert fact["state"] == "up"
    with connect(remote.port) as s:
        assert s.recv(1) == b""
    assert "Permission denied" in worker.wait(
        "forward", id=remote.id, state="target-down")["detail"]
    worker.send("stop")
    assert worker.end()["class"] == "stopped"


def test_new_target_takes_a_new_link(hawserd, sshd, serve, target):
    """Its port was out of reach; who is connected stays so."""
    local, first, second = ports.free(), ports.free(), ports.free()
    other = f"localhost:{serve(echo).port}"
    lines = [f"LocalForward {local} {target}",
             f"RemoteForward {first} {target}"]
    hawserd.write(stanza("one", sshd, *lines))
    hawserd.start()
    pid = hawserd.wait_up("one")["pid"]
    hawserd.wait_forward("one", f"R:{first}")
    with connect(local) as s, connect(first) as r:
        assert ping(s) and ping(r)
        hawserd.write(stanza("one", sshd, *lines,
                             f"RemoteForward {second} {other}"))
        assert hawserd.hup()["error"] is None
        hawserd.wait_forward("one", f"R:{second}")
        hawserd.wait_forward("one", f"R:{first}")
        assert echoes(second)
        assert echoes(first)
        assert echoes(local)
        assert ping(s) and ping(r)
    replaced = confines_ports() and not SANITIZED
    assert (hawserd.worker_pid("one") != pid) == replaced
