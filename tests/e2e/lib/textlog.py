# SPDX-License-Identifier: ISC
"""A program's log file: waiting for a line, and counting lines."""

import re

from lib.wait import until


class TextLog:
    def __init__(self, path):
        self.path = path
        open(path, "ab").close()

    def text(self, since=0):
        with open(self.path, "rb") as f:
            f.seek(since)
            return f.read().decode("utf-8", "replace")

    def mark(self):
        """Where the log ends now: for the since arguments."""
        with open(self.path, "rb") as f:
            return f.seek(0, 2)

    def find(self, regex, since=0):
        """Every match, as re.findall gives them."""
        return re.findall(regex, self.text(since), re.MULTILINE)

    def count(self, regex, since=0):
        return len(self.find(regex, since))

    def wait(self, regex, timeout=10, since=0):
        """Waits for a line that matches, gives the match."""
        pattern = re.compile(regex, re.MULTILINE)
        return until(lambda: pattern.search(self.text(since)), timeout,
                     lambda: f"/{regex}/ in {self.path}:\n"
                     + self.text(since)[-4000:])
