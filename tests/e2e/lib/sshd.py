# SPDX-License-Identifier: ISC
"""Throw-away OpenSSH servers and the keys to log in to them."""

import contextlib
import os
import pwd
import re
import shutil
import signal
import subprocess

from lib import ports, proc
from lib.servers import is_bound
from lib.textlog import TextLog
from lib.wait import until

USER = pwd.getpwuid(os.getuid()).pw_name


def find_server(name):
    return shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin:"
                        + os.environ.get("PATH", ""))


SSHD = find_server("sshd")
# By scripts/install-deps, where the system's OpenSSH is old.
UNPACKED = os.path.realpath(os.path.join(
    os.path.dirname(__file__), "../../../.cache/openssh"))
_NEW = os.path.join(UNPACKED, "usr", "sbin", "sshd")
SSHDS = [SSHD] + [_NEW] * os.access(_NEW, os.X_OK)
KEY_TYPES = ("ed25519", "ecdsa", "rsa")


def make_key(path, kind, bits=None):
    """A fresh key pair without a passphrase; gives the public line. "rsa-2048"
    is another way to say how many bits."""
    kind, _, bits = kind.partition("-") if not bits else (kind, None, bits)
    size = ["-b", str(bits)] if bits else []
    subprocess.run(["ssh-keygen", "-q", "-t", kind, *size, "-N", "",
                    "-f", path], check=True, capture_output=True)
    with open(f"{path}.pub", encoding="ascii") as f:
        return f.read().strip()


def version(program):
    """(9, 2) for OpenSSH_9.2p1. One that knows no -V names itself, too."""
    text = subprocess.run([program, "-V"], capture_output=True, text=True,
                          check=False).stderr
    return tuple(map(int, re.search(r"OpenSSH_(\d+)\.(\d+)", text).groups()))


class Keys:
    """One client key of each type, as paths."""

    def __init__(self, folder):
        self.public = []
        for kind in KEY_TYPES:
            path = os.path.join(folder, f"id_{kind}")
            self.public.append(make_key(path, kind))
            setattr(self, kind, path)


class Sshd:
    """One server with its own host keys, configuration and log.

    options are lines of sshd_config; they come first and so win. With ns the
    server runs in that namespace. program is one of SSHDS. A bare one has
    OpenSSH's own defaults in everything that isn't about places.
    """

    def __init__(self, folder, keys, options=(), address="127.0.0.1",
                 port=None, ns=None, host_keys=("ed25519",), program=SSHD,
                 bare=False):
        os.makedirs(folder)
        self.folder = folder
        self.address = address
        self.port = port or ports.free()
        self.keys = keys
        self.ns = ns
        self.log = TextLog(self.path("log"))
        self.host_key_lines = [self._make_host_key(self.path(f"host_{kind}"),
                                                   kind)
                               for kind in host_keys]
        self._program = program
        self._process = None
        self._write_config(options, host_keys, bare)
        self.authorize(*keys.public)
        self.known_hosts = self.path("known_hosts")
        self.write_known_hosts(self.host_key_lines)

    def path(self, name):
        return os.path.join(self.folder, name)

    def authorize(self, *lines):
        """These are the lines of authorized_keys, from now on."""
        with open(self.path("authorized_keys"), "w", encoding="ascii") as f:
            f.writelines(f"{line}\n" for line in lines)

    @property
    def known_name(self):
        """The server's name in known_hosts."""
        return self.address if self.port == 22 \
            else f"[{self.address}]:{self.port}"

    def write_known_hosts(self, lines, hashed=False):
        """A line is "type blob ...", as in a public key's file."""
        with open(self.known_hosts, "w", encoding="ascii") as f:
            for line in lines:
                f.write(f"{self.known_name} {line}\n")
        if hashed:
            subprocess.run(["ssh-keygen", "-q", "-H", "-f",
                            self.known_hosts], check=True,
                           capture_output=True)
            os.unlink(self.known_hosts + ".old")

    def trust_port(self, port):
        """The server is also known by another port of 127.0.0.1, at which a
        proxy stands."""
        with open(self.known_hosts, "a", encoding="ascii") as f:
            for line in self.host_key_lines:
                f.write(f"[127.0.0.1]:{port} {line}\n")

    _make_host_key = staticmethod(make_key)

    def _write_config(self, options, host_keys, bare):
        lines = list(options) + [
            f"Port {self.port}", f"ListenAddress {self.address}",
            *(f"HostKey {self.path(f'host_{k}')}" for k in host_keys),
            f"AuthorizedKeysFile {self.path('authorized_keys')}",
            "PidFile none", "StrictModes no", "LogLevel DEBUG1",
        ]
        if self._program == _NEW:
            # Its other halves don't lie where they were compiled for.
            lib = os.path.join(UNPACKED, "usr", "lib", "openssh")
            lines += [f"SshdSessionPath {lib}/sshd-session",
                      f"SshdAuthPath {lib}/sshd-auth"]
        if not bare:
            lines += [
                "UsePAM no", "UseDNS no", "PasswordAuthentication no",
                "KbdInteractiveAuthentication no",
                "PermitRootLogin prohibit-password",
                "AllowTcpForwarding yes", "PrintMotd no", "PrintLastLog no"]
            if version(self._program) >= (9, 8):
                lines.append("PerSourcePenalties no")
        with open(self.path("config"), "w", encoding="ascii") as f:
            f.write("\n".join(lines) + "\n")

    def _command(self):
        if os.getuid() == 0:
            # The privilege separation folder is compiled into sshd.
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        return [self._program, "-D", "-f", self.path("config"),
                "-E", self.log.path]

    def start(self):
        with self.ns or contextlib.nullcontext(), \
                open(self.log.path, "ab") as log:
            self._process = subprocess.Popen(
                self._command(), stdin=subprocess.DEVNULL, stderr=log,
                start_new_session=True)
            until(lambda: self._process.poll() is not None
                  or is_bound(self.port), 10, "sshd listens")
        assert self._process.poll() is None, self.log.text()
        return self

    @property
    def pid(self):
        return self._process.pid

    def sessions(self):
        """The process at the head of each connection, oldest first."""
        return [p for p in proc.children(self.pid) if proc.alive(p)]

    def freeze(self):
        """Stops every connection's processes and gives them: sshd forks once
        more when a session begins, and must not do so unseen."""
        frozen = set()
        while new := set(proc.descendants(self.pid)) - frozen:
            for pid in new:
                proc.kill(pid, signal.SIGSTOP)
            frozen |= new
        return frozen

    @staticmethod
    def thaw(frozen):
        for pid in frozen:
            proc.kill(pid, signal.SIGCONT)

    def kill_sessions(self):
        """Every connection's processes die without a goodbye."""
        for pid in self.freeze():
            proc.kill(pid)

    def stop_listener(self):
        """New connections are refused; sessions live on, as orphans."""
        pids = proc.descendants(self.pid)
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(10)
        return pids

    def stop(self):
        """Ends the listener and every session."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGSTOP)
            pids = self.freeze()
            self._process.kill()
            self._process.wait()
            for pid in pids:
                proc.kill(pid)
            proc.wait_gone(pids, 10)
        self._process = None

    def ssh(self, *arguments, port=None, host=None, key=None):
        """The ssh command line that logs in here (to host:port, if the way
        leads through a tunnel), strictly checking the host key."""
        return ["ssh", "-F", "none", "-o", "BatchMode=yes",
                "-o", "IdentitiesOnly=yes", "-i", key or self.keys.ed25519,
                "-o", f"UserKnownHostsFile={self.known_hosts}",
                "-o", "GlobalKnownHostsFile=none",
                "-o", "StrictHostKeyChecking=yes",
                "-o", f"HostKeyAlias={self.known_name}",
                "-o", "ConnectTimeout=10", "-l", USER,
                "-p", str(port or self.port), host or self.address,
                *arguments]


class PamSshd(Sshd):
    """One that asks PAM, which wants to hear password; account is a line of
    its configuration. PAM reads that from /etc, so that this server has an
    /etc/pam.d of its own; that takes root."""

    password = "Correct-Horse-Battery-1"
    FOUND = os.path.exists("/etc/pam.d/sshd")

    def __init__(self, folder, keys, options=(), account="pam_permit.so",
                 **others):
        super().__init__(folder, keys, options=[
            *options, "UsePAM yes", "PasswordAuthentication yes",
            "KbdInteractiveAuthentication yes", "PermitRootLogin yes"],
            **others)
        with open(self.path("password"), "w", encoding="ascii") as f:
            f.write(self.password)
        with open(self.path("check"), "w", encoding="ascii") as f:
            f.write("#!/bin/sh\n"
                    "[ \"$(tr -d '\\000')\" = \"$(cat "
                    f"{self.path('password')})\" ]\n")
        os.chmod(self.path("check"), 0o700)
        with open(self.path("pam"), "w", encoding="ascii") as f:
            f.write("auth required pam_exec.so quiet expose_authtok "
                    f"{self.path('check')}\n"
                    "auth required pam_permit.so\n"
                    f"account required {account}\n"
                    "password required pam_pwhistory.so\n"
                    "session required pam_permit.so\n")

    def _command(self):
        return ["unshare", "-m", "sh", "-c",
                f"mount --bind {self.path('pam')} /etc/pam.d/sshd "
                '&& exec "$0" "$@"', *super()._command()]


class Dropbear(Sshd):
    """The server of small machines. Whom it lets in stands in the user's home,
    so it has a home of its own; that takes root."""

    @staticmethod
    def _make_host_key(path, kind):
        said = subprocess.run(["dropbearkey", "-t", kind, "-f", path],
                              check=True, capture_output=True,
                              text=True).stdout
        return next(line for line in said.splitlines()
                    if line.startswith(("ssh-", "ecdsa-")))

    def _write_config(self, options, host_keys, bare):
        self._options = [*options, *(f"-r{self.path(f'host_{k}')}"
                                     for k in host_keys)]
        os.symlink(".", self.path(".ssh"))

    def _command(self):
        return ["unshare", "-m", "sh", "-c",
                f'mount --bind {self.folder} ~ && exec "$0" "$@"',
                find_server("dropbear"), "-F", "-E", "-P", self.path("pid"),
                "-p", f"{self.address}:{self.port}", *self._options]
