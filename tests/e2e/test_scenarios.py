# SPDX-License-Identifier: ISC
"""What people run hawser for, each against a real sshd and real clients."""

import contextlib
import os
import signal
import socket
import stat
import subprocess

import pytest

from lib import netns, ports, proc
from lib.hawserd import stanza
from lib.servers import (connect, echo, http, is_bound, listening, mail, ping,
                         read_all)
from lib.wait import STRETCH, Stopwatch, until


def curl(*arguments, ns=None):
    """What curl fetched."""
    with ns or contextlib.nullcontext():
        done = subprocess.run(
            ["curl", "-sS", "--max-time", "20", "--noproxy", "",
             *arguments], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_home_web_server_is_published(hawserd, sshd, serve):
    page = b"<h1>home</h1>" * 1000
    home = serve(http(page))
    published = ports.free()
    hawserd.write(stanza(
        "vps", sshd, f"RemoteForward {published} localhost:{home.port}"))
    hawserd.start()
    hawserd.wait_forward("vps", f"R:{published}")
    assert curl(f"http://127.0.0.1:{published}/") == page
    assert curl(f"http://localhost:{published}/") == page


def test_several_remote_forwards(hawserd, sshd, serve):
    pages = [b"eighty", b"four four three", b"eight thousand"]
    homes = [serve(http(page)) for page in pages]
    published = [ports.free() for _ in pages]
    hawserd.write(stanza("vps", sshd, *(
        f"RemoteForward {p} 127.0.0.1:{home.port}"
        for p, home in zip(published, homes))))
    hawserd.start()
    hawserd.wait_up("vps")
    for port, page in zip(published, pages):
        hawserd.wait_forward("vps", f"R:{port}")
        assert curl(f"http://127.0.0.1:{port}/") == page


def test_refused_remote_port_leaves_the_others_up(hawserd, sshd, serve):
    home = serve(http(b"home"))
    taken = serve(echo, port=ports.free())
    # localhost means both families to sshd: it only refuses if both fail.
    with contextlib.suppress(OSError):
        serve(echo, host="::1", port=taken.port)
    good = [ports.free(), ports.free()]
    hawserd.write(stanza("vps", sshd, *(
        f"RemoteForward {p} 127.0.0.1:{home.port}"
        for p in (good[0], taken.port, good[1]))))
    hawserd.start()
    hawserd.wait_state("vps", "degraded")
    for port in good:
        hawserd.wait_forward("vps", f"R:{port}")
        assert curl(f"http://127.0.0.1:{port}/") == b"home"
    refused = hawserd.wait_forward("vps", f"R:{taken.port}",
                                   "held", "denied")
    assert refused["detail"]
    assert listening(taken.port)


@pytest.mark.parametrize("line", ("RemoteForward", "LocalForward"))
def test_exit_on_forward_failure(hawserd, sshd, serve, target, line):
    """One refused forward fails the attempt, until it is to be had."""
    holder = serve(echo, port=ports.free())
    taken = f"127.0.0.1:{holder.port}"
    good = ports.free()
    hawserd.write(stanza("vps", sshd, f"LocalForward {good} {target}",
                         f"{line} {taken} {target}",
                         ExitOnForwardFailure="yes",
                         HawserBackoff="200ms 400ms"))
    hawserd.start()
    end = hawserd.wait_ended("vps")["last_end"]
    assert end["class"] == "forward"
    assert str(holder.port) in end["text"]
    holder.stop()
    hawserd.wait_up("vps", timeout=40)
    hawserd.wait_forward("vps", f"{line[0]}:{taken}")
    with connect(good) as s:
        assert ping(s)


def test_use_verifies(hawserd, sshd, target):
    """A local forward: remote ones are proved, see test_truth.py."""
    line, port = "LocalForward", ports.free()
    hawserd.write(stanza("vps", sshd, f"{line} {port} {target}",
                         HawserVerify="700ms"))
    hawserd.start()
    forward = f"{line[0]}:{port}"
    assert hawserd.wait_forward("vps", forward)["verified_at"] is None
    with connect(port) as s:
        assert ping(s)
        used = hawserd.wait_forward("vps", forward, "verified")
        assert used["verified_at"] == used["last_ok_at"] is not None
        assert hawserd.host("vps")["state"] == "up"
        idle = hawserd.wait_forward("vps", forward, "up")
        assert idle["verified_at"] == used["verified_at"]
        # Verified for two hours; but then no longer at all.
        hawserd.write(stanza("vps", sshd, f"{line} {port} {target}",
                             HawserVerify="1h"))
        hawserd.hup()
        assert ping(s)
        hawserd.wait_forward("vps", forward, "verified")
    hawserd.write(stanza("vps", sshd, f"{line} {port} {target}",
                         HawserVerify="no"))
    hawserd.signal(signal.SIGHUP)
    hawserd.wait_forward("vps", forward, "up")
    with connect(port) as s:
        assert ping(s)
    assert hawserd.forward("vps", forward)["state"] == "up"


def test_refused_remote_port_is_retried(hawserd, sshd, serve):
    """The session stays; only the forward is asked for again."""
    home = serve(http(b"home"))
    holders = [serve(echo, port=ports.free())]
    with contextlib.suppress(OSError):
        holders.append(serve(echo, host="::1", port=holders[0].port))
    port = holders[0].port
    hawserd.write(stanza(
        "vps", sshd, f"RemoteForward {port} 127.0.0.1:{home.port}"))
    hawserd.start()
    hawserd.wait_forward("vps", f"R:{port}", "held", "denied")
    worker = hawserd.worker_pid("vps")
    for holder in holders:
        holder.stop()
    hawserd.wait_forward("vps", f"R:{port}", timeout=40)
    assert curl(f"http://127.0.0.1:{port}/") == b"home"
    hawserd.wait_up("vps")
    assert hawserd.worker_pid("vps") == worker


@pytest.mark.netns
def test_two_homes_meet_on_one_server(make_ns, make_sshd, make_hawserd):
    """C publishes its SSH port on B, A reaches it through B: the three
    machines are namespaces, and A has no way to C but through B."""
    a, b, c = make_ns("a"), make_ns("b"), make_ns("c")
    netns.cable(a, "10.77.1.1", b, "10.77.1.2")
    netns.cable(b, "10.77.2.2", c, "10.77.2.3")
    on_b = make_sshd(address="0.0.0.0", port=22, ns=b)
    on_c = make_sshd(address="127.0.0.1", port=22, ns=c)
    b_key = on_b.host_key_lines[0]
    with open(on_b.known_hosts, "w", encoding="ascii") as f:
        f.write(f"10.77.1.2 {b_key}\n10.77.2.2 {b_key}\n")

    home = make_hawserd(ns=c)
    home.write(stanza("b", on_b, "RemoteForward 333 localhost:22",
                      HostName="10.77.2.2"))
    home.start()
    office = make_hawserd(ns=a)
    office.write(stanza("b", on_b, "LocalForward 4444 localhost:333",
                        HostName="10.77.1.2"))
    office.start()
    home.wait_forward("b", "R:333")
    office.wait_forward("b", "L:4444")

    with a:
        done = subprocess.run(
            on_c.ssh("readlink /proc/self/ns/net", host="localhost",
                     port=4444), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"net:[{c.inode()}]"


def test_ssh_to_a_third_machine(hawserd, make_sshd):
    """The third machine's host key is its own: ssh checks it end to end."""
    bastion, third = make_sshd(), make_sshd()
    assert bastion.host_key_lines != third.host_key_lines
    local = ports.free()
    hawserd.write(stanza(
        "bastion", bastion,
        f"LocalForward {local} {third.address}:{third.port}"))
    hawserd.start()
    hawserd.wait_up("bastion")
    done = subprocess.run(
        third.ssh("echo $SSH_CONNECTION", host="127.0.0.1", port=local),
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == str(third.port)


def test_socks_with_curl(hawserd, sshd, serve):
    page = b"through socks " * 5000
    v4 = serve(http(page))
    v6 = serve(http(b"six"), host="::1")
    port = ports.free()
    hawserd.write(stanza("out", sshd, f"DynamicForward {port}"))
    hawserd.start()
    hawserd.wait_up("out")
    proxy = f"127.0.0.1:{port}"
    url = f"http://localhost:{v4.port}/"
    assert curl("--socks5-hostname", proxy, url) == page
    assert curl("--socks4a", proxy, url) == page
    url = f"http://127.0.0.1:{v4.port}/"
    assert curl("--socks5", proxy, url) == page
    assert curl("--socks4", proxy, url) == page
    url = f"http://[::1]:{v6.port}/"
    assert curl("--socks5", proxy, url) == b"six"
    assert curl("--socks5-hostname", proxy, url) == b"six"


def test_mail_where_the_server_speaks_first(hawserd, sshd, serve):
    imap = serve(mail)
    local = ports.free()
    hawserd.write(stanza(
        "mail", sshd, f"LocalForward {local} localhost:{imap.port}"))
    hawserd.start()
    hawserd.wait_up("mail")
    with connect(local) as s:
        lines = s.makefile("rb")
        assert lines.readline() == b"* OK ready\r\n"
        s.sendall(b"a1 NOOP\r\n")
        assert lines.readline() == b"a1 OK NOOP\r\n"
        s.sendall(b"a2 LOGOUT\r\n")
        assert lines.read() == b"* BYE\r\na2 OK bye\r\n"


def test_server_speaks_first_through_a_remote_forward(hawserd, sshd, serve):
    imap = serve(mail)
    published = ports.free()
    hawserd.write(stanza(
        "mail", sshd, f"RemoteForward {published} localhost:{imap.port}"))
    hawserd.start()
    hawserd.wait_forward("mail", f"R:{published}")
    with connect(published) as s:
        s.sendall(b"a1 LOGOUT\r\n")
        assert read_all(s) == b"* OK ready\r\n* BYE\r\na1 OK bye\r\n"


@pytest.mark.parametrize("kind", ("ed25519", "ecdsa", "rsa"))
def test_key_types(hawserd, make_sshd, serve, kind):
    """Host and client keys of each type."""
    sshd = make_sshd(host_keys=(kind,))
    server = serve(echo)
    local = ports.free()
    hawserd.write(stanza(
        "host", sshd, f"LocalForward {local} localhost:{server.port}",
        key=getattr(sshd.keys, kind)))
    hawserd.start()
    hawserd.wait_up("host")
    with connect(local) as s:
        assert ping(s)
    kinds = {"ed25519": "ED25519", "ecdsa": "ECDSA", "rsa": "RSA"}
    sshd.log.wait(f"Accepted publickey for .* {kinds[kind]} SHA256")


def test_single_file(hawserd, sshd, serve):
    """`hawserd -F FILE` with one ssh_config file."""
    server = serve(echo)
    local = ports.free()
    path = hawserd.write(stanza(
        "host", sshd, f"LocalForward {local} localhost:{server.port}"))
    hawserd.start(source=("-F", path))
    hawserd.wait_up("host")
    with connect(local) as s:
        assert ping(s)


def test_gpg_agent_is_lent_to_the_server(hawserd, make_sshd, workdir, stack):
    """A Unix socket there that leads to a Unix socket here."""
    sshd = make_sshd(options=["StreamLocalBindUnlink yes"])
    there = f"{workdir}/S.gpg-agent"
    here = f"{workdir}/S.gpg-agent.extra"
    agent = stack.enter_context(socket.socket(socket.AF_UNIX))
    agent.bind(here)
    agent.listen()
    agent.settimeout(20 * STRETCH)
    hawserd.write(stanza("vps", sshd, f"RemoteForward {there} {here}"))
    hawserd.start()
    hawserd.wait_forward("vps", f"R:{there}")
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(there)
        conn, _ = agent.accept()
        with conn:
            conn.sendall(b"OK Pleased to meet you\n")
            assert s.recv(100) == b"OK Pleased to meet you\n"
            s.sendall(b"BYE\n")
            assert conn.recv(100) == b"BYE\n"


def test_local_unix_socket(hawserd, sshd, target, workdir):
    path = f"{workdir}/here"
    with socket.socket(socket.AF_UNIX) as holder:
        holder.bind(path)
        holder.listen()
        hawserd.write(stanza("vps", sshd, f"LocalForward {path} {target}"))
        hawserd.start()
        hawserd.wait_forward("vps", f"L:{path}", "bind-failed")
        until(lambda: hawserd.forward("vps", f"L:{path}")["detail"]
              == f"{path} is used by {proc.name(os.getpid())} "
              f"(pid {os.getpid()})", 10, "the holder is named")
        hawserd.write(stanza("vps", sshd, f"LocalForward {path} {target}",
                             StreamLocalBindUnlink="yes",
                             StreamLocalBindMask="0117"))
        hawserd.signal(signal.SIGHUP)
        hawserd.wait_forward("vps", f"L:{path}")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o660
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(20 * STRETCH)
        s.connect(path)
        assert ping(s)
    hawserd.stop()
    assert not os.path.exists(path)


def test_ipv6_listener(hawserd, sshd, serve):
    server = serve(echo)
    local, dynamic = ports.free(), ports.free()
    hawserd.write(stanza(
        "host", sshd, f"LocalForward [::1]:{local} localhost:{server.port}",
        f"DynamicForward [::1]:{dynamic}"))
    hawserd.start()
    hawserd.wait_up("host")
    with connect(local, host="::1") as s:
        assert ping(s)
    assert listening(dynamic, host="::1")
    assert not listening(local, host="127.0.0.1")


def test_default_bind_is_loopback_of_both_families(hawserd, sshd, serve):
    server = serve(echo)
    local = ports.free()
    hawserd.write(stanza(
        "host", sshd, f"LocalForward {local} 127.0.0.1:{server.port}"))
    hawserd.start()
    hawserd.wait_up("host")
    for address in ("127.0.0.1", "::1"):
        with connect(local, host=address) as s:
            assert ping(s)
    assert not listening(local, host="127.0.0.2")


def test_ipv6_targets(hawserd, sshd, serve):
    server = serve(echo, host="::1")
    local, remote = ports.free(), ports.free()
    hawserd.write(stanza(
        "host", sshd, f"LocalForward {local} [::1]:{server.port}",
        f"RemoteForward {remote} [::1]:{server.port}"))
    hawserd.start()
    hawserd.wait_up("host")
    for port in (local, remote):
        with connect(port) as s:
            assert ping(s)


def test_localhost_is_both_families(hawserd, sshd, serve):
    """A home service that listens on ::1 alone."""
    server = serve(echo, host="::1")
    remote = ports.free()
    hawserd.write(stanza(
        "host", sshd, f"RemoteForward {remote} localhost:{server.port}"))
    hawserd.start()
    hawserd.wait_forward("host", f"R:{remote}")
    with connect(remote) as s:
        assert ping(s)


@pytest.mark.netns
def test_star_binds_every_address(make_ns, make_sshd, make_hawserd, serve):
    ns = make_ns("star")
    sshd = make_sshd(ns=ns, port=22, options=["GatewayPorts clientspecified"])
    with ns:
        server = serve(echo)
    hawserd = make_hawserd(ns=ns)
    hawserd.write(stanza(
        "host", sshd, f"LocalForward *:4001 localhost:{server.port}",
        f"RemoteForward *:4002 localhost:{server.port}",
        "DynamicForward *:4003"))
    hawserd.start()
    hawserd.wait_up("host")
    hawserd.wait_forward("host", "R:*:4002")
    with ns:
        for port in (4001, 4002):
            for address in ("127.0.0.1", "127.0.0.9", "::1"):
                with connect(port, host=address) as s:
                    assert ping(s)
        assert listening(4003, "127.0.0.9")


@pytest.mark.alone
def test_64_opens_at_once_cost_one_round_trip(hawserd, sshd, serve,
                                              make_proxy):
    """100 ms there and back: in turn, 64 opens would take 6.4 s."""
    server = serve(mail)
    line = make_proxy(sshd.port, delay=0.05)
    sshd.trust_port(line.port)
    local = ports.free()
    hawserd.write(stanza(
        "far", sshd, f"LocalForward {local} localhost:{server.port}",
        Port=line.port))
    hawserd.start()
    hawserd.wait_up("far")
    watch = Stopwatch()
    clients = [connect(local) for _ in range(64)]
    for s in clients:
        assert s.recv(64) == b"* OK ready\r\n"
    took = watch.seconds
    for s in clients:
        s.close()
    assert took < 0.6 * STRETCH, f"{took:.3f} s"


def test_nothing_listens_but_what_was_asked_for(hawserd, sshd):
    local = ports.free()
    hawserd.write(stanza("host", sshd, f"LocalForward {local} localhost:9"))
    assert not is_bound(local)
    hawserd.start()
    hawserd.wait_up("host")
    assert is_bound(local)
    hawserd.stop()
    assert not is_bound(local)
