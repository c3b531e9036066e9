# SPDX-License-Identifier: ISC
"""hawserd under systemd, with the unit as it is installed: a real systemd,
which has hawserd's user, folders, sockets and restrictions made."""

import os
import re
import signal
import threading

import pytest

from lib import ports
from lib.hawserd import stanza
from lib.servers import connect, ping
from lib.systemd import Systemd
from lib.wait import SANITIZED, until

pytestmark = [
    pytest.mark.netns,
    pytest.mark.skipif(SANITIZED, reason="a sanitizer needs more than the "
                       "unit allows"),
]
HOME = "/var/lib/hawser"
LOG = "/var/hawserd.log"
SAMPLES = os.path.join(os.path.dirname(__file__), "../../conf.d/systemd")
LOW_PORTS = os.path.join(SAMPLES, "low-ports.conf")
SOCKET = os.path.join(SAMPLES, "hawserd.socket.sample")
EXPOSED = re.compile(r"exposure level for \S+: ([\d.]+)")


class Service:
    """hawserd.service, which leads to one sshd."""

    def __init__(self, systemd, sshd):
        self.systemd = systemd
        self.sshd = sshd
        # A system call that the unit forbids ends who makes it.
        systemd.drop_in(f"StandardError=append:{LOG}", "RestartSec=100ms",
                        "SystemCallErrorNumber=kill")

    def boot(self):
        self.systemd.start()
        with open(self.sshd.keys.ed25519, encoding="ascii") as f:
            self.own("id_ed25519", f.read())
        with open(self.sshd.known_hosts, encoding="ascii") as f:
            self.own("known_hosts", f.read())
        return self

    def own(self, name, text):
        self.systemd.write(f"{HOME}/.ssh/{name}", text, "hawser:hawser",
                           "0600")

    def write(self, *stanzas):
        self.systemd.write("/etc/hawser/conf.d/10-test.conf",
                           "\n".join(stanzas))

    def stanza(self, name, *forwards, **options):
        """Keys and known_hosts are where ssh has them."""
        return stanza(name, self.sshd, *forwards, IdentityFile=None,
                      IdentitiesOnly=None, UserKnownHostsFile=None,
                      **options)

    def start(self):
        done = self.systemd.ctl("start", "hawserd", check=False)
        assert done.returncode == 0, done.stderr + self.log()
        return self

    def log(self):
        return self.systemd.run("cat", LOG, check=False).stdout

    def status(self):
        return self.systemd.show("StatusText")

    def wait_status(self, wanted):
        until(lambda: re.search(wanted, self.status()), 15,
              lambda: f"{wanted}: {self.status()}\n{self.log()}")


@pytest.fixture
def systemd(stack, workdir):
    made = Systemd(os.path.join(workdir, os.path.basename(workdir) + "-sd"))
    stack.daemons.callback(made.stop)
    return made


@pytest.fixture
def service(systemd, sshd):
    return Service(systemd, sshd)


def use(port, host="127.0.0.1"):
    with connect(port, host) as s:
        ping(s)


class Clients:
    """One after the other, as fast as they are served; how each fared."""

    def __init__(self, port, stack, count=4):
        self.port = port
        self.served = self.refused = self.broken = 0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run)
                         for _ in range(count)]
        for thread in self._threads:
            thread.start()
        stack.daemons.callback(self.end)

    def _count(self, what):
        with self._lock:
            setattr(self, what, getattr(self, what) + 1)

    def _run(self):
        while not self._over.is_set():
            try:
                with connect(self.port) as s:
                    ping(s)
                self._count("served")
            except ConnectionRefusedError:
                self._count("refused")
            except (OSError, AssertionError, EOFError):
                self._count("broken")

    def wait_served(self, more):
        goal = self.served + more
        until(lambda: self.served >= goal, 20,
              lambda: f"{more} more clients served: {vars(self)}")

    def end(self):
        self._over.set()
        for thread in self._threads:
            thread.join()


def test_hardened_unit_does_its_work(service, target):
    systemd = service.systemd
    systemd.drop_in("SupplementaryGroups=adm", name="group")
    service.boot()
    local, again, third = ports.free(), ports.free(), ports.free()
    remote, named = ports.free(), ports.free()
    port = target.rpartition(":")[2]
    systemd.run("sh", "-c", "echo 127.0.0.1 db.test >>/etc/hosts")
    systemd.write("/etc/hawser/hawser.ini", "[api]\ngroup = adm\n")
    direct = service.stanza("direct", f"LocalForward {local} {target}",
                            f"RemoteForward {remote} {target}",
                            f"RemoteForward {named} db.test:{port}",
                            HawserOnChange=f"touch {HOME}/changed")
    piped = service.stanza("piped", f"LocalForward {again} {target}",
                           ProxyCommand="nc %h %p")
    service.write(direct, piped)
    service.start()
    service.wait_status("^4/4 forwards up, 2 verified$")
    for number in (local, again, remote, named):
        use(number)
    found = systemd.run("hawser", "--system", "status", "--json").stdout
    assert found.count('"seccomp+landlock"') == 2, found
    systemd.run("test", "-e", f"{HOME}/changed")
    assert "direct" in systemd.run("hawser", "--system", "history").stdout
    systemd.run("setpriv", "--reuid=65534", "--regid=65534", "--groups=adm",
                "hawser", "--system", "status")

    # A reload says how it went; one that is refused leaves all as it was.
    service.write(direct, piped, service.stanza(
        "more", f"LocalForward {third} {target}",
        f"LocalForward 127.0.0.1:{port} localhost:1"))
    systemd.ctl("reload", "hawserd")
    # Who has the port can't be seen through ProtectProc=.
    service.wait_status("^5/6 forwards up, .*, "
                        f"more:L:127.0.0.1:{port} bind-failed since ")
    use(third)
    service.write(direct, "Host broken\n\tLocalForward nowhere\n")
    done = systemd.ctl("reload", "hawserd", check=False)
    assert done.returncode != 0
    service.wait_status(r"^the last reload was refused \(.*10-test.conf:\d+: ")
    assert systemd.show("ActiveState") == "active"
    systemd.kill_main(signal.SIGHUP)
    use(third)
    service.write(direct)
    systemd.ctl("reload", "hawserd")
    service.wait_status("^3/3 forwards up, ")

    systemd.ctl("stop", "hawserd")
    assert systemd.show("Result") == "success"
    with pytest.raises(ConnectionRefusedError):
        connect(local)


def test_restart_refuses_no_client(service, target, stack):
    systemd = service.boot().systemd
    tcp, path = ports.free(), "/run/hawser/local.sock"
    service.write(service.stanza(
        "vps", f"LocalForward {tcp} {target}",
        f"LocalForward {path} {target}"))
    service.start()
    service.wait_status("^2/2 forwards up")
    # Both loopback addresses, and the path.
    assert systemd.show("NFileDescriptorStore") == "3"
    clients = Clients(tcp, stack)
    clients.wait_served(20)
    systemd.ctl("restart", "hawserd")
    clients.wait_served(20)
    assert (clients.refused, clients.broken) == (0, 0)
    # A crash can't spare those that it was about.
    before = systemd.show("MainPID")
    systemd.kill_main(signal.SIGKILL)
    clients.wait_served(20)
    clients.end()
    assert clients.refused == 0
    assert systemd.show("MainPID") != before
    assert systemd.show("NFileDescriptorStore") == "3"
    said = systemd.run("socat", "-t5", "-", f"UNIX-CONNECT:{path}",
                       stdin="hello\n")
    assert said.stdout == "hello\n"

    # What leaves the configuration leaves the store.
    service.write(service.stanza("vps", f"LocalForward {path} {target}"))
    systemd.ctl("reload", "hawserd")
    until(lambda: systemd.show("NFileDescriptorStore") == "1", 10,
          "one socket is stored")
    with pytest.raises(ConnectionRefusedError):
        connect(tcp)


def test_hung_loop_is_killed(service, target):
    systemd = service.systemd
    systemd.drop_in("WatchdogSec=1", name="watchdog")
    service.boot()
    local = ports.free()
    service.write(service.stanza("vps", f"LocalForward {local} {target}"))
    service.start()
    service.wait_status("^1/1 forwards up")
    systemd.kill_main(signal.SIGSTOP)
    until(lambda: systemd.show("NRestarts") == "1", 15, "it is restarted")
    use(local)


def test_low_ports_and_a_socket_unit(service, target):
    systemd = service.systemd
    with open(LOW_PORTS, encoding="utf-8") as f:
        systemd.drop_in(f.read(), name="low-ports")
    low, lent = f"127.{os.getpid() % 200 + 2}.7.9", ports.free()
    systemd.unit("hawserd.socket", "[Socket]",
                 f"ListenStream=127.0.0.1:{lent}",
                 f"ListenStream=[::1]:{lent}")
    service.boot()
    systemd.ctl("start", "hawserd.socket")
    service.write(
        service.stanza("vps", f"LocalForward {low}:443 {target}"),
        service.stanza("down", f"LocalForward {lent} {target}",
                       HawserHold=0, HawserEnabled="no"))
    with connect(lent) as waiting:
        # Which starts the service, and waits in its backlog.
        service.wait_status("^1/1 forwards up")
        use(443, low)
        systemd.run("hawser", "--system", "up", "down")
        ping(waiting)
    systemd.run("hawser", "--system", "down", "down")
    with connect(lent) as waiting:
        systemd.ctl("restart", "hawserd")
        systemd.run("hawser", "--system", "up", "down")
        ping(waiting)
    # One stored, two lent.
    assert systemd.show("NFileDescriptorStore") == "1"


def test_reload_by_notifications(service, target):
    """Type=notify-reload, which a unit of somebody else may have: what a
    reload brings is there when it returns."""
    systemd = service.systemd
    systemd.drop_in("Type=notify-reload", "ExecReload=", name="reload")
    service.boot()
    said = systemd.ctl("--version").stdout
    if int(said.split()[1].split(".")[0]) < 253:
        pytest.skip("systemd before 253")
    local = ports.free()
    service.write(service.stanza("vps"))
    service.start()
    service.write(service.stanza("vps", f"LocalForward {local} {target}"))
    systemd.ctl("reload", "hawserd")
    use(local)
    service.write("Host broken\n\tLocalForward nowhere\n")
    systemd.ctl("reload", "hawserd")
    assert service.status().startswith("the last reload was refused (")


USER = "\n".join((
    "[Service]", "Type=notify", "User=hawser", "PAMName=", "Delegate=yes",
    "RuntimeDirectory=user", "Environment=XDG_RUNTIME_DIR=/run/user HOME="
    + HOME, "ExecStart=/usr/lib/systemd/systemd --user --unit=basic.target",
    "KillMode=mixed"))


def test_unit_of_a_user(service, target):
    systemd = service.systemd
    systemd.unit("user.service", USER)
    service.boot()
    as_user = ("setpriv", "--reuid", "hawser", "--regid", "hawser",
               "--clear-groups", "env", "-i", "PATH=" + os.environ["PATH"],
               "XDG_RUNTIME_DIR=/run/user", f"HOME={HOME}")
    local = ports.free()
    systemd.run(*as_user, "mkdir", "-p", f"{HOME}/.config/hawser/conf.d")
    systemd.write(f"{HOME}/.config/hawser/conf.d/a.conf", service.stanza(
        "vps", f"LocalForward {local} {target}"), "hawser:hawser", "0600")
    systemd.ctl("start", "user.service")
    systemd.run(*as_user, "systemctl", "--user", "start", "hawserd")
    systemd.run(*as_user, "hawser", "wait", "--timeout", "10", "vps")
    use(local)
    systemd.run(*as_user, "systemctl", "--user", "restart", "hawserd")
    use(local)
    systemd.run(*as_user, "systemctl", "--user", "reload", "hawserd")


def exposure(systemd, unit, *drop_ins):
    """What systemd thinks of the unit with these drop-ins: 0 is safe."""
    path = os.path.join(systemd.folder, "hawserd.service")
    with open(path, "w", encoding="utf-8") as out:
        for name in (unit, *drop_ins):
            with open(name, encoding="utf-8") as f:
                out.write(f.read())
    said = systemd.run("systemd-analyze", "security", "--offline=true", path)
    return float(EXPOSED.search(said.stdout).group(1))


def test_units_are_valid_and_tight(systemd):
    systemd.start()
    found = {}
    for top, _, files in os.walk(systemd.dest):
        if "hawserd.service" in files:
            found[os.path.basename(top)] = os.path.join(top,
                                                        "hawserd.service")
    assert set(found) == {"system", "user"}
    for manager, path in found.items():
        done = systemd.run("systemd-analyze", "verify", f"--{manager}", path,
                           check=False)
        assert "hawserd" not in done.stderr, done.stderr
    with open(SOCKET, encoding="utf-8") as f:
        systemd.unit("hawserd.socket", f.read())
    done = systemd.run("systemd-analyze", "verify", found["system"],
                       os.path.join(systemd.folder, "units/hawserd.socket"),
                       check=False)
    assert "hawserd" not in done.stderr, done.stderr
    assert exposure(systemd, found["system"]) <= 1.5
    assert exposure(systemd, found["system"], LOW_PORTS) <= 1.7
