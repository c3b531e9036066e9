# SPDX-License-Identifier: ISC
"""A connection that breaks: how soon it is noticed and how soon it is back."""

import os
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading

import pytest

from lib import netns, ports, proc
from lib.clients import Knocker, Stream
from lib.hawserd import program, stanza
from lib.servers import connect, echo, is_bound, listening, ping
from lib.wait import STRETCH, Stopwatch, until

# Any up resets the back-off, so that each of many kills is "the first".
EAGER = {"HawserStable": "0", "HawserBackoff": "1s 2s"}


def latency(port, host="127.0.0.1"):
    """Seconds until a client has its first echo: during an outage, the time
    until it is over. Who is accepted just before the loss is noticed is cut
    off, and tries again; nobody is refused."""
    watch = Stopwatch()
    while True:
        try:
            with connect(port, host=host) as s:
                assert ping(s)
                return watch.seconds
        except (ConnectionResetError, EOFError):
            assert watch.seconds < 30


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def kill_workers(hawserd, sshd, serve, count, warm_up):
    """Gives the gaps, and the supervisor's memory after the first warm_up
    kills and after the last."""
    server = serve(echo)
    mine, others = ports.free(), ports.free()
    target = f"localhost:{server.port}"
    hawserd.write(
        stanza("mine", sshd, f"LocalForward {mine} {target}", **EAGER),
        stanza("others", sshd, f"LocalForward {others} {target}"))
    hawserd.start()
    hawserd.wait_up("mine")
    hawserd.wait_up("others")
    others_pid = hawserd.worker_pid("others")
    stream, knocker = Stream(others), Knocker(mine)
    gaps, memory = [], []
    open_before = descriptors(hawserd.pid)
    for done in range(count):
        if done == warm_up:
            memory.append(proc.rss(hawserd.pid))
        pid = hawserd.wait_up("mine")["pid"]
        proc.kill(pid, signal.SIGKILL)
        gaps.append(latency(mine))
        host = until(lambda: (h := hawserd.host("mine"))["state"] == "up"
                     and h["pid"] != pid and h, 10, "a new worker is up")
        assert host["last_end"]["class"] == "crash"
    assert knocker.finish().served > 0
    assert knocker.refused == 0
    assert stream.finish() > 0
    assert hawserd.worker_pid("others") == others_pid
    memory.append(proc.rss(hawserd.pid))
    until(lambda: descriptors(hawserd.pid) <= open_before, 5,
          "no descriptor is left over")
    assert all(map(proc.alive, proc.descendants(hawserd.pid))), "no zombie"
    return sorted(gaps), memory


@pytest.mark.alone
def test_killed_worker_is_replaced_at_once(hawserd, sshd, serve,
                                           record_property):
    gaps, _ = kill_workers(hawserd, sshd, serve, 10, 0)
    record_property("gap_p50_s", statistics.median(gaps))
    record_property("gap_max_s", gaps[-1])
    assert statistics.median(gaps) < 0.5 * STRETCH, gaps


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.timeout(1800)
def test_a_thousand_killed_workers(hawserd, sshd, serve, record_property):
    gaps, memory = kill_workers(hawserd, sshd, serve, 1000, 100)
    record_property("gap_p50_s", statistics.median(gaps))
    record_property("gap_p99_s", gaps[989])
    record_property("rss", memory)
    assert memory[1] < 1.01 * memory[0], memory
    assert gaps[989] < 1 * STRETCH, gaps[-20:]


def test_killed_supervisor_leaves_no_orphan(hawserd, sshd, serve):
    server = serve(echo)
    local = ports.free()
    hawserd.write(
        stanza("one", sshd, f"LocalForward {local} localhost:{server.port}"),
        stanza("two", sshd, f"RemoteForward {ports.free()} localhost:9"))
    hawserd.start()
    hawserd.wait_up("one")
    hawserd.wait_up("two")
    with connect(local) as s:
        assert ping(s)
        orphans = hawserd.kill()
        assert len(orphans) >= 2
        assert not proc.wait_gone(orphans, 2)
    assert not is_bound(local)
    assert os.path.exists(hawserd.socket), "the stale socket is the test"
    hawserd.start()
    hawserd.wait_up("one")
    assert latency(local) < 10


def test_second_daemon_is_refused(hawserd, sshd, make_hawserd):
    """The lock: two daemons with one state folder and one socket."""
    hawserd.write(stanza("one", sshd, f"LocalForward {ports.free()} a:1"))
    hawserd.start()
    hawserd.wait_up("one")
    second = make_hawserd()
    second.write(stanza("one", sshd, f"LocalForward {ports.free()} a:1"))
    second.socket = hawserd.socket
    second.environment = hawserd.environment
    second.spawn()
    assert second.wait_exit() == 1
    assert second.log.text().endswith(
        f"hawserd: hawserd is already running (pid {hawserd.pid}) with the "
        f"socket {hawserd.socket}; --socket names another\n")
    assert hawserd.host("one")["state"] == "up"


def test_descriptors_of_the_supervisor_run_out(hawserd, sshd, serve):
    """It lives, says so once, and goes on when there are some again."""
    local = ports.free()
    hawserd.write(stanza("one", sshd, f"LocalForward {local} "
                         f"127.0.0.1:{serve(echo).port}"))
    hawserd.start()
    worker = hawserd.wait_up("one")["pid"]
    usual = resource.prlimit(hawserd.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(hawserd.pid, resource.RLIMIT_NOFILE, (3, usual[1]))
    proc.kill(worker)
    hawserd.log.wait("cannot make a socket for the worker.*open files")
    hawserd.signal(signal.SIGHUP)
    hawserd.log.wait("the configuration stays as it was.*open files")
    with socket.socket(socket.AF_UNIX) as client, connect(local) as held:
        client.connect(hawserd.socket)
        hawserd.log.wait("the API cannot accept for now")
        before = proc.cpu_seconds(hawserd.pid)
        threading.Event().wait(2.2)
        assert proc.cpu_seconds(hawserd.pid) - before <= 0.1
        resource.prlimit(hawserd.pid, resource.RLIMIT_NOFILE, usual)
        hawserd.log.wait("the API accepts again")
        assert hawserd.host("one")["last_end"]["class"] == "crash"
        hawserd.request("POST", "/v1/hosts/one/retry")
        assert ping(held)
    assert hawserd.log.count("the API cannot accept for now") == 1


def test_upgrade_under_a_running_daemon(hawserd, sshd, serve, workdir):
    """Until it is restarted it runs the worker that it was started with."""
    local = ports.free()
    worker = os.path.join(workdir, "hawser-worker")
    shutil.copy(program("hawser-worker"), worker)
    hawserd.write(stanza("one", sshd, f"LocalForward {local} "
                         f"127.0.0.1:{serve(echo).port}", **EAGER))
    hawserd.start("--worker", worker)
    pid = hawserd.wait_up("one")["pid"]
    assert proc.name(pid) == "hawser-worker"
    shutil.copy("/bin/false", worker + ".new")
    os.rename(worker + ".new", worker)
    proc.kill(pid)
    until(lambda: hawserd.host("one")["pid"] not in (None, pid), 10, "a new")
    hawserd.wait_up("one")
    with connect(local) as s:
        assert ping(s)


def test_crash_loop(hawserd, sshd, serve):
    """Row 45: it is that host's alone, named, and slowed down."""
    # A sanitizer would make an exit of it.
    hawserd.environment["ASAN_OPTIONS"] += ":handle_segv=0"
    locals_ = mine, others = ports.free(), ports.free()
    target = f"127.0.0.1:{serve(echo).port}"
    hawserd.write(*(stanza(name, sshd, f"LocalForward {port} {target}")
                    for name, port in zip(("mine", "others"), locals_)))
    hawserd.start()
    others_pid = hawserd.wait_up("others")["pid"]
    for _ in range(2):
        pid = hawserd.wait_up("mine")["pid"]
        proc.kill(pid, signal.SIGSEGV)
        host = until(lambda: (h := hawserd.host("mine"))["pid"] != pid and h,
                     10, "the crash is noticed")
        assert host["last_end"]["class"] == "crash"
        assert "signal 11 (Segmentation fault)" in host["last_end"]["text"]
    # The first was made good at once, the second not before 5 s.
    log = hawserd.log.find("error hawserd: the link ended host=mine "
                           "class=crash .* next=(.*)")
    assert log[0] == "now"
    assert float(log[1].rstrip("s")) >= 5
    assert host["state"] == "waiting" and len(log) == 2
    client = connect(mine)      # it waits: 5 s are less than HawserHold
    assert hawserd.worker_pid("others") == others_pid
    with connect(others) as s:
        assert ping(s)
    client.close()


# A worker of the host "flood" says things as fast as it can; others are real.
FLOOD = """#!{python}
import os, socket, sys
if sys.argv[1] != "flood":
    os.execv({worker!r}, ["hawser-worker", *sys.argv[1:]])
s = socket.socket(fileno=3)
s.recv(300000)
s.send(b'{{"m":"fact.up","server":"SSH-2.0-flood"}}')
while True:
    for text in {facts!r}:
        s.send(text)
"""


@pytest.mark.alone
@pytest.mark.parametrize("facts", (
    [b'{"m":"fact.rtt","us":1}'],
    [b'{"m":"fact.forward","id":"R:9","state":"%s","detail":"%s"}'
     % (state, b"x" * 190000) for state in (b"up", b"held")],
    [b'{"m":"fact.resolve","req":1,"name":"localhost"}'],
), ids=("small", "large", "names"))
def test_flood_of_facts(hawserd, sshd, serve, record_property, facts):
    """A worker that was taken over keeps nobody waiting."""
    local = ports.free()
    worker = hawserd.path("worker")
    with open(worker, "w", encoding="utf-8") as f:
        f.write(FLOOD.format(python=sys.executable, facts=facts,
                             worker=program("hawser-worker")))
    os.chmod(worker, 0o700)
    hawserd.write(
        stanza("flood", sshd, "RemoteForward 9 a:9"),
        stanza("one", sshd, f"LocalForward {local} "
               f"127.0.0.1:{serve(echo).port}"))
    hawserd.start("--worker", worker)
    hawserd.wait_up("one")
    hawserd.wait_state("flood", "up", "degraded")
    took, busy = [], proc.cpu_seconds(hawserd.pid)
    while sum(took) < 1:
        watch = Stopwatch()
        assert hawserd.request("GET", "/v1/hosts/one")[0] == 200
        took.append(watch.seconds)
    busy = proc.cpu_seconds(hawserd.pid) - busy
    # The worst but one: others may use the processor, too.
    late = sorted(took)[-2]
    record_property("api_ms", 1000 * late)
    record_property("cpu", busy / sum(took))
    assert late < 0.1 * STRETCH
    assert latency(local) < 0.1 * STRETCH
    hawserd.request("POST", "/v1/hosts/flood/down")
    for pid in proc.children(hawserd.pid):
        proc.kill(pid)


@pytest.mark.skipif(not shutil.which("strace") or os.getuid() != 0,
                    reason="needs strace and root")
def test_no_process_can_be_made(hawserd, sshd, serve):
    local = ports.free()
    hawserd.write(stanza("one", sshd, f"LocalForward {local} "
                         f"127.0.0.1:{serve(echo).port}"))
    hawserd.start()
    worker = hawserd.wait_up("one")["pid"]
    with subprocess.Popen(
            ["strace", "-e", "inject=clone,clone3,fork,vfork:error=EAGAIN",
             "-o", os.devnull, "-p", str(hawserd.pid)],
            stderr=subprocess.PIPE) as strace:
        try:
            assert b"attached" in strace.stderr.readline()
            proc.kill(worker)
            hawserd.log.wait("class=crash why=.cannot start")
            hawserd.signal(signal.SIGHUP)
            hawserd.log.wait("configuration stays as it was.*cannot start")
        finally:
            strace.terminate()
    hawserd.request("POST", "/v1/hosts/one/retry")
    hawserd.wait_up("one")
    with connect(local) as s:
        assert ping(s)


@pytest.mark.alone
def test_killed_sshd_session(hawserd, sshd, serve, record_property):
    """Back in 0.3 s, as a client sees it, time and again."""
    server = serve(echo)
    local = ports.free()
    hawserd.write(stanza(
        "host", sshd, f"LocalForward {local} localhost:{server.port}",
        HawserStable="0"))
    hawserd.start()
    hawserd.wait_up("host")
    gaps = []
    for _ in range(5):
        worker = hawserd.wait_up("host")["pid"]
        sshd.kill_sessions()
        gaps.append(latency(local))
        host = until(lambda: (h := hawserd.host("host"))["state"] == "up"
                     and h["pid"] != worker and h, 10, "a new worker is up")
        assert host["last_end"]["class"] == "lost"
    record_property("gap_s", sorted(gaps))
    assert statistics.median(gaps) <= 0.3 * STRETCH, gaps


@pytest.mark.alone
def test_reset_in_mid_session(hawserd, sshd, serve, make_proxy,
                              record_property):
    server = serve(echo)
    line = make_proxy(sshd.port)
    sshd.trust_port(line.port)
    local = ports.free()
    hawserd.write(stanza(
        "host", sshd, f"LocalForward {local} localhost:{server.port}",
        Port=line.port))
    hawserd.start()
    worker = hawserd.wait_up("host")["pid"]
    with connect(local) as s:
        assert ping(s)
        line.reset()
        gap = latency(local)
    host = hawserd.wait_up("host")
    assert host["pid"] != worker
    assert host["last_end"]["class"] == "lost"
    record_property("gap_s", gap)
    assert gap <= 0.5 * STRETCH


def black_hole(make_ns, make_sshd, make_hawserd, serve, seconds):
    """Gives how long it took to notice and to be back."""
    home, vps = make_ns("home"), make_ns("vps")
    netns.cable(home, "10.77.3.1", vps, "10.77.3.2")
    sshd = make_sshd(address="10.77.3.2", port=22, ns=vps)
    with vps:
        server = serve(echo)
    hawserd = make_hawserd(ns=home)
    hawserd.write(stanza(
        "vps", sshd, f"LocalForward 4001 localhost:{server.port}",
        "RemoteForward 4002 localhost:9",
        ServerAliveInterval=1, ServerAliveCountMax=2, ConnectTimeout=2,
        HawserBackoff="1s 2s", HawserHold="1h"))
    hawserd.start()
    hawserd.wait_up("vps")
    with home:
        assert latency(4001) < 5
        vps.black_hole("10.77.3.1")
        watch = Stopwatch()
        hawserd.wait_state("vps", "waiting", "connecting", timeout=10)
        noticed = watch.seconds
        assert hawserd.host("vps")["last_end"]["class"] == "lost"
        # The only way to test an outage of a given length is to wait.
        threading.Event().wait(max(0, seconds - watch.seconds))
        assert hawserd.host("vps")["state"] in ("waiting", "connecting")
        client = connect(4001)
        client.sendall(b"late")
        vps.heal()
        watch = Stopwatch()
        assert client.recv(4) == b"late"
        back = watch.seconds
        client.close()
    # The server may take a while to drop the dead session with its port.
    hawserd.wait_up("vps", timeout=40)
    return noticed, back


def assert_black_hole(noticed, back):
    assert noticed <= (1 * 2 + 1) + 0.5 * STRETCH, f"noticed in {noticed} s"
    # An attempt's deadline, and the longest back-off after it.
    assert back <= 2 + 2 + 1 * STRETCH, f"back after {back} s"


@pytest.mark.netns
def test_black_hole(make_ns, make_sshd, make_hawserd, serve,
                    record_property):
    noticed, back = black_hole(make_ns, make_sshd, make_hawserd, serve, 10)
    record_property("noticed_s", noticed)
    record_property("back_s", back)
    assert_black_hole(noticed, back)


@pytest.mark.netns
@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seconds", (60, 600))
def test_long_black_hole(make_ns, make_sshd, make_hawserd, serve, seconds):
    assert_black_hole(*black_hole(make_ns, make_sshd, make_hawserd, serve,
                                  seconds))


def test_stopped_listener_leaves_sessions_alone(hawserd, sshd, serve):
    """Row 3: what is up stays up while new connections are refused."""
    server = serve(echo)
    local = ports.free()
    hawserd.write(stanza(
        "host", sshd, f"LocalForward {local} localhost:{server.port}",
        HawserBackoff="1s 2s", HawserHold="1h"))
    hawserd.start()
    hawserd.wait_up("host")
    with connect(local) as s:
        assert ping(s)
        session = sshd.stop_listener()
        assert ping(s)
        for pid in session:
            proc.kill(pid)
        hawserd.wait_ended("host")
        # A stream that was cut off must not look like a whole one.
        with pytest.raises(ConnectionResetError):
            s.recv(1)
    until(lambda: hawserd.host("host")["last_end"]["class"] == "refused",
          10, "the class is refused")
    host = until(lambda: (h := hawserd.host("host"))["next_attempt_at"]
                 and h, 5, "the next attempt has its time")
    assert host["last_end"]["text"]
    sshd.start()
    assert latency(local) < 10
    hawserd.wait_up("host")


# An outage is latency, not an error -------------------------------------------

def test_client_of_an_outage_is_served_when_it_is_over(hawserd, sshd, serve):
    server = serve(echo)
    local, dynamic = ports.free(), ports.free()
    hawserd.write(stanza(
        "host", sshd, f"LocalForward {local} localhost:{server.port}",
        f"DynamicForward {dynamic}", HawserBackoff="1s 1s"))
    hawserd.start()
    hawserd.wait_up("host")
    sshd.stop()
    hawserd.wait_ended("host")
    waiting = [connect(local) for _ in range(20)]
    for i, s in enumerate(waiting):
        s.sendall(b"%04d" % i)
    socks = connect(dynamic)
    socks.sendall(b"\x05\x01\x00")
    gone = [connect(local) for _ in range(5)]
    for s in gone:
        s.close()
    opens_before = server.accepted
    sshd.start()
    for i, s in enumerate(waiting):
        assert s.recv(4) == b"%04d" % i
        s.close()
    assert socks.recv(2) == b"\x05\x00"
    socks.close()
    # Those who hung up meanwhile were dropped without opening a channel.
    assert server.accepted - opens_before == len(waiting)


def test_listener_is_there_before_the_first_connection(hawserd, sshd, serve):
    """Also when the server can't be reached at the start of the daemon."""
    server = serve(echo)
    local = ports.free()
    sshd.stop()
    hawserd.write(stanza(
        "host", sshd, f"LocalForward {local} localhost:{server.port}",
        HawserBackoff="1s 1s"))
    hawserd.start()
    hawserd.wait_ended("host")
    with connect(local) as s:
        s.sendall(b"early")
        sshd.start()
        assert s.recv(5) == b"early"


def test_clients_are_refused_after_the_hold(hawserd, sshd, serve):
    server = serve(echo)
    local = ports.free()
    hawserd.write(stanza(
        "host", sshd, f"LocalForward {local} localhost:{server.port}",
        HawserBackoff="1s 1s", HawserHold="2s"))
    hawserd.start()
    hawserd.wait_up("host")
    sshd.stop()
    hawserd.wait_ended("host")
    with connect(local) as s:       # held, not refused
        until(lambda: not is_bound(local), 6, "the listener is closed")
        with pytest.raises(ConnectionRefusedError):
            connect(local)
        # Who waited in the closed listener's queue is told.
        with pytest.raises(ConnectionResetError):
            assert s.recv(1) != b""
    sshd.start()
    hawserd.wait_up("host")
    until(lambda: is_bound(local), 5, "the listener is back")
    assert latency(local) < 5


def test_hold_of_zero_refuses_at_once(hawserd, sshd, serve):
    server = serve(echo)
    local = ports.free()
    hawserd.write(stanza(
        "host", sshd, f"LocalForward {local} localhost:{server.port}",
        HawserBackoff="1s 1s", HawserHold="0"))
    hawserd.start()
    hawserd.wait_up("host")
    sshd.stop()
    hawserd.wait_ended("host")
    until(lambda: not is_bound(local), 3, "the listener is closed")
    assert not listening(local)
    sshd.start()
    hawserd.wait_up("host")
    until(lambda: is_bound(local), 5, "the listener is back")


def test_local_port_taken(hawserd, sshd, serve):
    """Row 51: that forward alone is bind-failed, and retried."""
    server = serve(echo)
    holder = serve(echo, port=ports.free())
    free = ports.free()
    target = f"localhost:{server.port}"
    hawserd.write(stanza(
        "host", sshd, f"LocalForward 127.0.0.1:{holder.port} {target}",
        f"LocalForward {free} {target}"))
    hawserd.start()
    hawserd.wait_state("host", "degraded")
    assert latency(free) < 5
    found = hawserd.wait_forward("host", f"L:127.0.0.1:{holder.port}",
                                 "bind-failed")
    assert str(holder.port) in found["detail"]
    holder.stop()
    hawserd.wait_up("host", timeout=40)
    with socket.create_connection(("127.0.0.1", holder.port)) as s:
        assert ping(s)
