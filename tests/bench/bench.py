#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Figures of a tunnel: hawser beside ssh, through the same sshd, in turns.

    tests/bench/bench.py [--build DIR] [--rounds N] [--mib N] [--json FILE]

Prints MB/s up and down and the CPU seconds per GB of the process that holds
the connection, the latency of a 64-byte echo, connections per second, and the
memory of an idle connection. Nothing is asserted: the machine decides.
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
sys.dont_write_bytecode = True

from lib import ports, proc                     # noqa: E402
from lib import hawserd as hawserd_module       # noqa: E402
from lib.hawserd import Hawserd, stanza         # noqa: E402
from lib.servers import is_bound                # noqa: E402
from lib.sshd import Keys, Sshd                 # noqa: E402
from lib.wait import until                      # noqa: E402

GCM = "aes128-gcm@openssh.com"
MIB = 1024 * 1024


class Traffic:
    """The compiled helper: its server, and calls of its clients."""

    def __init__(self, folder):
        self._program = os.path.join(folder, "traffic")
        subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-o",
                        self._program, str(HERE / "traffic.c")], check=True)
        self._server = subprocess.Popen([self._program, "serve"],
                                        stdout=subprocess.PIPE, text=True)
        self.port = int(self._server.stdout.readline())

    def run(self, *arguments):
        """The numbers that it prints."""
        done = subprocess.run([self._program, *map(str, arguments)],
                              check=True, capture_output=True, text=True)
        return [float(word) for word in done.stdout.split()]

    def stop(self):
        self._server.kill()
        self._server.wait()


class Tunnel:
    """A LocalForward by somebody: where it listens, whose CPU counts."""

    def __init__(self, name, port, pid):
        self.name, self.port, self.pid = name, port, pid


def start_hawser(stack, folder, sshd, target):
    port = ports.free()
    daemon = Hawserd(folder)
    stack.callback(daemon.cleanup)
    daemon.write(stanza("bench", sshd, f"LocalForward {port} {target}"))
    daemon.start()
    daemon.wait_up("bench")
    return Tunnel("hawser", port, daemon.worker_pid("bench"))


def end(process):
    process.terminate()
    process.wait()


def start_ssh(stack, name, sshd, target, *options):
    port = ports.free()
    process = subprocess.Popen(
        sshd.ssh("-N", *options, "-L", f"{port}:{target}"),
        stdin=subprocess.DEVNULL)
    stack.callback(end, process)
    until(lambda: is_bound(port), 10, "ssh listens")
    return Tunnel(name, port, process.pid)


# Measurements -----------------------------------------------------------------

def bulk(traffic, tunnel, way, mib):
    """MB/s and CPU seconds per GB."""
    before = proc.cpu_seconds(tunnel.pid)
    seconds, = traffic.run(way, tunnel.port, mib)
    used = proc.cpu_seconds(tunnel.pid) - before
    size = mib * MIB
    return {f"{way}_mb_s": size / seconds / 1e6,
            f"{way}_cpu_s_gb": used / (size / 1e9)}


def measure(traffic, tunnel, arguments):
    """One round of one tunnel."""
    found = bulk(traffic, tunnel, "up", arguments.mib)
    found |= bulk(traffic, tunnel, "down", arguments.mib)
    found["echo_p50_us"], found["echo_p99_us"] = traffic.run(
        "ping", tunnel.port, arguments.pings)
    for width in (1, 16):
        count = arguments.opens // width * width
        before = proc.cpu_seconds(tunnel.pid)
        seconds, = traffic.run("rate", tunnel.port, count, width)
        used = proc.cpu_seconds(tunnel.pid) - before
        found[f"opens_s_by_{width}"] = count / seconds
        found[f"open_cpu_us_by_{width}"] = used / count * 1e6
    return found


def idle_memory(stack, folder, sshd, target, count):
    """Mean PSS in MB of one of count idle connections of each kind."""
    daemon = Hawserd(os.path.join(folder, "idle"))
    stack.callback(daemon.cleanup)
    names = [f"idle{i}" for i in range(count)]
    daemon.write(*(stanza(n, sshd, f"LocalForward {ports.free()} {target}")
                   for n in names))
    daemon.start()
    for name in names:
        daemon.wait_up(name)
    figures = {
        "hawser_worker": [proc.pss(daemon.worker_pid(n)) for n in names],
        "hawserd": [proc.pss(daemon.pid)],
    }
    figures |= idle_autossh(stack, sshd, target, count)
    return {k: statistics.mean(v) / 1e6 for k, v in figures.items()}


def idle_autossh(stack, sshd, target, count):
    if not shutil.which("autossh"):
        return {}
    parents = []
    for _ in range(count):
        port = ports.free()
        command = sshd.ssh("-N", "-L", f"{port}:{target}")
        command[0:1] = ["autossh", "-M", "0"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        stack.callback(end, process)
        until(lambda p=port: is_bound(p), 10, "autossh listens")
        parents.append(process.pid)
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
    ("echo_p50_us", "echo p50 us", "{:.0f}"),
    ("echo_p99_us", "echo p99 us", "{:.0f}"),
    ("opens_s_by_1", "opens/s, one by one", "{:.0f}"),
    ("open_cpu_us_by_1", "CPU us of each", "{:.0f}"),
    ("opens_s_by_16", "opens/s, 16 at a time", "{:.0f}"),
    ("open_cpu_us_by_16", "CPU us of each", "{:.0f}"),
)


def show(result):
    names = list(result["tunnels"])
    others = names[1:]
    print(f"{'median of %d rounds' % result['rounds']:24}"
          + "".join(f"{n:>16}" for n in names)
          + "".join(f"{'/ ' + n:>14}" for n in others))
    for key, label, form in ROWS:
        values = [result["tunnels"][n][key] for n in names]
        print(f"{label:24}"
              + "".join(f"{form.format(v):>16}" for v in values)
              + "".join(f"{values[0] / v:>14.2f}" for v in values[1:]))
    print("\nidle, PSS in MB, mean of %d" % result["idle"])
    for name, value in result["pss_mb"].items():
        print(f"{name:24}{value:>16.2f}")


def run(stack, folder, arguments):
    keys = Keys(folder)
    sshd = Sshd(os.path.join(folder, "sshd"), keys,
                options=["LogLevel ERROR"])
    stack.callback(sshd.stop)
    sshd.start()
    traffic = Traffic(folder)
    stack.callback(traffic.stop)
    target = f"127.0.0.1:{traffic.port}"
    tunnels = [
        start_hawser(stack, os.path.join(folder, "hawserd"), sshd, target),
        start_ssh(stack, "ssh", sshd, target),
        start_ssh(stack, "ssh gcm", sshd, target, "-c", GCM),
    ]
    rounds = {t.name: [] for t in tunnels}
    for _ in range(arguments.rounds):
        for tunnel in tunnels:
            rounds[tunnel.name].append(measure(traffic, tunnel, arguments))
    return {
        "rounds": arguments.rounds, "mib": arguments.mib,
        "idle": arguments.idle,
        "tunnels": {name: {key: statistics.median(r[key] for r in found)
                           for key in found[0]}
                    for name, found in rounds.items()},
        "pss_mb": idle_memory(stack, folder, sshd, target, arguments.idle),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default=os.environ.get(
        "HAWSER_BUILD_DIR", "."), help="folder of the built programs")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mib", type=int, default=512,
                        help="MiB each way in each round")
    parser.add_argument("--pings", type=int, default=5000)
    parser.add_argument("--opens", type=int, default=4096)
    parser.add_argument("--idle", type=int, default=10,
                        help="idle connections of each kind")
    parser.add_argument("--json", help="write the figures there, too")
    arguments = parser.parse_args()
    hawserd_module.BUILD = os.path.abspath(arguments.build)
    proc.become_subreaper()
    folder = tempfile.mkdtemp(prefix="hw-bench-")
    try:
        with contextlib.ExitStack() as stack:
            result = run(stack, folder, arguments)
    finally:
        shutil.rmtree(folder)
    show(result)
    if arguments.json:
        with open(arguments.json, "w", encoding="ascii") as f:
            json.dump(result, f, indent=1)


if __name__ == "__main__":
    main()
