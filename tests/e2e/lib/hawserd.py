# SPDX-License-Identifier: ISC
"""The daemon under test: its folders, its life, its API and its CLI."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time

from lib import proc
from lib.sshd import USER
from lib.textlog import TextLog
from lib.wait import SANITIZED, Stopwatch, until

BUILD = os.environ.get("HAWSER_BUILD_DIR", "")
COMPLAINT = re.compile(r"ERROR: (Address|Leak)Sanitizer|runtime error:|"
                       r"AddressSanitizer:DEADLYSIGNAL")


def program(name):
    return os.path.join(BUILD, name)


def stanza(name, sshd, *forwards, key=None, **options):
    """A Host block that leads to sshd; options win over what it says."""
    lines = {
        "HostName": sshd.address,
        "Port": sshd.port,
        "User": USER,
        "IdentityFile": key or sshd.keys.ed25519,
        "IdentitiesOnly": "yes",
        "UserKnownHostsFile": sshd.known_hosts,
        **options,
    }
    text = [f"Host {name}"]
    text += [f"\t{k} {v}" for k, v in lines.items() if v is not None]
    text += [f"\t{forward}" for forward in forwards]
    return "\n".join(text) + "\n"


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Hawserd:
    """folder gets everything the daemon reads and writes."""

    def __init__(self, folder, ns=None):
        self.folder = folder
        self.ns = ns
        self.under = ()     # a command line that becomes the daemon
        self.programs = BUILD
        for name in ("", "conf", "conf/conf.d", "home", "run", "state"):
            os.makedirs(os.path.join(folder, name), mode=0o700,
                        exist_ok=True)
        self.conf = os.path.join(folder, "conf")
        self.socket = os.path.join(folder, "run", "api.sock")
        self.has_usual_places = False
        self.log = TextLog(os.path.join(folder, "hawserd.log"))
        self._process = None
        self.environment = dict(
            os.environ, HOME=self.path("home"),
            XDG_RUNTIME_DIR=self.path("run"),
            XDG_CONFIG_HOME=self.path("home/.config"),
            HAWSER_STATE=self.path("state"),
            HAWSER_SOCKET=self.socket, NO_COLOR="1", LC_ALL="C.UTF-8",
            ASAN_OPTIONS="detect_leaks=1:abort_on_error=0",
            UBSAN_OPTIONS="print_stacktrace=1")

    def path(self, name):
        return os.path.join(self.folder, name)

    # Configuration --------------------------------------------------------

    def write(self, *stanzas, name="10-test.conf", rested=False):
        """conf.d/name becomes these stanzas; gives its path. A rested file
        looks as if that were long ago: no reload lets it rest first."""
        path = os.path.join(self.conf, "conf.d", name)
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(stanzas))
        os.chmod(path, 0o600)
        if rested:
            past = time.time() - 60
            os.utime(path, (past, past))
        return path

    # Life -----------------------------------------------------------------

    def spawn(self, *arguments, source=None):
        """Starts without waiting. source replaces ("-c", folder)."""
        place = () if self.has_usual_places else ("--socket", self.socket)
        command = [*self.under, os.path.join(self.programs, "hawserd"),
                   *(source or ("-c", self.conf)),
                   "--worker", os.path.join(self.programs, "hawser-worker"),
                   *place, *arguments]
        with self.ns or contextlib.nullcontext(), \
                open(self.log.path, "ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self.environment, cwd=self.folder,
                start_new_session=True)

    def start(self, *arguments, source=None):
        """Starts and waits until the API answers."""
        self.spawn("-v", *arguments, source=source)
        until(self._answers, 20, lambda: "hawserd answers:\n"
              + self.log.text())
        return self

    def _answers(self):
        assert self._process.poll() is None, \
            f"hawserd ended with {self._process.returncode}:\n" \
            + self.log.text()
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.request("GET", "/v1/status")[0] == 200
        return False

    @property
    def pid(self):
        return self._process.pid

    def links(self):
        """The processes of its connections: not the one that remembers."""
        return [p for p in proc.descendants(self.pid)
                if proc.name(p) != "hawserd-ledger"]

    def running(self):
        return self._process is not None and self._process.poll() is None

    def signal(self, sig):
        self._process.send_signal(sig)

    def wait_exit(self, timeout=20):
        """The exit status of a daemon that is expected to end."""
        return self._process.wait(timeout)

    def stop(self, within=10):
        """SIGTERM: must exit with 0 and take every process along. Gives the
        seconds it took."""
        below = proc.descendants(self.pid)
        watch = Stopwatch()
        self.signal(signal.SIGTERM)
        code = self._process.wait(within * 3)
        took = watch.seconds
        assert code == 0, f"exit status {code} after SIGTERM:\n" \
            + self.log.text()[-8000:]
        left = proc.wait_gone(below, 1)
        assert not left, [proc.cmdline(p) for p in left]
        return took

    def kill(self):
        """SIGKILL; gives the processes it had."""
        below = proc.descendants(self.pid)
        self._process.kill()
        self._process.wait()
        return below

    def cleanup(self):
        """After the test: a running daemon must stop cleanly, and no log
        may hold a sanitizer's complaint."""
        try:
            if self.running():
                self.stop()
        finally:
            if self.running():
                self._process.kill()
                self._process.wait()
        if SANITIZED:
            text = self.log.text()
            found = COMPLAINT.search(text)
            assert not found, text[found.start():][:8000]

    # API ------------------------------------------------------------------

    def request(self, method, path, timeout=10):
        """(status code, decoded body or text)."""
        connection = _UnixConnection(self.socket, timeout)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        try:
            return response.status, json.loads(text)
        except ValueError:
            return response.status, text

    def status(self):
        code, body = self.request("GET", "/v1/status")
        assert code == 200, body
        return body

    def host(self, name):
        """One host of the status, or None."""
        for host in self.status()["hosts"]:
            if host["name"] == name:
                return host
        return None

    def forward(self, host, forward_id):
        found = self.host(host) or {"forwards": []}
        for forward in found["forwards"]:
            if forward["id"] == forward_id:
                return forward
        return None

    def worker_pid(self, host):
        return self.host(host)["pid"]

    def _look(self):
        return json.dumps(self.status(), indent=1) + "\n" \
            + self.log.text()[-4000:]

    def wait_state(self, host, *states, timeout=15):
        def reached():
            found = self.host(host)
            return found if found and found["state"] in states else None
        return until(reached, timeout, lambda: f"{host} is one of {states}:"
                     + self._look())

    def wait_ended(self, host, *states, timeout=15):
        """An attempt or a connection has ended, and the host (waiting, if
        nothing else is said) has its next step planned."""
        states = states or ("waiting",)

        def reached():
            found = self.host(host)
            return found if found and found["state"] in states \
                and found["last_end"] else None
        return until(reached, timeout, lambda: f"{host} ended, {states}:"
                     + self._look())

    def wait_forward(self, host, forward_id, *states, timeout=15):
        """Without states: it passes bytes, as far as can be told."""
        states = states or ("up", "verified", "unprovable")

        def reached():
            found = self.forward(host, forward_id)
            return found if found and found["state"] in states else None
        return until(reached, timeout, lambda: f"{host} {forward_id} is one "
                     f"of {states}:" + self._look())

    def wait_phase(self, host, phase, timeout=15):
        """Connecting, and as far as that; gives the worker's pid."""
        def reached():
            found = self.host(host)
            return found["pid"] if found["phase"] == phase else None
        return until(reached, timeout, lambda: f"{host} is in phase {phase}:"
                     + self._look())

    def wait_up(self, host, timeout=15):
        """Up with all of its forwards. A server may be asked for one of
        them still while the host is up."""
        def reached():
            found = self.host(host)
            return found if found and found["state"] == "up" and all(
                f["state"] != "down" for f in found["forwards"]) else None
        return until(reached, timeout, lambda: f"{host} is up:"
                     + self._look())

    def hup(self, timeout=10):
        """SIGHUP, and waits until the new files were applied or refused;
        gives the status's config object."""
        before = self.status()["config"]
        self.signal(signal.SIGHUP)

        def done():
            after = self.status()["config"]
            return after if after != before else None
        return until(done, timeout, lambda: "a reload:" + self._look())

    def reload(self):
        """Reloads, successfully; gives how many hosts each action was for."""
        code, body = self.request("POST", "/v1/reload", timeout=30)
        assert code == 200, body
        return body["changes"]

    # CLI ------------------------------------------------------------------

    def cli(self, *arguments, timeout=60):
        return run_cli(*arguments, environment=self.environment,
                       timeout=timeout)


def run_cli(*arguments, environment=None, timeout=60, prefix=()):
    """Runs `hawser ARGUMENTS`; its complaints must not be a sanitizer's."""
    done = subprocess.run([*prefix, program("hawser"), *arguments],
                          text=True, env=environment,
                          stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=timeout, check=False)
    assert not COMPLAINT.search(done.stderr), done.stderr
    return done
