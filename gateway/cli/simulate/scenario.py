"""`gateway simulate scenario` and `orders`: a day of busy sellers, and what became of it."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.context import run
from gateway.cli.invocation import invocation_of
from gateway.cli.output import Output
from gateway.cli.simulate.running import DEFAULT_URL, At, RunningSimulator
from gateway.simulator.scenario import ORDERS, SPEED, WITHHOLD


def scenario(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="`order-day`: a day of busy sellers.")],
    orders: Annotated[int, typer.Option(min=1, help="How many orders are placed.")] = ORDERS,
    speed: Annotated[
        float, typer.Option(min=1, help="How many times faster than life; 480 is 3 minutes.")
    ] = SPEED,
    withhold: Annotated[
        float, typer.Option(min=0, max=1, help="Share of changes that are not notified.")
    ] = WITHHOLD,
    seller: Annotated[
        list[str] | None,
        typer.Option(help="Seller that takes part; repeatable. The first has half of the orders."),
    ] = None,
    at: At = DEFAULT_URL,
) -> None:
    """Let a running simulator play a scenario; returns at once, while it goes on."""
    fields = {
        "name": name,
        "orders": orders,
        "speed": speed,
        "withhold": withhold,
        **({"sellers": list(seller)} if seller else {}),
    }
    told = run(RunningSimulator(at).tell("/scenarios", fields))
    Output(invocation_of(ctx)).value(
        told,
        text=f"{told['orders']} orders of {told['sellers']} sellers are placed within "
        f"{told['lasts_s']:g} seconds; see `gateway simulate orders`.",
    )


def orders(ctx: typer.Context, at: At = DEFAULT_URL) -> None:
    """List every change so far of the orders that a running simulator placed: the truth."""
    told = run(RunningSimulator(at).ask("/orders"))
    columns = ("at", "seller", "order", "status", "withheld")
    Output(invocation_of(ctx)).items(told["items"], columns=columns)
