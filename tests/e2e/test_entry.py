# SPDX-License-Identifier: ISC
"""Faults on the way in: keys revoked, agents and known_hosts that fail, phases
that don't end."""

import os
import shutil
import subprocess
import time
from base64 import b64encode
from datetime import datetime

import pytest

from lib import ports
from lib.agent import Agent, MuteAgent
from lib.hawserd import stanza
from lib.sshd import USER, make_key
from lib.wait import STRETCH, Stopwatch, until


def ended_anew(hawserd, name, class_, timeout=15):
    """The host waits after an end of that class."""
    def reached():
        host = hawserd.wait_ended(name)
        return host if host["last_end"]["class"] == class_ else None
    return until(reached, timeout, lambda: hawserd.host(name))


def seconds_to_next(host):
    at = datetime.fromisoformat(host["next_attempt_at"].replace("Z", "+00:00"))
    return at.timestamp() - time.time()


# Row 15: a key that was good is no longer ------------------------------------

def test_revoked_key(hawserd, sshd, keys):
    """Not ten attempts in ten minutes; at once when there is another key."""
    line = f"LocalForward {ports.free()} a:1"
    hawserd.write(stanza("one", sshd, line, HawserBackoff="100ms 200ms"))
    hawserd.start()
    hawserd.wait_up("one")
    sshd.authorize(keys.public[1])
    sshd.kill_sessions()
    host = ended_anew(hawserd, "one", "auth")
    assert 60 < seconds_to_next(host) + 2 < 125
    assert "offered " + keys.ed25519 in host["last_end"]["text"]
    assert "is it in authorized_keys there?" in host["last_end"]["text"]
    hawserd.write(stanza("one", sshd, line, key=keys.ecdsa))
    hawserd.hup()
    hawserd.wait_up("one")
    assert sshd.log.count("Connection from") == 3


def test_renewed_certificate(hawserd, make_sshd, workdir):
    """The file beside the key is written anew, and tried at once."""
    ca, key = os.path.join(workdir, "ca"), os.path.join(workdir, "key")
    make_key(ca, "ed25519")
    make_key(key, "ed25519")

    def certify(validity):
        subprocess.run(["ssh-keygen", "-q", "-s", ca, "-I", "x", "-n", USER,
                        "-V", validity, f"{key}.pub"], check=True)
    certify("20200101:20200102")
    sshd = make_sshd(options=[f"TrustedUserCAKeys {ca}.pub"])
    hawserd.write(stanza("one", sshd, f"LocalForward {ports.free()} a:1",
                         key=key))
    hawserd.start()
    ended_anew(hawserd, "one", "auth")
    certify("-1d:+1d")
    hawserd.wait_up("one")


# Row 16: agents ---------------------------------------------------------------

def answering(folder, command):
    """The environment in which ssh's programs ask that command."""
    path = os.path.join(folder, command.replace(" ", "-"))
    with open(path, "w", encoding="ascii") as f:
        f.write(f"#!/bin/sh\n{command}\n")
    os.chmod(path, 0o700)
    return {"SSH_ASKPASS": path, "SSH_ASKPASS_REQUIRE": "force"}


@pytest.fixture
def agents(stack, workdir, keys):
    """Agents that are of no use, by what is wrong with them, and a part of
    the sentence that says so."""
    def made(agent):
        stack.callback(agent.stop)
        return agent
    good = made(Agent(workdir, "good"))
    good.add(keys.rsa)
    locked = made(Agent(workdir, "locked"))
    locked.add(keys.rsa)
    locked.add("-x", **answering(workdir, "echo secret"))
    refusing = made(Agent(workdir, "refusing",
                          **answering(workdir, "exit 1")))
    refusing.add("-c", keys.rsa)
    return {
        "gone": ("/nowhere/agent", "no agent at /nowhere/agent"),
        "locked": (locked.path, f"the agent at {locked.path} has no key, or "
                   "is locked"),
        "silent": (made(MuteAgent(workdir, "silent")).path,
                   "it does not answer"),
        "mute": (made(MuteAgent(workdir, "mute", good)).path,
                 "it does not sign; is a touch or a confirmation needed?"),
        "refusing": (refusing.path, "it refused to sign; is it locked"),
    }


def test_agents(hawserd, sshd, keys, agents):
    """Each is named, and costs no more than its deadline: then the key file
    is tried, if there is one."""
    hawserd.write(*(
        stanza(f"{name}{more}", sshd, f"LocalForward {ports.free()} a:1",
               *([f"IdentityFile {keys.ed25519}"] if more else []),
               key=f"{keys.rsa}.pub", IdentityAgent=path)
        for name, (path, _) in agents.items() for more in ("", "-file")))
    watch = Stopwatch()
    hawserd.start()
    for name, (path, why) in agents.items():
        end = ended_anew(hawserd, name, "auth", timeout=20)["last_end"]
        assert path in end["text"] and why in end["text"]
    for name in agents:
        hawserd.wait_up(f"{name}-file", timeout=20)
    # Five seconds to list keys, ten to sign with one.
    assert watch.seconds < 10 + 3 * STRETCH


def test_agent_with_many_keys(hawserd, make_sshd, workdir, stack):
    """More than the server lets anybody try."""
    agent = Agent(workdir)
    stack.callback(agent.stop)
    lines = [make_key(os.path.join(workdir, f"key{n}"), "ed25519")
             for n in range(5)]
    agent.add(*(os.path.join(workdir, f"key{n}") for n in range(5)))
    sshd = make_sshd(options=["MaxAuthTries 3"])
    sshd.authorize(lines[4])
    hawserd.write(
        stanza("all", sshd, f"LocalForward {ports.free()} a:1", key="/none",
               IdentitiesOnly="no", IdentityAgent=agent.path),
        stanza("right", sshd, f"LocalForward {ports.free()} a:1",
               key=f"{workdir}/key4.pub", IdentityAgent=agent.path))
    hawserd.start()
    end = ended_anew(hawserd, "all", "auth")["last_end"]
    assert "Too many authentication failures; name the right key by " \
        "IdentityFile, with IdentitiesOnly yes; it was " in end["text"]
    hawserd.wait_up("right")


# Row 18: known_hosts ----------------------------------------------------------

def loop(path):
    os.unlink(path)
    os.symlink(path, path)


def pipe(path):
    os.unlink(path)
    os.mkfifo(path)


def folder(path):
    os.unlink(path)
    os.mkdir(path)


def grow(path, size, line):
    """In front of what is there already."""
    with open(path, "r+", encoding="ascii") as f:
        old = f.read()
        f.seek(0)
        f.write(line * (size // len(line)))
        f.write(old)


SPOILED = {     # how the good file is made useless, and what is said
    "folder": (folder, "is not a regular file"),
    "pipe": (pipe, "is not a regular file"),
    "loop": (loop, "Too many levels of symbolic links"),
    "strange": (lambda path: os.chown(path, 65534, 65534),
                "belongs to user 65534"),
    "open": (lambda path: os.chmod(path, 0o666), "chmod go-w it"),
    "torn": (lambda path: os.truncate(path, os.path.getsize(path) - 40),
             "is not known"),
    "huge": (lambda path: grow(path, 17 << 20, "# nothing\n"),
             "larger than 16777216 bytes"),
}


@pytest.mark.skipif(os.getuid() != 0, reason="gives a file to another user")
def test_known_hosts_that_fails(hawserd, sshd, workdir):
    """Not one byte of authentication, whatever is wrong with it; and up as
    soon as it is mended."""
    files = {name: os.path.join(workdir, name) for name in SPOILED}
    for name, path in files.items():
        shutil.copy(sshd.known_hosts, path)
        SPOILED[name][0](path)
    hawserd.write(*(
        stanza(name, sshd, f"LocalForward {ports.free()} a:1",
               UserKnownHostsFile=path) for name, path in files.items()))
    hawserd.start()
    for name in files:
        end = hawserd.wait_state(name, "parked")["last_end"]
        assert end["class"] == "hostkey"
        assert SPOILED[name][1] in end["text"]
    assert sshd.log.count("userauth-request") == 0
    os.rmdir(files["folder"])
    for path in files.values():
        shutil.copy(sshd.known_hosts, path + ".new")
        os.rename(path + ".new", path)
    for name in files:
        hawserd.wait_up(name)


def test_long_known_hosts(hawserd, sshd):
    """Ten megabytes, of hashed names, too, cost time but no key."""
    kind, blob = sshd.host_key_lines[0].split()[:2]
    hashed = "".join(
        f"|1|{b64encode(os.urandom(20)).decode()}"
        f"|{b64encode(os.urandom(20)).decode()} {kind} {blob}\n"
        for _ in range(100))
    grow(sshd.known_hosts, 10 << 20, hashed)
    hawserd.write(stanza("one", sshd, f"LocalForward {ports.free()} a:1"))
    hawserd.start()
    hawserd.wait_up("one")
    assert hawserd.host("one")["last_end"] is None
