# SPDX-License-Identifier: ISC
"""Every algorithm that hawser knows, against the servers that know it, while
keys are exchanged anew under the bytes; and what is said when there is none in
common."""

import concurrent.futures
import itertools
import random
import re
import socket
import struct
import subprocess

import pytest

from lib import ports
from lib.hawserd import run_cli, stanza
from lib.servers import connect, echo, read_exactly
from lib.sshd import SSHDS, Dropbear, make_key
from lib.wait import until

KEYWORDS = ("KexAlgorithms", "HostKeyAlgorithms", "Ciphers", "MACs",
            "PubkeyAcceptedAlgorithms")
WEAK = ["diffie-hellman-group1-sha1", "ssh-rsa", "aes128-cbc", "hmac-sha1"]

# What an sshd of OpenSSH can do but doesn't unless it is told to.
OLD = ["KexAlgorithms +diffie-hellman-group14-sha1,"
       "diffie-hellman-group1-sha1,diffie-hellman-group-exchange-sha1",
       "HostKeyAlgorithms +ssh-rsa", "PubkeyAcceptedAlgorithms +ssh-rsa",
       "Ciphers +aes128-cbc,aes192-cbc,aes256-cbc,3des-cbc",
       "MACs +hmac-sha1-96", "MaxStartups 500"]

# Several key exchanges while DATA passes in both directions.
REKEY = "RekeyLimit 150K"
NOISE = random.Random(4).randbytes(100_000)
DATA = NOISE + b"a line of a log, over and over\n" * 4_000 + NOISE[::-1]


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """All names that hawser can do, by keyword: it says so itself."""
    folder = tmp_path_factory.mktemp("lists")
    path = folder / "config"
    path.write_text("".join(f"{k} -*\n" for k in KEYWORDS))
    said = run_cli("show", "-F", str(path), "x").stderr
    lists = {k: names.split(",") for k, names in re.findall(
        r"(\w+) leaves nothing .*is needed: (\S+)", said)}
    assert sorted(lists) == sorted(KEYWORDS), said
    return lists


def offered(server):
    """The lists of a server's first packet (RFC 4253 7.1), by keyword."""
    with connect(server.port) as s:
        s.sendall(b"SSH-2.0-Test\r\n")
        while read_until(s, b"\n")[:4] != b"SSH-":
            pass
        length, = struct.unpack(">I", read_exactly(s, 4))
        packet = read_exactly(s, length)[1:]
    at, lists = 17, []
    for _ in range(5):
        n, = struct.unpack_from(">I", packet, at)
        lists.append(packet[at + 4:at + 4 + n].decode().split(","))
        at += 4 + n
    return dict(zip(("KexAlgorithms", "HostKeyAlgorithms", "Ciphers"), lists),
            MACs=lists[4])


def read_until(s, end):
    text = b""
    while not text.endswith(end):
        text += s.recv(1)
    return text


def common(known, server):
    """What both can do, in hawser's order."""
    theirs = offered(server)
    return {k: [n for n in known[k] if n in theirs[k]] for k in theirs}


def is_whole(cipher):
    """Does it do without a MAC?"""
    return "gcm" in cipher or "chacha" in cipher


def pairs(lists):
    """Every cipher with every MAC that can be used with it."""
    return [(c, m) for c in lists["Ciphers"]
            for m in lists["MACs"][:1 if is_whole(c) else None]]


def some_pairs(lists):
    """Every cipher, and every MAC with one that needs it."""
    whole = [c for c in lists["Ciphers"] if is_whole(c)]
    other = [c for c in lists["Ciphers"] if not is_whole(c)]
    macs = lists["MACs"]
    return [(c, macs[0]) for c in whole] + [
        (other[i % len(other)], macs[i % len(macs)])
        for i in range(max(len(other), len(macs)))]


def cover(*lists):
    """Rows in which each value of each list stands at least once."""
    return [tuple(x[i % len(x)] for x in lists)
            for i in range(max(map(len, lists)))]


def user_keys(keys):
    return [(keys.ed25519, "ssh-ed25519"), (keys.rsa, "rsa-sha2-256"),
            (keys.ecdsa, "ecdsa-sha2-nistp256"), (keys.rsa, "rsa-sha2-512"),
            (keys.rsa, "ssh-rsa")]


def passes(port, size=len(DATA)):
    """Data goes there and comes back the same, in full duplex."""
    data = DATA[:size]
    with connect(port, timeout=120) as s:
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            back = pool.submit(read_exactly, s, size)
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            return back.result() == data


def assert_each_passes(hawserd, servers, serve, rows, parallel=4):
    """One host for each row, all of one hawserd, on the servers in turn:
    (cipher, MAC), kex, host key, (key, its signature), whether to compress."""
    target = f"127.0.0.1:{serve(echo, backlog=500).port}"
    local = [ports.free() for _ in rows]
    stanzas = []
    for i, (pair, kex, host_key, key, compress) in enumerate(rows):
        stanzas.append(stanza(
            f"h{i}", servers[i % len(servers)],
            f"LocalForward {local[i]} {target}", key=key[0],
            Ciphers=pair[0], MACs=pair[1], KexAlgorithms=kex,
            HostKeyAlgorithms=host_key, PubkeyAcceptedAlgorithms=key[1],
            Compression="yes" if compress else "no"))
    hawserd.write(*stanzas)
    hawserd.start()
    for i, row in enumerate(rows):
        found = hawserd.wait_up(f"h{i}", timeout=60)
        assert found["last_end"] is None, (row, found)
    # An exchange with 8,192 bits takes a second: one rekey is enough.
    sizes = [160_000 if "group18" in kex else len(DATA)
             for _, kex, *_ in rows]
    with concurrent.futures.ThreadPoolExecutor(parallel) as pool:
        for row, good in zip(rows, pool.map(passes, local, sizes)):
            assert good, row
    for i, row in enumerate(rows):
        assert hawserd.host(f"h{i}")["last_end"] is None, row


def exchanges(sshd):
    """How often a cipher, MAC and compression were agreed upon."""
    found = {}
    for line in sshd.log.find(r"kex: client->server cipher: (\S+ MAC: \S+ "
                              r"compression: \S+)"):
        cipher, _, mac, _, compression = line.split()
        key = (cipher, "-" if mac == "<implicit>" else mac,
               compression != "none")
        found[key] = found.get(key, 0) + 1
    return found


def assert_agreed(sshd, rows):
    """The server saw what was asked for, and each more than once."""
    found = exchanges(sshd)
    for (cipher, mac), *_, compress in rows:
        key = (cipher, "-" if is_whole(cipher) else mac, compress)
        assert found.get(key, 0) >= 2, (key, found)


def full_sshd(make_sshd, program):
    """An OpenSSH that does all it can, with a host key of every type."""
    sshd = make_sshd(options=[*OLD, REKEY], program=program,
                     host_keys=("ed25519", "rsa", "ecdsa", "ecdsa-384",
                                "ecdsa-521"))
    return sshd


@pytest.mark.parametrize("program", SSHDS)
def test_every_algorithm(hawserd, make_sshd, serve, known, program):
    """Each name of each list, as it comes about with the others."""
    sshd = full_sshd(make_sshd, program)
    lists = common(known, sshd)
    assert set(WEAK) <= set(itertools.chain(*lists.values()))
    rows = cover(some_pairs(lists), lists["KexAlgorithms"],
                 lists["HostKeyAlgorithms"], user_keys(sshd.keys),
                 (False, True, True))
    assert_each_passes(hawserd, [sshd], serve, rows)
    assert_agreed(sshd, rows)
    agreed = set(sshd.log.find(r"kex: algorithm: (\S+)"))
    assert agreed == set(lists["KexAlgorithms"])
    agreed = set(sshd.log.find(r"kex: host key algorithm: (\S+)"))
    assert agreed == set(lists["HostKeyAlgorithms"])


@pytest.mark.netns
def test_every_algorithm_of_dropbear(hawserd, stack, workdir, keys, serve,
                                     known):
    # One drops the sixth of those that haven't logged in.
    servers = [Dropbear(f"{workdir}/dropbear{i}", keys,
                        host_keys=("ed25519", "rsa", "ecdsa"))
               for i in range(2)]
    for server in servers:
        stack.callback(server.stop)
        server.start()
    lists = common(known, servers[0])
    assert all(lists.values()), lists
    rows = [(pair, *rest, compress) for (pair, compress), *rest in cover(
        list(itertools.product(pairs(lists), (False, True))),
        lists["KexAlgorithms"], lists["HostKeyAlgorithms"],
        user_keys(keys)[:3])]
    assert len(rows) <= 10, rows
    assert_each_passes(hawserd, servers, serve, rows)


@pytest.mark.long
@pytest.mark.parametrize("program", SSHDS)
@pytest.mark.parametrize("part", range(4))
def test_every_pair(hawserd, make_sshd, serve, known, program, part):
    """Every cipher with every MAC, with and without compression, and every
    key exchange with every host key."""
    sshd = full_sshd(make_sshd, program)
    lists = common(known, sshd)
    key = user_keys(sshd.keys)[:1]
    rows = list(itertools.product(pairs(lists), lists["KexAlgorithms"][:1],
                                  lists["HostKeyAlgorithms"][:1], key,
                                  (False, True)))
    rows += itertools.product(pairs(lists)[:1], lists["KexAlgorithms"],
                              lists["HostKeyAlgorithms"], key, (False,))
    rows = rows[part::4]
    print(f"{len(rows)} combinations")
    assert_each_passes(hawserd, [sshd], serve, rows)
    assert_agreed(sshd, rows)


# What is said ----------------------------------------------------------------

def test_no_algorithm_in_common(hawserd, make_sshd):
    sshd = make_sshd(options=[
        "KexAlgorithms curve25519-sha256", "Ciphers aes256-ctr",
        "MACs umac-64@openssh.com,hmac-sha2-512"], host_keys=("ecdsa",))
    lines = [("KexAlgorithms", "ecdh-sha2-nistp256", "key exchange",
              "curve25519-sha256"),
             ("HostKeyAlgorithms", "ssh-ed25519,rsa-sha2-512", "host key",
              "ecdsa-sha2-nistp256"),
             ("Ciphers", "aes128-ctr", "cipher", "aes256-ctr"),
             ("MACs", "hmac-sha2-256", "MAC",
              "umac-64@openssh.com,hmac-sha2-512")]
    path = hawserd.write(*(
        stanza(k.lower(), sshd, f"LocalForward {ports.free()} localhost:1",
               **{k: ours}) for k, ours, *_ in lines))
    with open(path, encoding="ascii") as f:
        written = f.read().splitlines()
    hawserd.start()
    for keyword, ours, kind, theirs in lines:
        end = hawserd.wait_ended(keyword.lower())["last_end"]
        line = written.index(f"\t{keyword} {ours}") + 1
        assert end["class"] == "kex"
        assert re.fullmatch(
            rf"127\.0\.0\.1 port {sshd.port}: no common {kind} algorithm: "
            rf"the server offers {theirs}(,[a-z0-9-]+@openssh.com)*; hawser "
            rf"asks for {ours} \({keyword} at {path}:{line}\)",
            end["text"]), end


def test_check_names_the_lines(hawserd):
    path = hawserd.write(
        "Host a\n\tLocalForward 1234 localhost:1\n\tCiphers -*\n"
        "\tMACs umac-64@openssh.com,hmac-sha1\n\tKexAlgorithms rot13\n")
    done = hawserd.cli("check", hawserd.conf)
    assert done.returncode == 1
    assert f"{path}:3: error: Ciphers leaves nothing that hawser can do" \
        in done.stderr + done.stdout
    assert f"{path}:5: error: KexAlgorithms: \"rot13\" is not a list" \
        in done.stderr + done.stdout
    hawserd.write("Host a\n\tLocalForward 12345 localhost:1\n"
                  "\tMACs umac-64@openssh.com,hmac-sha1\n")
    done = hawserd.cli("check", hawserd.conf)
    said = done.stderr + done.stdout
    assert done.returncode == 0, said
    assert f"{path}:3: warning: MACs: hawser can't do umac-64@" in said
    assert f"{path}:3: warning: MACs allows hmac-sha1, which is no lo" in said


def test_show_prints_what_is_asked_for(hawserd, known):
    """A list that both can do is the same list to both; without a line it is
    what hawser uses."""
    chosen = random.Random(5)
    names = {k: chosen.choices(known[k], k=6) for k in KEYWORDS}
    path = hawserd.write("".join(f"{k} {','.join(v)}\n"
                                 for k, v in names.items()))
    ours = hawserd.cli("show", "-F", path, "x").stdout
    theirs = subprocess.run(["ssh", "-G", "-F", path, "x"], text=True,
                            capture_output=True, check=True).stdout
    for k in KEYWORDS:
        line = re.search(rf"(?m)^{k.lower()} .*", ours)[0]
        assert f"\n{line}\n" in theirs, line
        assert f"\n{line}\t# {path}:" in hawserd.cli(
            "show", "--origin", "-F", path, "x").stdout
    path = hawserd.write("\n")
    ours = hawserd.cli("show", "--origin", "-F", path, "x").stdout
    assert "\nmacs hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@" \
        "openssh.com,hmac-sha2-256,hmac-sha2-512\t# default\n" in ours
    assert not re.search(r"sha1|ssh-rsa|cbc", ours)
    ours = hawserd.cli("show", "--ssh-defaults", "-F", path, "x").stdout
    assert not re.search(r"(?m)^(macs|ciphers) ", ours)


# What it does -----------------------------------------------------------------

def test_reload_replaces_the_connection(hawserd, sshd, target):
    port = ports.free()

    def write(cipher):
        hawserd.write(stanza("a", sshd, f"LocalForward {port} {target}",
                             Ciphers=cipher))
    write("aes128-ctr")
    hawserd.start()
    old = hawserd.wait_up("a")["pid"]
    write("aes256-ctr")
    hawserd.hup()
    until(lambda: hawserd.host("a")["state"] == "up"
          and hawserd.worker_pid("a") != old, 15, "another worker")
    assert passes(port)
    ciphers = sshd.log.find(r"kex: client->server cipher: (\S+)")
    assert ciphers == ["aes128-ctr", "aes256-ctr"]


def test_each_hop_has_its_own(hawserd, make_sshd, target):
    """And a server that doesn't compress isn't made to."""
    gate, sshd = make_sshd(), make_sshd(options=["Compression no"])
    port = ports.free()
    hawserd.write(
        stanza("gate", gate, Ciphers="aes256-ctr", Compression="yes"),
        stanza("inner", sshd, f"LocalForward {port} {target}",
               ProxyJump="gate", Ciphers="-*gcm*,chacha*", Compression="yes"))
    hawserd.start()
    hawserd.wait_up("inner")
    assert passes(port)
    agreed = r"kex: client->server cipher: (\S+) .* compression: (\S+)"
    assert gate.log.find(agreed) == [("aes256-ctr", "zlib@openssh.com")]
    assert sshd.log.find(agreed) == [("aes128-ctr", "none")]


def test_chosen_order_of_host_keys(hawserd, make_sshd, target):
    """As with ssh: what known_hosts has goes first, unless the line gives a
    list of its own. What one of them learns would wake the others."""
    sshd = make_sshd(host_keys=("ed25519", "ecdsa"))
    sshd.write_known_hosts(sshd.host_key_lines[1:])
    lines = {"default": None, "less": "-rsa*", "more": "+ssh-rsa",
             "chosen": "ssh-ed25519,ecdsa-sha2-nistp256",
             "first": "^ssh-ed25519"}
    hawserd.write(*(
        stanza(name, sshd, f"LocalForward {ports.free()} {target}",
               HostKeyAlgorithms=line, UpdateHostKeys="no")
        for name, line in lines.items()))
    hawserd.start()
    for name in ("default", "less", "more"):
        hawserd.wait_up(name)
    for name in ("chosen", "first"):
        end = hawserd.wait_ended(name, "parked")["last_end"]
        assert end["class"] == "hostkey" and "ssh-ed25519" in end["text"]


def test_required_rsa_size(hawserd, make_sshd, target, workdir):
    sshd = make_sshd(host_keys=("rsa-2048",))
    key = f"{workdir}/id_short"
    sshd.authorize(make_key(key, "rsa-2048"))

    def write(name, size, key):
        return stanza(name, sshd, f"LocalForward {ports.free()} {target}",
                      key=key, RequiredRSASize=size)
    hawserd.write(write("enough", 2048, key), write("host", 2049, key))
    hawserd.start()
    hawserd.wait_up("enough")
    end = hawserd.wait_ended("host")["last_end"]
    assert end["class"] == "kex"
    assert "has only 2048 bits, and RequiredRSASize is 2049" in end["text"]
    other = make_sshd()
    hawserd.write(
        stanza("user", other, f"LocalForward {ports.free()} {target}", key=key,
               RequiredRSASize=3072))
    hawserd.hup()
    end = hawserd.wait_ended("user")["last_end"]
    assert end["class"] == "auth"
    assert f"{key} was not offered: it has 2048 bits, and RequiredRSASize " \
        "is 3072" in end["text"]


def test_keys_that_are_not_allowed(hawserd, sshd, target):
    path = hawserd.write(
        stanza("a", sshd, f"LocalForward {ports.free()} {target}",
               key=sshd.keys.rsa, PubkeyAcceptedAlgorithms="-rsa*,ssh-rsa*"))
    with open(path, encoding="ascii") as f:
        lines = f.read().splitlines()
    line = [i for i, text in enumerate(lines, 1) if "Pubkey" in text][0]
    hawserd.start()
    end = hawserd.wait_ended("a")["last_end"]
    assert end["class"] == "auth"
    assert f"{sshd.keys.rsa} was not offered: PubkeyAcceptedAlgorithms at " \
        f"{path}:{line} does not allow ssh-rsa" in end["text"]
