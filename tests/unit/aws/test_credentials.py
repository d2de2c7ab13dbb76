"""When the chain of credentials is walked, shared and walked again."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

import pytest
from botocore.exceptions import NoCredentialsError, ProfileNotFound

from gateway.aws.credentials import ChainCredentials, Credentials
from gateway.aws.faults import CallError


class Frozen(NamedTuple):
    access_key: str
    secret_key: str
    token: str | None


class Found:
    """What a walk finds: gives the keys of this moment, or fails to renew them."""

    def __init__(self, *moments: Frozen | Exception) -> None:
        self._moments = list(moments)

    async def get_frozen_credentials(self) -> Frozen:
        moment = self._moments.pop(0) if len(self._moments) > 1 else self._moments[0]
        if isinstance(moment, Exception):
            raise moment
        return moment


class Sessions:
    """Opens a session for each walk; the walks find these, in order."""

    def __init__(self, *walks: Found | Exception | None) -> None:
        self._walks = list(walks)
        self.opened = 0

    def __call__(self) -> Sessions:
        self.opened += 1
        return self

    async def get_credentials(self) -> Found | None:
        await asyncio.sleep(0)
        found = self._walks[min(self.opened, len(self._walks)) - 1]
        if isinstance(found, Exception):
            raise found
        return found


OLD, NEW = Frozen("AK1", "SK1", None), Frozen("AK2", "SK2", "T2")


async def test_one_walk_serves_all_who_wait() -> None:
    sessions = Sessions(Found(OLD))
    source = ChainCredentials(sessions)
    given = await asyncio.gather(*(source.get() for _ in range(20)))
    assert {keys.access_key for keys in given} == {"AK1"}
    assert sessions.opened == 1


async def test_one_failed_walk_serves_all_who_wait_and_the_next_tries_again() -> None:
    sessions = Sessions(None, Found(OLD))
    source = ChainCredentials(sessions)
    given = await asyncio.gather(*(source.get() for _ in range(20)), return_exceptions=True)
    assert all(isinstance(outcome, CallError) for outcome in given)
    assert sessions.opened == 1
    assert (await source.get()).access_key == "AK1"


async def test_a_cancelled_walk_is_walked_anew_by_the_next_who_waits() -> None:
    sessions = Sessions(Found(OLD))
    source = ChainCredentials(sessions)
    first = asyncio.create_task(source.get())
    second = asyncio.create_task(source.get())
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).access_key == "AK1"
    assert sessions.opened == 2


async def test_keys_are_asked_for_each_time_so_that_renewal_shows() -> None:
    source = ChainCredentials(Sessions(Found(OLD, NEW)))
    assert (await source.get()).token is None
    assert await source.get() == Credentials(access_key="AK2", secret_key="SK2", token="T2")


async def test_refused_keys_are_looked_for_again() -> None:
    sessions = Sessions(Found(OLD), Found(NEW))
    source = ChainCredentials(sessions)
    refused = await source.get()
    source.forget(refused)
    assert (await source.get()).access_key == "AK2"
    source.forget(refused)
    assert (await source.get()).access_key == "AK2"
    assert sessions.opened == 2


@pytest.mark.parametrize(
    "trouble",
    [ProfileNotFound(profile="staging"), NoCredentialsError(), RuntimeError("still expired")],
)
async def test_trouble_in_the_chain_is_told_as_credentials(trouble) -> None:
    for sessions in (Sessions(trouble), Sessions(Found(trouble))):
        with pytest.raises(CallError) as caught:
            await ChainCredentials(sessions).get()
        assert caught.value.reason == "credentials"
        assert type(trouble).__name__ in str(caught.value)
        assert caught.value.__cause__ is trouble
