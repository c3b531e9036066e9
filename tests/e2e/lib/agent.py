# SPDX-License-Identifier: ISC
"""ssh-agents that end with the test."""

import contextlib
import os
import re
import socket
import subprocess
import threading

from lib import proc
from lib.servers import read_exactly


class Agent:
    """A real ssh-agent, without keys to begin with."""

    def __init__(self, folder, name="agent.sock", **environment):
        self.path = os.path.join(folder, name)
        said = subprocess.run(["ssh-agent", "-a", self.path], check=True,
                              env=dict(os.environ, **environment),
                              capture_output=True, text=True).stdout
        self.pid = int(re.search(r"SSH_AGENT_PID=(\d+)", said).group(1))

    def add(self, *arguments, **environment):
        """ssh-add, of keys or for what else it does."""
        subprocess.run(["ssh-add", "-q", *arguments], check=True,
                       env=dict(os.environ, SSH_AUTH_SOCK=self.path,
                                **environment), capture_output=True)

    def stop(self):
        proc.kill(self.pid)


def _receive(s):
    """One message, its length included."""
    head = read_exactly(s, 4)
    return head + read_exactly(s, int.from_bytes(head, "big"))


class MuteAgent:
    """Lists the keys of a real agent and then says nothing; without an agent
    it says nothing at all."""

    def __init__(self, folder, name="mute.sock", agent=None):
        self.path = os.path.join(folder, name)
        self._agent = agent
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self.path)
        self._listener.listen(8)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._attend, args=(client,),
                                 daemon=True).start()

    def _attend(self, client):
        with client, contextlib.suppress(OSError, EOFError):
            if self._agent:
                with socket.socket(socket.AF_UNIX) as real:
                    real.connect(self._agent.path)
                    real.sendall(_receive(client))
                    client.sendall(_receive(real))
            while client.recv(4096):
                pass

    def stop(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
