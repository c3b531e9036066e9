# SPDX-License-Identifier: ISC
"""An SSH server by hand (RFC 4251-4254): a real key exchange, a real host key
and any login, so that a test can send what no honest server would."""

import base64
import contextlib
import hashlib
import hmac
import os
import socket
import struct
import threading

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, x25519
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.poly1305 import Poly1305

from lib.servers import read_exactly

DISCONNECT, IGNORE, UNIMPLEMENTED, DEBUG = 1, 2, 3, 4
SERVICE_REQUEST, SERVICE_ACCEPT, EXT_INFO = 5, 6, 7
KEXINIT, NEWKEYS, KEX_INIT, KEX_REPLY = 20, 21, 30, 31
GEX_GROUP, GEX_INIT, GEX_REPLY, GEX_REQUEST = 31, 32, 33, 34
USERAUTH_REQUEST, USERAUTH_FAILURE, USERAUTH_SUCCESS = 50, 51, 52
USERAUTH_BANNER, USERAUTH_PK_OK = 53, 60
INFO_REQUEST, INFO_RESPONSE, CHANGE_REQUEST = 60, 61, 60
GLOBAL_REQUEST, REQUEST_SUCCESS, REQUEST_FAILURE = 80, 81, 82
CHANNEL_OPEN, OPEN_CONFIRMATION, OPEN_FAILURE = 90, 91, 92
WINDOW_ADJUST, DATA, EXTENDED_DATA, EOF, CLOSE = 93, 94, 95, 96, 97
CHANNEL_REQUEST, CHANNEL_SUCCESS, CHANNEL_FAILURE = 98, 99, 100

KEEPALIVE = "keepalive@openssh.com"
HOST_KEYS = "hostkeys-00@openssh.com"
HOST_KEYS_PROVE = "hostkeys-prove-00@openssh.com"
# What each step of a connection is about to send, in order.
STEPS = ("banner", "kexinit", "kex-reply", "newkeys", "service", "methods",
         "pk-ok", "success", "up")


class Raw(bytes):
    """A field without a length before it."""


def packet(number, *fields):
    """int: a uint32; bool: a byte; str and bytes: a string; Raw as it is."""
    out = bytes([number])
    for field in fields:
        if isinstance(field, bool):
            out += bytes([field])
        elif isinstance(field, int):
            out += struct.pack(">I", field)
        elif isinstance(field, Raw):
            out += field
        else:
            data = field.encode() if isinstance(field, str) else field
            out += struct.pack(">I", len(data)) + data
    return out


class Fields:
    """Reads a packet's fields, after its number."""

    def __init__(self, payload):
        self._data, self._at = payload, 1

    def u32(self):
        self._at += 4
        return struct.unpack_from(">I", self._data, self._at - 4)[0]

    def flag(self):
        self._at += 1
        return self._data[self._at - 1] != 0

    def string(self):
        length = self.u32()
        self._at += length
        assert self._at <= len(self._data)
        return self._data[self._at - length:self._at]

    def text(self):
        return self.string().decode()


def _mpint(data):
    data = data.lstrip(b"\0")
    return b"\0" + data if data and data[0] >= 128 else data


# Ciphers, one direction each: seal() gives what goes on the wire of a packet's
# length and the rest; open() reads a packet, of which four bytes are there, and
# gives the rest. HEAD: bytes of the length that count when a packet is padded.

class Gcm:
    """aes128-gcm@openssh.com (RFC 5647)."""
    NAMES = ("aes128-gcm@openssh.com", "hmac-sha2-256")
    BLOCK, HEAD = 16, 0

    def __init__(self, derive, key, iv, _mac):
        self._gcm = AESGCM(derive(key, 16))
        nonce = derive(iv, 12)
        self._fixed = nonce[:4]
        self._counter = struct.unpack(">Q", nonce[4:])[0]

    def _nonce(self):
        self._counter = (self._counter + 1) % 2**64
        return self._fixed + struct.pack(">Q", (self._counter - 1) % 2**64)

    def seal(self, _seq, length, body):
        return length + self._gcm.encrypt(self._nonce(), body, length)

    def open(self, _seq, length, read):
        body = read(struct.unpack(">I", length)[0] + 16)
        return self._gcm.decrypt(self._nonce(), body, length)


class Chacha:
    """chacha20-poly1305@openssh.com (OpenSSH's PROTOCOL.chacha20poly1305)."""
    NAMES = ("chacha20-poly1305@openssh.com", "hmac-sha2-256")
    BLOCK, HEAD = 8, 0

    def __init__(self, derive, key, _iv, _mac):
        both = derive(key, 64)
        self._body, self._length = both[:32], both[32:]

    @staticmethod
    def _xor(key, seq, counter, data):
        nonce = struct.pack("<Q", counter) + struct.pack(">Q", seq)
        return Cipher(algorithms.ChaCha20(key, nonce), None).encryptor() \
            .update(data)

    def _tag(self, seq, data):
        key = self._xor(self._body, seq, 0, bytes(32))
        return Poly1305.generate_tag(key, data)

    def seal(self, seq, length, body):
        data = self._xor(self._length, seq, 0, length) \
            + self._xor(self._body, seq, 1, body)
        return data + self._tag(seq, data)

    def open(self, seq, length, read):
        size = struct.unpack(">I", self._xor(self._length, seq, 0, length))[0]
        body = read(size)
        assert read(16) == self._tag(seq, length + body)
        return self._xor(self._body, seq, 1, body)


class Ctr:
    """aes128-ctr with hmac-sha2-256-etm@openssh.com."""
    NAMES = ("aes128-ctr", "hmac-sha2-256-etm@openssh.com")
    BLOCK, HEAD = 16, 0

    def __init__(self, derive, key, iv, mac):
        self._stream = Cipher(algorithms.AES(derive(key, 16)),
                              modes.CTR(derive(iv, 16))).encryptor()
        self._mac = derive(mac, 32)

    def _tag(self, seq, data):
        return hmac.digest(self._mac, struct.pack(">I", seq) + data, "sha256")

    def seal(self, seq, length, body):
        data = length + self._stream.update(body)
        return data + self._tag(seq, data)

    def open(self, seq, length, read):
        body = read(struct.unpack(">I", length)[0])
        assert read(32) == self._tag(seq, length + body)
        return self._stream.update(body)


class CtrMac(Ctr):
    """aes128-ctr with hmac-sha2-256: the length is encrypted, too."""
    NAMES = ("aes128-ctr", "hmac-sha2-256")
    BLOCK, HEAD = 16, 4

    def seal(self, seq, length, body):
        return self._stream.update(length + body) \
            + self._tag(seq, length + body)

    def open(self, seq, length, read):
        first = self._stream.update(length + read(12))
        size = struct.unpack(">I", first[:4])[0]
        body = first[4:] + self._stream.update(read(size - 12))
        assert read(32) == self._tag(seq, first[:4] + body)
        return body


CIPHERS = {"gcm": Gcm, "chacha": Chacha, "ctr": Ctr, "mac": CtrMac}


class HostKey:
    """A fresh ed25519 key."""

    def __init__(self):
        self._key = ed25519.Ed25519PrivateKey.generate()
        public = self._key.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.blob = packet(0, "ssh-ed25519", public)[1:]
        self.line = "ssh-ed25519 " + base64.b64encode(self.blob).decode()

    def sign(self, data):
        return packet(0, "ssh-ed25519", self._key.sign(data))[1:]


class Session:
    """One connection. script maps steps to what is called, with the session,
    before the step's packet is sent, or instead of that if it gives True; an
    EOFError ends the connection.

    Scripts may set banner; kex_reply, which makes the fields of the packet
    from the right ones; logged_in, after which no more is asked; proof, the
    fields that answer a question for new host keys; and mutate, which makes
    of each payload the one that is sent.
    """

    def __init__(self, sock, host_key, script, cipher=Gcm):
        self.sock = sock
        self.banner = b"SSH-2.0-script"
        self.user = self.method = None
        self.listens = []       # (bind, port) of granted requests
        self.asked = []         # ids of channels that the client opened
        self.kex_reply = None
        self.logged_in = False
        self.proof = []
        self.mutate = lambda payload: payload
        self._host_key = host_key
        self._script = script
        self._cipher = cipher
        self._out = self._in = None
        self.sent = self._got = 0       # packets
        self._id = None
        self._lock = threading.Lock()

    # Packets --------------------------------------------------------------

    def seal(self, payload, padding=None, length=None, cut=0):
        """A packet's bytes on the wire. padding and length may lie; without
        the cut last bytes it is genuine, but not of whole blocks."""
        payload = self.mutate(payload)
        block = self._cipher.BLOCK if self._out else 8
        head = self._cipher.HEAD if self._out else 4
        need = block - (head + 1 + len(payload)) % block
        need += block if need < 4 else 0
        body = bytes([need if padding is None else padding]) + payload \
            + bytes(need - cut)
        size = struct.pack(">I", len(body) if length is None else length)
        self.sent += 1
        if not self._out:
            return size + body
        return self._out.seal((self.sent - 1) % 2**32, size, body)

    def send(self, *packets):
        with self._lock:
            self.sock.sendall(b"".join(map(self.seal, packets)))

    def flood(self, payload, count, batch=256):
        """Sends it count times from a thread of its own."""
        def run():
            with contextlib.suppress(OSError):
                for at in range(0, count, batch):
                    self.send(*[payload] * min(batch, count - at))

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def _read(self, count):
        return read_exactly(self.sock, count)

    def receive(self):
        """The next payload."""
        length = self._read(4)
        if self._in:
            body = self._in.open(self._got, length, self._read)
        else:
            body = self._read(struct.unpack(">I", length)[0])
        self._got += 1
        payload = body[1:len(body) - body[0]]
        if payload[0] == DISCONNECT:
            raise EOFError("the client said goodbye")
        return payload

    def wait(self, *numbers):
        """The next of these. What a client may ask meanwhile gets a yes, its
        opens are noted."""
        while True:
            payload = self.receive()
            if payload[0] == CHANNEL_OPEN:
                fields = Fields(payload)
                fields.string()
                self.asked.append(fields.u32())
            if payload[0] in numbers:
                return payload
            if payload[0] == GLOBAL_REQUEST:
                self.answer(payload)
            elif payload[0] == KEXINIT:
                self.exchange(payload)

    def answer(self, payload):
        """As a good server does, where it can."""
        fields = Fields(payload)
        name, wanted = fields.text(), fields.flag()
        if name == "tcpip-forward":
            self.listens.append((fields.text(), fields.u32()))
        fits = self.proof if name == HOST_KEYS_PROVE else []
        if wanted:
            self.send(packet(REQUEST_FAILURE if name == KEEPALIVE
                             else REQUEST_SUCCESS, *fits))

    # The course of a connection -------------------------------------------

    def _step(self, name, *packets):
        """Sends them if the script doesn't."""
        if self._script.get(name, lambda session: None)(self) is not True:
            self.send(*packets)

    def run(self):
        """To the end of the connection."""
        self._banner()
        self.exchange()
        self._authenticate()
        self._step("up")
        while True:
            self.wait()

    def _banner(self):
        self._step("banner")
        self.sock.sendall(self.banner + b"\r\n")
        line = b""
        while not line.endswith(b"\n"):
            line += self._read(1)
        self._client_banner = line.rstrip(b"\r\n")

    def kexinit(self, **other):
        """Our offer; other replaces lists: kex, host_key, cipher, mac."""
        cipher, mac = self._cipher.NAMES
        lists = {"kex": "curve25519-sha256", "host_key": "ssh-ed25519",
                 "cipher": cipher, "cipher_sc": None, "mac": mac,
                 "compression": "none", **other}
        return packet(
            KEXINIT, Raw(os.urandom(16)), lists["kex"], lists["host_key"],
            lists["cipher"], lists["cipher_sc"] or lists["cipher"],
            lists["mac"], lists["mac"], lists["compression"],
            lists["compression"], "", "", False, 0)

    def expect(self, number):
        """The next of that number, before there are keys."""
        while (payload := self.receive())[0] != number:
            pass
        return payload

    def exchange(self, theirs=None):
        """Keys; again, if there are some. theirs: the client's offer, if it
        was read already."""
        self._step("kexinit")
        ours = self.kexinit()
        self.send(ours)
        theirs = theirs or self.expect(KEXINIT)
        client_share = Fields(self.expect(KEX_INIT)).string()
        self._step("kex-reply")
        key = x25519.X25519PrivateKey.generate()
        share = key.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        secret = packet(0, _mpint(key.exchange(
            x25519.X25519PublicKey.from_public_bytes(client_share))))[1:]
        digest = hashlib.sha256(packet(
            0, self._client_banner, self.banner, theirs, ours,
            self._host_key.blob, client_share, share, Raw(secret))[1:]
            ).digest()
        reply = [self._host_key.blob, share, self._host_key.sign(digest)]
        self.send(packet(KEX_REPLY, *(self.kex_reply(*reply)
                                      if self.kex_reply else reply)))
        self._change_keys(secret, digest)

    def _change_keys(self, secret, digest):
        self._id = self._id or digest

        def derive(letter, size):
            """RFC 4253 7.2"""
            out = hashlib.sha256(secret + digest + letter + self._id).digest()
            while len(out) < size:
                out += hashlib.sha256(secret + digest + out).digest()
            return out[:size]
        self._step("newkeys")
        with self._lock:
            self.sock.sendall(self.seal(packet(NEWKEYS)))
            self._out = self._cipher(derive, b"D", b"B", b"F")
        self.expect(NEWKEYS)
        self._in = self._cipher(derive, b"C", b"A", b"E")

    def _authenticate(self):
        self.wait(SERVICE_REQUEST)
        self._step("service", packet(SERVICE_ACCEPT, "ssh-userauth"))
        while not self.logged_in:
            fields = Fields(self.wait(USERAUTH_REQUEST))
            self.user = fields.text()
            fields.string()
            method = fields.text()
            if method != "publickey":
                self.method = method
                self._step("methods", packet(USERAUTH_FAILURE, "publickey",
                                             False))
            elif not fields.flag():
                self._step("pk-ok", packet(USERAUTH_PK_OK, fields.string(),
                                           fields.string()))
            else:
                self.logged_in = True
                self._step("success", packet(USERAUTH_SUCCESS))

    # Once it is up --------------------------------------------------------

    def alive(self):
        """The client still answers; gives what it sent before that."""
        before = []
        self.send(packet(GLOBAL_REQUEST, KEEPALIVE, True))
        while (payload := self.wait(REQUEST_FAILURE, OPEN_CONFIRMATION,
                                    OPEN_FAILURE, WINDOW_ADJUST, DATA, EOF,
                                    CLOSE, CHANNEL_SUCCESS, CHANNEL_FAILURE,
                                    UNIMPLEMENTED))[0] != REQUEST_FAILURE:
            before.append(payload)
        return before

    def listen(self):
        """Waits until the client has asked to listen for it."""
        while not self.listens:
            self.answer(self.wait(GLOBAL_REQUEST))
        return self.listens[0]

    def forwarded(self, peer_id=0, window=2**20, size=32768, where=None,
                  kind="forwarded-tcpip"):
        """The packet that opens a channel from where the client listens."""
        bind, port = where or self.listen()
        return packet(CHANNEL_OPEN, kind, peer_id, window, size, bind, port,
                      "192.0.2.1", 1234)

    def open(self, peer_id=0, **options):
        """Opens one; gives the client's id."""
        self.send(self.forwarded(peer_id, **options))
        fields = Fields(self.wait(OPEN_CONFIRMATION))
        assert fields.u32() == peer_id
        return fields.u32()

    def opening(self):
        """The id of a channel that the client asks for."""
        while not self.asked:
            self.wait(CHANNEL_OPEN)
        return self.asked.pop(0)


def reset(sock):
    """The connection ends by a RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack("ii", 1, 0))
    sock.shutdown(socket.SHUT_RD)
    raise EOFError("reset")
