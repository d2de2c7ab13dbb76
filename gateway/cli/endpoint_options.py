"""What the options of `gateway endpoints` make of an endpoint, and how one is judged and tried."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer

from gateway.cli.invocation import Invocation
from gateway.cli.option_groups import spread
from gateway.cli.output import Output
from gateway.delivery.checks import vet_endpoint
from gateway.delivery.resolver import SystemResolver
from gateway.delivery.sender import Sender
from gateway.delivery.trial import try_endpoint
from gateway.delivery.verdict import Reply
from gateway.endpoints import AUTH_KINDS, ClientCertificate, Endpoint, PayloadForm
from gateway.errors import InvalidInputError
from gateway.service.opening import egress_policy, make_sender
from gateway.settings import Settings

_LOOK_UP_S: Final = 3.0

Events = Annotated[
    list[str] | None,
    typer.Option("--events", help="Event type or pattern, such as order.*; may be repeated."),
]
Sellers = Annotated[
    list[str] | None,
    typer.Option("--seller", help="Only this seller's events; may be repeated."),
]
Marketplaces = Annotated[
    list[str] | None,
    typer.Option("--marketplace", help="Only events of this marketplace; may be repeated."),
]
Filter = Annotated[
    str | None,
    typer.Option("--filter", help="Condition over the body, such as data.order.total > 100."),
]
Description = Annotated[str | None, typer.Option(help="What it is for.")]
Concurrency = Annotated[int | None, typer.Option(help="Requests at once.")]
TimeoutS = Annotated[float | None, typer.Option("--timeout-s", help="Deadline of one request.")]
Headers = Annotated[
    list[str] | None, typer.Option("--header", help="NAME: VALUE, sent along; may be repeated.")
]
Members = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=JSON",
        help="Any other property, such as rate_per_s=10, ordered=true or tags='[\"a\"]'.",
    ),
]
Credentials = Annotated[
    Path | None,
    typer.Option(
        help="JSON file with auth and client_certificate; - reads it from standard input.",
        metavar="FILE",
    ),
]

# Whether each property that `--set` takes fits its type; null stands for the default.
_STRINGS: Final = "a list of strings"
_MEMBERS: Final[Mapping[str, tuple[str, Any]]] = {
    "tags": (_STRINGS, ()),
    "event_types": (_STRINGS, ()),
    "seller_ids": (_STRINGS, ()),
    "marketplace_ids": (_STRINGS, ()),
    "metadata": ("an object of strings", {}),
    "body_filter": ("a string", None),
    "payload": ("a string", PayloadForm.FULL),
    "tenant": ("a string", None),
    "schedule_s": ("a list of numbers", None),
    "timeout_s": ("a number", None),
    "max_age_s": ("a number", None),
    "rate_per_s": ("a number", None),
    "order_max_wait_s": ("a number", None),
    "burst": ("a whole number", 0),
    "concurrency": ("a whole number", 4),
    "ordered": ("true or false", False),
    "operator": ("true or false", False),
}


def properties(  # noqa: PLR0913 one for each option
    *,
    events: Events = None,
    seller: Sellers = None,
    marketplace: Marketplaces = None,
    body_filter: Filter = None,
    description: Description = None,
    concurrency: Concurrency = None,
    timeout_s: TimeoutS = None,
    header: Headers = None,
    members: Members = None,
    credentials: Credentials = None,
) -> dict[str, Any]:
    """Return the members of an endpoint that options name; those not given are left out.

    Raises:
        InvalidInputError: One can't be read.
    """
    given = {
        "event_types": tuple(events or ()) or None,
        "seller_ids": tuple(seller or ()) or None,
        "marketplace_ids": tuple(marketplace or ()) or None,
        "body_filter": body_filter,
        "description": description,
        "concurrency": concurrency,
        "timeout_s": timeout_s,
        "headers": _headers(header) if header else None,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    changes |= dict(_member(text) for text in members or ())
    if credentials is not None:
        changes |= _credentials(credentials)
    return changes


described = spread("changes", properties)


async def vetted(endpoint: Endpoint, invocation: Invocation, settings: Settings) -> None:
    """Accept an endpoint as an attempt would; a name that has no address yet is only noted.

    Raises:
        InvalidEndpointError: Its `faults` say all that is wrong.
    """
    async with _resolver(invocation) as resolver:
        for note in await vet_endpoint(endpoint, egress_policy(settings), resolver):
            Output(invocation).note(f"note: {note}")


async def tried(
    endpoint: Endpoint, invocation: Invocation, settings: Settings
) -> tuple[str, Reply]:
    """Post a test event to the endpoint; return the event's id and what came of it."""
    async with (
        _resolver(invocation) as resolver,
        make_sender(settings, resolver, invocation.clock, connections=1) as sender,
    ):
        return await _try(sender, endpoint, invocation)


async def _try(sender: Sender, endpoint: Endpoint, invocation: Invocation) -> tuple[str, Reply]:
    return await try_endpoint(sender, endpoint, invocation.clock)


@asynccontextmanager
async def _resolver(invocation: Invocation) -> AsyncIterator[SystemResolver]:
    resolver = SystemResolver(invocation.clock, budget_s=_LOOK_UP_S, threads=2)
    try:
        yield resolver
    finally:
        resolver.close()


def _headers(headers: list[str]) -> Mapping[str, str]:
    parsed = {}
    for header in headers:
        name, colon, value = header.partition(":")
        if not colon:
            raise InvalidInputError("--header: there is no colon; write NAME: VALUE")
        parsed[name.strip()] = value.strip()
    return parsed


def _member(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or name not in _MEMBERS:
        known = ", ".join(sorted(_MEMBERS))
        raise InvalidInputError(f"--set: {name!r} is no property; write NAME=JSON, with {known}")
    wanted, default = _MEMBERS[name]
    try:
        parsed = orjson.loads(value)
    except ValueError:
        parsed = value  # a word needs no quotes
    if parsed is None:
        return name, default
    if not _fits(parsed, wanted):
        raise InvalidInputError(f"--set: {name} is {wanted}; write {name}=JSON")
    if name == "payload":
        try:
            return name, PayloadForm(parsed)
        except ValueError:
            raise InvalidInputError("--set: payload is full or thin") from None
    return name, tuple(parsed) if isinstance(parsed, list) else parsed


def _fits(value: Any, wanted: str) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    entries = value if isinstance(value, list) else []
    is_fit = {
        "a string": isinstance(value, str),
        "a number": is_number,
        "a whole number": is_number and isinstance(value, int),
        "true or false": isinstance(value, bool),
        "an object of strings": isinstance(value, dict)
        and all(isinstance(one, str) for one in value.values()),
        "a list of numbers": bool(entries) and all(_fits(one, "a number") for one in entries),
        _STRINGS: isinstance(value, list) and all(isinstance(one, str) for one in entries),
    }
    return is_fit[wanted]


def _credentials(path: Path) -> dict[str, Any]:
    """Read credentials from a file, so that they stand in no shell's history."""
    try:
        text = typer.get_binary_stream("stdin").read() if str(path) == "-" else path.read_bytes()
        members = orjson.loads(text)
        return {name: _credential(name, value) for name, value in members.items()}
    except OSError as exc:
        raise InvalidInputError(f"--credentials: {path} can't be read") from exc
    except (ValueError, TypeError, AttributeError, KeyError) as exc:
        raise InvalidInputError(
            '--credentials: write {"auth": {"kind": "basic", "username": …, "password": …}},'
            " kind bearer with token, or oauth2 with token_url, client_id, client_secret and"
            ' scope; "client_certificate" with certificate and private_key; null to remove'
        ) from exc


def _credential(name: str, value: Any) -> Any:
    if name not in ("auth", "client_certificate"):
        raise KeyError(name)
    if value is None:
        return None
    members = dict(value)
    kind = AUTH_KINDS[members.pop("kind")] if name == "auth" else ClientCertificate
    if not all(isinstance(one, str) for one in members.values()):
        raise TypeError(name)
    return kind(**members)
