# SPDX-License-Identifier: ISC
"""Who we are: keys from files and agents."""

import os

import pytest

from lib import ports
from lib.agent import Agent
from lib.hawserd import stanza


def start(hawserd, sshd, **options):
    hawserd.write(stanza("one", sshd, f"LocalForward {ports.free()} a:1",
                         **options))
    hawserd.start()


@pytest.fixture
def agent(stack, workdir):
    made = Agent(workdir)
    stack.callback(made.stop)
    return made


def test_agent_of_the_environment(hawserd, sshd, keys, agent):
    agent.add(keys.ecdsa)
    hawserd.environment["SSH_AUTH_SOCK"] = agent.path
    start(hawserd, sshd, key="/nonexistent", IdentitiesOnly="no")
    hawserd.wait_up("one")
    sshd.log.wait("Accepted publickey .* ECDSA")


def test_agent_of_the_configuration(hawserd, sshd, keys, agent):
    """IdentitiesOnly chooses among its keys; other hosts ask none."""
    agent.add(keys.ed25519, keys.rsa)
    hawserd.environment["SSH_AUTH_SOCK"] = agent.path
    public = os.path.join(hawserd.folder, "chosen.pub")
    with open(keys.rsa + ".pub", encoding="ascii") as f, \
            open(public, "w", encoding="ascii") as g:
        g.write(f.read())
    hawserd.write(
        stanza("one", sshd, f"LocalForward {ports.free()} a:1", key=public,
               IdentityAgent=agent.path),
        stanza("two", sshd, f"LocalForward {ports.free()} a:1",
               key="/nonexistent", IdentitiesOnly="no",
               IdentityAgent="none"))
    hawserd.start()
    hawserd.wait_up("one")
    sshd.log.wait("Accepted publickey .* RSA")
    end = hawserd.wait_ended("two")["last_end"]
    assert end["class"] == "auth"
    assert "key file /nonexistent does not exist" in end["text"]
