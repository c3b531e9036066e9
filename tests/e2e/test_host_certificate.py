# SPDX-License-Identifier: ISC
"""Servers that are known by a CA: @cert-authority and HostCertificate."""

import hashlib
import os
import socket
import struct
import subprocess

import pytest

from lib import ports
from lib.hawserd import stanza
from lib.servers import connect, digest_then_reply, read_all
from lib.sshd import make_key


class Ca:
    """A key that signs those of servers."""

    def __init__(self, folder, kind="ed25519", name="ca"):
        self.path = os.path.join(folder, name)
        self.line = make_key(self.path, kind)

    def sign(self, sshd, *options, kind="ed25519", host=True,
             principals="127.0.0.1"):
        """Certifies the server's key, as ssh-keygen is told."""
        subprocess.run(
            ["ssh-keygen", "-q", "-s", self.path, "-I", "id",
             *(["-h"] if host else []),
             *(["-n", principals] if principals else []), *options,
             sshd.path(f"host_{kind}.pub")], check=True,
            capture_output=True)
        return sshd.path(f"host_{kind}-cert.pub")


@pytest.fixture
def ca(workdir):
    return Ca(workdir)


def show(sshd, *certificates):
    """From now on the server shows these certificates."""
    with open(sshd.path("config"), "a", encoding="ascii") as f:
        for path in certificates:
            f.write(f"HostCertificate {path}\n")
    sshd.stop()
    sshd.start()


def trust(sshd, *lines):
    with open(sshd.known_hosts, "w", encoding="ascii") as f:
        f.write("".join(line + "\n" for line in lines))


def start(hawserd, sshd, **options):
    hawserd.write(stanza("one", sshd, f"LocalForward {ports.free()} a:1",
                         **{"HashKnownHosts": "no", **options}))
    hawserd.start()


def agreed(sshd):
    """The host key algorithm of the last key exchange."""
    return sshd.log.wait(r"kex: host key algorithm: (\S+)")[1]


@pytest.mark.parametrize("kind,signer", [
    ("ed25519", "ecdsa"), ("ecdsa", "rsa"), ("rsa", "ed25519")])
def test_known_by_its_ca(hawserd, make_sshd, workdir, kind, signer):
    sshd = make_sshd(host_keys=(kind,))
    ca = Ca(workdir, signer)
    show(sshd, ca.sign(sshd, kind=kind))
    trust(sshd, f"@cert-authority *.0.0.1,[127.*]:* {ca.line}")
    before = os.stat(sshd.known_hosts).st_mtime_ns
    start(hawserd, sshd)
    hawserd.wait_up("one")
    assert "-cert-v01@openssh.com" in agreed(sshd)
    # Its keys need no lines of their own.
    assert sshd.log.count("hostkeys-prove") == 0
    assert os.stat(sshd.known_hosts).st_mtime_ns == before


def test_of_another_curve(hawserd, make_sshd, workdir):
    sshd = make_sshd()
    for bits in "384", "521":
        subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-b", bits, "-N",
                        "", "-f", sshd.path(f"host_{bits}")], check=True)
    ca = Ca(workdir)
    config = sshd.path("config")
    with open(config, encoding="ascii") as f:
        text = f.read()
    trust(sshd, f"@cert-authority * {ca.line}")
    for bits in "384", "521":
        with open(config, "w", encoding="ascii") as f:
            f.write(text.replace("host_ed25519", f"host_{bits}"))
        mark, ours = sshd.log.mark(), hawserd.log.mark()
        show(sshd, ca.sign(sshd, kind=bits))
        if bits == "384":
            start(hawserd, sshd, HawserBackoff="50ms 100ms")
        sshd.log.wait(f"ecdsa-sha2-nistp{bits}-cert-v01", since=mark)
        hawserd.log.wait("the link is up", since=ours)


def test_rekeys(hawserd, make_sshd, ca, serve):
    """Each exchange shows the certificate again."""
    sshd = make_sshd(options=("RekeyLimit 256K",))
    show(sshd, ca.sign(sshd))
    trust(sshd, f"@cert-authority * {ca.line}")
    port, server = ports.free(), serve(digest_then_reply)
    hawserd.write(stanza("one", sshd, f"LocalForward {port} "
                         f"127.0.0.1:{server.port}"))
    hawserd.start()
    hawserd.wait_up("one")
    block = os.urandom(4 << 20)
    with connect(port, timeout=60) as s:
        s.sendall(block)
        s.shutdown(socket.SHUT_WR)
        assert read_all(s) == struct.pack(">Q", len(block)) \
            + hashlib.sha256(block).digest()
    assert sshd.log.count("host key algorithm: ssh-ed25519-cert") > 1
    assert hawserd.host("one")["last_end"] is None


def refused(hawserd, sshd, why, **options):
    """The certificate isn't taken, and its plain key isn't known."""
    start(hawserd, sshd, **options)
    parked = hawserd.wait_state("one", "parked")
    assert parked["parked"]["class"] == "hostkey"
    assert parked["parked"]["verdict"] == "unknown"
    assert not parked["parked"]["algorithm"].endswith("openssh.com")
    assert sshd.log.count("userauth-request|Accepted|Failed") == 0
    hawserd.log.wait("the server's certificate is not accepted.*" + why)
    said = parked["last_end"]["text"].split("its certificate is not "
                                            "accepted (", 1)[1]
    assert why in said
    return parked["parked"]


CASES = {
    "expired": ({}, ["-V", "20200101:20210101"], "it has expired"),
    "future": ({}, ["-V", "20990101:20991231"], "it is not valid yet"),
    "principal": ({"principals": "127.0.0.2,localhost"}, [],
                  "it is not for 127.0.0.1"),
    "user": ({"host": False}, [], "it is not a host's"),
    "critical": ({}, ["-O", "critical:force-command=x"],
                 "it has critical options"),
}


@pytest.mark.parametrize("case", CASES)
def test_certificates_that_are_not_good(hawserd, make_sshd, ca, case):
    keywords, options, why = CASES[case]
    sshd = make_sshd()
    show(sshd, ca.sign(sshd, *options, **keywords))
    trust(sshd, f"@cert-authority * {ca.line}")
    parked = refused(hawserd, sshd, why)
    # It is a key like any other, which can be accepted.
    done = hawserd.cli("hostkey", "accept", "one", parked["fingerprint"])
    assert done.returncode == 0, done.stderr
    hawserd.wait_up("one")


def test_another_ca(hawserd, make_sshd, ca, workdir):
    sshd = make_sshd()
    show(sshd, ca.sign(sshd))
    other = Ca(workdir, name="other")
    trust(sshd, f"@cert-authority * {other.line}")
    refused(hawserd, sshd, "no @cert-authority line has its CA")


def test_signature_algorithms(hawserd, make_sshd, ca):
    sshd = make_sshd()
    show(sshd, ca.sign(sshd))
    trust(sshd, f"@cert-authority * {ca.line}")
    refused(hawserd, sshd, "not one of CASignatureAlgorithms",
            CASignatureAlgorithms="-ssh-ed25519")


def test_ca_of_other_hosts(hawserd, make_sshd, ca):
    """Then certificates aren't even asked for."""
    sshd = make_sshd()
    show(sshd, ca.sign(sshd))
    trust(sshd, f"@cert-authority *.example.com {ca.line}",
          f"{sshd.known_name} {sshd.host_key_lines[0]}")
    start(hawserd, sshd)
    hawserd.wait_up("one")
    assert agreed(sshd) == "ssh-ed25519"


def test_a_ca_is_no_host_key(hawserd, make_sshd, ca):
    """A server that shows the CA's own key isn't known by it."""
    sshd = make_sshd()
    trust(sshd, f"@cert-authority * {sshd.host_key_lines[0]}")
    start(hawserd, sshd)
    assert hawserd.wait_state("one", "parked")["parked"]["verdict"] \
        == "unknown"


@pytest.mark.parametrize("options,principals", [
    ({}, "127.0.0.*"), ({}, None), ({"HostKeyAlias": "The-Alias"},
                                    "the-alias"),
], ids=["wildcard", "none", "alias"])
def test_principals(hawserd, make_sshd, ca, options, principals):
    sshd = make_sshd()
    show(sshd, ca.sign(sshd, principals=principals))
    trust(sshd, f"@cert-authority * {ca.line}")
    start(hawserd, sshd, **options)
    hawserd.wait_up("one")


def test_a_plain_key_that_is_known(hawserd, make_sshd, ca):
    """Its certificate has expired, and it is listed itself."""
    sshd = make_sshd()
    show(sshd, ca.sign(sshd, "-V", "20200101:20210101"))
    trust(sshd, f"@cert-authority * {ca.line}",
          f"{sshd.known_name} {sshd.host_key_lines[0]}")
    start(hawserd, sshd)
    hawserd.wait_up("one")


def test_a_server_without_a_certificate(hawserd, sshd, ca):
    trust(sshd, f"@cert-authority * {ca.line}",
          f"{sshd.known_name} {sshd.host_key_lines[0]}")
    start(hawserd, sshd)
    hawserd.wait_up("one")


@pytest.mark.parametrize("what,where", [
    ("ca", "known_hosts"), ("key", "known_hosts"), ("ca", "list"),
    ("key", "krl")])
def test_revoked(hawserd, make_sshd, ca, workdir, what, where):
    """Neither is looked up without its certificate."""
    sshd = make_sshd()
    show(sshd, ca.sign(sshd))
    line = ca.line if what == "ca" else sshd.host_key_lines[0]
    lines = [f"@cert-authority * {ca.line}"]
    options = {"StrictHostKeyChecking": "no"}
    if where == "known_hosts":
        lines.append(f"@revoked * {line}")
    else:
        options["RevokedHostKeys"] = path = os.path.join(workdir, "revoked")
        with open(path, "w", encoding="ascii") as f:
            f.write(line + "\n")
        if where == "krl":
            os.rename(path, path + ".pub")
            subprocess.run(["ssh-keygen", "-q", "-k", "-f", path,
                            path + ".pub"], check=True)
    trust(sshd, *lines)
    start(hawserd, sshd, **options)
    end = hawserd.wait_state("one", "parked")["last_end"]
    assert "revoked in" in end["text"]
    assert sshd.log.count("userauth-request|Accepted|Failed") == 0


def test_revoked_by_serial(hawserd, make_sshd, ca, workdir):
    """Serial numbers aren't looked up: then no certificate is good."""
    sshd = make_sshd()
    show(sshd, ca.sign(sshd))
    path = os.path.join(workdir, "revoked")
    with open(path + ".spec", "w", encoding="ascii") as f:
        f.write("serial: 77\n")
    subprocess.run(["ssh-keygen", "-q", "-k", "-f", path, "-s",
                    ca.path + ".pub", path + ".spec"], check=True)
    trust(sshd, f"@cert-authority * {ca.line}")
    start(hawserd, sshd, RevokedHostKeys=path)
    hawserd.wait_state("one", "parked")
    hawserd.log.wait("which are not looked up")
