# SPDX-License-Identifier: ISC
"""The network changes under a host, or the machine sleeps: FAULTS, rows 5 and
28."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

from lib import netns, ports
from lib.hawserd import stanza
from lib.servers import connect, echo, ping
from lib.wait import STRETCH, Stopwatch, until

HOME, HOME_2, VPS = "10.77.1.1", "10.77.1.3", "10.77.1.2"
LOCAL = 4001
FORWARD = f"LocalForward {LOCAL} 127.0.0.1:7000"

pytestmark = [pytest.mark.netns]


def link_of(ns):
    with ns:
        return next(name for _, name in socket.if_nameindex()
                    if name != "lo")


class Home:
    """Two namespaces and the link between them."""

    def __init__(self, make_ns, make_sshd, serve):
        self.ns, self.vps = make_ns("home"), make_ns("vps")
        netns.cable(self.ns, HOME, self.vps, VPS)
        self.link, self.far = link_of(self.ns), link_of(self.vps)
        self.sshd = make_sshd(address=VPS, port=22, ns=self.vps)
        with self.vps:
            serve(echo, port=7000)

    def ip(self, *arguments):
        netns.run("ip", "-n", self.ns.name, *arguments)

    def down(self):
        self.ip("link", "set", self.link, "down")

    def up(self):
        self.ip("link", "set", self.link, "up")

    def seconds_to_bytes(self, timeout=30):
        """Until a client's bytes go to the server and back."""
        watch = Stopwatch()
        with self.ns:
            until(lambda: passes(LOCAL), timeout, "bytes pass", 0.005)
        return round(watch.seconds, 3)


def passes(port):
    with contextlib.suppress(OSError, EOFError), connect(port,
                                                         timeout=30) as s:
        return ping(s)
    return False


@pytest.fixture
def home(make_ns, make_sshd, serve):
    return Home(make_ns, make_sshd, serve)


@pytest.fixture
def hawserd(make_hawserd, home):
    """With one host, which is up, and ssh_config's keepalives."""
    daemon = make_hawserd(ns=home.ns)
    daemon.write(stanza("vps", home.sshd, FORWARD))
    daemon.start()
    daemon.wait_up("vps")
    return daemon


def changes(hawserd):
    """What was logged each time when the network was looked at."""
    return hawserd.log.text().count("the network has changed")


def wait_look(hawserd, before):
    until(lambda: changes(hawserd) > before, 5, "the network is looked at")


@pytest.mark.alone
def test_link_comes_back(home, hawserd, record_property):
    """The session's death is noticed in 3 s, and tried at once when the link
    is back, though the back-off has hours."""
    hour = {"HawserBackoff": "1h 2h"}
    hawserd.write(stanza("vps", home.sshd, FORWARD, **hour),
                  stanza("behind", home.sshd, "LocalForward 4002 localhost:1",
                         ProxyJump="vps", **hour))
    hawserd.hup()
    hawserd.wait_up("behind")
    watch = Stopwatch()
    home.down()
    ended = hawserd.wait_ended("vps")
    noticed = watch.seconds
    assert ended["last_end"]["class"] == "unreachable"
    ended = hawserd.wait_ended("behind")
    assert "hop vps: cannot connect" in ended["last_end"]["text"]
    home.up()
    restored = home.seconds_to_bytes()
    hawserd.wait_up("behind", 2)
    record_property("figures", json.dumps(
        {"noticed s": round(noticed, 2), "back after s": restored}))
    assert noticed < 4.5 * STRETCH
    assert restored < 1.0 * STRETCH


def test_address_changes(home, hawserd):
    """The old address goes: the session is silent, and replaced."""
    pid = hawserd.worker_pid("vps")
    home.ip("address", "add", f"{HOME_2}/24", "dev", home.link)
    home.ip("address", "del", f"{HOME}/24", "dev", home.link)
    # With the first one goes the second, unless it is promoted.
    home.ip("address", "replace", f"{HOME_2}/24", "dev", home.link)
    until(lambda: hawserd.worker_pid("vps") not in (pid, None), 6,
          "a new worker")
    assert hawserd.wait_up("vps")["last_end"]["class"] == "lost"
    assert home.seconds_to_bytes() < 5 * STRETCH


def test_session_that_answers_stays(home, hawserd):
    """Another source address would be taken now, but the old one works."""
    pid = hawserd.worker_pid("vps")
    before = changes(hawserd)
    home.ip("address", "add", f"{HOME_2}/24", "dev", home.link)
    home.ip("route", "add", VPS, "dev", home.link, "src", HOME_2)
    wait_look(hawserd, before)
    hawserd.log.wait("the network has changed hosts=1 asked=1 hastened=0")
    rtt = hawserd.host("vps")["rtt_ms"]
    until(lambda: hawserd.host("vps")["rtt_ms"] != rtt, 5, "a ping")
    assert hawserd.worker_pid("vps") == pid


def test_cable_is_out_for_a_moment(home, hawserd):
    """The other end goes: the route stays, but leads nowhere. A session that
    has its answer within 3 s stays."""
    pid = hawserd.worker_pid("vps")
    before = changes(hawserd)
    netns.run("ip", "-n", home.vps.name, "link", "set", home.far, "down")
    hawserd.log.wait("the network has changed hosts=1 asked=1 hastened=0")
    assert "exists=no" in hawserd.log.text()
    netns.run("ip", "-n", home.vps.name, "link", "set", home.far, "up")
    until(lambda: changes(hawserd) >= before + 2, 5, "it is back")
    assert home.seconds_to_bytes() < 5 * STRETCH
    assert hawserd.worker_pid("vps") == pid


def test_containers_come_and_go(home, hawserd):
    """Interfaces, addresses and routes that don't lead to the server."""
    waits = stanza("elsewhere", home.sshd, "LocalForward 4002 localhost:1",
                   HostName="10.77.9.9", HawserBackoff="1h 2h")
    hawserd.write(stanza("vps", home.sshd, FORWARD), waits)
    hawserd.hup()
    due = hawserd.wait_ended("elsewhere")["next_attempt_at"]
    pid = hawserd.worker_pid("vps")
    for n in range(3):
        before = changes(hawserd)
        home.ip("link", "add", "veth7", "type", "veth", "peer", "veth8")
        home.ip("address", "add", f"172.17.{n}.1/24", "dev", "veth7")
        home.ip("link", "set", "veth7", "up")
        home.ip("link", "set", "veth8", "up")
        home.ip("link", "del", "veth7")
        wait_look(hawserd, before)
    text = hawserd.log.text()
    assert "the network has changed hosts=0" in text
    assert "the network has changed hosts=1" not in text
    assert hawserd.host("elsewhere")["attempt"] == 1
    # Times of the wall clock are told: they may differ by rounding.
    assert hawserd.host("elsewhere")["next_attempt_at"][:15] == due[:15]
    assert hawserd.worker_pid("vps") == pid


def test_default_route_wakes_who_has_no_address(home, make_hawserd):
    """A name that can't be resolved, and a ProxyCommand that fails."""
    hawserd = make_hawserd(ns=home.ns)
    hour = {"HawserBackoff": "1h 2h"}
    hawserd.write(
        stanza("name", home.sshd, "LocalForward 4002 localhost:1",
               HostName="name.invalid", **hour),
        stanza("proxy", home.sshd, "LocalForward 4003 localhost:1",
               ProxyCommand="exit 1", **hour),
        stanza("address", home.sshd, "LocalForward 4004 localhost:1",
               Port=9, **hour))
    hawserd.start()
    for name, why in (("name", "resolve"), ("proxy", "proxy"),
                      ("address", "refused")):
        assert hawserd.wait_ended(name)["last_end"]["class"] == why
    home.ip("route", "add", "default", "via", VPS)
    for name in ("name", "proxy"):
        until(lambda n=name: hawserd.host(n)["attempt"] == 2, 5,
              f"{name} is tried")
    assert hawserd.host("address")["attempt"] == 1


@pytest.mark.long
def test_stopped_for_a_while(home, hawserd):
    """A late timer: everybody is asked at once."""
    hawserd.signal(signal.SIGSTOP)
    threading.Event().wait(8.5)
    hawserd.signal(signal.SIGCONT)
    watch = Stopwatch()
    hawserd.log.wait("awake again after=[0-9]*s asked=1 hastened=0")
    assert watch.seconds < 1 * STRETCH
    assert hawserd.wait_up("vps")["last_end"] is None


def test_attempt_under_way(home, make_hawserd):
    """It goes on; what comes after it, had it been in vain, comes at once."""
    hawserd = make_hawserd(ns=home.ns)
    home.ns.black_hole(VPS)
    hawserd.write(stanza("vps", home.sshd, FORWARD, ConnectTimeout=1,
                         HawserBackoff="1h 2h"))
    hawserd.start()
    hawserd.wait_phase("vps", "connect")
    home.ip("address", "add", f"{HOME_2}/24", "dev", home.link)
    home.ip("route", "add", VPS, "dev", home.link, "src", HOME_2)
    hawserd.log.wait("the network has changed hosts=1 asked=0 hastened=1")
    home.ns.heal()
    assert hawserd.wait_up("vps", 5)["last_end"]["class"] == "timeout"


def start_autossh(stack, home, port):
    command = home.sshd.ssh("-N", "-o", "ServerAliveInterval=1",
                            "-o", "ServerAliveCountMax=2",
                            "-o", "ConnectTimeout=10",
                            "-L", f"{port}:127.0.0.1:7000")
    command[0:1] = ["autossh", "-M", "0"]
    with home.ns:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=os.environ | {"AUTOSSH_GATETIME": "0"})

    def end():
        process.terminate()
        process.wait()
    stack.callback(end)
    with home.ns:
        until(lambda: passes(port), 10, "autossh passes bytes", 0.05)


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.skipif(not shutil.which("autossh"), reason="no autossh")
def test_link_down_beside_autossh(home, hawserd, stack, record_property):
    """20 s without a link; autossh with keepalives of its own."""
    rival = ports.free()
    start_autossh(stack, home, rival)
    home.down()
    threading.Event().wait(20)
    home.up()
    begin = time.monotonic()
    back = {}

    def measure(name, port):
        with home.ns:
            until(lambda: passes(port), 200, f"{name} passes bytes", 0.01)
        back[name] = round(time.monotonic() - begin, 3)
    threads = [threading.Thread(target=measure, args=a)
               for a in (("hawser", LOCAL), ("autossh", rival))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("seconds until bytes pass, after 20 s without a link:",
          json.dumps(back))
    record_property("figures", json.dumps(back))
    assert back["hawser"] < 1.0 * STRETCH
    assert back["hawser"] <= back["autossh"]
