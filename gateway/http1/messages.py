"""What is sent and what comes back: the bytes of a request's head, and an answer as it grows.

It decides that nothing in a request can be taken for a second request: a name or value that would
end its line is refused, and the length is always said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Final, NamedTuple

_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\U0010ffff]*")
_METHOD: Final = re.compile(r"[A-Z]+")
_TARGET: Final = re.compile(r"/[\x21-\x7e]*")


class Origin(NamedTuple):
    """Whom a connection leads to; connections are shared between requests of one origin only.

    Attributes:
        host: Name in ASCII, or an address without brackets; verified by TLS.
        context: Trust and own certificate of TLS; None for plain HTTP.
    """

    host: str
    port: int
    context: SSLContext | None = None


@dataclass(slots=True)
class Trail:
    """What one request did to get a connection, and when.

    Attributes:
        now_s: Clock of the times, of which only differences mean anything.
        started_at_s: When the request began.
        addresses: Addresses that were dialled for it; empty where a kept-alive one was reused.
        dns_s: What look-ups took.
        dialled_at_s: When the last socket was made.
        connected_at_s: When its TCP connection stood.
        ready_at_s: When a connection was there, TLS and all.
        answered_at_s: When the answer's head was there.
    """

    now_s: Callable[[], float]
    started_at_s: float
    addresses: list[str] = field(default_factory=list)
    dns_s: float | None = None
    dialled_at_s: float | None = None
    connected_at_s: float | None = None
    ready_at_s: float | None = None
    answered_at_s: float | None = None

    @property
    def reused(self) -> bool:
        """Whether no new connection was opened."""
        return not self.addresses

    @property
    def last(self) -> str | None:
        """The address dialled last."""
        return self.addresses[-1] if self.addresses else None


@dataclass(slots=True)
class Answer:
    """The answer to one request, as far as it has come; also after a fault.

    Attributes:
        most_bytes: Most of the body that is read; the connection is given up for the rest.
        trail: Where the request's times are noted, if anybody asks.
        status: None until the final head is there.
        headers: As they came, trailers included.
        is_cut: Whether more of the body was to come.
        peer: Address and port it came from.
    """

    most_bytes: int
    trail: Trail | None = None
    status: int | None = None
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    chunks: list[bytes] = field(default_factory=list)
    is_cut: bool = False
    peer: str | None = None

    @property
    def body(self) -> bytes:
        """What was read of the body, at most `most_bytes`."""
        whole = self.chunks[0] if len(self.chunks) == 1 else b"".join(self.chunks)
        return whole[: self.most_bytes]

    def header(self, name: bytes) -> str | None:
        """Return the first value of a header, which is named in lower case."""
        for key, value in self.headers:
            if key.lower() == name:
                return value.decode("latin-1")
        return None


def request_line(method: str, target: str, host: str) -> bytes:
    """Return the head's first two lines.

    Args:
        method: In capitals.
        target: Path and query, percent-encoded.
        host: As the `Host` header names it.

    Raises:
        ValueError: One of them can't stand there.
    """
    if not _METHOD.fullmatch(method) or not _TARGET.fullmatch(target):
        raise ValueError("no method, or no path, that a request can begin with")
    return f"{method} {target} HTTP/1.1\r\n".encode("ascii") + field_lines({"Host": host})


def field_lines(fields: Mapping[str, str] | Iterable[tuple[str, str]]) -> bytes:
    """Return headers as lines.

    Raises:
        ValueError: A name is no token, or a value holds a line break or a control character. The
            message names the header, never its value.
    """
    lines = []
    for name, value in fields.items() if isinstance(fields, Mapping) else fields:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no header name")
        if not _VALUE.fullmatch(value):
            raise ValueError(f"the value of {name} can't stand in a header")
        lines.append(f"{name}: {value}\r\n")
    return "".join(lines).encode()


def ending(length: int) -> bytes:
    """Return the head's last lines, for a body of `length` bytes."""
    return b"Content-Length: %d\r\n\r\n" % length
