# SPDX-License-Identifier: ISC
"""Servers as people run them: other versions, hardened, small, strict."""

import base64
import collections
import hashlib
import itertools
import os
import re
import resource
import shutil
import socket
import struct
import subprocess
import time
from datetime import datetime

import pytest

from lib import ports, proc
from lib.agent import Agent
from lib.hawserd import stanza
from lib.servers import (connect, digest_then_reply, echo, ping, read_all,
                         read_exactly)
from lib.socks import request5
from lib.sshd import SSHDS, USER, Dropbear, PamSshd, make_key, version
from lib.wait import until

MIB = 1024 * 1024


def carries(port, data, target=None):
    """data arrives whole at a digesting server; target is for SOCKS."""
    with connect(port, timeout=60) as s:
        if target:
            assert request5(s, "127.0.0.1", target) == 0
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        assert read_all(s) == struct.pack(">Q", len(data)) \
            + hashlib.sha256(data).digest()


def assert_works(hawserd, sshd, serve, **options):
    """Every kind of forward, and pings that are answered."""
    server = serve(digest_then_reply)
    local, remote, dynamic = (ports.free() for _ in range(3))
    there = f"127.0.0.1:{server.port}"
    hawserd.write(stanza(
        "one", sshd, f"LocalForward {local} {there}",
        f"RemoteForward {remote} {there}", f"DynamicForward {dynamic}",
        ServerAliveInterval=1, **options))
    hawserd.start()
    hawserd.wait_forward("one", f"R:{remote}")
    until(lambda: hawserd.host("one")["rtt_ms"], 5, "a ping's answer")
    data = os.urandom(MIB + 7)
    carries(local, data)
    carries(remote, data)
    carries(dynamic, data, server.port)
    host = hawserd.host("one")
    assert (host["state"], host["last_end"]) == ("up", None)
    assert hawserd.log.count("level=(warn|error)") == 0, hawserd.log.text()


def agreed(sshd, what):
    """What the key exchanges have come to, as OpenSSH's log has it."""
    return set(sshd.log.find(rf"kex: {what}: ([^ \n]+)"))


# Whole servers ----------------------------------------------------------------

def test_defaults(hawserd, make_sshd, serve, openssh):
    """An administrator who has configured nothing."""
    sshd = make_sshd(program=openssh, bare=True,
                     host_keys=("rsa", "ecdsa", "ed25519"))
    assert_works(hawserd, sshd, serve)
    found = hawserd.host("one")["server"]
    assert found.startswith("SSH-2.0-OpenSSH_%d.%d" % version(openssh))
    assert agreed(sshd, "algorithm") == {"curve25519-sha256"}
    assert agreed(sshd, "host key algorithm") == {"ssh-ed25519"}


def test_hardened(hawserd, make_sshd, serve, openssh):
    sshd = make_sshd(program=openssh, options=[
        "Ciphers chacha20-poly1305@openssh.com,aes256-gcm@openssh.com",
        "MACs hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com",
        "KexAlgorithms curve25519-sha256", "HostKeyAlgorithms ssh-ed25519",
        "PubkeyAcceptedAlgorithms ssh-ed25519", "MaxAuthTries 2",
        "AuthenticationMethods publickey", "AllowAgentForwarding no",
        "X11Forwarding no", "PermitTTY no", "PermitUserRC no",
        "Compression no", f"AllowUsers {USER}"])
    assert_works(hawserd, sshd, serve)
    assert agreed(sshd, "algorithm") == {"curve25519-sha256"}


def test_rsa_host_key_only(hawserd, make_sshd, serve, openssh):
    sshd = make_sshd(program=openssh, host_keys=("rsa",))
    assert_works(hawserd, sshd, serve, key=sshd.keys.rsa)
    assert agreed(sshd, "host key algorithm") == {"rsa-sha2-512"}


@pytest.mark.netns
@pytest.mark.parametrize("kind,key", (("ed25519", "ecdsa"), ("rsa", "rsa"),
                                      ("ecdsa", "ed25519")))
def test_dropbear(hawserd, make_sshd, serve, kind, key):
    """As it is, with one host key, and for each kind of ours."""
    sshd = make_sshd(Dropbear, host_keys=(kind,))
    assert_works(hawserd, sshd, serve, key=getattr(sshd.keys, key))
    assert hawserd.host("one")["server"].startswith("SSH-2.0-dropbear")


@pytest.mark.netns
def test_dropbear_without_forwards(hawserd, make_sshd, serve):
    sshd = make_sshd(Dropbear, options=["-j", "-k"])
    local, remote = ports.free(), ports.free()
    there = f"127.0.0.1:{serve(echo).port}"
    hawserd.write(stanza("one", sshd, f"LocalForward {local} {there}",
                         f"RemoteForward {remote} {there}"))
    hawserd.start()
    hawserd.wait_forward("one", f"R:{remote}", "denied")
    with connect(local) as s:
        assert s.recv(1) == b""
    hawserd.wait_forward("one", f"L:{local}", "denied")
    assert hawserd.host("one")["last_end"] is None


# What a server permits --------------------------------------------------------

def test_restricted_key(hawserd, make_sshd, serve):
    """What its line permits works; what it doesn't is named."""
    sshd = make_sshd()
    server, other = serve(digest_then_reply), serve(digest_then_reply)
    permitted, refused = ports.free(), ports.free()
    local, elsewhere, socks = (ports.free() for _ in range(3))
    there = f"127.0.0.1:{server.port}"
    sshd.authorize(f'restrict,port-forwarding,permitopen="{there}",'
                   f'permitlisten="localhost:{permitted}" '
                   + sshd.keys.public[0])
    hawserd.write(stanza(
        "one", sshd, f"RemoteForward {permitted} {there}",
        f"RemoteForward {refused} {there}", f"LocalForward {local} {there}",
        f"LocalForward {elsewhere} 127.0.0.1:{other.port}",
        f"DynamicForward {socks}"))
    hawserd.start()
    hawserd.wait_forward("one", f"R:{permitted}")
    found = hawserd.wait_forward("one", f"R:{refused}", "denied")
    hawserd.wait_state("one", "degraded")
    assert "permitlisten in authorized_keys" in found["detail"]
    data = os.urandom(1000)
    carries(permitted, data)
    carries(local, data)
    carries(socks, data, server.port)
    with connect(socks) as s:
        assert request5(s, "127.0.0.1", other.port) == 2
    with connect(elsewhere) as s:
        assert s.recv(1) == b""
    found = hawserd.wait_forward("one", f"L:{elsewhere}", "denied")
    assert f"does not permit connections to 127.0.0.1:{other.port}" \
        in found["detail"]
    assert "permitopen in authorized_keys" in found["detail"]
    assert hawserd.host("one")["last_end"] is None


def test_forced_command(hawserd, make_sshd, serve):
    sshd = make_sshd(options=["ForceCommand /bin/false", "PermitTTY no"])
    assert_works(hawserd, sshd, serve)


def test_more_than_a_key_is_needed(hawserd, make_sshd):
    sshd = make_sshd(options=[
        "KbdInteractiveAuthentication yes",
        "AuthenticationMethods publickey,keyboard-interactive"])
    hawserd.write(stanza("one", sshd, f"LocalForward {ports.free()} a:1"))
    hawserd.start()
    end = hawserd.wait_ended("one")["last_end"]
    assert end["class"] == "auth"
    assert "ed25519 was accepted, but is not enough" in end["text"]
    assert "it allows keyboard-interactive" in end["text"]


@pytest.mark.skipif(os.getuid() != 0 or not PamSshd.FOUND,
                    reason="a server with PAM of its own needs root, and PAM")
@pytest.mark.parametrize("second", ("keyboard-interactive", "password"))
def test_two_factors(hawserd, make_sshd, serve, second):
    sshd = make_sshd(PamSshd, program=SSHDS[-1], options=[
        f"AuthenticationMethods publickey,{second}"])
    assert_works(hawserd, sshd, serve,
                 HawserPassphraseCommand=f"cat {sshd.path('password')}")
    assert sshd.log.count(f"Accepted {second}") == 1


# Certificates -----------------------------------------------------------------

def certify(folder, name, *options, kind="ed25519", bits=None):
    """A key of that name that is known by a certificate alone; its path."""
    path = os.path.join(folder, name)
    make_key(path, kind, bits)
    subprocess.run(["ssh-keygen", "-q", "-s", os.path.join(folder, "ca"),
                    "-I", name, *options, f"{path}.pub"], check=True,
                   capture_output=True)
    return path


CERTIFICATES = {        # what ssh-keygen is told, and what comes of it
    "plain": ("-n tunnels", "up"),
    "from": ("-n tunnels -O source-address=127.0.0.0/8", "up"),
    "forced": ("-n tunnels -O force-command=/bin/false", "up"),
    "bound": ("-n tunnels -O clear", "denied"),
    "elsewhere": ("-n tunnels -O source-address=192.0.2.0/24",
                  "offered .*/elsewhere-cert.pub .*; its log says what is "),
    "other": ("-n others", "offered .*/other-cert.pub .*; its log says "),
    "expired": ("-n tunnels -V 20200101:20200102",
                "expired-cert.pub is not offered: it expired at 2020"),
    "early": ("-n tunnels -V 20900101:20910101",
              "early-cert.pub is not offered: it is not valid before 2090"),
}


def test_user_certificates(hawserd, make_sshd, serve, workdir):
    """Each host has another certificate for the same server."""
    make_key(os.path.join(workdir, "ca"), "ed25519")
    principals = os.path.join(workdir, "principals")
    with open(principals, "w", encoding="ascii") as f:
        f.write("# whom\ntunnels\n")
    sshd = make_sshd(options=[f"TrustedUserCAKeys {workdir}/ca.pub",
                              f"AuthorizedPrincipalsFile {principals}"])
    server = serve(digest_then_reply)
    local = {name: ports.free() for name in CERTIFICATES}
    hawserd.write(*(
        stanza(name, sshd, f"LocalForward {local[name]} "
               f"127.0.0.1:{server.port}",
               key=certify(workdir, name, *options.split()))
        for name, (options, _) in CERTIFICATES.items()))
    hawserd.start()
    for name, (_, expected) in CERTIFICATES.items():
        if expected == "up":
            hawserd.wait_up(name)
            carries(local[name], b"x" * 1000)
        elif expected == "denied":      # without permit-port-forwarding
            hawserd.wait_up(name)
            with connect(local[name]) as s:
                assert s.recv(1) == b""
            hawserd.wait_forward(name, f"L:{local[name]}", "denied")
        else:
            end = hawserd.wait_ended(name)["last_end"]
            assert end["class"] == "auth"
            assert re.search(expected, end["text"]), end
    assert sshd.log.count("Accepted publickey .* ED25519-CERT") == 4


# Keys -------------------------------------------------------------------------

KINDS = (("ed25519", None), ("ecdsa", 256), ("ecdsa", 384), ("ecdsa", 521),
         ("rsa", 2048), ("rsa", 3072), ("rsa", 4096))


def rewritten(path, form):
    """A copy of the key in that form of file."""
    copy = shutil.copy(path, f"{path}-{form}")
    subprocess.run(["ssh-keygen", "-q", "-p", "-m", form, "-P", "", "-N", "",
                    "-f", copy], check=True, capture_output=True)
    return copy


def ed25519_by_openssl(path):
    """Not every ssh-keygen writes such a file. Gives the public line."""
    def openssl(*arguments):
        return subprocess.run(["openssl", *arguments], check=True,
                              capture_output=True).stdout
    openssl("genpkey", "-algorithm", "ed25519", "-out", path)
    os.chmod(path, 0o600)
    raw = openssl("pkey", "-in", path, "-pubout", "-outform", "DER")[-32:]
    blob = b"".join(struct.pack(">I", len(part)) + part
                    for part in (b"ssh-ed25519", raw))
    return f"ssh-ed25519 {base64.b64encode(blob).decode()}"


def make_keys(folder, agent):
    """Every kind of key in every kind of file, in the agent, and certified by
    "ca". Gives the stanzas' options by name, and whom to authorize."""
    hosts, public = {}, []
    for kind, bits in KINDS:
        path = os.path.join(folder, name := f"{kind}{bits or ''}")
        public.append(make_key(path, kind, bits))
        hosts[name] = {"key": path}
        if kind == "ed25519":
            public.append(ed25519_by_openssl(f"{path}-PKCS8"))
            hosts[f"{name}-PKCS8"] = {"key": f"{path}-PKCS8"}
        else:
            for form in ("PEM", "PKCS8"):
                hosts[f"{name}-{form}"] = {"key": rewritten(path, form)}
        cert = certify(folder, f"{name}-cert", "-n", USER, kind=kind,
                       bits=bits)
        hosts[f"{name}-cert"] = {"key": cert}
        agent.add(path, cert)
        for of_agent in (path, cert):
            hosts[os.path.basename(of_agent) + "-agent"] = {
                "key": f"{of_agent}.pub", "IdentityAgent": agent.path}
        hosts[f"{name}-cert-agent"]["CertificateFile"] = f"{cert}-cert.pub"
    return hosts, public


def test_key_types(hawserd, make_sshd, workdir, stack):
    """One server, and a host for each key."""
    make_key(os.path.join(workdir, "ca"), "ed25519")
    agent = Agent(workdir)
    stack.callback(agent.stop)
    hosts, public = make_keys(workdir, agent)
    sshd = make_sshd(options=[f"TrustedUserCAKeys {workdir}/ca.pub"])
    sshd.authorize(*public)
    hawserd.write(*(
        stanza(name, sshd, f"LocalForward {ports.free()} a:1", **options)
        for name, options in hosts.items()))
    hawserd.start()
    for name in hosts:
        hawserd.wait_state(name, "up", "waiting", timeout=30)
    assert {h["name"]: h["last_end"] for h in hawserd.status()["hosts"]
            if h["state"] != "up"} == {}
    used = collections.Counter(
        sshd.log.find(r"Accepted publickey .* ssh2: (\S+)"))
    # As a file of two or three forms and by the agent; certified, two ways.
    assert used == {"ED25519": 3, "ED25519-CERT": 2, "ECDSA": 12,
                    "ECDSA-CERT": 6, "RSA": 12, "RSA-CERT": 6}


# Servers that let nobody in for a while ---------------------------------------

def seconds_to_next(host):
    at = datetime.fromisoformat(host["next_attempt_at"].replace("Z", "+00:00"))
    return at.timestamp() - time.time()


def assert_shed(host):
    """The class for servers that have had enough, and its long wait."""
    assert host["last_end"]["class"] == "closed-early"
    assert "hung up before its banner, after saying \"" \
        in (text := host["last_end"]["text"])
    assert "Exceeded MaxStartups" in text or "Not allowed" in text
    assert "see its log (MaxStartups, PerSourcePenalties" in text
    assert 13 < seconds_to_next(host) <= 600


def test_max_startups(hawserd, make_sshd, stack, openssh):
    """Row 12: it is full of others' silent connections."""
    sshd = make_sshd(program=openssh, options=["MaxStartups 1:100:1"])
    silent = stack.enter_context(connect(sshd.port, host=sshd.address))
    assert silent.recv(4) == b"SSH-"
    hawserd.write(stanza("one", sshd, f"LocalForward {ports.free()} a:1",
                         HawserBackoff="1s 1s"))
    hawserd.start()
    assert_shed(hawserd.wait_ended("one"))
    silent.close()
    hawserd.cli("retry", "one")
    hawserd.wait_up("one")


@pytest.mark.skipif(version(SSHDS[-1]) < (9, 8), reason="no OpenSSH 9.8")
def test_per_source_penalties(hawserd, make_sshd):
    """Row 12: a refused key costs the next attempts from that address."""
    sshd = make_sshd(program=SSHDS[-1], options=[
        "PerSourcePenalties yes", "PerSourcePenalties authfail:3s min:1s"])
    sshd.authorize()
    hawserd.write(stanza("one", sshd, f"LocalForward {ports.free()} a:1",
                         HawserBackoff="1s 1s"))
    hawserd.start()
    assert hawserd.wait_ended("one")["last_end"]["class"] == "auth"
    sshd.authorize(*sshd.keys.public)
    before = hawserd.host("one")["last_end"]
    hawserd.cli("retry", "one")
    host = until(lambda: (h := hawserd.wait_ended("one"))["last_end"] != before
                 and h, 5, "a second end")
    assert_shed(host)
    assert sshd.log.count("Connection from|drop connection") == 2

    def penalty_is_over():
        hawserd.cli("retry", "one")
        return hawserd.wait_state("one", "up", "waiting")["state"] == "up"
    until(penalty_is_over, 10, "up", interval=0.5)


def starve(pids):
    """They get no further descriptor; gives what they were allowed."""
    limits = {}
    for pid in pids:
        used = {int(fd) for fd in os.listdir(f"/proc/{pid}/fd")}
        free = next(n for n in itertools.count() if n not in used)
        limits[pid] = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (free, limits[pid][1]))
    return limits


def test_server_without_descriptors(hawserd, sshd, serve):
    """Row 11: what is new fails, what is there goes on."""
    server = serve(echo)
    local, remote, socks = (ports.free() for _ in range(3))
    there = f"127.0.0.1:{server.port}"
    hawserd.write(stanza("one", sshd, f"LocalForward {local} {there}",
                         f"RemoteForward {remote} {there}",
                         f"DynamicForward {socks}"))
    hawserd.start()
    hawserd.wait_forward("one", f"R:{remote}")
    pid = hawserd.worker_pid("one")
    with connect(local) as old, connect(remote) as old_remote:
        assert ping(old) and ping(old_remote)
        limits = starve(proc.descendants(sshd.pid))
        with connect(local) as s:
            assert s.recv(1) == b""
        with connect(socks) as s:
            assert request5(s, "127.0.0.1", server.port) in (1, 4)
        late = connect(remote)          # waits in the server's backlog
        late.sendall(b"late")
        assert ping(old) and ping(old_remote)
        for of, limit in limits.items():
            resource.prlimit(of, resource.RLIMIT_NOFILE, limit)
        assert read_exactly(late, 4) == b"late"
        late.close()
        with connect(local) as s:
            assert ping(s)
    host = hawserd.wait_up("one")
    assert (host["pid"], host["last_end"]) == (pid, None)
