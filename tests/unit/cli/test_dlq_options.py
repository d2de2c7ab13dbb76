"""Which queue a command on dead letters means, and how its options are read."""

from __future__ import annotations

import pytest

from gateway.cli.dlq_options import duration_ms, place_of
from gateway.errors import InvalidInputError
from gateway.settings import Settings

LOCAL = "http://127.0.0.1:4566"
SETTINGS = Settings.model_validate(
    {
        "queues": [
            {"url": f"{LOCAL}/000000000000/orders", "region": "eu-west-1", "endpoint_url": LOCAL},
            {"url": "https://sqs.us-east-1.amazonaws.com/123456789012/offers"},
        ]
    }
)


def test_a_url_beside_a_configured_queue_takes_over_its_region_and_address() -> None:
    url = f"{LOCAL}/000000000000/dead"
    place = place_of(url, SETTINGS, region=None, endpoint_url=None)
    assert (place.url, place.name, place.region) == (url, None, "eu-west-1")
    assert place.endpoint_url is not None
    assert place.endpoint_url.rstrip("/") == LOCAL


def test_a_url_elsewhere_takes_over_nothing() -> None:
    url = "https://sqs.eu-north-1.amazonaws.com/123456789012/dead"
    place = place_of(url, SETTINGS, region=None, endpoint_url=None)
    assert (place.url, place.region, place.endpoint_url) == (url, None, None)


def test_a_name_is_looked_up_beside_the_first_queue_or_where_the_options_say() -> None:
    place = place_of("dead", SETTINGS, region=None, endpoint_url=None)
    assert (place.url, place.name) == (f"{LOCAL}/000000000000/orders", "dead")
    place = place_of("dead", SETTINGS, region="cn-north-1", endpoint_url=None)
    assert place.url.startswith("https://sqs.cn-north-1.amazonaws.com.cn/")
    place = place_of("dead", SETTINGS, region=None, endpoint_url="http://localhost:9324/")
    assert place.url.startswith("http://localhost:9324/")
    with pytest.raises(InvalidInputError, match="--region"):
        place_of("dead", Settings(), region=None, endpoint_url=None)


@pytest.mark.parametrize(
    ("text", "ms"), [("30s", 30_000), ("90m", 5_400_000), ("2h", 7_200_000), ("3d", 259_200_000)]
)
def test_a_time_has_a_unit(text: str, ms: int) -> None:
    assert duration_ms(text, "--older-than") == ms


@pytest.mark.parametrize("text", ["", "5", "-1h", "1.5h", "1h30m", "soon"])
def test_anything_else_is_refused_by_the_name_of_its_option(text: str) -> None:
    with pytest.raises(InvalidInputError, match="--older-than"):
        duration_ms(text, "--older-than")
