# SPDX-License-Identifier: ISC
"""Servers that we trust and that then send more than anybody can want: each
worker's memory stays bounded, and the session goes on where it can."""

import select
import socket

import pytest

from lib import ports
from lib.hostile import Case
from lib.ssh_server import (
    CHANNEL_FAILURE, CHANNEL_OPEN, CHANNEL_REQUEST, DATA, DEBUG,
    EXTENDED_DATA, GLOBAL_REQUEST, IGNORE, OPEN_CONFIRMATION, OPEN_FAILURE,
    REQUEST_FAILURE, REQUEST_SUCCESS, UNIMPLEMENTED, USERAUTH_SUCCESS,
    WINDOW_ADJUST, Fields, packet)

KB, MB = 2**10, 2**20
CHUNK = bytes(32 * KB)
WINDOW = 2 * MB         # that a worker grants at least


def unread(count, what, answer, channel=False):
    """A flood of packets that want an answer each; we begin to read when no
    more can be sent, or at its end. Every answer comes."""
    def play(s):
        s.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * KB)
        id_ = s.open(7) if channel else None
        s.listen()
        sender = s.flood(what(id_), count)
        sent = None
        while sender.is_alive() and s.sent != sent:
            sent = s.sent
            sender.join(0.5)
        for _ in range(count):
            s.wait(answer)
        sender.join()
    return play


def silent(count, what):
    """A flood that wants no answer."""
    def play(s):
        s.flood(what(s.open()), count).join()
    return play


def forwarded(count, *answers):
    """Each is dialled, and answered."""
    def play(s):
        sender = s.flood(s.forwarded(), count)
        found = {s.wait(OPEN_CONFIRMATION, OPEN_FAILURE)[0]
                 for _ in range(count)}
        sender.join()
        assert found == set(answers)
    return play


def full_queues(s):
    """Nobody reads what lies behind these channels: what comes waits in the
    worker, as far as the windows let it come."""
    ids = [s.open(peer) for peer in range(8)]
    windows = [WINDOW] * len(ids)
    while max(windows) >= len(CHUNK):
        for peer, id_ in enumerate(ids):
            for _ in range(windows[peer] // len(CHUNK)):
                s.send(packet(DATA, id_, CHUNK))
            windows[peer] %= len(CHUNK)
        for adjust in map(Fields, s.alive()):
            peer = adjust.u32()
            windows[peer] += adjust.u32()


def floods(count, megabytes):
    """Cases with so many packets, or so many bytes."""
    chunks = megabytes * MB // len(CHUNK)
    return [
        Case("requests", unread(count, lambda _: packet(
            GLOBAL_REQUEST, "x", True), REQUEST_FAILURE), None),
        Case("opens", unread(count, lambda _: packet(
            CHANNEL_OPEN, "x11", 1, MB, MB), OPEN_FAILURE), None),
        Case("forwarded-elsewhere", unread(count, lambda _: packet(
            CHANNEL_OPEN, "forwarded-tcpip", 1, MB, MB, "", 1, "", 1),
            OPEN_FAILURE), None),
        Case("channel-requests", unread(count, lambda id_: packet(
            CHANNEL_REQUEST, id_, "x", True), CHANNEL_FAILURE, True), None),
        Case("unknown", unread(count, lambda _: packet(200),
                               UNIMPLEMENTED), None),
        Case("successes", silent(count, lambda _: packet(REQUEST_SUCCESS)),
             None),
        Case("logins", unread(count, lambda _: packet(USERAUTH_SUCCESS),
                              UNIMPLEMENTED), None),
        Case("adjusts", silent(count, lambda id_: packet(
            WINDOW_ADJUST, id_, 1)), None),
        Case("empty-data", silent(count, lambda id_: packet(
            DATA, id_, b"")), None),
        Case("empty-extended", silent(count, lambda id_: packet(
            EXTENDED_DATA, id_, 1, b"")), None),
        Case("ignores", silent(chunks, lambda _: packet(IGNORE, CHUNK)),
             None),
        Case("debugs", silent(chunks, lambda _: packet(
            DEBUG, True, CHUNK, "")), None),
        Case("tiny-ignores", silent(count, lambda _: packet(IGNORE, b"")),
             None),
    ]


def test_floods(play):
    play(floods(5000, 64))


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_great_floods(play):
    """So many that a worker stops reading until its answers are read."""
    play(floods(400000, 1024), seconds=1200, worker_max=24 * MB)


def test_opens(play):
    play([Case("forwarded", forwarded(300, OPEN_CONFIRMATION), None)])


@pytest.mark.parametrize("count", (
    2000, pytest.param(100000, marks=pytest.mark.long)))
def test_opens_to_nowhere(play, count):
    """All channels that there can be (32,768) are dialled at a time."""
    play([Case("forwarded", forwarded(count, OPEN_FAILURE), None)],
         seconds=100, behind=f"localhost:{ports.free()}", worker_max=64 * MB)


def deaf(conn):
    """Reads nothing, to the end of the connection."""
    poll = select.poll()
    poll.register(conn, select.POLLRDHUP)
    poll.poll()


def test_queues(play, serve):
    """Each of eight takes 2 MB, or what its window has grown to."""
    play([Case("full", full_queues, None)],
         behind=f"localhost:{serve(deaf).port}", worker_max=64 * MB)
