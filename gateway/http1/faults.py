"""What a request raises where no whole answer came; faults of TLS are `ssl`'s, as they are."""

from __future__ import annotations


class ConnectError(OSError):
    """No connection could be made; nothing was sent.

    Its `errno` is that of the socket, where there is one.
    """


class DisconnectedError(ConnectionError):
    """The connection ended before the whole answer was there; the request may have arrived."""


class BadAnswerError(Exception):
    """What came is no HTTP/1.x, or its head is larger than is taken."""
