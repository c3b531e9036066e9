# SPDX-License-Identifier: ISC
"""hawserd that root starts and that becomes somebody else.

Its user exists in a mount namespace only, where /var/lib and /run are folders
of the test, too; its ports below 1024 exist in a network namespace only.
"""

import os
import re
import shutil
import signal
import subprocess

import pytest

from lib import proc
from lib.hawserd import BUILD, Hawserd, program, stanza
from lib.servers import connect, echo, ping
from lib.wait import STRETCH, until

pytestmark = pytest.mark.netns

NAME, UID, GID, EXTRA = "moored", 61234, 61235, 61236
LOW_PORTS = 1 << 10                     # CAP_NET_BIND_SERVICE
ALL_IDS = {"Uid": {UID}, "Gid": {GID}}
INSIDE = """
cd "$1" && mount --bind passwd /etc/passwd && mount --bind group /etc/group &&
mount --bind lib /var/lib && mount --bind run /run && shift && exec "$@"
"""


def status(pid):
    with open(f"/proc/{pid}/status", encoding="ascii",
              errors="replace") as f:
        return dict(line.split(":", 1) for line in f.read().splitlines())


def capabilities(pid):
    """Inheritable, permitted, effective, bounding, ambient."""
    found = status(pid)
    return [int(found[f"Cap{kind}"], 16)
            for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")]


def ids(pid):
    found = status(pid)
    return {kind: set(map(int, found[kind].split())) for kind in ALL_IDS}


def is_dumpable(pid):
    return os.stat(f"/proc/{pid}/environ").st_uid == UID


def core_limit(pid):
    with open(f"/proc/{pid}/limits", encoding="ascii") as f:
        return re.search(r"^Max core file size +(\d+) +(\d+)", f.read(),
                         re.M).groups()


def facts(path):
    """Owner, group and mode."""
    st = os.lstat(path)
    return st.st_uid, st.st_gid, oct(st.st_mode & 0o7777)


class Moored(Hawserd):
    """The places are root's usual ones, as the daemon sees them."""

    def __init__(self, folder, ns):
        super().__init__(folder, ns)
        for name in ("lib", "bin", "home/.ssh"):
            os.mkdir(self.path(name))
        for name in ("", "conf", "conf/conf.d", "lib", "run", "bin"):
            os.chmod(self.path(name), 0o755)
        os.chmod(os.path.dirname(self.folder), 0o711)
        self._add_user()
        # Where the programs were built, the user may not be allowed to look.
        self.programs = self.path("bin")
        for name in ("hawserd", "hawser-worker"):
            shutil.copy(os.path.join(BUILD, name), self.programs)
        self.socket = self.path("run/hawser/api.sock")
        self.has_usual_places = True
        self.under = ("unshare", "-m", "sh", "-c", INSIDE, "sh", self.folder)
        for name in ("HAWSER_STATE", "HAWSER_SOCKET"):
            del self.environment[name]
        self.environment.update(
            HOME="/root", USER="root", LOGNAME="root",
            XDG_STATE_HOME="/root/state", XDG_RUNTIME_DIR="/root/run",
            XDG_CONFIG_HOME="/root/.config")
        self.state = self.path("lib/hawser")

    def _add_user(self):
        for name, line in (
                ("passwd", f"{NAME}:x:{UID}:{GID}::{self.path('home')}:"
                           "/bin/sh\n"),
                ("group", f"{NAME}:x:{GID}:\nmoored-files:x:{EXTRA}:{NAME}\n"
                 )):
            with open(f"/etc/{name}", encoding="utf-8") as f:
                text = f.read()
            with open(self.path(name), "w", encoding="utf-8") as f:
                f.write(text + line)
            os.chmod(self.path(name), 0o644)

    def give_home(self, sshd):
        """The user's keys and known_hosts are in ~/.ssh."""
        for name in ("id_ed25519", f"key-of-{NAME}"):
            shutil.copy(sshd.keys.ed25519, self.path(f"home/.ssh/{name}"))
        shutil.copy(sshd.known_hosts, self.path("home/.ssh/known_hosts"))
        for top, folders, files in os.walk(self.path("home")):
            for name in (top, *(os.path.join(top, f) for f in files)):
                os.chown(name, UID, GID)

    def write(self, *stanzas, name="10-test.conf"):
        path = super().write(*stanzas, name=name)
        os.chmod(path, 0o644)
        return path

    def ini(self, *lines, mode=0o644):
        path = os.path.join(self.conf, "hawser.ini")
        with open(path, "w", encoding="utf-8") as f:
            f.write("[supervisor]\n" + "\n".join(lines) + "\n")
        os.chmod(path, mode)

    def as_user(self, *options):
        """Started by the user itself."""
        self.under = (*self.under, "setpriv", "--reuid", NAME, "--regid",
                      NAME, "--init-groups", *options)
        os.makedirs(self.path("run/hawser"))
        os.chown(self.path("run/hawser"), UID, GID)
        self.environment.update(HOME=self.path("home"), USER=NAME,
                                HAWSER_SOCKET="/run/hawser/api.sock")
        for name in [n for n in self.environment if n.startswith("XDG_")]:
            del self.environment[name]

    def refuses(self, *arguments, source=None):
        """It doesn't start; why."""
        mark = self.log.mark()
        self.spawn(*arguments, source=source)
        assert self.wait_exit() == 1
        return self.log.text(mark)


@pytest.fixture
def ns(make_ns):
    return make_ns("low")


@pytest.fixture
def server(make_sshd, ns):
    return make_sshd(ns=ns)


@pytest.fixture
def target(serve, ns):
    with ns:
        return f"localhost:{serve(echo).port}"


@pytest.fixture
def moored(stack, workdir, ns, request):
    daemon = Moored(os.path.join(workdir, "moored"), ns)
    request.node.logs = getattr(request.node, "logs", []) + [daemon.log]
    stack.daemons.callback(daemon.cleanup)
    return daemon


def home_stanza(name, server, *forwards, **options):
    """Nothing says where keys and known_hosts are."""
    return stanza(name, server, *forwards, IdentityFile=None,
                  UserKnownHostsFile=None, **options)


def serves(ns, port):
    def answers():
        try:
            with ns, connect(port) as s:
                return ping(s)
        except (OSError, EOFError):
            return False
    until(answers, 15, f"an echo through port {port}")


def check_processes(moored):
    """What each process may do, as the kernel sees it."""
    assert capabilities(moored.pid) == [0, LOW_PORTS, LOW_PORTS, 0, 0]
    below = proc.descendants(moored.pid)
    names = {proc.name(pid) for pid in below}
    assert {"hawser-worker", "hawserd-guard", "nc"} <= names
    for pid in (moored.pid, *below):
        assert ids(pid) == ALL_IDS, proc.cmdline(pid)
        assert set(status(pid)["Groups"].split()) == {str(GID), str(EXTRA)}
        assert status(pid)["NoNewPrivs"].strip() == "1"
        assert core_limit(pid) == ("0", "0")
    for pid in below:
        assert not any(capabilities(pid)), proc.cmdline(pid)
    assert not is_dumpable(moored.pid)
    ours = proc.oom_score_adj(os.getpid())
    # Less only with CAP_SYS_RESOURCE, which a container's root has not.
    assert proc.oom_score_adj(moored.pid) in (ours, min(ours, -500))
    for pid in below:
        assert proc.oom_score_adj(pid) >= min(1000, max(0, ours) + 200), \
            proc.cmdline(pid)
        if proc.name(pid) == "hawser-worker":
            assert not is_dumpable(pid)


def test_becomes_the_user(moored, server, target, ns):
    """Start, low ports, a reload, a stop, and a second start over the files
    of the first."""
    moored.give_home(server)
    moored.ini(f"user = {NAME}", "log_level = debug")
    os.chmod(os.path.join(moored.conf, "hawser.ini"), 0o644)
    told = moored.path("home/told")
    proxied = home_stanza(
        "proxied", server, f"LocalForward 81 {target}",
        ProxyCommand=f"sh -c 'pwd >{told}; env >>{told}; exec nc %h %p'")
    moored.write(home_stanza("one", server, f"LocalForward 80 {target}"),
                 proxied)
    # As root it would be refused.
    matched = moored.path("home/matched")
    moored.write(f'Match exec "id -u >{matched}"\n\tConnectTimeout 9\n',
                 name="20-match.conf")
    # As root's hawserd has left them, and a link that leads out.
    os.mkdir(moored.state)
    for name in ("known_hosts", "hawserd.log"):
        with open(os.path.join(moored.state, name), "w", encoding="ascii"):
            pass
    os.symlink(moored.path("passwd"), os.path.join(moored.state, "link"))
    os.mkdir(moored.path("credentials"), mode=0o700)
    moored.environment["CREDENTIALS_DIRECTORY"] = moored.path("credentials")
    moored.start()
    moored.wait_up("one")
    moored.wait_up("proxied")
    serves(ns, 80)
    serves(ns, 81)
    check_processes(moored)
    assert moored.log.count(r"privileges are given up.*low_ports=yes") == 1
    assert moored.log.count(f"out of reach: say User={NAME} in the unit") == 1

    for path in (moored.state, moored.path("run/hawser")):
        assert facts(path) == (UID, GID, "0o700")
    for path in (moored.socket, moored.socket + ".lock"):
        assert facts(path) == (UID, GID, "0o600")
    for name in ("known_hosts", "hawserd.log"):
        assert facts(os.path.join(moored.state, name))[:2] == (UID, GID)
    assert facts(moored.path("passwd"))[:2] == (0, 0)
    assert facts(os.path.join(moored.state, "link"))[:2] == (0, 0)

    with open(told, encoding="utf-8") as f:
        folder, *lines = f.read().splitlines()
    assert folder == "/"
    assert {f"HOME={moored.path('home')}", f"USER={NAME}",
            f"LOGNAME={NAME}"} <= set(lines)
    assert not [line for line in lines if re.match("XDG_|HAWSER_", line)]
    assert facts(told)[2] == "0o600"
    assert facts(matched)[:2] == (UID, GID)

    # A port that is low, too, but comes only now.
    moored.write(home_stanza("one", server, f"LocalForward 80 {target}",
                             f"LocalForward 82 {target}"), proxied)
    assert moored.hup()["error"] is None
    serves(ns, 82)
    moored.ini("user = nobody")
    error = moored.hup()["error"]
    assert "hawser.ini:2:8: error" in error and "nobody" in error
    serves(ns, 82)
    moored.ini(f"user = {NAME}")
    assert moored.hup()["error"] is None
    moored.stop()

    moored.start()
    moored.wait_up("one")
    serves(ns, 82)
    again = subprocess.run(
        [*moored.under, os.path.join(moored.programs, "hawserd"), "-c",
         moored.conf], env=moored.environment, capture_output=True,
        text=True, timeout=20 * STRETCH, check=False)
    assert again.returncode == 1 and "already running" in again.stderr


def test_nothing_is_left_when_it_is_killed(moored, server, target, ns):
    """Its children ask for their death after the last change of ids."""
    moored.give_home(server)
    moored.ini(f"user = {NAME}", "group = moored-files", "[api]",
               "group = moored-files")
    moored.write(home_stanza("one", server, f"LocalForward 80 {target}"),
                 stanza("two", server, f"LocalForward 81 {target}",
                        key="%d/.ssh/key-of-%u", UserKnownHostsFile=None,
                        ProxyCommand="sleep 600 & nc %h %p | cat"))
    moored.start()
    moored.wait_up("one")
    moored.wait_up("two")
    assert ids(moored.pid)["Gid"] == {EXTRA}
    assert facts(moored.socket) == (UID, EXTRA, "0o660")
    assert facts(moored.path("run/hawser")) == (UID, EXTRA, "0o710")
    below = moored.kill()
    assert len(below) >= 6
    assert not proc.wait_gone(below, 2)


def test_daemon_with_one_file(moored, server, target, ns):
    """-F and --user: no hawser.ini is there to ask."""
    moored.give_home(server)
    path = moored.write(home_stanza("one", server,
                                    f"LocalForward 80 {target}"))
    moored.spawn("--daemon", "--user", NAME, source=("-F", path))
    # Standard error is a file: the log stays there.
    assert moored.wait_exit() == 0
    with open(os.path.join(moored.state, "hawserd.pid"),
              encoding="ascii") as f:
        pid = int(f.read())
    try:
        assert ids(pid) == ALL_IDS
        assert facts(os.path.join(moored.state, "hawserd.pid")) \
            == (UID, GID, "0o600")
        moored.wait_up("one")
        serves(ns, 80)
    finally:
        below = [pid, *proc.descendants(pid)]
        proc.kill(pid, signal.SIGTERM)
        assert not proc.wait_gone(below, 10)


def test_started_by_the_user(moored, server, target):
    """hawser.ini may name who it is; a low port says what it takes."""
    moored.give_home(server)
    moored.ini(f"user = {NAME}")
    moored.write(home_stanza("one", server, f"LocalForward 80 {target}",
                             f"LocalForward 8080 {target}"))
    moored.as_user()
    moored.start("--user", NAME)
    failed = moored.wait_forward("one", "L:80", "bind-failed")
    assert "CAP_NET_BIND_SERVICE" in failed["detail"]
    moored.wait_forward("one", "L:8080")
    assert capabilities(moored.pid)[1] == 0
    moored.ini("user = root")
    assert "only when root starts it anew" in moored.hup()["error"]


def test_capabilities_of_a_service_manager(moored, server, target, ns):
    """As with AmbientCapabilities= of systemd: the one is kept here, and none
    gets any further."""
    moored.give_home(server)
    moored.write(home_stanza("one", server, f"LocalForward 80 {target}"),
                 home_stanza("two", server, f"LocalForward 81 {target}",
                             ProxyCommand="nc %h %p"))
    given = "+net_bind_service,+net_admin"
    moored.as_user("--inh-caps", given, "--ambient-caps", given)
    moored.start()
    moored.wait_up("one")
    moored.wait_up("two")
    serves(ns, 80)
    inherited, permitted, effective, _, ambient = capabilities(moored.pid)
    assert (inherited, permitted, effective, ambient) \
        == (0, LOW_PORTS, LOW_PORTS, 0)
    for pid in proc.descendants(moored.pid):
        found = capabilities(pid)
        assert found[:3] + found[4:] == [0, 0, 0, 0], proc.cmdline(pid)


def test_who_is_no_root_cannot_choose(moored, server):
    moored.write(home_stanza("one", server, "LocalForward 80 a:1"))
    moored.as_user()
    assert "only root can start hawserd as nobody" \
        in moored.refuses("--user", "nobody")
    moored.ini("user = nobody")
    said = moored.refuses()
    assert "hawser.ini:2:8: error: hawserd runs as user 61234" in said
    assert "nobody only when root starts it anew" in said


def test_what_is_said_of_mistakes(moored, server):
    """None of them makes root run on, or gives anything away."""
    moored.write(home_stanza("one", server, "LocalForward 80 a:1"))
    moored.ini("user = nosuch")
    assert re.search(r'hawser.ini:2:8: error: there is no user "nosuch"',
                     moored.refuses())
    moored.ini(f"user = {NAME}", "group = nosuch")
    assert re.search(r'hawser.ini:3:9: error: there is no group "nosuch"',
                     moored.refuses())
    moored.ini(f"user = {NAME}")
    assert "--user says nobody" in moored.refuses("--user", "nobody")
    assert not os.path.exists(moored.state)
    moored.ini(f"user = {NAME}", mode=0o666)
    assert "can be written by everybody" in moored.refuses()
    # Who owns the file could say "root" next time.
    moored.ini(f"user = {NAME}")
    os.chown(os.path.join(moored.conf, "hawser.ini"), UID, GID)
    assert "belongs to another user" in moored.refuses()
    assert not os.path.exists(moored.state)


def test_files_that_only_root_may_read(moored, server):
    moored.write(home_stanza("one", server, "LocalForward 80 a:1"))
    moored.ini(f"user = {NAME}")
    os.chmod(os.path.join(moored.conf, "conf.d"), 0o700)
    assert "conf.d: error: cannot open the folder: permission denied; let " \
        f"user {NAME}," in moored.refuses()
    os.chmod(os.path.join(moored.conf, "conf.d"), 0o755)
    os.chmod(os.path.join(moored.conf, "conf.d", "10-test.conf"), 0o600)
    assert "10-test.conf: error: cannot open it: permission denied" \
        in moored.refuses()


def test_without_a_user_root_stays(hawserd):
    hawserd.write("")
    hawserd.start()
    assert ids(hawserd.pid)["Uid"] == {0}
    hawserd.log.wait(r"runs as root: --user NAME, or user = NAME in "
                     r"hawser.ini, gives that up")


def test_check_by_another_user(moored, server):
    """It says whose "~" and permissions count."""
    path = os.path.join(moored.conf, "conf.d", "x.conf")
    moored.ini("user = nobody")
    with open(path, "w", encoding="ascii") as f:
        f.write("Host a\n\tLocalForward 8080 a:1\n")
    done = subprocess.run([program("hawser"), "check", moored.conf],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "hawser.ini:2:8: note: hawserd reads this as nobody" in done.stderr
