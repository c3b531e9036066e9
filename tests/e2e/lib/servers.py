# SPDX-License-Identifier: ISC
"""Small TCP servers that stand for the services behind a tunnel."""

import contextlib
import hashlib
import socket
import struct
import threading

CHUNK = 256 * 1024


class Server:
    """Accepts on a thread, serves each connection on one of its own.

    handler(socket) serves one; the socket is closed after it returned. With
    port 0 the kernel chooses. Made inside `with namespace:`, it stays there.
    """

    def __init__(self, handler, host="127.0.0.1", port=0, backlog=1024):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._handler = handler
        self._listener = socket.socket(family, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((host, port))
        self._listener.listen(backlog)
        self.host = host
        self.port = self._listener.getsockname()[1]
        self.accepted = 0
        self._open = set()
        self._lock = threading.Lock()
        self._stopped = False
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self):
        while True:
            try:
                conn, _ = self._listener.accept()
            except OSError:
                return
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                if self._stopped:
                    conn.close()
                    return
                self.accepted += 1
                self._open.add(conn)
            threading.Thread(target=self._serve, args=(conn,),
                             daemon=True).start()

    def _serve(self, conn):
        try:
            with contextlib.suppress(OSError):
                self._handler(conn)
        finally:
            with self._lock:
                self._open.discard(conn)
            conn.close()

    def stop(self):
        """Stops listening and ends every connection."""
        with self._lock:
            self._stopped = True
            for conn in self._open:
                with contextlib.suppress(OSError):
                    conn.shutdown(socket.SHUT_RDWR)
        # shutdown wakes accept; close alone would not.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


def echo(conn):
    buffer = memoryview(bytearray(CHUNK))
    while n := conn.recv_into(buffer):
        conn.sendall(buffer[:n])


def mail(conn):
    """A line protocol like IMAP's, where the server speaks first."""
    conn.sendall(b"* OK ready\r\n")
    lines = conn.makefile("rb")
    for line in lines:
        tag, _, command = line.strip().partition(b" ")
        if command.upper() == b"LOGOUT":
            conn.sendall(b"* BYE\r\n" + tag + b" OK bye\r\n")
            return
        conn.sendall(tag + b" OK " + command + b"\r\n")


def http(body):
    """Answers every request with body, whatever was asked."""
    def handler(conn):
        request = b""
        while b"\r\n\r\n" not in request:
            more = conn.recv(4096)
            if not more:
                return
            request += more
        conn.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
                     b"Content-Length: %d\r\n\r\n" % len(body) + body)
        conn.shutdown(socket.SHUT_WR)
        conn.recv(1)
    return handler


def digest_then_reply(conn):
    """Reads to the end, then answers with the length and SHA-256 of it."""
    digest, total = hashlib.sha256(), 0
    buffer = memoryview(bytearray(CHUNK))
    while n := conn.recv_into(buffer):
        digest.update(buffer[:n])
        total += n
    conn.sendall(struct.pack(">Q", total) + digest.digest())
    conn.shutdown(socket.SHUT_WR)


def connect(port, host="127.0.0.1", timeout=30):
    s = socket.create_connection((host, port), timeout=timeout)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def read_exactly(s, count):
    data = bytearray(count)
    view, got = memoryview(data), 0
    while got < count:
        n = s.recv_into(view[got:])
        if n == 0:
            raise EOFError(f"ended after {got} of {count} bytes")
        got += n
    return bytes(data)


def read_all(s):
    parts = []
    while part := s.recv(CHUNK):
        parts.append(part)
    return b"".join(parts)


def ping(s, payload=b"ping"):
    """One round trip over an echo connection."""
    s.sendall(payload)
    return read_exactly(s, len(payload)) == payload


def listening(port, host="127.0.0.1"):
    """Does something accept there? Opens and closes one connection."""
    try:
        with socket.create_connection((host, port), timeout=2):
            return True
    except OSError:
        return False


def is_bound(port):
    """Is the port in LISTEN on any address of this namespace? Asks the
    kernel's table, so that nobody sees a connection."""
    wanted = f":{port:04X}"
    for table in ("tcp", "tcp6"):
        with open(f"/proc/thread-self/net/{table}", encoding="ascii") as f:
            for line in f:
                fields = line.split()
                if fields[1].endswith(wanted) and fields[3] == "0A":
                    return True
    return False
