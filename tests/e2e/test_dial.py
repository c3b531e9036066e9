# SPDX-License-Identifier: ISC
"""How a worker finds its way to the server: which of the name's addresses,
from which of ours, with which options."""

import contextlib
import ctypes
import os
import re
import shutil
import socket
import time

import pytest

from lib import ports
from lib.hawserd import stanza
from lib.netns import cable, in_place_of, run
from lib.sshd import Sshd
from lib.wait import STRETCH, until
from lib.worker import Worker

PIDFD_GETFD = 438
USER_TIMEOUT = socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT
AF = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}

pytestmark = [
    pytest.mark.netns,
    pytest.mark.skipif(not shutil.which("unshare"), reason="no unshare"),
]


class Net:
    """A namespace in which names lead to loopback addresses."""

    def __init__(self, ns, folder):
        self.ns = ns
        self.hosts = os.path.join(folder, "hosts")

    def name(self, **addresses):
        """name(server=["::1", "127.0.0.1"])"""
        with open(self.hosts, "w", encoding="ascii") as f:
            for name, found in addresses.items():
                f.writelines(f"{a} {name}\n" for a in found)

    @property
    def under(self):
        """Runs a program with these names, in the same process."""
        return in_place_of(hosts=self.hosts)

    def rule(self, family, address, verdict="drop"):
        """What happens to connections to that address."""
        with self.ns:
            run("nft", "-f", "-", text=f"""
                table inet t{abs(hash(address))} {{
                    chain out {{
                        type filter hook output priority 0;
                        {family} daddr {address} \
                            tcp flags & (syn|ack) == syn {verdict}
                    }}
                }}""")


@pytest.fixture
def net(make_ns, workdir):
    return Net(make_ns("dial"), workdir)


@pytest.fixture
def server(net, stack, workdir, keys, request):
    """On all loopback addresses of the namespace, known as "server"."""
    sshd = Sshd(os.path.join(workdir, "sshd"), keys, ns=net.ns,
                address="0.0.0.0", options=["ListenAddress ::"])
    request.node.logs = [sshd.log]
    stack.callback(sshd.stop)
    sshd.start()
    with open(sshd.known_hosts, "w", encoding="ascii") as f:
        for line in sshd.host_key_lines:
            f.write(f"[server]:{sshd.port} {line}\n")
    return sshd


@pytest.fixture
def dial(net, server, stack, workdir, request):
    made = []

    def start(**order):
        made.append(None)
        with net.ns:
            worker = Worker(os.path.join(workdir, f"worker{len(made)}"),
                            server, under=net.under,
                            **{"hostname": "server", **order})
        request.node.logs.append(worker.log)
        stack.callback(worker.cleanup)
        return worker.start()
    return start


def winner(worker):
    """Which address it is connected to, and how many it began with."""
    worker.wait("phase", phase="banner")
    found = re.findall("connected address=([^ ]*) tried=([0-9]+)",
                       worker.log.text())
    assert len(found) == 1
    return found[0][0], int(found[0][1])


def timed_winner(worker):
    """The same, and the seconds from the first attempt on."""
    worker.wait("phase", phase="connect")
    start = time.monotonic()
    return *winner(worker), time.monotonic() - start


@contextlib.contextmanager
def sockets_of(pid):
    """Copies of the process's TCP sockets."""
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = os.pidfd_open(pid)
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, pidfd)
        found = []
        for fd in os.listdir(f"/proc/{pid}/fd"):
            target = os.readlink(f"/proc/{pid}/fd/{fd}")
            if not target.startswith("socket:"):
                continue
            copy = libc.syscall(PIDFD_GETFD, pidfd, int(fd), 0)
            assert copy != -1, os.strerror(ctypes.get_errno())
            s = stack.enter_context(socket.socket(fileno=copy))
            if s.family in (socket.AF_INET, socket.AF_INET6):
                found.append(s)
        yield found


def test_first_address_is_taken(net, dial):
    net.name(server=["::1", "127.0.0.1"])
    assert winner(dial()) == ("::1", 1)


@pytest.mark.parametrize("dead,alive", [("::1", "127.0.0.1"),
                                        ("127.0.0.1", "::1")])
def test_dead_family(net, dial, dead, alive):
    """Row 53: a black hole costs a quarter of a second, at most."""
    net.name(server=["127.0.0.1", "::1"])
    net.rule("ip6" if ":" in dead else "ip", dead)
    address, _, seconds = timed_winner(dial())
    assert address == alive
    assert seconds < 1.0 * STRETCH
    assert seconds >= 0.2 or dead != "::1"


def test_refusal_is_no_wait(net, dial):
    """The next address is tried as soon as one fails, not at its turn."""
    net.name(server=["127.0.0.1", "::1", "127.0.0.2", "127.0.0.3",
                     "127.0.0.4", "127.0.0.5"])
    net.rule("ip6", "::1", "reject with tcp reset")
    for n in range(1, 5):
        net.rule("ip", f"127.0.0.{n}", "reject with tcp reset")
    address, tried, seconds = timed_winner(dial())
    assert (address, tried) == ("127.0.0.5", 6)
    assert seconds < 1.0 * STRETCH


def test_families_take_turns(net, dial):
    """Three black holes of one family: the other's address is the second."""
    net.name(server=["::1", "fd00:77::1", "fd00:77::2", "127.0.0.1"])
    with net.ns:
        for n in (1, 2):
            run("ip", "address", "add", f"fd00:77::{n}/128", "dev", "lo",
                "nodad")
    for address in ("::1", "fd00:77::1", "fd00:77::2"):
        net.rule("ip6", address)
    assert winner(dial()) == ("127.0.0.1", 2)


def test_all_fail(net, dial):
    """One sentence tells of every address; the worst class counts."""
    net.name(server=["127.0.0.1", "::1", "192.0.2.1"])
    net.rule("ip6", "::1")
    net.rule("ip", "127.0.0.1", "reject with tcp reset")
    worker = dial(connect_timeout_s=1)
    end = worker.end()
    assert end["class"] == "refused"
    assert "127.0.0.1: Connection refused" in end["text"]
    assert "::1: Connection timed out" in end["text"]
    assert "192.0.2.1: Network is unreachable" in end["text"]


def test_many_addresses_are_counted(net, dial):
    net.name(server=[f"127.0.1.{n}" for n in range(1, 41)])
    net.rule("ip", "127.0.1.0/24", "reject with tcp reset")
    end = dial().end()
    assert end["class"] == "refused"
    assert re.search(r"; and \d+ more$", end["text"])
    assert len(end["text"]) < 512


@pytest.mark.parametrize("family", ("inet", "inet6"))
def test_address_family(net, dial, family):
    net.name(server=["127.0.0.1", "::1"])
    expected = "127.0.0.1" if family == "inet" else "::1"
    assert winner(dial(address_family=AF[family])) == (expected, 1)


def test_no_address_of_the_family(net, dial):
    net.name(server=["127.0.0.1"])
    end = dial(address_family=socket.AF_INET6).end()
    assert end["class"] == "resolve"


def test_bind_address(net, dial, server):
    net.name(server=["::1", "127.0.0.1"])
    worker = dial(bind_address="127.0.0.77")
    assert winner(worker)[0] == "127.0.0.1"
    server.log.wait(r"Connection from 127\.0\.0\.77 ")


def test_bind_address_that_is_not_ours(net, dial):
    net.name(server=["127.0.0.1"])
    end = dial(bind_address="192.0.2.9").end()
    assert end["class"] == "unreachable"
    assert "BindAddress 192.0.2.9: Cannot assign" in end["text"]


def test_bind_interface(net, make_ns, dial, server):
    net.name(server=["127.0.0.1"])
    cable(net.ns, "10.78.0.1", make_ns("far"), "10.78.0.2")
    with net.ns:
        name = next(n for _, n in socket.if_nameindex() if n != "lo")
    dial(bind_interface=name).wait("up")
    server.log.wait(r"Connection from 10\.78\.0\.1 ")


def test_bind_interface_that_is_not_there(net, dial):
    net.name(server=["127.0.0.1"])
    end = dial(bind_interface="none0").end()
    assert end["class"] == "unreachable"
    assert "BindInterface none0" in end["text"]


@pytest.mark.parametrize("address", ("127.0.0.1", "::1"))
def test_options(net, dial, address):
    net.name(server=[address])
    worker = dial(ip_tos=0x48, tcp_keepalive=False)
    worker.wait("up")
    with sockets_of(worker.pid) as (s,):
        if s.family == socket.AF_INET:
            tos = s.getsockopt(socket.IPPROTO_IP, socket.IP_TOS)
        else:
            tos = s.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS)
        assert tos == 0x48
        assert not s.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert s.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert s.getsockopt(*USER_TIMEOUT) == 46000


def test_name_that_moves(make_hawserd, net, server):
    """Each attempt asks the system's resolver anew, and all it asks."""
    net.name(server=["192.0.2.1"])
    hawserd = make_hawserd(ns=net.ns)
    hawserd.under = net.under
    hawserd.write(stanza("one", server, f"LocalForward {ports.free()} a:1",
                         HostName="server", HawserBackoff="100ms 200ms"))
    hawserd.start()
    for addresses, class_ in (["192.0.2.1"], "unreachable"), ([], "resolve"):
        net.name(server=addresses)
        until(lambda: (end := hawserd.host("one")["last_end"])
              and end["class"] == class_, 10, class_)
    for address in "127.0.0.1", "::1":
        net.name(server=[address])
        server.kill_sessions()
        server.log.wait(f"Connection from {address} ")
        hawserd.wait_up("one")


def test_sources_of_names(make_hawserd, net, server, workdir):
    """nsswitch.conf says which are asked."""
    net.name(server=["127.0.0.1"])
    hawserd = make_hawserd(ns=net.ns)
    sources = os.path.join(workdir, "nsswitch")
    hawserd.under = in_place_of(hosts=net.hosts,
                                **{"nsswitch.conf": sources})
    hawserd.write(stanza("one", server, f"LocalForward {ports.free()} a:1",
                         HostName="server", HawserBackoff="100ms 200ms"))

    def ask(what):
        with open(sources, "w", encoding="ascii") as f:
            f.write(f"hosts: {what}\n")
    ask("dns")
    hawserd.start()
    assert hawserd.wait_ended("one")["last_end"]["class"] == "resolve"
    ask("files dns")
    hawserd.wait_up("one")


def test_configuration(hawserd, sshd):
    """From the file to the socket."""
    hawserd.write(stanza("one", sshd, f"LocalForward {ports.free()} a:1",
                         AddressFamily="inet", BindAddress="127.0.0.9",
                         IPQoS="af21 cs1", TCPKeepAlive="no",
                         ServerAliveInterval=2, ServerAliveCountMax=5),
                  stanza("two", sshd, f"LocalForward {ports.free()} a:1",
                         BindInterface="lo", ServerAliveInterval=0))
    hawserd.start()
    assert "warn" not in hawserd.cli("check").stdout
    pid = hawserd.wait_up("one")["pid"]
    two = hawserd.wait_up("two")["pid"]
    with sockets_of(pid) as found:
        s = next(s for s in found if not is_listening(s))
        assert s.getsockname()[0] == "127.0.0.9"
        assert s.getsockopt(socket.IPPROTO_IP, socket.IP_TOS) == 0x48
        assert not s.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert s.getsockopt(*USER_TIMEOUT) == 2 * 5 * 1000 + 1000
    with sockets_of(two) as found:
        s = next(s for s in found if not is_listening(s))
        assert s.getsockopt(socket.IPPROTO_IP, socket.IP_TOS) == 0x10
        assert s.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert s.getsockopt(*USER_TIMEOUT) == 0


def is_listening(s):
    return s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
