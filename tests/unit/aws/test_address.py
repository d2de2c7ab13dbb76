"""Queue URLs: read, or refused with what to write instead."""

from __future__ import annotations

import pytest

from gateway.aws.address import account_in, elsewhere, read_address
from gateway.errors import InvalidInputError

PATH = "/123456789012/orders"


@pytest.mark.parametrize(
    ("origin", "region", "endpoint"),
    [
        ("https://sqs.eu-west-1.amazonaws.com", "eu-west-1", None),
        ("https://sqs.us-gov-west-1.amazonaws.com", "us-gov-west-1", None),
        ("https://sqs.cn-north-1.amazonaws.com.cn", "cn-north-1", None),
        ("https://sqs-fips.us-east-2.amazonaws.com", "us-east-2", None),
        ("https://sqs.ap-southeast-1.api.aws", "ap-southeast-1", None),
        ("https://vpce-0a1-b2c.sqs.us-east-1.vpce.amazonaws.com", "us-east-1", None),
        ("https://queue.amazonaws.com", "us-east-1", "https://sqs.us-east-1.amazonaws.com/"),
        (
            "https://eu-west-1.queue.amazonaws.com",
            "eu-west-1",
            "https://sqs.eu-west-1.amazonaws.com/",
        ),
        ("http://sqs.us-east-1.localhost.localstack.cloud:4566", "us-east-1", None),
        (
            "https://SQS.EU-WEST-1.AMAZONAWS.COM",
            "eu-west-1",
            "https://sqs.eu-west-1.amazonaws.com/",
        ),
    ],
)
def test_region_and_endpoint_are_read_from_the_url(origin, region, endpoint) -> None:
    address = read_address(origin + PATH)
    assert (address.name, address.region, address.url) == ("orders", region, origin + PATH)
    assert address.endpoint == (endpoint or f"{origin}/")


@pytest.mark.parametrize(
    ("origin", "where"),
    [
        ("https://sqs.eu-west-1.amazonaws.com", None),
        ("https://vpce-0a1-b2c.sqs.us-east-1.vpce.amazonaws.com", None),
        ("https://QUEUE.amazonaws.com", None),
        ("https://sqs.ap-southeast-1.api.aws", None),
        ("http://127.0.0.1:9324", "http://127.0.0.1:9324"),
        (
            "http://sqs.us-east-1.localhost.localstack.cloud:4566",
            "http://sqs.us-east-1.localhost.localstack.cloud:4566",
        ),
        ("https://amazonaws.com.example", "https://amazonaws.com.example"),
    ],
)
def test_where_a_queue_is_that_is_not_at_aws(origin: str, where: str | None) -> None:
    assert elsewhere(origin + PATH) == where
    assert account_in(origin + PATH) == "123456789012"


def test_an_account_is_named_by_twelve_digits() -> None:
    assert account_in("http://127.0.0.1/queue/orders") is None
    assert account_in("http://127.0.0.1/orders") is None
    assert account_in("http://127.0.0.1/queue/123456789012/orders") == "123456789012"


def test_a_local_url_takes_region_from_the_settings() -> None:
    address = read_address(f"http://127.0.0.1:9324{PATH}", region="eu-west-1")
    assert (address.region, address.endpoint) == ("eu-west-1", "http://127.0.0.1:9324/")


@pytest.mark.parametrize("written", ["http://localhost:4566/base", "http://localhost:4566/base/"])
def test_endpoint_url_wins_over_the_urls_host(written) -> None:
    address = read_address(f"https://sqs.eu-west-1.amazonaws.com{PATH}", endpoint_url=written)
    assert (address.region, address.endpoint) == ("eu-west-1", "http://localhost:4566/base/")


@pytest.mark.parametrize(
    ("url", "more", "says"),
    [
        (f"http://127.0.0.1:9324{PATH}", {}, "set `region`"),
        (f"https://sqs.eu-west-1.amazonaws.com{PATH}.fifo", {}, "standard queue"),
        (f"https://sqs.eu-west-1.amazonaws.com{PATH}", {"region": "us-east-1"}, "contradicts"),
        (f"http://127.0.0.1{PATH}", {"region": "europe"}, "such as eu-west-1"),
        ("https://sqs.eu-west-1.amazonaws.com/", {}, "names no queue"),
        ("arn:aws:sqs:eu-west-1:123456789012:orders", {}, "as SQS shows it"),
        ("orders", {}, "as SQS shows it"),
        ("https://[::1/orders", {}, "no URL"),
        ("http://127.0.0.1:99999/orders", {}, "no URL"),
        (f"https://sqs.eu-west-1.amazonaws.com{PATH}?x=1", {}, "no plain http"),
        (f"https://me:pw@sqs.eu-west-1.amazonaws.com{PATH}", {}, "no plain http"),
        (f"http://sqs.eu-west-1.amazonaws.com{PATH}", {}, "write https"),
        (f"https://sqs.eu-west-1.amazonaws.com{PATH}", {"endpoint_url": "localhost:4566"}, "endp"),
    ],
)
def test_what_cannot_work_is_refused_with_what_to_write(url, more, says) -> None:
    with pytest.raises(InvalidInputError, match=says):
        read_address(url, **more)
