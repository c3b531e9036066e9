# SPDX-License-Identifier: ISC
"""Whom we trust: keys of servers that are unknown, new, changed, accepted."""

import fcntl
import os
import shutil
import subprocess

from lib import ports
from lib.hawserd import stanza
from lib.sshd import make_key
from lib.wait import until


def start(hawserd, sshd, **options):
    """The machine's own ssh_config may want names to be hashed."""
    hawserd.write(stanza("one", sshd, f"LocalForward {ports.free()} a:1",
                         **{"HashKnownHosts": "no", **options}))
    hawserd.start()


def fingerprint(sshd, kind="ed25519"):
    return subprocess.run(
        ["ssh-keygen", "-l", "-f", sshd.path(f"host_{kind}.pub")],
        capture_output=True, text=True, check=True).stdout.split()[1]


def lines(path):
    with open(path, encoding="ascii") as f:
        return f.read().splitlines()


def assert_untouched(sshd):
    """Not one byte of authentication has arrived."""
    sshd.log.wait("Connection (closed|reset) by|Disconnected")
    assert sshd.log.count("userauth-request|Accepted|Failed") == 0


def test_accept_an_unknown_key(hawserd, sshd):
    sshd.write_known_hosts([])
    start(hawserd, sshd)
    parked = hawserd.wait_state("one", "parked")["parked"]
    assert parked["class"] == "hostkey"
    assert parked["verdict"] == "unknown"
    assert parked["algorithm"] == "ssh-ed25519"
    assert parked["fingerprint"] == fingerprint(sshd)
    assert parked["known_at"] is None
    assert_untouched(sshd)
    listed = hawserd.cli("hostkey")
    assert listed.returncode == 0
    assert listed.stdout == \
        f"one: unknown ssh-ed25519 {fingerprint(sshd)}\n"
    # Another one than that is not accepted.
    wrong = hawserd.cli("hostkey", "accept", "one", "SHA256:" + "A" * 43)
    assert wrong.returncode == 1
    assert f"has shown the key {fingerprint(sshd)}" in wrong.stderr
    assert lines(sshd.known_hosts) == []
    assert hawserd.host("one")["state"] == "parked"
    done = hawserd.cli("hostkey", "accept", "one", fingerprint(sshd))
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"recorded in {sshd.known_hosts}\n"
    hawserd.wait_up("one")
    assert hawserd.host("one")["parked"] is None
    assert hawserd.cli("hostkey").stdout == "no key waits to be accepted\n"
    again = hawserd.cli("hostkey", "accept", "one", fingerprint(sshd))
    assert again.returncode == 1
    assert "no key of one waits" in again.stderr


def test_accept_a_changed_key(hawserd, sshd, workdir):
    """It takes the place of the old one."""
    old = make_key(os.path.join(workdir, "old"), "ed25519")
    sshd.write_known_hosts([old])
    with open(sshd.known_hosts, "a", encoding="ascii") as f:
        f.write("other.example " + old)     # without the end of the line
    start(hawserd, sshd)
    parked = hawserd.wait_state("one", "parked")["parked"]
    assert parked["verdict"] == "changed"
    assert parked["known_at"] == f"{sshd.known_hosts}:1"
    assert_untouched(sshd)
    assert f", not the one in {sshd.known_hosts}:1\n" \
        in hawserd.cli("hostkey").stdout
    assert hawserd.cli("hostkey", "accept", "one",
                       fingerprint(sshd)).returncode == 0
    hawserd.wait_up("one")
    kind, blob = sshd.host_key_lines[0].split()[:2]
    assert lines(sshd.known_hosts) == [
        "other.example " + old, f"{sshd.known_name} {kind} {blob}"]


def test_a_revoked_key_is_not_accepted(hawserd, sshd):
    with open(sshd.known_hosts, "w", encoding="ascii") as f:
        f.write(f"@revoked * {sshd.host_key_lines[0]}\n")
    start(hawserd, sshd, StrictHostKeyChecking="no")
    parked = hawserd.wait_state("one", "parked")["parked"]
    assert parked["verdict"] == "revoked"
    assert_untouched(sshd)
    refused = hawserd.cli("hostkey", "accept", "one", fingerprint(sshd))
    assert refused.returncode == 1
    assert f"revoked in {sshd.known_hosts}:1" in refused.stderr


def write(path, text):
    """In one step: who reads it sees the old text or the new one."""
    with open(path + ".new", "w", encoding="ascii") as f:
        f.write(text)
    os.rename(path + ".new", path)


def test_list_of_revoked_keys(hawserd, sshd, workdir):
    """No server is trusted before it can be read; whatever it says, a host
    that waits for it to change need not be told."""
    path = os.path.join(workdir, "revoked")
    start(hawserd, sshd, RevokedHostKeys=path)
    end = hawserd.wait_state("one", "parked")["last_end"]
    assert end["class"] == "hostkey"
    assert f"(RevokedHostKeys): {path} does not exist" in end["text"]
    assert f"RevokedHostKeys {path} can't be read" in hawserd.log.text()
    other = make_key(os.path.join(workdir, "other"), "ed25519")
    write(path, f"{other}\n# a comment\n{sshd.host_key_lines[0]}\n")
    until(lambda: (hawserd.host("one")["parked"] or {}).get("verdict")
          == "revoked", 10, "the list has been read")
    parked = hawserd.host("one")["parked"]
    assert parked["known_at"] == f"{path}:3"
    assert_untouched(sshd)
    refused = hawserd.cli("hostkey", "accept", "one", fingerprint(sshd))
    assert refused.returncode == 1
    assert f"revoked in {path}:3" in refused.stderr
    write(path, f"{other}\nwhat is this?\n")
    until(lambda: f"{path}:2: the key is damaged" in
          hawserd.host("one")["last_end"]["text"], 10, "a bad line counts")
    write(path, f"{other}\n")
    hawserd.wait_up("one")


def test_key_revocation_list(hawserd, sshd, workdir):
    """OpenSSH's own format."""
    path = os.path.join(workdir, "revoked")
    other = os.path.join(workdir, "other")
    make_key(other, "ed25519")

    def revoke(*public):
        subprocess.run(["ssh-keygen", "-q", "-k", "-f", path + ".new",
                        *public], check=True)
        os.rename(path + ".new", path)

    revoke(other + ".pub", sshd.path("host_ed25519.pub"))
    start(hawserd, sshd, RevokedHostKeys=path, StrictHostKeyChecking="no")
    parked = hawserd.wait_state("one", "parked")["parked"]
    assert parked["verdict"] == "revoked"
    assert parked["known_at"] == path
    assert_untouched(sshd)
    revoke(other + ".pub")
    hawserd.wait_up("one")


def test_accept_new(hawserd, sshd):
    """The key is in the file before the user's name is sent."""
    os.unlink(sshd.known_hosts)
    start(hawserd, sshd, StrictHostKeyChecking="accept-new")
    hawserd.wait_up("one")
    kind, blob = sshd.host_key_lines[0].split()[:2]
    assert lines(sshd.known_hosts) == [f"{sshd.known_name} {kind} {blob}"]
    assert hawserd.log.count("a host key was recorded") == 1
    # A second connection knows it.
    sshd.kill_sessions()
    hawserd.wait_ended("one", "up")
    assert hawserd.log.count("a host key was recorded") == 1


def test_accept_new_with_hashed_names(hawserd, sshd):
    sshd.write_known_hosts([])
    start(hawserd, sshd, StrictHostKeyChecking="accept-new",
          HashKnownHosts="yes")
    hawserd.wait_up("one")
    assert lines(sshd.known_hosts)[0].startswith("|1|")
    found = subprocess.run(["ssh-keygen", "-F", sshd.known_name, "-f",
                            sshd.known_hosts], capture_output=True,
                           text=True, check=True).stdout
    assert sshd.host_key_lines[0].split()[1] in found


def test_accept_new_takes_no_changed_key(hawserd, sshd, workdir):
    sshd.write_known_hosts([make_key(os.path.join(workdir, "old"),
                                     "ed25519")])
    before = lines(sshd.known_hosts)
    start(hawserd, sshd, StrictHostKeyChecking="accept-new")
    assert hawserd.wait_state("one", "parked")["parked"]["verdict"] \
        == "changed"
    assert_untouched(sshd)
    assert lines(sshd.known_hosts) == before


def test_accept_new_that_cannot_be_recorded(hawserd, sshd):
    """Then nothing is sent, either. No file of the user's can be written, and
    hawserd's own is locked."""
    with open(hawserd.path("state/known_hosts"), "w",
              encoding="ascii") as own:
        fcntl.flock(own, fcntl.LOCK_EX)
        start(hawserd, sshd, StrictHostKeyChecking="accept-new",
              UserKnownHostsFile="/proc/self/none")
        end = hawserd.wait_state("one", "parked")["last_end"]
    assert end["class"] == "hostkey"
    assert "could not be recorded" in end["text"]
    assert "locked" in end["text"]
    assert_untouched(sshd)


def test_no_file_of_the_users(hawserd, sshd):
    """Keys go to hawserd's own file, which is always read."""
    start(hawserd, sshd, UserKnownHostsFile="none",
          GlobalKnownHostsFile="/dev/null")
    hawserd.wait_state("one", "parked")
    own = hawserd.path("state/known_hosts")
    done = hawserd.cli("hostkey", "accept", "one", fingerprint(sshd))
    assert done.stdout == f"recorded in {own}\n"
    hawserd.wait_up("one")
    assert lines(own)[0].startswith(sshd.known_name + " ssh-ed25519 ")


def test_global_file(hawserd, sshd):
    start(hawserd, sshd, UserKnownHostsFile="none",
          GlobalKnownHostsFile=sshd.known_hosts)
    hawserd.wait_up("one")


def test_a_changed_file_ends_the_wait(hawserd, sshd):
    """However it is written; nobody has to say so."""
    good = sshd.known_hosts + ".good"
    shutil.copy(sshd.known_hosts, good)
    os.unlink(sshd.known_hosts)
    start(hawserd, sshd)
    hawserd.wait_state("one", "parked")
    os.rename(good, sshd.known_hosts)
    hawserd.wait_up("one")


def test_host_key_alias(hawserd, sshd):
    """The alias stands there as it is: without the port, in any case."""
    line = sshd.host_key_lines[0]
    with open(sshd.known_hosts, "w", encoding="ascii") as f:
        f.write(f"the-alias {line}\n")
    start(hawserd, sshd, HostKeyAlias="The-Alias")
    hawserd.wait_up("one")


def test_host_key_alias_is_recorded(hawserd, sshd):
    sshd.write_known_hosts([])
    start(hawserd, sshd, HostKeyAlias="The-Alias",
          StrictHostKeyChecking="accept-new")
    hawserd.wait_up("one")
    assert lines(sshd.known_hosts)[0].startswith("the-alias ssh-ed25519 ")


def test_a_key_file_that_changes_is_tried_at_once(hawserd, sshd, keys):
    """Refusals wait for a minute or more, but not for this."""
    path = hawserd.path("home/key")
    make_key(path, "ed25519")
    start(hawserd, sshd, key=path)
    assert hawserd.wait_ended("one")["last_end"]["class"] == "auth"
    shutil.copy(keys.ed25519, path + ".new")
    os.rename(path + ".new", path)
    hawserd.wait_up("one")


def test_the_api_says_what_it_wants(hawserd, sshd):
    start(hawserd, sshd)
    hawserd.wait_up("one")
    code, body = hawserd.request("GET", "/v1/hosts/one/hostkey")
    assert (code, body) == (200, {"name": "one", "host_key": None})
    code, body = hawserd.request("POST", "/v1/hosts/one/hostkey")
    assert code == 400 and "SHA256" in body["error"]
    assert hawserd.request("POST", "/v1/hosts/none/hostkey")[0] == 404
    usage = hawserd.cli("hostkey", "accept", "one")
    assert usage.returncode == 2
