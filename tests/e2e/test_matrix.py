# SPDX-License-Identifier: ISC
"""Servers as people run them: other versions, hardened, small, strict."""

import hashlib
import os
import socket
import struct

import pytest

from lib import ports
from lib.hawserd import stanza
from lib.servers import connect, digest_then_reply, read_all
from lib.socks import request5
from lib.sshd import USER, Dropbear, version
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
    hawserd.wait_up("one")
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
@pytest.mark.parametrize("kind", ("ed25519", "rsa"))
def test_dropbear(hawserd, make_sshd, serve, kind):
    sshd = make_sshd(Dropbear, host_keys=(kind,))
    assert_works(hawserd, sshd, serve)
    assert hawserd.host("one")["server"].startswith("SSH-2.0-dropbear")
