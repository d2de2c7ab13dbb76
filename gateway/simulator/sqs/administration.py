"""The operations on queues themselves: make, find, list, configure, tag, purge and delete them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.simulator.sqs.attributes import READABLE
from gateway.simulator.sqs.errors import SqsError, bad_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.simulator.sqs.parameters import Parameters
    from gateway.simulator.sqs.queue import Queue
    from gateway.simulator.sqs.queues import Queues

_PAGE = 1_000


class Administration:
    """Operations on queues; every one takes a request's parameters and returns the answer.

    Each raises `SqsError` for what SQS refuses. `base_url` is what queue URLs begin with.
    """

    def __init__(self, queues: Queues) -> None:
        self._queues = queues

    def create_queue(self, parameters: Parameters, base_url: str) -> dict[str, Any]:
        """CreateQueue."""
        queue = self._queues.create(
            parameters.text("QueueName"), parameters.string_mapping("Attributes")
        )
        queue.tags.update(parameters.string_mapping("tags"))
        return {"QueueUrl": self._queues.url(queue, base_url)}

    def get_queue_url(self, parameters: Parameters, base_url: str) -> dict[str, Any]:
        """GetQueueUrl."""
        queue = self._queues.named(parameters.text("QueueName"))
        return {"QueueUrl": self._queues.url(queue, base_url)}

    def list_queues(self, parameters: Parameters, base_url: str) -> dict[str, Any]:
        """ListQueues."""
        prefix = parameters.optional_text("QueueNamePrefix") or ""
        found = [queue for queue in self._queues.all() if queue.name.startswith(prefix)]
        return self._page(parameters, found, base_url, key="QueueUrls")

    def list_dead_letter_source_queues(
        self, parameters: Parameters, base_url: str
    ) -> dict[str, Any]:
        """ListDeadLetterSourceQueues."""
        sources = self._queues.sources_of(self._queue(parameters))
        return self._page(parameters, sources, base_url, key="queueUrls")

    def delete_queue(self, parameters: Parameters, _base_url: str) -> dict[str, Any]:
        """DeleteQueue."""
        self._queues.delete(self._queue(parameters))
        return {}

    def purge_queue(self, parameters: Parameters, _base_url: str) -> dict[str, Any]:
        """PurgeQueue."""
        self._queue(parameters).purge()
        return {}

    def get_queue_attributes(self, parameters: Parameters, _base_url: str) -> dict[str, Any]:
        """GetQueueAttributes."""
        queue = self._queue(parameters)
        wanted = parameters.texts("AttributeNames")
        for name in wanted:
            if name != "All" and name not in READABLE:
                raise SqsError("InvalidAttributeName", f"Unknown Attribute {name}.")
        shown = _shown(queue)
        if "All" not in wanted:
            shown = {name: value for name, value in shown.items() if name in wanted}
        return {"Attributes": shown} if shown else {}

    def set_queue_attributes(self, parameters: Parameters, _base_url: str) -> dict[str, Any]:
        """SetQueueAttributes."""
        self._queues.configure(self._queue(parameters), parameters.string_mapping("Attributes"))
        return {}

    def tag_queue(self, parameters: Parameters, _base_url: str) -> dict[str, Any]:
        """TagQueue."""
        self._queue(parameters).tags.update(parameters.string_mapping("Tags"))
        return {}

    def untag_queue(self, parameters: Parameters, _base_url: str) -> dict[str, Any]:
        """UntagQueue."""
        tags = self._queue(parameters).tags
        for key in parameters.texts("TagKeys"):
            tags.pop(key, None)
        return {}

    def list_queue_tags(self, parameters: Parameters, _base_url: str) -> dict[str, Any]:
        """ListQueueTags."""
        tags = self._queue(parameters).tags
        return {"Tags": tags} if tags else {}

    def _queue(self, parameters: Parameters) -> Queue:
        return self._queues.at(parameters.text("QueueUrl"))

    def _page(
        self, parameters: Parameters, queues: Sequence[Queue], base_url: str, *, key: str
    ) -> dict[str, Any]:
        """Return one page of queue URLs; the token is the name of the last queue shown."""
        size = parameters.integer("MaxResults", low=1, high=_PAGE, default=_PAGE)
        token = parameters.optional_text("NextToken") or ""
        if token and not parameters.has("MaxResults"):
            raise bad_value("NextToken", token, "MaxResults must be given with it.")
        left = [queue for queue in queues if queue.name > token]
        page: dict[str, Any] = {}
        if left:
            page[key] = [self._queues.url(queue, base_url) for queue in left[:size]]
        if len(left) > size and parameters.has("MaxResults"):
            page["NextToken"] = left[size - 1].name
        return page


def _shown(queue: Queue) -> Mapping[str, str]:
    depth = queue.depth()
    return {
        **queue.attributes.shown(),
        "QueueArn": queue.arn,
        "CreatedTimestamp": str(queue.created_at_ms // 1_000),
        "LastModifiedTimestamp": str(queue.modified_at_ms // 1_000),
        "ApproximateNumberOfMessages": str(depth.visible),
        "ApproximateNumberOfMessagesNotVisible": str(depth.in_flight),
        "ApproximateNumberOfMessagesDelayed": str(depth.delayed),
    }
