# SPDX-License-Identifier: ISC
"""The API under clients that are many, slow or long-winded: supervision and
the operator don't notice (row 35)."""

import contextlib
import os
import subprocess
import sys

from lib import ports, proc
from lib.hawserd import stanza
from lib.servers import connect, ping
from lib.wait import STRETCH, Stopwatch, until

CLIENTS = 1000


#: They ask for something a byte at a time; who is cut off comes back at once.
#: A process of its own: that is how the API tells clients apart.
SLOW = """
import selectors, socket, sys, time

def come():
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    s.setblocking(False)
    selector.register(s, selectors.EVENT_READ)
    try:
        s.send(b"GET /v1/status HTTP/1.1\\r\\nHost: ")
    except OSError:
        pass

selector = selectors.DefaultSelector()
for _ in range(int(sys.argv[2])):
    come()
print("begun", flush=True)
cut, drip = 0, time.monotonic()
while True:
    for key, _ in selector.select(0.1):
        selector.unregister(key.fileobj)
        key.fileobj.close()
        cut += 1
        come()
    if time.monotonic() > drip + 1:
        drip = time.monotonic()
        print(cut, flush=True)
        for key in list(selector.get_map().values()):
            try:
                key.fileobj.send(b"x")
            except OSError:
                pass
"""


@contextlib.contextmanager
def slow_clients(path, count):
    """The output has a line each second: how many were cut off."""
    with subprocess.Popen([sys.executable, "-c", SLOW, path, str(count)],
                          stdout=subprocess.PIPE, text=True) as flood:
        try:
            assert flood.stdout.readline() == "begun\n"
            yield flood.stdout
        finally:
            flood.kill()


def test_slow_clients(hawserd, sshd, target):
    local = ports.free()
    hawserd.write(stanza("one", sshd, f"LocalForward {local} {target}",
                         HawserBackoff="100ms 100ms"))
    hawserd.start()
    pid = hawserd.wait_up("one")["pid"]
    before = proc.rss(hawserd.pid)
    with slow_clients(hawserd.socket, CLIENTS) as flood:
        took = []
        for _ in range(20):
            watch = Stopwatch()
            assert hawserd.status()["hosts"][0]["name"] == "one"
            took.append(watch.seconds)
        with connect(local) as s:
            assert ping(s)
        watch = Stopwatch()
        proc.kill(pid)
        until(lambda: hawserd.worker_pid("one") not in (None, pid), 5,
              "another worker")
        hawserd.wait_up("one", timeout=5)
        back = watch.seconds
        with connect(local) as s:
            assert ping(s)
        assert hawserd.cli("status").returncode == 0
        cut = int(flood.readline())
    took.sort()
    print(f"status: {took[10] * 1000:.1f} ms, at worst {took[-1] * 1000:.1f};"
          f" back in {back:.2f} s; cut {cut}")
    assert cut > CLIENTS / 2
    assert took[-1] < STRETCH
    assert back < 2 * STRETCH
    assert hawserd.log.count("the API has more than") <= 2
    if STRETCH == 1:
        assert proc.rss(hawserd.pid) - before < 8 << 20


def test_a_long_body(hawserd, sshd):
    hawserd.write(stanza("one", sshd, f"DynamicForward {ports.free()}"))
    hawserd.start()
    before = proc.peak_rss(hawserd.pid)
    body = hawserd.path("body")
    with open(body, "wb") as f:
        f.truncate(10 << 20)
    for how in ((), ("-H", "Transfer-Encoding: chunked")):
        done = subprocess.run(
            ["curl", "-s", "--unix-socket", hawserd.socket, *how, "-w",
             "%{http_code}", "-o", os.devnull, "--data-binary", f"@{body}",
             "http://localhost/v1/reload"],
            capture_output=True, text=True, check=False, timeout=20)
        assert done.stdout == "413" or done.returncode in (52, 55, 56)
    assert hawserd.status()["config"]["generation"] == 1
    if STRETCH == 1:
        assert proc.peak_rss(hawserd.pid) - before < 4 << 20
