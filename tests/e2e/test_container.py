# SPDX-License-Identifier: ISC
"""hawserd as the first process of a container: a namespace of processes."""

import os
import signal

import pytest

from lib import ports, proc
from lib.hawserd import stanza
from lib.servers import connect, ping
from lib.wait import until

pytestmark = pytest.mark.netns
CONTAINER = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")


@pytest.fixture
def contained(hawserd):
    """Its first process is signalled, not the one that made the container,
    which ends as that does."""
    hawserd.under = CONTAINER
    hawserd.signal = lambda sig: os.kill(first(hawserd), sig)
    return hawserd


def first(hawserd):
    return proc.children(hawserd.pid)[0]


def processes(hawserd):
    return [first(hawserd), *proc.descendants(first(hawserd))]


def test_first_process_reaps_and_passes_on(contained, sshd, target, workdir):
    local, other = ports.free(), ports.free()
    orphan = os.path.join(workdir, "orphan")
    # sh leaves the command's group, so that it outlives it, and then ends.
    command = f"setsid sh -c 'echo $$ >{orphan}; sleep 1' & exec nc %h %p"
    contained.write(stanza("vps", sshd, f"LocalForward {local} {target}",
                           ProxyCommand=command))
    contained.start()
    contained.wait_up("vps")
    with connect(local) as s:
        ping(s)
    until(lambda: os.path.exists(orphan), 10, "the orphan runs")
    contained.request("POST", "/v1/hosts/vps/down")
    until(lambda: not [p for p in processes(contained)
                       if proc.name(p) in ("sh", "sleep", "nc")], 10,
          lambda: "none is left: "
          + str([proc.cmdline(p) for p in processes(contained)]))

    contained.write(stanza("vps", sshd, f"LocalForward {other} {target}"))
    contained.hup()
    contained.request("POST", "/v1/hosts/vps/up")
    contained.wait_up("vps")
    contained.stop()


def test_an_interrupt_of_the_terminal_is_one_order(contained, sshd, target):
    """Its group, which a terminal signals, has both processes in it: told
    twice to stop, hawserd would kill its workers."""
    local = ports.free()
    contained.write(stanza("vps", sshd, f"LocalForward {local} {target}"))
    contained.start()
    contained.wait_up("vps")
    with connect(local) as s:
        assert ping(s)
        os.killpg(os.getpgid(first(contained)), signal.SIGINT)
        contained.log.wait("stopping signal=INT")
        assert ping(s)
    assert contained.wait_exit() == 0
    assert not contained.log.count("told again to stop")


@pytest.mark.parametrize("sig, code", [(signal.SIGINT, 0),
                                       (signal.SIGKILL, 128 + 9)])
def test_first_process_ends_as_hawserd_does(contained, sig, code):
    contained.start()
    second, = proc.children(first(contained))
    os.kill(second if code else first(contained), sig)
    assert contained.wait_exit() == code
