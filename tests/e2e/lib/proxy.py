# SPDX-License-Identifier: ISC
"""A TCP proxy that stands for a bad line: latency and resets."""

import contextlib
import queue
import socket
import struct
import threading
import time

from lib.servers import CHUNK, Server, connect


class _Pair:
    """One proxied connection: two sockets and a thread for each direction."""

    def __init__(self, near, far, delay):
        self.sockets = (near, far)
        self._resetting = False
        self._pump = self._pump_late if delay else self._pump_now
        self._delay = delay

    def run(self):
        near, far = self.sockets
        there = threading.Thread(target=self._pump, args=(near, far),
                                 daemon=True)
        there.start()
        self._pump(far, near)
        there.join()
        near.close()
        far.close()

    def _finish(self, sink):
        if not self._resetting:
            with contextlib.suppress(OSError):
                sink.shutdown(socket.SHUT_WR)

    def _pump_now(self, source, sink):
        buffer = memoryview(bytearray(CHUNK))
        with contextlib.suppress(OSError):
            while n := source.recv_into(buffer):
                sink.sendall(buffer[:n])
        self._finish(sink)

    def _pump_late(self, source, sink):
        line = queue.Queue()
        sender = threading.Thread(target=self._send_late, args=(line, sink),
                                  daemon=True)
        sender.start()
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                line.put((time.monotonic() + self._delay, data))
        line.put((time.monotonic() + self._delay, b""))
        sender.join()

    def _send_late(self, line, sink):
        with contextlib.suppress(OSError):
            while True:
                due, data = line.get()
                time.sleep(max(0, due - time.monotonic()))
                if not data:
                    break
                sink.sendall(data)
        self._finish(sink)

    def reset(self):
        """Both sides get a RST: sockets that don't linger are closed, as
        soon as the threads that read from them were woken."""
        self._resetting = True
        for s in self.sockets:
            with contextlib.suppress(OSError):
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))
                s.shutdown(socket.SHUT_RD)


class Proxy:
    """Passes connections on to host:port, each direction late by delay
    seconds (0: at once)."""

    def __init__(self, port, host="127.0.0.1", delay=0):
        self._target = (port, host)
        self._delay = delay
        self._lock = threading.Lock()
        self._pairs = []
        self._server = Server(self._serve)
        self.port = self._server.port

    def _serve(self, near):
        far = connect(*self._target)
        far.settimeout(None)
        pair = _Pair(near, far, self._delay)
        with self._lock:
            self._pairs.append(pair)
        pair.run()

    def reset(self):
        """Ends every connection with a RST to both sides."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            pair.reset()

    def stop(self):
        self.reset()
        self._server.stop()
