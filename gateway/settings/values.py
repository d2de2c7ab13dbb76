"""What single values may look like: URLs, networks, ports.

Each check returns the value it was given or raises a fault with the mend beside it. Whether an
address answers is not asked here.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from pydantic_core import PydanticCustomError

FOLDER = "folder:"
_SQLITE = "sqlite:///"
_POSTGRESQL = "postgresql://"
_QUEUE_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PORT_RANGE = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")

# Type of our own faults among pydantic's; `ctx["mend"]` says what to write instead.
FAULT_TYPE = "spgw_fault"


def fault(what: str, mend: str, kind: str = "") -> PydanticCustomError:
    """Return an error that says what is wrong with a value and what to write instead."""
    return PydanticCustomError(FAULT_TYPE, "{what}", {"what": what, "mend": mend, "kind": kind})


def sqlite_path(url: str) -> Path | None:
    """Return the file of a `sqlite:///…` URL, or None for another kind of store."""
    if not url.startswith(_SQLITE):
        return None
    return Path(unquote(url.removeprefix(_SQLITE).partition("?")[0]))


def check_store_url(url: str) -> str:
    """Accept a file on SQLite and a database on PostgreSQL; drivers are not chosen by users."""
    mend = 'write "sqlite:///gateway.db" or "postgresql://user:password@host:5432/database"'
    if url.startswith(_SQLITE):
        file = url.removeprefix(_SQLITE)
        if not file or file.startswith(":memory:") or file.endswith("/"):
            raise fault("an SQLite store needs a file", mend)
        return url
    if url.startswith("postgres://"):  # what some platforms hand out
        url = _POSTGRESQL + url.removeprefix("postgres://")
    if not url.startswith(_POSTGRESQL):
        raise fault("is neither an SQLite nor a PostgreSQL URL", mend)
    parts = _split(url, mend)
    if not parts.path.strip("/"):
        raise fault("names no database", mend)
    return url


def check_http_url(url: str) -> str:
    """Accept an absolute http(s) URL without credentials, query or fragment."""
    mend = 'write a whole address, such as "https://host" or "http://127.0.0.1:9000"'
    parts = _split(url, mend)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise fault("is no http(s) URL", mend)
    if parts.username is not None or parts.query or parts.fragment:
        raise fault("has credentials, a query or a fragment", mend)
    return url.rstrip("/")


def check_queue_url(url: str) -> str:
    """Accept the URL of a standard SQS queue.

    FIFO queues are refused because Amazon delivers notifications to standard queues only ("Set up
    notifications with Amazon SQS").
    """
    mend = 'write the queue\'s URL: "https://sqs.eu-west-1.amazonaws.com/123456789012/my-queue"'
    if url.startswith("arn:"):
        raise fault("is an ARN", mend)
    parts = _split(url, mend)
    names = [name for name in parts.path.split("/") if name]
    if parts.scheme not in {"http", "https"} or not parts.hostname or not names:
        raise fault("is no queue URL", mend)
    if names[-1].endswith(".fifo"):
        raise fault(
            "is a FIFO queue, which Amazon does not send notifications to",
            "create a standard queue and write its URL",
            "fifo",
        )
    if not _QUEUE_NAME.fullmatch(names[-1]):
        raise fault("ends in something that is no queue name", mend)
    return url


def check_documents_url(url: str) -> str:
    """Accept a folder or an S3 bucket with a prefix."""
    mend = 'write "folder:/var/lib/gateway/documents" or "s3://my-bucket/prefix"'
    if url.startswith(FOLDER) and url != FOLDER:
        return url
    parts = _split(url, mend)
    if parts.scheme != "s3" or _BUCKET_NAME.fullmatch(parts.netloc) is None:
        raise fault("is neither a folder nor an S3 bucket", mend)
    return url


def check_cron(expression: str) -> str:
    """Accept a cron expression of five fields."""
    mend = 'write five fields, such as "0 3 * * *" for three o\'clock every night'
    if len(expression.split()) != 5:
        raise fault(f'"{expression}" has not five fields', mend)
    try:
        next(CronSim(expression, datetime(2026, 1, 1, tzinfo=UTC)), None)
    except CronSimError as exc:
        raise fault(f'"{expression}" is no cron expression ({exc})', mend) from exc
    return expression


def check_time_zone(name: str) -> str:
    """Accept a name of the IANA time zone database."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise fault(
            f'"{name}" is no time zone', 'write a name such as "America/Sao_Paulo" or "UTC"'
        ) from exc
    return name


def check_cidr(cidr: str) -> str:
    """Accept a network such as `10.0.0.0/8` or `fd00::/8`."""
    try:
        ipaddress.ip_network(cidr)
    except ValueError as exc:
        raise fault(
            f'"{cidr}" is no network ({exc})', 'write it as "10.0.0.0/8" or "fd00::/8"'
        ) from exc
    return cidr


def check_port(port: int | str) -> int | str:
    """Accept a port, or a range `a-b`, with 1 ≤ a ≤ b ≤ 65535."""
    match = _PORT_RANGE.fullmatch(str(port))
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 1 <= first <= last <= 65535:
        raise fault(f'"{port}" is no port', 'write a port (443) or a range ("8000-8999")')
    return port


def _split(url: str, mend: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # parsed, and refused, only when it is read
    except ValueError as exc:
        raise fault("is no URL that can be read", mend) from exc
    return parts
