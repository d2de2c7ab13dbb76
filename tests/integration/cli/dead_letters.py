"""A queue with its dead-letter queue for tests of `gateway dlq`, filled and read through boto3."""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Sequence
from typing import Any

import boto3

from tests.support.bodies import ORDER_PAYLOAD, REPORT_PAYLOAD, notification

REGION = "us-east-1"


class Queues:
    """A queue and its dead-letter queue."""

    def __init__(self, endpoint: str, *, fifo: bool = False) -> None:
        self.endpoint = endpoint
        self.sqs = boto3.client(
            "sqs",
            endpoint_url=endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        self.name = f"q-{uuid.uuid4().hex[:8]}"
        self._end = ".fifo" if fifo else ""
        self._kind = {"FifoQueue": "true"} if fifo else {}
        self.dead = self.queue("dead")
        policy = {"deadLetterTargetArn": self.arn(self.dead), "maxReceiveCount": "1"}
        self.main = self.queue("main", RedrivePolicy=json.dumps(policy))

    @property
    def there(self) -> tuple[str, ...]:
        """Options that say where the queues are."""
        return ("--region", REGION, "--endpoint-url", self.endpoint)

    def queue(self, name: str, **attributes: str) -> str:
        """Create another queue of the same kind; return its URL."""
        made = self.sqs.create_queue(
            QueueName=f"{self.name}-{name}{self._end}", Attributes={**self._kind, **attributes}
        )
        return str(made["QueueUrl"])

    def arn(self, url: str) -> str:
        return str(self._attributes(url)["QueueArn"])

    def counts(self, url: str) -> tuple[int, int]:
        """Return how many messages are visible, and how many in flight."""
        found = self._attributes(url)
        return (
            int(found["ApproximateNumberOfMessages"]),
            int(found["ApproximateNumberOfMessagesNotVisible"]),
        )

    def fill(self, url: str, entries: Sequence[dict[str, Any] | str]) -> None:
        """Send messages: bodies, or entries of a batch without their `Id`."""
        whole = [{"MessageBody": each} if isinstance(each, str) else each for each in entries]
        for at in range(0, len(whole), 10):
            batch = [{"Id": str(n), **each} for n, each in enumerate(whole[at : at + 10])]
            answer = self.sqs.send_message_batch(QueueUrl=url, Entries=batch)
            assert len(answer["Successful"]) == len(batch)

    def drain(self, url: str) -> list[dict[str, Any]]:
        """Receive and delete everything that is visible."""
        found: list[dict[str, Any]] = []
        while messages := self._receive(url):
            found += messages
            handles = [
                {"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]}
                for n, each in enumerate(messages)
            ]
            self.sqs.delete_message_batch(QueueUrl=url, Entries=handles)
        return found

    def die(self, url: str) -> None:
        """Let every message of a queue be received once too often for its policy."""
        while messages := self._receive(url):
            for each in messages:
                self.sqs.change_message_visibility(
                    QueueUrl=url, ReceiptHandle=each["ReceiptHandle"], VisibilityTimeout=0
                )

    def _receive(self, url: str) -> list[dict[str, Any]]:
        answer = self.sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        )
        return list(answer.get("Messages", []))

    def _attributes(self, url: str) -> dict[str, str]:
        answer = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        return dict(answer["Attributes"])


def order(number: int, seller: str = "ASELLER1") -> str:
    """Return an order's notification; it holds the postal code 10115."""
    payload = copy.deepcopy(ORDER_PAYLOAD)
    payload["OrderChangeNotification"]["SellerId"] = seller
    return _body("ORDER_CHANGE", payload, f"order-{number}")


def report(number: int) -> str:
    """Return a report's notification."""
    return _body("REPORT_PROCESSING_FINISHED", REPORT_PAYLOAD, f"report-{number}")


def new_secret(secret: str) -> str:
    """Return the notification that brings an application its new client secret."""
    payload = {
        "applicationOAuthClientNewSecret": {
            "clientId": "amzn1.application-oa2-client.1",
            "newClientSecret": secret,
            "newClientSecretExpiryTime": "2027-01-01T00:00:00Z",
            "oldClientSecretExpiryTime": "2026-12-01T00:00:00Z",
        }
    }
    return _body("APPLICATION_OAUTH_CLIENT_NEW_SECRET", payload, "secret-1")


def identity_of(body: str) -> str:
    """Return the notification id in a body that this module made."""
    return str(json.loads(body)["NotificationMetadata"]["NotificationId"])


def _body(type_: str, payload: dict[str, Any], identity: str) -> str:
    metadata = {
        "ApplicationId": "amzn1.sellerapps.app.test",
        "SubscriptionId": "sub-1",
        "PublishTime": "2026-03-01T10:00:02Z",
        "NotificationId": identity,
    }
    return json.dumps(notification(type_, payload, metadata=metadata))
