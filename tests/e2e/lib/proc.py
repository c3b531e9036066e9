# SPDX-License-Identifier: ISC
"""Processes as /proc shows them."""

import ctypes
import os
import signal
import time

from lib.wait import readable

PR_SET_CHILD_SUBREAPER = 36


def become_subreaper():
    """Orphans of the programs under test become our children, not init's:
    whatever a test leaves behind can be found."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def _stat(pid):
    """The fields of /proc/PID/stat from the state on, or None."""
    try:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as f:
            text = f.read()
    except OSError:
        return None
    return text[text.rindex(")") + 2:].split()


def state(pid):
    """One letter (Z is a zombie), or None if there is no such process."""
    fields = _stat(pid)
    return fields[0] if fields else None


def alive(pid):
    return state(pid) not in (None, "Z", "X")


def cmdline(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            return f.read().replace(b"\0", b" ").decode("latin-1").strip()
    except OSError:
        return ""


def name(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="latin-1") as f:
            return f.read().strip()
    except OSError:
        return ""


def descendants(pid):
    """All processes below pid, zombies included, parents first."""
    below = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            fields = _stat(entry)
            if fields:
                below.setdefault(int(fields[1]), []).append(int(entry))
    found, todo = [], [pid]
    while todo:
        more = below.get(todo.pop(0), [])
        found += more
        todo += more
    return found


def children(pid):
    return [p for p in descendants(pid)
            if (_stat(p) or [None, "0"])[1] == str(pid)]


def cpu_seconds(pid):
    """User and system time used so far, by the process's clock: /proc only
    counts ticks, and an idle daemon is seldom seen at one. The number of the
    clock is the kernel's ABI, see clock_getcpuclockid(3)."""
    return time.clock_gettime(~pid << 3 | 2)


def rss(pid):
    """Resident memory in bytes."""
    return int(_stat(pid)[21]) * os.sysconf("SC_PAGE_SIZE")


def oom_score_adj(pid):
    with open(f"/proc/{pid}/oom_score_adj", encoding="ascii") as f:
        return int(f.read())


def peak_rss(pid):
    """The most resident memory it ever had, in bytes."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        for line in f:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    raise ValueError("no VmHWM line")


def pss(pid):
    """Proportional set size in bytes."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        for line in f:
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    raise ValueError("no Pss line")


def reap(pid):
    """Collects an orphan that became our child and has ended."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass


def wait_gone(pids, timeout):
    """Waits until all have ended; gives those that have not."""
    deadline = time.monotonic() + timeout
    left = []
    for pid in pids:
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            rest = max(0, deadline - time.monotonic())
            if not readable(fd, rest):
                left.append(pid)
        finally:
            os.close(fd)
        reap(pid)
    return left


def kill(pid, sig=signal.SIGKILL):
    try:
        os.kill(pid, sig)
    except ProcessLookupError:
        pass
