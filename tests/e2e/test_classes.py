# SPDX-License-Identifier: ISC
"""Why an attempt failed: its class, one plain sentence, and what follows."""

import os
import re
import subprocess

import pytest

from lib import netns, ports, proc
from lib.hawserd import stanza
from lib.servers import connect, echo, ping
from lib.sshd import make_key
from lib.wait import until

RETRY = {"HawserBackoff": "1s 1s"}


def first_end(hawserd, *states, timeout=15):
    """The host "one" after its first attempt, with a sentence."""
    host = hawserd.wait_ended("one", *states, timeout=timeout)
    assert host["last_end"]["text"].strip()
    assert "\n" not in host["last_end"]["text"]
    return host


def start(hawserd, sshd, **options):
    hawserd.write(stanza("one", sshd, f"LocalForward {ports.free()} a:1",
                         **options))
    hawserd.start()


# Host keys --------------------------------------------------------------------

def test_wrong_host_key(hawserd, make_sshd, serve):
    """Refused before any authentication byte; retried after a cure."""
    right, other = make_sshd(), make_sshd()
    right.write_known_hosts(other.host_key_lines)
    start(hawserd, right)
    host = first_end(hawserd, "parked")
    assert host["last_end"]["class"] == "hostkey"
    assert "SHA256:" in host["last_end"]["text"]
    assert host["parked"]
    right.log.wait("Connection (closed|reset) by|Disconnected")
    assert right.log.count("userauth-request") == 0
    right.write_known_hosts(right.host_key_lines)
    assert hawserd.cli("retry", "one").returncode == 0
    hawserd.wait_up("one")
    assert right.log.count("userauth-request") > 0


def test_unknown_host_key(hawserd, sshd):
    sshd.write_known_hosts([])
    start(hawserd, sshd)
    host = first_end(hawserd, "parked")
    assert host["last_end"]["class"] == "hostkey"
    listed = subprocess.run(
        ["ssh-keygen", "-l", "-f", sshd.path("host_ed25519.pub")],
        capture_output=True, text=True, check=True).stdout.split()[1]
    assert listed in host["last_end"]["text"]
    assert sshd.log.count("userauth-request") == 0


def test_missing_known_hosts(hawserd, sshd):
    start(hawserd, sshd, UserKnownHostsFile=sshd.path("nowhere"))
    host = first_end(hawserd, "parked")
    assert host["last_end"]["class"] == "hostkey"
    assert sshd.log.count("userauth-request") == 0


def test_revoked_host_key(hawserd, sshd):
    with open(sshd.known_hosts, "a", encoding="ascii") as f:
        f.write(f"@revoked * {sshd.host_key_lines[0]}\n")
    start(hawserd, sshd)
    host = first_end(hawserd, "parked")
    assert host["last_end"]["class"] == "hostkey"
    assert sshd.log.count("userauth-request") == 0


def test_hashed_known_hosts(hawserd, sshd):
    sshd.write_known_hosts(sshd.host_key_lines, hashed=True)
    with open(sshd.known_hosts, encoding="ascii") as f:
        assert f.read().startswith("|1|")
    start(hawserd, sshd)
    hawserd.wait_up("one")


def test_known_hosts_with_other_lines(hawserd, sshd, workdir):
    """One bad line doesn't drop the rest of a file."""
    path = os.path.join(workdir, "known_hosts")
    other = make_key(os.path.join(workdir, "other"), "ed25519")
    with open(path, "w", encoding="ascii") as f:
        f.write("# a comment\n\nnonsense\nhost ssh-ed25519 AAAA%%%\n"
                f"elsewhere,!{sshd.known_name} {other}\n"
                f"10.0.0.1,{sshd.known_name} {sshd.host_key_lines[0]}\n")
    start(hawserd, sshd, UserKnownHostsFile=path)
    hawserd.wait_up("one")


@pytest.mark.parametrize("known", (0, 1, 2), ids=("ed25519", "ecdsa", "rsa"))
def test_server_with_several_keys(hawserd, make_sshd, known):
    """The key type asked for is the one that known_hosts holds."""
    sshd = make_sshd(host_keys=("ed25519", "ecdsa", "rsa"))
    sshd.write_known_hosts(sshd.host_key_lines[known:known + 1])
    start(hawserd, sshd)
    hawserd.wait_up("one")


# Authentication ---------------------------------------------------------------

def test_key_not_accepted(hawserd, sshd):
    with open(sshd.path("authorized_keys"), "w", encoding="ascii"):
        pass
    start(hawserd, sshd, **RETRY)
    host = first_end(hawserd)
    assert host["last_end"]["class"] == "auth"
    # The class's floor is longer than the stanza's back-off: a minute.
    assert host["next_attempt_at"]
    assert sshd.log.count("Connection from") == 1
    with open(sshd.path("authorized_keys"), "w", encoding="ascii") as f:
        f.write("\n".join(sshd.keys.public) + "\n")
    hawserd.cli("retry", "one")
    hawserd.wait_up("one")


def test_missing_key(hawserd, sshd):
    start(hawserd, sshd, key=sshd.path("no-such-key"))
    host = first_end(hawserd)
    assert host["last_end"]["class"] == "auth"
    assert "no-such-key" in host["last_end"]["text"]


def test_second_key_is_tried(hawserd, sshd, workdir):
    path = os.path.join(workdir, "stranger")
    make_key(path, "ed25519")
    hawserd.write(stanza("one", sshd, f"IdentityFile {sshd.keys.rsa}",
                         f"LocalForward {ports.free()} a:1", key=path))
    hawserd.start()
    hawserd.wait_up("one")


# The way to the server --------------------------------------------------------

def test_refused(hawserd, sshd):
    sshd.stop()
    start(hawserd, sshd, **RETRY)
    host = first_end(hawserd)
    assert host["last_end"]["class"] == "refused"
    assert str(sshd.port) in host["last_end"]["text"]
    sshd.start()
    hawserd.wait_up("one")


def test_name_that_nobody_knows(hawserd, sshd):
    start(hawserd, sshd, HostName="no-such-name.invalid")
    host = first_end(hawserd, timeout=30)
    assert host["last_end"]["class"] == "resolve"
    assert "no-such-name.invalid" in host["last_end"]["text"]


@pytest.mark.netns
def test_unreachable(make_ns, make_sshd, make_hawserd):
    ns = make_ns("lonely")
    sshd = make_sshd(ns=ns, port=22)
    hawserd = make_hawserd(ns=ns)
    start(hawserd, sshd, HostName="10.1.2.3")
    assert first_end(hawserd)["last_end"]["class"] == "unreachable"


@pytest.mark.netns
def test_black_holed_connect(make_ns, make_sshd, make_hawserd):
    home, vps = make_ns("home"), make_ns("vps")
    netns.cable(home, "10.77.4.1", vps, "10.77.4.2")
    sshd = make_sshd(ns=vps, port=22, address="10.77.4.2")
    vps.black_hole("10.77.4.1")
    hawserd = make_hawserd(ns=home)
    start(hawserd, sshd, ConnectTimeout=1)
    assert first_end(hawserd)["last_end"]["class"] == "timeout"


def test_server_that_hangs_up(hawserd, sshd, serve):
    server = serve(lambda conn: None)
    start(hawserd, sshd, Port=server.port, **RETRY)
    host = first_end(hawserd)
    assert host["last_end"]["class"] == "closed-early"
    # At least 15 s to the next attempt, whatever the stanza says.
    until(lambda: hawserd.host("one")["next_attempt_at"], 5, "a schedule")
    assert server.accepted == 1


def test_silent_server(hawserd, sshd, serve):
    """Each phase has a deadline, which the supervisor holds."""
    server = serve(lambda conn: [None for _ in iter(
        lambda: conn.recv(4096), b"")])
    start(hawserd, sshd, Port=server.port, ConnectTimeout=1)
    host = first_end(hawserd, timeout=40)
    assert host["last_end"]["class"] == "timeout"
    assert "banner" in host["last_end"]["text"]


@pytest.mark.parametrize("banner", (
    b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-1.5-old\r\n",
    b"\0\1\2\3" * 1000), ids=("http", "ssh1", "noise"))
def test_not_an_ssh_server(hawserd, sshd, serve, banner):
    def speak(conn):
        conn.sendall(banner)
        conn.recv(1000)
    start(hawserd, sshd, Port=serve(speak).port, ConnectTimeout=2)
    host = first_end(hawserd, timeout=40)
    assert host["last_end"]["class"] in (
        "protocol", "kex", "closed-early", "timeout")


def test_endless_banner(hawserd, sshd, serve):
    """A line without an end doesn't fill memory."""
    sent = []

    def speak(conn):
        for _ in range(1024):
            conn.sendall(b"a" * 1024 * 1024)
            sent.append(None)
    server = serve(speak)
    start(hawserd, sshd, Port=server.port, ConnectTimeout=2)
    peak = [0]

    def ended():
        host = hawserd.host("one")
        if host["pid"]:
            try:
                peak[0] = max(peak[0], proc.rss(host["pid"]))
            except TypeError:
                pass    # it has just ended
        return host["last_end"]
    end = until(ended, 40, "an end")
    assert end["class"] in ("protocol", "closed-early", "timeout")
    assert peak[0] < 256 * 1024 * 1024
    assert len(sent) < 1024


def test_no_common_algorithm(hawserd, make_sshd):
    sshd = make_sshd(options=["Ciphers 3des-cbc"])
    start(hawserd, sshd)
    host = first_end(hawserd)
    assert host["last_end"]["class"] == "kex"
    assert "3des-cbc" in host["last_end"]["text"]


@pytest.mark.parametrize("options", (
    "Ciphers aes128-gcm@openssh.com", "Ciphers aes256-gcm@openssh.com",
    "Ciphers chacha20-poly1305@openssh.com", "Ciphers aes128-ctr",
    "Ciphers aes256-ctr\nMACs hmac-sha2-512-etm@openssh.com",
    "Ciphers aes128-ctr\nMACs hmac-sha2-256",
    "KexAlgorithms curve25519-sha256", "KexAlgorithms ecdh-sha2-nistp256",
    "Compression no"), ids=lambda o: re.sub(r"\W+", "-", o))
def test_algorithms(hawserd, make_sshd, serve, options):
    sshd = make_sshd(options=[options])
    server = serve(echo)
    local = ports.free()
    hawserd.write(stanza("one", sshd, f"LocalForward {local} "
                         f"localhost:{server.port}"))
    hawserd.start()
    hawserd.wait_up("one")
    with connect(local) as s:
        for size in (1, 15, 16, 17, 255, 32768, 32769, 100000):
            assert ping(s, os.urandom(size))


def test_server_without_sessions(hawserd, make_sshd, serve):
    """Row 14: forwards and pings need no session channel."""
    sshd = make_sshd(options=["MaxSessions 0"])
    server = serve(echo)
    local = ports.free()
    hawserd.write(stanza("one", sshd, f"LocalForward {local} "
                         f"localhost:{server.port}", ServerAliveInterval=1))
    hawserd.start()
    hawserd.wait_up("one")
    until(lambda: hawserd.host("one")["rtt_ms"], 5, "a ping's answer")
    with connect(local) as s:
        assert ping(s)


def test_remote_port_not_permitted(hawserd, make_sshd, serve):
    """Row 20: PermitListen none."""
    sshd = make_sshd(options=["PermitListen none"])
    server, local = serve(echo), ports.free()
    remote = ports.free()
    hawserd.write(stanza("one", sshd,
                         f"LocalForward {local} localhost:{server.port}",
                         f"RemoteForward {remote} localhost:{server.port}"))
    hawserd.start()
    hawserd.wait_state("one", "degraded")
    found = hawserd.wait_forward("one", f"R:{remote}", "denied", "held")
    assert found["detail"]
    with connect(local) as s:
        assert ping(s)


def test_client_alive_of_the_server(hawserd, make_sshd):
    """The server's own pings (channel and global requests) are answered."""
    sshd = make_sshd(options=["ClientAliveInterval 1",
                              "ClientAliveCountMax 2"])
    start(hawserd, sshd)
    pid = hawserd.wait_up("one")["pid"]
    until(lambda: sshd.log.count("for keepalive") >= 3, 15,
          "three answers to the server's pings")
    assert hawserd.host("one")["pid"] == pid
