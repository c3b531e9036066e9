# SPDX-License-Identifier: ISC
"""ssh-agents that end with the test."""

import os
import re
import subprocess

from lib import proc


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
