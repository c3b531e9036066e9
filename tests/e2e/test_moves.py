# SPDX-License-Identifier: ISC
"""Reloads under clients that never stop: nobody is refused where a listener
is ours, and at the server's for as long as sshd can't help."""

import os
import signal
import statistics
import time

import pytest

from lib import ports
from lib.clients import Knocker, Stream
from lib.hawserd import stanza
from lib.servers import connect, ping
from lib.wait import STRETCH, until

# Moves ------------------------------------------------------------------------

def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def move(hawserd, sshd, target, count):
    """A link that is replaced so many times under clients that never stop.
    Gives what those of the local and those of the remote forward noticed."""
    local, remote = ports.free(), ports.free()

    def write(i):
        hawserd.write(stanza("one", sshd, f"LocalForward {local} {target}",
                             f"RemoteForward {remote} {target}",
                             Compression=("no", "yes")[i % 2]), rested=True)

    def is_moved(before):
        host = hawserd.host("one")
        return host["pid"] != before and host["state"] == "up" and all(
            f["state"] in ("up", "verified") for f in host["forwards"])
    write(0)
    hawserd.start()
    hawserd.wait_up("one")
    hawserd.wait_forward("one", f"R:{remote}")
    streams = [Stream(local), Stream(remote)]
    here, there = Knocker(local), Knocker(remote)
    used = open_files(hawserd.pid)
    for i in range(1, count + 1):
        before = hawserd.worker_pid("one")
        write(i)
        assert hawserd.reload()["replaced"] == 1
        until(lambda p=before: is_moved(p), 20, "the forwards have moved")
    for stream in streams:
        assert stream.finish() > 0
    here.finish(), there.finish()
    until(lambda: open_files(hawserd.pid) <= used, 10,
          "the links that were replaced left nothing open")
    return here, there


def assert_moved(hawserd, sshd, here, there, record_property):
    assert here.served > 0 and there.served > 0
    assert (here.refused, here.broken) == (0, 0)
    # sshd was never asked for a port that it had not let go of.
    assert not sshd.log.count("bind.*Address already in use")
    assert not hawserd.log.count("a forward is (held|denied)")
    gaps = sorted(there.gaps) or [0]
    record_property("remote_refused", there.refused)
    record_property("remote_broken", there.broken)
    record_property("gaps", len(there.gaps))
    record_property("gap_p50_ms", statistics.median(gaps) * 1000)
    record_property("gap_p99_ms", gaps[len(gaps) * 99 // 100] * 1000)
    assert statistics.median(gaps) < 0.1 * STRETCH, gaps


def test_twenty_moves(hawserd, sshd, target, record_property):
    here, there = move(hawserd, sshd, target, 20)
    assert_moved(hawserd, sshd, here, there, record_property)


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.timeout(900)
def test_three_hundred_moves(hawserd, sshd, target, record_property):
    here, there = move(hawserd, sshd, target, 300)
    assert_moved(hawserd, sshd, here, there, record_property)


def test_a_move_that_is_refused(hawserd, sshd, target, keys):
    """The new link's key may not listen: the old one does so again, until
    there is a link that may."""
    remote, (ed25519, ecdsa, _) = ports.free(), keys.public

    def write(**options):
        hawserd.write(stanza("one", sshd, f"RemoteForward {remote} {target}",
                             **options), rested=True)

    def is_free():
        return not [w for w in hawserd.host("one")["workers"]
                    if w["role"] == "draining"]
    sshd.authorize(ed25519, f'permitlisten="localhost:1" {ecdsa}')
    write()
    hawserd.start()
    hawserd.wait_forward("one", f"R:{remote}", "verified")
    before = hawserd.worker_pid("one")
    write(IdentityFile=keys.ecdsa)
    hawserd.reload()
    hawserd.log.wait("a forward did not move.*the new one was refused")
    forward = hawserd.wait_forward("one", f"R:{remote}", "up")
    assert "still listens" in forward["detail"]
    with connect(remote) as s:
        assert ping(s)
    assert hawserd.worker_pid("one") != before and not is_free()
    sshd.authorize(ed25519, ecdsa)
    write(IdentityFile=keys.ecdsa, Compression="yes")
    hawserd.reload()
    forward = hawserd.wait_forward("one", f"R:{remote}", "verified")
    assert not forward["detail"]
    until(is_free, 10, "the old links are gone")
    with connect(remote) as s:
        assert ping(s)


# Storms (row 29) --------------------------------------------------------------

def storm(hawserd, sshd, target, count, rate):
    """count reloads in a second's hundredths while another host changes in
    every way; rate clients a second of one that doesn't. Gives them."""
    local, other = ports.free(), ports.free()
    one = stanza("one", sshd, f"LocalForward {local} {target}")
    ways = ["", stanza("two", sshd, f"LocalForward {other} {target}"),
            stanza("two", sshd, f"DynamicForward {other}"),
            stanza("two", sshd, f"DynamicForward {other}",
                   Compression="yes")]
    hawserd.write(one, ways[1])
    hawserd.start()
    hawserd.wait_up("one")
    hawserd.wait_up("two")
    before = hawserd.host("one")
    stream, knocker = Stream(local), Knocker(local, rate)
    due = time.monotonic()
    for i in range(count):
        if i % 7 == 0:
            hawserd.write(one, ways[i % len(ways)], rested=True)
        hawserd.signal(signal.SIGHUP)
        due += 0.01
        time.sleep(max(0, due - time.monotonic()))
    hawserd.write(one, ways[3], rested=True)
    hawserd.reload()
    stream.finish()
    knocker.finish()
    after = hawserd.host("one")
    for key in ("pid", "since"):
        assert after[key] == before[key]
    hawserd.wait_up("two")
    assert hawserd.forward("two", f"D:{other}")
    config = hawserd.status()["config"]
    assert config["error"] is None
    # One at a time, and those that came meanwhile were one.
    assert 2 < config["generation"] <= count + 2
    return knocker


def test_storm_of_reloads(hawserd, sshd, target):
    knocker = storm(hawserd, sshd, target, 100, 200)
    assert (knocker.refused, knocker.broken) == (0, 0)
    assert knocker.served > 20


@pytest.mark.long
@pytest.mark.alone
def test_a_thousand_reloads(hawserd, sshd, target, record_property):
    knocker = storm(hawserd, sshd, target, 1000, 200)
    record_property("served", knocker.served)
    record_property("generation", hawserd.status()["config"]["generation"])
    assert (knocker.refused, knocker.broken) == (0, 0)
    assert knocker.served > 1500 / STRETCH
