# SPDX-License-Identifier: ISC
"""SOCKS requests as bytes, and the replies to them."""

import socket
import struct

from lib.servers import read_exactly

CONNECT, BIND, ASSOCIATE = 1, 2, 3
HELLO = b"\x05\x01\x00"


def v5(host, port, command=CONNECT):
    """A version 5 request; host is "1.2.3.4", "::1" or a name (or bytes)."""
    if isinstance(host, bytes):
        address = b"\x03" + bytes([len(host)]) + host
    elif ":" in host:
        address = b"\x04" + socket.inet_pton(socket.AF_INET6, host)
    elif host.replace(".", "").isdigit():
        address = b"\x01" + socket.inet_aton(host)
    else:
        address = b"\x03" + bytes([len(host)]) + host.encode()
    return struct.pack("BBB", 5, command, 0) + address \
        + struct.pack(">H", port)


def v4(host, port, user=b"", command=CONNECT):
    """A version 4 request, or 4a if host isn't an address."""
    head = struct.pack(">BBH", 4, command, port)
    if host.replace(".", "").isdigit():
        return head + socket.inet_aton(host) + user + b"\0"
    return head + b"\0\0\0\1" + user + b"\0" + host.encode() + b"\0"


def v5_reply(s):
    """The reply's code, after the method was chosen."""
    head = read_exactly(s, 4)
    assert head[0] == 5 and head[2] == 0, head
    read_exactly(s, {1: 4, 4: 16}[head[3]] + 2)
    return head[1]


def v5_method(s):
    head = read_exactly(s, 2)
    assert head[0] == 5, head
    return head[1]


def v4_reply(s):
    head = read_exactly(s, 8)
    assert head[0] == 0, head
    return head[1]


def request5(s, *arguments, **options):
    """The reply's code to a request of version 5."""
    s.sendall(HELLO)
    assert v5_method(s) == 0
    s.sendall(v5(*arguments, **options))
    return v5_reply(s)
