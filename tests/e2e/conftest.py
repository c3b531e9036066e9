# SPDX-License-Identifier: ISC
"""Fixtures of the end-to-end tests. The programs under test are taken from
HAWSER_BUILD_DIR; everything else is started and ended here."""

import contextlib
import os
import shutil
import tempfile

import pytest

from lib import ports, proc
from lib.command import Command
from lib.hawserd import BUILD, Hawserd, program, stanza
from lib.hostile import WORKER_MAX, Stage
from lib.netns import Namespace
from lib.peer import SshPeer
from lib.proxy import Proxy
from lib.servers import Server, connect, echo, ping
from lib.sshd import SSHD, SSHDS, Keys, Sshd, version
from lib.worker import Worker

PEER = os.environ.get("HAWSER_E2E_PEER")
TOOLS = ("ssh", "ssh-keygen", "curl", "ip", "nft")


def pytest_configure(config):
    proc.become_subreaper()
    if config.option.collectonly:
        return
    if not PEER:
        for name in ("hawserd", "hawser", "hawser-worker"):
            if not BUILD or not os.access(program(name), os.X_OK):
                raise pytest.UsageError(
                    f"HAWSER_BUILD_DIR ({BUILD or 'not set'}) holds no "
                    f"program {name}")
    missing = [t for t in TOOLS if not shutil.which(t)]
    if missing or not SSHD:
        raise pytest.UsageError(f"missing programs: {missing or 'sshd'}")


def pytest_collection_modifyitems(config, items):
    if os.getuid() != 0:
        for item in items:
            if item.get_closest_marker("netns"):
                item.add_marker(pytest.mark.skip(
                    reason="network namespaces need root"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure shows the end of every log that the test made."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for log in getattr(item, "logs", []):
            with contextlib.suppress(OSError):
                report.sections.append((log.path, log.text()[-8000:]))


@pytest.fixture(scope="session")
def keys():
    folder = tempfile.mkdtemp(prefix="hw-keys-")
    yield Keys(folder)
    shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def no_leftovers():
    """The last word of every test: no process is left."""
    before = set(proc.descendants(os.getpid()))
    yield
    left = [p for p in proc.descendants(os.getpid()) if p not in before]
    left = proc.wait_gone(left, 2)
    shown = [f"{p} {proc.cmdline(p)}" for p in left]
    for pid in left:
        proc.kill(pid)
    proc.wait_gone(left, 2)
    assert not left, shown


@pytest.fixture
def stack(no_leftovers):
    """What a test started ends here, the last first; daemons before the
    servers that they are connected to."""
    with contextlib.ExitStack() as ending:
        with contextlib.ExitStack() as ending.daemons:
            yield ending


@pytest.fixture
def workdir(stack):
    """A folder with a short path: Unix sockets' names are limited."""
    folder = tempfile.mkdtemp(prefix="hw-")
    stack.callback(shutil.rmtree, folder)
    return folder


@pytest.fixture
def make_sshd(stack, workdir, keys, request):
    """make_sshd(**options of Sshd): a server that accepts connections."""
    made = []

    def make(kind=Sshd, **options):
        made.append(None)
        sshd = kind(os.path.join(workdir, f"sshd{len(made)}"), keys,
                    **options)
        request.node.logs = getattr(request.node, "logs", []) + [sshd.log]
        stack.callback(sshd.stop)
        return sshd.start()
    return make


@pytest.fixture(params=SSHDS, ids=lambda p: "openssh%d.%d" % version(p))
def openssh(request):
    """Each sshd there is: the system's, and a newer one."""
    return request.param


@pytest.fixture
def sshd(make_sshd):
    return make_sshd()


@pytest.fixture
def make_hawserd(stack, workdir, request):
    """make_hawserd(ns=None): a daemon that isn't started yet."""
    made = []

    def make(ns=None):
        made.append(None)
        kind = SshPeer if PEER == "ssh" else Hawserd
        daemon = kind(os.path.join(workdir, f"hawserd{len(made)}"), ns)
        request.node.logs = getattr(request.node, "logs", []) + [daemon.log]
        stack.daemons.callback(daemon.cleanup)
        return daemon
    return make


@pytest.fixture
def hawserd(make_hawserd):
    return make_hawserd()


@pytest.fixture
def make_worker(stack, workdir, request):
    """make_worker(sshd, **order): a worker that has no order yet."""
    made = []

    def make(sshd=None, **order):
        made.append(None)
        worker = Worker(os.path.join(workdir, f"worker{len(made)}"), sshd,
                        **order)
        request.node.logs = getattr(request.node, "logs", []) + [worker.log]
        stack.callback(worker.cleanup)
        return worker
    return make


@pytest.fixture
def serve(stack):
    """serve(handler, ...): a service behind the tunnel."""
    def make(*arguments, **options):
        server = Server(*arguments, **options)
        stack.callback(server.stop)
        return server
    return make


@pytest.fixture
def target(serve):
    """Where an echo service listens, for a forward's target."""
    return f"localhost:{serve(echo).port}"


@pytest.fixture
def make_proxy(stack):
    def make(*arguments, **options):
        proxy = Proxy(*arguments, **options)
        stack.callback(proxy.stop)
        return proxy
    return make


@pytest.fixture
def make_ns(stack):
    """make_ns("a"): a network namespace with its loopback up."""
    def make(label):
        ns = Namespace(label)
        stack.callback(ns.remove)
        return ns
    return make


@pytest.fixture
def play(hawserd, sshd, serve, stack, workdir, keys, target):
    """play(cases of lib.hostile), beside a host of the same hawserd whose
    server is honest: it must not notice."""
    def run(cases, seconds=30, behind=target, worker_max=WORKER_MAX):
        stage = Stage(serve, workdir, cases, behind, keys)
        local = ports.free()
        hawserd.write(stanza("witness", sshd,
                             f"LocalForward {local} {target}"),
                      *stage.stanzas())
        hawserd.start()
        witness = hawserd.wait_up("witness")["pid"]
        with connect(local) as s:
            stage.run(hawserd, stack, seconds, worker_max)
            assert ping(s)
        assert hawserd.worker_pid("witness") == witness
        return stage
    return run


@pytest.fixture
def start(stack, hawserd):
    """start("events", ...): a Command that ends with the test."""
    def begin(*arguments):
        command = Command(hawserd, *arguments)
        stack.callback(command.stop)
        return command
    return begin


@pytest.fixture
def follow(start):
    """`hawser events --json ...`, when it listens."""
    def begin(*arguments):
        command = start("events", "--json", *arguments)
        command.wait_event(event="hello")
        return command
    return begin
