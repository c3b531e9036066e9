# SPDX-License-Identifier: ISC
"""GET /metrics, read by the parser of Prometheus' client, and its company."""

import os
import re
import shutil
import socket
import subprocess

import pytest
from prometheus_client.openmetrics import parser

from lib import ports, proc
from lib.hawserd import stanza
from lib.servers import connect, ping
from lib.wait import SANITIZED, until

yaml = pytest.importorskip("yaml")

DOCS = os.path.join(os.path.dirname(__file__), "..", "..", "docs")


def curl(hawserd, path):
    """(status, content type, body), as an operator would ask."""
    done = subprocess.run(
        ["curl", "-s", "--unix-socket", hawserd.socket, "-w",
         "\n%{http_code} %{content_type}", f"http://localhost{path}"],
        capture_output=True, text=True, check=True, timeout=20)
    body, _, last = done.stdout.rpartition("\n")
    code, _, kind = last.partition(" ")
    return int(code), kind, body


class Scrape:
    def __init__(self, hawserd):
        code, kind, self.text = curl(hawserd, "/metrics")
        assert code == 200
        assert kind == \
            "application/openmetrics-text; version=1.0.0; charset=utf-8"
        assert self.text.endswith("\n# EOF\n")
        self.families = {f.name: f for f in
                         parser.text_string_to_metric_families(self.text)}
        self.samples = {}
        for family in self.families.values():
            assert family.documentation.endswith(".")
            for s in family.samples:
                self.samples[s.name, frozenset(s.labels.items())] = s.value

    def get(self, name, **labels):
        return self.samples.get((name, frozenset(labels.items())))

    def state(self, family, **labels):
        """The one state that is."""
        found = [s.labels[family] for s in self.families[family].samples
                 if s.value == 1 and labels.items() <= s.labels.items()]
        assert len(found) == 1
        return found[0]

    def counters(self):
        return {key: value for key, value in self.samples.items()
                if key[0].endswith("_total")}


def test_figures(hawserd, sshd, target):
    local, remote = ports.free(), ports.free()
    one = stanza("one", sshd, f"LocalForward {local} {target}",
                 f"RemoteForward {remote} {target}", ServerAliveInterval=1,
                 HawserBackoff="100ms 100ms")
    hawserd.write(one, stanza("two", sshd, f"DynamicForward {ports.free()}",
                              Port=ports.free(), HawserBackoff="1h 1h"),
                  stanza("off", sshd, f"DynamicForward {ports.free()}",
                         HawserEnabled="no"))
    hawserd.start()
    assert curl(hawserd, "/healthz") == (200, "application/json",
                                         '{"ok":true}')
    hawserd.wait_forward("one", f"R:{remote}", "verified")
    hawserd.wait_ended("two")
    assert curl(hawserd, "/readyz")[::2] == (
        503, '{"ready":false,"waiting_for":["two"]}')
    with connect(local) as s:
        assert ping(s)
        until(lambda: Scrape(hawserd).get(
            "hawser_forward_connections_total", host="one",
            forward=f"L:{local}"), 5, "the connection is counted")
    until(lambda: hawserd.host("one")["rtt_ms"], 5, "a round trip is known")
    m = Scrape(hawserd)
    version = hawserd.status()["version"]
    assert m.get("hawser_build_info", version=version) == 1
    assert m.get("hawser_config_generation") == 1
    assert m.get("hawser_config_last_reload_successful") == 1
    assert m.get("hawser_processes") == 1
    assert 0 < m.get("process_open_fds") < m.get("process_max_fds")
    assert 1 << 20 < m.get("process_resident_memory_bytes")
    assert 0 < m.get("process_cpu_seconds_total") < 60
    for host, state, up in (("one", "up", 1), ("two", "waiting", 0),
                            ("off", "disabled", 0)):
        assert m.state("hawser_host_state", host=host) == state
        assert m.get("hawser_host_up", host=host) == up
    assert 0 < m.get("hawser_host_rtt_seconds", host="one") < 1
    assert m.get("hawser_host_rtt_seconds", host="two") is None
    assert m.get("hawser_attempts_total", host="two", **{
        "class": "refused"}) == 1
    assert m.get("hawser_outages_total", host="one") == 0
    there = {"host": "one", "forward": f"R:{remote}"}
    assert m.state("hawser_forward_state", **there) == "verified"
    assert 1.7e9 < m.get("hawser_forward_verified_timestamp_seconds",
                         **there) < 4e9
    assert 0 < m.get("hawser_forward_proof_seconds", **there) < 5
    here = {"host": "one", "forward": f"L:{local}"}
    until(lambda: Scrape(hawserd).get("hawser_forward_bytes_total",
                                      direction="in", **here) > 0, 5,
          "the bytes are counted")

    # Counters outlive connections; the series of a removed host don't.
    before = Scrape(hawserd).counters()
    sshd.kill_sessions()
    until(lambda: Scrape(hawserd).get("hawser_outages_total", host="one")
          == 1, 10, "an outage")
    hawserd.wait_up("one")
    m = Scrape(hawserd)
    after = m.counters()
    assert {k: v for k, v in before.items() if after[k] < v} == {}
    assert sum(v for (name, labels), v in after.items() if
               name == "hawser_attempts_total"
               and ("host", "one") in labels) == 1
    hawserd.write(one)
    assert hawserd.hup()["error"] is None
    m = Scrape(hawserd)
    assert not [k for k in m.samples if ("host", "two") in k[1]]
    assert {k: v for k, v in m.counters().items()
            if v < after.get(k, 0)} == {}
    assert curl(hawserd, "/readyz")[0] == 200
    hawserd.write(one, "\tNonsense yes\n")
    assert hawserd.hup()["error"]
    m = Scrape(hawserd)
    assert m.get("hawser_config_last_reload_successful") == 0
    assert m.get("hawser_config_generation") == 2
    described(m)


def described(scrape):
    """docs/METRICS.md names each family and no other; the rules, too."""
    with open(os.path.join(DOCS, "METRICS.md"), encoding="utf-8") as f:
        names = re.findall(r"^\| `(\w+)", f.read(), re.MULTILINE)
    kinds = {"counter": "_total", "info": "_info"}
    exposed = [name + kinds.get(family.type, "")
               for name, family in scrape.families.items()]
    assert sorted(names) == sorted(exposed)
    rules = os.path.join(DOCS, "hawser.rules.yml")
    with open(rules, encoding="utf-8") as f:
        groups = yaml.safe_load(f)["groups"]
    used = re.findall(r"\b(?:hawser|process)_\w+",
                      " ".join(r["expr"] for g in groups for r in g["rules"]))
    assert used and set(used) <= set(exposed)
    if shutil.which("promtool"):
        subprocess.run(["promtool", "check", "rules", rules], check=True,
                       capture_output=True, timeout=60)


def test_held(hawserd, sshd, target, serve):
    """A port that another session has: how long it was so is counted."""
    other = serve(lambda conn: conn.recv(1))
    there = {"host": "one", "forward": f"R:127.0.0.1:{other.port}"}
    hawserd.write(stanza("one", sshd,
                         f"RemoteForward 127.0.0.1:{other.port} {target}"))
    hawserd.start()
    hawserd.wait_forward("one", there["forward"], "held")

    def held():
        return Scrape(hawserd).get("hawser_forward_held_seconds_total",
                                   **there)
    first = until(held, 5, "the time is counted")
    until(lambda: held() > first, 5, "it goes on")
    other.stop()
    hawserd.wait_forward("one", there["forward"])
    last = held()
    assert last > first
    assert held() == last


def test_many_hosts(hawserd, stack):
    """1,000 hosts with two forwards each: what the loop stands still for, and
    what those take who ask and don't read."""
    text = ["Host h*\n\tHostName 127.0.0.1\n\tHawserEnabled no\n"]
    for i in range(1000):
        text.append(f"Host h{i}\n\tLocalForward {20000 + i} a:1\n"
                    f"\tRemoteForward {20000 + i} a:1\n")
    hawserd.write(*text)
    hawserd.start()
    assert len(hawserd.status()["hosts"]) == 1000
    before = proc.cpu_seconds(hawserd.pid)
    for _ in range(5):
        _, _, body = curl(hawserd, "/metrics")
    took = (proc.cpu_seconds(hawserd.pid) - before) / 5
    print(f"{len(body)} bytes in {took * 1000:.0f} ms")
    assert body.count("\nhawser_host_up{") == 1000
    before = proc.peak_rss(hawserd.pid)
    for _ in range(30):
        s = stack.enter_context(socket.socket(socket.AF_UNIX))
        s.settimeout(10)
        s.connect(hawserd.socket)
        s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    assert s.recv(100).startswith(b"HTTP/1.1 503 ")
    assert curl(hawserd, "/metrics")[0] == 200
    more = proc.peak_rss(hawserd.pid) - before
    print(f"{more >> 20} MiB for answers that nobody reads")
    if not SANITIZED:
        assert took < 0.1
        assert more < 32 << 20
