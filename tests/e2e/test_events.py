# SPDX-License-Identifier: ISC
"""What hawserd tells while it happens: the stream of events, `hawser events`,
and `hawser wait`, which is driven by it."""

import os
import signal
import socket
import subprocess
import time

from lib import ports, proc
from lib.hawserd import program, stanza
from lib.servers import connect, ping
from lib.wait import Stopwatch, until


def test_a_life_in_events(hawserd, sshd, target, follow):
    """From disabled to up, through a lost link, to the removal."""
    local, remote = ports.free(), ports.free()
    two = stanza("two", sshd, f"LocalForward {ports.free()} {target}",
                 HawserEnabled="no")
    hawserd.write(stanza("one", sshd, f"LocalForward {local} {target}",
                         f"RemoteForward {remote} {target}",
                         HawserEnabled="no"), two)
    hawserd.start()
    seen, of_two = follow(), follow("two")
    assert hawserd.cli("up", "one").returncode == 0
    seen.wait_event(event="host", host="one", to="connecting", attempt=1)
    seen.wait_event(event="host", host="one", to="up")
    seen.wait_event(event="forward", host="one", forward=f"L:{local}",
                    to="up", text=None)
    seen.wait_event(event="forward", host="one", forward=f"R:{remote}",
                    to="verified")
    pid = hawserd.worker_pid("one")
    seen.lines.clear()
    proc.kill(pid)
    end = seen.wait_event(event="end", host="one")
    assert end["class"] == "crash" and "KILL" in end["text"].upper()
    assert end["uptime_s"] >= 0
    down = seen.wait_event(event="forward", forward=f"R:{remote}",
                           to="down")
    assert down["from"] == "verified"
    seen.wait_event(event="host", host="one", to="up")
    hawserd.write(two)
    hawserd.hup()
    gone = seen.wait_event(event="host", host="one", to=None)
    assert gone["from"] == "disabled"
    reload = seen.wait_event(event="reload", to="applied")
    assert reload["at"] >= gone["at"]
    with open(os.path.join(hawserd.conf, "conf.d", "bad.conf"), "w",
              encoding="ascii") as f:
        f.write("Host x\n\tFrobnicate yes\n")
    hawserd.hup()
    assert "bad.conf:2" in seen.wait_event(event="reload",
                                           to="refused")["text"]
    assert [e["event"] for e in of_two.events] == ["hello"]
    hawserd.stop()
    assert seen.wait_exit() == 1
    assert seen.complaints == ["hawser: no more events: hawserd has ended"]


def test_lines_for_people(hawserd, sshd, target, start):
    hawserd.write(stanza("one", sshd, f"LocalForward {ports.free()} {target}",
                         HawserEnabled="no"))
    hawserd.start()
    seen = start("events", "one")
    # It says nothing before there is something to say.
    until(lambda: hawserd.cli("up", "one") and hawserd.cli("down", "one")
          and seen.lines, 20, "it listens")
    hawserd.cli("up", "one")
    until(lambda: any(line.endswith("  one  up") for line in seen.lines), 20,
          lambda: seen.lines)
    seen.process.send_signal(signal.SIGINT)
    assert seen.wait_exit() == 0
    assert seen.complaints == []


def test_a_reader_that_leaves(hawserd, sshd, target, start):
    """Its pipe is closed while nothing happens: it ends all the same."""
    hawserd.write(stanza("one", sshd, f"LocalForward {ports.free()} {target}",
                         HawserEnabled="no"))
    hawserd.start()
    gone = subprocess.Popen([program("hawser"), "events", "--json"],
                            env=hawserd.environment, stdout=subprocess.PIPE)
    assert b"hello" in gone.stdout.readline()
    gone.stdout.close()
    assert gone.wait(10) == 0
    with open("/dev/full", "wb") as full:
        said = subprocess.run([program("hawser"), "events", "--json"],
                              env=hawserd.environment, stdout=full,
                              stderr=subprocess.PIPE, timeout=10)
    assert said.returncode == 1
    assert said.stderr.startswith(b"hawser: standard output: No space left")
    assert hawserd.cli("events", "none").returncode == 1
    hawserd.stop()
    assert hawserd.cli("events").returncode == 3


def test_readers_that_leave_unread(hawserd, sshd, target):
    """Whoever hangs up before all is read has left, too."""
    hawserd.write(stanza("one", sshd, f"LocalForward {ports.free()} {target}",
                         HawserEnabled="no"))
    hawserd.start()
    for _ in range(40):
        with socket.socket(socket.AF_UNIX) as reader:
            reader.connect(hawserd.socket)
            reader.sendall(b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
            assert reader.recv(12) == b"HTTP/1.1 200"


def test_wait_for_what_comes(hawserd, sshd, target, start):
    """Without a limit; for all, for a host, for a forward; up, verified."""
    local, remote = ports.free(), ports.free()
    sshd.stop()
    hawserd.write(stanza("one", sshd, f"LocalForward {local} {target}",
                         f"RemoteForward 127.0.0.1:{remote} {target}",
                         HawserBackoff="100ms 300ms"),
                  stanza("off", sshd, f"LocalForward {ports.free()} a:1",
                         HawserEnabled="no"))
    hawserd.start()
    waits = [start("wait"), start("wait", "one"),
             start("wait", "--for", "verified", "--timeout", "60", "one"),
             start("wait", f"one:R:127.0.0.1:{remote}", f"one:L:{local}")]
    for command in waits:
        command.wait_complaint("waiting for one")
        assert command.process.poll() is None
    sshd.start()
    for command in waits:
        assert command.wait_exit() == 0
        assert command.lines == []
    assert hawserd.host("one")["state"] == "up"
    assert hawserd.forward("one", f"R:127.0.0.1:{remote}")["state"] \
        == "verified"
    with connect(local) as s:
        assert ping(s)
    assert hawserd.cli("wait", "--for", "verified", "--timeout", "0",
                       "one").returncode == 0


def test_wait_in_vain(hawserd, sshd, target, start):
    local, held = ports.free(), ports.free()
    hawserd.write(stanza("one", sshd, f"LocalForward {local} {target}"),
                  stanza("bad", sshd, f"LocalForward {ports.free()} {target}",
                         f"LocalForward 192.0.2.1:{held} {target}"),
                  stanza("off", sshd, f"LocalForward {ports.free()} a:1",
                         HawserEnabled="no"))
    hawserd.start()
    hawserd.wait_up("one")
    hawserd.wait_state("bad", "degraded")
    watch = Stopwatch()
    done = hawserd.cli("wait", "--timeout", "1")
    assert done.returncode == 1 and watch.seconds < 10
    first, last = done.stderr.splitlines()
    assert first.startswith(f"hawser: waiting for bad: L:192.0.2.1:{held} "
                            "is bind-failed: ")
    assert last.startswith("hawser: still not there: bad: ")
    for what, why in (("none", "no host none"),
                      ("off", "off: disabled: hawser up off runs it"),
                      ("one:L:1", "it has no forward L:1")):
        done = hawserd.cli("wait", what)
        assert done.returncode == 1 and why in done.stderr
    assert hawserd.cli("wait", "--for", "rain").returncode == 2
    assert hawserd.cli("wait", "--timeout", "x").returncode == 2
    # It becomes impossible meanwhile.
    command = start("wait", "one", "bad")
    command.wait_complaint("waiting for bad")
    hawserd.cli("down", "one")
    assert command.wait_exit() == 1
    assert "one: disabled" in command.complaints[-1]


def test_wait_for_hawserd(hawserd, sshd, target, start):
    """As a service does that starts before it, and across a restart."""
    assert hawserd.cli("wait").returncode == 3
    done = hawserd.cli("wait", "--timeout", "0")
    assert done.returncode == 3 and "isn't running" in done.stderr
    early = start("wait", "--timeout", "60", "one")
    hawserd.write(stanza("one", sshd,
                         f"LocalForward {ports.free()} {target}"))
    hawserd.start()
    assert early.wait_exit() == 0
    hawserd.cli("down", "one")
    across = start("wait", "--timeout", "60", "--for", "verified")
    assert across.wait_exit() == 0      # nothing shall run
    sshd.stop()
    hawserd.cli("up", "one")
    across = start("wait", "--timeout", "60")
    across.wait_complaint("waiting for one")
    hawserd.stop()
    sshd.start()
    hawserd.start()
    assert across.wait_exit() == 0


def test_wait_while_it_ends(hawserd, sshd, target, start):
    """A hawserd that ends hangs up on who waits in its backlog: that is no
    refusal yet. Who always hangs up is told of in time."""
    os.makedirs(os.path.dirname(hawserd.socket), exist_ok=True)
    with socket.socket(socket.AF_UNIX) as old:
        old.bind(hawserd.socket)
        old.listen()
        refused = start("wait", "--timeout", "60", "one")
        for _ in range(6):
            old.accept()[0].close()
        assert refused.wait_exit() == 4
        early = start("wait", "--timeout", "60", "one")
        old.accept()[0].close()
    os.unlink(hawserd.socket)
    hawserd.write(stanza("one", sshd,
                         f"LocalForward {ports.free()} {target}"))
    hawserd.start()
    assert early.wait_exit() == 0, early.complaints


def test_wait_races(hawserd, sshd, target):
    """Up and down beneath it, at any moment: it sees every up that stays."""
    hawserd.write(stanza("one", sshd, f"LocalForward {ports.free()} {target}",
                         HawserBackoff="10ms 50ms", HawserStable="0"))
    hawserd.start()
    hawserd.wait_up("one")
    for i in range(15):
        proc.kill(hawserd.worker_pid("one"))
        time.sleep(i % 5 * 0.01)    # any moment will do
        done = hawserd.cli("wait", "--timeout", "30", "one")
        assert done.returncode == 0, done.stderr
        hawserd.wait_up("one")
