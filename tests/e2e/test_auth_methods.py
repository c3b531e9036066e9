# SPDX-License-Identifier: ISC
"""Passwords, questions, encrypted keys and several factors: the worker against
servers that want them. The test plays the supervisor, who knows secrets."""

import base64
import contextlib
import os
import re
import shutil
import struct
import subprocess

import pytest

from lib.sshd import USER, PamSshd, make_key
from lib.wait import SANITIZED
from lib.worker import OFF

pytestmark = pytest.mark.skipif(
    os.getuid() != 0 or not PamSshd.FOUND,
    reason="a server with PAM of its own needs root, and PAM")

PASSPHRASE = "a-Staple-of-Horses-7"
BOTH = ["publickey", "keyboard-interactive", "password"]


@pytest.fixture
def start(make_sshd, make_worker):
    """start(options, methods): a server and a worker that goes to it."""
    def make(options, methods, **order):
        sshd = make_sshd(kind=PamSshd, options=options)
        worker = make_worker(sshd, **{
            "auth_methods": methods, "can_ask": True, "password_tries": 3,
            **order}).start()
        return sshd, worker
    return make


def tell(worker, secret, **question):
    """Waits for a question with these fields, and answers it."""
    fact = worker.wait("secret", **question)
    ours, theirs = os.pipe()
    os.write(theirs, secret.encode())
    os.close(theirs)
    with open(ours, "rb") as f:
        worker.send("secret", {"source": "the test"}, [f])
    return fact


def encrypt(folder, kind, fmt="RFC4716"):
    """A new key; gives its path and its public line. KEY.plain is the same
    without a passphrase."""
    path = os.path.join(folder, f"id_{kind}_{fmt}")
    public = make_key(path, kind, 2048 if kind == "rsa" else None)
    shutil.copy(path, path + ".plain")
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-m", fmt, "-N",
                    PASSPHRASE, "-f", path], check=True, capture_output=True)
    return path, public


def test_password(start):
    sshd, worker = start([], ["password"])
    fact = tell(worker, "wrong\n", kind="password", **{"try": 1})
    assert fact["prompt"] == f"{USER}@127.0.0.1's password: "
    assert "key" not in fact
    tell(worker, sshd.password + "\r\n", kind="password", **{"try": 2})
    worker.wait("up")
    sshd.log.wait("Failed password for.*(.|\n)*Accepted password for")
    # Nobody has asked anything of a method that isn't ours.
    assert not sshd.log.find("Accepted (publickey|keyboard)")


def test_questions(start):
    """A server that takes nothing else. Prompts name it as ssh's do."""
    sshd, worker = start(["AuthenticationMethods keyboard-interactive"], BOTH,
                         host_key_alias="alias", host_key_policy=OFF)
    fact = tell(worker, sshd.password, kind="password", **{"try": 1})
    assert fact["prompt"] == f"({USER}@alias) Password: "
    worker.wait("up")
    sshd.log.wait("Accepted keyboard-interactive/pam for")


def test_questions_wrongly_answered(start):
    sshd, worker = start(["AuthenticationMethods keyboard-interactive"], BOTH,
                         password_tries=2)
    tell(worker, "wrong", kind="password", **{"try": 1})
    tell(worker, "worse", kind="password", **{"try": 2})
    end = worker.end()
    assert end["class"] == "auth"
    assert "offered answers to keyboard-interactive (2 times); it allows " \
        "keyboard-interactive" in end["text"]
    sshd.log.wait("(Failed keyboard-interactive/pam for(.|\n)*){2}")


def test_nobody_to_ask(start):
    sshd, worker = start(["PubkeyAuthentication no"], BOTH, can_ask=False)
    end = worker.end()
    assert end["class"] == "auth"
    assert "it allows password,keyboard-interactive; there is no password: " \
        "set HawserPassphraseCommand" in end["text"]
    # Nothing was begun in vain.
    assert not sshd.log.find("method (password|keyboard)")


def test_the_source_fails(start):
    sshd, worker = start(["PubkeyAuthentication no"], BOTH)
    worker.wait("secret", kind="password")
    worker.send("secret", {"error": "the vault is closed"})
    end = worker.end()
    assert end["class"] == "auth"
    assert "no password: the vault is closed" in end["text"]
    assert "Failed" not in sshd.log.text()


def test_order(start, keys):
    """The configuration's, where the server leaves it to us."""
    sshd, worker = start([], ["password", "publickey"])
    tell(worker, "wrong", kind="password")
    tell(worker, "worse", kind="password")
    tell(worker, "worst", kind="password")
    worker.wait("up")
    sshd.log.wait("(Failed password for(.|\n)*){3}Accepted publickey")
    assert not sshd.log.find("method keyboard-interactive")


@pytest.mark.parametrize("second", ["password", "keyboard-interactive"])
def test_key_then_more(start, second):
    sshd, worker = start([f"AuthenticationMethods publickey,{second}"], BOTH)
    tell(worker, sshd.password, kind="password")
    worker.wait("up")
    sshd.log.wait("Partial publickey for (.|\n)*Accepted "
                  f"{second}(/pam)? for")


@pytest.mark.parametrize("first", ["password", "keyboard-interactive"])
def test_more_then_key(start, first):
    sshd, worker = start([f"AuthenticationMethods {first},publickey"], BOTH)
    tell(worker, sshd.password, kind="password")
    worker.wait("up")
    sshd.log.wait(f"Partial {first}(/pam)? for (.|\n)*Accepted publickey "
                  "for")


def test_second_factor_is_missing(start):
    _, worker = start(["AuthenticationMethods publickey,password"], BOTH,
                      can_ask=False)
    end = worker.end()
    assert end["class"] == "auth"
    assert re.search(r"it allows password; \S+ was accepted, but is not "
                     "enough; there is no password: set HawserPass",
                     end["text"]), end["text"]


def test_expired_password(make_sshd, make_worker):
    """PAM wants a new one in the same breath; it doesn't get one."""
    sshd = make_sshd(
        kind=PamSshd, account="pam_debug.so acct=new_authtok_reqd",
        options=["AuthenticationMethods keyboard-interactive"])
    worker = make_worker(sshd, auth_methods=BOTH, can_ask=True).start()
    tell(worker, sshd.password, kind="password")
    end = worker.end()
    assert end["class"] == "auth"
    assert "the server wants a new password" in end["text"]


@pytest.mark.parametrize("method", ["password", "keyboard-interactive"])
def test_no_password_for_a_stranger(make_sshd, make_worker, workdir, method):
    """Who checks no keys still tells no password to a server that shows
    another key than the one that is known. A key logs in to it."""
    sshd = make_sshd(kind=PamSshd,
                     options=[f"AuthenticationMethods publickey,{method}"])
    sshd.write_known_hosts([make_key(os.path.join(workdir, "old"),
                                     "ed25519")])
    worker = make_worker(sshd, auth_methods=BOTH, can_ask=True,
                         host_key_policy=OFF).start()
    end = worker.end()
    assert end["class"] == "auth"
    assert re.search("was accepted, but is not enough; no password: the "
                     f"server's key is not the one in {sshd.known_hosts}:1, "
                     "so it gets none; .*: hawser hostkey", end["text"]), \
        end["text"]
    assert "fact.secret" not in [fact["m"] for fact in worker.facts]
    sshd.log.wait("Partial publickey for")
    assert "Failed" not in sshd.log.text()


@pytest.mark.parametrize("kind,fmt", [
    ("ed25519", "RFC4716"), ("ecdsa", "PKCS8"), ("rsa", "PEM")])
def test_encrypted_key(start, workdir, kind, fmt):
    """Decrypted inside the sandbox, once the server takes it."""
    path, public = encrypt(workdir, kind, fmt)
    sshd, worker = start([], ["publickey"], identity_files=[path])
    sshd.authorize(public)
    tell(worker, "wrong", kind="passphrase", key=path, **{"try": 1})
    sshd.log.wait("Postponed publickey for")
    fact = tell(worker, PASSPHRASE + "\n", kind="passphrase", key=path,
                **{"try": 2})
    assert fact["prompt"] == f"Enter passphrase for key '{path}': "
    worker.wait("up")
    sshd.log.wait("Accepted publickey for")


# What is left in memory ---------------------------------------------------

PAGE = os.sysconf("SC_PAGESIZE")


def read_pages(memory, begin, end):
    """Those that can be read: a mapping may be longer than its file."""
    for at in range(begin, end, PAGE):
        with contextlib.suppress(OSError):
            memory.seek(at)
            yield memory.read(PAGE)


def read_memory(pid):
    """Every byte that a process can read, by regions."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, \
            open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            where, rights, *_ = line.split()
            if not rights.startswith("r") or "[v" in line:
                continue
            begin, end = (int(x, 16) for x in where.split("-"))
            yield where, b"".join(read_pages(memory, begin, end))


def find_in_memory(pid, needles):
    """The names of those needles that are anywhere in the process."""
    found = set()
    for where, content in read_memory(pid):
        found |= {f"{name} in {where}" for name, needle in needles.items()
                  if needle in content}
    return found


def ed25519_seed(path):
    """The private scalar's seed, from an unencrypted OpenSSH key file."""
    with open(path, encoding="ascii") as f:
        raw = base64.b64decode("".join(f.read().split("\n")[1:-2]))
    # The last string of 64 bytes is seed and public key.
    at = raw.rindex(struct.pack(">I", 64))
    return raw[at + 4:at + 36]


def rsa_primes(path):
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-m", "PEM", "-N",
                    "", "-f", path], check=True, capture_output=True)
    text = subprocess.run(["openssl", "rsa", "-in", path, "-noout", "-text"],
                          check=True, capture_output=True, text=True).stdout
    return [bytes.fromhex(re.sub(r"[\s:]", "", block)).lstrip(b"\0")
            for block in re.findall(r"(?:prime\d|privateExponent):\n"
                                    r"((?: +[0-9a-f:]+\n)+)", text)]


@pytest.mark.skipif(SANITIZED, reason="a sanitizer keeps what was freed")
@pytest.mark.parametrize("kind,fmt", [
    ("ed25519", "RFC4716"), ("rsa", "PEM"), ("rsa", "RFC4716")])
def test_nothing_stays(start, workdir, kind, fmt):
    """Passphrase, password and key, once the worker is up."""
    path, public = encrypt(workdir, kind, fmt)
    secrets = [ed25519_seed(path + ".plain")] if kind == "ed25519" \
        else rsa_primes(path + ".plain")
    sshd, worker = start(
        ["AuthenticationMethods publickey,keyboard-interactive,password"],
        BOTH, identity_files=[path])
    sshd.authorize(public)
    tell(worker, PASSPHRASE, kind="passphrase")
    tell(worker, sshd.password, kind="password")
    tell(worker, sshd.password, kind="password")
    worker.wait("up")
    needles = {"passphrase": PASSPHRASE.encode(),
               "password": sshd.password.encode()}
    for i, secret in enumerate(secrets):
        assert len(secret) >= 32
        # Numbers lie the other way round in OpenSSL's memory.
        needles[f"key {i}"] = secret[:24]
        needles[f"key {i}, turned"] = secret[::-1][:24]
    assert not find_in_memory(worker.pid, needles)
    # What is there is found.
    blob = base64.b64decode(sshd.host_key_lines[0].split()[1])
    assert find_in_memory(worker.pid, {"host key": blob})
