#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Figures of many hosts on one server: one hawserd beside pairs of autossh and
ssh.

    tests/bench/scale.py [--build DIR] [--hosts N] [--pairs N] [--json FILE]

Takes root: both ends live in network namespaces of their own. Every host has
a LocalForward through the same sshd, whose MaxStartups is OpenSSH's default
(that of the pairs lets everybody in). Measured are: all come up; nothing
happens; one is reloaded among them; the line drops every packet, and is back.
Nothing is asserted but that every forward passes bytes: the machine decides.
"""

import contextlib
import datetime
import os
import re
import statistics
import threading
import time

import common                   # first: it says where lib is
from lib import netns, proc
from lib.hawserd import Hawserd, stanza
from lib.servers import Server, connect, echo, ping
from lib.sshd import Keys, Sshd
from lib.wait import Stopwatch, until

HOME, VPS = "10.77.9.1", "10.77.9.2"
PORT = 4000                     # of every forward: each has its address
STAMP = re.compile(r"^(\S+Z) \S+ +hawserd: (.*?) host=(\S+)", re.MULTILINE)
RELOADS = 10


def address(net, i):
    return f"127.{net}.{i // 250}.{i % 250 + 1}"


def percentile(values, percent):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def switches(pid):
    """How often it went to sleep by itself: every wake-up ends so."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", f.read(),
                             re.MULTILINE).group(1))


class Prober(threading.Thread):
    """Asks the API all the time, and notes what it took in ms."""

    PATHS = {"healthz": "/healthz", "status": "/v1/status"}

    def __init__(self, daemon):
        super().__init__(daemon=True)
        self._daemon = daemon
        self._took = {name: [] for name in self.PATHS}
        self._over = threading.Event()
        self.start()

    def run(self):
        while not self._over.wait(0.1):
            for name, path in self.PATHS.items():
                watch = Stopwatch()
                assert self._daemon.request("GET", path)[0] == 200
                self._took[name].append(watch.seconds * 1e3)

    def finish(self):
        self._over.set()
        self.join()
        return {f"{name}_{p}_ms": percentile(took, percent)
                for name, took in self._took.items() if took
                for p, percent in (("p50", 50), ("p99", 99))}


class Fleet:
    """hawserd with its hosts, and what its log says of them."""

    def __init__(self, folder, ns, sshd, count, target):
        self.daemon = Hawserd(folder, ns)
        self._ns, self._sshd, self._target = ns, sshd, target
        self.names = [f"h{i}" for i in range(count)]
        self._changed = {}
        self.write()

    def write(self, **changed):
        """changed: of one host, in another way each time."""
        options = {"HawserHold": "1h"}
        self.daemon.write(*(
            stanza(name, self._sshd, f"LocalForward {address(1, i)}:{PORT} "
                   f"{self._target}",
                   **(options | changed if i == 0 else options))
            for i, name in enumerate(self.names)), rested=True)

    def times(self, text, begin, mark):
        """Seconds from begin (of the wall clock) to the first line that says
        so of each host."""
        found = {}
        for stamp, said, host in STAMP.findall(
                self.daemon.log.text(since=mark)):
            if said == text:
                when = datetime.datetime.fromisoformat(
                    stamp.replace("Z", "+00:00")).timestamp()
                found.setdefault(host, when - begin)
        return list(found.values())

    def wait_all(self, text, begin, mark, timeout):
        def said():
            times = self.times(text, begin, mark)
            return times if len(times) == len(self.names) else None
        return until(said, timeout, lambda: f"all say '{text}', not "
                     f"{len(self.times(text, begin, mark))} of "
                     f"{len(self.names)}", interval=0.2)

    def workers(self):
        return [h["pid"] for h in self.daemon.status()["hosts"]]

    def use_all(self):
        """A round trip through each forward."""
        with self._ns:
            for i in range(len(self.names)):
                with connect(PORT, host=address(1, i)) as s:
                    assert ping(s)


# Measurements -----------------------------------------------------------------

def spread(name, times):
    return {f"{name}_50_s": percentile(times, 50),
            f"{name}_99_s": percentile(times, 99)}


def idle(pids, seconds):
    """Wake-ups each second and CPU in percent, of each of them."""
    woken = [switches(p) for p in pids]
    used = [proc.cpu_seconds(p) for p in pids]
    time.sleep(seconds)         # that nothing happens takes time to see
    return [{"wakeups_s": (switches(p) - w) / seconds,
             "cpu_percent": (proc.cpu_seconds(p) - u) / seconds * 100}
            for p, w, u in zip(pids, woken, used)]


def mean(rows, key):
    return statistics.mean(row[key] for row in rows)


def come_up(fleet, arguments):
    daemon = fleet.daemon
    begin = time.time()
    daemon.spawn()
    until(lambda: os.path.exists(daemon.socket), 20, "the API is there")
    prober = Prober(daemon)
    times = fleet.wait_all("the link is up", begin, 0, 60 + arguments.hosts)
    found = spread("up", times) | prober.finish()
    found["supervisor_cpu_s"] = proc.cpu_seconds(daemon.pid)
    found["worker_cpu_ms"] = 1e3 * statistics.mean(
        proc.cpu_seconds(p) for p in fleet.workers())
    fleet.use_all()
    return found


def rest(fleet, arguments):
    daemon, workers = fleet.daemon, fleet.workers()
    rows = idle([daemon.pid, *workers], arguments.idle)
    found = {
        "supervisor_wakeups_s": rows[0]["wakeups_s"],
        "worker_wakeups_s": mean(rows[1:], "wakeups_s"),
        "supervisor_cpu_percent": rows[0]["cpu_percent"],
        "workers_cpu_percent": sum(r["cpu_percent"] for r in rows[1:]),
        "supervisor_rss_mb": proc.rss(daemon.pid) / 1e6,
        "supervisor_pss_mb": proc.pss(daemon.pid) / 1e6,
        "worker_pss_mb": statistics.mean(map(proc.pss, workers)) / 1e6,
    }
    found["all_pss_mb"] = found["supervisor_pss_mb"] \
        + found["worker_pss_mb"] * len(workers)
    prober = Prober(daemon)
    time.sleep(5)
    found |= prober.finish()
    code, body = daemon.request("GET", "/v1/status")
    assert code == 200
    found["status_kb"] = len(str(body)) / 1e3
    return found


def reload_one(fleet):
    """ms until the answer, which comes when the plan is applied. What the
    files have to rest first when they have just been written is not in it."""
    daemon, before = fleet.daemon, fleet.workers()
    found, cpu = {}, proc.cpu_seconds(daemon.pid)
    for name, change in (("kept", {}), ("live", {"HawserHold": "2h"}),
                         ("replaced", {"Compression": "yes"})):
        took = []
        for i in range(RELOADS):
            fleet.write(**(change if i % 2 == 0 else {}))
            watch = Stopwatch()
            code, body = daemon.request("POST", "/v1/reload", timeout=60)
            took.append(watch.seconds * 1e3)
            assert code == 200, body
        found[f"{name}_p50_ms"] = percentile(took, 50)
    found["supervisor_cpu_ms"] = \
        (proc.cpu_seconds(daemon.pid) - cpu) * 1e3 / (3 * RELOADS)
    assert fleet.workers()[1:] == before[1:]
    return found


def count_attempts(fleet, seconds):
    """Workers that there were at once, at most."""
    most, watch = 0, Stopwatch()
    while watch.seconds < seconds:
        most = max(most, len(proc.children(fleet.daemon.pid)))
        time.sleep(0.5)
    return most


def go_down_and_up(fleet, home, arguments):
    daemon = fleet.daemon
    mark, begin = daemon.log.mark(), time.time()
    home.black_hole(VPS)
    found = spread("noticed", fleet.wait_all("the link ended", begin, mark,
                                             120))
    cpu = proc.cpu_seconds(daemon.pid)
    found["most_children"] = count_attempts(fleet, arguments.down)
    found["supervisor_cpu_percent"] = \
        (proc.cpu_seconds(daemon.pid) - cpu) / arguments.down * 100
    prober = Prober(daemon)
    time.sleep(5)
    found |= prober.finish()
    mark, begin, prober = daemon.log.mark(), time.time(), Prober(daemon)
    home.heal()
    found |= spread("back", fleet.wait_all("the link is up", begin, mark,
                                           60 + arguments.hosts))
    found |= {f"back_{k}": v for k, v in prober.finish().items()}
    fleet.use_all()
    return found


def listeners(port):
    """How many addresses listen at the port, in this namespace."""
    with open("/proc/thread-self/net/tcp", encoding="ascii") as f:
        rows = [line.split() for line in f]
    return sum(row[3] == "0A" and row[1].endswith(f":{port:04X}")
               for row in rows)


def pairs(stack, home, sshd, target, arguments):
    """The same of autossh with ssh; {} if it isn't here."""
    with home:
        before, watch, times = listeners(PORT), Stopwatch(), []
        parents = [common.start_autossh(
            stack, sshd, f"{address(2, i)}:{PORT}:{target}")
            for i in range(arguments.pairs)]
        if None in parents:
            return {}

        def count():
            times.extend([watch.seconds] * (listeners(PORT) - before
                                            - len(times)))
            return len(times) >= arguments.pairs
        until(count, 60 + arguments.pairs, "every ssh listens",
              interval=0.05)
    children = [c for p in parents for c in proc.children(p)]
    found = spread("up", times)
    found["ssh_cpu_ms"] = 1e3 * statistics.mean(map(proc.cpu_seconds,
                                                    children))
    rows = idle(children, min(arguments.idle, 15))
    found["ssh_wakeups_s"] = mean(rows, "wakeups_s")
    found["ssh_pss_mb"] = statistics.mean(map(proc.pss, children)) / 1e6
    found["autossh_pss_mb"] = statistics.mean(map(proc.pss, parents)) / 1e6
    found["all_pss_mb"] = arguments.pairs * (found["ssh_pss_mb"]
                                             + found["autossh_pss_mb"])
    return found


# Output -----------------------------------------------------------------------

def show(title, found):
    print(f"\n{title}")
    for key, value in found.items():
        print(f"    {key:26}{value:>12.2f}", flush=True)


def ratios(found, arguments):
    """Of memory for each tunnel; of times if there are as many of both."""
    theirs, up, rested = (found[k] for k in ("autossh", "up", "idle"))
    if not theirs:
        return {}
    ratio = {"memory": rested["all_pss_mb"] / arguments.hosts
             / (theirs["all_pss_mb"] / arguments.pairs)}
    if arguments.hosts == arguments.pairs:
        ratio |= {k: up[f"{k}_s"] / theirs[f"{k}_s"]
                  for k in ("up_50", "up_99")}
    return ratio


def measure_all(stack, folder, arguments):
    home, vps = netns.Namespace("home"), netns.Namespace("vps")
    stack.callback(home.remove)
    stack.callback(vps.remove)
    netns.cable(home, HOME, vps, VPS)
    keys, sshds = Keys(folder), []
    for name, port, most in (("sshd", 22, "10:30:100"),
                             ("open", 23, 10 * arguments.pairs + 100)):
        sshds.append(Sshd(os.path.join(folder, name), keys, address=VPS,
                          port=port, ns=vps, options=[
                              f"MaxStartups {most}", "LogLevel INFO"]))
        stack.callback(sshds[-1].stop)
        sshds[-1].start()
    with vps:
        server = Server(echo)
    stack.callback(server.stop)
    target = f"127.0.0.1:{server.port}"
    fleet = Fleet(os.path.join(folder, "hawserd"), home, sshds[0],
                  arguments.hosts, target)
    found = {}

    def note(name, title, figures):
        found[name] = figures
        show(title, figures)
    with contextlib.ExitStack() as inner:
        inner.callback(fleet.daemon.cleanup)
        note("up", f"{arguments.hosts} hosts come up",
             come_up(fleet, arguments))
        found["up"]["dropped"] = sshds[0].log.count("drop connection")
        note("idle", f"nothing happens for {arguments.idle} s",
             rest(fleet, arguments))
        note("reload", "reload with one host changed", reload_one(fleet))
        note("down", f"down for {arguments.down} s, and up",
             go_down_and_up(fleet, home, arguments))
        note("server", "sshd", {
            "dropped": sshds[0].log.count("drop connection")})
        watch = Stopwatch()
        fleet.daemon.stop(within=30)
        note("stop", "SIGTERM", {"s": watch.seconds})
    with contextlib.ExitStack() as inner:
        if arguments.pairs:
            note("autossh", f"{arguments.pairs} pairs of autossh and ssh",
                 pairs(inner, home, sshds[1], target, arguments))
            note("ratio", "hawser / autossh and ssh",
                 ratios(found, arguments))
    return vars(arguments) | found


def run(folder, arguments):
    with contextlib.ExitStack() as stack:
        return measure_all(stack, folder, arguments)


def add_options(parser):
    parser.add_argument("--hosts", type=int, default=200)
    parser.add_argument("--pairs", type=int, default=200,
                        help="of autossh and ssh; 0: none")
    parser.add_argument("--idle", type=int, default=30,
                        help="seconds in which nothing happens")
    parser.add_argument("--down", type=int, default=30,
                        help="seconds after everybody has noticed")


if __name__ == "__main__":
    common.main(__doc__, add_options, run)
