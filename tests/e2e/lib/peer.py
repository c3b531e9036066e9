# SPDX-License-Identifier: ISC
"""`ssh -N` in the daemon's place, to see that a scenario itself is right:
HAWSER_E2E_PEER=ssh pytest test_scenarios.py test_transfer.py

Only what a client can see is the same; a test that asks for more is skipped.
"""

import contextlib
import os
import subprocess

import pytest

from lib.hawserd import Hawserd
from lib.wait import until


class SshPeer(Hawserd):
    def __init__(self, folder, ns=None):
        super().__init__(folder, ns)
        self._running = {}

    def start(self, *arguments, source=None):
        path = os.path.join(self.conf, "conf.d", "10-test.conf")
        with open(path, encoding="utf-8") as f:
            names = [line.split()[1] for line in f
                     if line.startswith("Host ")]
        common = os.path.join(self.conf, "peer.conf")
        with open(common, "w", encoding="utf-8") as f:
            f.write(f"IgnoreUnknown Hawser*\nInclude {path}\n"
                    "GlobalKnownHostsFile none\n")
        for name in names:
            with self.ns or contextlib.nullcontext(), \
                    open(self.log.path, "ab") as log:
                self._running[name] = subprocess.Popen(
                    ["ssh", "-N", "-v", "-F", common, name],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until(lambda: self.log.count(r"client_input_global_request|"
                                     r"Entering interactive|remote forward")
              >= len(names), 10, self.log.text)
        return self

    def wait_up(self, host, timeout=15):
        self.log.wait("pledge: |Entering interactive", timeout)

    def wait_forward(self, host, forward_id, *states, timeout=15):
        if forward_id.startswith("R:"):
            port = forward_id.rpartition(":")[2]
            self.log.wait(rf"remote forward success.* listen .*{port}\b",
                          timeout)

    def worker_pid(self, host):
        return self._running[host].pid

    def request(self, method, path, timeout=10):
        pytest.skip("ssh has no API")

    def stop(self, within=10):
        self.cleanup()

    def running(self):
        return False

    def cleanup(self):
        for process in self._running.values():
            process.terminate()
            process.wait()
