# SPDX-License-Identifier: ISC
"""Waiting for something to become true, bounded by a deadline."""

import os
import select
import time

# A sanitized build is several times slower: every deadline is stretched.
SANITIZED = bool(os.environ.get("HAWSER_SANITIZED"))
STRETCH = 3 if SANITIZED else 1


class Timeout(AssertionError):
    pass


def until(condition, timeout, what, interval=0.01):
    """The first true value of condition(); Timeout after timeout seconds.

    what says what was waited for: a string, or a function that gives one
    (called only after the deadline, so it may look at the last state).
    """
    deadline = time.monotonic() + timeout * STRETCH
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            text = what() if callable(what) else what
            raise Timeout(f"not within {timeout * STRETCH} s: {text}")
        time.sleep(interval)


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self):
        self.start = time.monotonic()

    @property
    def seconds(self):
        return time.monotonic() - self.start


def readable(fd, seconds):
    """Is there something to read, or an end, within so many seconds? By poll:
    select has no use for a process with many descriptors."""
    poller = select.poll()
    poller.register(fd, select.POLLIN)
    return bool(poller.poll(seconds * 1000))
