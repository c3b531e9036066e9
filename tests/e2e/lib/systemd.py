# SPDX-License-Identifier: ISC
"""A systemd of the test's own: the first process of namespaces in which
hawser is installed, and nothing else runs."""

import atexit
import contextlib
import fcntl
import functools
import os
import shutil
import signal
import subprocess
import tempfile

import pytest

from lib import proc
from lib.hawserd import BUILD
from lib.wait import Timeout, until

SYSTEMD = "/usr/lib/systemd/systemd"
# What units are ordered after; the machine's own would start half of it.
TARGETS = ("basic", "multi-user", "network", "nss-lookup", "shutdown",
           "sockets", "sysinit", "test")
# $1 is the test's folder, $2 where the units are, $3 what is put over /usr. What
# is written below /etc, /usr and /var is gone with the namespace; hawser has no
# past there, though one of this machine may.
INSIDE = """
mount --make-rprivate / && mount -t proc proc /proc &&
umount -R -l /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup &&
mount -t tmpfs -o mode=755 tmpfs /run && mkdir -p /run/systemd/system &&
mount -t tmpfs tmpfs "$1/up" && cd "$1/up" &&
for d in etc usr var; do
	mkdir $d $d.work && chmod 755 $d && below=/$d &&
	if [ -d "$3/$d" ]; then below=$3/$d:/$d; fi &&
	mount -t overlay -o "lowerdir=$below,upperdir=$d,workdir=$d.work" \
	    overlay /$d || exit 1
done &&
rm -rf /var/lib/hawser &&
exec env -i container=hawser-test PATH="$PATH" \
    SYSTEMD_UNIT_PATH="$1/units:$2" """ + SYSTEMD + """ --system \
    --unit=test.target --log-target=console --show-status=no --dump-core=no
"""
IN_CGROUP = 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"'


def _cgroup2():
    """Where the kernel's one hierarchy is mounted, or None."""
    with open("/proc/mounts", encoding="utf-8") as f:
        for line in f:
            fields = line.split()
            if fields[2] == "cgroup2" and os.access(fields[1], os.W_OK):
                return fields[1]
    return None


@functools.lru_cache
def _installed():
    """Where everything lies as `make install` put it."""
    dest = tempfile.mkdtemp(prefix="hw-dest-")
    atexit.register(shutil.rmtree, dest)
    with open(os.path.join(BUILD, "config.status"), "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["make", "-C", BUILD, "install", f"DESTDIR={dest}"],
                       check=True, capture_output=True)
    return dest


class Systemd:
    def __init__(self, folder):
        self.folder = folder
        self.log = os.path.join(folder, "systemd.log")
        self._process = None
        self._pid = None
        top = _cgroup2()
        if not top or not os.access(SYSTEMD, os.X_OK):
            pytest.skip("no systemd, or no cgroup2 to write to")
        self._cgroup = os.path.join(top, os.path.basename(folder))
        for name in ("", "up", "units", "units/hawserd.service.d"):
            os.mkdir(os.path.join(folder, name))
        self.dest = _installed()
        self._find_units()

    def _find_units(self):
        found = [top for top, _, files in os.walk(self.dest)
                 if "hawserd.service" in files and top.endswith("/system")]
        if not found:
            pytest.skip("configured without systemd's units")
        self._units = found[0]
        for name in TARGETS:
            self.unit(f"{name}.target", "[Unit]", "DefaultDependencies=no")

    def unit(self, name, *lines):
        path = os.path.join(self.folder, "units", name)
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n")
        return path

    def drop_in(self, *lines, name="test"):
        self.unit(f"hawserd.service.d/{name}.conf", "[Service]", *lines)

    def start(self):
        os.mkdir(self._cgroup)
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                ["sh", "-c", IN_CGROUP, "sh", self._cgroup,
                 "unshare", "--pid", "--fork", "--kill-child", "--mount",
                 "--cgroup", "--uts", "--ipc",
                 "sh", "-c", INSIDE, "sh", self.folder, self._units,
                 self.dest],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        try:
            until(self._is_up, 10, "systemd runs")
        except Timeout:
            with open(self.log, encoding="utf-8") as f:
                pytest.skip("systemd doesn't run here: " + f.read()[-500:])
        self.run("systemd-sysusers")
        self.run("systemd-tmpfiles", "--create", "--prefix=/etc/hawser",
                 "--prefix=/var/lib/hawser")
        return self

    def _is_up(self):
        if self._process.poll() is not None:
            raise Timeout("it ended")
        below = proc.children(self._process.pid)
        if not below:
            return False
        self._pid = below[0]
        return self.run("systemctl", "is-active", "test.target",
                        check=False).returncode == 0

    def stop(self):
        if not self._process:
            return
        if self._pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        until(self._leave_cgroup, 10, "all of its processes are gone")

    def _leave_cgroup(self):
        for top, _, _ in os.walk(self._cgroup, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(top)
        return not os.path.exists(self._cgroup)

    def run(self, *command, check=True, stdin=""):
        """In its namespaces, as root."""
        done = subprocess.run(
            ["nsenter", "-t", str(self._pid), "-m", "-p", "-i", "-u", "--",
             *command], input=stdin, text=True, capture_output=True,
            timeout=60, check=False)
        assert not check or done.returncode == 0, \
            f"{command}: {done.stdout}{done.stderr}"
        return done

    def ctl(self, *arguments, check=True):
        return self.run("systemctl", *arguments, check=check)

    def show(self, prop, unit="hawserd.service"):
        return self.ctl("show", "-P", prop, unit).stdout.strip()

    def write(self, path, text, owner="root:root", mode="0644"):
        self.run("sh", "-c", 'cat >"$1" && chown "$2" "$1" && chmod "$3" "$1"',
                 "sh", path, owner, mode, stdin=text)

    def kill_main(self, sig):
        self.run("kill", f"-{int(sig)}", self.show("MainPID"))
