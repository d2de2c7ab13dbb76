"""May an endpoint be saved as it stands? One answer for the command line, the HTTP API and Python.

All that is wrong is said at once, each fault with the member that holds it and what to write
instead; credentials are never repeated. What passes is what an attempt would be made with: the URL
and the token server's pass the address guard, the body filter compiles, the certificate loads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from gateway.delivery.egress import ResolutionError, check_url, vet
from gateway.delivery.feeding import check_pulled
from gateway.delivery.headers import check_headers
from gateway.delivery.routes import authorization_of
from gateway.delivery.trust import client_context
from gateway.endpoints import Auth, BasicAuth, BearerAuth, OAuth2Auth
from gateway.errors import Fault, FaultsError, InvalidInputError
from gateway.filters import Filter

if TYPE_CHECKING:
    from gateway.delivery.egress import EgressPolicy, Resolver
    from gateway.endpoints import Endpoint

_PATTERN: Final = re.compile(r"\*|[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*(\.\*)?")
_PRINTABLE: Final = re.compile(r"[\x21-\x7e]+")
_DAY_S: Final = 86_400
_LISTS_MOST: Final = 200
_TEXT_MOST: Final = 500
_METADATA_MOST: Final = 50

# Member, least, most; a member that is None is not looked at.
_RANGES: Final = (
    ("timeout_s", 0.1, 300),
    ("max_age_s", 1, 365 * _DAY_S),
    ("rate_per_s", 0.001, 10_000),
    ("burst", 0, 10_000),
    ("concurrency", 1, 1_000),
    ("order_max_wait_s", 1, 365 * _DAY_S),
)


class InvalidEndpointError(FaultsError, InvalidInputError):
    """An endpoint can't be saved as it stands."""


def check_endpoint(endpoint: Endpoint, policy: EgressPolicy) -> None:
    """Accept an endpoint, as far as it can be judged without resolving names.

    Raises:
        InvalidEndpointError: Its `faults` say all that is wrong.
    """
    faults = [*_faults(endpoint), *_guarded(endpoint, policy)]
    if faults:
        raise InvalidEndpointError(faults)


async def vet_endpoint(
    endpoint: Endpoint, policy: EgressPolicy, resolver: Resolver
) -> Sequence[str]:
    """Accept an endpoint, its names resolved; return what is worth a note.

    A name that has no address yet is no fault.

    Raises:
        InvalidEndpointError: Its `faults` say all that is wrong.
    """
    check_endpoint(endpoint, policy)
    notes, faults = [], []
    for where, url in _urls(endpoint):
        try:
            await vet(check_url(url, policy), policy, resolver)
        except ResolutionError as exc:
            notes.append(str(exc))
        except InvalidInputError as exc:
            faults.append(_fault(where, exc))
    if faults:
        raise InvalidEndpointError(faults)
    return notes


def _urls(endpoint: Endpoint) -> Iterator[tuple[str, str]]:
    if endpoint.transport.pushes:
        yield "url", endpoint.url
    if isinstance(endpoint.auth, OAuth2Auth):
        yield "auth.token_url", endpoint.auth.token_url


def _guarded(endpoint: Endpoint, policy: EgressPolicy) -> Iterator[Fault]:
    for where, url in _urls(endpoint):
        yield from _tried(where, lambda url=url: check_url(url, policy))  # type: ignore[misc]
    if not endpoint.transport.pushes:
        yield from _tried("url", lambda: check_pulled(endpoint))


def _faults(endpoint: Endpoint) -> Iterator[Fault]:
    yield from _texts(endpoint)
    yield from _numbers(endpoint)
    yield from _tried("headers", lambda: check_headers(endpoint.headers))
    if endpoint.body_filter is not None:
        expression = endpoint.body_filter
        yield from _tried("body_filter", lambda: Filter(expression))
    yield from _credentials(endpoint)


def _texts(endpoint: Endpoint) -> Iterator[Fault]:
    for pattern in endpoint.event_types:
        if not _PATTERN.fullmatch(pattern):
            yield Fault(
                where="event_types", what=f"{pattern!r} is no pattern", mend="write order.* or *"
            )
    lists = ("event_types", "seller_ids", "marketplace_ids", "tags")
    for name in lists:
        yield from _listed(name, getattr(endpoint, name))
    if len(endpoint.metadata) > _METADATA_MOST:
        yield Fault(where="metadata", what="too many members", mend=f"keep {_METADATA_MOST}")
    yield from _listed("metadata", [*endpoint.metadata, *endpoint.metadata.values()], blank=True)
    yield from _listed("description", [endpoint.description], blank=True)
    if endpoint.tenant is not None:
        yield from _listed("tenant", [endpoint.tenant])


def _listed(where: str, values: Sequence[str], *, blank: bool = False) -> Iterator[Fault]:
    if len(values) > _LISTS_MOST:
        yield Fault(where=where, what=f"{len(values)} entries", mend=f"keep {_LISTS_MOST}")
    for value in values:
        if len(value) > _TEXT_MOST:
            mend = f"keep it to {_TEXT_MOST} characters"
            yield Fault(where=where, what=f"{value[:20]!r}… is too long", mend=mend)
        elif not value.strip() and not blank:
            yield Fault(where=where, what="an entry is empty", mend="leave it out")
        elif not value.isprintable():
            yield Fault(where=where, what="a character can't be printed", mend="leave it out")


def _numbers(endpoint: Endpoint) -> Iterator[Fault]:
    for name, least, most in _RANGES:
        value = getattr(endpoint, name)
        if value is not None and not least <= value <= most:
            mend = f"write a number from {least:g} to {most:g}"
            yield Fault(where=name, what=f"{value:g} is out of bounds", mend=mend)
    schedule = endpoint.schedule_s
    if schedule is not None and not (
        1 <= len(schedule) <= 50 and all(0 <= delay <= 7 * _DAY_S for delay in schedule)
    ):
        mend = "write 1 to 50 delays in seconds, each at most a week, such as 0, 5, 300"
        yield Fault(where="schedule_s", what="it can't be kept to", mend=mend)
    if endpoint.burst and endpoint.rate_per_s is None:
        yield Fault(where="burst", what="there is no rate", mend="set rate_per_s as well")
    if endpoint.order_max_wait_s is not None and not endpoint.ordered:
        yield Fault(where="order_max_wait_s", what="order is off", mend="set ordered as well")


def _credentials(endpoint: Endpoint) -> Iterator[Fault]:
    auth, certificate = endpoint.auth, endpoint.client_certificate
    if auth is not None and any(name.lower() == "authorization" for name in endpoint.headers):
        mend = "leave the Authorization header out"
        yield Fault(where="headers", what="auth sets that header", mend=mend)
    if certificate is not None:
        yield from _tried("client_certificate", lambda: client_context(certificate, None))
        if not endpoint.url.lower().startswith("https://"):
            mend = "give an https:// URL"
            yield Fault(where="client_certificate", what="it needs TLS", mend=mend)
    if auth is not None:
        yield from _authorization(auth)


def _authorization(auth: Auth) -> Iterator[Fault]:
    match auth:
        case BasicAuth():
            if ":" in auth.username or not _header_safe([auth.username, auth.password]):
                mend = "write text without control characters; a username has no colon"
                yield Fault(where="auth", what="the credentials can't be sent", mend=mend)
            else:
                yield from _tried("auth", lambda: authorization_of(auth))
        case BearerAuth():
            if not _PRINTABLE.fullmatch(auth.token):
                mend = "write printable ASCII without spaces"
                yield Fault(where="auth.token", what="it can't be sent in a header", mend=mend)
        case OAuth2Auth():
            if not (auth.client_id and auth.client_secret):
                mend = "give both client_id and client_secret"
                yield Fault(where="auth", what="the client's credentials are empty", mend=mend)


def _header_safe(texts: Iterable[str]) -> bool:
    return all(text.isprintable() for text in texts)


def _tried(where: str, check: Callable[[], object]) -> Iterator[Fault]:
    try:
        check()
    except InvalidInputError as exc:
        yield _fault(where, exc)


def _fault(where: str, refused: InvalidInputError) -> Fault:
    """Return a refusal as a fault; most say after a semicolon what to write instead."""
    what, _, mend = str(refused).removeprefix(f"{where}: ").partition("; ")
    what = what.removeprefix("url: ").removeprefix("filter: ")
    return Fault(where=where, what=what, mend=mend or "change it")
