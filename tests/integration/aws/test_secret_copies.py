"""A rotated client secret is copied into Secrets Manager, once, as moto's server sees it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import boto3
import pytest

from gateway.aws.secret_copies import SecretCopies, SecretsManager
from gateway.errors import DependencyError
from gateway.model import Application
from tests.support.emulators import moto_server

PLACE = "spapi/client-secret"


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with moto_server() as url:
        yield url


@pytest.fixture
def theirs(url: str) -> Iterator[object]:
    client = boto3.client("secretsmanager", endpoint_url=url)
    client.create_secret(Name=PLACE, SecretString="the first one")
    yield client
    client.delete_secret(SecretId=PLACE, ForceDeleteWithoutRecovery=True)
    client.close()


def copies(url: str, application: Application) -> SecretCopies:
    async def applications() -> Sequence[Application]:
        return [application, Application(id="other", client_id="c", client_secret="not copied")]

    return SecretCopies(SecretsManager(endpoint_url=url), {"main": PLACE}, applications)


def rotated(secret: str = "the new one") -> Application:
    return Application(
        id="main", client_id="c", client_secret=secret, old_client_secret="the first one"
    )


async def test_what_was_rotated_is_copied_once_by_all_replicas(url, theirs) -> None:
    for _ in range(2):
        chore = copies(url, rotated())
        await chore()
        await chore()
    assert theirs.get_secret_value(SecretId=PLACE)["SecretString"] == "the new one"
    versions = theirs.list_secret_version_ids(SecretId=PLACE, IncludeDeprecated=True)["Versions"]
    assert len(versions) == 2


async def test_a_secret_that_amazon_has_not_replaced_is_left_where_it_is(url, theirs) -> None:
    await copies(url, Application(id="main", client_id="c", client_secret="the new one"))()
    assert theirs.get_secret_value(SecretId=PLACE)["SecretString"] == "the first one"


async def test_a_place_that_is_not_there_is_named_and_the_secret_is_not(url, theirs) -> None:
    async def applications() -> Sequence[Application]:
        return [rotated()]

    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:nowhere-abcdef"
    chore = SecretCopies(SecretsManager(endpoint_url=url), {"main": arn}, applications)
    with pytest.raises(DependencyError) as caught:
        await chore()
    assert "nowhere" in str(caught.value)
    assert "ResourceNotFoundException" in str(caught.value)
    assert "the new one" not in str(caught.value)
