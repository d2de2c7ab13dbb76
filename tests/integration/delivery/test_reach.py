"""An endpoint is connected to by the guard's addresses, its certificate verified, nothing sent."""

from __future__ import annotations

import asyncio
import datetime as dt
import socket
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import SystemClock
from gateway.delivery.egress import BlockedAddressError, EgressPolicy, ResolutionError
from gateway.delivery.reach import EndpointUnreachableError, reach
from gateway.delivery.routes import make_route
from gateway.endpoints import ClientCertificate
from tests.integration.delivery.conftest import LOOPBACK, FixedResolver, endpoint
from tests.support.certificates import Authority
from tests.support.receivers import answer, receiver

NAME = "hooks.example.com"
HERE = {NAME: [["127.0.0.1"]]}


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    now = dt.datetime.fromtimestamp(SystemClock().now_ms() / 1000, dt.UTC)
    return Authority(tmp_path, now=now)


async def reached(
    url: str, policy: EgressPolicy = LOOPBACK, *, trust: Any = None, **fields: Any
) -> str:
    route = make_route(endpoint(url, **fields), policy, timeout_s=5.0, ca_file=None)
    return await reach(route, policy, FixedResolver(HERE), trust=trust)


async def test_a_connection_is_opened_and_nothing_is_sent() -> None:
    async with receiver(answer(200)) as got:
        assert await reached(got.url()) == "127.0.0.1"
        while not got.connections:
            await asyncio.sleep(0)
    assert got.requests == []


async def test_a_certificate_is_verified_by_name_and_authority(authority: Authority) -> None:
    async with receiver(answer(200), tls=authority.server(NAME)) as got:
        url = got.url(scheme="https", host=NAME)
        assert await reached(url, trust=authority.trust()) == "127.0.0.1"
        with pytest.raises(EndpointUnreachableError, match="certificate verify failed"):
            await reached(url)
    async with receiver(answer(200), tls=authority.server("other.example.com")) as got:
        url = got.url(scheme="https", host=NAME)
        with pytest.raises(EndpointUnreachableError, match="Hostname mismatch"):
            await reached(url, trust=authority.trust())
    assert got.requests == []


async def test_the_guard_and_the_names_are_asked() -> None:
    async with receiver(answer(200)) as got:
        strict = EgressPolicy(allow_http=True, allowed_ports=["1-65535"])
        with pytest.raises(BlockedAddressError):
            await reached(got.url(), strict)
        with pytest.raises(BlockedAddressError):
            await reached(got.url(host=NAME), strict)
        with pytest.raises(ResolutionError):
            await reached(got.url(host="nowhere.example.com"))
    assert got.connections == 0


async def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(EndpointUnreachableError, match=r"127\.0\.0\.1"):
        await reached(f"http://127.0.0.1:{port}/")


async def test_an_endpoints_own_certificate_is_of_use(authority: Authority) -> None:
    certificate, key = authority.client("gateway")
    shown = ClientCertificate(certificate=certificate, private_key=key)
    async with receiver(answer(200), tls=authority.server(NAME)) as got:
        url = got.url(scheme="https", host=NAME)
        with pytest.raises(EndpointUnreachableError):  # it trusts the system's authorities
            await reached(url, client_certificate=shown)
