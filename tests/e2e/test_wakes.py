# SPDX-License-Identifier: ISC
"""A host that was refused, or that doesn't know the server's key, waits long,
but not when somebody has changed what was wrong."""

import os
import shutil
import signal
import subprocess

import pytest

from lib import ports
from lib.agent import Agent
from lib.hawserd import stanza
from lib.sshd import make_key
from lib.wait import until


@pytest.fixture
def ca(sshd, workdir):
    """A key that signs others, and that the server trusts."""
    path = os.path.join(workdir, "ca")
    public = make_key(path, "ed25519")
    sshd.authorize(f"cert-authority {public}", *sshd.keys.public)
    return path


def forward():
    return f"LocalForward {ports.free()} a:1"


def move(source, target):
    shutil.copy(source, target + ".new")
    os.rename(target + ".new", target)


def sign(ca, key):
    subprocess.run(["ssh-keygen", "-q", "-s", ca, "-I", "x", "-n", "root",
                    key + ".pub"], check=True, capture_output=True)


def test_each_change_wakes_whom_it_concerns(hawserd, sshd, keys, ca, workdir,
                                            stack):
    """Key, certificate beside it, certificate by name, public half, agent and
    configuration: one after the other, and nobody else."""
    path = {}
    for name in ("key", "beside", "named", "half", "agent", "conf"):
        path[name] = hawserd.path(f"home/{name}")
        make_key(path[name], "ed25519")
    certificate = hawserd.path("home/elsewhere-cert.pub")
    # The agent has a key that is good; which one is asked of it, KEY.pub says.
    here, later = Agent(workdir), os.path.join(workdir, "later.sock")
    stack.callback(here.stop)
    here.add(keys.ecdsa)
    os.unlink(path["half"])
    hosts = {
        "key": {},
        "beside": {},
        "named": {"CertificateFile": certificate},
        "half": {"IdentityAgent": here.path},
        "agent": {"IdentityAgent": later, "IdentitiesOnly": "no"},
        "conf": {},
    }

    def write():
        hawserd.write(*(stanza(n, sshd, forwards[n], key=path[n], **options)
                        for n, options in hosts.items()))
    forwards = {name: forward() for name in hosts}
    write()
    hawserd.start()
    for name in hosts:
        assert hawserd.wait_ended(name)["last_end"]["class"] == "auth", name

    def sign_elsewhere():
        sign(ca, path["named"])
        os.rename(path["named"] + "-cert.pub", certificate)

    def start_agent():
        """It appears with its key: nobody hears of one that is added."""
        agent = Agent(workdir, "new.sock")
        stack.callback(agent.stop)
        agent.add(keys.ecdsa)
        os.rename(agent.path, later)

    def configure():
        path["conf"] = keys.ed25519
        write()
        hawserd.signal(signal.SIGHUP)
    waiting = set(hosts)
    for name, change in (
            ("key", lambda: move(keys.ed25519, path["key"])),
            ("beside", lambda: sign(ca, path["beside"])),
            ("named", sign_elsewhere),
            ("half", lambda: move(keys.ecdsa + ".pub",
                                  path["half"] + ".pub")),
            ("agent", start_agent),
            ("conf", configure)):
        change()
        hawserd.wait_up(name)
        waiting.remove(name)
        for other in waiting:
            assert hawserd.host(other)["attempt"] == 1, (name, other)


def test_a_replacement_that_was_refused(hawserd, sshd, keys):
    """The old link stays up meanwhile; the new one has the good key at once."""
    path, line = hawserd.path("home/key"), forward()
    make_key(path, "ed25519")
    hawserd.write(stanza("one", sshd, line))
    hawserd.start()
    hawserd.wait_up("one")
    hawserd.write(stanza("one", sshd, line, key=path))
    hawserd.hup()
    hawserd.log.wait("the new link failed, the old one stays host=one "
                     "class=auth")
    assert hawserd.host("one")["state"] == "up"
    move(keys.ed25519, path)
    hawserd.log.wait("the link was replaced host=one")


def wait_attempt(hawserd, name, n):
    """It is over, too."""
    def is_over():
        host = hawserd.host(name)
        return host["attempt"] == n and host["state"] == name
    until(is_over, 5, f"attempt {n} of {name}")


def test_an_operator_wakes_all(hawserd, sshd):
    """SIGUSR1 and retry: also hosts that wait for hours or are parked."""
    os.unlink(sshd.known_hosts)
    hawserd.write(
        stanza("parked", sshd, forward()),
        stanza("waiting", sshd, forward(), Port=9, HawserBackoff="1h 2h"))
    hawserd.start()

    for name in ("parked", "waiting"):
        host = hawserd.wait_ended(name, name)
        # Each says why, and if there will be another attempt, when.
        assert host["last_end"]["text"]
        assert (host["next_attempt_at"] is None) == (name == "parked")
    hawserd.signal(signal.SIGUSR1)
    hawserd.log.wait("every host that waits is tried now")
    for name in ("parked", "waiting"):
        wait_attempt(hawserd, name, 2)
    assert hawserd.cli("retry", "waiting").returncode == 0
    wait_attempt(hawserd, "waiting", 3)
