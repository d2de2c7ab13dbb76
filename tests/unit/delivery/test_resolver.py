"""Whose fault it is when a name gives no address."""

import asyncio
import socket
import threading

import pytest

from gateway.delivery.egress import ResolutionError
from gateway.delivery.resolver import SystemResolver
from tests.support.clock import FakeClock

AGAIN = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
NONAME = socket.gaierror(socket.EAI_NONAME, "Name or service not known")


class Names:
    """Stands in for the operating system's look-up."""

    def __init__(self, table):
        self.table = table
        self.asked = []

    def __call__(self, host):
        self.asked.append(host)
        answer = self.table[host]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def resolver_of(clock):
    made = []

    def make(table, **options):
        names = table if callable(table) else Names(table)
        made.append(SystemResolver(clock, canary="canary", ask=names, **options))
        return made[-1], names

    yield make
    for resolver in made:
        resolver.close()


async def fault_of(resolver, host):
    with pytest.raises(ResolutionError) as fault:
        await resolver.lookup(host)
    return fault.value.error_class


async def test_addresses_come_back(resolver_of):
    resolver, _ = resolver_of({"a": ["192.0.2.1", "2001:db8::1"]})
    assert await resolver.lookup("a") == ["192.0.2.1", "2001:db8::1"]


@pytest.mark.parametrize("fault", [NONAME, UnicodeError("label too long")], ids=repr)
async def test_a_name_that_does_not_exist(resolver_of, fault):
    resolver, names = resolver_of({"a": fault})
    assert await fault_of(resolver, "a") == "dns_name"
    assert names.asked == ["a"]


@pytest.mark.parametrize("canary", [["192.0.2.9"], NONAME], ids=["answers", "says no"])
async def test_failing_servers_of_the_name_while_ours_answer(resolver_of, canary):
    resolver, names = resolver_of({"a": AGAIN, "canary": canary})
    assert await fault_of(resolver, "a") == "dns"
    assert names.asked == ["a", "canary"]


async def test_our_servers_failing(resolver_of):
    resolver, _ = resolver_of({"a": AGAIN, "canary": AGAIN})
    assert await fault_of(resolver, "a") == "own_dns"


async def test_a_recent_answer_vouches_for_our_servers_for_a_while(resolver_of, clock):
    resolver, names = resolver_of({"good": ["192.0.2.1"], "a": AGAIN, "canary": AGAIN})
    await resolver.lookup("good")
    clock.advance(9)
    assert await fault_of(resolver, "a") == "dns"
    assert "canary" not in names.asked
    clock.advance(2)
    assert await fault_of(resolver, "a") == "own_dns"


async def test_a_slow_name_holds_one_thread_and_the_others_go_on(resolver_of):
    release = threading.Event()
    asked = []

    def ask(host):
        asked.append(host)
        if host == "slow":
            release.wait(10)
        return ["192.0.2.1"]

    resolver, _ = resolver_of(ask, budget_s=0.5, threads=2)
    try:
        faults = await asyncio.gather(*(fault_of(resolver, "slow") for _ in range(5)))
        assert set(faults) == {"dns"}
        assert asked.count("slow") == 1
        assert await resolver.lookup("quick") == ["192.0.2.1"]
    finally:
        release.set()
