"""`gateway destinations`: where Amazon sends notifications, by application and region."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer

from gateway.cli.amazon import Opened, with_amazon
from gateway.cli.changing import entry
from gateway.cli.invocation import Invocation, invocation_of, new_app
from gateway.cli.output import Output
from gateway.cli.rows import plain
from gateway.cli.sellers import RegionName
from gateway.errors import ConfigurationError, InvalidInputError, NotFoundError, SpApiError
from gateway.model import Seller
from gateway.service.subscriptions import declared
from gateway.settings import Settings
from gateway.spapi.apis.notifications import Destination
from gateway.store.subscriptions import Subscriptions
from gateway.subscriptions.amazon import AmazonSide, resource_of
from gateway.subscriptions.declaration import DeclaredDestination, Unit
from gateway.subscriptions.refusals import explained
from gateway.subscriptions.removal import Removal
from gateway.subscriptions.rules import check_destination

app = new_app()

Application = Annotated[
    str | None, typer.Option(help="Id of the application; needed where there are several.")
]
Region = Annotated[
    RegionName | None, typer.Option(help="Amazon's region; where sellers are, unless given.")
]


@app.callback()
def destinations() -> None:
    """Manage where Amazon sends notifications."""


@app.command("list")
def list_(ctx: typer.Context, *, application: Application = None, region: Region = None) -> None:
    """List what Amazon has, with the name that the settings give it; unknown kinds too."""

    async def work(opened: Opened) -> list[dict[str, Any]]:
        amazon = AmazonSide(opened.client)
        rows: list[dict[str, Any]] = []
        for where in await _places(opened, application, region):
            with _Explained():
                found = await amazon.destinations(*where)
            rows.extend(_row(one, where, opened.settings) for one in found)
        return rows

    invocation = invocation_of(ctx)
    columns = ("id", "name", "kind", "place", "application_id", "region", "declared")
    Output(invocation).items(with_amazon(invocation, work), columns=columns)


@app.command()
def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name; a declared one needs no more.")],
    *,
    arn: Annotated[str | None, typer.Option(help="ARN of a standard SQS queue.")] = None,
    aws_region: Annotated[str | None, typer.Option(help="Of an event bus.")] = None,
    aws_account: Annotated[str | None, typer.Option(help="Of an event bus.")] = None,
    application: Application = None,
    region: Region = None,
) -> None:
    """Create a destination, or take over the one that is there for the same queue or bus."""
    invocation = invocation_of(ctx)

    async def work(opened: Opened) -> list[dict[str, Any]]:
        given = DeclaredDestination(
            name=name, arn=arn, aws_region=aws_region, aws_account=aws_account
        )
        wanted = _wanted(opened.settings, given)
        amazon = AmazonSide(opened.client)
        rows: list[dict[str, Any]] = []
        for where in await _places(opened, application, region):
            if not wanted.serves(*where):
                continue
            with _Explained():
                made, new = await amazon.create_destination(wanted, *where)
            rows.append({**_row(made, where, opened.settings), "created": new})
            if new:
                await _noted(opened, invocation, "create", where, made)
        return rows

    columns = ("id", "name", "kind", "place", "application_id", "region", "created")
    Output(invocation).items(with_amazon(invocation, work), columns=columns)


@app.command()
def delete(
    ctx: typer.Context,
    destination_id: Annotated[str, typer.Argument(metavar="ID", help="Amazon's id of it.")],
    *,
    application: Application = None,
    region: Region = None,
    with_subscriptions: Annotated[
        bool,
        typer.Option("--with-subscriptions", help="Delete those first; asks every seller."),
    ] = False,
) -> None:
    """Delete a destination; Amazon refuses while it has subscriptions."""
    invocation = invocation_of(ctx)
    output = Output(invocation)

    async def work(opened: Opened) -> dict[str, Any]:
        amazon = AmazonSide(opened.client)

        def changing(unit: Unit, subscription_id: str) -> Subscriptions:
            noted = entry(
                invocation.clock, "subscription.delete", subscription_id, changes=plain(unit)
            )
            return opened.store.changing(noted).subscriptions

        with _Explained():
            where, found = await _find(opened, amazon, destination_id, application, region)
            gone: Sequence[str] = ()
            if with_subscriptions:
                sellers = [
                    one
                    for one in await opened.store.sellers.sellers()
                    if one.application_id == where[0]
                ]
                with output.progress("Looking for its subscriptions…") as say:
                    gone = await Removal(amazon, changing).subscriptions_of(
                        found, sellers, on_step=lambda count: say(f"{count} deleted…")
                    )
            await amazon.delete_destination(*where, destination_id)
        await _noted(opened, invocation, "delete", where, found)
        return {"id": destination_id, "deleted": True, "subscription_ids": list(gone)}

    value = with_amazon(invocation, work)
    text = f"Deleted {destination_id} and {len(value['subscription_ids'])} subscriptions."
    output.value(value, text=text)


async def _noted(
    opened: Opened, invocation: Invocation, verb: str, where: tuple[str, str], one: Destination
) -> None:
    told = {"application": where[0], "region": where[1], "resource": dict(one.resource)}
    made = entry(invocation.clock, f"destination.{verb}", one.destination_id, changes=told)
    await opened.store.audit.add(made)


class _Explained:
    """Lets refusals of Amazon's pass with what they mean here."""

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: object, exc: BaseException | None, trace: object) -> None:
        """Say what a refusal means."""
        if isinstance(exc, SpApiError):
            exc.args = (explained(exc),)


async def _places(
    opened: Opened, application: str | None, region: RegionName | None
) -> Sequence[tuple[str, str]]:
    """Return the (application, region) pairs that are meant: where sellers are, unless given."""
    sellers = await opened.store.sellers.sellers()
    known = sorted(one.id for one in await opened.store.sellers.applications())
    if application is not None and application not in known:
        raise NotFoundError(f"no application {application!r}; add it to [[applications]]")
    if application is None and len(known) == 1:
        application = known[0]
    if application is not None and region is not None:
        return [(application, region.value)]
    found = sorted(_of(sellers, application, region))
    if not found:
        raise InvalidInputError("no seller says which region is meant: give --region")
    return found


def _of(
    sellers: Sequence[Seller], application: str | None, region: RegionName | None
) -> Iterator[tuple[str, str]]:
    for pair in {(one.application_id, one.region) for one in sellers}:
        if application in {None, pair[0]} and (region is None or region.value == pair[1]):
            yield pair


async def _find(
    opened: Opened,
    amazon: AmazonSide,
    destination_id: str,
    application: str | None,
    region: RegionName | None,
) -> tuple[tuple[str, str], Destination]:
    for where in await _places(opened, application, region):
        for one in await amazon.destinations(*where):
            if one.destination_id == destination_id:
                return where, one
    raise NotFoundError(f"there is no destination {destination_id}")


def _wanted(settings: Settings, given: DeclaredDestination) -> DeclaredDestination:
    if given.arn is None and given.aws_region is None and given.aws_account is None:
        known = declared(settings).by_name.get(given.name)
        if known is None:
            raise InvalidInputError(
                f"no destination {given.name!r} is declared; give --arn, or --aws-region and "
                "--aws-account"
            )
        return known
    faults = list(check_destination(given, "arguments"))
    if faults:
        raise ConfigurationError(faults)
    return given


def _row(one: Destination, where: tuple[str, str], settings: Settings) -> dict[str, Any]:
    place = resource_of(one.resource)
    names = [
        each.name
        for each in declared(settings).destinations
        if resource_of(each.specification()) == place and each.serves(*where)
    ]
    return {
        "id": one.destination_id,
        "name": one.name,
        "kind": place[0] if place else ", ".join(one.resource) or None,
        "place": "/".join(place[1:]) if place else None,
        "application_id": where[0],
        "region": where[1],
        "declared": names[0] if names and place else None,
        "resource": dict(one.resource),
    }
