"""How answers are read, fed by hand in every split, and when a connection may be used again."""

import asyncio
import ssl
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http1.connection import FIELDS_MOST, HEAD_BYTES_MOST, Connection
from gateway.http1.faults import BadAnswerError, DisconnectedError
from gateway.http1.messages import Answer

MOST = 64


class Wire(asyncio.Transport):
    """Notes what is written; nothing is sent."""

    def __init__(self):
        super().__init__({"peername": ("::1", 443, 0, 0)})
        self.written = b""
        self.unsent = 0
        self.closed = None

    def write(self, data):
        self.written += data

    def get_write_buffer_size(self):
        return self.unsent

    def is_closing(self):
        return self.closed is not None

    def abort(self):
        self.closed = self.closed or "aborted"

    def close(self):
        self.closed = self.closed or "closed"


class Talk:
    """A connection with its wire, and what it told its owner."""

    def __init__(self):
        self.told = []
        loop = asyncio.get_running_loop()
        self.connection = Connection(loop, lambda _, is_open: self.told.append(is_open))
        self.wire = Wire()
        self.connection.connection_made(self.wire)

    async def answer(self, *pieces, lost=None, unsent=0):
        """Send a request, feed the pieces, and return the answer; raises what the exchange does.

        `lost` ends the connection afterwards: an exception, or "eof".
        """
        answer = Answer(MOST)
        task = asyncio.create_task(self.connection.exchange(b"POST / HTTP/1.1\r\n\r\n", answer))
        await asyncio.sleep(0)
        self.wire.unsent = unsent
        for piece in pieces:
            if not self.wire.is_closing():
                self.connection.data_received(piece)
        if lost is not None:
            self.connection.connection_lost(None if lost == "eof" else lost)
        try:
            if not task.done():
                await asyncio.wait_for(asyncio.shield(task), 0.5 if pieces or lost else 0)
            await task
        except BaseException as exc:
            exc.answer = answer
            raise
        return answer


def run(main):
    return asyncio.run(main())


GOOD = {
    "by length": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: 1\r\n\r\nok",
        200,
        b"ok",
        True,
    ),
    "empty": (b"HTTP/1.1 204 No\r\n\r\n", 204, b"", True),
    "not modified": (b"HTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n", 304, b"", True),
    "in chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nok\r\n1\r\n!\r\n0\r\nX-T: 1\r\n\r\n",
        200,
        b"ok!",
        True,
    ),
    "after interim ones": (
        b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 201 Made\r\nContent-Length: 1\r\n\r\n!",
        201,
        b"!",
        True,
    ),
    "told to close": (
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        200,
        b"ok",
        False,
    ),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, b"ok", False),
    "HTTP/1.0 kept": (
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
        200,
        b"ok",
        True,
    ),
    "no words": (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, b"", True),
    "bare line feeds": (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", 200, b"ok", True),
    "Latin-1": (b"HTTP/1.1 200 OK\r\nX-A: \xff\r\nContent-Length: 0\r\n\r\n", 200, b"", True),
}


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("splits", ["whole", "bytes"])
def test_an_answer_is_read_and_the_connection_kept_where_it_may_be(name, splits):
    said, status, body, keeps = GOOD[name]
    pieces = [said] if splits == "whole" else [bytes([byte]) for byte in said]

    async def main():
        talk = Talk()
        answer = await talk.answer(*pieces)
        assert (answer.status, answer.body, answer.is_cut) == (status, body, False)
        assert answer.peer == "[::1]:443"
        assert talk.connection.is_fit == keeps
        assert talk.wire.closed == (None if keeps else "aborted")
        if keeps:
            again = await talk.answer(*pieces)
            assert (again.status, again.body) == (status, body)
            assert not any(name == b"Link" for name, _ in again.headers)

    run(main)


@given(st.sampled_from(sorted(GOOD)), st.lists(st.integers(1, 150), max_size=8))
def test_how_an_answer_is_split_changes_nothing(name, cuts):
    said, status, body, keeps = GOOD[name]
    places = sorted({0, len(said), *(cut for cut in cuts if cut < len(said))})
    pieces = [said[start:end] for start, end in pairwise(places)]

    async def main():
        talk = Talk()
        answer = await talk.answer(*pieces)
        assert (answer.status, answer.body, talk.connection.is_fit) == (status, body, keeps)

    run(main)


@given(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=4))
def test_garbage_is_a_fault_of_the_receivers_and_nothing_else(pieces):
    async def main():
        talk = Talk()
        with pytest.raises((BadAnswerError, DisconnectedError)):
            await talk.answer(*pieces, lost="eof")
        assert not talk.connection.is_fit

    run(main)


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX A: 1\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * (FIELDS_MOST + 1) + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 9000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * HEAD_BYTES_MOST,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 3000,
    ],
)
def test_what_is_no_bounded_answer_is_refused(said):
    async def main():
        talk = Talk()
        with pytest.raises(BadAnswerError):
            await talk.answer(said)
        assert talk.wire.closed == "aborted"

    run(main)


def test_a_protocol_that_is_switched_to_is_an_answer_and_the_end():
    async def main():
        talk = Talk()
        answer = await talk.answer(b"HTTP/1.1 101 Go\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")
        assert answer.status == 101
        assert not talk.connection.is_fit

    run(main)


# ── bodies that are too long, or break off ───────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3E8\r\n",
    ],
)
def test_only_so_much_of_a_body_is_read(head):
    async def main():
        talk = Talk()
        answer = await talk.answer(head, b"x" * (MOST - 1), b"yz", b"never seen")
        assert answer.body == b"x" * (MOST - 1) + b"y"
        assert answer.is_cut
        assert talk.wire.closed == "aborted"

    run(main)


def test_a_body_of_just_the_size_that_is_read_keeps_the_connection():
    async def main():
        talk = Talk()
        answer = await talk.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 64\r\n\r\n" + b"x" * MOST)
        assert (answer.body, answer.is_cut) == (b"x" * MOST, False)
        assert talk.connection.is_fit

    run(main)


def test_trailers_without_end_are_cut():
    async def main():
        talk = Talk()
        said = [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: "]
        answer = await talk.answer(*said, *[b"a" * 4096] * 40)
        assert (answer.status, answer.body, answer.is_cut) == (200, b"ok", True)
        assert talk.wire.closed == "aborted"

    run(main)


def test_a_body_without_a_length_ends_with_its_connection():
    async def main():
        answer = await Talk().answer(b"HTTP/1.1 200 OK\r\n\r\nall", lost="eof")
        assert (answer.status, answer.body) == (200, b"all")

    run(main)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 20",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf",
    ],
)
@pytest.mark.parametrize("lost", ["eof", ConnectionResetError("reset")])
def test_an_answer_that_breaks_off(said, lost):
    async def main():
        talk = Talk()
        with pytest.raises(DisconnectedError) as caught:
            await talk.answer(*[said] * bool(said), lost=lost)
        assert talk.connection.answered == bool(said)
        assert caught.value.answer.status == (200 if b"\r\n\r\n" in said else None)
        assert talk.told == [True, False]

    run(main)


def test_a_complaint_of_tls_is_told_as_such():
    async def main():
        with pytest.raises(ssl.SSLError):
            await Talk().answer(lost=ssl.SSLError("certificate required"))

    run(main)


# ── what ends a connection ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "behind",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstale", b"x", b"HTTP/1.1 100 Continue\r\n\r\n"],
)
def test_what_comes_behind_an_answer_ends_the_connection_and_is_nobodys_answer(behind):
    async def main():
        talk = Talk()
        said = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        answer = await talk.answer(said + behind)
        assert (answer.body, len(answer.headers)) == (b"ok", 1)
        assert talk.wire.closed == "aborted"

    run(main)


def test_what_comes_unasked_ends_the_connection():
    async def main():
        talk = Talk()
        await talk.answer(GOOD["by length"][0])
        talk.connection.data_received(b"HTTP/1.1 408 Slow\r\n\r\n")
        assert not talk.connection.is_fit
        with pytest.raises(DisconnectedError):
            await talk.answer()
        assert not talk.connection.answered

    run(main)


def test_an_answer_before_the_whole_request_was_sent_ends_the_connection():
    async def main():
        talk = Talk()
        answer = await talk.answer(GOOD["by length"][0], unsent=10)
        assert answer.status == 200
        assert not talk.connection.is_fit

    run(main)


def test_an_exchange_that_is_cut_off_ends_the_connection():
    async def main():
        talk = Talk()
        task = asyncio.create_task(talk.connection.exchange(b"x", Answer(MOST)))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert talk.wire.closed == "aborted"

    run(main)
