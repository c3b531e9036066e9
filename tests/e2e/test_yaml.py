# SPDX-License-Identifier: ISC
"""Hosts in YAML, and hawser.ini."""

import grp
import json
import os
import socket
import stat
import subprocess
import sys

import pytest

from lib import ports
from lib.hawserd import program, run_cli, stanza
from lib.servers import connect, ping
from lib.sshd import USER
from lib.wait import SANITIZED, until

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


def yaml_host(name, sshd, **options):
    """A host of a YAML file that leads to sshd, with its values in JSON,
    which is YAML too."""
    values = {
        "hostname": sshd.address,
        "port": sshd.port,
        "user": USER,
        "identity_file": sshd.keys.ed25519,
        "identities_only": True,
        "user_known_hosts_file": sshd.known_hosts,
        **options,
    }
    lines = [f"  {name}:"]
    lines += [f"    {k}: {json.dumps(v)}" for k, v in values.items()]
    return "\n".join(lines) + "\n"


def echoes(port):
    with connect(port) as s:
        return ping(s)


def write_ini(hawserd, text):
    path = os.path.join(hawserd.conf, "hawser.ini")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, 0o600)
    return path


def check(hawserd):
    done = run_cli("check", hawserd.conf, environment=hawserd.environment)
    return done.returncode, done.stdout + done.stderr


def test_up_and_reloaded(hawserd, make_sshd, target):
    first, second = make_sshd(), make_sshd()
    local, remote, more = ports.free(), ports.free(), ports.free()
    host, port = target.split(":")
    vps = yaml_host("vps", first, remote_forward=[f"{remote}:{target}"],
                    local_forward={"listen": local, "target": target},
                    server_alive_interval="15s")
    hawserd.write("hosts:\n", vps, name="fleet.yaml")
    hawserd.start()
    hawserd.wait_up("vps")
    for p, i in ((local, f"L:{local}"), (remote, f"R:{remote}")):
        hawserd.wait_forward("vps", i)
        assert echoes(p)
    hawserd.write("hosts:\n", vps,
                  yaml_host("nas", second,
                            local_forward=f"[127.0.0.1]:{more}:{host}:{port}",
                            hawser_backoff=["1s", "5s"]),
                  "defaults:\n  connect_timeout: 9\n", name="fleet.yaml")
    assert hawserd.hup()["error"] is None
    hawserd.wait_up("nas")
    assert echoes(more)
    hawserd.wait_up("vps")
    assert echoes(local)


def test_a_new_host_leaves_the_others_alone(hawserd, make_sshd, target):
    first, second = make_sshd(), make_sshd()
    local, more = ports.free(), ports.free()
    vps = yaml_host("vps", first, local_forward=f"{local}:{target}")
    hawserd.write("hosts:\n", vps, name="a.yml")
    hawserd.start()
    hawserd.wait_up("vps")
    worker = hawserd.worker_pid("vps")
    hawserd.write("hosts:\n",
                  yaml_host("nas", second, local_forward=f"{more}:{target}"),
                  vps, name="a.yml")
    assert hawserd.hup()["error"] is None
    hawserd.wait_up("nas")
    assert hawserd.worker_pid("vps") == worker
    assert echoes(local) and echoes(more)


def test_values_come_from_the_nearest(hawserd, sshd, target):
    """The host has next to nothing of its own."""
    local = ports.free()
    hawserd.write("hosts:\n  vps:\n"
                  f"    local_forward: '{local}:{target}'\n"
                  "defaults:\n"
                  f"  user: {USER}\n"
                  f"  user_known_hosts_file: {sshd.known_hosts}\n"
                  "  hostname: nowhere.invalid\n", name="b.yaml")
    hawserd.write(f"Host *\n\tHostName {sshd.address}\n")
    write_ini(hawserd, "[defaults]\n"
              f"port = {sshd.port}\n"
              f"identity_file = {sshd.keys.ed25519}\n"
              "user = nobody-at-all\n")
    hawserd.start()
    hawserd.wait_up("vps")
    assert echoes(local)


@pytest.mark.parametrize("text, place, sentence", (
    ("hosts:\n  a:\n    usr: x\n", "3:5", "did you mean user?"),
    ("hosts:\n  a:\n    port: [1]\n", "3:11", "one value, not a list"),
    ("hosts:\n  a: {user: x, user: y}\n", "2:16", "twice"),
    ("hosts:\n  a: &x {}\n", "2:6", "anchors"),
    ("hosts:\n  a: *x\n", "2:6", "aliases"),
    ("hosts:\n---\nhosts:\n", "2:1", "second document"),
    ("hosts:\n  a:\n    user: x\n   tag: y\n", "4:4", "isn't YAML"),
    ("hosts:\n  a: {local_forward: 'x'}\n", "2:22", "local_forward x"),
))
def test_errors_have_their_place(hawserd, sshd, text, place, sentence):
    local = ports.free()
    good = stanza("vps", sshd, f"LocalForward {local} a:1")
    hawserd.write(good)
    hawserd.start()
    hawserd.wait_up("vps")
    bad = hawserd.write(text, name="bad.yaml")
    code, said = check(hawserd)
    assert code == 1
    wanted = f"{bad}:{place}: error: "
    assert any(line.startswith(wanted) and sentence in line
               for line in said.splitlines()), said
    # A reload says the same, and changes nothing.
    assert hawserd.hup()["error"].startswith(wanted)
    hawserd.wait_up("vps")


def test_all_errors_at_once(hawserd):
    paths = [hawserd.write("hosts:\n  a: {usr: x}\n  b: x\n", name="1.yaml"),
             hawserd.write("default:\n", name="2.yml"),
             hawserd.write("Host c\n\tUsr x\n", name="3.conf"),
             write_ini(hawserd, "[api]\ngruop = x\n[nope]\n")]
    code, said = check(hawserd)
    assert code == 1
    for where in (f"{paths[0]}:2:7:", f"{paths[0]}:3:6:", f"{paths[1]}:1:1:",
                  f"{paths[2]}:2:", f"{paths[3]}:2:1:", f"{paths[3]}:3:1:"):
        assert said.count(where) == 1, said


def test_a_host_in_two_files(hawserd):
    yaml = hawserd.write("hosts:\n\n  vps: {local_forward: '1:a:1'}\n",
                         name="1.yaml")
    conf = hawserd.write("Host vps\n\tUser x\n", name="2.conf")
    code, said = check(hawserd)
    assert code == 1
    assert any(line.startswith(f"{conf}:1: error:") and f"{yaml}:3" in line
               for line in said.splitlines()), said


def test_large_input_costs_nothing(hawserd):
    """100 MB are refused before they are read, a bomb at its first line."""
    big = hawserd.write(name="big.yaml")
    os.truncate(big, 100 * 1024 * 1024)
    lines = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    lines += [f"{chr(98 + i)}: &{chr(98 + i)} ["
              + ",".join([f"*{chr(97 + i)}"] * 9) + "]" for i in range(20)]
    bomb = hawserd.write("\n".join(lines) + "\n", name="bomb.yaml")
    probe = ("import resource, subprocess, sys\n"
             "code = subprocess.run(sys.argv[1:]).returncode\n"
             "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
             "sys.exit(code)")
    done = subprocess.run(
        [sys.executable, "-c", probe, program("hawser"), "check",
         hawserd.conf], env=hawserd.environment, text=True,
        capture_output=True, timeout=60, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert f"{big}: error: it is larger than 4194304 bytes" in said
    assert f"{bomb}:1:4: error: anchors" in said
    if not SANITIZED:
        assert int(done.stdout.split()[-1]) < 200 * 1024


def test_writable_by_others(hawserd):
    paths = [hawserd.write("hosts:\n", name="a.yaml"),
             write_ini(hawserd, "[api]\n")]
    for path in paths:
        os.chmod(path, 0o666)
    code, said = check(hawserd)
    assert code == 1
    for path in paths:
        assert f"{path}: error: it can be written by" in said


def test_log_lines_are_json(hawserd, sshd, target):
    """hawserd's and its workers', from when the file is read on."""
    local = ports.free()
    keys = [hawserd.path("no-key"), sshd.keys.ed25519]
    with open(keys[0], "w", encoding="ascii") as f:
        f.write("this is no key\n")
    os.chmod(keys[0], 0o600)
    hawserd.write("hosts:\n", yaml_host("vps", sshd, identity_file=keys,
                                        local_forward=f"{local}:{target}"),
                  name="a.yaml")
    write_ini(hawserd, "[supervisor]\nlog_format = json\n")
    hawserd.start()
    hawserd.wait_up("vps")
    hawserd.stop()
    lines = hawserd.log.text().splitlines()
    events = [json.loads(line) for line in lines if line.startswith("{")]
    assert len(events) >= len(lines) - 2, lines[:5]
    for event in events:
        assert list(event)[:4] == ["time", "level", "who", "msg"], event
        assert event["level"] in ("error", "warn", "info", "debug")
    assert any(e["who"] == "worker vps" for e in events), lines
    assert any(e["msg"] == "the configuration is in force"
               and e["hosts"] == "1" for e in events), lines


def test_log_level_changes_by_reload(hawserd, sshd):
    hawserd.write(stanza("vps", sshd, f"LocalForward {ports.free()} a:1"))
    write_ini(hawserd, "[supervisor]\nlog_level = error\n")
    hawserd.spawn()
    until(lambda: hawserd.running() and os.path.exists(hawserd.socket)
          and _state(hawserd, "vps") == "up", 20, hawserd.log.text)
    assert "in force" not in hawserd.log.text()
    write_ini(hawserd, "[supervisor]\nlog_level = info\n")
    hawserd.hup()
    until(lambda: "in force" in hawserd.log.text(), 10, hawserd.log.text)


def _state(hawserd, name):
    try:
        return hawserd.host(name)["state"]
    except (OSError, TypeError):
        return None


def _ask_as(path, uid, gid):
    """What GET /healthz says to another user; "" if it is hung up on."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        said = b""
        try:
            os.setgroups([gid])
            os.setgid(uid)
            os.setuid(uid)
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(10)
                s.connect(path)
                s.sendall(b"GET /v1/status HTTP/1.0\r\n\r\n")
                said = s.recv(64)
        except OSError as error:
            said = type(error).__name__.encode()
        finally:
            os.write(write, said)
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as f:
        said = f.read()
    os.waitpid(pid, 0)
    return said.decode()


@pytest.mark.skipif(os.getuid() != 0, reason="other users need root")
def test_api_of_a_group(hawserd, sshd):
    group = grp.getgrnam("adm")
    run = hawserd.path("run")
    os.chmod(hawserd.folder, 0o755)
    os.chmod(os.path.dirname(hawserd.folder), 0o755)
    os.chmod(run, 0o755)
    hawserd.write(stanza("vps", sshd, f"LocalForward {ports.free()} a:1"))
    write_ini(hawserd, "[api]\ngroup = adm\n")
    hawserd.start()
    found = os.stat(hawserd.socket)
    assert stat.S_IMODE(found.st_mode) == 0o660
    assert found.st_gid == group.gr_gid
    assert _ask_as(hawserd.socket, 65534, group.gr_gid).startswith("HTTP/1")
    assert _ask_as(hawserd.socket, 65534, 65534) == "PermissionError"
    # A reload takes it back.
    write_ini(hawserd, "")
    hawserd.hup()
    assert stat.S_IMODE(os.stat(hawserd.socket).st_mode) == 0o600
    assert _ask_as(hawserd.socket, 65534, group.gr_gid) == "PermissionError"


def test_samples_and_examples(hawserd):
    """What the documentation holds loads without an error."""
    with open(os.path.join(TOP, "conf.d", "fleet.yaml.sample"),
              encoding="utf-8") as f:
        hawserd.write(f.read(), name="fleet.yaml")
    with open(os.path.join(TOP, "docs", "man", "hawser.conf.5"),
              encoding="utf-8") as f:
        page = f.read()
    blocks = [part.split("\n.Ed", 1)[0].split("\n", 1)[1]
              for part in page.split("\n.Bd")[1:]]
    yaml = [b for b in blocks if b.startswith("hosts:")]
    ini = [b for b in blocks if "[supervisor]" in b]
    assert len(yaml) == 1 and len(ini) == 1
    hawserd.write(yaml[0].replace("vps:", "vps2:"), name="page.yaml")
    write_ini(hawserd, ini[0])
    code, said = check(hawserd)
    errors = [line for line in said.splitlines() if " error: " in line
              and "more than once" not in line]
    assert not errors and code == 0, said
