"""`gateway simulate send`: notifications of a type, in numbers, into a queue."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.aws.credentials import Credentials, FixedCredentials
from gateway.aws.factory import open_queue
from gateway.aws.queue import MessageQueue
from gateway.cli.context import run
from gateway.cli.invocation import Invocation, invocation_of
from gateway.cli.output import Output
from gateway.cli.simulate.running import DEFAULT_URL, At, RunningSimulator
from gateway.errors import InvalidInputError
from gateway.simulator.cast import DEFAULT_SELLERS
from gateway.simulator.sending import Batch, make_batch

_AT_ONCE = 10
_ELSEWHERE = "ATVPDKIKX0DER"


def send(  # noqa: PLR0913 the options of a command
    ctx: typer.Context,
    *,
    notification_type: Annotated[str, typer.Argument(help="Such as ORDER_CHANGE.")],
    seller: Annotated[
        list[str] | None,
        typer.Option(
            help="Seller that they are about; repeatable. The simulator's own unless given."
        ),
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="How many different ones.")] = 1,
    rate: Annotated[
        float, typer.Option(min=0, help="Messages a second; 0 is as fast as may be.")
    ] = 0.0,
    duplicates: Annotated[
        float, typer.Option(min=0, max=1, help="Share that is sent once more.")
    ] = 0.0,
    out_of_order: Annotated[
        bool, typer.Option("--out-of-order", help="Send them in another order than they happened.")
    ] = False,
    queue_url: Annotated[
        str | None,
        typer.Option(help="Queue, with AWS's own credentials; the simulator's first unless given."),
    ] = None,
    endpoint_url: Annotated[
        str | None, typer.Option(help="Where requests go instead of the host of --queue-url.")
    ] = None,
    seed: Annotated[int, typer.Option(help="What ids and the untidiness are drawn from.")] = 0,
    at: At = DEFAULT_URL,
) -> None:
    """Send notifications of a type to a queue, as Amazon would."""
    invocation = invocation_of(ctx)
    places = {one.id: one.marketplaces[0] for one in DEFAULT_SELLERS}
    batch = make_batch(
        notification_type,
        {one: places.get(one, _ELSEWHERE) for one in seller or places},
        count=count,
        now_ms=invocation.clock.now_ms(),
        duplicates=duplicates,
        out_of_order=out_of_order,
        seed=seed,
    )
    url = run(_send(invocation, batch, rate, (queue_url, endpoint_url, at)))
    sent = len(batch.bodies)
    Output(invocation).value(
        {"type": notification_type, "sent": sent, "distinct": batch.distinct, "queue_url": url},
        text=f"Sent {sent} messages, {batch.distinct} of them different, to {url}.",
    )


async def _send(
    invocation: Invocation, batch: Batch, rate: float, where: tuple[str | None, str | None, str]
) -> str:
    url, queue = await _opened(*where)
    at_once = _AT_ONCE if rate == 0 or rate >= _AT_ONCE else 1
    began_s = invocation.clock.monotonic_s()
    try:
        for start in range(0, len(batch.bodies), at_once):
            if rate:
                due_s = began_s + start / rate
                await invocation.clock.sleep(max(0.0, due_s - invocation.clock.monotonic_s()))
            await queue.send(batch.bodies[start : start + at_once])
    finally:
        await queue.aclose()
    return url


async def _opened(
    queue_url: str | None, endpoint_url: str | None, at: str
) -> tuple[str, MessageQueue]:
    if queue_url is not None:
        return queue_url, open_queue(queue_url, endpoint_url=endpoint_url)
    urls = (await RunningSimulator(at).ask(""))["queue_urls"]
    if not urls:
        raise InvalidInputError("the simulator has no queue; name one by --queue-url")
    # The local SQS takes any.
    keys = Credentials(access_key="simulator", secret_key="simulator")  # noqa: S106
    credentials = FixedCredentials(keys)
    return urls[0], open_queue(urls[0], region="us-east-1", credentials=credentials)
