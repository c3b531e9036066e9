# SPDX-License-Identifier: ISC
"""Where passphrases and passwords come from, and where they don't go."""

import os
import secrets
import subprocess

import pytest

from lib import ports, proc
from lib.hawserd import stanza
from lib.sshd import USER, PamSshd, make_key
from lib.wait import SANITIZED, until

# ssh-keygen's command line holds it: in another run's, this one isn't found.
PASSPHRASE = "an-Ocelot-" + secrets.token_hex(8)


def encrypt(folder, kind, fmt="RFC4716", passphrase=PASSPHRASE):
    """A new key; gives its path and its public line."""
    path = os.path.join(folder, f"id_{kind}_{fmt}_{passphrase[:2]}")
    public = make_key(path, kind, 2048 if kind == "rsa" else None)
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-m", fmt, "-N",
                    passphrase, "-f", path], check=True, capture_output=True)
    return path, public


def put(folder, name, text, mode=0o600):
    """A file, replaced as a whole; gives its path."""
    path = os.path.join(folder, name)
    with open(path + ".new", "w", encoding="ascii") as f:
        f.write(text)
    os.chmod(path + ".new", mode)
    os.rename(path + ".new", path)
    return path


@pytest.fixture
def vault(workdir):
    """A folder that is no secret of anybody's command line."""
    path = os.path.join(workdir, "vault")
    os.mkdir(path, 0o700)
    return path


def give(hawserd, vault, source, secret, host="one"):
    """Makes source know secret; gives options for the host's stanza. The
    source says by which names it was asked in vault/asked."""
    path = put(vault, "secret", secret + "\n")
    if source == "credential":
        hawserd.environment["CREDENTIALS_DIRECTORY"] = vault
        put(vault, f"{host}.passphrase", secret + "\n")
        return {}
    script = put(vault, "script", "#!/bin/sh\n"
                 f"printf '%s|' \"$HAWSER_SECRET\" \"$HAWSER_KEY\" \"$*\" "
                 f"\"$(ulimit -c)\" >{vault}/asked\nexec cat {path}\n", 0o700)
    if source == "command":
        return {"HawserPassphraseCommand": script + " for %r on %n"}
    hawserd.environment["SSH_ASKPASS"] = script
    return {}


def start(hawserd, sshd, **options):
    hawserd.write(stanza("one", sshd, f"LocalForward {ports.free()} a:1",
                         **options))
    hawserd.start()


def read_proc(pid, name):
    try:
        with open(f"/proc/{pid}/{name}", "rb") as f:
            return f.read()
    except OSError:
        return b""


def places_of(hawserd, secret):
    """Where it can be read while the host is up, but in the source's own
    file and the memory of the worker."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        found += [f"{name} of {proc.cmdline(pid)}"
                  for name in ("cmdline", "environ")
                  if secret.encode() in read_proc(pid, name)]
    if secret in hawserd.log.text():
        found.append("the log")
    if secret in str(hawserd.status()):
        found.append("status")
    if not SANITIZED and secret.encode() in memory_of(hawserd.pid):
        found.append("the memory of hawserd")
    return found


def memory_of(pid):
    """All that is written to in a process."""
    parts = []
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, \
            open(f"/proc/{pid}/mem", "rb") as memory:
        for line in maps:
            where, rights, *_ = line.split()
            if rights.startswith("rw") and "[v" not in line:
                begin, end = (int(x, 16) for x in where.split("-"))
                memory.seek(begin)
                parts.append(memory.read(end - begin))
    return b"".join(parts)


@pytest.mark.parametrize("source,kind,fmt", [
    ("command", "ed25519", "RFC4716"), ("credential", "rsa", "PEM"),
    ("askpass", "rsa", "PKCS8")])
def test_encrypted_key(hawserd, sshd, vault, source, kind, fmt):
    key, public = encrypt(vault, kind, fmt)
    sshd.authorize(public)
    start(hawserd, sshd, key=key, **give(hawserd, vault, source, PASSPHRASE))
    hawserd.wait_up("one")
    assert not places_of(hawserd, PASSPHRASE)
    if source != "credential":
        with open(f"{vault}/asked", encoding="ascii") as f:
            asked = f.read().split("|")
        assert asked[:2] == ["passphrase", key]
        assert asked[3] == "0"      # no core of it either
        assert asked[2] == f"Enter passphrase for key '{key}': " \
            if source == "askpass" else asked[2].endswith(" on one")


@pytest.mark.parametrize("source,name", [
    ("command", "HawserPassphraseCommand"),
    ("credential", "credential one.passphrase")])
def test_wrong_passphrase(hawserd, sshd, vault, source, name):
    """The key and the source are named; once is enough; a right one is tried
    at once."""
    key, public = encrypt(vault, "ed25519")
    sshd.authorize(public)
    options = give(hawserd, vault, source, "wrong-Walrus-9")
    start(hawserd, sshd, key=key, **options)
    end = hawserd.wait_ended("one")["last_end"]
    assert end["class"] == "auth"
    assert key in end["text"] and name in end["text"], end["text"]
    assert not places_of(hawserd, "wrong-Walrus-9")
    give(hawserd, vault, source, PASSPHRASE)
    if source == "command":
        assert hawserd.cli("retry", "one").returncode == 0
    hawserd.wait_up("one", timeout=10)


def test_a_person_may_mistype(hawserd, sshd, vault):
    key, public = encrypt(vault, "ed25519")
    sshd.authorize(public)
    give(hawserd, vault, "askpass", PASSPHRASE)
    put(vault, "script", "#!/bin/sh\ncase $1 in *wrong*) cat "
        f"{vault}/secret ;; *) echo typo ;; esac\n", 0o700)
    start(hawserd, sshd, key=key)
    hawserd.wait_up("one")
    assert hawserd.host("one")["last_end"] is None


def test_nothing_gives_it(hawserd, sshd, vault):
    key, public = encrypt(vault, "ed25519")
    sshd.authorize(public)
    give(hawserd, vault, "askpass", PASSPHRASE)
    start(hawserd, sshd, key=key, BatchMode="yes")
    end = hawserd.wait_ended("one")["last_end"]
    assert end["class"] == "auth"
    assert key in end["text"] and "HawserPassphraseCommand" in end["text"]
    # The configuration gives it a source: that is tried at once.
    hawserd.write(stanza("one", sshd, f"LocalForward {ports.free()} a:1",
                         key=key, HawserPassphraseCommand=f"cat {vault}/"
                         "secret"))
    hawserd.hup()
    hawserd.wait_up("one", timeout=10)


def test_a_command_fails(hawserd, sshd, vault):
    key, public = encrypt(vault, "ed25519")
    sshd.authorize(public)
    start(hawserd, sshd, key=key, HawserPassphraseCommand="echo the vault is "
          "closed >&2; exit 4")
    end = hawserd.wait_ended("one")["last_end"]
    assert end["class"] == "auth"
    assert "HawserPassphraseCommand ended with exit code 4: the vault is " \
        "closed" in end["text"]
    hawserd.log.wait("the HawserPassphraseCommand speaks host=one "
                     'text="the vault is closed"')


def test_a_command_hangs(hawserd, sshd, vault):
    """It doesn't outlive what it was wanted for; nobody else waits for it."""
    key, public = encrypt(vault, "ed25519")
    sshd.authorize(public)
    hawserd.write(
        stanza("one", sshd, f"LocalForward {ports.free()} a:1", key=key,
               HawserPassphraseCommand=f"sleep 600 | sleep 600 & echo $! "
               f">{vault}/pid; wait"),
        stanza("two", sshd, f"LocalForward {ports.free()} a:1"))
    sshd.authorize(public, *sshd.keys.public)
    hawserd.start()
    until(lambda: os.path.exists(f"{vault}/pid"), 15, "the command runs")
    hawserd.wait_up("two")
    assert hawserd.host("one")["state"] == "connecting"
    helpers = [p for p in proc.descendants(hawserd.pid)
               if proc.cmdline(p).startswith("sleep")]
    assert len(helpers) == 2
    assert hawserd.cli("down", "one").returncode == 0
    assert not proc.wait_gone(helpers, 5)


@pytest.mark.long
def test_a_person_takes_long(hawserd, sshd, vault):
    """Longer than the phase may last."""
    key, public = encrypt(vault, "ed25519")
    sshd.authorize(public)
    give(hawserd, vault, "askpass", PASSPHRASE)
    put(vault, "script", f"#!/bin/sh\nsleep 45; cat {vault}/secret\n", 0o700)
    start(hawserd, sshd, key=key)
    hawserd.wait_up("one", timeout=60)


@pytest.mark.long
def test_a_command_hangs_for_good(hawserd, sshd, vault):
    key, public = encrypt(vault, "ed25519")
    sshd.authorize(public)
    start(hawserd, sshd, key=key, HawserPassphraseCommand="sleep 600")
    end = hawserd.wait_ended("one", timeout=45)["last_end"]
    assert end["class"] == "auth"
    assert "HawserPassphraseCommand did not end within 30 s" in end["text"]


def test_a_hop_has_its_own(hawserd, make_sshd, vault):
    """Under its own name, with its own passphrase."""
    bastion, nas = make_sshd(), make_sshd()
    outer, public = encrypt(vault, "ed25519", passphrase="ab-first-Fern-1")
    bastion.authorize(public)
    inner, public = encrypt(vault, "ed25519", passphrase="cd-second-Fig-2")
    nas.authorize(public)
    give(hawserd, vault, "credential", "ab-first-Fern-1", host="bastion")
    give(hawserd, vault, "credential", "cd-second-Fig-2", host="nas")
    hawserd.write(
        stanza("bastion", bastion, key=outer),
        stanza("nas", nas, f"LocalForward {ports.free()} a:1", key=inner,
               ProxyJump="bastion"))
    hawserd.start()
    hawserd.wait_up("nas")


# A server with PAM, which wants more --------------------------------------

needs_pam = pytest.mark.skipif(
    os.getuid() != 0 or not PamSshd.FOUND,
    reason="a server with PAM of its own needs root, and PAM")
ALL = "AuthenticationMethods publickey,keyboard-interactive,password"


@needs_pam
@pytest.mark.parametrize("source", ["command", "credential"])
def test_several_factors(hawserd, make_sshd, vault, source):
    sshd = make_sshd(kind=PamSshd, options=[ALL])
    key, public = encrypt(vault, "ed25519")
    sshd.authorize(public)
    put(vault, "one.passphrase", PASSPHRASE)
    put(vault, "one.password", sshd.password + "\n")
    if source == "credential":
        hawserd.environment["CREDENTIALS_DIRECTORY"] = vault
        options = {}
    else:
        options = {"HawserPassphraseCommand":
                   f"cat {vault}/$HAWSER_HOST.$HAWSER_SECRET"}
    start(hawserd, sshd, key=key, **options)
    hawserd.wait_up("one")
    sshd.log.wait("Partial publickey(.|\n)*Partial keyboard-interactive"
                  "(.|\n)*Accepted password")
    assert not places_of(hawserd, PASSPHRASE)
    assert not places_of(hawserd, sshd.password)


@needs_pam
def test_wrong_password(hawserd, make_sshd, vault):
    """Sent once, not as often as a person would be asked: servers lock users
    out. The right one is tried as soon as it is there."""
    sshd = make_sshd(kind=PamSshd, options=["PubkeyAuthentication no"])
    hawserd.environment["CREDENTIALS_DIRECTORY"] = vault
    put(vault, "hawser.password", "wrong-Walrus-9\n")
    start(hawserd, sshd, PreferredAuthentications="password")
    end = hawserd.wait_ended("one")["last_end"]
    assert end["class"] == "auth"
    assert "the password of credential hawser.password is wrong" \
        in end["text"], end["text"]
    assert sshd.log.count("Failed password") == 1
    assert not places_of(hawserd, "wrong-Walrus-9")
    put(vault, "one.password", sshd.password)
    hawserd.wait_up("one", timeout=10)
    sshd.log.wait("Accepted password")


@needs_pam
def test_a_person_knows_the_password(hawserd, make_sshd, vault):
    """In a dialogue: the only method that is left to us."""
    sshd = make_sshd(kind=PamSshd)
    give(hawserd, vault, "askpass", sshd.password)
    start(hawserd, sshd, PubkeyAuthentication="no",
          PasswordAuthentication="no")
    hawserd.wait_up("one")
    sshd.log.wait("Accepted keyboard-interactive/pam")
    with open(f"{vault}/asked", encoding="ascii") as f:
        assert f.read().startswith(f"password||({USER}@127.0.0.1) Password: ")


def test_killed_with_the_daemon(hawserd, sshd, vault):
    key, public = encrypt(vault, "ed25519")
    sshd.authorize(public)
    start(hawserd, sshd, key=key, HawserPassphraseCommand="sleep 600 | "
          f"sleep 600 & echo >{vault}/runs; wait")
    until(lambda: os.path.exists(f"{vault}/runs"), 15, "the command runs")
    assert not proc.wait_gone(hawserd.kill(), 5)
