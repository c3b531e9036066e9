# SPDX-License-Identifier: ISC
"""Servers that we trust and that then break the connection protocol (RFC
4254): each ends in the right class, or does no harm; nothing else suffers."""

import pytest

from lib import ssh_server
from lib.hostile import NASTY, Case
from lib.ssh_server import (
    CHANNEL_FAILURE, CHANNEL_OPEN, CHANNEL_REQUEST, CHANNEL_SUCCESS, CIPHERS,
    CLOSE, DATA, DEBUG, DISCONNECT, EOF, EXTENDED_DATA, EXT_INFO,
    GLOBAL_REQUEST, HOST_KEYS, IGNORE, KEXINIT, KEX_INIT, KEX_REPLY, NEWKEYS,
    OPEN_CONFIRMATION, OPEN_FAILURE, REQUEST_FAILURE, REQUEST_SUCCESS,
    SERVICE_ACCEPT, SERVICE_REQUEST, UNIMPLEMENTED, USERAUTH_BANNER,
    USERAUTH_FAILURE, USERAUTH_PK_OK, USERAUTH_SUCCESS, WINDOW_ADJUST, Fields,
    HostKey, Raw, packet)

MB, GB4 = 2**20, 2**32 - 1
WINDOW, PACKET = 2 * MB, 32768          # what a worker grants
PROHIBITED, UNKNOWN_TYPE = 1, 3


def says(*packets):
    """Sends them; the client has nothing to say to that."""
    def play(s):
        s.send(*packets)
        assert s.alive() == []
    return play


def unimplemented(*packets):
    """Each is answered as RFC 4253 11.4 wants it: by its number."""
    def play(s):
        first = s.sent
        s.send(*packets)
        assert s.alive() == [packet(UNIMPLEMENTED, first + i)
                             for i in range(len(packets))]
    return play


def refused(reason, *fields):
    """An open that is answered so."""
    def play(s):
        s.listen()
        s.send(packet(CHANNEL_OPEN, *fields))
        answer, = s.alive()
        answer = Fields(answer)
        assert (answer.u32(), answer.u32()) == (77, reason)
    return play


def opened(*packets):
    """Packets with "id" for the channel that the server has opened."""
    def play(s):
        channel = s.open()
        s.send(*(packet(number, channel, *fields)
                 for number, *fields in packets))
    return play


def opening(*packets):
    """The same for a channel that the client asks for."""
    def play(s):
        channel = s.opening()
        s.send(*(packet(number, channel, *fields)
                 for number, *fields in packets))
    return play


def truncated(name, whole, shortest=1, **options):
    """Every beginning of a packet, with the sentence of a broken one."""
    return [Case(f"{name}-{n}", [whole[:n]], rare=n % 4 != 1, **options)
            for n in range(shortest, len(whole))]


def truncated_open(name, number, *fields, by=opened, **options):
    """The same of a packet for an open channel, from its id on."""
    whole = packet(0, *fields)[1:]
    return [Case(f"{name}-{n}", by((number, Raw(whole[:n]))),
                 rare=n % 4 != 1, **options) for n in range(len(whole))]


FORWARD = ("127.0.0.1", 80, "192.0.2.1", 1234)

GLOBAL = [
    Case("request", says(packet(GLOBAL_REQUEST, "x@y", False)), None),
    Case("request-long", says(packet(GLOBAL_REQUEST, b"x" * 30000, False,
                                     NASTY)), None),
    Case("request-nasty", says(packet(GLOBAL_REQUEST, NASTY, False)), None),
    Case("request-length", [packet(GLOBAL_REQUEST, GB4, True)],
         text="malformed global request"),
    Case("request-one-over", [packet(GLOBAL_REQUEST, 2, Raw(b"x"))],
         text="malformed global request"),
    *truncated("request-cut", packet(GLOBAL_REQUEST, "x@y", True),
               text="malformed global request"),
    Case("answers-unasked", says(*[packet(REQUEST_SUCCESS),
                                   packet(REQUEST_FAILURE)] * 500), None),
]

OPENS = [
    *[Case(f"open-{kind}", refused(UNKNOWN_TYPE, kind, 77, MB, PACKET, *rest),
           None)
      for kind, *rest in (
          ("x11", "192.0.2.1", 1), ("session",), ("auth-agent@openssh.com",),
          ("direct-tcpip", *FORWARD), ("tun@openssh.com", 1, 1), ("",),
          ("direct-streamlocal@openssh.com", "/x", "", 0))],
    Case("open-long-type", refused(UNKNOWN_TYPE, b"x" * 30000, 77, 1, 1),
         None),
    Case("open-nul-type", refused(UNKNOWN_TYPE, b"forwarded-tcpip\0", 77, 1,
                                  1, *FORWARD), None),
    *[Case(f"open-port-{port}", refused(PROHIBITED, "forwarded-tcpip", 77, MB,
                                        PACKET, "", port, "", 0), None)
      for port in (0, 1, 22, 65536 + 8000, GB4)],
    Case("open-unix", refused(PROHIBITED, "forwarded-streamlocal@openssh.com",
                              77, MB, PACKET, "/run/x", ""), None),
    Case("open-unix-port", refused(
        PROHIBITED, "forwarded-streamlocal@openssh.com", 77, MB, PACKET,
        "localhost", "8000"), None),
    Case("open-nasty", lambda s: s.send(packet(
        CHANNEL_OPEN, "forwarded-tcpip", 1, MB, PACKET, "localhost",
        s.listen()[1], NASTY * 50, GB4)), None),
    Case("open-window-0", lambda s: s.open(window=0), None),
    Case("open-packet-0", lambda s: s.send(s.forwarded(size=0)),
         text="malformed channel open"),
    Case("open-packet-1", lambda s: s.open(size=1), None),
    Case("open-all-4gb", lambda s: s.open(GB4, window=GB4, size=GB4), None),
    Case("open-same-id-twice", lambda s: (s.open(5), s.open(5)), None),
    *truncated("open-cut", packet(CHANNEL_OPEN, "forwarded-tcpip", 1, MB,
                                  PACKET, *FORWARD), text="malformed"),
    *truncated("open-unix-cut", packet(
        CHANNEL_OPEN, "forwarded-streamlocal@openssh.com", 1, MB, PACKET,
        "/run/x", ""), text="malformed", shortest=50),
    Case("open-length", [packet(CHANNEL_OPEN, GB4, Raw(b"forwarded-tcpip"))],
         text="malformed"),
    Case("open-host-length", [packet(
        CHANNEL_OPEN, "forwarded-tcpip", 1, MB, PACKET, GB4 - 1)],
        text="malformed"),
    # Before it was answered, the server can't know our number of it.
    *[Case(f"asked-{number}", lambda s, number=number: s.send(
        s.forwarded(), packet(number, 0, 1, 1, 1)), text="state forbids")
      for number in range(OPEN_CONFIRMATION, CHANNEL_FAILURE + 1)],
]

ANSWERS = [
    *[Case(f"never-opened-{number}", [packet(number, 7, 1, 1, 1)],
           text="no channel of ours")
      for number in range(OPEN_CONFIRMATION, CHANNEL_FAILURE + 1)],
    *[Case(f"closed-{number}", opened((CLOSE,), (number, 1, 1, 1)),
           text="no channel of ours")
      for number in range(OPEN_CONFIRMATION, CHANNEL_FAILURE + 1)],
    *[Case(f"id-{channel:x}", [packet(DATA, channel, b"x")],
           text="no channel of ours")
      for channel in (16, 32768, 2**31, GB4)],
    Case("confirmed-twice", opened((OPEN_CONFIRMATION, 1, MB, PACKET)),
         text="state forbids"),
    Case("failed-when-open", opened((OPEN_FAILURE, 1, "", "")),
         text="state forbids"),
    *[Case(f"opening-{number}", opening((number, 1, 1, 1)), client=True,
           text="state forbids")
      for number in range(WINDOW_ADJUST, CHANNEL_FAILURE + 1)],
    Case("confirm-then-fail", opening((OPEN_CONFIRMATION, 1, MB, PACKET),
                                      (OPEN_FAILURE, 1, "", "")),
         client=True, text="state forbids"),
    Case("fail-then-confirm", opening((OPEN_FAILURE, 1, "", ""),
                                      (OPEN_CONFIRMATION, 1, MB, PACKET)),
         client=True, text="no channel of ours"),
    Case("confirm-0-0", opening((OPEN_CONFIRMATION, 1, 0, 0)), client=True,
         text="malformed channel confirmation"),
    Case("confirm-window-0", opening((OPEN_CONFIRMATION, 1, 0, PACKET)), None,
         client=True),
    Case("confirm-4gb", opening((OPEN_CONFIRMATION, GB4, GB4, GB4)), None,
         client=True),
    Case("fail-nasty", opening((OPEN_FAILURE, GB4, NASTY * 50, NASTY)), None,
         client=True),
    Case("fail-length", opening((OPEN_FAILURE, 1, GB4)), client=True,
         text="malformed channel failure"),
    *truncated_open("confirm-cut", OPEN_CONFIRMATION, 1, MB, PACKET,
                    by=opening, client=True, text="malformed"),
    *truncated_open("fail-cut", OPEN_FAILURE, 1, "no", by=opening,
                    client=True, text="malformed"),
]


def after_our_close(s):
    """A server may not have seen it yet."""
    channel = s.open()
    s.send(packet(EOF, channel))        # the target hangs up
    s.wait(CLOSE)
    s.send(packet(WINDOW_ADJUST, channel, 1000), packet(EOF, channel),
           packet(CHANNEL_REQUEST, channel, "x", True))
    assert s.alive() == []
    s.send(packet(CLOSE, channel))


def keepalive_by_channel(s):
    channel = s.open(99)
    s.send(packet(CHANNEL_REQUEST, channel, "keepalive@openssh.com", True),
           packet(CHANNEL_REQUEST, channel, "exit-status", False, 0),
           packet(CHANNEL_REQUEST, channel, NASTY, True))
    assert s.alive() == [packet(CHANNEL_FAILURE, 99)] * 2


def extended(s):
    """Is dropped, and its window comes back."""
    channel = s.open()
    for i in range(4 * WINDOW // PACKET):
        s.send(packet(EXTENDED_DATA, channel, (0, 1, 2, GB4)[i % 4],
                      bytes(PACKET)))
        if i % (WINDOW // PACKET // 2) == 0:
            s.alive()


def beyond_window(s):
    """Who reads this doesn't, so that the window stays closed."""
    channel = s.opening()
    s.send(packet(OPEN_CONFIRMATION, channel, 1, MB, PACKET))
    s.flood(packet(DATA, channel, bytes(PACKET)), 1024).join()


CHANNELS = [
    Case("adjust-over", opened((WINDOW_ADJUST, GB4)), text="window beyond"),
    Case("adjust-in-two", opened((WINDOW_ADJUST, 2**31), (WINDOW_ADJUST,
                                                          2**31)),
         text="window beyond"),
    Case("adjust-to-the-brim", opened((WINDOW_ADJUST, GB4 - MB)), None),
    Case("adjust-by-0", opened(*[(WINDOW_ADJUST, 0)] * 5000), None),
    Case("data-empty", opened(*[(DATA, b"")] * 5000), None),
    Case("data-too-long", opened((DATA, bytes(PACKET + 1))),
         text="malformed data"),
    Case("data-length", opened((DATA, GB4, Raw(b"x"))),
         text="malformed data"),
    Case("data-one-over", opened((DATA, 2, Raw(b"x"))),
         text="malformed data"),
    Case("data-after-eof", opened((EOF,), (DATA, b"x")),
         text="malformed data"),
    Case("data-beyond-window", beyond_window, client=True,
         text="more data than the window"),
    Case("extended", extended, None),
    Case("extended-too-long", opened((EXTENDED_DATA, 1, bytes(PACKET + 1))),
         text="malformed extended"),
    Case("extended-length", opened((EXTENDED_DATA, 1, GB4)),
         text="malformed extended"),
    Case("extended-after-eof", opened((EOF,), (EXTENDED_DATA, 1, b"x")),
         text="malformed extended"),
    Case("eof-twice", opened((EOF,), (EOF,)), None),
    Case("close-at-once", opened((CLOSE,)), None),
    Case("close-twice", opened((CLOSE,), (CLOSE,)),
         text="no channel of ours"),
    Case("after-our-close", after_our_close, None),
    Case("requests", keepalive_by_channel, None),
    Case("request-answered", opened((CHANNEL_SUCCESS,)), text="never made"),
    Case("request-failed", opened((CHANNEL_FAILURE,)), text="never made"),
    Case("channel-request-length", opened((CHANNEL_REQUEST, GB4, True)),
         text="malformed channel request"),
    *truncated_open("adjust-cut", WINDOW_ADJUST, 1, text="window"),
    *truncated_open("data-cut", DATA, b"xy", text="malformed data"),
    *truncated_open("extended-cut", EXTENDED_DATA, 1, b"xy",
                    text="malformed extended"),
    *truncated_open("channel-request-cut", CHANNEL_REQUEST, "xy", True,
                    text="malformed channel request"),
    *[Case(f"id-cut-{number}-{n}", lambda s, number=number, n=n: s.send(
        packet(number, s.open())[:1 + n]), text="no channel of ours",
        rare=n < 3)
      for number in range(OPEN_CONFIRMATION, CHANNEL_FAILURE + 1)
      for n in range(4)],
]


def disconnect(*fields):
    def play(s):
        s.send(packet(DISCONNECT, *fields))
        s.wait()
    return play


def rekey(s):
    for _ in range(20):
        s.exchange()


def half_rekey(s):
    """It never goes on; pings can't be sent meanwhile."""
    s.send(s.kexinit())
    while True:
        s.receive()


def flipped(where):
    """One bit of a packet is wrong."""
    def play(s):
        data = bytearray(s.seal(packet(IGNORE, b"x" * 100)))
        data[where] ^= 1
        s.sock.sendall(data)
    return play


def lies(**what):
    return lambda s: s.sock.sendall(s.seal(packet(IGNORE, b"x" * 100), **what)
                                    + bytes(40000))


# What belongs to the handshake, and what nobody has ever defined.
STRANGE = [0, SERVICE_REQUEST, SERVICE_ACCEPT, 8, 19, 22, 29, KEX_INIT,
           KEX_REPLY, 34, 49, 50, USERAUTH_FAILURE, USERAUTH_SUCCESS,
           USERAUTH_BANNER, USERAUTH_PK_OK, 61, 66, 79, *range(83, 90),
           101, 127, 128, 191, 192, 254, 255]

TRANSPORT = [
    Case("strange", unimplemented(*(packet(n, NASTY, "") for n in STRANGE)),
         None),
    Case("strange-bare", unimplemented(*(packet(n) for n in STRANGE)), None),
    *[Case(f"strange-{label}", unimplemented(*(
        packet(n) for n in STRANGE)), None, cipher=cipher)
      for label, cipher in CIPHERS.items()],
    Case("strange-many", unimplemented(*[packet(USERAUTH_SUCCESS)] * 2000),
         None),
    Case("unimplemented", says(*[packet(UNIMPLEMENTED, 1)] * 2000), None),
    Case("ignore", says(packet(IGNORE), packet(IGNORE, GB4),
                        packet(IGNORE, b"x" * 30000)), None),
    Case("debug", says(packet(DEBUG), packet(DEBUG, True, GB4),
                       packet(DEBUG, True, NASTY, NASTY)), None),
    Case("ext-info", says(
        packet(EXT_INFO), packet(EXT_INFO, GB4), packet(EXT_INFO, 1, GB4),
        packet(EXT_INFO, 1, "server-sig-algs", GB4),
        packet(EXT_INFO, 3, *["server-sig-algs", b"x" * 9000] * 3),
        packet(EXT_INFO, GB4, "server-sig-algs", NASTY)), None),
    Case("newkeys", [packet(NEWKEYS)], text="new keys"),
    Case("kexinit-twice", lambda s: s.send(s.kexinit(), s.kexinit()),
         text="inside another"),
    Case("kexinit-newkeys", lambda s: s.send(s.kexinit(), packet(NEWKEYS),
                                             s.kexinit())),
    Case("kexinit-empty", [packet(KEXINIT)], text="malformed"),
    Case("kexinit-other", lambda s: s.send(s.kexinit(kex="none")), "kex",
         text="key exchange algorithm"),
    Case("kexinit-ciphers", lambda s: s.send(s.kexinit(
        cipher_sc="aes256-gcm@openssh.com")), "kex", text="cipher"),
    *[Case(f"rekeys-{label}", rekey, None, cipher=cipher)
      for label, cipher in CIPHERS.items()],
    Case("rekey-half", half_rekey, "lost", ServerAliveInterval=1,
         ServerAliveCountMax=1),
    # Genuine, but without a message: of ours that is told from an altered
    # one, of libssh2's ciphers not.
    *[Case(f"{label}-padding-{n}", lies(padding=n), *expected,
           cipher=CIPHERS[label])
      for n in (0, 255) for label, expected in (
          ("gcm", ("protocol", "without a message")),
          ("chacha", ("protocol", "without a message")),
          ("ctr", ("lost", "altered")), ("mac", ("lost", "altered")))],
    *[Case(f"{label}-{name}", script, "lost", "altered", cipher=cipher)
      for label, cipher in CIPHERS.items()
      for name, script in (
          ("no-blocks", lies(cut=3)), ("length-flipped", flipped(3)),
          ("body-flipped", flipped(40)), ("tag-flipped", flipped(-1)),
          ("length-0", lies(length=0)),
          ("length-1", lies(length=1)), ("length-15", lies(length=15)),
          ("length-odd", lies(length=113)), ("length-huge", lies(length=GB4)),
          ("length-negative", lies(length=2**31)),
          ("length-40000", lies(length=40001)))],
    Case("goodbye", disconnect(11, "bye", ""), "closed", "bye"),
    Case("goodbye-nasty", disconnect(2, NASTY, NASTY), "closed", "owned"),
    Case("goodbye-long", disconnect(GB4, b"x" * 30000, ""), "closed", "xxx"),
    Case("goodbye-longer", disconnect(GB4, b"x" * 200000, ""), "lost"),
    Case("goodbye-bare", disconnect(), text="the transport failed"),
    Case("goodbye-length", disconnect(11, GB4), "closed", "goodbye"),
    Case("gone", lambda s: s.sock.shutdown(2), "lost"),
    Case("reset", lambda s: ssh_server.reset(s.sock), "lost"),
]


def key(kind, *fields):
    return packet(0, kind, *fields)[1:]


def host_keys(*blobs, proof=()):
    """The server says that it has them; what it answers when it is asked."""
    def play(s):
        s.proof = proof
        s.send(packet(GLOBAL_REQUEST, HOST_KEYS, False, *blobs))
        s.alive()
    return play


NEW, OTHER = HostKey(), HostKey()
POINT = b"\4" + bytes(64)

KEYS = [
    *[Case(f"keys-{name}", host_keys(*blobs), None, UpdateHostKeys="yes")
      for name, blobs in (
          ("none", ()), ("empty", (b"",)), ("cut", (GB4,)),
          ("garbage", (NASTY,)), ("type-length", (key(GB4),)),
          ("twice", (NEW.blob, NEW.blob)), ("17", [b"x"] * 17),
          ("1000", [NEW.blob] * 100), ("long", (b"x" * 30000,)),
          ("ed25519-short", (NEW.blob[:-1],)),
          ("ed25519-long", (NEW.blob + b"x",)),
          ("rsa-0", (key("ssh-rsa", b"", b""),)),
          ("rsa-sign", (key("ssh-rsa", b"\xff", b"\xff" * 256),)),
          ("rsa-long", (key("ssh-rsa", b"\3", b"\x7f" * 2400),)),
          ("rsa-length", (key("ssh-rsa", GB4),)),
          ("ecdsa-nowhere", (key("ecdsa-sha2-nistp256", "nistp256",
                                 POINT),)),
          ("ecdsa-infinity", (key("ecdsa-sha2-nistp256", "nistp256",
                                  b"\0"),)),
          ("ecdsa-curve", (key("ecdsa-sha2-nistp256", "nistp521",
                               POINT),)))],
    *[Case(f"proof-{name}", host_keys(NEW.blob, proof=proof), None,
           UpdateHostKeys="yes")
      for name, proof in (
          ("none", ()), ("empty", (b"",)), ("cut", (GB4,)),
          ("garbage", (NASTY,)), ("length", (key("ssh-ed25519", GB4),)),
          ("of-nothing", (NEW.sign(b""),)),
          ("of-another", (OTHER.sign(NEW.blob),)),
          ("zero", (key("ssh-ed25519", bytes(64)),)),
          ("type", (key("ssh-rsa", bytes(64)),)),
          ("too-many", (NEW.sign(b""),) * 20))],
]


def test_host_keys(play):
    """Nothing that is not proved stands in known_hosts."""
    stage = play(KEYS)
    with open(stage.known_hosts, encoding="ascii") as f:
        assert f.read() == stage.known


TABLES = {"global": GLOBAL, "opens": OPENS, "answers": ANSWERS,
          "channels": CHANNELS, "transport": TRANSPORT}


@pytest.mark.parametrize("table", TABLES)
def test_malformed(play, table):
    play([case for case in TABLES[table] if not case.rare])


@pytest.mark.long
def test_malformed_at_every_length(play):
    play(sum(TABLES.values(), []), seconds=200)
