# SPDX-License-Identifier: ISC
"""What hawserd's processes are given, and how it keeps them alive."""

import signal

import pytest

from lib import ports, proc
from lib.hawserd import stanza
from lib.servers import connect, ping
from lib.wait import STRETCH, Stopwatch

# Four rounds of beats, as supervisor/pulse.h says.
SILENCE = 15


def test_frozen_workers_are_replaced(hawserd, sshd, make_sshd, target,
                                     record_property):
    """Rows 50 and 1: a host's and a hop's; nobody is refused meanwhile, and
    others don't notice."""
    bastion = make_sshd()
    mine, others, behind = (ports.free() for _ in range(3))
    hawserd.write(
        stanza("mine", sshd, f"LocalForward {mine} {target}",
               f"RemoteForward {ports.free()} {target}"),
        stanza("others", sshd, f"LocalForward {others} {target}"),
        stanza("bastion", bastion),
        stanza("behind", sshd, f"LocalForward {behind} {target}",
               ProxyJump="bastion"))
    hawserd.start()
    for host in ("mine", "others", "behind"):
        hawserd.wait_up(host)
    untouched = hawserd.worker_pid("others")
    hop = next(w["pid"] for w in hawserd.host("behind")["workers"]
               if w["role"] == "hop")
    frozen = [hawserd.worker_pid("mine"), hop]
    with connect(others) as stream:
        watch = Stopwatch()
        for pid in frozen:
            proc.kill(pid, signal.SIGSTOP)
        waiting = connect(mine)
        hawserd.log.wait("the link ended host=mine class=crash "
                         r"why=.the worker did not answer for \d+ s: killed",
                         timeout=SILENCE + 3)
        record_property("replaced_s", watch.seconds)
        assert watch.seconds < SILENCE + STRETCH
        with waiting:   # nobody had accepted it: it is the next one's
            assert ping(waiting)
        hawserd.log.wait("the link ended host=behind class=crash "
                         "why=.hop bastion: the worker did not answer",
                         timeout=5)
        assert not proc.wait_gone(frozen, 1)
        hawserd.wait_up("behind")
        with connect(behind) as s:
            assert ping(s)
        assert ping(stream)
    assert hawserd.worker_pid("others") == untouched


@pytest.mark.long
def test_stopped_supervisor_blames_nobody(hawserd, sshd, target):
    """Longer than a worker may be silent; then nobody is killed for it."""
    locals_ = [ports.free() for _ in range(5)]
    hawserd.write(*(stanza(f"h{i}", sshd, f"LocalForward {port} {target}")
                    for i, port in enumerate(locals_)))
    hawserd.start()
    pids = [hawserd.wait_up(f"h{i}")["pid"] for i in range(5)]
    hawserd.signal(signal.SIGSTOP)
    for pid in pids:    # as when all of a container is frozen
        proc.kill(pid, signal.SIGSTOP)
    assert proc.wait_gone(pids, SILENCE + 5) == pids
    hawserd.signal(signal.SIGCONT)
    hawserd.log.wait("we were late ourselves")
    for pid in pids:
        proc.kill(pid, signal.SIGCONT)
    assert proc.wait_gone(pids, SILENCE + 5) == pids
    assert [hawserd.worker_pid(f"h{i}") for i in range(5)] == pids
    with connect(locals_[0]) as s:
        assert ping(s)
