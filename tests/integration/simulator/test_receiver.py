"""The webhook receiver, with requests signed by the package that judges them."""

import asyncio
import datetime as dt
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest
from standardwebhooks import Webhook

from gateway.simulator.receiver import Received, Reply, WebhookReceiver

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
async def receiver() -> AsyncIterator[WebhookReceiver]:
    async with WebhookReceiver(keep=3) as running:
        yield running


def _signed(webhook_id: str, body: str, secret: str = SECRET) -> dict[str, str]:
    now = dt.datetime.fromtimestamp(int(time.time()), dt.UTC)  # noqa: TID251 what it judges by
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(webhook_id, now, body),
    }


async def _post(http: aiohttp.ClientSession, url: str, **options) -> int:
    async with http.post(url, **options) as answer:
        await answer.read()
        return answer.status


async def test_it_keeps_the_last_requests_and_every_id(receiver, http):
    for number in (1, 2, 3, 4, 4):
        headers = {"webhook-id": f"m{number}", "X-Odd": "é"}
        await _post(http, receiver.url("/in"), data=b"\x00\xff", headers=headers)
    assert [kept.webhook_id for kept in receiver.to("/in")] == ["m3", "m4", "m4"]
    tally = receiver.tally("/in")
    assert (tally.requests, dict(tally.ids)) == (5, {"m1": 1, "m2": 1, "m3": 1, "m4": 2})
    last = receiver.requests[-1]
    assert (last.method, last.body, last.headers["x-odd"], last.verified) == (
        "POST",
        b"\x00\xff",
        "é",
        None,
    )
    assert receiver.tally("/other").requests == 0


async def test_it_judges_signatures_by_any_of_the_paths_secrets(receiver, http):
    receiver.trust("/in", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", SECRET)
    await _post(http, receiver.url("/in"), data="{}", headers=_signed("m1", "{}"))
    await _post(http, receiver.url("/in"), data="{ }", headers=_signed("m2", "{}"))
    await _post(http, receiver.url("/in"), data=b"\xff", headers=_signed("m3", "{}"))
    await _post(http, receiver.url("/in"), data="{}")
    odd = {**_signed("m4", "{}"), "webhook-signature": "v1,=== v1"}
    await _post(http, receiver.url("/in"), data="{}", headers=odd)
    tally = receiver.tally("/in")
    assert (tally.verified, tally.rejected) == ({"m1"}, 4)


async def test_it_answers_as_programmed(receiver, http):
    receiver.program("/gone", Reply(status=410, headers={"Retry-After": "5"}, body=b"bye"))
    async with http.post(receiver.url("/gone"), data=b"") as answer:
        assert (answer.status, answer.headers["Retry-After"], await answer.text()) == (
            410,
            "5",
            "bye",
        )

    def second_time_well(received: Received) -> Reply:
        return Reply(status=204 if receiver.tally(received.path).requests else 500)

    receiver.program("/again", second_time_well)
    statuses = [await _post(http, receiver.url("/again"), data=b"") for _ in range(2)]
    assert statuses == [500, 204]
    receiver.program("/cut", Reply(drop=True))
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await _post(http, receiver.url("/cut"), data=b"")


async def test_it_answers_late_or_never_and_still_stops(http):
    async with WebhookReceiver() as receiver:
        receiver.program("/late", Reply(delay_s=0.2))
        began_s = time.perf_counter()
        assert await _post(http, receiver.url("/late"), data=b"") == 200
        assert time.perf_counter() - began_s >= 0.2
        receiver.program("/never", Reply(never=True))
        waiting = asyncio.create_task(_post(http, receiver.url("/never"), data=b""))
        await receiver.until(lambda: receiver.tally("/never").requests == 1)
        began_s = time.perf_counter()
    assert time.perf_counter() - began_s < 3
    with pytest.raises(aiohttp.ClientError):
        await waiting


async def test_waiting_for_requests_ends_in_time(receiver, http):
    waiting = asyncio.create_task(
        receiver.until(lambda: receiver.tally("/in").requests == 2, timeout_s=5)
    )
    for _ in range(2):
        await _post(http, receiver.url("/in"), data=b"")
    await waiting
    with pytest.raises(TimeoutError):
        await receiver.until(lambda: False, timeout_s=0.05)
