# SPDX-License-Identifier: ISC
"""Servers that break off or talk nonsense before anybody is logged in: each
ends in the right class, or does no harm."""

import time

import pytest

from lib import ssh_server
from lib.hostile import NASTY, Case
from lib.ssh_server import (
    CHANGE_REQUEST, CIPHERS, DEBUG, DISCONNECT, EXT_INFO, GEX_GROUP, GEX_INIT,
    GEX_REPLY, GEX_REQUEST, IGNORE, INFO_REQUEST, INFO_RESPONSE, KEX_INIT,
    KEX_REPLY, NEWKEYS, SERVICE_ACCEPT, STEPS, UNIMPLEMENTED, USERAUTH_BANNER,
    USERAUTH_FAILURE, USERAUTH_PK_OK, USERAUTH_SUCCESS, HostKey, Raw, packet)

GB4 = 2**32 - 1


def close(s):
    s.sock.shutdown(2)
    raise EOFError("closed")


def reset(s):
    ssh_server.reset(s.sock)


def goodbye(s):
    s.send(packet(DISCONNECT, 11, "bye " + "\x1b[2J", ""))
    s.wait()


def silence(s):
    while s.sock.recv(65536):
        pass
    raise EOFError("the client has had enough")


def raw(data):
    """Bytes on the line, and then nothing."""
    def play(s):
        s.sock.sendall(data)
        silence(s)
    return play


def drip(data, pause=0.2):
    """A few bytes a second."""
    def play(s):
        for i in range(len(data)):
            s.sock.sendall(data[i:i + 1])
            time.sleep(pause)
        silence(s)
    return play


def send(*packets):
    return lambda s: s.send(*packets)


def instead(*packets):
    """These in the place of the step's own."""
    def play(s):
        s.send(*packets)
        return True
    return play


def banner(line):
    def play(s):
        s.banner = line
    return play


HANDSHAKE = STEPS[1:5]      # steps that the connection's first phases wait for
LOGIN = STEPS[5:8]

BREAKS = [
    Case("banner-close", {"banner": close}, "closed-early"),
    Case("banner-reset", {"banner": reset}, "closed-early"),
    *[Case(f"{step}-{name}", {step: how}, "lost")
      for step in STEPS[1:-1]
      for name, how in (("close", close), ("reset", reset))],
    *[Case(f"{step}-goodbye", {step: goodbye}, "closed", "bye")
      for step in HANDSHAKE],
    *[Case(f"{step}-goodbye", {step: goodbye}, "auth", "bye")
      for step in LOGIN],
    *[Case(f"{step}-silence", {step: silence}, "timeout", ConnectTimeout=1)
      for step in STEPS[:4]],
]
LINE = b"hello, this is no banner\r\n"

BANNERS = [
    Case("lines-before", {"banner": lambda s: s.sock.sendall(LINE * 400)},
         None),
    Case("lines-without-end", {"banner": raw(LINE * 4000)},
         text="no SSH banner"),
    Case("line-without-end", {"banner": raw(b"x" * 100000)},
         text="no SSH banner"),
    Case("noise", {"banner": raw(bytes(range(256)) * 400)}),
    Case("zeros", {"banner": raw(bytes(100000))}),
    Case("http", {"banner": raw(b"HTTP/1.1 400 Bad Request\r\n"
                                b"Connection: close\r\n\r\n" * 2000)},
         text="no SSH banner"),
    Case("ssh-1", {"banner": raw(b"SSH-1.5-old\r\n")}, text="version 1",
         ConnectTimeout=600),
    Case("drip", {"banner": drip(b"SSH-2.0-slow" * 10)}, "timeout",
         "banner", ConnectTimeout=1),
    Case("drip-kexinit", {"kexinit": lambda s: drip(s.seal(
        s.kexinit()))(s)}, "timeout",
         "banner|kex", ConnectTimeout=1),
    Case("banner-nasty", {"banner": banner(b"SSH-2.0-\x1b[2J\xff\xfe")},
         None),
    Case("banner-199", {"banner": banner(b"SSH-1.99-old")}, None),
    Case("banner-long", {"banner": banner(b"SSH-2.0-" + b"x" * 240)}, None),
    Case("banner-longer", {"banner": banner(b"SSH-2.0-" + b"x" * 30000)}),
    Case("no-packet", {"kexinit": raw(bytes(range(256)) * 100)}),
    *[Case(f"plain-{name}", {"kexinit": lambda s, lie=lie: s.sock.sendall(
        s.seal(packet(IGNORE, b"x" * 100), **lie) + bytes(40000))})
      for name, lie in (
          ("padding", {"padding": 255}), ("length-0", {"length": 0}),
          ("length-1", {"length": 1}), ("length-huge", {"length": GB4}),
          ("length-sign", {"length": 2**31}),
          ("length-40001", {"length": 40001}))],
]


def offer(**lists):
    def play(s):
        s.send(s.kexinit(**lists))
        silence(s)
    return play


def reply(change):
    """A key exchange whose last packet has other fields."""
    def play(s):
        s.kex_reply = lambda *right: change(*right)
    return {"kexinit": play}


def flip(data, at=-1):
    data = bytearray(data)
    data[at] ^= 1
    return bytes(data)


# Points of small order: the secret would be zero (RFC 7748 6.1).
WEAK = (bytes(32), b"\1" + bytes(31),
        bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46a"
                      "da098deb9c32b1fd866205165f49b800"))

KEX = [
    *[Case(f"offer-no-{name}", {"kexinit": offer(**{name: "x,y"})}, "kex",
           "the server offers x,y;") for name in (
        "kex", "host_key", "cipher", "compression")],
    Case("offer-no-mac", {"kexinit": offer(cipher="aes128-ctr", mac="x")},
         "kex", "the server offers x;"),
    Case("offer-empty", {"kexinit": offer(kex="")}, "kex"),
    Case("offer-nasty", {"kexinit": offer(kex=NASTY)}, "kex"),
    Case("offer-long", {"kexinit": offer(kex="x," * 15000)}, "kex"),
    Case("offer-per-direction", {"kexinit": offer(
        cipher_sc="aes256-gcm@openssh.com")}, text="per direction"),
    *[Case(f"offer-cut-{n}", {"kexinit": lambda s, n=n: s.send(
        s.kexinit()[:n])}, text="malformed") for n in range(1, 120, 7)],
    Case("offer-twice", {"kexinit": lambda s: s.send(s.kexinit())},
         text="inside another"),
    Case("success-first", {"kexinit": send(packet(USERAUTH_SUCCESS))},
         text="before keys"),
    Case("success-in-kex", {"kex-reply": send(packet(USERAUTH_SUCCESS))},
         text="before keys"),
    Case("newkeys-first", {"kexinit": send(packet(NEWKEYS))},
         text="new keys"),
    Case("newkeys-for-reply", {"kex-reply": instead(packet(NEWKEYS))},
         "lost", "altered"),
    Case("newkeys-twice", {"service": send(packet(NEWKEYS))},
         text="new keys"),
    *[Case(f"{label}-{name}", {step: lambda s, lie=lie: s.sock.sendall(
        s.seal(packet(IGNORE, b"x" * 100), **lie) + bytes(40000))},
        "lost", "altered", cipher=cipher, rare=step == "service")
      for label, cipher in CIPHERS.items()
      for step in ("service", "pk-ok")
      for name, lie in (
          (f"{step}-padding", {"padding": 255}),
          (f"{step}-no-blocks", {"cut": 3}),
          (f"{step}-length-0", {"length": 0}),
          (f"{step}-length-15", {"length": 15}),
          (f"{step}-length-huge", {"length": GB4}),
          (f"{step}-length-40001", {"length": 40001}))],
    Case("signature-flipped", reply(lambda k, q, s: (k, q, flip(s)))),
    Case("signature-empty", reply(lambda k, q, s: (k, q, b""))),
    Case("signature-short", reply(lambda k, q, s: (k, q, s[:-1]))),
    Case("signature-type", reply(lambda k, q, s: (
        k, q, packet(0, "ssh-rsa", s[19:])[1:]))),
    Case("signature-length", reply(lambda k, q, s: (k, q, GB4, Raw(s)))),
    Case("signature-none", reply(lambda k, q, s: (k, q))),
    Case("key-flipped", reply(lambda k, q, s: (flip(k), q, s))),
    Case("key-empty", reply(lambda k, q, s: (b"", q, s))),
    Case("key-short", reply(lambda k, q, s: (k[:-1], q, s))),
    Case("key-long", reply(lambda k, q, s: (k + bytes(20000), q, s))),
    Case("key-type", reply(lambda k, q, s: (
        packet(0, "ssh-rsa", k[15:])[1:], q, s))),
    Case("key-length", reply(lambda k, q, s: (GB4, Raw(k)))),
    Case("key-inner-length", reply(lambda k, q, s: (
        packet(0, "ssh-ed25519", GB4)[1:], q, s))),
    Case("point-empty", reply(lambda k, q, s: (k, b"", s))),
    Case("point-short", reply(lambda k, q, s: (k, q[:-1], s))),
    Case("point-long", reply(lambda k, q, s: (k, q + bytes(20000), s))),
    Case("point-length", reply(lambda k, q, s: (k, GB4, Raw(q)))),
    *[Case(f"point-weak-{i}", reply(lambda k, q, s, w=w: (k, w, s)))
      for i, w in enumerate(WEAK)],
    Case("ignores-first", {"kexinit": send(*[packet(
        IGNORE, bytes(30000))] * 500)}, None),
    Case("debugs-first", {"kexinit": send(*[packet(
        DEBUG, True, NASTY, NASTY)] * 500)}, None),
    Case("ignores-without-end", {"kexinit": lambda s: s.flood(
        packet(IGNORE, bytes(30000)), 10**9, 16).join()}, "timeout",
        ConnectTimeout=1),
]


def other_kex(name, first, *answers):
    """Another method, of which the client says first and hears answers."""
    def play(s):
        s.send(s.kexinit(kex=name))
        for wanted, answer in zip((first, GEX_INIT), answers):
            s.expect(wanted)
            s.send(answer)
        silence(s)
    return {"kexinit": play}


def group(p, g):
    """A group that the server would like, and the end of the exchange."""
    return other_kex("diffie-hellman-group-exchange-sha256", GEX_REQUEST,
                     packet(GEX_GROUP, p, g),
                     packet(GEX_REPLY, b"key", b"\2", b"signature"))


def share(name, value):
    """The server's share of the secret."""
    return other_kex(name, KEX_INIT,
                     packet(KEX_REPLY, HostKey().blob, value, b"x" * 83))


# RFC 3526, group 14.
P14 = bytes.fromhex(
    "00ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74"
    "020bbea63b139b22514a08798e3404ddef9519b3cd3a431b302b0a6df25f14374f"
    "e1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7edee38"
    "6bfb5a899fa5ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf0598da48"
    "361c55d39a69163fa8fd24cf5f83655d23dca3ad961c62f356208552bb9ed52907"
    "7096966d670c354e4abc9804f1746c08ca18217c32905e462e36ce3be39e772c18"
    "0e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf6955817183995497cea95"
    "6ae515d2261898fa051015728e5a8aacaa68ffffffffffffffff")
ODD = b"\x7f" + b"\xff" * 254 + b"\xfd"

GROUPS = [
    *[Case(f"group-{name}", group(p, g))
      for name, p, g in (
          ("p-empty", b"", b"\2"), ("p-0", b"\0", b"\2"),
          ("p-1", b"\1", b"\2"), ("p-2", b"\2", b"\2"),
          ("p-small", b"\x7f", b"\2"), ("p-even", ODD[:-1] + b"\xfe", b"\2"),
          ("p-negative", b"\x80" + ODD[1:], b"\2"),
          ("p-16384-bits", b"\0" + b"\xff" * 2048, b"\2"),
          ("p-240000-bits", b"\x7f" + b"\xff" * 29999, b"\2"),
          ("g-empty", ODD, b""), ("g-0", ODD, b"\0"), ("g-1", ODD, b"\1"),
          ("g-p", ODD, ODD), ("g-long", ODD, b"\x7f" * 30000),
          ("cut", GB4, Raw(b"x")))],
    *[Case(f"f-{name}", share("diffie-hellman-group14-sha256", f))
      for name, f in (
          ("empty", b""), ("0", b"\0"), ("1", b"\1"),
          ("p-1", P14[:-1] + b"\xfe"), ("p", P14), ("long", b"\x7f" * 30000),
          ("negative", b"\xff" * 256))],
    *[Case(f"ecdh-{name}", share("ecdh-sha2-nistp256", point))
      for name, point in (
          ("empty", b""), ("infinity", b"\0"), ("nowhere", b"\4" + bytes(64)),
          ("compressed", b"\2" + bytes(32)), ("short", b"\4" + b"x" * 63),
          ("long", b"\4" + b"x" * 30000), ("form", b"\5" + b"x" * 64))],
]


def ext_info(*fields):
    return {"service": send(packet(EXT_INFO, *fields))}


def sig_algs(names):
    return ext_info(1, "server-sig-algs", names)


def success(s):
    s.send(packet(USERAUTH_SUCCESS))
    s.logged_in = True
    return True


AUTH = [
    *[Case(f"rsa-{name}", sig_algs(names), end, rsa=True)
      for name, names, end in (
          ("none", "", "auth"), ("comma", ",,,", "auth"),
          ("sha1", "ssh-rsa", "auth"), ("nasty", NASTY, "auth"),
          ("nul", b"rsa-sha2-512\0,rsa-sha2-256", None),
          ("256", "rsa-sha2-256", None), ("512", "rsa-sha2-512", None),
          ("many", "rsa-sha2-512," * 2500, None),
          ("long", "x" * 32000 + ",rsa-sha2-256", None),
          ("close", "rsa-sha2-5120,rsa-sha2-25", "auth"))],
    Case("ext-info-count", ext_info(GB4, "a", "b"), None),
    Case("ext-info-cut", ext_info(), None),
    Case("ext-info-length", ext_info(1, "server-sig-algs", GB4), None),
    Case("service-other", {"service": instead(packet(
        SERVICE_ACCEPT, "ssh-connection"))}),
    Case("service-cut", {"service": instead(packet(SERVICE_ACCEPT))}),
    Case("service-length", {"service": instead(packet(
        SERVICE_ACCEPT, GB4))}),
    Case("success-at-once", {"service": lambda s: (
        s.send(packet(SERVICE_ACCEPT, "ssh-userauth")), success(s))[1]},
        None),
    Case("success-to-none", {"methods": success}, None),
    Case("success-to-question", {"pk-ok": success}, None),
    Case("channel-too-early", {"methods": send(packet(90, "x11", 1, 1, 1))},
         text="before the user"),
    Case("request-too-early", {"service": send(packet(80, "x", True))},
         text="before the user"),
    Case("pk-ok-other", {"pk-ok": send(packet(
        USERAUTH_PK_OK, "ssh-rsa", b"x" * 100))}, None),
    Case("pk-ok-bare", {"pk-ok": instead(packet(USERAUTH_PK_OK))}, None),
    Case("prompts", {"pk-ok": send(packet(
        USERAUTH_PK_OK, "", "", "", 2**31, "x", True))}, None),
    Case("unasked", {"methods": send(*[packet(UNIMPLEMENTED, 1)] * 300)},
         text="nobody asked"),
    Case("methods-none", {"methods": instead(packet(
        USERAUTH_FAILURE, "", False))}, "auth"),
    Case("methods-nasty", {"methods": instead(packet(
        USERAUTH_FAILURE, NASTY, False))}, "auth"),
    Case("methods-long", {"methods": instead(packet(
        USERAUTH_FAILURE, b"x," * 16000, False))}, "auth"),
    Case("methods-for-ever", {"success": lambda s: (setattr(
        s, "logged_in", False), s.send(packet(
            USERAUTH_FAILURE, "publickey", True)), True)[-1]}, "auth"),
    *[Case(f"methods-cut-{n}", {"methods": instead(packet(
        USERAUTH_FAILURE, "publickey", False)[:n])}, "auth")
      for n in (1, 3, 5, 9)],
    Case("methods-length", {"methods": instead(packet(
        USERAUTH_FAILURE, GB4))}, "auth"),
    Case("banners-of-60-mb", {"methods": send(*[packet(
        USERAUTH_BANNER, bytes(30000), "")] * 2000)}, None),
    Case("banner-cut", {"methods": send(packet(USERAUTH_BANNER), packet(
        USERAUTH_BANNER, GB4))}, None),
    Case("banner-of-nasty", {"methods": send(packet(
        USERAUTH_BANNER, NASTY, NASTY))}, None),
]


def asks(*packets):
    """What the server says to a request with a secret in it, or to one that
    wants to be asked."""
    def play(s):
        if s.method == "none":
            s.send(packet(USERAUTH_FAILURE, "keyboard-interactive,password",
                          False))
        else:
            s.send(*packets)
        return s.method == "none" or bool(packets)
    return {"methods": play}


def ask_for_ever(s):
    if s.method != "keyboard-interactive":
        return asks()["methods"](s)
    while True:
        s.send(packet(INFO_REQUEST, NASTY, NASTY, "", 0))
        s.wait(INFO_RESPONSE)


QUESTION = packet(INFO_REQUEST, "name", "instruction", "", 1, "Code: ", True)
INTERACTIVE = {"PreferredAuthentications": "keyboard-interactive",
               "HawserPassphraseCommand": "echo secret"}
PASSWORD = {**INTERACTIVE, "PreferredAuthentications": "password"}

SECRETS = [
    *[Case(f"questions-{name}", asks(packet(INFO_REQUEST, *fields)),
           text="question", **INTERACTIVE)
      for name, fields in (
          ("2-gb", ("", "", "", 2**31, "x", True)),
          ("4-gb", ("", "", "", GB4, "x", True)),
          ("missing", ("", "", "", 2, "x", True)),
          ("length", ("", "", "", 1, GB4)),
          ("name-length", (GB4,)))],
    *[Case(f"questions-cut-{n}", asks(QUESTION[:n]), text="not understood",
           **INTERACTIVE) for n in range(1, len(QUESTION), 5)],
    Case("question-nasty", asks(
        packet(INFO_REQUEST, NASTY, NASTY, NASTY, 1, NASTY, True),
        packet(USERAUTH_FAILURE, "x", False)), "auth", **INTERACTIVE),
    Case("question-long", asks(
        packet(INFO_REQUEST, "", "", "", 1, b"x" * 30000, False),
        packet(USERAUTH_FAILURE, "x", False)), "auth", **INTERACTIVE),
    Case("questions-for-ever", {"methods": ask_for_ever}, text="without end",
         **INTERACTIVE),
    Case("question-and-success", {"methods": lambda s: (
        s.send(QUESTION), success(s))[1]}, None, **INTERACTIVE),
    Case("change", asks(packet(CHANGE_REQUEST, NASTY, NASTY)), "auth",
         "expired", **PASSWORD),
    Case("change-bare", asks(packet(CHANGE_REQUEST)), "auth", "expired",
         **PASSWORD),
    Case("password-wrong-for-ever", asks(packet(
        USERAUTH_FAILURE, "password", False)), "auth", **PASSWORD),
    Case("password-partial-for-ever", asks(packet(
        USERAUTH_FAILURE, "password", True)), "auth", **PASSWORD),
]


TABLES = {"breaks": BREAKS, "banners": BANNERS, "kex": KEX,
          "groups": GROUPS, "auth": AUTH, "secrets": SECRETS}


@pytest.mark.parametrize("table", TABLES)
def test_login(play, table):
    play([case for case in TABLES[table] if not case.rare])


@pytest.mark.long
def test_login_at_every_step(play):
    play(sum(TABLES.values(), []), seconds=200)
