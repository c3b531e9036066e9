# SPDX-License-Identifier: ISC
"""Every phase ends: by the worker's own deadline with a sentence, and by the
supervisor's when the worker does nothing any more."""

import contextlib
import re
import signal
import socket
import struct
import threading

import pytest

from lib import ports, proc
from lib.agent import Agent, MuteAgent
from lib.hawserd import stanza
from lib.netns import in_place_of
from lib.servers import CHUNK, connect, read_exactly
from lib.sshd import USER
from lib.wait import STRETCH, Stopwatch


def swallow(conn):
    """A server that says nothing."""
    while conn.recv(4096):
        pass


@pytest.fixture
def full_port(stack):
    """A port at which connections neither come about nor are refused."""
    listener = stack.enter_context(socket.socket())
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    port = listener.getsockname()[1]
    stack.enter_context(connect(port))
    return port


def until_kexinit(port):
    """How many bytes a server says until it waits for the client's key."""
    with connect(port) as s, s.makefile("rb") as said:
        s.sendall(b"SSH-2.0-Curious\r\n")
        return len(said.readline()) + 4 \
            + struct.unpack(">I", said.read(4))[0]


class Staller:
    """Passes a server's first bytes on, and then no more."""

    def __init__(self, serve, sshd):
        self._target = sshd.port
        self._limit = until_kexinit(sshd.port)
        self.port = serve(self._serve).port
        sshd.trust_port(self.port)

    def _serve(self, near):
        with connect(self._target) as far:
            there = threading.Thread(target=self._pass, args=(near, far),
                                     daemon=True)
            there.start()
            near.sendall(read_exactly(far, self._limit))
            there.join()

    @staticmethod
    def _pass(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                sink.sendall(data)


@pytest.mark.parametrize("seconds", (
    1, pytest.param(33, marks=pytest.mark.long)))
def test_stalled_key_exchange(hawserd, sshd, serve, seconds):
    """The worker's own deadline, whatever ConnectTimeout is."""
    line = Staller(serve, sshd)
    hawserd.write(stanza("one", sshd, f"LocalForward {ports.free()} a:1",
                         Port=line.port, ConnectTimeout=seconds))
    hawserd.start()
    end = hawserd.wait_ended("one", timeout=seconds + 10)["last_end"]
    assert end["class"] == "timeout"
    assert f"port {line.port} did not answer in time (phase kex)" \
        in end["text"]


@pytest.mark.long
def test_stalled_authentication(hawserd, make_sshd):
    """The server asks a directory of keys that doesn't answer."""
    sshd = make_sshd(options=["AuthorizedKeysCommand /bin/sleep 600",
                              f"AuthorizedKeysCommandUser {USER}"])
    sshd.authorize()
    hawserd.write(stanza("one", sshd, f"LocalForward {ports.free()} a:1"))
    hawserd.start()
    end = hawserd.wait_ended("one", timeout=40)["last_end"]
    assert end["class"] == "timeout"
    assert f"port {sshd.port} did not answer in time (phase auth)" \
        in end["text"]


def freeze_in(hawserd, phase):
    """The host of that name; gives the worker's pid."""
    pid = hawserd.wait_phase(phase, phase)
    proc.kill(pid, signal.SIGSTOP)
    return pid


def assert_replaced(hawserd, phase, pid, timeout):
    end = hawserd.wait_ended(phase, timeout=timeout)["last_end"]
    assert end["class"] == "timeout"
    assert re.fullmatch(rf"no progress in phase {phase} within \d+ s; .*\?",
                        end["text"])
    assert not proc.wait_gone([pid], 1)


def test_frozen_worker(hawserd, sshd, serve, full_port):
    """Its supervisor allows a second more than the worker itself."""
    hawserd.write(*(
        stanza(phase, sshd, f"LocalForward {ports.free()} a:1", Port=port,
               ConnectTimeout=2) for phase, port in
        (("connect", full_port), ("banner", serve(swallow).port))))
    hawserd.start()
    watch = Stopwatch()
    frozen = {p: freeze_in(hawserd, p) for p in ("connect", "banner")}
    for phase, pid in frozen.items():
        assert_replaced(hawserd, phase, pid, 5)
    assert watch.seconds < 3 + STRETCH


@pytest.mark.netns
@pytest.mark.long
def test_frozen_worker_in_other_phases(make_hawserd, make_sshd, make_ns,
                                       serve, stack, workdir, keys):
    """The phases whose limits aren't ConnectTimeout."""
    ns = make_ns("frozen")
    sshd = make_sshd(ns=ns)
    silent = MuteAgent(workdir, "silent")
    agent = Agent(workdir)
    stack.callback(silent.stop)
    stack.callback(agent.stop)
    agent.add(keys.rsa)
    mute = MuteAgent(workdir, "mute", agent)
    stack.callback(mute.stop)
    with open(resolv := f"{workdir}/resolv", "w", encoding="ascii") as f:
        f.write("nameserver 127.0.0.1\n")
    with ns:
        dns = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
        dns.bind(("127.0.0.1", 53))
        line = Staller(serve, sshd)
    hawserd = make_hawserd(ns=ns)
    hawserd.under = in_place_of(**{"resolv.conf": resolv})
    options = {"start": {"IdentityAgent": silent.path},
               "resolve": {"HostName": "far.example"},
               "kex": {"Port": line.port},
               "auth": {"IdentityAgent": mute.path, "key": f"{keys.rsa}.pub"}}
    hawserd.write(*(
        stanza(phase, sshd, f"LocalForward {ports.free()} a:1",
               HawserBackoff="1h 1h", **more)
        for phase, more in options.items()))
    hawserd.start()
    frozen = {phase: freeze_in(hawserd, phase) for phase in options}
    for phase, pid in frozen.items():
        assert_replaced(hawserd, phase, pid, 40)
