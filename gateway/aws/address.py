"""What a queue's URL says: name, region and where to send requests.

Pure. It refuses what can't work before anything is opened: FIFO queues where Amazon is to send to
them, URLs that are none, a region that contradicts the URL.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from gateway.errors import InvalidInputError

_EXAMPLE: Final = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders"
_REGION: Final = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-\d+")
_REGION_IN_HOST: Final = re.compile(rf"(?:^|\.)sqs(?:-fips)?\.({_REGION.pattern})\.")
_LEGACY_HOST: Final = re.compile(
    rf"^(?:({_REGION.pattern})\.)?queue\.(amazonaws\.com(?:\.cn)?)$",
)
_AMAZON_HOST: Final = re.compile(r"\.(amazonaws\.com(\.cn)?|api\.aws)$")
_ACCOUNT: Final = re.compile(r"[0-9]{12}")
_LEGACY_REGION: Final = "us-east-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueAddress:
    """A queue's URL, read.

    Attributes:
        url: As Amazon knows the queue; sent in every request.
        name: Last part of the path.
        region: What requests are signed for.
        endpoint: URL that requests are sent to, ending in a slash.
    """

    url: str
    name: str
    region: str
    endpoint: str


def region_in(url: str) -> str | None:
    """Return the region that the host of a queue's URL names, or None."""
    host = (urlsplit(url).hostname or "").lower()
    if legacy := _LEGACY_HOST.match(host):
        return legacy[1] or _LEGACY_REGION
    found = _REGION_IN_HOST.search(host)
    return found[1] if found else None


def elsewhere(url: str) -> str | None:
    """Return where SQS is, of a queue's URL that does not lead to AWS itself; None where it does.

    Emulators name regions in their hosts too, as `sqs.eu-west-1.localhost.localstack.cloud` does.
    """
    parts = urlsplit(url)
    at_aws = _AMAZON_HOST.search((parts.hostname or "").lower())
    return None if at_aws else f"{parts.scheme}://{parts.netloc}"


def account_in(url: str) -> str | None:
    """Return the number of the account that a queue's URL names, or None."""
    names = urlsplit(url).path.strip("/").split("/")
    named = names[-2] if len(names) > 1 else ""
    return named if _ACCOUNT.fullmatch(named) else None


def read_address(
    url: str, *, region: str | None = None, endpoint_url: str | None = None, fifo: bool = False
) -> QueueAddress:
    """Read a queue's URL; `region` and `endpoint_url` are what the settings say, if anything.

    Raises:
        InvalidInputError: The URL is none of a standard queue (with `fifo`: of any queue), the
            region is unknown or contradicts the URL, or `endpoint_url` is no URL.
    """
    parts = _http_url(url, "queue url", f"write it as SQS shows it, such as {_EXAMPLE}")
    name = parts.path.rstrip("/").rpartition("/")[2]
    if not name:
        raise InvalidInputError(
            f"queue url {url!r} names no queue; write it as SQS shows it, such as {_EXAMPLE}"
        )
    if name.endswith(".fifo") and not fifo:
        raise InvalidInputError(
            f"queue url {url!r} is a FIFO queue; Amazon sends notifications to standard queues "
            'only ("Set up notifications with Amazon SQS"): create a standard one'
        )
    return QueueAddress(
        url=url,
        name=name,
        region=_region(url, region),
        endpoint=_endpoint(parts, endpoint_url),
    )


def _http_url(url: str, what: str, mend: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError as exc:
        raise InvalidInputError(f"{what} {url!r} is no URL; {mend}") from exc
    if not usable or parts.username is not None or parts.query or parts.fragment:
        raise InvalidInputError(f"{what} {url!r} is no plain http(s) URL; {mend}")
    if parts.scheme == "http" and _AMAZON_HOST.search(parts.hostname or ""):
        raise InvalidInputError(f"{what} {url!r} would send customer data in clear; write https")
    return parts


def _region(url: str, region: str | None) -> str:
    named = region_in(url)
    if region is None:
        if named is None:
            raise InvalidInputError(
                f"queue url {url!r} names no region; set `region`, such as eu-west-1"
            )
        return named
    if not _REGION.fullmatch(region):
        raise InvalidInputError(f"region {region!r} is none; write one such as eu-west-1")
    if named is not None and named != region:
        raise InvalidInputError(
            f"region {region!r} contradicts queue url {url!r}; write {named!r} or leave it out"
        )
    return region


def _endpoint(parts: SplitResult, endpoint_url: str | None) -> str:
    if endpoint_url is not None:
        given = _http_url(endpoint_url, "endpoint_url", "such as http://127.0.0.1:4566")
        return f"{given.scheme}://{given.netloc.lower()}{given.path.rstrip('/')}/"
    host = parts.netloc.lower()
    if legacy := _LEGACY_HOST.match(host):
        host = f"sqs.{legacy[1] or _LEGACY_REGION}.{legacy[2]}"
    return f"{parts.scheme}://{host}/"
