# SPDX-License-Identifier: ISC
"""Commands of the CLI that go on, such as `hawser events`."""

import json
import subprocess
import threading

from lib.hawserd import program
from lib.wait import until


class Command:
    """`hawser ARGUMENTS`, which goes on; .lines are what it has said."""

    def __init__(self, hawserd, *arguments):
        self.process = subprocess.Popen(
            [program("hawser"), *arguments], text=True,
            env=hawserd.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.lines, self.complaints = [], []
        self._threads = [
            threading.Thread(target=self._read, args=pair, daemon=True)
            for pair in ((self.process.stdout, self.lines),
                         (self.process.stderr, self.complaints))]
        for thread in self._threads:
            thread.start()

    @staticmethod
    def _read(stream, lines):
        for line in stream:
            lines.append(line.rstrip("\n"))

    @property
    def events(self):
        return [json.loads(line) for line in list(self.lines)]

    def wait_event(self, timeout=15, **members):
        """The first event with these members; the search begins anew each
        time."""
        def found():
            return next((e for e in self.events if all(
                e.get(k) == v for k, v in members.items())), None)
        return until(found, timeout, lambda: f"{members} among "
                     + "\n".join(self.lines))

    def wait_complaint(self, text, timeout=15):
        until(lambda: any(text in c for c in self.complaints), timeout,
              lambda: f"{text} among {self.complaints}")

    def wait_exit(self, timeout=30):
        code = self.process.wait(timeout)
        for thread in self._threads:
            thread.join()
        return code

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.wait_exit()
