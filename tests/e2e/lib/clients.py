# SPDX-License-Identifier: ISC
"""Clients that never stop, on a thread each: what they notice is the
finding."""

import threading
import time

from lib.servers import connect, ping


class _Client:
    def __init__(self, port):
        self._port = port
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        raise NotImplementedError

    def _join(self):
        self._stop.set()
        self._thread.join()


class Stream(_Client):
    """An echo connection that is never silent; counts what came back."""

    def __init__(self, port):
        self.rounds = 0
        self.error = None
        self._socket = connect(port)
        super().__init__(port)

    def _run(self):
        try:
            while not self._stop.is_set():
                payload = b"%015d\n" % self.rounds
                assert ping(self._socket, payload)
                self.rounds += 1
        except Exception as error:  # whatever broke it is the finding
            self.error = error

    def finish(self):
        self._join()
        self._socket.close()
        assert self.error is None, self.error
        return self.rounds


class Knocker(_Client):
    """Connects again and again, for one echo each; so many times a second,
    if rate is given. Notes who was refused, whose connection broke, and in
    gaps how many seconds each time lay between the first who wasn't served
    and the next who was."""

    def __init__(self, port, rate=None):
        self.served = self.refused = self.broken = 0
        self.gaps = []
        self._pause = 1 / rate if rate else 0
        super().__init__(port)

    def _knock(self):
        try:
            with connect(self._port) as s:
                self.served += ping(s)
                return True
        except ConnectionRefusedError:
            self.refused += 1
        except (OSError, EOFError):
            self.broken += 1
        return False

    def _run(self):
        due, failed = time.monotonic(), None
        while not self._stop.wait(max(0, due - time.monotonic())):
            due += self._pause
            begin = time.monotonic()
            if not self._knock():
                failed = failed or begin
            elif failed:
                self.gaps.append(begin - failed)
                failed = None

    def finish(self):
        """Gives itself."""
        self._join()
        return self
