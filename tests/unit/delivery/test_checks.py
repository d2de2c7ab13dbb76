"""What an endpoint may be saved with."""

from __future__ import annotations

import dataclasses

import pytest

from gateway.delivery.checks import InvalidEndpointError, check_endpoint, vet_endpoint
from gateway.delivery.egress import EgressPolicy, ResolutionError
from gateway.endpoints import (
    BasicAuth,
    BearerAuth,
    ClientCertificate,
    Endpoint,
    OAuth2Auth,
    PayloadForm,
)

POLICY = EgressPolicy()
GOOD = Endpoint(
    id="ep_1",
    url="https://hooks.example/in",
    description="Orders",
    tags=("orders", "eu"),
    metadata={"owner": "team a"},
    event_types=("order.*", "*"),
    seller_ids=("A1",),
    marketplace_ids=("A1PA6795UKMFR9",),
    body_filter='data.order.status == "SHIPPED"',
    payload=PayloadForm.THIN,
    headers={"X-Tenant": "7"},
    auth=OAuth2Auth(token_url="https://id.example/token", client_id="c", client_secret="s"),
    timeout_s=20,
    schedule_s=(0, 5, 60),
    max_age_s=3600,
    rate_per_s=10,
    burst=20,
    concurrency=8,
    ordered=True,
    order_max_wait_s=600,
    tenant="t1",
)


class Names:
    def __init__(self, table):
        self._table = table

    async def lookup(self, host):
        if host not in self._table:
            raise ResolutionError(f"{host} does not exist", error_class="dns_name")
        return self._table[host]


def test_a_good_endpoint_passes():
    check_endpoint(GOOD, POLICY)
    check_endpoint(Endpoint(id="ep_2", url="https://hooks.example/in"), POLICY)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"url": "ftp://x.example"}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": "https://0x7f000001/"}, "url"),
        ({"url": "https://user:hunter2@x.example/"}, "url"),
        ({"event_types": ("order changed",)}, "event_types"),
        ({"event_types": ("order.*.x",)}, "event_types"),
        ({"seller_ids": ("",)}, "seller_ids"),
        ({"marketplace_ids": ("a\x00",)}, "marketplace_ids"),
        ({"tags": ("x" * 501,)}, "tags"),
        ({"metadata": {"k": "v" * 501}}, "metadata"),
        ({"metadata": {str(n): "v" for n in range(51)}}, "metadata"),
        ({"tenant": " "}, "tenant"),
        ({"body_filter": "data.x ="}, "body_filter"),
        ({"body_filter": "seller == 1"}, "body_filter"),
        ({"headers": {"webhook-id": "mine"}}, "headers"),
        ({"headers": {"Authorization": "Bearer hunter2"}}, "headers"),
        ({"auth": BasicAuth(username="a:b", password="hunter2")}, "auth"),
        ({"auth": BasicAuth(username="a", password="hunter2\n")}, "auth"),
        ({"auth": BearerAuth(token="hunter2 x")}, "auth.token"),
        ({"auth": BearerAuth(token="")}, "auth.token"),
        (
            {"auth": OAuth2Auth(token_url="https://10.0.0.1/", client_id="c", client_secret="s")},
            "auth.token_url",
        ),
        (
            {"auth": OAuth2Auth(token_url="https://id.example/", client_id="", client_secret="s")},
            "auth",
        ),
        (
            {"client_certificate": ClientCertificate(certificate="hunter2", private_key="hunter2")},
            "client_certificate",
        ),
        ({"timeout_s": 0}, "timeout_s"),
        ({"timeout_s": 301}, "timeout_s"),
        ({"schedule_s": ()}, "schedule_s"),
        ({"schedule_s": (0, -1)}, "schedule_s"),
        ({"max_age_s": 0}, "max_age_s"),
        ({"rate_per_s": 0}, "rate_per_s"),
        ({"rate_per_s": None}, "burst"),
        ({"concurrency": 0}, "concurrency"),
        ({"ordered": False}, "order_max_wait_s"),
    ],
)
def test_each_fault_names_its_member_and_says_what_to_write(changes, where):
    with pytest.raises(InvalidEndpointError) as caught:
        check_endpoint(dataclasses.replace(GOOD, **changes), POLICY)
    assert [fault.where for fault in caught.value.faults] == [where]
    fault = caught.value.faults[0]
    assert fault.what
    assert fault.mend
    assert "hunter2" not in str(caught.value)


def test_all_faults_are_told_at_once():
    broken = dataclasses.replace(
        GOOD, url="https://10.0.0.1/", timeout_s=0, body_filter="(", headers={"host": "x"}
    )
    with pytest.raises(InvalidEndpointError) as caught:
        check_endpoint(broken, POLICY)
    where = {fault.where for fault in caught.value.faults}
    assert where == {"url", "timeout_s", "body_filter", "headers"}


async def test_names_are_resolved_by_the_same_guard():
    public = ["93.184.216.34"]
    notes = await vet_endpoint(GOOD, POLICY, Names({"hooks.example": public, "id.example": public}))
    assert notes == []
    notes = await vet_endpoint(GOOD, POLICY, Names({"hooks.example": public}))
    assert notes == ["id.example does not exist"]
    for table in (
        {"hooks.example": [*public, "10.0.0.1"], "id.example": public},
        {"hooks.example": public, "id.example": ["169.254.169.254"]},
    ):
        with pytest.raises(InvalidEndpointError):
            await vet_endpoint(GOOD, POLICY, Names(table))
