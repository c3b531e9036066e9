# SPDX-License-Identifier: ISC
"""The way to a host leads through others: ProxyJump and ProxyCommand."""

import hashlib
import os
import socket
import struct
import subprocess

import pytest

from lib import ports, proc
from lib.hawserd import stanza
from lib.servers import connect, digest_then_reply, ping, read_all, \
    read_exactly
from lib.sshd import USER, make_key
from lib.wait import STRETCH, until

MIB = 1024 * 1024
NC = "nc %h %p"
# Neither its input nor its output ends by itself: only a kill ends it.
DEAF = "sleep 600 & " + NC + " | cat"


def swallow(conn):
    """A server that says nothing."""
    while conn.recv(4096):
        pass


def roles(host):
    return [(w["role"], w["name"]) for w in host["workers"]]


def pids(hawserd, name="nas"):
    return [w["pid"] for w in hawserd.host(name)["workers"]]


def served(port, timeout=20):
    """A client of the local port gets its echo."""
    def answers():
        try:
            with connect(port) as s:
                return ping(s)
        except (OSError, EOFError):
            return False
    until(answers, timeout, f"an echo through port {port}")


@pytest.fixture
def bastion(make_sshd):
    return make_sshd()


@pytest.fixture
def nas(make_sshd):
    return make_sshd()


def test_one_hop(hawserd, bastion, nas, target):
    port = ports.free()
    hawserd.write(
        stanza("bastion", bastion),
        stanza("nas", nas, f"LocalForward {port} {target}",
               ProxyJump="bastion"))
    hawserd.start()
    host = hawserd.wait_up("nas")
    served(port)
    assert roles(host) == [("main", None), ("hop", "bastion")]
    assert host["pid"] == host["workers"][0]["pid"]
    assert len(bastion.sessions()) == 1
    assert hawserd.stop() < 5


def test_two_hops_of_another_spelling(hawserd, make_sshd, bastion, nas,
                                      workdir, target):
    """The second hop has another user's key, port and known_hosts; the first
    is only in the list, as an address."""
    second = make_sshd()
    key = os.path.join(workdir, "second_key")
    with open(second.path("authorized_keys"), "w", encoding="ascii") as f:
        f.write(make_key(key, "ecdsa") + "\n")
    port = ports.free()
    hawserd.write(
        stanza("second", second, key=key, Port=1, User="nobody-at-all"),
        f"Host {bastion.address}\n\tIdentityFile {bastion.keys.rsa}\n"
        f"\tIdentitiesOnly yes\n\tUserKnownHostsFile {bastion.known_hosts}\n",
        stanza("nas", nas, f"LocalForward {port} {target}",
               ProxyJump=f"ssh://{bastion.address}:{bastion.port},"
               f"{USER}@second:{second.port}"))
    hawserd.start()
    host = hawserd.wait_up("nas")
    served(port)
    assert roles(host) == [("main", None), ("hop", "second"),
                           ("hop", bastion.address)]
    assert len(bastion.sessions()) == len(second.sessions()) == 1


def test_many_hops(hawserd, make_sshd, nas, target):
    """Each by another spelling; all of them lead to one server."""
    bastion = make_sshd(options=["ListenAddress ::1"])
    names = ("127.0.0.1", "::1", "localhost")
    with open(bastion.known_hosts, "w", encoding="ascii") as f:
        f.writelines(f"[{name}]:{bastion.port} {bastion.host_key_lines[0]}\n"
                     for name in names)
    local = ports.free()
    there = bastion.port
    hawserd.write(
        stanza("nas", nas, f"LocalForward {local} {target}",
               ProxyJump=f"ssh://{USER}@[::1]:{there},[::1]:{there},"
               f"{USER}@localhost:{there},ssh://127.0.0.1:{there},b"),
        stanza("b", bastion),
        stanza("::1 localhost 127.0.0.1", bastion, HostName=None))
    hawserd.start()
    host = hawserd.wait_up("nas")
    served(local)
    assert roles(host) == [("main", None), ("hop", "b"),
                           ("hop", "127.0.0.1"), ("hop", "localhost"),
                           ("hop", "::1"), ("hop", "::1")]
    assert len(bastion.sessions()) == 5


def test_the_first_hop_has_its_own_way(hawserd, make_sshd, bastion, nas,
                                       target):
    gate = make_sshd()
    port = ports.free()
    hawserd.write(
        stanza("gate", gate, ProxyCommand=NC),
        stanza("bastion", bastion, ProxyJump="gate"),
        stanza("nas", nas, f"LocalForward {port} {target}",
               ProxyJump="bastion"))
    hawserd.start()
    host = hawserd.wait_up("nas")
    served(port)
    assert roles(host) == [("main", None), ("hop", "bastion"),
                           ("hop", "gate"), ("proxy", None)]


@pytest.mark.parametrize("way", ["ProxyJump", "ProxyCommand"])
def test_none(hawserd, sshd, target, way):
    """It shields from what other blocks say."""
    port = ports.free()
    hawserd.write(stanza("nas", sshd, f"LocalForward {port} {target}",
                         **{way: "none"}),
                  "Host *\n\tProxyJump nowhere.invalid\n"
                  if way == "ProxyJump" else
                  "Host *\n\tProxyCommand false\n")
    hawserd.start()
    hawserd.wait_up("nas")
    served(port)


def chain_of(hawserd, bastion, nas, line, **options):
    hawserd.write(stanza("bastion", bastion, **options),
                  stanza("nas", nas, line, ProxyJump="bastion",
                         HawserBackoff="100ms 200ms"))
    hawserd.start()


def test_hop_down(hawserd, bastion, nas, target):
    port = ports.free()
    bastion.stop()
    chain_of(hawserd, bastion, nas, f"LocalForward {port} {target}")
    end = hawserd.wait_ended("nas", "waiting", "connecting")["last_end"]
    assert end["class"] == "refused"
    assert end["text"].startswith("hop bastion: cannot connect")
    bastion.start()
    hawserd.wait_up("nas")
    served(port)


def test_hop_cannot_reach_the_host(hawserd, bastion, nas, target):
    nas.stop()
    chain_of(hawserd, bastion, nas, f"LocalForward {ports.free()} {target}")
    end = hawserd.wait_ended("nas", "waiting", "connecting")["last_end"]
    assert end["class"] == "refused"
    assert "hop bastion: the server cannot connect to " in end["text"]
    nas.start()
    hawserd.wait_up("nas")


def test_hop_permits_nothing(hawserd, make_sshd, nas, target):
    bastion = make_sshd(options=["AllowTcpForwarding no"])
    chain_of(hawserd, bastion, nas, f"LocalForward {ports.free()} {target}")
    end = hawserd.wait_ended("nas", "waiting", "connecting")["last_end"]
    assert end["class"] == "unreachable"
    assert "hop bastion: the server does not permit" in end["text"]


@pytest.mark.parametrize("which", ["bastion", "nas"])
def test_unknown_key_parks(hawserd, bastion, nas, target, which):
    {"bastion": bastion, "nas": nas}[which].write_known_hosts([])
    chain_of(hawserd, bastion, nas, f"LocalForward {ports.free()} {target}")
    parked = hawserd.wait_state("nas", "parked")
    assert parked["last_end"]["class"] == "hostkey"
    assert parked["parked"]["fingerprint"].startswith("SHA256:")
    hop = "bastion" if which == "bastion" else None
    assert parked["parked"]["hop"] == hop
    assert parked["last_end"]["text"].startswith("hop bastion: ") \
        == (which == "bastion")
    assert not parked["workers"]


def knows(sshd):
    """Is the server's key in its known_hosts, hashed or not?"""
    return subprocess.run(["ssh-keygen", "-F", sshd.known_name, "-f",
                           sshd.known_hosts], capture_output=True,
                          check=False).returncode == 0


def test_hop_key_is_accepted_by_an_operator(hawserd, bastion, nas, target):
    """Under the host's name: it goes to the hop's known_hosts."""
    bastion.write_known_hosts([])
    port = ports.free()
    chain_of(hawserd, bastion, nas, f"LocalForward {port} {target}")
    shown = hawserd.wait_state("nas", "parked")["parked"]
    assert (shown["hop"], shown["verdict"]) == ("bastion", "unknown")
    done = hawserd.cli("hostkey", "accept", "nas", shown["fingerprint"])
    assert done.returncode == 0, done.stderr
    hawserd.wait_up("nas")
    assert knows(bastion)
    served(port)


def test_hop_key_is_new(hawserd, bastion, nas, target):
    """StrictHostKeyChecking is the hop's own."""
    bastion.write_known_hosts([])
    port = ports.free()
    chain_of(hawserd, bastion, nas, f"LocalForward {port} {target}",
             StrictHostKeyChecking="accept-new")
    hawserd.wait_up("nas")
    assert knows(bastion)
    served(port)


def test_hop_key_comes_to_be_known(hawserd, bastion, nas, target):
    """The parked host notices its hop's file."""
    bastion.write_known_hosts([])
    chain_of(hawserd, bastion, nas, f"LocalForward {ports.free()} {target}")
    hawserd.wait_state("nas", "parked")
    bastion.write_known_hosts(bastion.host_key_lines)
    hawserd.wait_up("nas")


def test_hop_refuses_the_key(hawserd, bastion, nas, target):
    with open(bastion.path("authorized_keys"), "w", encoding="ascii"):
        pass
    chain_of(hawserd, bastion, nas, f"LocalForward {ports.free()} {target}")
    end = hawserd.wait_ended("nas")["last_end"]
    assert end["class"] == "auth"
    assert end["text"].startswith("hop bastion: ")


@pytest.mark.parametrize("options,class_,text", [
    ({"HostName": "nowhere.invalid"}, "resolve", "cannot resolve nowhere"),
    ({"ProxyCommand": "sh -c 'echo shut >&2; exit 3'"}, "proxy",
     "ProxyCommand ended with exit code 3: shut"),
    ({"IdentityFile": "/nowhere/key"}, "auth",
     "key file /nowhere/key does not exist"),
    ({"Port": "1"}, "refused", "port 1 ")],
    ids=lambda p: p if isinstance(p, str) and " " not in p else "")
def test_hop_fails(hawserd, bastion, nas, target, options, class_, text):
    """Its own class, and its name."""
    chain_of(hawserd, bastion, nas, f"LocalForward {ports.free()} {target}",
             **options)
    end = hawserd.wait_ended("nas", timeout=30)["last_end"]
    assert end["class"] == class_
    assert end["text"].startswith("hop bastion: ") and text in end["text"]


def test_silent_hop_has_a_deadline(hawserd, bastion, nas, target, serve):
    """It accepts, and says nothing: the hop's own phase and class."""
    mute = serve(swallow)
    hawserd.write(
        stanza("bastion", bastion, Port=mute.port, ConnectTimeout="1"),
        stanza("nas", nas, f"LocalForward {ports.free()} {target}",
               ProxyJump="bastion"))
    hawserd.start()
    end = hawserd.wait_ended("nas")["last_end"]
    assert end["class"] == "timeout"
    assert end["text"].startswith("hop bastion: ")
    assert "phase banner" in end["text"]


def test_lost_hop_is_the_cause(hawserd, bastion, nas, target):
    """The worker behind it notices too, but doesn't say why."""
    port = ports.free()
    chain_of(hawserd, bastion, nas, f"LocalForward {port} {target}")
    hawserd.wait_up("nas")
    for _ in range(5):
        served(port)
        before = hawserd.host("nas")["last_end"]
        bastion.kill_sessions()
        end = until(lambda: hawserd.host("nas")["last_end"] != before
                    and hawserd.host("nas")["last_end"], 10, "an end")
        assert end["class"] == "lost", end
        assert end["text"].startswith("hop bastion: "), end
        hawserd.wait_up("nas")
    served(port)


def test_lost_host_is_not_the_hops_fault(hawserd, bastion, nas, target):
    port = ports.free()
    chain_of(hawserd, bastion, nas, f"LocalForward {port} {target}")
    hawserd.wait_up("nas")
    served(port)
    nas.kill_sessions()
    end = until(lambda: hawserd.host("nas")["last_end"], 10, "an end")
    assert end["class"] == "lost"
    assert "hop" not in end["text"]
    served(port)


@pytest.mark.parametrize("command", [NC, NC + " | cat", f"cat | {NC} | cat",
                                     DEAF])
def test_proxy_command(hawserd, nas, target, command):
    port = ports.free()
    hawserd.write(stanza("nas", nas, f"LocalForward {port} {target}",
                         ProxyCommand=command))
    hawserd.start()
    host = hawserd.wait_up("nas")
    served(port)
    assert roles(host) == [("main", None), ("proxy", None)]
    # Its own process group, a short environment, and no stray descriptor.
    guard = host["workers"][1]["pid"]
    for pid in [guard] + proc.descendants(guard):
        assert os.getpgid(pid) == guard
        with open(f"/proc/{pid}/environ", "rb") as f:
            names = {v.split(b"=")[0] for v in f.read().split(b"\0")}
        assert b"HAWSER_SOCKET" not in names
        assert len(os.listdir(f"/proc/{pid}/fd")) <= 5
    assert hawserd.stop() < 5


def test_tokens(hawserd, nas, target, workdir):
    seen = os.path.join(workdir, "seen")
    hawserd.write(stanza("nas", nas, f"LocalForward {ports.free()} {target}",
                         ProxyCommand=f"sh -c 'echo %n %h %p %r %% > {seen};"
                         f" exec {NC}'"))
    hawserd.start()
    hawserd.wait_up("nas")
    with open(seen, encoding="ascii") as f:
        assert f.read() == \
            f"nas {nas.address} {nas.port} {USER} %\n"


def test_proxy_command_that_fails(hawserd, nas, target):
    hawserd.write(stanza("nas", nas, f"LocalForward {ports.free()} {target}",
                         ProxyCommand="sh -c 'echo one >&2; "
                         "echo no such gate >&2; exit 7'"))
    hawserd.start()
    end = hawserd.wait_ended("nas")["last_end"]
    assert end["class"] == "proxy"
    assert end["text"] == \
        "ProxyCommand ended with exit code 7: no such gate"
    text = hawserd.log.text()
    assert "the ProxyCommand speaks host=nas text=\"one\"" in text
    assert "the ProxyCommand speaks host=nas text=\"no such gate\"" in text


@pytest.mark.parametrize("command,class_,text", [
    ("true", "closed-early", "(ProxyCommand ended with exit code 0)"),
    ("sleep 600 | cat", "timeout", "phase banner"),
    ("cat /dev/zero", "protocol", "no SSH banner")],
    ids=("mute", "silent", "noisy"))
def test_proxy_command_that_is_no_server(hawserd, nas, target, command,
                                         class_, text):
    """And nothing is left of it."""
    hawserd.write(stanza("nas", nas, f"LocalForward {ports.free()} {target}",
                         ProxyCommand=command, ConnectTimeout=1,
                         HawserBackoff="1h 1h"))
    hawserd.start()
    end = hawserd.wait_ended("nas")["last_end"]
    assert end["class"] == class_ and text in end["text"], end
    assert not proc.wait_gone(hawserd.links(), 2 * STRETCH)


def test_proxy_command_is_ssh(hawserd, bastion, nas, target):
    """The most usual of them."""
    port = ports.free()
    # ssh's options come before its host.
    *options, host = bastion.ssh()
    hawserd.write(stanza("nas", nas, f"LocalForward {port} {target}",
                         ProxyCommand=" ".join([*options, "-W", "%h:%p",
                                                host])))
    hawserd.start()
    hawserd.wait_up("nas")
    served(port)


def test_proxy_command_that_does_not_exist(hawserd, nas, target):
    hawserd.write(stanza("nas", nas, f"LocalForward {ports.free()} {target}",
                         ProxyCommand="/nowhere/to/be/found %h"))
    hawserd.start()
    end = hawserd.wait_ended("nas")["last_end"]
    assert end["class"] == "proxy"
    assert "exit code 127" in end["text"]
    assert "found" in end["text"]


def test_proxy_command_dies(hawserd, nas, target):
    """In mid-session: the link is lost, and it says how."""
    port = ports.free()
    hawserd.write(stanza("nas", nas, f"LocalForward {port} {target}",
                         ProxyCommand=NC))
    hawserd.start()
    guard = hawserd.wait_up("nas")["workers"][1]["pid"]
    for pid in proc.descendants(guard):
        proc.kill(pid)
    end = until(lambda: hawserd.host("nas")["last_end"], 10, "an end")
    assert end["class"] == "lost"
    assert "ProxyCommand ended with exit code 137" in end["text"]
    served(port)


@pytest.mark.parametrize("command", [None, NC, DEAF])
def test_killed_worker_leaves_nothing(hawserd, bastion, nas, target, command):
    port = ports.free()
    hawserd.write(
        stanza("bastion", bastion, ProxyCommand=command),
        stanza("nas", nas, f"LocalForward {port} {target}",
               ProxyJump="bastion"))
    hawserd.start()
    for role in ("main", "hop") + (("proxy",) if command else ()):
        workers = hawserd.wait_up("nas")["workers"]
        below = hawserd.links()
        proc.kill(next(w["pid"] for w in workers if w["role"] == role))
        assert not proc.wait_gone(below, 5 * STRETCH), role
        served(port)
    end = hawserd.host("nas")["last_end"]
    assert end["text"].startswith("hop bastion: ")


@pytest.mark.parametrize("command", [None, NC, f"cat | {NC} | cat", DEAF])
def test_killed_supervisor_leaves_nothing(hawserd, bastion, nas, target,
                                          command):
    hawserd.write(
        stanza("bastion", bastion, ProxyCommand=command),
        stanza("nas", nas, f"LocalForward {ports.free()} {target}",
               ProxyJump="bastion"),
        stanza("sole", nas, f"LocalForward {ports.free()} {target}",
               ProxyCommand=command))
    hawserd.start()
    hawserd.wait_up("nas")
    hawserd.wait_up("sole")
    below = hawserd.kill()
    assert len(below) >= 3
    assert not proc.wait_gone(below, 2 * STRETCH), \
        [proc.cmdline(p) for p in below]


@pytest.mark.parametrize("way", ["ProxyJump", "ProxyCommand"])
@pytest.mark.parametrize("signalled", ["connecting", "up"])
def test_stop(hawserd, bastion, nas, target, way, signalled, serve):
    """SIGTERM, also while a hop connects."""
    options = {"Port": serve(swallow).port} \
        if signalled == "connecting" else {}
    if way == "ProxyJump":
        lines = [stanza("bastion", bastion, **options),
                 stanza("nas", nas, f"LocalForward {ports.free()} {target}",
                        ProxyJump="bastion")]
    else:
        lines = [stanza("nas", nas, f"LocalForward {ports.free()} {target}",
                        ProxyCommand=DEAF, **options)]
    hawserd.write(*lines)
    hawserd.start()
    hawserd.wait_state("nas", signalled)
    assert hawserd.stop() < 5


def test_forwards_of_every_kind(hawserd, bastion, nas, serve):
    server = serve(digest_then_reply)
    local, remote, dynamic = (ports.free() for _ in range(3))
    there = f"127.0.0.1:{server.port}"
    hawserd.write(
        stanza("bastion", bastion),
        stanza("nas", nas, f"LocalForward {local} {there}",
               f"RemoteForward {remote} {there}",
               f"DynamicForward {dynamic}", ProxyJump="bastion"))
    hawserd.start()
    hawserd.wait_up("nas")
    data = os.urandom(5 * MIB + 3)
    for port in (local, remote, dynamic):
        with connect(port, timeout=60) as s:
            if port == dynamic:
                s.sendall(b"\x05\x01\x00\x05\x01\x00\x01"
                          + socket.inet_aton("127.0.0.1")
                          + struct.pack(">H", server.port))
                assert read_exactly(s, 12)[3] == 0
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            assert read_all(s) == struct.pack(">Q", len(data)) \
                + hashlib.sha256(data).digest()


@pytest.mark.parametrize("way", ["local", "remote"])
def test_rekeys(hawserd, make_sshd, serve, way):
    """With a rekey every 256 KiB on both connections. Small packets of a
    server that sends wait for delayed acknowledgements between the servers:
    ssh -J is slower still."""
    size = 100 if way == "local" else 10
    limit = ["RekeyLimit 256K"]
    bastion, nas = make_sshd(options=limit), make_sshd(options=limit)
    server = serve(digest_then_reply)
    port = ports.free()
    line = f"{way.capitalize()}Forward {port} 127.0.0.1:{server.port}"
    chain_of(hawserd, bastion, nas, line)
    hawserd.wait_up("nas")
    block = os.urandom(MIB)
    digest = hashlib.sha256()
    with connect(port, timeout=60 * STRETCH) as s:
        for i in range(size):
            data = block[i:] + block[:i]
            digest.update(data)
            s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        assert read_all(s) == struct.pack(">Q", size * MIB) + digest.digest()
    assert hawserd.host("nas")["last_end"] is None


def test_changed_hop_replaces_the_host(hawserd, make_sshd, bastion, nas,
                                       target):
    """A new stanza of the hop; the old chain ends with its last client."""
    other = make_sshd()
    port = ports.free()
    chain_of(hawserd, bastion, nas, f"LocalForward {port} {target}")
    old = hawserd.wait_up("nas")
    with connect(port) as client:
        assert ping(client)
        hawserd.write(
            stanza("bastion", other),
            stanza("nas", nas, f"LocalForward {port} {target}",
                   ProxyJump="bastion", HawserBackoff="100ms 200ms"))
        hawserd.hup()
        until(lambda: hawserd.worker_pid("nas") not in (None, old["pid"]),
              15, "a new worker")
        served(port)
        assert len(other.sessions()) == 1
        assert ping(client)
    assert not proc.wait_gone([w["pid"] for w in old["workers"]],
                              10 * STRETCH)
    assert roles(hawserd.host("nas")) == [("main", None),
                                          ("hop", "bastion")]


def test_unchanged_hop_is_left_alone(hawserd, bastion, nas, target):
    port = ports.free()
    chain_of(hawserd, bastion, nas, f"LocalForward {port} {target}")
    hawserd.wait_up("nas")
    before = pids(hawserd)
    hawserd.write(
        stanza("bastion", bastion),
        stanza("nas", nas, f"LocalForward {port} {target}",
               f"LocalForward {ports.free()} {target}",
               ProxyJump="bastion", HawserBackoff="100ms 200ms"))
    hawserd.hup()
    hawserd.wait_up("nas")
    assert pids(hawserd) == before


def test_many_hosts_behind_one_hop(hawserd, bastion, nas, target):
    """The budget is the hop's, who would drop the eleventh."""
    names = [f"nas{i}" for i in range(20)]
    hawserd.write(
        stanza("bastion", bastion),
        *(stanza(n, nas, f"LocalForward {ports.free()} {target}",
                 ProxyJump="bastion") for n in names))
    hawserd.start()
    for name in names:
        hawserd.wait_up(name, timeout=30)
    assert all(hawserd.host(n)["last_end"] is None for n in names)


def test_circle(hawserd, bastion, target):
    hawserd.write(stanza("nas", bastion, f"LocalForward {ports.free()} "
                         f"{target}", ProxyJump="bastion"),
                  stanza("bastion", bastion, ProxyJump="nas"))
    hawserd.spawn()
    assert hawserd.wait_exit() == 1
    assert "leads through nas itself" in hawserd.log.text()
