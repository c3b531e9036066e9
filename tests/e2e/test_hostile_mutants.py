# SPDX-License-Identifier: ISC
"""Servers of which some packets are altered at random before they are sealed:
a connection may end in any way, but not in a crash."""

import os
import random

import pytest

from lib.hostile import ANY, Case
from lib.ssh_server import (
    CHANNEL_REQUEST, CIPHERS, CLOSE, DATA, DEBUG, DISCONNECT, EOF, EXT_INFO,
    GLOBAL_REQUEST, HOST_KEYS, IGNORE, STEPS, WINDOW_ADJUST, HostKey, packet)

# Where the seeds begin: another number tries others.
SEED = int(os.environ.get("HAWSER_SEED", "1"))
NUMBERS = [0, 1, 2, 0x7f, 0xff, 0x7fff, 0x8000, 0xffff, 2**31 - 1, 2**31,
           2**32 - 1]


def spoil(rng, payload):
    """Once or several times."""
    data = bytearray(payload)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        at = rng.randrange(len(data) + 1)
        how = rng.randrange(7)
        if how == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif how == 1 and at < len(data):
            data[at] = rng.randrange(256)
        elif how == 2:
            data[at:at + 4] = rng.choice(NUMBERS).to_bytes(4, "big")
        elif how == 3:
            del data[at:]
        elif how == 4:
            del data[at:at + rng.randrange(1, 9)]
        elif how == 5:
            data[at:at] = rng.randbytes(rng.choice((1, 4, 100, 3000)))
        else:
            data[0:1] = bytes([rng.randrange(256)])
    return bytes(data)


def busy(s, rng):
    """Some of all that a connection's server can say."""
    s.send(packet(GLOBAL_REQUEST, HOST_KEYS, False, HostKey().blob),
           packet(DEBUG, True, "text", ""), packet(IGNORE, "x"))
    channel = s.open(rng.randrange(3))
    things = [
        packet(DATA, channel, rng.randbytes(rng.randrange(2000))),
        packet(WINDOW_ADJUST, channel, 1000),
        packet(CHANNEL_REQUEST, channel, "exit-status", False, 1),
        packet(CHANNEL_REQUEST, channel, "x", True),
        packet(GLOBAL_REQUEST, "x", True), s.forwarded(7)]
    for _ in range(20):
        s.send(rng.choice(things))
    if rng.randrange(3) == 0:
        s.exchange()
    s.send(packet(EOF, channel), packet(CLOSE, channel))
    if rng.randrange(4) == 0:
        s.send(packet(DISCONNECT, 11, "bye", ""))


def mutant(seed):
    """From some step on, one of a few packets is spoilt."""
    rng = random.Random(seed)
    rate = rng.choice((2, 8, 8, 30))
    first = rng.choice(("banner", "service", "methods", "up", "up"))

    def mutate(payload):
        return spoil(rng, payload) if rng.randrange(rate) == 0 else payload

    def step(name):
        def play(s):
            if name == "banner":
                s.sock.settimeout(3)    # neither waits for the other for long
            if name == "up":
                s.listen()
            if name == first:
                s.mutate = mutate
            if name == "service":
                s.send(packet(EXT_INFO, 1, "server-sig-algs",
                              "ssh-ed25519,rsa-sha2-512"))
            if name == "up":
                busy(s, rng)
        return play
    return {name: step(name) for name in STEPS}


def cases(count):
    ciphers = list(CIPHERS.values())
    return [Case(f"mutant-{seed}", mutant(seed), ANY,
                 cipher=ciphers[seed % len(ciphers)], rsa=seed % 3 == 0,
                 client=seed % 5 == 0, ConnectTimeout=3, UpdateHostKeys="yes")
            for seed in range(SEED, SEED + count)]


@pytest.mark.parametrize("count", (
    60, pytest.param(1000, marks=pytest.mark.long)))
@pytest.mark.timeout(1200)
def test_mutants(play, count):
    play(cases(count), seconds=600, worker_max=32 * 2**20)
