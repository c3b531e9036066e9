# SPDX-License-Identifier: ISC
"""The memory of outages: what it says, what it survives, what it never delays.
"""

import json
import os
import signal

from lib import ports, proc
from lib.hawserd import stanza
from lib.servers import connect, ping
from lib.wait import STRETCH, Stopwatch, until


def history(hawserd, query=""):
    code, body = hawserd.request("GET", f"/v1/history{query}")
    assert code == 200, body
    return body


def ledger_pid(hawserd):
    for pid in proc.children(hawserd.pid):
        if proc.name(pid) == "hawserd-ledger":
            return pid
    return None


def summary(body, host, forward=None):
    return next(s for s in body["summary"]
                if (s["host"], s["forward"]) == (host, forward))


def lose(hawserd, sshd, host, times=1):
    """The host's session is killed, so often; it comes back each time."""
    for _ in range(times):
        before = hawserd.worker_pid(host)
        sshd.kill_sessions()
        until(lambda: hawserd.worker_pid(host) not in (before, None), 15,
              lambda: f"{host} has another worker than {before}")
        hawserd.wait_up(host)


def test_outages_and_restarts(hawserd, sshd, target):
    """Killed sessions are told with their class, a kill -9 of hawserd leaves
    what was told and a time that is unknown, and the status of the next one
    knows of it."""
    local = ports.free()
    hawserd.write(stanza("vps", sshd, f"LocalForward {local} {target}"))
    hawserd.start()
    hawserd.wait_up("vps")
    lose(hawserd, sshd, "vps", 2)
    body = history(hawserd)
    assert [o["state"] for o in body["outages"]] == ["over", "over"]
    for outage in body["outages"]:
        assert outage["class"] == "lost", outage
        assert outage["detection_ms"] == 0
        assert outage["attempts"] >= 1
        assert outage["down_at"] <= outage["back_at"]
    assert summary(body, "vps")["day"]["outages"] == 2
    assert summary(body, "vps")["day"]["flaps"] == 1
    assert summary(body, "vps", f"L:{local}")["day"]["outages"] == 2
    # In an outage, whose end nobody will see: hawserd is killed.
    sshd.stop()
    hawserd.wait_state("vps", "waiting")
    assert history(hawserd)["outages"][0]["state"] == "lasts"
    killed = hawserd.kill()
    assert not proc.wait_gone(killed, 5)
    sshd.start()
    hawserd.start()
    hawserd.wait_up("vps")
    # The ledger tells it when it has been read.
    until(lambda: hawserd.host("vps")["outages_24h"] >= 3, 10, "the past")
    host = hawserd.host("vps")
    assert 0 < host["availability_24h"] < 1
    body = history(hawserd, "?host=vps&limit=2")
    assert body["truncated"]
    assert [o["state"] for o in body["outages"]] == ["unknown", "over"]
    assert body["outages"][0]["back_at"] is None
    day = summary(body, "vps")["day"]
    assert day["outages"] == 3
    assert day["known_s"] >= day["down_s"] > 0
    table = hawserd.cli("history", "vps")
    assert table.returncode == 0, table
    assert table.stdout.count("lost: ") == 3, table.stdout
    assert "unknown" in table.stdout and f"L:{local}" in table.stdout
    told = json.loads(hawserd.cli("history", "--json", "--since", "1h").stdout)
    assert len(told["outages"]) == 3


def test_questions(hawserd, sshd, target):
    hawserd.write(stanza("vps", sshd, f"LocalForward {ports.free()} {target}"))
    hawserd.start()
    hawserd.wait_up("vps")
    assert history(hawserd, "?host=vps")["outages"] == []
    assert hawserd.request("GET", "/v1/history?host=nobody")[0] == 404
    assert hawserd.request("GET", "/v1/history?host=%ff")[0] == 404
    for bad in ("since=now", "limit=-1", "limit=x", "limit=5001"):
        assert hawserd.request("GET", f"/v1/history?{bad}")[0] == 400, bad
    assert hawserd.cli("history", "nobody").returncode == 1
    wrong = hawserd.cli("history", "--since", "yesterday")
    assert wrong.returncode == 2 and "--since takes" in wrong.stderr


def test_nobody_waits_for_it(hawserd, sshd, target):
    """A ledger that stands still delays neither the status nor a byte; one
    that is killed, with its file broken, begins anew."""
    local = ports.free()
    hawserd.write(stanza("vps", sshd, f"LocalForward {local} {target}"))
    hawserd.start()
    hawserd.wait_up("vps")
    history(hawserd)
    pid = ledger_pid(hawserd)
    os.kill(pid, signal.SIGSTOP)
    lose(hawserd, sshd, "vps", 2)
    with connect(local) as client:
        watch = Stopwatch()
        for _ in range(20):
            assert ping(client)
            hawserd.status()
        assert watch.seconds < 2 * STRETCH
        watch = Stopwatch()
        code, body = hawserd.request("GET", "/v1/history")
        assert (code, watch.seconds < 5 * STRETCH) == (503, True), body
        assert "does not answer" in body["error"]
    os.kill(pid, signal.SIGKILL)
    for name in ("ledger.sqlite", "ledger.sqlite-wal"):
        with open(hawserd.path(f"state/{name}"), "r+b") as f:
            f.write(b"\xa5" * 8192)
    hawserd.log.wait("the ledger was broken and is set aside")
    body = until(lambda: hawserd.request("GET", "/v1/history")[1].get(
        "outages"), 15, "what waited is told to the new file")
    assert [o["class"] for o in body] == ["lost", "lost"]
    names = os.listdir(hawserd.path("state"))
    assert any(n.startswith("ledger.sqlite.corrupt-") for n in names), names


def test_no_place_for_it(hawserd, sshd, target):
    """Where the file can't be there is no history, and everything else."""
    os.mkdir(hawserd.path("state/ledger.sqlite"))
    local = ports.free()
    hawserd.write(stanza("vps", sshd, f"LocalForward {local} {target}"))
    hawserd.start()
    hawserd.wait_up("vps")
    code, body = hawserd.request("GET", "/v1/history")
    assert code == 503 and "unable to open" in body["error"], body
    assert hawserd.cli("history").returncode == 1
    assert hawserd.log.text().count("outages are not recorded") == 1
    with connect(local) as client:
        assert ping(client)
