#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Figures of a tunnel: hawser beside ssh, dbclient and Go, in turns.

All go through the same sshd.

    tests/bench/bench.py [--build DIR] [--rounds N] [--mib N] [--json FILE]

Prints MB/s up and down by 1, 8 and 64 streams and the CPU seconds per GB of
the process that holds the connection, the latency of a 64-byte echo alone and
beside a stream, connections per second, what 1,000 and 5,000 idle connections
cost, one stream over a line of 100 ms, and the memory of an idle connection.
Nothing is asserted: the machine decides.
"""

import contextlib
import getpass
import os
import shutil
import statistics
import subprocess
import time

import common                   # first: it says where lib is
from common import end
from lib import ports, proc
from lib.hawserd import Hawserd, stanza
from lib.servers import is_bound
from lib.sshd import Keys, Sshd
from lib.wait import until

GCM = "aes128-gcm@openssh.com"
MIB = 1024 * 1024
GOPATH = "/usr/share/gocode"    # where Debian's packages are
LINE_MS = 50                    # each way


def compile_tool(folder, name):
    program = os.path.join(folder, name)
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-o", program,
                    str(common.HERE / f"{name}.c")], check=True)
    return program


class Traffic:
    """The compiled helper: its server, and calls of its clients."""

    def __init__(self, stack, folder):
        self._program = compile_tool(folder, "traffic")
        server = subprocess.Popen([self._program, "serve"],
                                  stdout=subprocess.PIPE, text=True)
        stack.callback(end, server)
        self.port = int(server.stdout.readline())
        self.target = f"127.0.0.1:{self.port}"

    def start(self, *arguments):
        return subprocess.Popen([self._program, *map(str, arguments)],
                                stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL, text=True)

    def run(self, *arguments):
        """The numbers that it prints."""
        done = subprocess.run([self._program, *map(str, arguments)],
                              check=True, capture_output=True, text=True)
        return [float(word) for word in done.stdout.split()]


class Tunnel:
    """A LocalForward by somebody and, if socks is not 0, a DynamicForward:
    where they listen, whose CPU counts."""

    def __init__(self, name, port, socks, pid):
        self.name, self.port, self.socks, self.pid = name, port, socks, pid


def start_hawser(stack, folder, sshd, target, port=None):
    local, socks = ports.free(), ports.free()
    daemon = Hawserd(folder)
    stack.callback(daemon.cleanup)
    daemon.write(stanza("bench", sshd, f"LocalForward {local} {target}",
                        f"DynamicForward {socks}", Port=port or sshd.port))
    daemon.start()
    daemon.wait_up("bench")
    return Tunnel("hawser", local, socks, daemon.worker_pid("bench"))


def start_ssh(stack, name, sshd, target, *options, port=None):
    local, socks = ports.free(), ports.free()
    process = subprocess.Popen(
        sshd.ssh("-N", *options, "-L", f"{local}:{target}", "-D", str(socks),
                 port=port), stdin=subprocess.DEVNULL)
    stack.callback(end, process)
    until(lambda: is_bound(local), 10, "ssh listens")
    return Tunnel(name, local, socks, process.pid)


def start_dbclient(stack, folder, keys, sshd, target):
    if not (shutil.which("dbclient") and shutil.which("dropbearconvert")):
        return []
    key, local = os.path.join(folder, "dbclient_key"), ports.free()
    subprocess.run(["dropbearconvert", "openssh", "dropbear", keys.ed25519,
                    key], check=True, capture_output=True)
    process = subprocess.Popen(
        ["dbclient", "-y", "-y", "-N", "-i", key, "-p", str(sshd.port),
         "-L", f"{local}:{target}", sshd.address],
        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stack.callback(end, process)
    until(lambda: is_bound(local), 10, "dbclient listens")
    return [Tunnel("dbclient", local, 0, process.pid)]


def start_go(stack, folder, keys, sshd, target):
    """golang.org/x/crypto/ssh, if Debian's packages golang-go and
    golang-golang-x-crypto-dev are there."""
    if not (shutil.which("go") and os.path.isdir(
            f"{GOPATH}/src/golang.org/x/crypto/ssh")):
        return []
    program, local = os.path.join(folder, "forward"), ports.free()
    subprocess.run(
        ["go", "build", "-o", program, str(common.HERE / "forward.go")],
        check=True, env=os.environ | {
            "GOPATH": GOPATH, "GO111MODULE": "off", "GOFLAGS": "",
            "GOCACHE": os.path.join(folder, "go-cache")})
    process = subprocess.Popen(
        [program, f"{sshd.address}:{sshd.port}", getpass.getuser(),
         keys.ed25519, sshd.known_hosts, f"127.0.0.1:{local}", target],
        stdin=subprocess.DEVNULL)
    stack.callback(end, process)
    until(lambda: is_bound(local), 10, "go listens")
    return [Tunnel("go", local, 0, process.pid)]


# Measurements -----------------------------------------------------------------

def bulk(traffic, tunnel, way, mib, streams=1):
    """MB/s and CPU seconds per GB."""
    each = max(1, mib // streams)
    before = proc.cpu_seconds(tunnel.pid)
    seconds, = traffic.run(way, tunnel.port, each, streams)
    used = proc.cpu_seconds(tunnel.pid) - before
    size = each * streams * MIB
    suffix = f"_by_{streams}" if streams > 1 else ""
    return {f"{way}_mb_s{suffix}": size / seconds / 1e6,
            f"{way}_cpu_s_gb{suffix}": used / (size / 1e9)}


def echo(traffic, tunnel, pings, name):
    p50, p99 = traffic.run("ping", tunnel.port, pings)
    return {f"{name}_p50_us": p50, f"{name}_p99_us": p99}


def echo_beside_bulk(traffic, tunnel, pings):
    stream = traffic.start("down", tunnel.port, 1 << 30, 1)
    try:
        return echo(traffic, tunnel, pings, "busy_echo")
    finally:
        subprocess.run(["pkill", "-P", str(stream.pid)], check=False)
        stream.communicate()


def opens(traffic, tunnel, count, width, target=0):
    count = count // width * width
    port = tunnel.socks if target else tunnel.port
    before = proc.cpu_seconds(tunnel.pid)
    seconds, = traffic.run("rate", port, count, width, target)
    used = proc.cpu_seconds(tunnel.pid) - before
    name = "socks" if target else "opens"
    return {f"{name}_s_by_{width}": count / seconds,
            f"{name}_cpu_us_by_{width}": used / count * 1e6}


def measure(traffic, tunnel, arguments):
    """One round of one tunnel."""
    found = {}
    # dbclient's window of 24 KB makes it slow, and the measurement long.
    mib = arguments.mib if tunnel.name != "dbclient" else \
        max(1, arguments.mib // 32)
    for streams in (1, 8, 64):
        for way in ("up", "down"):
            found |= bulk(traffic, tunnel, way, mib, streams)
    found |= echo(traffic, tunnel, arguments.pings, "echo")
    found |= echo_beside_bulk(traffic, tunnel, arguments.pings // 10)
    for width in (1, 32):
        found |= opens(traffic, tunnel, arguments.opens, width)
    if tunnel.socks:
        found |= opens(traffic, tunnel, arguments.opens, 32, traffic.port)
    return found


def medians(rounds):
    """Of each figure of each tunnel."""
    return {name: {key: statistics.median(r[key] for r in found)
                   for key in found[0]}
            for name, found in rounds.items()}


def idle_channels(traffic, tunnel, count):
    """What count connections that say nothing cost the process."""
    memory = proc.pss(tunnel.pid)
    held = traffic.start("hold", tunnel.port, count)
    assert held.stdout.readline() == "held\n"
    before, seconds = proc.cpu_seconds(tunnel.pid), 5
    time.sleep(seconds)         # CPU of doing nothing takes time to see
    found = {
        "bytes_each": (proc.pss(tunnel.pid) - memory) / count,
        "cpu_percent": (proc.cpu_seconds(tunnel.pid) - before) / seconds
        * 100,
    }
    found |= echo(traffic, tunnel, 2000, "echo")
    held.communicate()
    return found


def long_line(stack, folder, sshd, traffic, arguments):
    """One stream, both ways, over a line with a round trip of 100 ms."""
    line = subprocess.Popen(
        [compile_tool(folder, "delay"), str(sshd.port), str(LINE_MS)],
        stdout=subprocess.PIPE, text=True)
    stack.callback(end, line)
    port = int(line.stdout.readline())
    sshd.trust_port(port)
    tunnels = [
        start_hawser(stack, os.path.join(folder, "far"), sshd,
                     traffic.target, port),
        start_ssh(stack, "ssh", sshd, traffic.target, port=port),
    ]
    rounds = {t.name: [] for t in tunnels}
    for _ in range(arguments.rounds):
        for tunnel in tunnels:
            # ssh has 20 MB/s at most there.
            mib = arguments.mib if tunnel.name == "hawser" else \
                min(arguments.mib, 128)
            rounds[tunnel.name].append(
                bulk(traffic, tunnel, "down", mib) |
                bulk(traffic, tunnel, "up", min(arguments.mib, 128)))
    return medians(rounds)


def idle_memory(stack, folder, sshd, target, count):
    """Mean PSS in MB of one of count idle connections of each kind."""
    daemon = Hawserd(os.path.join(folder, "idle"))
    stack.callback(daemon.cleanup)
    names = [f"idle{i}" for i in range(count)]
    daemon.write(*(stanza(n, sshd, f"LocalForward {ports.free()} {target}")
                   for n in names))
    daemon.start()
    for name in names:
        daemon.wait_up(name, timeout=120)
    figures = {
        "hawser_worker": [proc.pss(daemon.worker_pid(n)) for n in names],
        "hawserd": [proc.pss(daemon.pid)],
    }
    figures |= idle_autossh(stack, sshd, target, count)
    return {k: statistics.mean(v) / 1e6 for k, v in figures.items()}


def idle_autossh(stack, sshd, target, count):
    parents = []
    for _ in range(count):
        port = ports.free()
        pid = common.start_autossh(stack, sshd, f"{port}:{target}")
        if pid is None:
            return {}
        until(lambda p=port: is_bound(p), 10, "autossh listens")
        parents.append(pid)
    return {
        "ssh": [proc.pss(child) for parent in parents
                for child in proc.children(parent)],
        "autossh": [proc.pss(parent) for parent in parents],
    }


# Output -----------------------------------------------------------------------

ROWS = (
    ("up_mb_s", "MB/s up", "{:.0f}"),
    ("down_mb_s", "MB/s down", "{:.0f}"),
    ("up_cpu_s_gb", "CPU s/GB up", "{:.2f}"),
    ("down_cpu_s_gb", "CPU s/GB down", "{:.2f}"),
    ("up_mb_s_by_8", "MB/s up, 8 streams", "{:.0f}"),
    ("down_mb_s_by_8", "MB/s down, 8 streams", "{:.0f}"),
    ("up_mb_s_by_64", "MB/s up, 64 streams", "{:.0f}"),
    ("down_mb_s_by_64", "MB/s down, 64 streams", "{:.0f}"),
    ("echo_p50_us", "echo p50 us", "{:.0f}"),
    ("echo_p99_us", "echo p99 us", "{:.0f}"),
    ("busy_echo_p50_us", "echo beside bulk p50 us", "{:.0f}"),
    ("busy_echo_p99_us", "echo beside bulk p99 us", "{:.0f}"),
    ("opens_s_by_1", "opens/s, one by one", "{:.0f}"),
    ("opens_cpu_us_by_1", "CPU us of each", "{:.0f}"),
    ("opens_s_by_32", "opens/s, 32 at a time", "{:.0f}"),
    ("opens_cpu_us_by_32", "CPU us of each", "{:.0f}"),
    ("socks_s_by_32", "SOCKS opens/s, 32", "{:.0f}"),
)
IDLE_ROWS = (
    ("bytes_each", "bytes of each", "{:.0f}"),
    ("cpu_percent", "CPU %", "{:.1f}"),
    ("echo_p50_us", "echo p50 us among them", "{:.0f}"),
    ("echo_p99_us", "echo p99 us", "{:.0f}"),
)
LINE_ROWS = ROWS[:4]


def table(title, tunnels, rows):
    """hawser first, then the others and its ratios to them."""
    names = list(tunnels)
    others = names[1:]
    print(f"\n{title:26}" + "".join(f"{n:>12}" for n in names)
          + "".join(f"{'/ ' + n:>12}" for n in others))
    for key, label, form in rows:
        values = [tunnels[n].get(key) for n in names]
        mine = values[0]
        print(f"{label:26}"
              + "".join(f"{'-' if v is None else form.format(v):>12}"
                        for v in values)
              + "".join(f"{'-' if not v else f'{mine / v:.2f}':>12}"
                        for v in values[1:]), flush=True)


def measure_all(stack, folder, arguments):
    keys = Keys(folder)
    sshd = Sshd(os.path.join(folder, "sshd"), keys,
                options=["LogLevel ERROR"])
    stack.callback(sshd.stop)
    sshd.start()
    traffic = Traffic(stack, folder)
    with contextlib.ExitStack() as inner:
        tunnels = [
            start_hawser(inner, os.path.join(folder, "hawserd"), sshd,
                         traffic.target),
            start_ssh(inner, "ssh", sshd, traffic.target),
            start_ssh(inner, "ssh gcm", sshd, traffic.target, "-c", GCM),
            *start_dbclient(inner, folder, keys, sshd, traffic.target),
            *start_go(inner, folder, keys, sshd, traffic.target),
        ]
        rounds = {t.name: [] for t in tunnels}
        for _ in range(arguments.rounds):
            for tunnel in tunnels:
                rounds[tunnel.name].append(
                    measure(traffic, tunnel, arguments))
        middle = medians(rounds)
        table(f"median of {arguments.rounds} rounds", middle, ROWS)
        channels = {}
        for count in arguments.channels:
            channels[count] = {t.name: idle_channels(traffic, t, count)
                               for t in tunnels[:2]}
            table(f"{count} idle connections", channels[count], IDLE_ROWS)
    line = long_line(stack, folder, sshd, traffic, arguments)
    table("100 ms there and back", line, LINE_ROWS)
    memory = idle_memory(stack, folder, sshd, traffic.target, arguments.idle)
    print(f"\nidle, PSS in MB, mean of {arguments.idle}")
    for name, value in memory.items():
        print(f"{name:26}{value:>12.2f}", flush=True)
    return vars(arguments) | {"tunnels": middle, "idle_channels": channels,
                              "long_line": line, "pss_mb": memory}


def run(folder, arguments):
    with contextlib.ExitStack() as stack:
        return measure_all(stack, folder, arguments)


def add_options(parser):
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mib", type=int, default=512,
                        help="MiB each way in each round")
    parser.add_argument("--pings", type=int, default=5000)
    parser.add_argument("--opens", type=int, default=4096)
    parser.add_argument("--channels", type=int, nargs="*",
                        default=[1000, 5000],
                        help="idle connections through one tunnel")
    parser.add_argument("--idle", type=int, default=10,
                        help="idle connections of each kind")


if __name__ == "__main__":
    common.main(__doc__, add_options, run)
