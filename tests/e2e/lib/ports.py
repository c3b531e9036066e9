# SPDX-License-Identifier: ISC
"""Free TCP ports, below the range from which outgoing connections take theirs.

A port that was handed out stays reserved (by a locked file) until this
process ends, so that test runs at the same time don't take each other's.
"""

import fcntl
import os
import random
import socket
import tempfile

FIRST, LAST = 12000, 32000
_folder = os.path.join(tempfile.gettempdir(),
                       f"hawser-test-ports-{os.getuid()}")
_held = {}


def _reserve(port):
    os.makedirs(_folder, mode=0o700, exist_ok=True)
    fd = os.open(os.path.join(_folder, str(port)),
                 os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        return False
    _held[port] = fd
    return True


def _unused(port):
    for family, address in ((socket.AF_INET, "0.0.0.0"),
                            (socket.AF_INET6, "::")):
        with socket.socket(family, socket.SOCK_STREAM) as s:
            if family == socket.AF_INET6:
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                s.bind((address, port))
            except OSError:
                return False
    return True


def free():
    """A port on which nothing listens, on neither family."""
    for _ in range(10000):
        port = random.randrange(FIRST, LAST)
        if port in _held or not _reserve(port):
            continue
        if _unused(port):
            return port
    raise RuntimeError("no free port")
