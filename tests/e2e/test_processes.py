# SPDX-License-Identifier: ISC
"""What hawserd's processes are given, and how it keeps them alive."""

import contextlib
import fcntl
import os
import signal
import subprocess

import pytest

from lib import ports, proc
from lib.hawserd import stanza
from lib.servers import connect, ping
from lib.wait import STRETCH, Stopwatch, until

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


def links(pid):
    """Where the descriptors of a process lead, by number."""
    found = {}
    for number in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            found[int(number)] = os.readlink(f"/proc/{pid}/fd/{number}")
    return found


@pytest.mark.skipif(os.getuid() != 0, reason="a worker is not dumpable")
def test_what_a_worker_is_given(hawserd, sshd, target):
    """Nothing of its supervisor's but its socket and what it is lent."""
    local = ports.free()
    hawserd.environment["SECRET"] = "hunter2"
    hawserd.write(stanza("one", sshd, f"LocalForward 127.0.0.1:{local} "
                         f"{target}"))
    hawserd.start()
    pid = hawserd.wait_up("one")["pid"]
    hawserd.wait_forward("one", f"L:127.0.0.1:{local}")
    found = links(pid)
    assert found[0] == found[1] == "/dev/null"
    assert found[2] == hawserd.log.path
    files = [v for n, v in found.items() if n > 2]
    # Beside the loop's own: orders, the connection, the listener.
    assert sum(f.startswith("socket:") for f in files) == 3, found
    assert all(f.startswith(("socket:", "pipe:", "anon_inode:"))
               for f in files), found
    shared = {f for f in files if not f.startswith("anon_inode:")} \
        & set(links(hawserd.pid).values())
    assert len(shared) == 1, "the listener and no other"
    with open(f"/proc/{pid}/environ", "rb") as f:
        names = {v.split(b"=")[0].decode() for v in f.read().split(b"\0")[:-1]}
    assert "HOME" in names
    assert names <= {
        "PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR",
        "SSH_AUTH_SOCK", "JOURNAL_STREAM", "XDG_RUNTIME_DIR",
        "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"}
    assert os.getpgid(pid) == pid
    ours = proc.oom_score_adj(os.getpid())
    assert proc.oom_score_adj(pid) == min(1000, max(0, ours) + 200)
    assert proc.oom_score_adj(hawserd.pid) in (ours, min(ours, -500))


def test_nobody_reads_the_log(hawserd, sshd, target):
    """Row 48: nothing waits for the reader of a full pipe, which has other
    writers, too; it is told what it has missed."""
    local = ports.free()
    hawserd.write(stanza("one", sshd, f"LocalForward {local} {target}",
                         HawserStable=0))
    reader, writer = os.pipe()
    hawserd.under = ("sh", "-c", f'exec "$@" 2>/proc/{os.getpid()}/fd/{writer}',
                     "sh")
    hawserd.start()
    pid = hawserd.wait_up("one")["pid"]
    fcntl.fcntl(writer, fcntl.F_SETFL, os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while os.write(writer, b"\n" * 4096):
            pass
    for _ in range(3):
        proc.kill(pid)
        hawserd.wait_ended("one", "up", "waiting", "connecting")
        hawserd.request("POST", "/v1/hosts/one/retry")
        until(lambda: hawserd.worker_pid("one") not in (None, pid), 5, "a new")
        pid = hawserd.wait_up("one")["pid"]
    with connect(local) as s:
        assert ping(s)
    fcntl.fcntl(reader, fcntl.F_SETFL, os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while os.read(reader, 65536):
            pass
    hawserd.request("POST", "/v1/hosts/one/down")
    fcntl.fcntl(reader, fcntl.F_SETFL, 0)
    text = b""
    while b"an operator wants" not in text:
        text += os.read(reader, 65536)
    assert b"hawserd: the log was full: " in text
    hawserd.stop()
    os.close(reader)
    os.close(writer)


@pytest.fixture
def small_disk(hawserd, stack):
    """The state folder is a file system of 64 KiB."""
    folder = hawserd.path("state")
    if os.getuid() != 0 or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "hawser-test",
             folder], check=False).returncode:
        pytest.skip("needs to mount a file system")
    stack.callback(subprocess.run, ["umount", "-l", folder], check=True)
    return folder


def fill(folder):
    path = os.path.join(folder, "filler")
    with contextlib.suppress(OSError), open(path, "wb", buffering=0) as f:
        while f.write(b"x" * 512):
            pass
    return path


def test_full_disk(hawserd, small_disk, sshd, make_sshd, target):
    """Row 26: traffic goes on, no file is cut off, and what could not be
    written is told."""
    other, local = make_sshd(), ports.free()
    known = os.path.join(small_disk, "known_hosts")
    with open(sshd.known_hosts, encoding="ascii") as f:
        before = f.read()
    with open(known, "w", encoding="ascii") as f:
        f.write(before)
    options = {"UserKnownHostsFile": known,
               "StrictHostKeyChecking": "accept-new",
               "HawserBackoff": "1s 1s"}
    hawserd.write(
        stanza("one", sshd, f"LocalForward {local} {target}", **options))
    log = os.path.join(small_disk, "log")
    hawserd.under = ("sh", "-c", f'exec "$@" 2>>{log}', "sh")
    filler = fill(small_disk)
    hawserd.start()
    hawserd.wait_up("one")
    hawserd.write(
        stanza("new", other, f"LocalForward {ports.free()} {target}",
               **options), name="20-new.conf")
    hawserd.hup()
    end = hawserd.wait_ended("new", "waiting", "parked")["last_end"]
    assert "No space left on device" in end["text"], end
    with open(known, encoding="ascii") as f:
        assert f.read() == before
    with connect(local) as s:
        assert ping(s)
    os.unlink(filler)
    hawserd.request("POST", "/v1/hosts/new/retry")
    hawserd.wait_up("new")
    with open(known, encoding="ascii") as f:
        assert f.read().startswith(before)
    with open(log, encoding="ascii") as f:
        assert "the log was full: " in f.read()


def test_nothing_is_open_at_the_start(hawserd, sshd, target):
    """Row 48: no descriptor of ours becomes a standard one."""
    local = ports.free()
    hawserd.write(stanza("one", sshd, f"LocalForward {local} {target}"))
    hawserd.under = ("sh", "-c", 'exec "$@" 0<&- 1>&- 2>&-', "sh")
    hawserd.start()
    hawserd.wait_up("one")
    with connect(local) as s:
        assert ping(s)
    found = links(hawserd.pid)
    assert found[0] == found[1] == found[2] == "/dev/null"


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
