"""What Amazon would refuse of a declaration, found before anything is called. Pure.

Sources: Amazon's pages "Notification Type Values", "Filter Notification Subscriptions" and
"Set up notifications with Amazon SQS" and "… with Amazon EventBridge"; the facts of each type are
data in `gateway.notifications.known`. What only Amazon knows is not judged here: the roles of an
application, and whether a seller or a vendor is meant.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.errors import Fault
from gateway.notifications.kinds import EventFilter, NotificationType, Standing, Workflow
from gateway.notifications.known import TYPES
from gateway.subscriptions.declaration import ALL, Declaration, DeclaredDestination, Filters

ORDER_CHANGE = "ORDER_CHANGE"
ANY_OFFER_CHANGED = "ANY_OFFER_CHANGED"
TRACKING = "SHIPMENT_TRACKING_MILESTONE_CHANGED"

_ARN = re.compile(r"arn:aws:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]{1,80}")
_ACCOUNT = re.compile(r"\d{12}")
_ORDER_CHANGE_TYPES = ("OrderStatusChange", "BuyerRequestedChange", "DeliveryTipChange")
_AGGREGATIONS = ("FiveMinutes", "TenMinutes")
_MAX_EXPRESSION = 256
_MAX_NAME = 256
_STANDINGS = {
    Standing.APPLICATION: (
        "comes by itself, to the queue that the developer console names",
        "remove it, and name the queue there",
    ),
    Standing.UNDESCRIBED: ("is not described by Amazon, nobody can subscribe to it", "remove it"),
    Standing.ANNOUNCED: ("is not sent by Amazon yet", "remove it"),
    Standing.WITHDRAWN: ("is not sent by Amazon any more", "remove it"),
}


def check_destination(one: DeclaredDestination, where: str) -> Iterator[Fault]:
    """Yield what is wrong with a declared destination."""
    if len(one.name) > _MAX_NAME:
        yield Fault(where=f"{where}.name", what="is too long", mend="write 256 characters at most")
    bus = (one.aws_region, one.aws_account)
    if (one.arn is None) == (bus == (None, None)):
        yield Fault(
            where=where,
            what="is not exactly one of a queue and an event bus",
            mend="write arn, or aws_region and aws_account",
        )
    elif one.arn is not None:
        yield from _check_arn(one.arn, where)
    elif None in bus or not _ACCOUNT.fullmatch(one.aws_account or ""):
        yield Fault(
            where=where,
            what="an event bus needs a region and an account of twelve digits",
            mend='write aws_region = "us-east-1" and aws_account = "123456789012"',
        )


def check(
    declaration: Declaration, destinations: Mapping[str, DeclaredDestination]
) -> Iterator[Fault]:
    """Yield what is wrong with a declaration."""
    destination = destinations.get(declaration.destination)
    if destination is None:
        names = ", ".join(f'"{name}"' for name in sorted(destinations))
        yield Fault(
            where=f"{declaration.where}.destination",
            what=f'there is no destination "{declaration.destination}"',
            mend=f"write one of {names}" if names else "add it as [[destinations]]",
        )
    if ALL in declaration.types and len(declaration.types) > 1:
        yield _fault(declaration, "type", '"all" stands beside other types', "keep one of the two")
        return
    for name in declaration.types:
        if name != ALL:
            yield from _check_type(name, declaration, destination)
    yield from _check_filters(declaration, destination)


def types_of(
    declaration: Declaration, destination: DeclaredDestination | None
) -> Sequence[NotificationType]:
    """Return the types that a declaration means; unknown ones are left out.

    `all` means what its destination can carry; single shipments only where one is named.
    """
    if declaration.types != (ALL,):
        return [TYPES[name] for name in declaration.types if name in TYPES]
    return [
        kind
        for kind in TYPES.values()
        if kind.subscribable
        and (destination is None or kind.workflow is destination.workflow)
        and (kind.name != TRACKING or declaration.filters.tracking_identifier)
    ]


def version_of(kind: NotificationType, declaration: Declaration) -> str:
    """Return the payload version to subscribe with."""
    return declaration.payload_version or kind.payload_versions[0]


def directive_of(kind: NotificationType, declaration: Declaration) -> Mapping[str, Any] | None:
    """Return the `processingDirective` of a declaration for one type, or None."""
    if declaration.filter_expression is not None:
        return {"filterExpression": declaration.filter_expression}
    fields = _event_filter(kind.name, declaration.filters)
    return {"eventFilter": {"eventFilterType": kind.name, **fields}} if fields else None


def _event_filter(name: str, filters: Filters) -> dict[str, Any]:
    if name == ORDER_CHANGE and filters.order_change_types:
        return {"orderChangeTypes": list(filters.order_change_types)}
    if name == TRACKING and filters.tracking_identifier:
        return {"trackingIdentifier": dict(filters.tracking_identifier)}
    fields: dict[str, Any] = {}
    if name == ANY_OFFER_CHANGED and filters.marketplace_ids:
        fields["marketplaceIds"] = list(filters.marketplace_ids)
    if name == ANY_OFFER_CHANGED and filters.aggregation:
        fields["aggregationSettings"] = {"aggregationTimePeriod": filters.aggregation}
    return fields


def _check_arn(arn: str, where: str) -> Iterator[Fault]:
    if arn.endswith(".fifo"):
        yield Fault(
            where=f"{where}.arn",
            what="is a FIFO queue, which Amazon does not send notifications to",
            mend="create a standard queue and write its ARN",
            kind="fifo",
        )
    elif not _ARN.fullmatch(arn):
        yield Fault(
            where=f"{where}.arn",
            what="is no ARN of a queue that Amazon takes",
            mend='write it as "arn:aws:sqs:eu-west-1:123456789012:my-queue"',
        )


def _check_type(
    name: str, declaration: Declaration, destination: DeclaredDestination | None
) -> Iterator[Fault]:
    kind = TYPES.get(name)
    if kind is None:
        known = [one.name for one in TYPES.values() if one.subscribable]
        close = difflib.get_close_matches(name, known, n=1)
        mend = f'did you mean "{close[0]}"?' if close else "see `gateway notifications types`"
        yield _fault(declaration, "type", f'there is no type "{name}"', mend)
        return
    if not kind.subscribable:
        what, mend = _STANDINGS[kind.standing]
        yield _fault(declaration, "type", f"{name} {what}", mend)
        return
    if destination is not None and kind.workflow is not destination.workflow:
        wanted = "a queue" if kind.workflow is Workflow.SQS else "an event bus"
        what = f'{name} goes to {wanted} only, and "{destination.name}" is none'
        mend = f"name a destination that is {wanted}"
        yield _fault(declaration, "destination", what, mend, kind="workflow")


def _check_filters(
    declaration: Declaration, destination: DeclaredDestination | None
) -> Iterator[Fault]:
    kinds = [kind for kind in types_of(declaration, destination) if kind.subscribable]
    names = {kind.name for kind in kinds}
    yield from _check_values(declaration.filters, declaration)
    for key, owner in _owners(declaration.filters):
        if owner not in names:
            what = f"{key} filters {owner}, which is not subscribed to here"
            yield _fault(declaration, "filter", what, f"remove it, or add {owner} to type")
    if declaration.filter_expression is not None:
        yield from _check_expression(declaration, kinds)
    for kind in kinds:
        yield from _check_version(kind, declaration)
        needs = kind.event_filter is EventFilter.REQUIRED
        if needs and directive_of(kind, declaration) is None:
            key = "order_change_types" if kind.name == ORDER_CHANGE else "tracking_identifier"
            what = f"{kind.name} is refused by Amazon without a filter"
            also = ", or filter_expression" if kind.filter_expression else ""
            mend = f"write filter = {{ {key} = … }}{also}"
            yield _fault(declaration, "filter", what, mend, kind="filter")


def _check_version(kind: NotificationType, declaration: Declaration) -> Iterator[Fault]:
    version = declaration.payload_version
    if version is not None and version not in kind.payload_versions:
        known = ", ".join(f'"{one}"' for one in kind.payload_versions)
        what = f'{kind.name} has no payload version "{version}"'
        yield _fault(declaration, "payload_version", what, f"write one of {known}, or leave it out")


def _check_expression(
    declaration: Declaration, kinds: Sequence[NotificationType]
) -> Iterator[Fault]:
    expression = declaration.filter_expression or ""
    if list(_owners(declaration.filters)):
        what = "stands beside filter, and Amazon takes one of the two"
        yield _fault(declaration, "filter_expression", what, "keep one of them")
    if not 1 <= len(expression) <= _MAX_EXPRESSION:
        what = f"has {len(expression)} characters"
        yield _fault(declaration, "filter_expression", what, "write 1 to 256 characters")
    if len(declaration.types) != 1 or declaration.types == (ALL,):
        what = "is written for the payload of one type, and several are named"
        yield _fault(declaration, "filter_expression", what, "declare each type by itself")
    for kind in kinds:
        if not kind.filter_expression:
            what = f"{kind.name} takes no filter expression"
            mend = "filter in the rule of the event bus" if _on_bus(kind) else "remove it"
            yield _fault(declaration, "filter_expression", what, mend)


def _check_values(filters: Filters, declaration: Declaration) -> Iterator[Fault]:
    for one in filters.order_change_types:
        if one not in _ORDER_CHANGE_TYPES:
            what = f'"{one}" is no order change type'
            yield _fault(declaration, "filter", what, f"write {', '.join(_ORDER_CHANGE_TYPES)}")
    if filters.aggregation is not None and filters.aggregation not in _AGGREGATIONS:
        what = f'"{filters.aggregation}" is no aggregation'
        yield _fault(declaration, "filter", what, f"write {' or '.join(_AGGREGATIONS)}")
    if len(filters.tracking_identifier) > 1:
        what = "tracking_identifier has several ids"
        yield _fault(declaration, "filter", what, "one subscription follows one shipment")


def _owners(filters: Filters) -> Iterator[tuple[str, str]]:
    """Yield each filter that is set, with the type that takes it."""
    if filters.order_change_types:
        yield "order_change_types", ORDER_CHANGE
    if filters.marketplace_ids:
        yield "marketplace_ids", ANY_OFFER_CHANGED
    if filters.aggregation:
        yield "aggregation", ANY_OFFER_CHANGED
    if filters.tracking_identifier:
        yield "tracking_identifier", TRACKING


def _on_bus(kind: NotificationType) -> bool:
    return kind.workflow is Workflow.EVENT_BRIDGE


def _fault(declaration: Declaration, key: str, what: str, mend: str, *, kind: str = "") -> Fault:
    return Fault(where=f"{declaration.where}.{key}", what=what, mend=mend, kind=kind)
