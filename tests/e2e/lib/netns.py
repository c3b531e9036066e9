# SPDX-License-Identifier: ISC
"""Network namespaces, the cables between them and what breaks the cables.

A namespace is entered by this thread (`with ns:`): sockets made and processes
started meanwhile belong to it for ever.
"""

import ctypes
import itertools
import os
import subprocess

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_serial = itertools.count()


def in_place_of(**files):
    """The command line under which a program finds other files in /etc, in a
    private mount namespace: in_place_of(hosts="/path"). Takes root."""
    mounts = "".join(f"mount --bind {path} $(readlink -f /etc/{name}) && "
                     for name, path in files.items())
    return ("unshare", "-m", "sh", "-c", mounts + 'exec "$0" "$@"')


def run(*args, text=None):
    subprocess.run(args, check=True, input=text, text=True,
                   capture_output=True)


def _setns(fd):
    if _libc.setns(fd, CLONE_NEWNET) != 0:
        errno = ctypes.get_errno()
        raise OSError(errno, os.strerror(errno))


class Namespace:
    def __init__(self, label):
        self.name = f"hawser-{os.getpid()}-{next(_serial)}-{label}"
        self._outer = []
        run("ip", "netns", "add", self.name)
        run("ip", "-n", self.name, "link", "set", "lo", "up")

    def remove(self):
        subprocess.run(["ip", "netns", "del", self.name], check=False,
                       capture_output=True)

    def __enter__(self):
        self._outer.append(os.open("/proc/thread-self/ns/net",
                                   os.O_RDONLY | os.O_CLOEXEC))
        fd = os.open(f"/run/netns/{self.name}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _setns(fd)
        finally:
            os.close(fd)
        return self

    def __exit__(self, *unused):
        fd = self._outer.pop()
        try:
            _setns(fd)
        finally:
            os.close(fd)

    def inode(self):
        return os.stat(f"/run/netns/{self.name}").st_ino

    def black_hole(self, peer):
        """Drops every packet from and to peer, without a word."""
        with self:
            run("nft", "-f", "-", text=f"""
                table inet hole {{
                    chain in {{
                        type filter hook input priority 0;
                        ip saddr {peer} drop
                    }}
                    chain out {{
                        type filter hook output priority 0;
                        ip daddr {peer} drop
                    }}
                }}""")

    def heal(self):
        with self:
            run("nft", "delete", "table", "inet", "hole")


def cable(a, address_a, b, address_b):
    """Connects two namespaces; the addresses share a /24 or a /64."""
    end_a, end_b = f"to{next(_serial)}", f"to{next(_serial)}"
    run("ip", "-n", a.name, "link", "add", end_a, "type", "veth",
        "peer", "name", end_b, "netns", b.name)
    for ns, end, address in ((a, end_a, address_a), (b, end_b, address_b)):
        run("ip", "-n", ns.name, "address", "add", f"{address}/24",
            "dev", end)
        run("ip", "-n", ns.name, "link", "set", end, "up")
