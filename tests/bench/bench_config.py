#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Figures of loading a configuration: 3 forwards for each of many hosts.

    tests/bench/bench_config.py [--build DIR] [--rounds N] [--json FILE]

Prints the time and the peak memory of `hawser check` for 100, 1,000 and 10,000
hosts, from one file and from a file for each host, less those of a check of
nothing. Reading, resolving every host, checking them all and printing them are
in it. Nothing is asserted: the machine decides.
"""

import os
import subprocess
import time

import common
from lib.hawserd import program

COUNTS = (100, 1000, 10000)


def stanza(i):
    """Ten lines; no port is used twice."""
    base = 1024 + 2 * i
    return f"""\
Host host{i}
    HostName host{i}.example.net
    User tunnel
    Port {1 + i % 60000}
    ServerAliveInterval 20
    HawserHold 10s
    LocalForward 127.{i // 20000 + 1}.0.1:{base % 60000 + 1024} db:5432
    DynamicForward 127.{i // 20000 + 1}.0.2:{base % 60000 + 1024}
    RemoteForward 8080 localhost:80

"""


def write(folder, count, together):
    """A configuration folder; gives its path."""
    top = os.path.join(folder, f"{count}-{together}")
    conf_d = os.path.join(top, "conf.d")
    os.makedirs(conf_d, mode=0o700)
    with open(os.path.join(top, "hawser.ini"), "w", encoding="ascii") as f:
        f.write("[supervisor]\ninherit_ssh_config = no\n")
    for i in range(count):
        name = "all.conf" if together else f"{i:05}.conf"
        with open(os.path.join(conf_d, name), "a", encoding="ascii") as f:
            f.write(stanza(i))
    return top


def check(top):
    """Seconds by the clock, of the CPU, and peak KiB of one run."""
    start = time.monotonic()
    with subprocess.Popen([program("hawser"), "check", top],
                          stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE) as process:
        complaints = process.stderr.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(complaints)
    return (time.monotonic() - start, usage.ru_utime + usage.ru_stime,
            usage.ru_maxrss)


def best(top, rounds):
    """The quickest of some rounds: what else runs here only adds time."""
    runs = [check(top) for _ in range(rounds)]
    return [min(column) for column in zip(*runs)]


def run(folder, arguments):
    rounds = arguments.rounds
    nothing = best(write(folder, 0, True), rounds)
    found = []
    for together in (True, False):
        for count in COUNTS:
            wall, cpu, kib = (a - b for a, b in zip(
                best(write(folder, count, together), rounds),
                nothing))
            found.append({
                "hosts": count, "files": 1 if together else count,
                "ms": wall * 1e3, "cpu_ms": cpu * 1e3, "mib": kib / 1024})
    show(found)
    return found


def show(rows):
    print(f"{'hosts':>8}{'files':>8}{'ms':>10}{'CPU ms':>10}"
          f"{'us/host':>10}"
          f"{'peak MiB':>10}{'KiB/host':>10}")
    for row in rows:
        n = row["hosts"]
        print(f"{n:>8}{row['files']:>8}{row['ms']:>10.1f}"
              f"{row['cpu_ms']:>10.1f}{row['cpu_ms'] * 1e3 / n:>10.1f}"
              f"{row['mib']:>10.1f}"
              f"{row['mib'] * 1024 / n:>10.2f}")


def add_options(parser):
    parser.add_argument("--rounds", type=int, default=5)


if __name__ == "__main__":
    common.main(__doc__, add_options, run)
