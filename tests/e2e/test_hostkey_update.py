# SPDX-License-Identifier: ISC
"""UpdateHostKeys: a known server proves its other keys, and a planned change
of keys stops nobody."""

import os
import subprocess

import pytest

from lib import ports
from lib.hawserd import stanza
from lib.sshd import make_key
from lib.wait import until

KINDS = ("ed25519", "ecdsa", "rsa")


def blobs(path):
    """What the file lists, as (name, type, blob)."""
    with open(path, encoding="ascii") as f:
        return [tuple(line.split()[:3]) for line in f
                if not line.startswith("#")]


def key(sshd, number):
    """(type, blob) of one of its keys."""
    return tuple(sshd.host_key_lines[number].split()[:2])


def listed(sshd, *numbers, name=None):
    """What known_hosts holds for these keys of it."""
    return sorted((name or sshd.known_name, *key(sshd, i)) for i in numbers)


def wait_listed(path, expected):
    until(lambda: os.path.exists(path) and sorted(blobs(path)) == expected,
          10, lambda: f"{path} holds {expected}, not {blobs(path)}")


def offer(sshd, *names):
    """From now on it has these keys (files beside its log) only."""
    path = sshd.path("config")
    with open(path, encoding="ascii") as f:
        lines = [x for x in f if not x.startswith("HostKey ")]
    lines += [f"HostKey {sshd.path(name)}\n" for name in names]
    with open(path, "w", encoding="ascii") as f:
        f.writelines(lines)
    sshd.stop()
    sshd.start()


def start(hawserd, sshd, **options):
    """The machine's own ssh_config may want names to be hashed."""
    hawserd.write(stanza("one", sshd, f"LocalForward {ports.free()} a:1",
                         **{"HashKnownHosts": "no", "HawserBackoff":
                            "50ms 100ms", **options}))
    hawserd.start()


def test_all_keys_are_learned(hawserd, make_sshd):
    """One is known, the others are proved; once is enough."""
    sshd = make_sshd(host_keys=KINDS)
    sshd.write_known_hosts(sshd.host_key_lines[:1])
    start(hawserd, sshd)
    hawserd.wait_up("one")
    wait_listed(sshd.known_hosts, listed(sshd, 0, 1, 2))
    until(lambda: hawserd.log.count("a host key that the server proves") == 2,
          10, "both are in the log")
    mark = hawserd.log.mark()
    sshd.kill_sessions()
    hawserd.log.wait("the link is up", since=mark)
    hawserd.wait_up("one")
    assert hawserd.log.count("a host key that the server proves") == 2
    assert sshd.log.count("hostkeys-prove") == 1
    # ssh takes what was written.
    assert subprocess.run(sshd.ssh("-o", "HostKeyAlgorithms=rsa-sha2-512",
                                   "true"), check=False).returncode == 0


@pytest.mark.parametrize("first", ["ecdsa", "rsa"])
def test_whatever_key_is_known(hawserd, make_sshd, first):
    sshd = make_sshd(host_keys=KINDS)
    number = KINDS.index(first)
    sshd.write_known_hosts([sshd.host_key_lines[number]])
    start(hawserd, sshd)
    hawserd.wait_up("one")
    wait_listed(sshd.known_hosts, listed(sshd, 0, 1, 2))


def test_a_planned_change_stops_nobody(hawserd, sshd):
    """The new key is offered beside the old one for a while."""
    sshd.host_key_lines.append(make_key(sshd.path("host_new"), "ed25519"))
    start(hawserd, sshd)
    hawserd.wait_up("one")
    offer(sshd, "host_ed25519", "host_new")
    wait_listed(sshd.known_hosts, listed(sshd, 0, 1))
    mark = hawserd.log.mark()
    offer(sshd, "host_new")
    hawserd.log.wait("the link is up", since=mark)
    # The old one is replaced: it isn't trusted any longer.
    wait_listed(sshd.known_hosts, listed(sshd, 1))
    hawserd.log.wait("has replaced were removed host=one lines=1")
    mark = hawserd.log.mark()
    sshd.kill_sessions()
    hawserd.log.wait("the link is up", since=mark)
    assert hawserd.log.count("parked") == 0


def test_servers_that_share_a_name(hawserd, sshd):
    """What one of them has never offered isn't taken for replaced."""
    other = make_key(sshd.path("host_other"), "ed25519")
    sshd.write_known_hosts([other] + sshd.host_key_lines)
    sshd.host_key_lines += [other,
                            make_key(sshd.path("host_new"), "ed25519")]
    start(hawserd, sshd)
    hawserd.wait_up("one")
    offer(sshd, "host_ed25519", "host_new")
    wait_listed(sshd.known_hosts, listed(sshd, 0, 1, 2))
    offer(sshd, "host_new")
    wait_listed(sshd.known_hosts, listed(sshd, 1, 2))


def test_a_hop_learns_too(hawserd, make_sshd):
    bastion = make_sshd(host_keys=("ed25519", "ecdsa"))
    nas = make_sshd(host_keys=("ed25519", "ecdsa"))
    for server in bastion, nas:
        server.write_known_hosts(server.host_key_lines[:1])
    options = {"HashKnownHosts": "no"}
    hawserd.write(stanza("bastion", bastion, **options),
                  stanza("nas", nas, f"LocalForward {ports.free()} a:1",
                         ProxyJump="bastion", **options))
    hawserd.start()
    hawserd.wait_up("nas")
    for server in bastion, nas:
        wait_listed(server.known_hosts, listed(server, 0, 1))


def test_an_alias(hawserd, make_sshd):
    sshd = make_sshd(host_keys=("ed25519", "ecdsa"))
    with open(sshd.known_hosts, "w", encoding="ascii") as f:
        f.write(f"the-alias {sshd.host_key_lines[0]}\n")
    start(hawserd, sshd, HostKeyAlias="The-Alias")
    hawserd.wait_up("one")
    wait_listed(sshd.known_hosts, listed(sshd, 0, 1, name="the-alias"))


def test_hashed_names(hawserd, make_sshd):
    sshd = make_sshd(host_keys=("ed25519", "ecdsa"))
    sshd.write_known_hosts(sshd.host_key_lines[:1], hashed=True)
    start(hawserd, sshd, HashKnownHosts="yes")
    hawserd.wait_up("one")
    until(lambda: len(blobs(sshd.known_hosts)) == 2, 10, "the key")
    assert all(name.startswith("|1|") for name, _, _ in
               blobs(sshd.known_hosts))
    found = subprocess.run(["ssh-keygen", "-F", sshd.known_name, "-f",
                            sshd.known_hosts], capture_output=True,
                           text=True, check=True).stdout
    assert all(key(sshd, i)[1] in found for i in (0, 1))


def test_known_without_its_port(hawserd, make_sshd):
    """Then every key comes to stand under the full name, which counts
    alone from then on."""
    sshd = make_sshd(host_keys=("ed25519", "ecdsa"))
    with open(sshd.known_hosts, "w", encoding="ascii") as f:
        f.write(f"{sshd.address} {sshd.host_key_lines[0]}\n")
    start(hawserd, sshd)
    hawserd.wait_up("one")
    wait_listed(sshd.known_hosts, sorted(
        listed(sshd, 0, name=sshd.address) + listed(sshd, 0, 1)))
    mark = hawserd.log.mark()
    sshd.kill_sessions()
    hawserd.log.wait("the link is up", since=mark)


def test_new_hosts_learn_all_keys(hawserd, make_sshd):
    sshd = make_sshd(host_keys=("ed25519", "ecdsa"))
    sshd.write_known_hosts([])
    start(hawserd, sshd, StrictHostKeyChecking="accept-new")
    hawserd.wait_up("one")
    wait_listed(sshd.known_hosts, listed(sshd, 0, 1))


def test_a_file_that_cannot_be_written(hawserd, make_sshd):
    """hawserd's own takes what is new."""
    sshd = make_sshd(host_keys=("ed25519", "ecdsa"))
    own = hawserd.path("state/known_hosts")
    with open(own, "w", encoding="ascii") as f:
        f.write(f"{sshd.known_name} {sshd.host_key_lines[0]}\n")
    start(hawserd, sshd, UserKnownHostsFile="/dev/null")
    hawserd.wait_up("one")
    wait_listed(own, listed(sshd, 0, 1))


@pytest.mark.parametrize("options", [
    {"UpdateHostKeys": "no"},
    {"UpdateHostKeys": "ask"},
    {"StrictHostKeyChecking": "no"},
], ids=["no", "ask", "unchecked"])
def test_off(hawserd, make_sshd, options):
    """It isn't even asked for a proof."""
    sshd = make_sshd(host_keys=("ed25519", "ecdsa"))
    sshd.write_known_hosts(sshd.host_key_lines[:1])
    # Requests are sent in order: one for a proof would have come first.
    hawserd.write(stanza("one", sshd, "RemoteForward 0 a:1",
                         **{"HashKnownHosts": "no", **options}))
    hawserd.start()
    hawserd.wait_up("one")
    sshd.log.wait("tcpip-forward")
    assert sshd.log.count("hostkeys-prove") == 0
    assert blobs(sshd.known_hosts) == listed(sshd, 0)


def test_a_revoked_key_is_not_added(hawserd, make_sshd):
    sshd = make_sshd(host_keys=KINDS)
    first, second, _ = sshd.host_key_lines
    with open(sshd.known_hosts, "w", encoding="ascii") as f:
        f.write(f"{sshd.known_name} {first}\n@revoked * {second}\n")
    start(hawserd, sshd)
    hawserd.wait_up("one")
    revoked = ("@revoked", "*", key(sshd, 1)[0])
    wait_listed(sshd.known_hosts, sorted(listed(sshd, 0, 2) + [revoked]))


def test_a_key_of_the_revocation_list_is_not_added(hawserd, make_sshd):
    sshd = make_sshd(host_keys=KINDS)
    sshd.write_known_hosts(sshd.host_key_lines[:1])
    start(hawserd, sshd, RevokedHostKeys=sshd.path("host_ecdsa.pub"))
    hawserd.wait_up("one")
    wait_listed(sshd.known_hosts, listed(sshd, 0, 2))


def test_patterns_are_the_operators(hawserd, make_sshd):
    """Who lists servers by a pattern does so by hand."""
    sshd = make_sshd(host_keys=("ed25519", "ecdsa"))
    with open(sshd.known_hosts, "w", encoding="ascii") as f:
        f.write(f"[127.0.0.*]:{sshd.port} {sshd.host_key_lines[0]}\n")
    before = blobs(sshd.known_hosts)
    start(hawserd, sshd)
    hawserd.wait_up("one")
    hawserd.log.wait("the server's host keys are not recorded host=one")
    assert blobs(sshd.known_hosts) == before
