# SPDX-License-Identifier: ISC
"""What a worker can't do any more once it hears from the network."""

import ctypes
import os
import re
import shutil
import signal
import subprocess
import textwrap

import pytest

from lib import ports
from lib.hawserd import program, stanza
from lib.servers import connect, echo, ping
from lib.wait import SANITIZED, STRETCH, until
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
    # Its hawserd may be root's; of that nothing is left here.
    assert {kernel[name] for name in kernel if name.startswith("Cap")} \
        == {"0" * 16}
    with open(f"/proc/{host['pid']}/limits", encoding="ascii") as f:
        assert re.search("^Max core file size +0 +0 ", f.read(), re.M)


def test_its_violation_is_a_crash(hawserd, sshd):
    hawserd.write(stanza("one", sshd, f"LocalForward {ports.free()} a:1"))
    hawserd.start()
    pid = hawserd.wait_up("one")["pid"]
    os.kill(pid, signal.SIGSYS)
    hawserd.log.wait("class=crash.*SIGSYS.*sandbox")
    end = until(lambda: hawserd.host("one")["last_end"], 5, "an end")
    assert end["class"] == "crash"
    assert "SIGSYS" in end["text"] and "phase up" in end["text"]


# What an attacker might do first, in place of the first recv() after which a
# worker holds bytes of the network.
ESCAPES = {
    "execve": 'execl("/bin/sh", "sh", "-c", "exit 0", (char *)0)',
    "fork": "fork()",
    "ptrace": "ptrace(PTRACE_ATTACH, getppid(), 0, 0)",
    "kill": "kill(getppid(), SIGKILL)",
}
PRELOAD = """
    #include <signal.h>
    #include <sys/ptrace.h>
    #include <sys/socket.h>
    #include <unistd.h>

    ssize_t
    recv(int fd, void *buffer, size_t size, int flags)
    {
    	(void)fd; (void)buffer; (void)size; (void)flags;
    	%s;
    	_exit(77);
    }
"""


@sandboxed
@pytest.mark.skipif(not shutil.which("cc"), reason="needs a C compiler")
@pytest.mark.parametrize("escape", ESCAPES)
def test_escape_is_death(hawserd, sshd, workdir, escape):
    """The program itself, but for one call of libc's."""
    library = os.path.join(workdir, "escape.so")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, "-x", "c", "-"],
                   input=textwrap.dedent(PRELOAD % ESCAPES[escape]),
                   text=True, check=True)
    wrapper = os.path.join(workdir, "worker")
    with open(wrapper, "w", encoding="ascii") as f:
        f.write(f"#!/bin/sh\nLD_PRELOAD={library} "
                f"exec {program('hawser-worker')}\n")
    os.chmod(wrapper, 0o755)
    hawserd.write(stanza("one", sshd, f"LocalForward {ports.free()} a:1"))
    hawserd.start("--worker", wrapper)
    end = hawserd.wait_ended("one", "waiting", "connecting")["last_end"]
    assert end["class"] == "crash"
    assert "SIGSYS" in end["text"] and "phase banner" in end["text"]


def test_without_its_supervisor_it_does_not_begin(make_worker, sshd):
    """It was dead before the worker could ask for its own death: here the
    parent is a shell, and the socket another one's."""
    worker = make_worker(sshd, under=("sh", "-c", '"$0"; exit 9'))
    assert worker.process.wait(10 * STRETCH) == 9
    assert not worker.drain_facts()


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
