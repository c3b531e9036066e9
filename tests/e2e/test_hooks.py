# SPDX-License-Identifier: ISC
"""HawserOnChange: a command of the operator's at every change of state."""

import os

import pytest

from lib import ports, proc
from lib.hawserd import stanza
from lib.servers import connect, ping
from lib.wait import STRETCH, Stopwatch, until

FACTS = ("EVENT", "HOST", "FORWARD", "FROM", "TO", "CLASS", "TEXT", "AT",
         "SUPPRESSED")
#: Writes the facts as one line of the file, in one write.
WRITE = "printf '" + "\\t".join(["%%s"] * len(FACTS)) + "\\n' " + \
    " ".join(f'"$HAWSER_{name}"' for name in FACTS) + " >>"


class Told:
    """What the hooks have written, oldest first."""

    def __init__(self, path):
        self.path = path

    def all(self, **want):
        with open(self.path, "a+", encoding="utf-8") as f:
            f.seek(0)
            lines = f.read().splitlines()
        found = [dict(zip(FACTS, line.split("\t"))) for line in lines]
        return [one for one in found if want.items() <= one.items()]

    def host(self, name="one"):
        return self.all(EVENT="host", HOST=name)

    def wait_last(self, state, name="one", timeout=15):
        return until(lambda: self.host(name) and
                     self.host(name)[-1]["TO"] == state, timeout,
                     lambda: f"{name} is {state}: {self.all()}")


@pytest.fixture
def told(hawserd):
    return Told(hawserd.path("told"))


def changes(told):
    """How many changes the runs stand for; they must be without a gap."""
    told = told.host()
    for before, after in zip(told, told[1:]):
        assert before["TO"] == after["FROM"], told
    return sum(1 + int(one["SUPPRESSED"]) for one in told)


def break_link(hawserd, sshd):
    """Ends the connection; gives the pid of the next worker, which is up."""
    pid = hawserd.worker_pid("one")
    sshd.kill_sessions()
    until(lambda: hawserd.worker_pid("one") not in (None, pid), 10,
          "another worker")
    return hawserd.wait_up("one")["pid"]


def test_every_change_is_told(hawserd, sshd, target, told):
    local, remote = ports.free(), ports.free()
    hawserd.write(stanza("one", sshd, f"LocalForward {local} {target}",
                         f"RemoteForward {remote} {target}",
                         HawserBackoff="100ms 100ms",
                         HawserOnChange=WRITE + told.path))
    hawserd.start()
    hawserd.wait_forward("one", f"R:{remote}", "verified")
    told.wait_last("up")
    # disabled, waiting (for a place), connecting, up.
    assert changes(told) == 3
    assert told.host()[0]["FROM"] == "disabled"
    assert told.host()[-1]["CLASS"] == told.host()[-1]["TEXT"] == ""
    until(lambda: told.all(EVENT="forward", FORWARD=f"R:{remote}",
                           TO="verified"), 5, "the proof is told")
    seen = len(told.host())
    sshd.kill_sessions()
    until(lambda: told.all(EVENT="host", FROM="up"), 15, "the end is told")
    hawserd.wait_up("one")
    told.wait_last("up")
    # waiting, waiting for a place (the same name), connecting, up.
    assert changes(told) == 6
    end = told.host()[seen]
    assert end["CLASS"] in ("lost", "closed") and end["TEXT"]
    assert end["AT"].endswith("Z")
    until(lambda: told.all(EVENT="forward", FORWARD=f"R:{remote}")[-1]["TO"]
          in ("up", "verified"), 10, "the forward's return is told")
    # The end of hawserd itself is no news.
    count = len(told.all())
    hawserd.stop()
    assert len(told.all()) == count


def test_a_slow_hook(hawserd, sshd, target, told):
    """Nothing waits for it, and it sees how things are in the end."""
    local, gate = ports.free(), hawserd.path("gate")
    os.mkfifo(gate)
    hawserd.write(stanza("one", sshd, f"LocalForward {local} {target}",
                         HawserBackoff="50ms 50ms", HawserOnChange=WRITE
                         + f"{told.path}; test $HAWSER_FROM != disabled "
                         f"|| read x <{gate}"))
    hawserd.start()
    hawserd.wait_up("one")
    for _ in range(3):
        break_link(hawserd, sshd)
        with connect(local) as s:
            assert ping(s)
    assert len(told.host()) == 1
    with open(gate, "w", encoding="utf-8") as f:
        f.write("go on\n")
    told.wait_last("up")
    assert len(told.host()) == 2
    assert int(told.host()[-1]["SUPPRESSED"]) >= 7
    # Its children end with hawserd, too; Hawserd.stop() looks.


def test_words_stay_data(hawserd, told):
    """What a shell would act upon, in a forward's name and in what others
    say. A host's name can't hold any of it."""
    words = "$(>pwned)`>pwned`;>pwned;'\""
    with open(hawserd.path("words"), "w", encoding="utf-8") as f:
        f.write(words)
    here = hawserd.path("conf/conf.d/20.yaml")
    listen = hawserd.path("no-such-folder/$(>pwned)`>pwned`;>pwned;x")
    with open(here, "w", encoding="utf-8") as f:
        f.write("hosts:\n  one:\n    hostname: 127.0.0.1\n"
                f"    proxy_command: cat {hawserd.path('words')} >&2\n"
                f"    local_forward: ['{listen}:a:1']\n"
                f"    hawser_backoff: 1h 1h\n"
                f"    hawser_on_change: >-\n      {WRITE}{told.path}\n")
    os.chmod(here, 0o600)
    hawserd.start()
    hawserd.wait_ended("one")
    told.wait_last("waiting")
    assert told.host()[-1]["CLASS"] == "closed-early"
    assert words in told.host()[-1]["TEXT"], told.all()
    until(lambda: told.all(EVENT="forward", FORWARD=f"L:{listen}"), 10,
          "the forward's failure is told")
    assert not [f for _, _, files in os.walk(hawserd.folder) for f in files
                if f.startswith("pwned")]


def test_a_hook_that_fails(hawserd, sshd, target):
    """One line when that begins, one when it works again; a reload brings
    another hook without touching the connection."""
    local = ports.free()

    def write(command):
        hawserd.write(stanza("one", sshd, f"LocalForward {local} {target}",
                             HawserBackoff="50ms 50ms",
                             HawserOnChange=command))
    write("echo sigh >&2; exit 7")
    hawserd.start()
    hawserd.wait_up("one")
    hawserd.log.wait('HawserOnChange failed host=one why="HawserOnChange '
                     'ended with exit code 7: sigh"')
    pid = break_link(hawserd, sshd)
    assert hawserd.log.count("HawserOnChange failed") == 1
    write("exit 0")
    assert hawserd.hup()["error"] is None
    assert hawserd.worker_pid("one") == pid
    sshd.kill_sessions()
    hawserd.log.wait("HawserOnChange works again host=one")
    assert hawserd.log.count("HawserOnChange failed") == 1


def test_its_environment_is_short(hawserd, sshd):
    """No secrets, no descriptors, a process group of its own."""
    out = hawserd.path("environment")
    hawserd.environment["CREDENTIALS_DIRECTORY"] = hawserd.path("secrets")
    hawserd.environment["MY_TOKEN"] = "x"
    hawserd.write(stanza("one", sshd, f"DynamicForward {ports.free()}",
                         HawserOnChange="test $HAWSER_TO != connecting || "
                         "{ env; ls /proc/self/fd | wc -l; ps -o pgid= $$; "
                         f"}} >{out}.part; mv {out}.part {out}"))
    hawserd.start()
    until(lambda: os.path.exists(out), 10, "it has run")
    with open(out, encoding="utf-8") as f:
        text = f.read()
    assert "HAWSER_HOST=one\n" in text
    assert "MY_TOKEN" not in text and "CREDENTIALS" not in text
    *_, fds, group = text.split()
    assert int(fds) == 4    # 0, 1, 2 and the folder
    assert int(group) not in (hawserd.pid, os.getpgid(0))


@pytest.mark.long
def test_a_hook_that_hangs(hawserd, sshd, target, told):
    """It is killed after 30 s, and said so once; the next one runs."""
    hawserd.write(stanza("one", sshd, f"LocalForward {ports.free()} {target}",
                         HawserOnChange=WRITE + f"{told.path}; test "
                         "$HAWSER_FROM != disabled || sleep 1000 | cat"))
    hawserd.start()
    watch = Stopwatch()
    hawserd.wait_up("one")
    before = proc.descendants(hawserd.pid)
    assert [p for p in before if proc.cmdline(p) == "sleep 1000"]
    told.wait_last("up", timeout=40)
    assert 25 < watch.seconds < 40 * STRETCH
    assert hawserd.log.count("did not end within 30 s") == 1
    assert not [p for p in proc.descendants(hawserd.pid)
                if proc.cmdline(p) == "sleep 1000"]


def test_a_hook_has_the_usual_descriptors(hawserd, sshd, target):
    """hawserd's own limit may be too much for a program that uses select."""
    hawserd.write(stanza("one", sshd, f"LocalForward {ports.free()} {target}",
                         HawserOnChange="ulimit -n >>"
                         + hawserd.path("limit")))
    hawserd.start()
    hawserd.wait_up("one")
    until(lambda: os.path.exists(hawserd.path("limit")) and
          os.path.getsize(hawserd.path("limit")), 10, "a hook ran")
    with open(hawserd.path("limit"), encoding="ascii") as f:
        assert int(f.readline()) <= 1024
