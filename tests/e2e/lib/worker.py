# SPDX-License-Identifier: ISC
"""A hawser-worker of its own: the test plays the supervisor."""

import array
import json
import os
import socket
import subprocess
import sys
import time

from lib import ports, proc
from lib.hawserd import COMPLAINT, program
from lib.sshd import USER
from lib.textlog import TextLog
from lib.wait import STRETCH, readable

# Moves the descriptors to the numbers at which a worker looks for them.
_EXEC = ("import fcntl,os,sys\n"
         "fds = [fcntl.fcntl(int(n), fcntl.F_DUPFD, 200)\n"
         "       for n in sys.argv[1].split(',')]\n"
         "for at, fd in enumerate(fds, 3): os.dup2(fd, at)\n"
         "os.closerange(3 + len(fds), 1 << 20)\n"
         "os.execvp(sys.argv[2], sys.argv[2:])\n")

VERSION = subprocess.run([program("hawser-worker"), "--version"], check=True,
                         capture_output=True, text=True).stdout.split()[1]

STRICT, ACCEPT_NEW, OFF = range(3)      # enum host_key_policy


def tcp(host, port):
    return {"host": host, "port": port}


class Forward:
    """What an order says of one forward; fds listen for a local one."""

    def __init__(self, kind, listen, target=None, sockets=()):
        letter = {"local": "L", "dynamic": "D"}.get(kind, "R")
        where = listen.get("path") or f"{listen['host']}:{listen['port']}"
        self.body = {"id": f"{letter}:{where}", "kind": kind,
                     "listen": listen}
        if target:
            self.body["target"] = target
        self.sockets = list(sockets)

    @property
    def id(self):
        return self.body["id"]

    @property
    def port(self):
        return self.body["listen"]["port"]

    def close(self):
        for s in self.sockets:
            s.close()


class Worker:
    """One process; facts are collected as they are waited for."""

    def __init__(self, folder, sshd=None, link=None, under=(), **order):
        """under is a command line that runs the worker in its own place."""
        os.makedirs(folder)
        self.log = TextLog(os.path.join(folder, "worker.log"))
        self.facts = []
        self.seen = 0
        self.sock, theirs = socket.socketpair(socket.AF_UNIX,
                                              socket.SOCK_SEQPACKET)
        self.order = {
            "version": VERSION, "host": "test", "hostname": "127.0.0.1", "port": 22,
            "user": USER, "identity_files": [], "certificate_files": [],
            "identities_only": False, "agent": "",
            "auth_methods": ["publickey"], "can_ask": False,
            "password_tries": 1, "known_hosts_files": [],
            "revoked_key_files": [],
            "host_key_alias": "", "algorithms": {},
            "required_rsa_bits": 1024, "compression": False,
            "host_key_policy": STRICT, "update_host_keys": False,
            "connect_timeout_s": 10,
            "alive_interval_s": 15, "alive_count_max": 3, "log_level": 3,
            "log_json": False, "address_family": 0, "ip_tos": -1,
            "tcp_keepalive": True, "bind_address": "", "bind_interface": "",
            "permit_remote_open": ["any"], "proxy_protocol": 0,
            "targets": {"any_port": True, "unix": True, "ports": []},
        }
        if sshd:
            self.order.update(
                hostname=sshd.address, port=sshd.port,
                identity_files=[sshd.keys.ed25519],
                known_hosts_files=[sshd.known_hosts])
        self.order.update(order)
        fds = [theirs.fileno()] + ([link.fileno()] if link else [])
        with open(self.log.path, "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _EXEC, ",".join(map(str, fds)),
                 *under, program("hawser-worker")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=fds, start_new_session=True,
                env=dict(os.environ, ASAN_OPTIONS="detect_leaks=1",
                         UBSAN_OPTIONS="print_stacktrace=1"))
        theirs.close()

    @property
    def pid(self):
        return self.process.pid

    # Orders ---------------------------------------------------------------

    def send(self, name, body=None, sockets=()):
        message = json.dumps({"m": f"order.{name}", **(body or {})})
        control = []
        if sockets:
            fds = array.array("i", [s.fileno() for s in sockets])
            control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)]
        self.sock.sendmsg([message.encode()], control)

    def start(self):
        self.send("start", self.order)
        return self

    def up(self):
        self.start()
        self.wait("up")
        return self

    def listen(self, kind, target=None, host="127.0.0.1", backlog=128,
               family=socket.AF_INET):
        """Lends a new listening socket; gives the Forward, already up."""
        s = socket.socket(family, socket.SOCK_STREAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((host, ports.free()))
        s.listen(backlog)
        forward = Forward(kind, tcp(host, s.getsockname()[1]), target, [s])
        self.lend(forward)
        return forward

    def lend(self, forward):
        self.send("listen", forward.body, forward.sockets)
        self.wait("forward", id=forward.id, state="up")

    def forward(self, listen, target=None):
        """Orders a remote forward; gives it and the first fact of it."""
        kind = "remote" if target else "remote-dynamic"
        forward = Forward(kind, listen, target)
        self.send("forward", forward.body)
        return forward, self.wait("forward", id=forward.id)

    # Facts ----------------------------------------------------------------

    def _receive(self, deadline):
        rest = max(0, deadline - time.monotonic())
        if not readable(self.sock, rest):
            return None
        data = self.sock.recv(256 * 1024)
        if not data:
            return {"m": "eof"}
        fact = json.loads(data)
        self.facts.append(fact)
        return fact

    def wait(self, fact_name, timeout=20, **fields):
        """The next fact of that name, after those waited for before, with
        these values."""
        def fits(fact):
            return fact["m"] == f"fact.{fact_name}" and all(
                fact.get(k) == v for k, v in fields.items())

        deadline = time.monotonic() + timeout * STRETCH
        while True:
            while self.seen < len(self.facts):
                fact = self.facts[self.seen]
                self.seen += 1
                if fits(fact):
                    return fact
            got = self._receive(deadline)
            assert got and got["m"] != "eof", \
                f"no fact.{fact_name} {fields}: {got} {self.facts[-8:]}\n" \
                + self.log.text()[-4000:]

    def drain_facts(self):
        """All facts until now."""
        while self._receive(time.monotonic()) not in (None, {"m": "eof"}):
            pass
        return self.facts

    def end(self, timeout=20):
        """The last words, after which the process is gone, with code 0."""
        fact = self.wait("end", timeout)
        assert self.process.wait(10 * STRETCH) == 0
        return fact

    def phases(self):
        return [f["phase"] for f in self.facts if f["m"] == "fact.phase"]

    def counters(self, forward, timeout=10, **fields):
        """Waits until the forward's counters have these values."""
        return self.wait("counters", timeout, id=forward.id, **fields)

    def cleanup(self):
        if self.process.poll() is None:
            proc.kill(self.pid)
            self.process.wait()
        self.sock.close()
        found = COMPLAINT.search(self.log.text())
        assert not found, self.log.text()[-8000:]
