# SPDX-License-Identifier: ISC
"""Many hosts on one server (row 44): tests/bench/scale.py has the figures."""

import time

import pytest

from lib import netns, proc
from lib.clients import Stream
from lib.hawserd import stanza
from lib.servers import connect, echo, ping
from lib.wait import STRETCH, Stopwatch, until

HOME, VPS = "10.77.8.1", "10.77.8.2"


def all_down_and_up(make_ns, make_sshd, make_hawserd, serve, count, seconds,
                    record_property):
    """Everybody is lost at once, and back without a herd: sshd, as it comes,
    sheds nobody, and another server's host notices nothing."""
    home, vps, other = make_ns("home"), make_ns("vps"), make_ns("other")
    netns.cable(home, HOME, vps, VPS)
    netns.cable(home, "10.77.7.1", other, "10.77.7.2")
    sshd = make_sshd(address=VPS, port=22, ns=vps,
                     options=["MaxStartups 10:30:100"])
    calm = make_sshd(address="10.77.7.2", port=22, ns=other)
    targets = []
    for ns in (vps, other):
        with ns:
            targets.append(f"127.0.0.1:{serve(echo).port}")
    at = [f"127.1.{i // 250}.{i % 250 + 1}" for i in range(count)]
    hawserd = make_hawserd(ns=home)
    hawserd.write(
        stanza("calm", calm, f"LocalForward 4000 {targets[1]}"),
        *(stanza(f"h{i}", sshd, f"LocalForward {at[i]}:4000 {targets[0]}",
                 ServerAliveInterval=1, ServerAliveCountMax=2,
                 ConnectTimeout=2, HawserHold="1h")
          for i in range(count)))
    hawserd.start()

    def states():
        return [h["state"] for h in hawserd.status()["hosts"][1:]]

    def seconds_until(condition, what):
        watch = Stopwatch()
        until(lambda: all(map(condition, states())), 60 + count / 5, what,
              interval=0.1)
        return watch.seconds
    seconds_until(lambda s: s == "up", "all are up")
    with home:
        stream = Stream(4000)
        home.black_hole(VPS)
        noticed = seconds_until(lambda s: s != "up", "all have noticed")
        used, watch = proc.cpu_seconds(hawserd.pid), Stopwatch()
        while watch.seconds < seconds:
            assert states().count("connecting") <= 8
            time.sleep(0.5)
        used = (proc.cpu_seconds(hawserd.pid) - used) / watch.seconds
        home.heal()
        back = seconds_until(lambda s: s == "up", "all are back")
        assert stream.finish() > 0
        for address in (at[0], at[-1]):
            with connect(4000, host=address) as s:
                assert ping(s)
    record_property("noticed_s", noticed)
    record_property("cpu_percent", used * 100)
    record_property("back_s", back)
    assert not sshd.log.count("drop connection|throttling")
    # An attempt and a wait that had begun, then 8 at a time.
    assert back < 10 + count / 20 * STRETCH
    assert used < 0.05 * STRETCH


@pytest.mark.netns
def test_all_down_and_up(make_ns, make_sshd, make_hawserd, serve,
                         record_property):
    all_down_and_up(make_ns, make_sshd, make_hawserd, serve, 20, 1,
                    record_property)


@pytest.mark.netns
@pytest.mark.long
@pytest.mark.alone
@pytest.mark.timeout(900)
def test_five_hundred_down_and_up(make_ns, make_sshd, make_hawserd, serve,
                                  record_property):
    all_down_and_up(make_ns, make_sshd, make_hawserd, serve, 500, 30,
                    record_property)
