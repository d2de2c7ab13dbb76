"""The options that the commands on dead-letter queues share, and the queue that they name."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer

from gateway.aws.account import SqsAccount
from gateway.aws.factory import open_account
from gateway.aws.letters import LetterQueue, QueueFacts
from gateway.cli.context import settings_of
from gateway.cli.invocation import Invocation
from gateway.cli.option_groups import spread
from gateway.errors import InvalidInputError
from gateway.replay.dlq.filters import LetterFilter
from gateway.settings import Settings

Queue = Annotated[str, typer.Argument(metavar="QUEUE", help="URL of any SQS queue, or its name.")]
Region = Annotated[str | None, typer.Option(help="AWS region, where the URL names none.")]
EndpointUrl = Annotated[
    str | None, typer.Option("--endpoint-url", help="Another address of SQS, as of a local one.")
]
Types = Annotated[
    list[str] | None, typer.Option("--type", help="Only of this type; may be repeated.")
]
Sellers = Annotated[
    list[str] | None, typer.Option("--seller", help="Only of this seller; may be repeated.")
]
Reasons = Annotated[
    list[str] | None,
    typer.Option("--reason", help="Only for this reason, as peek tells it; may be repeated."),
]
Text = Annotated[str | None, typer.Option(help="Only with this text in the body.")]
OlderThan = Annotated[
    str | None, typer.Option(metavar="TIME", help="Only if first sent longer ago, such as 90m, 2d.")
]
YoungerThan = Annotated[
    str | None, typer.Option(metavar="TIME", help="Only if first sent less long ago.")
]
MinReceives = Annotated[
    int | None, typer.Option(min=1, help="Only if received so often, this look included.")
]
MaxReceives = Annotated[
    int | None, typer.Option(min=1, help="Only if received no more often, this look included.")
]
Hold = Annotated[
    int,
    typer.Option(
        min=10, max=43_200, metavar="SECONDS", help="How long a kill leaves messages hidden."
    ),
]
AcceptPolicy = Annotated[
    bool,
    typer.Option(
        "--accept-redrive-policy",
        help="Look even where the queue's own policy may move what is looked at.",
    ),
]
Reveal = Annotated[
    bool, typer.Option("--reveal", help="Show personal data and secrets as they are.")
]

HOLD_S: Final = 120

_DURATION: Final = re.compile(r"(\d+)([smhd])")
_UNITS_MS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def duration_ms(text: str | None, option: str) -> int | None:
    """Return the milliseconds of a time such as `90m`.

    Raises:
        InvalidInputError: It is none.
    """
    if text is None:
        return None
    found = _DURATION.fullmatch(text)
    if found is None:
        raise InvalidInputError(
            f"{option}: {text!r} is no time; write one such as 30s, 90m, 2h, 3d"
        )
    return int(found[1]) * _UNITS_MS[found[2]]


def letter_filter(  # noqa: PLR0913 one for each option
    *,
    types: Types = None,
    sellers: Sellers = None,
    reasons: Reasons = None,
    text: Text = None,
    older_than: OlderThan = None,
    younger_than: YoungerThan = None,
    min_receives: MinReceives = None,
    max_receives: MaxReceives = None,
) -> LetterFilter:
    """Return the filter that the options describe."""
    return LetterFilter(
        types=frozenset(each.upper() for each in types or ()),
        sellers=frozenset(sellers or ()),
        reasons=frozenset(reasons or ()),
        text=text or None,
        older_than_ms=duration_ms(older_than, "--older-than"),
        younger_than_ms=duration_ms(younger_than, "--younger-than"),
        least_receives=min_receives,
        most_receives=max_receives,
    )


filtered = spread("wanted", letter_filter)


# ── which queue ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a queue is looked for.

    Attributes:
        url: The queue's, or that of one beside it.
        name: What is to be looked up there; None where `url` is the queue's own.
    """

    url: str
    region: str | None
    endpoint_url: str | None
    name: str | None = None


def place_of(
    named: str | None, settings: Settings, *, region: str | None, endpoint_url: str | None
) -> Place:
    """Return where a queue is; what the options leave open, the settings of a queue there say.

    Raises:
        InvalidInputError: Nothing says where a queue of that name is.
    """
    queues = settings.queues
    if named is not None and "://" in named:
        host = urlsplit(named).netloc
        beside = next((each for each in queues if urlsplit(each.url).netloc == host), None)
        name, url = None, named
    else:
        fits = [each for each in queues if endpoint_url is None and region in {None, each.region}]
        beside = fits[0] if fits else None
        name, url = named, beside.url if beside else _base(region, endpoint_url)
    return Place(
        url=url,
        name=name,
        region=region or (beside.region if beside else None),
        endpoint_url=endpoint_url or (str(beside.endpoint_url or "") or None if beside else None),
    )


def _base(region: str | None, endpoint_url: str | None) -> str:
    if endpoint_url is not None:
        return f"{endpoint_url.rstrip('/')}/queue"
    if region is None:
        raise InvalidInputError("no queue is configured: give the queue's URL, or --region")
    return f"https://sqs.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}/queue"


@asynccontextmanager
async def opened_account(invocation: Invocation, place: Place) -> AsyncIterator[SqsAccount]:
    """Open the queues around a place for one command."""
    account = open_account(
        place.url,
        region=place.region,
        endpoint_url=place.endpoint_url,
        clock=invocation.clock,
    )
    try:
        yield account
    finally:
        await account.aclose()


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A queue that a command works on."""

    account: SqsAccount
    queue: LetterQueue
    facts: QueueFacts


@asynccontextmanager
async def opened_queue(
    invocation: Invocation, named: str, *, region: str | None, endpoint_url: str | None
) -> AsyncIterator[Opened]:
    """Open the queue that a command names.

    Raises:
        NotFoundError: There is none of that name.
        QueueUnavailableError: It can't be used.
    """
    place = place_of(named, settings_of(invocation), region=region, endpoint_url=endpoint_url)
    async with opened_account(invocation, place) as account:
        url = place.url if place.name is None else await account.url_of(place.name)
        queue = account.queue(url)
        yield Opened(account=account, queue=queue, facts=await queue.facts())


def may_look(opened: Opened, *, accept: bool) -> None:
    """Return where a look can't move messages.

    Raises:
        InvalidInputError: The queue's own redrive policy counts looks.
    """
    facts = opened.facts
    if facts.dead_letter_arn is None or accept:
        return
    raise InvalidInputError(
        f"{opened.queue.name} has a redrive policy of its own: a message that was received "
        f"{facts.max_receives} times is moved to {facts.dead_letter_arn}, and each look is a "
        "receive; give --accept-redrive-policy to look all the same"
    )
