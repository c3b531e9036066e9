# SPDX-License-Identifier: ISC
"""Runs a table of hostile servers against one hawserd: each case is a host,
whose address (BindAddress) tells the server which case it plays."""

import contextlib
import re
import socket

from lib import ports, proc
from lib.servers import Server
from lib.ssh_server import HostKey, Session
from lib.sshd import USER
from lib.wait import SANITIZED, STRETCH, Timeout, until

# What no log, status or terminal shall see as it is.
NASTY = b"\x1b]0;owned\x07\x1b[2J\r\n\0\xff\xfe" * 20
# The end of a case that may end in any way, but not in a crash.
ANY = "any"
# What a worker may hold, and the supervisor by itself and for each host, in
# bytes. A sanitizer keeps what was freed, so its memory says nothing.
WORKER_MAX = 16 * 2**20
SUPERVISOR_MAX, HOST_MAX = 12 * 2**20, 24 * 2**10


class Case:
    """script maps steps of lib.ssh_server to what is done there; a function
    stands for {"up": function}, a list for the packets to send then.

    end: the class in which the connection ends; None if the session goes on;
    or ANY. text: what the sentence matches. client: somebody connects to the
    local forward. rsa: with such a key. rare: one of many alike. Other options
    go into the host's stanza.
    """

    def __init__(self, name, script, end="protocol", text="", client=False,
                 rsa=False, cipher=None, rare=False, **options):
        self.name, self.end, self.text = name, end, text
        self.client, self.rsa, self.rare = client, rsa, rare
        self.options = options
        self.cipher = {"cipher": cipher} if cipher else {}
        if isinstance(script, dict):
            self._script = script
        elif callable(script):
            self._script = {"up": script}
        else:
            self._script = {"up": lambda s: s.send(*script)}
        self.reached = False        # the end of its script, still alive
        self.error = None

    def script(self):
        """A session that shall go on has to prove that it does."""
        def up(session):
            self._script.get("up", lambda s: None)(session)
            if self.end in (None, ANY):
                session.alive()
                self.reached = True
        return {**self._script, "up": up}


class Stage:
    """The server of all cases, and their hosts' stanzas."""

    def __init__(self, serve, workdir, cases, target, keys):
        names = [case.name for case in cases]
        assert len(set(names)) == len(names), names
        self.cases = cases
        self._target, self._keys = target, keys
        self._host_key = HostKey()
        self._by_address = {f"127.0.{1 + i // 250}.{1 + i % 250}": case
                            for i, case in enumerate(cases)}
        self._port = serve(self._play).port
        self.known_hosts = f"{workdir}/known_hosts.script"
        self.known = f"script {self._host_key.line}\n"
        with open(self.known_hosts, "w", encoding="ascii") as f:
            f.write(self.known)
        self._locals = {case.name: ports.free() for case in cases
                        if case.client}
        self.peak = {}              # bytes, by pid

    def _play(self, sock):
        case = self._by_address[sock.getpeername()[0]]
        session = Session(sock, self._host_key, case.script(), **case.cipher)
        try:
            with contextlib.suppress(EOFError, OSError):
                session.run()
        except Exception as error:  # the script's own trouble
            case.error = error

    def stanzas(self):
        cases = self._by_address.items()
        for remote, (address, case) in enumerate(cases, 8000):
            lines = {
                "HostName": "127.0.0.1", "Port": self._port, "User": USER,
                "BindAddress": address, "HostKeyAlias": "script",
                "IdentityFile": self._keys.rsa if case.rsa
                else self._keys.ed25519, "IdentitiesOnly": "yes",
                "UserKnownHostsFile": self.known_hosts,
                "ServerAliveInterval": 0, "ConnectTimeout": 10 * STRETCH,
                "HawserBackoff": "1h 1h", "HawserVerify": "no",
                "RemoteForward": f"{remote} {self._target}", **case.options}
            if case.client:
                lines["LocalForward"] = f"{self._locals[case.name]} a:1"
            yield "\n".join([f"Host {case.name}"]
                            + [f"\t{k} {v}" for k, v in lines.items()]) + "\n"

    def sample(self, hawserd):
        """Notes how much memory each process has had at most."""
        for pid in proc.descendants(hawserd.pid):
            with contextlib.suppress(OSError, ValueError):
                self.peak[pid] = proc.peak_rss(pid)

    def run(self, hawserd, stack, seconds, worker_max):
        """Every case to its end; what went otherwise fails."""
        for port in self._locals.values():
            # Refused, if that host has ended and waits for long.
            with contextlib.suppress(ConnectionRefusedError):
                stack.enter_context(
                    socket.create_connection(("127.0.0.1", port)))

        def left():
            self.sample(hawserd)
            hosts = {h["name"]: h for h in hawserd.status()["hosts"]}
            return [c.name for c in self.cases if not (
                c.error or c.reached or hosts[c.name]["last_end"])]
        with contextlib.suppress(Timeout):      # _check() says who is missing
            until(lambda: not left(), seconds, "the end of all cases",
                  interval=0.1)
        self._check(hawserd, worker_max)

    def _check(self, hawserd, worker_max):
        self.sample(hawserd)
        hosts = {h["name"]: h for h in hawserd.status()["hosts"]}
        found = [f"{case.name}: {verdict}" for case in self.cases
                 if (verdict := self._judge(case, hosts[case.name]))]
        assert not found, "\n".join(found)
        if not SANITIZED:
            assert max(self.peak.values()) < worker_max, self.peak
            assert proc.peak_rss(hawserd.pid) < SUPERVISOR_MAX \
                + len(self.cases) * HOST_MAX

    @staticmethod
    def _judge(case, host):
        """What is wrong, or None."""
        end = host["last_end"] or {"class": None, "text": ""}
        if case.end == ANY and end["class"] != "crash" and (
                case.reached or end["class"]):
            return None
        if case.error:
            return f"the script failed: {case.error!r}, then {end}"
        if case.end is None and not case.reached and not host["last_end"]:
            return f"the script does not get on: {host['state']}"
        if case.end is None and host["state"] not in ("up", "degraded"):
            return f"the session did not go on: {host['state']}, {end}"
        if end["class"] != case.end or not re.search(case.text, end["text"]):
            return f"is not {case.end} /{case.text}/: {end}"
        if not end["text"].isprintable():
            return f"the sentence is not printable: {end['text']!r}"
        return None
