"""What Amazon's refusals about destinations and subscriptions mean, and what to do about them.

Amazon tells them apart by status and operation more than by words. Sources: Amazon's page
"Notifications API v1" and what users report of it.
"""

from __future__ import annotations

from gateway.errors import SellerPausedError, SpApiAccessError, SpApiError

_BY_STATUS = {
    ("createSubscription", 400): (
        "Amazon answers so, often without details, where {type} takes the other kind of "
        "destination (queue or event bus), another filter or another payload version"
    ),
    ("createSubscription", 409): (
        "the seller has one of this type and payload version already that is not listed: look "
        "again in some minutes (`gateway subscriptions plan`)"
    ),
    ("createDestination", 400): (
        "Amazon takes standard SQS queues only, and looks whether its account 437568002678 may "
        "send to the queue"
    ),
    ("createDestination", 409): (
        "the queue or AWS account has a destination of another application or region: an AWS "
        "account can have one EventBridge destination"
    ),
    ("deleteDestination", 403): (
        "it has subscriptions: delete them first, or with it (--with-subscriptions)"
    ),
}
_NO_ROLE = (
    "the application lacks the role for {type}, or the seller authorised it before it had it: add "
    "the role, then have the seller authorise again"
)


def explained(exc: SpApiError, notification_type: str | None = None) -> str:
    """Return the refusal with what it means here, as far as that is known."""
    if isinstance(exc, SellerPausedError):
        return str(exc)
    operation = exc.operation.rpartition(".")[2]
    advice = _BY_STATUS.get((operation, exc.status or 0))
    if advice is None and operation == "createSubscription" and isinstance(exc, SpApiAccessError):
        advice = _NO_ROLE
    if advice is None:
        return str(exc)
    return f"{exc}; {advice.format(type=notification_type or 'the type')}"
