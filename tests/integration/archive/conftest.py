"""Commands in a folder of their own, and a bucket of moto's."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from tests.integration.cli.conftest import Gateway, _folder, gateway
from tests.support.emulators import moto_server

__all__ = ["Gateway", "_folder", "gateway"]

BUCKET = "gateway-archives"


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    # It runs in this process: its lines would stand among those of a command.
    logger = logging.getLogger("werkzeug")
    level = logger.level
    logger.setLevel(logging.ERROR)
    with moto_server() as url:
        yield url
    logger.setLevel(level)


@pytest.fixture
def bucket(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    made = boto3.resource("s3", endpoint_url=s3_url, region_name="us-east-1").create_bucket(
        Bucket=BUCKET
    )
    yield made
    made.objects.all().delete()
    made.delete()
