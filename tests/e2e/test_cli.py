# SPDX-License-Identifier: ISC
"""What the command line prints, where to, and how it exits."""

import json
import os
import pathlib
import pty
import re
import shutil
import subprocess

import pytest

from lib import ports
from lib.hawserd import program, run_cli, stanza


SOURCE = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def up(hawserd, sshd, target):
    """A daemon with one host that is up."""
    hawserd.local = ports.free()
    hawserd.path_of_one = hawserd.write(
        stanza("one", sshd, f"LocalForward {hawserd.local} {target}"))
    hawserd.start()
    hawserd.wait_up("one")
    return hawserd


def on_terminal(*command, environment):
    """The output of a command whose output is a terminal."""
    leader, follower = pty.openpty()
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=follower,
                          stderr=subprocess.DEVNULL, env=environment) as run:
        os.close(follower)
        chunks = []
        while True:
            try:
                chunk = os.read(leader, 65536)
            except OSError:     # EIO: the last writer has closed
                break
            if not chunk:
                break
            chunks.append(chunk)
        run.wait(20)
    os.close(leader)
    return b"".join(chunks).decode()


def test_table(up, target):
    done = up.cli("status")
    assert done.returncode == 0 and done.stderr == ""
    head, forwards, host, forward = done.stdout.splitlines()
    assert head.split() == ["HOST", "STATE", "SINCE", "RTT", "DETAIL"]
    assert forwards.split()[0] == "FORWARD"
    assert host.split()[:2] == ["one", "up"]
    assert forward.startswith(f"  L:{up.local}")
    assert f"to {target}" in forward
    # The columns stand below each other.
    assert host.index("up") == head.index("STATE") == forward.index("up")


def test_colours_only_on_a_terminal(up):
    colourful = dict(up.environment, TERM="xterm")
    del colourful["NO_COLOR"]
    command = (program("hawser"), "status")
    assert "\x1b[32mup" in on_terminal(*command, environment=colourful)
    for plain in (dict(colourful, NO_COLOR="1"),
                  dict(colourful, TERM="dumb")):
        assert "\x1b" not in on_terminal(*command, environment=plain)
    assert "\x1b" not in run_cli("status", environment=colourful).stdout


def test_json_of_named_hosts(up):
    done = up.cli("status", "--json", "one")
    assert done.returncode == 0
    status = json.loads(done.stdout)
    assert [h["name"] for h in status["hosts"]] == ["one"]
    assert status["version"]


def test_unknown_host(up):
    done = up.cli("status", "oen")
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == "hawser: no host oen (did you mean one?)\n"
    for command in ("retry", "up", "down"):
        done = up.cli(command, "oen")
        assert done.returncode == 1
        assert "oen" in done.stderr and done.stderr.count("\n") == 1


def test_disabled_hosts_count_only_by_name(up):
    assert up.cli("down", "one").returncode == 0
    up.wait_state("one", "disabled")
    assert up.cli("status").returncode == 0
    assert up.cli("status", "one").returncode == 1


def test_status_tells_of_files_that_were_not_applied(up):
    with open(up.path_of_one, "a", encoding="utf-8") as f:
        f.write("\tPort none\n")
    reload = up.cli("reload")
    assert reload.returncode == 1
    assert f"{up.path_of_one}:" in reload.stderr
    done = up.cli("status")
    assert done.returncode == 0
    assert f"{up.path_of_one}:" in done.stderr


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("setpriv"),
                    reason="another user is needed")
def test_another_user_is_refused(up):
    os.chmod(up.folder, 0o755)
    os.chmod(os.path.dirname(up.socket), 0o755)
    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
         program("hawser"), "--socket", up.socket, "status"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
        env=dict(up.environment, ASAN_OPTIONS="detect_leaks=0"),
        timeout=60, check=False)
    if "not found" in done.stderr or done.returncode == 127:
        pytest.skip("the build folder is closed to others")
    assert done.returncode == 4
    assert up.socket in done.stderr and done.stdout == ""


def test_check_lists_what_would_run(hawserd, sshd, target):
    port = ports.free()
    path = hawserd.write(
        stanza("one", sshd, f"LocalForward {port} {target}",
               f"DynamicForward {port + 1}"),
        stanza("off", sshd, f"RemoteForward {port} {target}",
               HawserEnabled="no"))
    done = hawserd.cli("check", hawserd.conf)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0][:2] == ["one", "runs"]
    assert lines[0][-1] == f"{path}:1"
    assert lines[1][:4] == [f"L:{port}", "local", "to", target]
    assert lines[2][:3] == [f"D:{port + 1}", "dynamic", "SOCKS"]
    assert ["off", "disabled"] in [line[:2] for line in lines]
    assert "hosts: 2, forwards: 3" in done.stderr
    assert hawserd.cli("check", path).returncode == 0


def test_what_the_documentation_writes_is_fine(tmp_path):
    """The stanzas and forwards of docs/FROM-SSH.md, line by line."""
    text = (SOURCE / "docs/FROM-SSH.md").read_text(encoding="utf-8")
    blocks = [block for block in text.split("\n\n")
              if block.startswith("    ") and "\n" in block]
    stanzas = [b for b in blocks if "Forward " in b and "# ~/.ssh" not in b]
    forwards = re.findall(r"\| `((?:Local|Remote|Dynamic)Forward [^`]*)`",
                          text)
    assert len(stanzas) >= 3 and len(forwards) >= 12
    stanzas += [f"Host a\n\t{line}\n" for line in forwards]
    for i, lines in enumerate(stanzas):
        path = tmp_path / f"{i}.conf"
        path.write_text(lines + "\n", encoding="utf-8")
        done = run_cli("check", str(path))
        assert done.returncode == 0, f"{lines}\n{done.stderr}"
        assert "hosts: 1, forwards: " in done.stderr


def test_check_in_json(hawserd, sshd, target):
    port = ports.free()
    path = hawserd.write(
        stanza("one", sshd, f"LocalForward {port} {target}",
               f"DynamicForward {port + 1}"))
    done = hawserd.cli("check", "--json", hawserd.conf)
    assert done.returncode == 0 and done.stderr == ""
    said = json.loads(done.stdout)
    assert said["ok"] is True and said["diagnostics"] == []
    host, = said["hosts"]
    assert (host["name"], host["file"], host["line"]) == ("one", path, 1)
    assert [f["id"] for f in host["forwards"]] == [f"L:{port}",
                                                  f"D:{port + 1}"]
    assert [f["target"] for f in host["forwards"]] == [target, None]
    with open(path, "a", encoding="utf-8") as f:
        f.write("Prot 22\n")
    done = hawserd.cli("check", "--json", hawserd.conf)
    assert done.returncode == 1 and done.stderr == ""
    said = json.loads(done.stdout)
    assert said["ok"] is False
    assert [(d["severity"], d["file"]) for d in said["diagnostics"]] \
        == [("error", path)]
